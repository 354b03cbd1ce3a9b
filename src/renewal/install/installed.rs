//! What came of an installation.

use crate::bank::{Begins, Policy};
use crate::contents::Credential;
use crate::driver::{Proof, Signed, TokenIdentity};
use crate::error::{Fact, Notice, Warning};
use crate::pki::{Certificate, IssuerContinuity};
use crate::places::OldCertificate;
use crate::renewal::installation::{Installation, NotKept};
use crate::renewal::run::Run;
use jiff::civil::Date;
use serde::Serialize;
use std::time::SystemTime;

/// A credential that was written, read back and has signed.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Installed {
    /// The new credential.
    pub credential: Credential,
    /// What the driver says about the exportability of its key.
    pub proof: Proof,
    /// The credential that it takes the place of, where that is still on the token.
    pub replaced: Option<Credential>,
    /// The certificate that it takes the place of, where that is not on the token: it is where it was, and nothing removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_elsewhere: Option<OldCertificate>,
    /// Who issued it, compared with the one that it takes the place of.
    pub issuer: IssuerContinuity,
    /// What the person should know, though it stopped nothing.
    pub notices: Vec<Warning>,
    /// Whether it was on the token already, complete, so that nothing was written.
    pub was_there: bool,
    /// Whether the certificate is for the old key because the policy says so.
    pub key_reused: bool,
    /// What its key has signed last, where the certificate was written in this session and is there as it was given.
    #[serde(skip)]
    pub(in crate::renewal) signed: Option<Signed>,
    /// By what the new certificate was checked, for the removal of the old one.
    #[serde(skip)]
    pub(in crate::renewal) policy: Policy,
    /// Whether this process has made the key for this very job, or the caller's own records say what was requested for it: no record on
    /// the token has to say what it renews.
    #[serde(skip)]
    pub(in crate::renewal) made_here: bool,
    /// The day in Japan on which it was written, by the computer's clock; of one that was there already, where that is known.
    #[serde(skip)]
    pub(in crate::renewal) written_on: Option<Date>,
    /// The record of an earlier installation, where it was there already.
    #[serde(skip)]
    pub(in crate::renewal) earlier: Option<Installation>,
    /// Those of the response, among which may be the CA's.
    #[serde(skip)]
    pub(in crate::renewal) certificates: Vec<Certificate>,
}

impl Installed {
    /// On which day it was installed, for later processes ([`Run::installations`](crate::Run::installations)), and in whose place, where
    /// this program had ordered it; of one that was there already what is known of its installation, and `None` when nobody knows.
    pub fn record(&self) -> Option<Installation> {
        if self.earlier.is_some() {
            return self.earlier.clone();
        }
        let record = Installation::new(self.credential.certificate(), self.written_on?);
        Some(record.renewing(self.old_certificate().filter(|_| self.made_here), self.issuer))
    }

    /// The certificates of the answer, among which may be the CA's.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The same, after its record was kept where the run keeps such. Where that failed, a bank that counts from the day needs a word.
    /// So it is kept of an old one that is not on this token what took its place.
    pub(super) fn kept(mut self, token: &TokenIdentity, run: &Run<'_>) -> Self {
        if let (Some(old), Some(kept)) = (&self.old_elsewhere, run.removals()) {
            // Where it was there before, nobody has read how it is stored.
            let is_private = self.notices.iter().any(|warning| *warning == Notice::CertificatePrivate);
            let shows = !is_private && !self.was_there;
            kept.note_renewed(old.certificate(), token, self.credential.certificate(), shows);
        }
        let record = self.record();
        let kept = record.map(|record| run.keep_installation(&record, self.credential.certificate()));
        if let Some(Err(NotKept { path, error })) = kept
            && self.policy.begins_to_work == Begins::NextBusinessDay
        {
            let lost = Warning::from(Notice::InstallationNotKept);
            self.notices.push(lost.fact(Fact::Path, path.display()).fact(Fact::Detail, error));
        }
        self
    }

    /// The date in Japan from which on the bank takes the new certificate, where the policy says that it does not at once and
    /// that date has not come yet. Of national holidays those are known that the policy lists.
    pub fn works_from(&self, now: SystemTime) -> Option<Date> {
        let old = self.old_certificate();
        let issued = self.written_on.into_iter().fold(self.credential.not_issued_before(), Date::max);
        self.policy.not_in_use_before(issued, old.map(Certificate::not_after), now)
    }

    fn old_certificate(&self) -> Option<&Certificate> {
        let on_token = self.replaced.as_ref().map(Credential::certificate);
        on_token.or(self.old_elsewhere.as_ref().map(OldCertificate::certificate))
    }
}

#[cfg(test)]
mod tests;
