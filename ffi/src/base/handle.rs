//! Who owns what.
//!
//! A handle that C holds is a number in the shape of a pointer: the key of a row in one table. Nothing is ever
//! read through it, so NULL, a freed handle, a handle of another type and a stray pointer are all simply not in
//! the table. Numbers are odd, which no address of an object is, and are never given twice.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use usbtoken::{Code, Error};

use crate::base::callbacks::Host;
use crate::base::details::Details;
use crate::base::lock::lock;

/// A noun of the C interface: the Rust value that one type of handle stands for.
///
/// The table owns it, and every call that is under way shares it, so a handle that is freed meanwhile takes its
/// value along only when the last of these calls has returned.
pub(crate) trait Noun: Any + Send + Sync + Sized {
    /// The opaque type in C.
    type Opaque;

    /// Whom to tell what goes on: language and callbacks.
    fn host(&self) -> Option<&Host> {
        None
    }
}

/// A value, and the error of the last call on its handle that failed.
struct Row {
    value: Arc<dyn Any + Send + Sync>,
    last_error: Arc<Mutex<Option<Details>>>,
}

/// What a handle stands for, held for the time of a call.
pub(crate) struct Held<T> {
    pub(crate) value: Arc<T>,
    last_error: Arc<Mutex<Option<Details>>>,
}

static TABLE: Mutex<BTreeMap<usize, Row>> = Mutex::new(BTreeMap::new());
static NEXT: AtomicUsize = AtomicUsize::new(1);

/// Takes ownership and returns the handle.
pub(crate) fn give<T: Noun>(value: T) -> Result<*mut T::Opaque, Error> {
    let number = NEXT.fetch_add(2, Ordering::Relaxed);
    // In 32 bits the numbers end after two thousand million handles. None is given twice: a stale one must not
    // come to mean something else.
    if number > usize::MAX - 0x1_0000 {
        NEXT.fetch_sub(2, Ordering::Relaxed);
        return Err(Error::new(Code::OutOfMemory));
    }
    let row = Row { value: Arc::new(value), last_error: Arc::default() };
    lock(&TABLE).insert(number, row);
    Ok(std::ptr::without_provenance_mut(number))
}

/// What the handle stands for; `None` when it is not a living handle of this type.
pub(crate) fn find<T: Noun>(handle: *const T::Opaque) -> Option<Held<T>> {
    let (value, last_error) = {
        let table = lock(&TABLE);
        let row = table.get(&handle.addr())?;
        (Arc::clone(&row.value), Arc::clone(&row.last_error))
    };
    Some(Held { value: value.downcast().ok()?, last_error })
}

/// Ends the handle, when it is a living one of this type.
pub(crate) fn take_back<T: Noun>(handle: *const T::Opaque) {
    let row = {
        let mut table = lock(&TABLE);
        match table.get(&handle.addr()) {
            Some(row) if row.value.is::<T>() => table.remove(&handle.addr()),
            _ => None,
        }
    };
    // Dropped here, outside the lock: closing a session talks to the driver.
    drop(row);
}

/// The last error of a handle of any type; `None` when the handle is not a living one.
pub(crate) fn last_error_of(handle: *const std::ffi::c_void) -> Option<Option<Details>> {
    let slot = lock(&TABLE).get(&handle.addr()).map(|row| Arc::clone(&row.last_error))?;
    let details = lock(&slot).clone();
    Some(details)
}

impl<T> Held<T> {
    pub(crate) fn remember(&self, error: Details) {
        *lock(&self.last_error) = Some(error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Apple(Arc<()>);
    struct Pear;
    enum OpaqueApple {}
    enum OpaquePear {}

    impl Noun for Apple {
        type Opaque = OpaqueApple;
    }
    impl Noun for Pear {
        type Opaque = OpaquePear;
    }

    #[test]
    fn only_a_living_handle_of_the_right_type_is_found() {
        let inside = Arc::new(());
        let apple = give(Apple(Arc::clone(&inside))).unwrap();
        let pear = give(Pear).unwrap();
        assert_ne!(apple.addr(), pear.addr());
        assert!(find::<Apple>(apple).is_some());
        assert!(find::<Apple>(pear.cast()).is_none(), "a pear is no apple");
        assert!(find::<Apple>(std::ptr::null()).is_none());
        assert!(find::<Apple>((&raw const inside).cast()).is_none(), "an address is no handle");

        take_back::<Pear>(apple.cast());
        assert!(find::<Apple>(apple).is_some(), "freed only by its own type");
        take_back::<Apple>(apple);
        assert!(find::<Apple>(apple).is_none());
        take_back::<Apple>(apple);
        assert_eq!(Arc::strong_count(&inside), 1, "the value is gone");
        assert_ne!(give(Pear).unwrap().addr(), apple.addr(), "a number is not given twice");
    }

    #[test]
    fn a_call_under_way_keeps_the_value() {
        let inside = Arc::new(());
        let apple = give(Apple(Arc::clone(&inside))).unwrap();
        let held = find::<Apple>(apple).unwrap();
        take_back::<Apple>(apple);
        assert_eq!(Arc::strong_count(&held.value.0), 2);
        drop(held);
        assert_eq!(Arc::strong_count(&inside), 1);
    }
}
