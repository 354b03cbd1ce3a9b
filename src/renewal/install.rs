//! Installing the CA's answer: find the pending key, check the certificate, write it, prove that it works.

use super::begin::{proof_notice, prove};
use super::credential::Credential;
use super::label::{Job, JobLabel};
use super::pending::{Inventory, Pending, PendingKey, PendingState};
use super::write::{rename, sign_challenge, write_and_verify};
use super::{Progress, choice, enter};
use crate::code::{Code, Fact, Notice, Step};
use crate::driver::{Category, Proof, ProofLevel, Session, StoredCertificate, StoredKey};
use crate::error::{Error, Result};
use crate::pki::{Answer, Certificate, Expectation, PublicKey, Relax, Skipped, check_chain};
use std::time::SystemTime;

/// An answer of a CA, and how to take it.
#[derive(Clone)]
pub struct Install<'a> {
    answer: &'a [u8],
    anchors: Vec<Vec<u8>>,
    ca_certificates: bool,
    relax: Relax,
    reuse_key: bool,
    require_proof: ProofLevel,
    now: SystemTime,
    progress: &'a dyn Progress,
}

/// A credential that was written, read back and has signed.
#[derive(Clone, Debug)]
pub struct Installed {
    credential: Credential,
    proof: Proof,
    replaced: Option<Credential>,
    notices: Vec<Notice>,
    key_reused: bool,
}

impl Installed {
    /// The new credential.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// What the driver says about the exportability of its key.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// The credential that it takes the place of, where that is still on the token.
    pub fn replaced(&self) -> Option<&Credential> {
        self.replaced.as_ref()
    }

    /// What the person should know, though it stopped nothing.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Whether the certificate is for the old key because the caller asked for that.
    pub fn key_reused(&self) -> bool {
        self.key_reused
    }
}

/// The key that a certificate is for, and what is known of its job.
struct Match<'k> {
    leaf: Certificate,
    key: &'k PendingKey,
    /// The subject that was asked for, where this process made the request.
    subject: Option<Vec<u8>>,
    old: Option<Credential>,
    proof: Option<Proof>,
    notices: Vec<Notice>,
    key_reused: bool,
}

impl<'a> Install<'a> {
    /// Takes an answer in any form that CAs send.
    pub fn new(answer: &'a [u8]) -> Self {
        Install {
            answer,
            anchors: Vec::new(),
            ca_certificates: false,
            relax: Relax::NONE,
            reuse_key: false,
            require_proof: ProofLevel::Claimed,
            now: SystemTime::now(),
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

    /// Takes this for the present time.
    #[must_use]
    pub fn at(mut self, now: SystemTime) -> Self {
        self.now = now;
        self
    }

    /// Reports each step to this.
    #[must_use]
    pub fn progress(mut self, progress: &'a dyn Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Installs the answer to a request that this process made: no key has to be looked for.
    ///
    /// # Errors
    /// As [`Install::run`]; [`Code::AlreadyInstalled`] also when the key got its certificate in another way.
    pub fn run_for(&self, session: &Session, pending: &Pending) -> Result<Installed> {
        session.reserve()?;
        let answer = self.parse()?;
        let public = pending.request().public_key();
        let leaf = answer.leaf_for(public).cloned();
        let leaf = leaf.ok_or_else(|| no_leaf(&answer, std::slice::from_ref(&pending.key)))?;
        // The token is reserved since the request, so only this session can have installed the answer already.
        let written = || session.certificates_with_id(pending.key.id());
        if session.has_written(pending.key.id()) && written()?.iter().any(|stored| stored.der == leaf.der()) {
            return Err(already_installed(&leaf));
        }
        self.finish(
            session,
            &answer,
            Match {
                leaf,
                key: &pending.key,
                subject: Some(pending.request().subject().der().to_vec()),
                old: pending.old.clone(),
                proof: Some(pending.proof.clone()),
                notices: pending.notices.clone(),
                key_reused: pending.key_reused,
            },
        )
    }

    /// Installs an answer, days after the request and in another process if need be: the pending key is found by
    /// the public key in the certificate.
    ///
    /// # Errors
    /// The family of the CA's answer, each check with its own code; [`Code::PendingNotFound`],
    /// [`Code::PendingAmbiguous`], [`Code::AlreadyInstalled`]; [`Code::KeyExportable`]; and what the token
    /// returns. After any of them the token holds what it held before.
    pub fn run(&self, session: &Session) -> Result<Installed> {
        session.reserve()?;
        let answer = self.parse()?;
        let inventory = Inventory::read(session)?;
        let mut pending = inventory.pending();
        if self.reuse_key {
            pending.extend(self.keys_in_use(session, &inventory)?);
        }
        let (leaf, key) = find_match(&answer, &pending, &inventory)?;
        if key.public_key().is_none() {
            show_that_it_is_the_key(session, key, &leaf)?;
        }
        let old = self.find_old(session, &inventory, key, &leaf)?;
        let key_reused = !is_pending(key);
        let key = &key.claimed_by(&leaf);
        let (subject, proof, notices) = (None, None, Vec::new());
        self.finish(session, &answer, Match { leaf, key, subject, old, proof, notices, key_reused })
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
            Some(PendingKey::reused(JobLabel::new(Job::Renews(serial), self.now), private, public))
        });
        Ok(in_use.collect())
    }

    /// The credential that is renewed, if it is still there. Serial numbers are unique only within one CA: of
    /// several, one with a key and the same subject is taken.
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
        let likely =
            |one: &&Credential| (one.private_key().is_ok(), one.subject().der() == leaf.subject().der());
        Ok(credentials.iter().filter(other).max_by_key(likely).cloned())
    }

