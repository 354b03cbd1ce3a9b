//! Beginning a renewal: preflight, key pair, proof, request. Resuming one: the request again.

use super::{Progress, enter};
use super::credential::{Credential, about};
use super::label::{Job, JobLabel};
use super::pending::{Pending, PendingKey, PendingState};
use super::preflight::Preflight;
use crate::code::{Code, Fact, Notice, Step};
use crate::driver::{NewKeyPair, Proof, ProofLevel, Session, StoredKey, Token};
use crate::error::{Error, Result};
use crate::pki::{
    KeyAlgorithm, KeyKind, Name, PublicKey, RenewalInfo, RenewalRequest, Request, RequestInfo,
    SignatureAlgorithm, Window,
};
use std::time::SystemTime;

/// The form of the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// PKCS#10, signed by the new key (RFC 2986).
    #[default]
    Pkcs10,
    /// The same inside CMS SignedData by the old key, as Microsoft CAs take it (MS-WCCE §3.1.1.4.3.2.1).
    SignedByOldKey,
}

/// A renewal, or a first issue, as the caller wants it.
#[derive(Clone)]
pub struct Renewal<'a> {
    pub(super) subject: Subject,
    pub(super) kind: KeyKind,
    pub(super) window: Window,
    pub(super) outside_window: bool,
    pub(super) beside_pending: bool,
    pub(super) now: SystemTime,
    reuse_key: bool,
    require_proof: ProofLevel,
    form: Form,
    progress: &'a dyn Progress,
}

/// Whose certificate is wanted.
#[derive(Clone)]
pub(super) enum Subject {
    Renewed(Box<Credential>),
    First(Box<Name>),
}

impl<'a> Renewal<'a> {
    /// Renews this credential, with a new key of the same kind.
    pub fn of(old: &Credential) -> Self {
        let kind = match old.key_algorithm() {
            KeyAlgorithm::P256 => KeyKind::P256,
            KeyAlgorithm::P384 => KeyKind::P384,
            KeyAlgorithm::Rsa { bits: 4096.. } => KeyKind::Rsa4096,
            KeyAlgorithm::Rsa { bits: 3072.. } => KeyKind::Rsa3072,
            _ => KeyKind::Rsa2048,
        };
        Self::new(Subject::Renewed(Box::new(old.clone())), kind)
    }

    /// Requests a first certificate for this subject, with an RSA key of 2048 bits.
    pub fn first(subject: Name) -> Self {
        Self::new(Subject::First(Box::new(subject)), KeyKind::Rsa2048)
    }

    fn new(subject: Subject, kind: KeyKind) -> Self {
        Renewal {
            subject,
            kind,
            window: Window::default(),
            outside_window: false,
            beside_pending: false,
            now: SystemTime::now(),
            reuse_key: false,
            require_proof: ProofLevel::Claimed,
            form: Form::default(),
            progress: &(),
        }
    }

    /// Makes a key of this kind.
    #[must_use]
    pub fn key(mut self, kind: KeyKind) -> Self {
        self.kind = kind;
        self
    }

