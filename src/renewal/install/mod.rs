//! Installing the CA's response: find the pending key, check the certificate, write it, prove that it works.

mod beside;
mod check;
mod installed;
mod there;

use self::beside::written_apart;
use self::check::{Asked, Checks};
pub use self::installed::Installed;
use super::begin::{proof_notice, prove};
use super::clock::Clock;
use super::installation::Installation;
use super::pending::{KeyInUse, Pending, RequestedKey};
use super::renewal::not_of_job;
use super::run::Run;
use super::write::{write_and_verify, write_ca_certificates};
use crate::bank::{OldCredential, Policy};
use crate::contents::{Apart, Contents, Credential, Credentials, PendingKey, make_sure_it_is_meant, no_leaf};
use crate::driver::{Present, Proof, Session, StoredCertificate, StoredKey};
use crate::error::{Code, Error, Fact, Notice, Result, Step, Warning};
use crate::pki::{Certificate, Name, Response, Skipped, authorities_of, jst_date};
use crate::places::OldCertificate;

/// A CA's response that is to be installed, and by which policy.
#[derive(Clone, Debug)]
pub struct Install<'a> {
    response: &'a Response,
    policy: Option<&'a Policy>,
    old: Option<&'a OldCertificate>,
    find_old: Option<FindOld<'a>>,
    meant: Option<IsMeant<'a>>,
    by_another: bool,
}

/// Whether a job is the one that the caller means.
#[derive(Clone, Copy)]
struct IsMeant<'a>(&'a (dyn Fn(&PendingKey) -> bool + Sync));

impl std::fmt::Debug for IsMeant<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IsMeant(..)")
    }
}

/// Finds the old certificate of a job again.
#[derive(Clone, Copy)]
struct FindOld<'a>(&'a (dyn Fn(&PendingKey) -> Option<OldCertificate> + Sync));

impl std::fmt::Debug for FindOld<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FindOld(..)")
    }
}

impl<'a> Install<'a> {
    /// Installs this response by the policy that the request was made by; in another process, where that is not known, by
    /// the usual one.
    pub fn new(response: &'a Response) -> Self {
        Install { response, policy: None, old: None, find_old: None, meant: None, by_another: false }
    }

