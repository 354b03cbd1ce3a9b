//! A line to a server that ends at a deadline and when somebody wants to stop.

use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a wait lasts before it is looked whether somebody wants to stop.
const SLICE: Duration = Duration::from_millis(200);

/// Until when something may take, and whether it is still wanted.
#[derive(Clone, Debug)]
pub(super) struct Limit {
    pub(super) deadline: Instant,
    pub(super) stop: Arc<AtomicBool>,
}

/// A TCP connection under such a limit.
pub(super) struct Line {
    stream: TcpStream,
    limit: Limit,
}

impl Limit {
    /// The time that is left.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] when there is none, or nobody waits any more.
    pub(super) fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || self.stop.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(left)
    }

    /// The same limit, or this long from now where that is sooner.
    pub(super) fn at_most(&self, time: Duration) -> Self {
        let soon = Instant::now() + time;
        Limit { deadline: self.deadline.min(soon), stop: Arc::clone(&self.stop) }
    }
}

impl Line {
    pub(super) fn new(stream: TcpStream, limit: Limit) -> Self {
        Line { stream, limit }
    }

    /// Puts it under another limit and returns the one before.
    pub(super) fn set_limit(&mut self, limit: Limit) -> Limit {
        std::mem::replace(&mut self.limit, limit)
    }

    pub(super) fn limit(&self) -> &Limit {
        &self.limit
    }
}

fn is_wait(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.stream.set_read_timeout(Some(self.limit.left()?.min(SLICE)))?;
            match self.stream.read(buffer) {
                Err(error) if is_wait(&error) => {}
                done => return done,
            }
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            self.stream.set_write_timeout(Some(self.limit.left()?.min(SLICE)))?;
            match self.stream.write(bytes) {
                Err(error) if is_wait(&error) => {}
                done => return done,
            }
        }
    }

    /// Whole flights go out at once: of what a server says to the first record of one, before it closes, the rest would
    /// else be answered with a reset, and what it said be lost.
    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        loop {
            self.stream.set_write_timeout(Some(self.limit.left()?.min(SLICE)))?;
            match self.stream.write_vectored(parts) {
                Err(error) if is_wait(&error) => {}
                done => return done,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