    /// Renews in this window instead of the usual 40 days.
    #[must_use]
    pub fn window(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    /// Renews although the window is not open. An expired credential may then be renewed too.
    #[must_use]
    pub fn outside_window(mut self) -> Self {
        self.outside_window = true;
        self
    }

    /// Makes another key although one is pending for the same credential.
    #[must_use]
    pub fn beside_pending(mut self) -> Self {
        self.beside_pending = true;
        self
    }

    /// Takes this for the present time.
    #[must_use]
    pub fn at(mut self, now: SystemTime) -> Self {
        self.now = now;
        self
    }

    /// Requests a certificate for the old key, for example when the token has no room for another.
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

    /// Makes the request in this form.
    #[must_use]
    pub fn form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    /// Reports each step to this.
    #[must_use]
    pub fn progress(mut self, progress: &'a dyn Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Checks, without a PIN, whether this can work.
    ///
    /// # Errors
    /// What the token returns when it is asked.
    pub fn preflight(&self, token: &Token) -> Result<Preflight> {
        self.progress.step(Step::Preflight);
        Preflight::before_login(self, token)
    }

    /// Makes the key pair, proves it and signs the request.
    ///
    /// # Errors
    /// The first blocker of the preflight, which is run again; [`Code::KeyExportable`] or
    /// [`Code::ProofInsufficient`], after which the new key is destroyed; [`Code::TokenFull`], which names the
    /// expired credentials that could be removed; and what the token returns. The old credential is untouched in
    /// every case.
    pub fn begin(&self, session: &Session) -> Result<Pending> {
        session.reserve()?;
        enter(self.progress, Step::Preflight)?;
        let keys = session.private_keys()?;
        let preflight = Preflight::after_login(self, session, &keys)?;
        let notices = preflight.into_notices()?;
        if self.reuse_key {
            return self.request_for_old_key(session, &keys, notices);
        }
        let label = JobLabel::new(self.job(), self.now);
        enter(self.progress, Step::GenerateKeyPair)?;
        let pair = session
            .generate_key_pair(self.kind, &label.to_string())
            .map_err(|error| self.name_what_could_go(error, session, &keys))?;
        match self.prove_and_request(session, &keys, label, &pair, notices) {
            Ok(pending) => Ok(pending),
            Err(error) => Err(withdraw(session, &pair, error)),
        }
    }

    /// Signs the request again with a key that is pending.
    ///
    /// # Errors
    /// [`Code::NotPending`] when its job is not one that awaits an answer, [`Code::KeyExportable`],
    /// [`Code::ProofInsufficient`], and what the token returns.
    pub fn resume(&self, session: &Session, key: &PendingKey) -> Result<Pending> {
        session.reserve()?;
        if key.state() != PendingState::AwaitingAnswer || key.label.job != self.job() {
            return Err(key.error(Code::NotPending));
        }
        let (private, public) = key.pair()?;
        let proof = self.prove(session, private)?;
        let old_keys = session.private_keys()?;
        let (request, signed_by_old) = self.sign_request(session, &old_keys, private, public)?;
        let notices = proof_notice(&proof).into_iter().collect();
        let (key, old) = (key.clone(), self.old().cloned());
        Ok(Pending { key, request, signed_by_old, proof, old, key_reused: false, notices })
    }

    fn prove_and_request(
        &self,
        session: &Session,
        old_keys: &[StoredKey],
        label: JobLabel,
        pair: &NewKeyPair,
        mut notices: Vec<Notice>,
    ) -> Result<Pending> {
        // A token that cuts labels short would leave a key that nobody could know again.
        if pair.private.label != label.to_string() {
            return Err(Error::new(Code::TemplateRefused)
                .during(Step::GenerateKeyPair)
                .fact(Fact::Expected, &label)
                .fact(Fact::Found, &pair.private.label));
        }
        let proof = self.prove(session, &pair.private)?;
        notices.extend(proof_notice(&proof));
        let (request, signed_by_old) =
            self.sign_request(session, old_keys, &pair.private, &pair.public_key)?;
        let key =
            PendingKey::fresh(label, pair.private.clone(), pair.public.clone(), pair.public_key.clone());
        let old = self.old().cloned();
        Ok(Pending { key, request, signed_by_old, proof, old, key_reused: false, notices })
    }

    fn prove(&self, session: &Session, key: &StoredKey) -> Result<Proof> {
        enter(self.progress, Step::ProveKey)?;
        prove(session, key, self.require_proof, self.now)
    }

    /// The request for the key that the old credential has, for callers who asked for that by name.
    fn request_for_old_key(
        &self,
        session: &Session,
        keys: &[StoredKey],
        mut notices: Vec<Notice>,
    ) -> Result<Pending> {
        let Subject::Renewed(old) = &self.subject else {
            return Err(Error::new(Code::BadArgument).fact(Fact::Detail, "there is no old key to use again"));
        };
        let public = old.certificate().public_key();
        let private = old_key(old, keys)?;
        let proof = self.prove(session, &private)?;
        let (request, signed_by_old) = self.sign_request(session, keys, &private, public)?;
        notices.push(Notice::KeyReused);
        let key = PendingKey::reused(JobLabel::new(self.job(), self.now), private, public.clone());
        let old = Some((**old).clone());
        Ok(Pending { key, request, signed_by_old, proof, old, key_reused: true, notices })
    }

    fn sign_request(
        &self,
        session: &Session,
        old_keys: &[StoredKey],
        private: &StoredKey,
        public: &PublicKey,
    ) -> Result<(Request, Option<RenewalRequest>)> {
        enter(self.progress, Step::SignRequest)?;
        let info = match (&self.subject, self.form) {
            (Subject::First(subject), Form::Pkcs10) => RequestInfo::first(subject, public),
            (Subject::Renewed(old), Form::Pkcs10) => RequestInfo::for_renewal(old.certificate(), public),
            (Subject::Renewed(old), Form::SignedByOldKey) => {
                RequestInfo::for_renewal_by_old_key(old.certificate(), public)
            }
            (Subject::First(_), Form::SignedByOldKey) => {
                return Err(Error::new(Code::BadArgument).fact(Fact::Detail, "there is no old key to sign"));
            }
        };
        let algorithm = algorithm_of(public)?;
        let signature = session.sign(private, public, algorithm, info.to_be_signed(), Step::SignRequest)?;
        let request = info.assemble(algorithm, &signature)?;
        let signed_by_old = match (&self.subject, self.form) {
            (Subject::Renewed(old), Form::SignedByOldKey) => {
                Some(sign_by_old_key(session, old, old_keys, &request)?)
            }
            _ => None,
        };
        Ok((request, signed_by_old))
    }

    pub(super) fn old(&self) -> Option<&Credential> {
        match &self.subject {
            Subject::Renewed(old) => Some(old),
            Subject::First(_) => None,
        }
    }

    pub(super) fn job(&self) -> Job {
        match self.old() {
            Some(old) => Job::Renews(old.certificate().serial().to_string()),
            None => Job::First,
        }
    }

    /// A full token: names the expired credentials, with their keys, that could make room.
    fn name_what_could_go(&self, error: Error, session: &Session, keys: &[StoredKey]) -> Error {
        if error.code() != Code::TokenFull {
            return error;
        }
        let Ok(credentials) = session.credentials_with(keys) else { return error };
        credentials
            .iter()
            .filter(|credential| {
                credential.certificate().not_after() < self.now && credential.private_key().is_ok()
            })
            .fold(error, |error, expired| {
                let (subject, serial) = (expired.subject(), expired.certificate().serial());
                error.fact(Fact::Candidate, format!("{subject} (serial {serial})"))
            })
    }
}

/// Removes a new key pair after a failure; the token then holds what it held before.
fn withdraw(session: &Session, pair: &NewKeyPair, error: Error) -> Error {
    match session.destroy_key_pair(pair) {
        Ok(()) => error,
        Err(left) => error.fact(Fact::Detail, left),
    }
}

/// Asks for the proof; where the driver denies what it was just told, asks again before it is believed.
pub(super) fn prove(
    session: &Session,
    key: &StoredKey,
    required: ProofLevel,
    now: SystemTime,
) -> Result<Proof> {
    let mut proof = session.prove(key, now)?;
    if proof.evidence.contradicts_generation() {
        proof = session.prove(&session.reread_private_key(key)?, now)?;
    }
    let refuse = |code| {
        Error::new(code)
            .during(Step::ProveKey)
            .fact(Fact::Expected, required.name())
            .fact(Fact::Found, proof.level.name())
            .fact(Fact::Id, &proof.key_id)
    };
    match proof.level {
        ProofLevel::Refused => Err(refuse(Code::KeyExportable)),
        // A denial may turn into the truth when the driver is initialised again, at the latest at the install.
        level if level < required && !proof.evidence.contradicts_generation() => {
            Err(refuse(Code::ProofInsufficient))
        }
        _ => Ok(proof),
    }
}

pub(super) fn proof_notice(proof: &Proof) -> Option<Notice> {
    (proof.level == ProofLevel::Claimed).then_some(Notice::ProofClaimed)
}

pub(super) fn algorithm_of(key: &PublicKey) -> Result<SignatureAlgorithm> {
    SignatureAlgorithm::for_key(&key.algorithm())
        .ok_or_else(|| Error::new(Code::MechanismUnsupported).fact(Fact::Found, key.algorithm()))
}

/// The private key of the old credential among the keys of this session.
pub(super) fn old_key(old: &Credential, keys: &[StoredKey]) -> Result<StoredKey> {
    let public = old.certificate().public_key();
    let belongs = |key: &&StoredKey| match &key.public_key {
        Some(known) => known == public,
        None => key.id == old.id(),
    };
    let key = keys.iter().find(belongs);
    let mut key =
        key.cloned().ok_or_else(|| about(Error::new(Code::KeyMissing).during(Step::ReadObjects), old))?;
    key.public_key.get_or_insert_with(|| public.clone());
    Ok(key)
}

fn sign_by_old_key(
    session: &Session,
    old: &Credential,
    keys: &[StoredKey],
    request: &Request,
) -> Result<RenewalRequest> {
    let public = old.certificate().public_key();
    let info = RenewalInfo::new(request.clone(), old.certificate())?;
    let key = old_key(old, keys)?;
    let signature = session.sign(&key, public, info.algorithm(), info.to_be_signed(), Step::SignRequest)?;
    info.assemble(&signature)
}
