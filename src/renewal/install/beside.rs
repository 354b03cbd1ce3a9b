//! A certificate that another program has written under another CKA_ID than its key's, or whose identifier a driver has dropped.

use super::{Installed, Job, Match};
use crate::contents::{Apart, Contents, PendingKey};
use crate::error::{Fact, Notice, Result, Warning};
use crate::pki::Certificate;
use crate::places::OldCertificate;
use crate::renewal::pending::RequestedKey;
use base16ct::lower::encode_string as hex;

/// The key of a job with the old certificate from elsewhere that it renews.
pub(super) type WithOld<'a> = &'a dyn Fn(PendingKey) -> Result<(PendingKey, Option<OldCertificate>)>;

/// That it was written beside its key though another program has written it apart.
pub(super) fn written_apart(apart: Apart) -> Option<Warning> {
    match apart {
        Apart::Elsewhere(id) => Some(Warning::from(Notice::CertificateApart).fact(Fact::Id, hex(&id))),
        Apart::Dropped => None,
    }
}

impl Job<'_> {
    /// Writes a certificate that another program has written apart from the key of our job beside that key too; what is there stays. With it,
    /// whether the driver did not keep the identifier: then nothing was written.
    pub(super) fn write_beside(
        &self,
        contents: &mut Contents,
        leaf: &Certificate,
        with_old: WithOld<'_>,
    ) -> Result<(Option<Installed>, bool)> {
        let key = contents.job_apart(self.session, leaf)?;
        let Some(key) = key.filter(|key| self.checks.run.may_see(key)) else { return Ok((None, false)) };
        self.checks.run.may_act_on(&key)?;
        let apart = contents.apart(leaf, key.id());
        let (key, elsewhere) = with_old(key)?;
        let compared = elsewhere.is_some() || !key.is_from_elsewhere();
        let key = RequestedKey::Waiting(Box::new(key));
        let mut found = Match::found(leaf.clone(), &key, contents);
        found.old = found.old.or(elsewhere);
        found.notices.extend((!compared).then(|| Notice::OldNotCompared.into()));
        found.notices.extend(apart.and_then(written_apart));
        let installed = self.finish(found)?;
        if !installed.notices.iter().any(|warning| *warning == Notice::IdDiffers) {
            return Ok((Some(installed), false));
        }
        self.session.remove_copies(leaf.der(), contents.present())?;
        Ok((None, true))
    }
}
