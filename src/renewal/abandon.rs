//! Abandoning an unfinished job: exactly its pair goes, nothing else.

use super::run::Run;
use crate::contents::{Contents, PendingKey};
use crate::driver::Session;
use crate::error::{Result, Step};

impl Session {
    /// Removes a pending key with its public half, after the key has signed for none of the certificates on the token.
    ///
    /// The public key goes first, the private key last: it carries the record by which an interrupted removal is found
    /// again.
    ///
    /// # Errors
    /// [`Code::PendingOfOther`](crate::error::Code::PendingOfOther) when another caller began the job;
    /// [`Code::Busy`](crate::error::Code::Busy); [`Code::NotPending`](crate::error::Code::NotPending) when the token no
    /// longer holds it as a pending key; [`Code::RemovalDoubtful`](crate::error::Code::RemovalDoubtful) when it is not
    /// certain that the key is ours, or an object is not what it was; [`Code::DestroyFailed`](crate::error::Code::DestroyFailed) when
    /// the token kept something although it said that it was removed; and what the token returns.
    pub fn abandon(&self, pending: &PendingKey, run: &Run<'_>) -> Result<()> {
        self.take_away(pending, false, run)
    }

    /// As [`Session::abandon`], for a key that a person has named by its identifier: it goes although it is doubtful, or
    /// does not sign; then alone.
    ///
    /// # Errors
    /// As [`Session::abandon`].
    pub fn abandon_named(&self, pending: &PendingKey, run: &Run<'_>) -> Result<()> {
        self.take_away(pending, true, run)
    }

    fn take_away(&self, pending: &PendingKey, named: bool, run: &Run<'_>) -> Result<()> {
        self.explained(self.take_away_logged_in(pending, named, run))
    }

    fn take_away_logged_in(&self, pending: &PendingKey, named: bool, run: &Run<'_>) -> Result<()> {
        self.reserve()?;
        run.may_act_on(pending)?;
        run.enter(Step::Abandon)?;
        // Read again: the record decides, and it may have changed since the list was made.
        let removal = Contents::read(self)?.abandonment(self, pending, named)?;
        self.remove(&removal)
    }
}
