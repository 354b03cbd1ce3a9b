//! Threads that were left behind in a driver, until they are back.

use crate::driver::{call_now, give_up, lock};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// A thread that was left behind.
#[derive(Clone, Debug)]
pub(super) struct Left {
    driver: PathBuf,
    thread: ThreadId,
    /// A forked child has none of its parent's threads.
    process: u32,
}

/// Those that have not come back. Their drivers are not asked meanwhile: every search would leave one more thread hanging.
static LEFT_BEHIND: Mutex<BTreeMap<PathBuf, Left>> = Mutex::new(BTreeMap::new());

impl Left {
    /// Leaves this thread behind, which works with this driver.
    pub(super) fn behind(driver: PathBuf, thread: ThreadId) -> Self {
        let left = Left { driver, thread, process: std::process::id() };
        lock(&LEFT_BEHIND).insert(left.driver.clone(), left.clone());
        left
    }

    /// The function in which the driver is, where it has a process of its own.
    pub(super) fn call(&self) -> Option<&'static str> {
        call_now(&self.driver, Some(self.thread))
    }

    /// Has the call end in which the thread is. Returns whether it is in one to a driver's process, and may not end by itself: a driver
    /// that is ended has the time for it that it has anywhere.
    fn stop(&self) -> bool {
        self.call() != Some("C_Finalize") && give_up(&self.driver, self.thread)
    }

    fn is_away(&self) -> bool {
        lock(&LEFT_BEHIND).get(&self.driver).is_some_and(|left| left.thread == self.thread)
    }
}

/// Whether a thread was left behind in this driver.
pub(super) fn is_left_behind(driver: &Path) -> bool {
    lock(&LEFT_BEHIND).contains_key(driver)
}

/// The thread that was left behind in this driver has come back.
pub(super) fn is_back(driver: &Path) {
    lock(&LEFT_BEHIND).remove(driver);
}

/// Ends the processes of the drivers in which these threads are, and waits for a moment until they are back.
pub(super) fn stop(mut threads: Vec<Left>) {
    /// How long that takes at most.
    const BACK: Duration = Duration::from_secs(1);
    let begun = Instant::now();
    threads.retain(Left::stop);
    while !threads.is_empty() && begun.elapsed() < BACK {
        thread::sleep(Duration::from_millis(5));
        // One that was between two calls is in the next one.
        threads.retain(|left| left.is_away() && (left.stop() || left.call().is_none()));
    }
}

/// Ends the processes of drivers that searches of this process have left behind: those that were slower than the one with the token
/// that was meant, or whose search was cancelled. Without this they end when their call is done, or at its deadline; C_Finalize has that
/// long all the same. A driver in this process stays where it is.
///
/// The C interface does so when a context is freed.
pub fn end_left_behind() {
    let this = std::process::id();
    let left = lock(&LEFT_BEHIND).values().filter(|left| left.process == this).cloned().collect();
    stop(left);
}
