//! A certificate that is on the token already.

use super::beside::WithOld;
use super::check::Checks;
use super::{Installed, Job};
use crate::contents::{Apart, Contents, Credential, PendingKey, about, already_installed, not_awaited};
use crate::driver::Proof;
use crate::error::{Code, Error, Fact, Notice, Result, Step, Warning};
use crate::pki::{Certificate, IssuerContinuity, jst_date, jst_time};
use crate::places::OldCertificate;
use crate::renewal::begin::{proof_notice, prove};
use crate::renewal::clock::{self, Clock};
use crate::renewal::write::sign_challenge;
use base16ct::lower::encode_string as hex;

impl Job<'_> {
    /// The certificate was written, and the job stopped before it was seen that the key signs for it. A key that does not
    /// sign takes its certificate along, as when it is written.
    pub(super) fn finish_written(
        &self,
        contents: &Contents,
        leaf: &Certificate,
        key: &PendingKey,
        old_elsewhere: Option<OldCertificate>,
    ) -> Result<Installed> {
        let Checks { policy, run, .. } = self.checks;
        let (private, _) = key.pair()?;
        let issuer = self.checks.issuer(leaf, None)?;
        let proof = prove(self.session, private, policy.demanded_proof(), run)?;
        run.enter(Step::SignChallenge)?;
        let written = contents.stored_certificates().find(|one| *one.der == *leaf.der());
        let written = written.ok_or_else(|| already_installed(leaf))?.clone();
        if let Err(error) = sign_challenge(self.session, private, leaf) {
            let ours = written.label.bytes().starts_with(key.record().label());
            let bad = error.code() == Code::SignatureInvalid && ours;
            return Err(if bad {
                error.after_clean_up(self.session.take_back(&written, None))
            } else {
                error
            });
        }
        let mut notices: Vec<Warning> = vec![Notice::AlreadyInstalled.into()];
        notices.extend(proof_notice(&proof));
        let credential = Credential::with_key(written, leaf.clone(), private.clone());
        Ok(Installed {
            replaced: key.old_credential().unwrap_or_default(),
            old_elsewhere,
            written_on: Some(jst_date(Clock::SYSTEM.now())),
            ..self.there(credential, proof, issuer, notices)
        })
    }

    /// What there is to say of a certificate that was on the token already.
    fn there(
        &self,
        credential: Credential,
        proof: Proof,
        issuer: IssuerContinuity,
        notices: Vec<Warning>,
    ) -> Installed {
        let run = self.checks.run;
        let written_on = run.installed_on(credential.certificate());
        let earlier = run.installation(credential.certificate());
        Installed {
            credential,
            proof,
            replaced: None,
            old_elsewhere: None,
            issuer,
            notices,
            key_reused: false,
            was_there: true,
            made_here: false,
            written_on,
            earlier,
            signed: None,
            policy: self.checks.policy.clone(),
            certificates: self.checks.response.certificates().to_vec(),
        }
    }

    /// A certificate that is on the token already. The right answer a second time is a success; an old one, given by
    /// mistake while a request waits, is not, and the request goes on waiting.
    pub(super) fn confirm(
        &self,
        contents: &mut Contents,
        leaf: &Certificate,
        with_old: WithOld<'_>,
    ) -> Result<Installed> {
        let Checks { policy, run, .. } = self.checks;
        run.enter(Step::CheckCertificate)?;
        let pending = contents.pending(self.session)?;
        let waiting: Vec<&PendingKey> = pending.iter().filter(|key| key.is_open()).collect();
        let now = run.now();
        let has_ended = leaf.not_after() < now;
        let credentials = contents.credentials();
        let is_old = has_ended
            || waiting.iter().any(|key| key.renews(leaf))
            || credentials.iter().any(|other| {
                other.subject().has_same_attributes(leaf.subject())
                    && other.certificate().not_after() > leaf.not_after()
            });
        if is_old && !waiting.is_empty() {
            return Err(waiting.iter().fold(not_awaited(leaf), |error, key| {
                error.fact(Fact::Candidate, format!("{} ({})", hex(key.id()), key.since()))
            }));
        }
        if clock::is_long_past(now, leaf.not_after()) {
            let end = jst_date(leaf.not_after());
            return Err(clock::implausible(now, format_args!("≤ {end}")).during(Step::CheckCertificate));
        }
        if has_ended {
            return Err(already_installed(leaf).fact(Fact::Now, jst_time(now)));
        }
        let (beside, has_dropped) = self.write_beside(contents, leaf, with_old)?;
        if let Some(installed) = beside {
            return Ok(installed);
        }
        let issuer = self.checks.issuer(leaf, None)?;
        run.enter(Step::SignChallenge)?;
        let there = contents.shown(self.session, leaf)?.ok_or_else(|| {
            let there = credentials.iter().find(|one| one.certificate() == leaf);
            there.map_or_else(
                || already_installed(leaf),
                |there| about(Error::new(Code::KeyMissing).during(Step::SignChallenge), there),
            )
        })?;
        let proof = prove(self.session, there.private_key()?, policy.demanded_proof(), run)?;
        let mut notices: Vec<Warning> = vec![Notice::AlreadyInstalled.into()];
        notices.extend(
            waiting.iter().map(|key| Warning::from(Notice::PendingExists).fact(Fact::Id, hex(key.id()))),
        );
        notices.extend(proof_notice(&proof));
        let has_dropped =
            has_dropped || contents.apart(leaf, &there.private_key()?.id) == Some(Apart::Dropped);
        notices.extend(has_dropped.then(|| Notice::IdDiffers.into()));
        Ok(self.there(there, proof, issuer, notices))
    }
}
