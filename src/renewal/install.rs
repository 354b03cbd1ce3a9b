//! Installing the CA's answer: find the pending key, check the certificate, write it, prove that it works.

use super::answered::{
    already_installed, find_match, is_pending, no_leaf, not_awaited, on_token, show_that_it_is_the_key,
};
use super::begin::{proof_notice, prove};
use super::clock::{self, Clock};
use super::credential::{Credential, Credentials};
use super::installed::{CheckedBy, Installed};
use super::label::{Job, JobLabel};
use super::pending::{Inventory, Pending, PendingKey, PendingState};
use super::write::{rename, sign_challenge, write_and_verify};
use super::{Progress, choice, enter};
use crate::code::{Code, Fact, Notice, Step};
use crate::driver::{Category, Proof, ProofLevel, Session, StoredCertificate, StoredKey};
use crate::error::{Error, Result, Warning};
use crate::pki::{
    Answer, Certificate, Check, Expectation, IssuerContinuity, Name, PublicKey, Relax, Skipped, SubjectRule,
    another_key_issued, check_chain, issuer_continuity, jst_date, jst_time,
};

/// An answer of a CA, and how to take it.
#[derive(Clone)]
pub struct Install<'a> {
    answer: &'a [u8],
    anchors: Vec<Vec<u8>>,
    ca_certificates: bool,
    subject: SubjectRule,
    relax: Relax,
    reuse_key: bool,
    require_proof: ProofLevel,
    clock: Clock,
    progress: &'a dyn Progress,
}

/// The key that a certificate is for, and what is known of its job.
struct Match<'k> {
    leaf: Certificate,
    key: &'k PendingKey,
    /// The subject that was asked for, where this process made the request.
    subject: Option<Name>,
    old: Option<Credential>,
    proof: Option<Proof>,
    notices: Vec<Warning>,
    key_reused: bool,
}

impl<'a> Install<'a> {
    /// Takes an answer in any form that CAs send.
    pub fn new(answer: &'a [u8]) -> Self {
        Install {
            answer,
            anchors: Vec::new(),
            ca_certificates: false,
            subject: SubjectRule::default(),
            relax: Relax::NONE,
            reuse_key: false,
            require_proof: ProofLevel::Claimed,
            clock: Clock::SYSTEM,
            progress: &(),
        }
    }

    /// Demands a valid chain to one of the given CA certificates (DER).
    #[must_use]
    pub fn anchor(mut self, certificate_der: impl Into<Vec<u8>>) -> Self {
        self.anchors.push(certificate_der.into());
        self
    }

    /// Writes the CA certificates of the answer to the token too.
    #[must_use]
    pub fn with_ca_certificates(mut self) -> Self {
        self.ca_certificates = true;
        self
    }

    /// How far the subject may differ from the old one's; by default the common name may change. What breaks that is
    /// installed with a warning, only [`SubjectRule::Exact`] refuses.
    #[must_use]
    pub fn subject(mut self, rule: SubjectRule) -> Self {
        self.subject = rule;
        self
    }

    /// Relaxes named checks. That the certificate belongs to the key is always checked.
    #[must_use]
    pub fn relax(mut self, relax: Relax) -> Self {
        self.relax = relax;
        self
    }

    /// Accepts a certificate for the key of the old credential.
    #[must_use]
    pub fn reuse_key(mut self) -> Self {
        self.reuse_key = true;
        self
    }

    /// Demands this level of proof; [`ProofLevel::Claimed`] by default, and never less.
    #[must_use]
    pub fn require_proof(mut self, level: ProofLevel) -> Self {
        self.require_proof = level.max(ProofLevel::Claimed);
        self
    }

