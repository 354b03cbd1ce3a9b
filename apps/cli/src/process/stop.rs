//! Ctrl-C, where a call of the library can be stopped: the person is told what was left undone.

use usbtoken::error::Step;
use usbtoken::renewal::Progress;

#[cfg(unix)]
use super::signals::Signals;

/// Progress that is stopped by the signals that end a program. Where they cannot be watched they end it as ever.
pub struct Stoppable<'p> {
    progress: &'p dyn Progress,
    #[cfg(unix)]
    signals: Option<Signals>,
}

impl<'p> Stoppable<'p> {
    /// Watches for them as long as it lives.
    pub fn new(progress: &'p dyn Progress) -> Self {
        Stoppable {
            progress,
            #[cfg(unix)]
            signals: Signals::watch_end().ok(),
        }
    }
}

impl Progress for Stoppable<'_> {
    fn step(&self, step: Step) {
        self.progress.step(step);
    }

    #[cfg(unix)]
    fn is_cancelled(&self) -> bool {
        self.signals.as_ref().is_some_and(|signals| signals.caught().is_some())
    }
}
