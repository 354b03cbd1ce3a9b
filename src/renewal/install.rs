//! Installing the CA's answer: find the pending key, check the certificate, write it, prove that it works.

use base16ct::lower::encode_string as hex;

use super::begin::{proof_notice, prove};
use super::clock::{self, Clock};
use super::installed::{CheckedBy, Installed};
use super::pending::Pending;
use super::write::{sign_challenge, write_and_verify};
use super::{Progress, choice, enter};
use crate::contents::{
    Caller, Contents, Credential, Credentials, PendingKey, Record, about, already_installed, no_leaf,
    not_awaited,
};
use crate::driver::{Category, Present, Proof, ProofLevel, Session, StoredKey};
use crate::error::{Code, Error, Fact, Notice, Result, Step, Warning};
use crate::pki::{
    Certificate, Check, Expectation, IssuerContinuity, Name, PublicKey, Relax, Response, Skipped,
    SubjectRule, another_key_issued, authorities_of, check_chain, issuer_continuity, jst_date, jst_time,
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
    by: Option<Caller>,
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
    require_proof: ProofLevel,
    before: Option<&'k Present>,
    notices: Vec<Warning>,
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
            by: None,
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

    /// Writes the CA certificates of the answer to the token too, those that are above the new certificate.
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

    /// Installs only for a job that this caller began, as a page does.
    #[must_use]
    pub fn by(mut self, caller: Caller) -> Self {
        self.by = Some(caller);
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
        let response = self.parse()?;
        let public = pending.request().public_key();
        let leaf = response.leaf_for(public).cloned();
        let leaf = leaf.ok_or_else(|| no_leaf(&response, std::slice::from_ref(&pending.key)))?;
        if pending.is_installed() {
            let mut contents = Contents::read(session)?;
            if contents.is_there(&leaf) {
                return self.confirm(session, &mut contents, &response, &leaf);
            }
        }
        let installed = self.finish(
            session,
            &response,
            Match {
                leaf,
                key: &pending.key,
                subject: Some(pending.request().subject().clone()),
                old: pending.old.clone(),
                proof: Some(pending.proof.clone()),
                require_proof: self.require_proof.max(pending.require_proof),
                before: pending.before.as_deref(),
                notices: pending.notices.clone(),
            },
        )?;
        pending.set_installed();
        Ok(installed)
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
        let response = self.parse()?;
        let mut contents = Contents::read(session)?;
        let mut pending = contents.pending(session)?;
        pending.retain(|key| self.by.as_ref().is_none_or(|caller| key.is_by(caller)));
        let mut found = contents.answered(session, &response, &pending)?;
        if found.is_none() {
            if let Some(leaf) = contents.already_there(&response).cloned() {
                return self.confirm(session, &mut contents, &response, &leaf);
            }
            if self.reuse_key {
                pending = self.keys_in_use(&contents);
                found = contents.answered(session, &response, &pending)?;
            }
        }
        let Some((leaf, key)) = found else {
            // Where a request waits, what counts is that this is not its certificate.
            let finished =
                if pending.is_empty() { finished(&response, &contents.credentials()) } else { None };
            return Err(finished.unwrap_or_else(|| no_leaf(&response, &pending)));
        };
        if contents.is_there(&leaf) {
            return self.finish_written(session, &contents, &response, &leaf, &key);
        }
        let old = key.old_credential().unwrap_or_default();
        self.finish(
            session,
            &response,
            Match {
                leaf,
                key: &key,
                subject: None,
                old,
                proof: None,
                require_proof: self.require_proof,
                before: Some(contents.present().as_ref()),
                notices: Vec::new(),
            },
        )
    }

    /// The certificate was written, and the job stopped before it was seen that the key signs for it. A key that does not
    /// sign takes its certificate along, as when it is written.
    fn finish_written(
        &self,
        session: &Session,
        contents: &Contents,
        response: &Response,
        leaf: &Certificate,
        key: &PendingKey,
    ) -> Result<Installed> {
        let (private, _) = key.pair()?;
        let issuer = self.issuer(leaf, response, None)?;
        let proof = prove(session, private, self.require_proof, self.clock)?;
        enter(self.progress, Step::SignChallenge)?;
        let written = contents.stored_certificates().find(|one| one.der == leaf.der());
        let written = written.ok_or_else(|| already_installed(leaf))?.clone();
        if let Err(error) = sign_challenge(session, private, leaf) {
            let ours = key.record().is_some_and(|record| written.label.bytes().starts_with(record.label()));
            let bad = error.code() == Code::SignatureInvalid && ours;
            return Err(if bad { error.after_clean_up(session.take_back(&written)) } else { error });
        }
        let mut notices: Vec<Warning> = vec![Notice::AlreadyInstalled.into()];
        notices.extend(proof_notice(&proof));
        Ok(Installed {
            credential: Credential::with_key(written, leaf.clone(), private.clone()),
            proof,
            replaced: key.old_credential().unwrap_or_default(),
            issuer,
            notices,
            key_reused: false,
            was_there: true,
            checked_by: self.checked_by(response),
        })
    }

    /// A certificate that is on the token already. The right answer a second time is a success; an old one, given by
    /// mistake while a request waits, is not, and the request goes on waiting.
    fn confirm(
        &self,
        session: &Session,
        contents: &mut Contents,
        response: &Response,
        leaf: &Certificate,
    ) -> Result<Installed> {
        enter(self.progress, Step::CheckCertificate)?;
        let pending = contents.pending(session)?;
        let waiting: Vec<&PendingKey> = pending.iter().filter(|key| key.is_open()).collect();
        let now = self.clock.now();
        let has_ended = leaf.not_after() < now;
        let credentials = contents.credentials();
        let is_old = has_ended
            || waiting.iter().any(|key| key.renews(leaf))
            || credentials.iter().any(|other| {
                other.subject().matches(leaf.subject()) && other.certificate().not_after() > leaf.not_after()
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
        let issuer = self.issuer(leaf, response, None)?;
        enter(self.progress, Step::SignChallenge)?;
        let there = contents.shown(session, leaf)?.ok_or_else(|| {
            let at = contents.credentials();
            let there = at.iter().find(|one| one.certificate() == leaf);
            there.map_or_else(|| already_installed(leaf), |there| about(Error::new(Code::KeyMissing), there))
        })?;
        let proof = prove(session, there.private_key()?, self.require_proof, self.clock)?;
        let mut notices: Vec<Warning> = vec![Notice::AlreadyInstalled.into()];
        notices.extend(
            waiting.iter().map(|key| Warning::new(Notice::PendingExists).fact(Fact::Id, hex(key.id()))),
        );
        notices.extend(proof_notice(&proof));
        Ok(Installed {
            credential: there,
            proof,
            replaced: None,
            issuer,
            notices,
            key_reused: false,
            was_there: true,
            checked_by: self.checked_by(response),
        })
    }

    fn parse(&self) -> Result<Response> {
        enter(self.progress, Step::ReadAnswer)?;
        Response::parse(self.answer).map_err(|error| error.during(Step::ReadAnswer))
    }

    /// The keys of complete credentials, for callers who asked for the old key to be used again.
    fn keys_in_use(&self, contents: &Contents) -> Vec<PendingKey> {
        let credentials = contents.credentials();
        let in_use = credentials.iter().filter_map(|credential| {
            let private = credential.private_key().ok()?.clone();
            let public = credential.certificate().public_key().clone();
            Some(PendingKey::reused(private, public, credential, self.clock.now()))
        });
        in_use.collect()
    }

    fn finish(&self, session: &Session, response: &Response, found: Match<'_>) -> Result<Installed> {
        let Match { leaf, key, subject, old, proof, require_proof, before, mut notices } = found;
        let (private, public) = key.pair()?;
        enter(self.progress, Step::CheckCertificate)?;
        let (leaf, (warnings, issuer)) = choice::passing(response, leaf, public, |leaf| {
            let warnings = self.check(leaf, key, public, old.as_ref(), subject.as_ref())?;
            Ok((warnings, self.issuer(leaf, response, old.as_ref())?))
        })?;
        notices.extend(warnings);
        notices.extend(issuer_warning(issuer, &leaf, old.as_ref()));
        notices.extend(self.anchored_elsewhere(&leaf, response, old.as_ref()));
        notices.extend(response.skipped().iter().find(|skipped| skipped.is_loss()).map(Skipped::warning));
        let proof = self.prove(session, private, proof, require_proof)?;
        notices.extend(proof_notice(&proof));
        let key_reused = key.record().is_none();
        notices.extend(key_reused.then(|| Notice::KeyReused.into()));

        // The same record on all three, or the label of the key that is used again.
        let label = key.record().map_or(private.label.bytes(), Record::label);
        let (written, notice) = write_and_verify(session, private, &leaf, label, before, self.progress)?;
        notices.extend(notice.map(Warning::from));
        self.progress.step(Step::Complete);
        // Last, and no reason to fail: the credential is complete.
        let authorities = authorities_of(&leaf, response.certificates());
        if self.ca_certificates && write_ca_certificates(session, &authorities).is_err() {
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
            checked_by: self.checked_by(response),
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
            let ended_before = key.record().is_some() && (key.day() - end).get_days() > 7;
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
        response: &Response,
        old: Option<&Credential>,
    ) -> Result<IssuerContinuity> {
        if !self.anchors.is_empty() {
            let moment = self.clock.now().max(leaf.not_before()).min(leaf.not_after());
            check_chain(leaf, response.certificates(), &self.anchors, moment)?;
            return Ok(IssuerContinuity::VerifiedByAnchor);
        }
        let on_token = old.map(Credential::authorities).unwrap_or_default();
        let at_hand = response.certificates().iter().chain(on_token);
        issuer_continuity(leaf, old.map(Credential::certificate), at_hand)
    }

    /// The warning that the anchors which verify the new certificate are not the CA that issued the old one, where that
    /// is known.
    fn anchored_elsewhere(
        &self,
        leaf: &Certificate,
        response: &Response,
        old: Option<&Credential>,
    ) -> Option<Warning> {
        let old = old.filter(|_| !self.anchors.is_empty())?;
        let anchors = self.anchors.iter().filter_map(|der| Certificate::from_der(der).ok());
        let anchors: Vec<Certificate> = anchors.collect();
        let at_hand = response.certificates().iter().chain(old.authorities()).chain(&anchors);
        another_key_issued(leaf, old.certificate(), at_hand).then(|| another_issuer(old.certificate(), leaf))
    }

    fn checked_by(&self, response: &Response) -> CheckedBy {
        let subject = if self.relax.contains(Check::Subject) { SubjectRule::Any } else { self.subject };
        CheckedBy { subject, anchors: self.anchors.clone(), certificates: response.certificates().to_vec() }
    }

    /// The proof from the request's time stands, unless the driver denied then what must be true: such a driver is
    /// asked again. A key from an earlier process is asked anew. A certificate may have been issued for it, so nothing
    /// destroys it, whatever comes out.
    fn prove(
        &self,
        session: &Session,
        private: &StoredKey,
        earlier: Option<Proof>,
        required: ProofLevel,
    ) -> Result<Proof> {
        if let Some(proof) = earlier
            && proof.level >= required
            && !proof.evidence.contradicts_generation()
        {
            return Ok(proof);
        }
        enter(self.progress, Step::ProveKey)?;
        let proof = prove(session, private, required, self.clock)?;
        if proof.level < required {
            return Err(Error::new(Code::ProofInsufficient)
                .during(Step::ProveKey)
                .fact(Fact::Expected, required.name())
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

/// Writes the CA certificates above the new one that are not on the token yet, without a key and so with an identifier
/// of their own.
fn write_ca_certificates(session: &Session, authorities: &[&Certificate]) -> Result<()> {
    let contents = Contents::read(session)?;
    let before = Some(contents.present().as_ref());
    let missing = |ca: &&&Certificate| !contents.stored_certificates().any(|stored| stored.der == ca.der());
    for ca in authorities.iter().filter(missing) {
        let label = ca.subject().common_name().unwrap_or("CA");
        let id = ca.public_key().key_id();
        let (written, _) =
            session.write_certificate(ca, Category::Authority, &id, label.as_bytes(), before)?;
        if let Err(error) = session.read_back(&written) {
            return Err(error.after_clean_up(session.take_back(&written)));
        }
    }
    Ok(())
}
