//! Beginning a renewal: preflight, key pair, proof, request. Resuming one: the request again.

use super::clock::Clock;
use super::enter;
use super::pending::Pending;
use super::plan::{Form, Renewal, Subject};
use super::preflight::Preflight;
use crate::contents::{Contents, Credential, PendingKey, PendingState, Record, about};
use crate::driver::{NewKeyPair, Proof, ProofLevel, Session, StoredKey};
use crate::error::{Code, Error, Fact, Notice, Result, Step, Warning};
use crate::pki::{
    PublicKey, RenewalInfo, RenewalRequest, Request, RequestInfo, SignatureAlgorithm, jst_date,
};
use std::sync::atomic::AtomicBool;

impl Renewal<'_> {
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
        let mut contents = Contents::read(session)?;
        let preflight = Preflight::after_login(self, session, &mut contents)?;
        let notices = preflight.into_notices()?;
        if self.reuse_key {
            return self.request_for_old_key(session, &mut contents, notices);
        }
        let kind = self.key_kind()?;
        let old = self.old().map(Credential::certificate);
        let record = Record::new(jst_date(self.clock.now()), old, &self.caller)?;
        enter(self.progress, Step::GenerateKeyPair)?;
        let pair = session
            .generate_key_pair(kind, record.label(), contents.present())
            .map_err(|error| self.name_what_could_go(error, &contents))?;
        match self.prove_and_request(session, &mut contents, record, &pair, notices) {
            Ok(pending) => Ok(pending),
            // The token then holds what it held before.
            Err(error) => Err(error.after_clean_up(session.remove_new_pair(&pair))),
        }
    }

    /// Signs the request again with a key that is pending.
    ///
    /// # Errors
    /// [`Code::NotPending`] when its job is not one that awaits an answer, [`Code::KeyExportable`],
    /// [`Code::ProofInsufficient`], and what the token returns.
    pub fn resume(&self, session: &Session, key: &PendingKey) -> Result<Pending> {
        session.reserve()?;
        if key.state() != PendingState::AwaitingAnswer || !self.is_the_job_of(key) {
            return Err(key.error(Code::NotPending));
        }
        // Only who signs with the old key has to look for it.
        let mut contents = match self.form {
            Form::Pkcs10 => None,
            Form::SignedByOldKey => Some(Contents::read(session)?),
        };
        let key = match (key.private(), key.public_key()) {
            (Some(private), None) => key.with_public_key(session.public_key_by_signing(private)?),
            _ => key.clone(),
        };
        let (private, public) = key.pair()?;
        let proof = self.prove(session, private)?;
        let signed = self.sign_request(session, contents.as_mut(), private, public)?;
        let notices = proof_notice(&proof).into_iter().collect();
        Ok(self.pending(key.clone(), signed, proof, contents.as_ref(), notices))
    }

    /// Whether a pending key is one of this very job.
    fn is_the_job_of(&self, key: &PendingKey) -> bool {
        match self.old() {
            Some(old) => key.renews(old.certificate()),
            None => key.is_first(),
        }
    }

    fn pending(
        &self,
        key: PendingKey,
        (request, signed_by_old): (Request, Option<RenewalRequest>),
        proof: Proof,
        contents: Option<&Contents>,
        notices: Vec<Warning>,
    ) -> Pending {
        let old = self.old().cloned();
        let before = contents.map(Contents::present).or(key.present()).cloned();
        let (key_reused, require_proof) = (key.record().is_none(), self.require_proof);
        let installed = AtomicBool::new(false);
        Pending {
            key,
            request,
            signed_by_old,
            proof,
            old,
            key_reused,
            require_proof,
            before,
            installed,
            notices,
        }
    }

    fn prove_and_request(
        &self,
        session: &Session,
        contents: &mut Contents,
        record: Record,
        pair: &NewKeyPair,
        mut notices: Vec<Warning>,
    ) -> Result<Pending> {
        let proof = self.prove(session, &pair.private)?;
        notices.extend(proof_notice(&proof));
        let signed = self.sign_request(session, Some(contents), &pair.private, &pair.public_key)?;
        let key = PendingKey::fresh(record, pair, self.old());
        Ok(self.pending(key, signed, proof, Some(contents), notices))
    }

    fn prove(&self, session: &Session, key: &StoredKey) -> Result<Proof> {
        enter(self.progress, Step::ProveKey)?;
        prove(session, key, self.require_proof, self.clock)
    }

    /// The request for the key that the old credential has, for callers who asked for that by name.
    fn request_for_old_key(
        &self,
        session: &Session,
        contents: &mut Contents,
        mut notices: Vec<Warning>,
    ) -> Result<Pending> {
        let Subject::Renewed(old) = &self.subject else {
            return Err(Error::new(Code::BadArgument).fact(Fact::Detail, "there is no old key to use again"));
        };
        let public = old.certificate().public_key();
        let private = old_key(session, contents, old)?;
        let proof = self.prove(session, &private)?;
        let signed = self.sign_request(session, Some(contents), &private, public)?;
        notices.push(Notice::KeyReused.into());
        let key = PendingKey::reused(private, public.clone(), old, self.clock.now());
        Ok(self.pending(key, signed, proof, Some(contents), notices))
    }

    fn sign_request(
        &self,
        session: &Session,
        contents: Option<&mut Contents>,
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
        let signed_by_old = match (&self.subject, self.form, contents) {
            (Subject::Renewed(old), Form::SignedByOldKey, Some(contents)) => {
                Some(sign_by_old_key(session, contents, old, &request)?)
            }
            _ => None,
        };
        Ok((request, signed_by_old))
    }

    /// A full token: names the expired credentials, with their keys, that could make room.
    fn name_what_could_go(&self, error: Error, contents: &Contents) -> Error {
        if error.code() != Code::TokenFull {
            return error;
        }
        let now = self.clock.now();
        let credentials = contents.credentials();
        let expired = credentials.iter().filter(|credential| {
            credential.certificate().not_after() < now && credential.private_key().is_ok()
        });
        expired.fold(error, |error, expired| {
            let (subject, serial) = (expired.subject(), expired.certificate().serial());
            error.fact(Fact::Candidate, format!("{subject} (serial {serial})"))
        })
    }
}

