//! Drivers that are asked again and again, where one that takes its time holds up none of the others.

use super::ask::{DriverTask, Running, start};
use super::left;
use crate::error::Result;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// Calls into drivers, each in a thread of its own. What still runs when this goes is left behind.
pub(super) struct Polls<R> {
    running: Vec<Poll>,
    /// The next one's number.
    number: usize,
    tell: Sender<(usize, R)>,
    told: Receiver<(usize, R)>,
}

struct Poll {
    number: usize,
    driver: PathBuf,
    since: Instant,
    thread: Running,
}

impl<R: Send + 'static> Polls<R> {
    pub(super) fn new() -> Self {
        let (tell, told) = channel();
        Polls { running: Vec::new(), number: 0, tell, told }
    }

    /// Asks a driver.
    ///
    /// # Errors
    /// [`Code::OutOfMemory`](crate::Code::OutOfMemory) when the system gives no thread.
    pub(super) fn ask(&mut self, task: DriverTask<R>) -> Result<()> {
        let (driver, since, number) = (task.driver.clone(), Instant::now(), self.number);
        let thread = start(number, task, self.tell.clone())?;
        self.number = self.number.wrapping_add(1);
        self.running.push(Poll { number, driver, since, thread });
        Ok(())
    }

    /// Those that have not answered, and since when they are asked.
    pub(super) fn running(&self) -> impl Iterator<Item = (&Path, Instant)> {
        self.running.iter().map(|poll| (poll.driver.as_path(), poll.since))
    }

    /// Waits at most so long for the next answer.
    pub(super) fn next(&mut self, longest: Duration) -> Option<R> {
        let (number, result) = self.told.recv_timeout(longest).ok()?;
        for poll in self.running.extract_if(.., |poll| poll.number == number) {
            poll.thread.end(poll.driver);
        }
        Some(result)
    }
}

impl<R> Polls<R> {
    /// Has those that have not answered end, where their drivers have processes of their own: nobody waits for them any more.
    pub(super) fn stop(&mut self) {
        left::stop(self.running.drain(..).filter_map(|poll| poll.thread.end(poll.driver)).collect());
    }
}

impl<R> Drop for Polls<R> {
    fn drop(&mut self) {
        for poll in self.running.drain(..) {
            poll.thread.end(poll.driver);
        }
    }
}
