//! Stopping a wait from another thread.

use super::mutex::lock;
use crate::error::{Code, Error, Result, Step};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Stops a wait. Clones are the same: keep one, give the other to the thread that may want to stop it.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<State>);

#[derive(Debug, Default)]
struct State {
    cancelled: Mutex<bool>,
    changed: Condvar,
}

impl Cancel {
    /// One that is not used yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops whatever waits with this, now and later.
    pub fn cancel(&self) {
        *self.lock() = true;
        self.0.changed.notify_all();
    }

    /// Whether it was used.
    pub fn is_cancelled(&self) -> bool {
        *self.lock()
    }

    /// Sleeps until then, or until it is cancelled.
    ///
    /// # Errors
    /// [`Code::Cancelled`].
    pub(crate) fn sleep_until(&self, until: Instant) -> Result<()> {
        let mut cancelled = self.lock();
        while !*cancelled {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            // An hour at a time: a far deadline must not overflow the system's clock.
            let left = left.min(Duration::from_secs(3600));
            cancelled =
                self.0.changed.wait_timeout(cancelled, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Err(Error::new(Code::Cancelled).during(Step::WaitForToken))
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        lock(&self.0.cancelled)
    }
}
