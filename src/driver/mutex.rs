//! Locks of this process.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks it. A panic elsewhere while it was held leaves nothing half-done in what the locks of this crate guard.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