/// Asks for the proof; where the driver denies what it was just told, asks again before it is believed.
pub(super) fn prove(session: &Session, key: &StoredKey, required: ProofLevel, clock: Clock) -> Result<Proof> {
    let mut proof = session.prove(key, clock.now())?;
    if proof.evidence.contradicts_generation() {
        proof = session.prove(&session.reread_private_key(key)?, clock.now())?;
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

pub(super) fn proof_notice(proof: &Proof) -> Option<Warning> {
    (proof.level == ProofLevel::Claimed).then(|| Notice::ProofClaimed.into())
}

pub(super) fn algorithm_of(key: &PublicKey) -> Result<SignatureAlgorithm> {
    SignatureAlgorithm::for_key(&key.algorithm())
        .ok_or_else(|| Error::new(Code::MechanismUnsupported).fact(Fact::Found, key.algorithm()))
}

fn sign_by_old_key(
    session: &Session,
    contents: &mut Contents,
    old: &Credential,
    request: &Request,
) -> Result<RenewalRequest> {
    let public = old.certificate().public_key();
    let info = RenewalInfo::new(request.clone(), old.certificate())?;
    // Other keys may have its identifier; the signature that is wanted says which one it is.
    let mut refused = None;
    for key in contents.candidates(public, old.id()) {
        match session.sign(&key, public, info.algorithm(), info.to_be_signed(), Step::SignRequest) {
            Ok(signature) => return info.assemble(&signature),
            Err(error) if error.is_refusal() => refused = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(refused.unwrap_or_else(|| about(Error::new(Code::KeyMissing).during(Step::SignRequest), old)))
}

/// The private key of the old credential, shown by its signature: other keys may have its identifier.
fn old_key(session: &Session, contents: &mut Contents, old: &Credential) -> Result<StoredKey> {
    let key = contents.signing_key(session, old.certificate().public_key(), old.id())?;
    key.ok_or_else(|| about(Error::new(Code::KeyMissing).during(Step::ReadObjects), old))
}
