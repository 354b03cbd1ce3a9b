//! What belongs to the application and is as it was when a call goes on: errno, whether its thread can be cancelled,
//! its signals, its standard error. And what an application with another's rights may not be told by its caller.

pub(crate) mod memory;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod portable;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use portable as system;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, TryLockError};

#[cfg(target_os = "linux")]
pub(crate) use system::write_quietly;
pub(crate) use system::{borrowed_rights, remember_stderr, stderr, unload_with};

/// Does work of ours inside a call of the application's: it is not cancelled halfway, errno is the application's
/// again when it is done, and no panic gets out.
///
/// Nothing here is to be dropped once the thread can be cancelled again: that very moment may be the one that ends it.
pub(crate) fn own_work<T>(if_it_panics: T, work: impl FnOnce() -> T) -> T {
    const { assert!(!std::mem::needs_drop::<T>()) };
    let kept = system::Kept::keep();
    let done = caught(if_it_panics, work);
    kept.give_back();
    done
}

/// A function of its own: one that catches cannot be unwound from every instruction, as asynchronous cancellation does.
#[inline(never)]
fn caught<T>(if_it_panics: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(if_it_panics)
}

/// Locks what no one holds for long. `None`: someone does, such as a thread that a fork left behind locked in the
/// child. The caller does without.
pub(crate) fn lock_briefly<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    for _ in 0..10_000 {
        match mutex.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => std::thread::yield_now(),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_does_not_get_out() {
        assert_eq!(own_work(5, || panic!("seen by nobody")), 5);
        assert_eq!(own_work(5, || 7), 7);
    }

    #[test]
    fn a_lock_that_stays_taken_is_given_up() {
        let mutex = Mutex::new(1);
        let held = mutex.lock().unwrap();
        assert!(lock_briefly(&mutex).is_none());
        drop(held);
        assert_eq!(lock_briefly(&mutex).map(|guard| *guard), Some(1));
    }
}
