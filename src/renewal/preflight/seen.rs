//! What is seen of a token before the login.

use std::fmt;

use crate::contents::{Contents, Credentials};
use crate::driver::Token;
use crate::error::Result;
use crate::renewal::renewal::Renewal;
use crate::renewal::run::Run;

/// What is seen of a token before the login, read once: for callers who list what there is and then check one of it.
pub struct BeforeLogin(Contents);

impl fmt::Debug for BeforeLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BeforeLogin").field(&self.0.credentials()).finish()
    }
}

impl BeforeLogin {
    /// Reads it.
    ///
    /// # Errors
    /// What opening the session and reading return.
    pub fn read(token: &Token) -> Result<Self> {
        Contents::read_public(&token.open_public_session()?).map(BeforeLogin)
    }

    #[cfg(test)]
    pub(super) fn made_up(contents: Contents) -> Self {
        BeforeLogin(contents)
    }

    pub(super) fn contents(&self) -> &Contents {
        &self.0
    }

    /// The credentials, without their keys.
    pub fn credentials(&self) -> Credentials {
        self.0.credentials()
    }

    /// Before the login only public keys show themselves. One with our record tells that a job is open, but not how far
    /// it got: a warning, until the private keys are seen.
    pub(super) fn is_waiting(&self, renewal: &Renewal, run: &Run<'_>) -> bool {
        let old = renewal.old_certificate();
        self.0.seems_pending(old, |record| renewal.is_job_of(record, run.caller()))
    }
}
