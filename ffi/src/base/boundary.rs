//! What every exported function goes through: no panic unwinds into C, no thread is cancelled halfway, and an error leaves as a number, with its
//! details kept on the handle.

use std::any::Any;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};

use usbtoken::error::Fact;
use usbtoken::{Code, Error, Result};

use crate::base::args;
use crate::base::callbacks::Level;
use crate::base::cancellation::NotCancelled;
use crate::base::details::Details;
use crate::base::handle::{self, Held, Noun};
use crate::base::status::{USBTOKEN_OK, usbtoken_status};

/// A call on a handle: its errors stay there.
pub(crate) fn on<T: Noun>(handle: *const T::Opaque, work: impl FnOnce(&T) -> Result<()>) -> usbtoken_status {
    match on_with(handle, work) {
        Ok(()) => USBTOKEN_OK,
        Err(code) => code.number().into(),
    }
}

/// As [`on`], for callers that have other numbers than a status.
pub(crate) fn on_with<T: Noun>(
    handle: *const T::Opaque,
    work: impl FnOnce(&T) -> Result<()>,
) -> std::result::Result<(), Code> {
    // What was found may be the last of its kind, and is let go of here.
    let _not_cancelled = NotCancelled::here();
    let held = catch(|| Ok(handle::find::<T>(handle))).map_err(|error| error.code())?;
    let held = held.ok_or(Code::BadHandle)?;
    catch(|| work(&held.value)).map_err(|error| remember(&held, error))
}

/// A call that has no handle yet: nothing but the number is kept.
pub(crate) fn free_standing(work: impl FnOnce() -> Result<()>) -> usbtoken_status {
    match catch(work) {
        Ok(()) => USBTOKEN_OK,
        Err(error) => error.code().number().into(),
    }
}

/// A function that cannot fail: what it reads, or `otherwise` when the handle is not a living one.
pub(crate) fn read<T: Noun, R>(
    handle: *const T::Opaque,
    otherwise: R,
    work: impl FnOnce(&T) -> Option<R>,
) -> R {
    let _not_cancelled = NotCancelled::here();
    let found = catch(|| Ok(handle::find::<T>(handle).and_then(|held| work(&held.value))));
    found.ok().flatten().unwrap_or(otherwise)
}

/// A function that needs no handle and cannot fail.
pub(crate) fn plain<R>(otherwise: R, work: impl FnOnce() -> Option<R>) -> R {
    catch(|| Ok(work())).ok().flatten().unwrap_or(otherwise)
}

/// Makes a value, gives C its handle. The output is written only on success.
pub(crate) fn give<T: Noun>(
    out: Option<&mut MaybeUninit<*mut T::Opaque>>,
    make: impl FnOnce() -> Result<T>,
) -> Result<()> {
    let out = args::required("out", out)?;
    out.write(handle::give(make()?)?);
    Ok(())
}

/// Ends a handle and sets the caller's pointer to NULL.
pub(crate) fn free<T: Noun>(place: Option<&mut *mut T::Opaque>) {
    let _not_cancelled = NotCancelled::here();
    let Some(place) = place else { return };
    let handle = std::mem::replace(place, std::ptr::null_mut());
    // Who frees has no use for an error, and a panic must not leave.
    let _ = catch(|| {
        handle::take_back::<T>(handle);
        Ok(())
    });
}

/// The value of another handle that a call is given.
pub(crate) fn also<T: Noun>(name: &str, handle: *const T::Opaque) -> Result<std::sync::Arc<T>> {
    match handle::find::<T>(handle) {
        Some(held) => Ok(held.value),
        None => Err(Error::new(Code::BadHandle).fact(Fact::Detail, name)),
    }
}

fn remember<T: Noun>(held: &Held<T>, error: Error) -> Code {
    let code = error.code();
    // Telling the host runs the host's code; making sentences runs ours. Neither may unwind.
    let _ = catch(|| {
        let host = held.value.host();
        let error = match host {
            Some(host) => host.orders().name(error),
            None => error,
        };
        let bank = host.and_then(|host| host.bank().cloned());
        if let Some(host) = host {
            let lang = host.lang();
            let report =
                || bank.as_ref().map_or_else(|| error.report(lang), |bank| bank.report(&error, lang));
            host.log(Level::Error, || report().one_line());
        }
        held.remember(Details::of_bank(error, bank));
        Ok(())
    });
    code
}

fn catch<R>(work: impl FnOnce() -> Result<R>) -> Result<R> {
    let _not_cancelled = NotCancelled::here();
    // What a panic leaves behind is either behind a lock that tolerates it, or was never given out.
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(Error::new(Code::Panic).fact(Fact::Detail, message(panic.as_ref()))))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bomb;
    enum OpaqueBomb {}
    impl Noun for Bomb {
        type Opaque = OpaqueBomb;
    }

    #[test]
    fn a_panic_becomes_a_code_and_its_message_a_fact() {
        let bomb = handle::give(Bomb).unwrap();
        let status = on::<Bomb>(bomb, |_| panic!("boom {}", 7));
        assert_eq!(status, i32::from(Code::Panic.number()));
        let details = handle::last_error_of(bomb.cast()).unwrap().unwrap();
        assert!(details.error().facts().any(|(fact, value)| fact == Fact::Detail && value == "boom 7"));
        assert_eq!(read::<Bomb, _>(bomb, 5, |_| panic!("again")), 5);
        assert_eq!(plain(6, || panic!("and again")), 6);
        assert_eq!(free_standing(|| panic!("without a handle")), i32::from(Code::Panic.number()));
        handle::take_back::<Bomb>(bomb);
    }

    #[test]
    fn a_value_whose_end_panics_is_freed_without_unwinding() {
        struct Mine;
        enum OpaqueMine {}
        impl Noun for Mine {
            type Opaque = OpaqueMine;
        }
        impl Drop for Mine {
            fn drop(&mut self) {
                panic!("at the end");
            }
        }
        let mut mine = handle::give(Mine).unwrap();
        free::<Mine>(Some(&mut mine));
        assert!(mine.is_null());
    }
}