    /// Takes the time from this clock instead of the computer's; a fixed time stands still.
    #[must_use]
    pub fn at(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Reports each step to this.
    #[must_use]
    pub fn progress(mut self, progress: &'a dyn Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Installs the answer to a request that this process made: no key has to be looked for. An answer that was
    /// installed already is proven once more, and the token stays as it is.
    ///
    /// # Errors
    /// As [`Install::run`].
    pub fn run_for(&self, session: &Session, pending: &Pending) -> Result<Installed> {
        session.reserve()?;
        let answer = self.parse()?;
        let public = pending.request().public_key();
        let leaf = answer.leaf_for(public).cloned();
        let leaf = leaf.ok_or_else(|| no_leaf(&answer, std::slice::from_ref(&pending.key)))?;
        // The token is reserved since the request, so only this session can have installed the answer already.
        if session.has_written(pending.key.id()) {
            let inventory = Inventory::read(session)?;
            if inventory.holds(&leaf) {
                return self.confirm(session, &inventory, &answer, &leaf);
            }
        }
        self.finish(
            session,
            &answer,
            Match {
                leaf,
                key: &pending.key,
                subject: Some(pending.request().subject().clone()),
                old: pending.old.clone(),
                proof: Some(pending.proof.clone()),
                notices: pending.notices.clone(),
                key_reused: pending.key_reused,
            },
        )
    }

    /// Installs an answer, days after the request and in another process if need be: the pending key is found by
    /// the public key in the certificate. An answer that was installed already is proven once more, and the token
    /// stays as it is ([`Installed::was_there`]).
    ///
    /// # Errors
    /// The family of the CA's answer, each check with its own code; [`Code::PendingNotFound`],
    /// [`Code::PendingAmbiguous`]; [`Code::RequestFinished`]; [`Code::CertificateNotAwaited`] for an old certificate
    /// that is on the token while a request waits; [`Code::ClockImplausible`]; [`Code::KeyExportable`]; and what the
    /// token returns. After any of them the token holds what it held before.
    pub fn run(&self, session: &Session) -> Result<Installed> {
        session.reserve()?;
        let answer = self.parse()?;
        let inventory = Inventory::read(session)?;
        let mut pending = inventory.pending();
        if find_match(&answer, &pending)?.is_none() {
            if let Some(leaf) = on_token(&answer, &inventory) {
                return self.confirm(session, &inventory, &answer, leaf);
            }
            if self.reuse_key {
                pending.extend(self.keys_in_use(session, &inventory)?);
            }
        }
        let Some((leaf, key)) = find_match(&answer, &pending)? else {
            let credentials = session.credentials_with(&inventory.keys)?;
            return Err(finished(&answer, &credentials).unwrap_or_else(|| no_leaf(&answer, &pending)));
        };
        if key.public_key().is_none() {
            show_that_it_is_the_key(session, key, &leaf)?;
        }
        let old = self.find_old(session, &inventory, key, &leaf)?;
        let key_reused = !is_pending(key);
        let key = &key.claimed_by(&leaf);
        let (subject, proof, notices) = (None, None, Vec::new());
        self.finish(session, &answer, Match { leaf, key, subject, old, proof, notices, key_reused })
    }

    /// A certificate that is on the token already. The right answer a second time is a success; an old one, given by
    /// mistake while a request waits, is not, and the request goes on waiting.
    fn confirm(
        &self,
        session: &Session,
        inventory: &Inventory,
        answer: &Answer,
        leaf: &Certificate,
    ) -> Result<Installed> {
        enter(self.progress, Step::CheckCertificate)?;
        let credentials = session.credentials_with(&inventory.keys)?;
        let there = credentials.iter().find(|one| one.certificate() == leaf);
        let there = there.ok_or_else(|| already_installed(leaf))?;
        let pending = inventory.pending();
        let waiting: Vec<&PendingKey> =
            pending.iter().filter(|key| key.state() == PendingState::AwaitingAnswer).collect();
        let now = self.clock.now();
        let has_ended = leaf.not_after() < now;
        let serial = leaf.serial().to_string();
        let is_old = has_ended
            || waiting.iter().any(|key| key.concerns() == Some(&serial))
            || credentials.iter().any(|other| {
                other.subject().matches(leaf.subject()) && other.certificate().not_after() > leaf.not_after()
            });
        if is_old && !waiting.is_empty() {
            return Err(waiting.iter().fold(not_awaited(leaf), |error, key| {
                error.fact(Fact::Candidate, format!("{} ({})", crate::hex(key.id()), key.since()))
            }));
        }
        if clock::is_long_past(now, leaf.not_after()) {
            let end = jst_date(leaf.not_after());
            return Err(clock::implausible(now, format_args!("≤ {end}")).during(Step::CheckCertificate));
        }
        if has_ended {
            return Err(already_installed(leaf).fact(Fact::Now, jst_time(now)));
        }
        let private = there.private_key()?;
        let issuer = self.issuer(leaf, answer, None)?;
        let proof = prove(session, private, self.require_proof, self.clock)?;
        enter(self.progress, Step::SignChallenge)?;
        sign_challenge(session, private, leaf)?;
        let mut notices: Vec<Warning> = vec![Notice::AlreadyInstalled.into()];
        notices.extend(
            waiting
                .iter()
                .map(|key| Warning::new(Notice::PendingExists).fact(Fact::Id, crate::hex(key.id()))),
        );
        notices.extend(proof_notice(&proof));
        Ok(Installed {
            credential: there.clone(),
            proof,
            replaced: None,
            issuer,
            notices,
            key_reused: false,
            was_there: true,
            checked_by: self.checked_by(answer),
        })
    }

    fn parse(&self) -> Result<Answer> {
        enter(self.progress, Step::ReadAnswer)?;
        Answer::parse(self.answer).map_err(|error| error.during(Step::ReadAnswer))
    }

    /// The keys of complete credentials, for callers who asked for the old key to be used again.
    fn keys_in_use(&self, session: &Session, inventory: &Inventory) -> Result<Vec<PendingKey>> {
        let credentials = session.credentials_with(&inventory.keys)?;
        let in_use = credentials.iter().filter_map(|credential| {
            let private = credential.private_key().ok()?.clone();
            let serial = credential.certificate().serial().to_string();
            let public = credential.certificate().public_key().clone();
            Some(PendingKey::reused(JobLabel::new(Job::Renews(serial), self.clock.now()), private, public))
        });
        Ok(in_use.collect())
    }

    /// The credential that is renewed, if it is still there. Serial numbers are unique only within one CA: of
    /// several, one with a key is taken, and of those the one whose names are most alike.
    fn find_old(
        &self,
        session: &Session,
        inventory: &Inventory,
        key: &PendingKey,
        leaf: &Certificate,
    ) -> Result<Option<Credential>> {
        let Some(serial) = key.concerns() else { return Ok(None) };
        let credentials = session.credentials_with(&inventory.keys)?.by_serial(serial);
        let other = |one: &&Credential| one.certificate().der() != leaf.der();
        let likely = |one: &&Credential| {
            let (subject, issuer) = (one.subject(), one.certificate().issuer());
            let allowed = SubjectRule::CommonNameMayChange.allows(subject, leaf.subject());
            (
                one.private_key().is_ok(),
                subject.matches(leaf.subject()),
                issuer.matches(leaf.issuer()),
                allowed,
            )
        };
        Ok(credentials.iter().filter(other).max_by_key(likely).cloned())
    }

    fn finish(&self, session: &Session, answer: &Answer, found: Match<'_>) -> Result<Installed> {
        let Match { leaf, key, subject, old, proof, mut notices, key_reused } = found;
        let (private, public) = key.pair()?;
        enter(self.progress, Step::CheckCertificate)?;
        let (leaf, (warnings, issuer)) = choice::passing(answer, leaf, key, public, |leaf| {
            let warnings = self.check(leaf, key, public, old.as_ref(), subject.as_ref())?;
            Ok((warnings, self.issuer(leaf, answer, old.as_ref())?))
        })?;
        notices.extend(warnings);
        notices.extend(issuer_warning(issuer, &leaf, old.as_ref()));
        notices.extend(self.anchored_elsewhere(&leaf, answer, old.as_ref()));
        notices.extend(answer.skipped().iter().find(|skipped| skipped.is_loss()).map(Skipped::warning));
        let proof = self.prove(session, key, private, proof)?;
        notices.extend(proof_notice(&proof));
        notices.extend(key_reused.then(|| Notice::KeyReused.into()));

        let label = final_label(old.as_ref(), &leaf);
        let written = match &key.certificate {
            Some(written) => {
                enter(self.progress, Step::SignChallenge)?;
                sign_challenge(session, private, &leaf)?;
                written.clone()
            }
            None => {
                let (written, notice) = write_and_verify(session, private, &leaf, &label, self.progress)?;
                notices.extend(notice.map(Warning::from));
                written
            }
        };
        self.progress.step(Step::Complete);
        if !key_reused {
            notices.extend(rename(session, key, &label)?.map(Warning::from));
        }
        // Last, and no reason to fail: the credential is complete.
        if self.ca_certificates && write_ca_certificates(session, answer).is_err() {
            notices.push(Notice::ChainNotWritten.into());
        }
        notices.sort_unstable();
        notices.dedup_by_key(|warning| warning.notice());
        Ok(Installed {
            credential: Credential::with_key(written, leaf, private.clone()),
            proof,
            replaced: old,
            issuer,
            notices,
            key_reused,
            was_there: false,
            checked_by: self.checked_by(answer),
        })
    }

    /// What is asked of the certificate itself, without its issuer; returns what a person should know of it.
    fn check(
        &self,
        leaf: &Certificate,
        key: &PendingKey,
        public: &PublicKey,
        old: Option<&Credential>,
        requested: Option<&Name>,
    ) -> Result<Vec<Warning>> {
        let now = self.clock.now();
        let expectation = Expectation {
            public_key: public,
            // A first request leaves its subject in no place but its own: days later there is none to compare with.
            subject: old.map(Credential::subject).or(requested),
            subject_rule: self.subject,
            old: old.map(Credential::certificate),
            now,
        };
        expectation.check(leaf, self.relax).map_err(|error| {
            // No CA issues what has ended before its key was made.
            let end = jst_date(leaf.not_after());
            let ended_before = is_pending(key) && (key.label.day - end).get_days() > 7;
            match error.code() {
                Code::CertificateExpired if ended_before || clock::is_long_past(now, leaf.not_after()) => {
                    clock::implausible(now, format_args!("≤ {end}")).during(Step::CheckCertificate)
                }
                _ => error,
            }
        })?;
        let mut warnings = expectation.warnings(leaf, self.relax);
        if clock::is_too_early(now) {
            warnings.retain(|warning| *warning != Notice::NotYetValid);
            warnings.push(clock::doubtful(now, leaf.not_before()));
        }
        Ok(warnings)
    }

    /// Follows the chain to an anchor, where some were given, else compares the CA keys. A certificate that begins
    /// later than the clock says is followed at its beginning.
    fn issuer(
        &self,
        leaf: &Certificate,
        answer: &Answer,
        old: Option<&Credential>,
    ) -> Result<IssuerContinuity> {
        if !self.anchors.is_empty() {
            let moment = self.clock.now().max(leaf.not_before()).min(leaf.not_after());
            check_chain(leaf, answer.certificates(), &self.anchors, moment)?;
            return Ok(IssuerContinuity::VerifiedByAnchor);
        }
        let on_token = old.map(Credential::authorities).unwrap_or_default();
        let at_hand = answer.certificates().iter().chain(on_token);
        issuer_continuity(leaf, old.map(Credential::certificate), at_hand)
    }

    /// The warning that the anchors which verify the new certificate are not the CA that issued the old one, where that
    /// is known.
    fn anchored_elsewhere(
        &self,
        leaf: &Certificate,
        answer: &Answer,
        old: Option<&Credential>,
    ) -> Option<Warning> {
        let old = old.filter(|_| !self.anchors.is_empty())?;
        let anchors = self.anchors.iter().filter_map(|der| Certificate::from_der(der).ok());
        let anchors: Vec<Certificate> = anchors.collect();
        let at_hand = answer.certificates().iter().chain(old.authorities()).chain(&anchors);
        another_key_issued(leaf, old.certificate(), at_hand).then(|| another_issuer(old.certificate(), leaf))
    }

    fn checked_by(&self, answer: &Answer) -> CheckedBy {
        let subject = if self.relax.contains(Check::Subject) { SubjectRule::Any } else { self.subject };
        CheckedBy { subject, anchors: self.anchors.clone(), certificates: answer.certificates().to_vec() }
    }

    /// The proof from the request's time stands, unless the driver denied then what must be true: such a driver is
    /// asked again. A key from an earlier process is asked anew, and destroyed when it could leave the token.
    fn prove(
        &self,
        session: &Session,
        key: &PendingKey,
        private: &StoredKey,
        earlier: Option<Proof>,
    ) -> Result<Proof> {
        if let Some(proof) = earlier
            && proof.level >= self.require_proof
            && !proof.evidence.contradicts_generation()
        {
            return Ok(proof);
        }
        enter(self.progress, Step::ProveKey)?;
        let proof = match prove(session, private, self.require_proof, self.clock) {
            Err(error) if error.code() == Code::KeyExportable && is_pending(key) => {
                session.remove(key, Step::ProveKey)?;
                return Err(error);
            }
            proof => proof?,
        };
        if proof.level < self.require_proof {
            return Err(Error::new(Code::ProofInsufficient)
                .during(Step::ProveKey)
                .fact(Fact::Expected, self.require_proof.name())
                .fact(Fact::Found, proof.level.name()));
        }
        Ok(proof)
    }
}

impl Session {
    /// Installs an answer with the usual checks; [`Install`] has the others.
    ///
    /// # Errors
    /// As [`Install::run`].
    pub fn install(&self, answer: &[u8]) -> Result<Installed> {
        Install::new(answer).run(self)
    }
}

/// What a person should know of the issuer; of one that is shown to be the old one's, nothing.
fn issuer_warning(issuer: IssuerContinuity, leaf: &Certificate, old: Option<&Credential>) -> Option<Warning> {
    match (issuer, old) {
        (IssuerContinuity::VerifiedByAnchor | IssuerContinuity::SameIssuer, _) => None,
        (IssuerContinuity::AnotherIssuer, Some(old)) => Some(another_issuer(old.certificate(), leaf)),
        (IssuerContinuity::AnotherIssuer | IssuerContinuity::NotChecked, _) => {
            Some(Notice::ChainNotChecked.into())
        }
    }
}

fn another_issuer(old: &Certificate, new: &Certificate) -> Warning {
    Warning::new(Notice::AnotherIssuer)
        .fact(Fact::Expected, old.issuer_and_key())
        .fact(Fact::Found, new.issuer_and_key())
}

/// Why an answer is for no key that waits, where its key is in use with another certificate.
fn finished(answer: &Answer, credentials: &Credentials) -> Option<Error> {
    let leaves = || answer.certificates().iter().filter(|leaf| !leaf.is_ca());
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

/// The label that the old credential has, so that programs which choose by label go on to work; for a first one
/// the common name.
fn final_label(old: Option<&Credential>, leaf: &Certificate) -> String {
    let old = old.map(Credential::label).filter(|label| !label.is_empty());
    let name = || leaf.subject().common_name().map_or_else(|| leaf.subject().to_string(), str::to_owned);
    old.map_or_else(name, str::to_owned)
}

/// Writes the CA certificates that are not on the token yet, without a key and so with an identifier of their own.
fn write_ca_certificates(session: &Session, answer: &Answer) -> Result<()> {
    let present: Vec<StoredCertificate> = session.certificates()?;
    let missing = |ca: &&Certificate| ca.is_ca() && !present.iter().any(|stored| stored.der == ca.der());
    for ca in answer.certificates().iter().filter(missing) {
        let label = ca.subject().common_name().unwrap_or("CA").to_owned();
        let (written, _) =
            session.write_certificate(ca, Category::Authority, &ca.public_key().key_id(), &label)?;
        if let Err(error) = session.read_back(&written) {
            session.destroy_certificate(&written, Step::WriteCertificate)?;
            return Err(error);
        }
    }
    Ok(())
}
