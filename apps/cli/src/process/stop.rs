//! Ctrl-C, where a call of the library can be stopped: the person is told what was left undone.

use usbtoken::error::Step;
use usbtoken::renewal::Progress;

#[cfg(unix)]
use super::signals::Signals;

/// Progress that is stopped by the signals that end a program, and by the second of them at once. Where they cannot be watched they
/// end it as ever.
pub struct Stoppable<'p> {
    progress: &'p dyn Progress,
    /// Says that a call is waited for all the same.
    #[cfg(unix)]
    tell: &'p (dyn Fn() + Send + Sync),
    #[cfg(unix)]
    signals: Option<Signals>,
    /// How often it was asked for after a signal.
    #[cfg(unix)]
    asked: std::sync::atomic::AtomicUsize,
}

impl<'p> Stoppable<'p> {
    /// Watches for them as long as it lives. `tell` says that a call is waited for all the same.
    #[cfg_attr(not(unix), allow(unused_variables, reason = "only Unix reports Ctrl-C"))]
    pub fn new(progress: &'p dyn Progress, tell: &'p (dyn Fn() + Send + Sync)) -> Self {
        Stoppable {
            progress,
            #[cfg(unix)]
            tell,
            #[cfg(unix)]
            signals: Signals::watch_end().ok(),
            #[cfg(unix)]
            asked: std::sync::atomic::AtomicUsize::new(0),
        }
    }
}

impl Progress for Stoppable<'_> {
    fn step(&self, step: Step) {
        self.progress.step(step);
    }

    #[cfg(unix)]
    fn is_cancelled(&self) -> bool {
        let is_caught = self.signals.as_ref().is_some_and(|signals| signals.caught().is_some());
        // Between two calls once is enough. Asked again: the driver has not returned yet.
        if is_caught && self.asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 1 {
            (self.tell)();
        }
        is_caught
    }
}
