//! Taking a lock.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A panic while a lock was held leaves nothing half-done in what these locks guard.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
