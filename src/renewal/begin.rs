//! Beginning a renewal: preflight, key pair, proof, request. Resuming one: the request again.

use super::clock::Clock;
use super::credential::{Credential, old_key};
use super::enter;
use super::label::JobLabel;
use super::pending::{Pending, PendingKey, PendingState};
use super::plan::{Form, Renewal, Subject};
use super::preflight::Preflight;
use crate::code::{Code, Fact, Notice, Step};
use crate::driver::{NewKeyPair, Proof, ProofLevel, Session, StoredKey};
use crate::error::{Error, Result, Warning};
use crate::pki::{PublicKey, RenewalInfo, RenewalRequest, Request, RequestInfo, SignatureAlgorithm};

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
        let keys = session.private_keys()?;
        let preflight = Preflight::after_login(self, session, &keys)?;
        let notices = preflight.into_notices()?;
        if self.reuse_key {
            return self.request_for_old_key(session, &keys, notices);
        }
        let kind = self.key_kind()?;
        let label = JobLabel::new(self.job(), self.clock.now());
        enter(self.progress, Step::GenerateKeyPair)?;
        let pair = session
            .generate_key_pair(kind, &label.to_string())
            .map_err(|error| self.name_what_could_go(error, session, &keys))?;
        match self.prove_and_request(session, &keys, label, &pair, notices) {
            Ok(pending) => Ok(pending),
            // The token then holds what it held before.
            Err(error) => Err(error.after_clean_up(session.destroy_key_pair(&pair))),
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
        mut notices: Vec<Warning>,
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
        prove(session, key, self.require_proof, self.clock)
    }

    /// The request for the key that the old credential has, for callers who asked for that by name.
    fn request_for_old_key(
        &self,
        session: &Session,
        keys: &[StoredKey],
        mut notices: Vec<Warning>,
    ) -> Result<Pending> {
        let Subject::Renewed(old) = &self.subject else {
            return Err(Error::new(Code::BadArgument).fact(Fact::Detail, "there is no old key to use again"));
        };
        let public = old.certificate().public_key();
        let private = old_key(old, keys)?;
        let proof = self.prove(session, &private)?;
        let (request, signed_by_old) = self.sign_request(session, keys, &private, public)?;
        notices.push(Notice::KeyReused.into());
        let key = PendingKey::reused(JobLabel::new(self.job(), self.clock.now()), private, public.clone());
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

    /// A full token: names the expired credentials, with their keys, that could make room.
    fn name_what_could_go(&self, error: Error, session: &Session, keys: &[StoredKey]) -> Error {
        if error.code() != Code::TokenFull {
            return error;
        }
        let Ok(credentials) = session.credentials_with(keys) else { return error };
        let Ok(public_keys) = session.public_keys() else { return error };
        let seen: Vec<&PublicKey> = {
            let of_private = keys.iter().filter_map(|key| key.public_key.as_ref());
            of_private.chain(public_keys.iter().filter_map(|key| key.public_key.as_ref())).collect()
        };
        let now = self.clock.now();
        credentials
            .iter()
            .filter(|credential| {
                let public = credential.certificate().public_key();
                credential.certificate().not_after() < now
                    && credential.private_key().is_ok()
                    && seen.contains(&public)
            })
            .fold(error, |error, expired| {
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
