//! A short wait without sleep.

use std::time::{Duration, Instant};

/// How long the other side of the sockets is searched for before this one sleeps. To fall asleep and be woken costs each side some 25 µs, in
/// which most drivers in software have answered, and most callers asked the next; one that waits for a device takes a thousand times
/// as long.
const MOMENT: Duration = Duration::from_micros(60);

/// The first moment of a wait.
pub(crate) struct Awake(Option<Instant>);

impl Awake {
    pub(crate) fn new() -> Self {
        Awake(None)
    }

    /// Whether to look again without sleep. Whoever else wants the processor, such as the other side, gets it before.
    pub(crate) fn stays(&mut self) -> bool {
        match self.0 {
            None => self.0 = Some(Instant::now()),
            Some(begun) if begun.elapsed() < MOMENT => std::thread::yield_now(),
            Some(_) => return false,
        }
        true
    }
}
