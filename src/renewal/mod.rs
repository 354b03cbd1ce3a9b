//! The renewal: a transaction whose only state is on the token.
//!
//! 1. [`Token::credentials`](crate::driver::Token::credentials) lists what is there, without a PIN.
//! 2. [`Renewal::preflight`] says, before anyone is asked for a PIN, whether it can work.
//! 3. [`Renewal::begin`] makes a key pair, proves it and signs the request. From here on the token holds a
//!    *pending key*: a private key with our label. The program may end.
//! 4. [`Install`] (or [`Session::install`](crate::driver::Session::install)) finds the pending key that the
//!    certificate belongs to, checks the certificate, writes it, reads it back and lets the new key sign. Only
//!    then does the key get its final label.
//! 5. [`Session::retire`](crate::driver::Session::retire) removes the old credential, if the bank's policy says
//!    so, and only after its successor has signed.
//!
//! The old credential is not touched before step 5, so it works whatever happens in between.
//! [`Session::pending`](crate::driver::Session::pending) finds what an interrupted run left, to be resumed or
//! abandoned.

mod abandon;
mod begin;
mod choice;
mod clock;
pub(crate) mod install;
pub(crate) mod installed;
mod journal;
pub(crate) mod pending;
pub(crate) mod plan;
mod preflight;
mod retire;
mod write;

pub(crate) use crate::contents::Credential;
pub use crate::contents::{
    Caller, KeyState, PendingKey, PendingState, Renewable, Successor, Unreadable, WhyUnreadable,
};
pub use clock::{Clock, clock_doubt};
pub use journal::{Journal, JournalEntry};
pub use plan::Form;
pub(crate) use plan::Renewal;
pub use preflight::{BeforeLogin, PointResult, Preflight, PreflightPoint};
pub use retire::{Retire, Retired};

use crate::error::{Code, Error, Result, Step};

/// Told of each step as it begins; long work shows progress with it, and can be stopped by it.
pub trait Progress {
    /// This step begins now.
    fn step(&self, step: Step);

    /// Whether to stop before the next step. What was begun is then withdrawn, and the error is
    /// [`Code::Cancelled`]. A call into the driver that is under way is not interrupted.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Begins a step, unless the caller wants to stop.
fn enter(progress: &dyn Progress, step: Step) -> Result<()> {
    if progress.is_cancelled() {
        return Err(Error::new(Code::Cancelled).during(step));
    }
    progress.step(step);
    Ok(())
}

/// Shows nothing.
impl Progress for () {
    fn step(&self, _step: Step) {}
}

impl<F: Fn(Step)> Progress for F {
    fn step(&self, step: Step) {
        self(step);
    }
}