    fn finish(&self, session: &Session, answer: &Answer, found: Match<'_>) -> Result<Installed> {
        let Match { leaf, key, subject, old, proof, mut notices, key_reused } = found;
        let (private, public) = key.pair()?;
        enter(self.progress, Step::CheckCertificate)?;
        let (leaf, notice) = choice::passing(answer, leaf, key, public, |leaf| {
            self.check(leaf, public, subject.as_deref(), old.as_ref())?;
            self.check_chain(leaf, answer)
        })?;
        notices.extend(notice);
        let is_partly_used = answer.skipped().iter().any(Skipped::is_loss);
        notices.extend(is_partly_used.then_some(Notice::ResponsePartlyUsed));
        let proof = self.prove(session, key, private, proof)?;
        notices.extend(proof_notice(&proof));
        notices.extend(key_reused.then_some(Notice::KeyReused));

        let label = final_label(old.as_ref(), &leaf);
        let written = match &key.certificate {
            Some(written) => {
                enter(self.progress, Step::SignChallenge)?;
                sign_challenge(session, private, &leaf)?;
                written.clone()
            }
            None => {
                let (written, notice) = write_and_verify(session, private, &leaf, &label, self.progress)?;
                notices.extend(notice);
                written
            }
        };
        self.progress.step(Step::Complete);
        if !key_reused {
            notices.extend(rename(session, key, &label)?);
        }
        // Last, and no reason to fail: the credential is complete.
        if self.ca_certificates && write_ca_certificates(session, answer).is_err() {
            notices.push(Notice::ChainNotWritten);
        }
        notices.sort_unstable();
        notices.dedup();
        let credential = Credential::with_key(written, leaf, private.clone());
        Ok(Installed { credential, proof, replaced: old, notices, key_reused })
    }

    fn check(
        &self,
        leaf: &Certificate,
        public: &PublicKey,
        requested: Option<&[u8]>,
        old: Option<&Credential>,
    ) -> Result<()> {
        let expectation = Expectation {
            public_key: public,
            // A first request leaves its subject in no place but its own: days later there is none to compare with.
            subject_der: match (old, requested) {
                (Some(old), _) => old.subject().der(),
                (None, Some(requested)) => requested,
                (None, None) => leaf.subject().der(),
            },
            old: old.map(Credential::certificate),
            key_kind: None,
            now: self.now,
        };
        expectation.check(leaf, self.relax)
    }

