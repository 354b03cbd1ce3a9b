//! A removal that stopped when nothing was left to remove: asked for again, it is done.

use super::{Retire, Retired};
use crate::contents::{Contents, about};
use crate::driver::Session;
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{Certificate, IssuerContinuity};
use crate::renewal::run::Run;
use base16ct::lower::encode_string as hex;

impl Session {
    /// Ends the removal of a certificate that is not on this token any more: what was removed is named by its SHA-256 (in hexadecimal) and by
    /// the CKA_ID under which it stood and the CKA_LABELs that it and its key had (none: any), as [`Run::begun_removals`] or the caller's own records say. The one that takes its place signs once
    /// more, and what was kept of a removal that had begun is kept no longer.
    ///
    /// `None`: it is there still, or may be, and is removed by [`Retire`].
    ///
    /// # Errors
    /// [`Code::CredentialNotFound`] with the reason `follower_not_there` when the one that takes its place is not on the token,
    /// [`Code::RetireNotProven`] when that does not sign; what the token returns.
    pub fn end_removal(
        &self,
        fingerprint: &str,
        (id, labels): (&[u8], &[Vec<u8>]),
        by: &Certificate,
        run: &Run<'_>,
    ) -> Result<Option<Retired>> {
        run.watching(|| {
            self.explained((|| {
                run.enter(Step::Retire)?;
                self.reserve()?;
                ended(self, &mut Contents::read(self)?, (fingerprint, id, labels), by, run)
            })())
        })
    }
}

impl Retire {
    /// The end of a removal of which this computer knows that it has begun, where the very object is not on the token any more.
    ///
    /// # Errors
    /// [`Code::CredentialNotFound`], and those of [`Session::end_removal`].
    pub(super) fn ended(&self, session: &Session, contents: &mut Contents, run: &Run<'_>) -> Result<Retired> {
        let fingerprint = hex(&self.old.certificate().fingerprint());
        let mut begun = run.begun_removals(session.token().identity()).into_iter();
        let ended = match begun.find(|begun| begun.fingerprint == fingerprint) {
            Some(begun) => {
                let done = ended(session, contents, (&fingerprint, &begun.id, &begun.labels), &begun.by, run);
                done.map(|done| done.map(|done| Retired { labels: begun.labels, ..done }))
            }
            None => Ok(None),
        };
        let not_found = || Error::new(Code::CredentialNotFound).during(Step::Retire);
        ended.and_then(|ended| ended.ok_or_else(not_found)).map_err(|error| about(error, &self.old))
    }
}

fn ended(
    session: &Session,
    contents: &mut Contents,
    (fingerprint, id, labels): (&str, &[u8], &[Vec<u8>]),
    by: &Certificate,
    run: &Run<'_>,
) -> Result<Option<Retired>> {
    if !contents.has_gone(fingerprint, id, labels) {
        return Ok(None);
    }
    let name = || format!("{} (serial {})", by.subject(), by.serial());
    let error = |code| Error::new(code).during(Step::Retire).fact(Fact::Candidate, name());
    if !contents.is_there(by) {
        return Err(error(Code::CredentialNotFound).fact(Fact::Reason, "follower_not_there"));
    }
    let successor = contents.shown(session, by)?.ok_or_else(|| error(Code::RetireNotProven))?;
    if let Some(removals) = run.removals() {
        removals.end_removal(fingerprint);
    }
    Ok(Some(Retired {
        successor,
        issuer: IssuerContinuity::NotChecked,
        key_removed: false,
        key_stays: false,
        already_removed: true,
        public_keys_kept: Vec::new(),
        copies: Vec::new(),
        id: id.to_vec(),
        labels: Vec::new(),
    }))
}
