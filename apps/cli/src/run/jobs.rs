//! Jobs on a token that Ctrl-C stops in order.

use usbtoken::renewal::Progress;
use usbtoken::{Finder, Result, Session};

use super::Run;
use crate::process::stop::Stoppable;
use crate::words::Words;

impl Run {
    /// Takes the token for a job and logs in: where another job is at work on it, what waits is not known yet.
    ///
    /// # Errors
    /// [`usbtoken::Code::Busy`] before anyone is asked for a PIN; why there is no token; what the login returns.
    pub fn login_for_job(&self) -> Result<Session> {
        self.login_reserved(self.token()?.reserve()?)
    }

    /// Does a job on a token. Ctrl-C stops it where drivers run in processes of their own, also in a call, and its error says what
    /// is on the token; elsewhere a driver that hangs could not be ended so.
    pub fn job<R>(&self, work: impl FnOnce(usbtoken::Run<'_>) -> R) -> R {
        self.job_telling(&self.progress, work)
    }

    /// Changes the PIN. At the first Ctrl-C it is said that the second one leaves it open which PIN holds.
    pub(super) fn change<R>(&self, work: impl FnOnce(usbtoken::Run<'_>) -> R) -> R {
        self.stoppable(&self.progress, Words::StoppingChange, work)
    }

    /// The same, where somebody else is told of its steps.
    pub fn job_telling<R>(&self, progress: &dyn Progress, work: impl FnOnce(usbtoken::Run<'_>) -> R) -> R {
        self.stoppable(progress, Words::Stopping, work)
    }

    fn stoppable<R>(
        &self,
        progress: &dyn Progress,
        words: Words<'static>,
        work: impl FnOnce(usbtoken::Run<'_>) -> R,
    ) -> R {
        match self.hosted(Finder::new()).is_in_process() {
            Ok(false) => {
                let shown = self.progress;
                let tell = move || shown.stopping(words);
                let stoppable = Stoppable::new(progress, &tell);
                work(self.call().progress(&stoppable))
            }
            _ => work(self.call().progress(progress)),
        }
    }

    /// Logs in. Ctrl-C ends a driver that does not return from it, and the error says that the PIN may have counted.
    pub(super) fn sent<R>(&self, login: impl FnOnce() -> R) -> R {
        self.job(|call| call.watch(login))
    }
}