    /// Goes by this policy: in another process by the one that the request was made by. How sure it must be that the key
    /// cannot leave the token may be raised so, never lowered.
    #[must_use]
    pub fn policy(mut self, policy: &'a Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Says which certificate the new one takes the place of, where that is not on the token: in another process than the one
    /// that made the request. The record on the key has to name it ([`Code::OldNotOfJob`]); without it nothing is compared
    /// with the old one ([`Notice::OldNotCompared`]).
    #[must_use]
    pub fn old(mut self, old: &'a OldCertificate) -> Self {
        self.old = Some(old);
        self
    }

    /// Looks so for the certificate that the new one takes the place of, where the key's job renews one that is not on the token and
    /// [`Install::old`] says none. One that the record on the key does not name counts for nothing.
    #[must_use]
    pub fn find_old(mut self, find: &'a (dyn Fn(&PendingKey) -> Option<OldCertificate> + Sync)) -> Self {
        self.find_old = Some(FindOld(find));
        self
    }

    /// Says which jobs are meant, for a response that holds certificates for several that wait. Where none of these is answered, the
    /// others count.
    #[must_use]
    pub fn meant(mut self, is_meant: &'a (dyn Fn(&PendingKey) -> bool + Sync)) -> Self {
        self.meant = Some(IsMeant(is_meant));
        self
    }

    /// Says that the response is a certificate as it was found on the token, where another program has written it: in which form the CA
    /// answered is not known, and not examined.
    #[must_use]
    pub fn written_by_another(mut self) -> Self {
        self.by_another = true;
        self
    }

    /// Installs it: the pending key is found by the public key in the certificate. A response that was installed already
    /// is proven once more, and the token stays as it is ([`Installed::was_there`]); where another program has written it under another
    /// CKA_ID than its key's, it is written beside its key as well ([`Notice::CertificateApart`]). For a page only a job that it began
    /// itself is found.
    ///
    /// # Errors
    /// The family of the CA's answer, each check with its own code, [`Code::AnswerFormUnexpected`] among them;
    /// [`Code::PendingNotFound`],
    /// [`Code::PendingAmbiguous`]; [`Code::OldNotOfJob`]; [`Code::PendingOfOther`] when another caller began the job; [`Code::RequestFinished`]; [`Code::CertificateNotAwaited`] for an old certificate
    /// that is on the token while a request waits; [`Code::ClockImplausible`]; [`Code::KeyExportable`]; and what the
    /// token returns. After any of them the token holds what it held before.
    pub fn run(&self, session: &Session, run: &Run<'_>) -> Result<Installed> {
        let done = run.watching(|| session.explained(self.run_logged_in(session, run)))?;
        Ok(done.kept(session.token().identity(), run))
    }

    fn run_logged_in(&self, session: &Session, run: &Run<'_>) -> Result<Installed> {
        session.reserve()?;
        let response = self.response;
        let policy = self.policy.cloned().unwrap_or_default();
        let job = Job { session, checks: Checks { policy: &policy, response, run } };
        if !self.by_another {
            job.checks.form()?;
        }
        let mut contents = Contents::read(session)?.knowing(run.known());
        let mut pending = contents.pending(session)?;
        pending.retain(|key| run.may_see(key));
        let named_by = session.token().found_by();
        // Where the response is for several that wait, the URI chooses, the caller, or the old certificate from elsewhere.
        let elsewhere = self.old.filter(|old| old.on_token().is_none());
        let is_meant = |key: &&PendingKey| match (self.meant, elsewhere) {
            _ if named_by.names_object() => key.is_named_by(named_by),
            (Some(is_meant), _) => is_meant.0(key),
            (None, Some(old)) => key.renews(old.certificate()),
            (None, None) => false,
        };
        let meant: Vec<PendingKey> = pending.iter().filter(is_meant).cloned().collect();
        let answered = match contents.answered(session, response, &meant)? {
            None => contents.answered(session, response, &pending)?,
            meant => meant,
        };
        let answered = match answered {
            None if !policy.reuses_key() => {
                let mut anew = contents.answered_anew(session, response)?;
                anew.retain(|key| run.may_see(key));
                contents.answered(session, response, &anew)?
            }
            answered => answered,
        };
        if let Some((leaf, key)) = answered {
            run.may_act_on(&key)?;
            if !key.is_named_by(named_by) {
                return Err(key.error(Code::PendingNotFound).fact(Fact::Expected, named_by));
            }
            let (key, elsewhere) = self.with_old(key)?;
            let apart = contents.apart(&leaf, key.id());
            if contents.is_there(&leaf) && !matches!(apart, Some(Apart::Elsewhere(_))) {
                return job.finish_written(&contents, &leaf, &key, elsewhere);
            }
            // It may be there, where the driver does not give it; a second one would be a copy.
            if contents.may_be_certified(&key)
                || contents.has_hidden_certificates() && session.certificates_came(key.id())?
            {
                return Err(key.error(Code::ObjectUnreadable).during(Step::CheckCertificate));
            }
            let compared = elsewhere.is_some() || !key.is_from_elsewhere();
            let key = RequestedKey::Waiting(Box::new(key));
            let mut found = Match::found(leaf, &key, &contents);
            found.old = found.old.or(elsewhere);
            found.notices.extend((!compared).then(|| Notice::OldNotCompared.into()));
            found.notices.extend(apart.and_then(written_apart));
            return job.finish(found);
        }
        let credentials = contents.credentials();
        if let Some(leaf) = contents.already_there(response).cloned() {
            make_sure_it_is_meant(&leaf, credentials, named_by)?;
            return job.confirm(&mut contents, &leaf, &|key| self.with_old(key));
        }
        if policy.reuses_key() {
            let credentials = credentials.named_by(named_by)?;
            let is_requested = |old: &Certificate| run.has_requested(old.public_key(), old);
            let answered = Contents::answered_in_use(response, &credentials, is_requested)?;
            let Some((leaf, old)) = answered else {
                let in_use = credentials.iter().filter(|one| one.private_key().is_ok());
                return Err(no_leaf(response, in_use.map(|one| Some(one.certificate().public_key()))));
            };
            let key = RequestedKey::InUse(Box::new(KeyInUse::of(old)?));
            return job.finish(Match::found(leaf, &key, &contents));
        }
        // Where a request waits, what counts is that this is not its certificate.
        let finished = if pending.is_empty() { finished(response, &credentials) } else { None };
        let open = pending.iter().filter(|key| key.is_open());
        Err(finished.unwrap_or_else(|| no_leaf(response, open.map(PendingKey::public_key))))
    }

    /// The key with the old certificate from elsewhere that its job renews, where one was given.
    fn with_old(&self, key: PendingKey) -> Result<(PendingKey, Option<OldCertificate>)> {
        let Some(old) = self.old.filter(|old| old.on_token().is_none()) else {
            let find = self.find_old.filter(|_| self.old.is_none() && key.is_from_elsewhere());
            let found = find.and_then(|find| find.0(&key)).filter(|old| key.renews(old.certificate()));
            return Ok(match found {
                Some(old) => (key.renewing(old.certificate()), Some(old)),
                None => (key, None),
            });
        };
        if !key.renews(old.certificate()) {
            return Err(not_of_job(&key, old).during(Step::CheckCertificate));
        }
        Ok((key.renewing(old.certificate()), Some(old.clone())))
    }

    /// Installs the response to a request that this process made: no key has to be searched for. A response that was
    /// installed already is proven once more, and the token stays as it is.
    ///
    /// # Errors
    /// As [`Install::run`].
    pub fn run_for(&self, session: &Session, pending: &Pending, run: &Run<'_>) -> Result<Installed> {
        let done = run.watching(|| session.explained(self.run_for_logged_in(session, pending, run)))?;
        Ok(done.kept(session.token().identity(), run))
    }

    fn run_for_logged_in(&self, session: &Session, pending: &Pending, run: &Run<'_>) -> Result<Installed> {
        session.reserve()?;
        let response = self.response;
        let policy = pending.policy_with(self.policy);
        let job = Job { session, checks: Checks { policy: &policy, response, run } };
        job.checks.form()?;
        let public = pending.request().public_key();
        let leaf = response.leaf_for(public).cloned();
        let leaf = leaf.ok_or_else(|| no_leaf(response, [Some(public)]))?;
        let may_be_there = pending.is_installed()
            || session.has_written()
            || policy.old != OldCredential::Keep && session.certificates_came(pending.key_id())?;
        if may_be_there {
            let mut contents = Contents::read(session)?;
            if contents.is_there(&leaf) {
                let elsewhere = pending.old_certificate().filter(|old| old.on_token().is_none());
                return job.confirm(&mut contents, &leaf, &|key| Ok((key, elsewhere.cloned())));
            }
        }
        let half_written = match pending.key().filter(|key| key.half_written().certificate) {
            Some(key) => Contents::read(session)?.half_certificates_of(key),
            None => Vec::new(),
        };
        let installed = job.finish(Match {
            leaf,
            key: pending.requested(),
            subject: Some(pending.request().subject()),
            old: pending.old_certificate().cloned(),
            proof: Some(pending.proof().clone()),
            before: pending.before(),
            begun_here: pending.requested().is_of_this_process(),
            half_written,
            notices: pending.notices().to_vec(),
        })?;
        pending.set_installed();
        Ok(installed)
    }
}

/// The key that a certificate is for, and what is known of its job.
struct Match<'k> {
    leaf: Certificate,
    key: &'k RequestedKey,
    /// The subject that was asked for, where this process made the request.
    subject: Option<&'k Name>,
    old: Option<OldCertificate>,
    proof: Option<Proof>,
    before: Option<&'k Present>,
    /// Whether this process has begun the job.
    begun_here: bool,
    /// What an interrupted installation has left of its certificate.
    half_written: Vec<StoredCertificate>,
    notices: Vec<Warning>,
}