    fn check_chain(&self, leaf: &Certificate, answer: &Answer) -> Result<Option<Notice>> {
        if self.anchors.is_empty() {
            return Ok(Some(Notice::ChainNotChecked));
        }
        check_chain(leaf, answer.certificates(), &self.anchors, self.now)?;
        Ok(None)
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
        let proof = match prove(session, private, self.require_proof, self.now) {
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

/// Whether a key really carries a label of ours, and is not a complete one that is to be used again.
fn is_pending(key: &PendingKey) -> bool {
    key.private.as_ref().is_some_and(|private| private.label.parse::<JobLabel>().is_ok())
}

/// The pending key and the certificate that belong together, in whatever order they come.
fn find_match<'k>(
    answer: &Answer,
    pending: &'k [PendingKey],
    inventory: &Inventory,
) -> Result<(Certificate, &'k PendingKey)> {
    let open = |key: &&PendingKey| {
        matches!(key.state(), PendingState::AwaitingAnswer | PendingState::CertificateWritten)
    };
    let mut matches = pending.iter().filter(open).filter_map(|key| {
        let leaf = key.leaf_in(answer)?;
        let other_written = key.certificate.as_ref().is_some_and(|written| written.der != leaf.der());
        (!other_written).then(|| (leaf.clone(), key))
    });
    match (matches.next(), matches.next()) {
        (Some(found), None) => Ok(found),
        (Some((_, one)), Some((_, other))) => Err(one
            .error(Code::PendingAmbiguous)
            .fact(Fact::Candidate, crate::hex(one.id()))
            .fact(Fact::Candidate, crate::hex(other.id()))),
        (None, _) => Err(why_no_match(answer, pending, inventory)),
    }
}

/// For tokens that do not tell the public key: a signature that verifies with the certificate is as good.
fn show_that_it_is_the_key(session: &Session, key: &PendingKey, leaf: &Certificate) -> Result<()> {
    let claimed = key.claimed_by(leaf);
    let (private, _) = claimed.pair()?;
    sign_challenge(session, private, leaf).map_err(|error| match error.code() {
        Code::SignatureInvalid => key.error(Code::KeyMismatch).because_of(error),
        _ => error,
    })
}

fn why_no_match(answer: &Answer, pending: &[PendingKey], inventory: &Inventory) -> Error {
    let on_token = |leaf: &&Certificate| inventory.certificates.iter().any(|stored| stored.der == leaf.der());
    if let Some(leaf) = answer.certificates().iter().filter(|leaf| !leaf.is_ca()).find(on_token) {
        return already_installed(leaf);
    }
    no_leaf(answer, pending)
}

fn already_installed(leaf: &Certificate) -> Error {
    Error::new(Code::AlreadyInstalled)
        .during(Step::CheckCertificate)
        .fact(Fact::Subject, leaf.subject())
        .fact(Fact::Serial, leaf.serial())
}

/// Why none of the certificates is for a key that waits.
fn no_leaf(answer: &Answer, pending: &[PendingKey]) -> Error {
    if let Some(instead) = answer.instead() {
        return instead;
    }
    let waiting: Vec<&PendingKey> =
        pending.iter().filter(|key| key.state() == PendingState::AwaitingAnswer).collect();
    let mut leaves = answer.certificates().iter().filter(|certificate| !certificate.is_ca());
    let code = match (waiting.is_empty(), leaves.next(), answer.certificates().len()) {
        (_, None, 1) => Code::IsCaCertificate,
        (true, ..) => Code::PendingNotFound,
        (false, Some(_), 1) => Code::KeyMismatch,
        (false, ..) => Code::AnswerNoLeaf,
    };
    let error = Error::new(code).during(Step::CheckCertificate);
    let error = waiting
        .iter()
        .filter_map(|key| key.public_key())
        .fold(error, |error, key| error.fact(Fact::Expected, crate::hex(&key.key_id())));
    answer.certificates().iter().fold(error, |error, certificate| {
        let id = crate::hex(&certificate.public_key().key_id());
        error.fact(Fact::Found, format!("{id} ({})", certificate.subject()))
    })
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