impl<'k> Match<'k> {
    /// A key that was found on the token.
    fn found(leaf: Certificate, key: &'k RequestedKey, contents: &'k Contents) -> Self {
        let before = Some(contents.present().as_ref());
        let half_written = key.waiting().map(|key| contents.half_certificates_of(key)).unwrap_or_default();
        let (subject, proof, old) = (None, None, key.old());
        let begun_here = false;
        Match { leaf, key, subject, old, proof, before, begun_here, half_written, notices: Vec::new() }
    }
}

/// One installation on a session.
struct Job<'a> {
    session: &'a Session,
    checks: Checks<'a>,
}

impl Job<'_> {
    /// Checks the certificate, writes it, and lets its key sign.
    fn finish(&self, found: Match<'_>) -> Result<Installed> {
        let Checks { policy, response, run } = self.checks;
        let Match { leaf, key, subject, old, proof, before, begun_here, half_written, mut notices } = found;
        let (private, public) = key.pair()?;
        run.enter(Step::CheckCertificate)?;
        let asked = Asked { key, old: old.as_ref(), subject };
        let is_requested = |old: &OldCertificate| run.has_requested(public, old.certificate());
        let made_here = begun_here || old.as_ref().is_some_and(is_requested);
        let (leaf, issuer, warnings) = self.checks.choose(leaf, public, &asked)?;
        notices.extend(warnings);
        notices.extend(response.skipped().iter().find(|skipped| skipped.is_loss()).map(Skipped::warning));
        let proof = self.prove(private, proof)?;
        notices.extend(proof_notice(&proof));
        notices.extend(key.is_in_use().then(|| Notice::KeyReused.into()));

        // Before it is written: where this process ends then, a later one knows what the answer has shown.
        let renewed = old.as_ref().filter(|_| made_here).map(OldCertificate::certificate);
        let day = jst_date(Clock::SYSTEM.now());
        run.begin_installation(&Installation::new(&leaf, day).renewing(renewed, issuer));
        // A driver may read another identifier of the private key than programs find it by.
        let misread = match key.waiting().and_then(PendingKey::other_id) {
            Some(id) if self.session.is_misread(private, id)? => Some(id),
            _ => None,
        };
        let id = misread.unwrap_or(&private.id);
        let write = || write_and_verify(self.session, private, &leaf, (id, key.label()), before, run);
        let written = match write() {
            // Some tokens hold one certificate for a key, and half a one is one.
            Err(error) if error.is_refusal() && !half_written.is_empty() => {
                self.session.remove_half_written(&half_written).map_err(|left| left.because_of(error))?;
                write()?
            }
            written => written?,
        };
        notices.extend(written.notices.into_iter().map(Warning::from));
        notices.extend(misread.map(|_| Notice::IdDiffers.into()));
        // The credential is complete, whatever becomes of that.
        let _ = self.session.remove_half_written(&half_written);
        let old = match old {
            Some(old) if key.is_in_use() && !self.is_still_there(old.certificate())? => {
                let notice = Warning::from(Notice::OldCertificateReplaced);
                notices.push(notice.fact(Fact::Serial, old.certificate().serial()));
                None
            }
            old => old,
        };
        // The certificate of a key that is used again has its label, which the old one has too; a token that chooses labels may give
        // two keys the same.
        let is_shared = key.is_in_use() || !self.session.has_taken_label(private, key.label());
        notices.extend(is_shared.then(|| Notice::LabelShared.into()));
        run.report(Step::Complete);
        run.job_ended(self.session.token().identity(), key.waiting());
        // Last, and no reason to fail: the credential is complete.
        let authorities = authorities_of(&leaf, response.certificates());
        if policy.write_ca_certificates && write_ca_certificates(self.session, &authorities).is_err() {
            notices.push(Notice::ChainNotWritten.into());
        }
        notices.sort_unstable();
        notices.dedup_by_key(|warning| warning.notice);
        Ok(Installed {
            credential: Credential::with_key(written.certificate, leaf, private.clone()),
            signed: written.signed,
            proof,
            replaced: old.as_ref().and_then(OldCertificate::on_token).cloned(),
            old_elsewhere: old.filter(|old| old.on_token().is_none()),
            issuer,
            notices,
            key_reused: key.is_in_use(),
            was_there: false,
            made_here,
            written_on: Some(jst_date(Clock::SYSTEM.now())),
            earlier: None,
            policy: policy.clone(),
            certificates: response.certificates().to_vec(),
        })
    }

    /// Some tokens hold one certificate for a key: the new one has then taken the old one's place.
    fn is_still_there(&self, old: &Certificate) -> Result<bool> {
        Ok(Contents::read(self.session)?.is_there(old))
    }

    /// The proof from the request's time stands, unless the driver denied then what must be true: such a driver is
    /// asked again. A key from an earlier process is asked anew. A certificate may have been issued for it, so nothing
    /// destroys it, whatever comes out.
    fn prove(&self, private: &StoredKey, earlier: Option<Proof>) -> Result<Proof> {
        let (required, run) = (self.checks.policy.demanded_proof(), self.checks.run);
        if let Some(proof) = earlier
            && proof.level >= required
            && !proof.evidence.contradicts_generation()
        {
            return Ok(proof);
        }
        run.enter(Step::ProveKey)?;
        let proof = prove(self.session, private, required, run)?;
        if proof.level < required {
            return Err(Error::new(Code::ProofInsufficient)
                .during(Step::ProveKey)
                .fact(Fact::Expected, required)
                .fact(Fact::Found, proof.level));
        }
        Ok(proof)
    }
}

/// Why an answer is for no key that waits, where its key is in use with another certificate.
fn finished(response: &Response, credentials: &Credentials) -> Option<Error> {
    let leaves = || response.certificates().iter().filter(|leaf| !leaf.is_ca());
    let same_key = |one: &&Credential| {
        one.private_key().is_ok() && leaves().any(|leaf| leaf.public_key() == one.certificate().public_key())
    };
    let in_use = credentials.iter().find(same_key)?.certificate();
    let error = Error::new(Code::RequestFinished).during(Step::CheckCertificate);
    Some(
        error
            .fact(Fact::Subject, in_use.subject())
            .fact(Fact::Serial, in_use.serial())
            .fact(Fact::Date, jst_date(in_use.not_after())),
    )
}
