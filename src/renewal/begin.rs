//! Beginning a renewal: preflight, key pair, proof, request. Resuming one: the request again.

use super::clock::Clock;
use super::pending::{KeyInUse, Pending, RequestedKey};
use super::preflight::Preflight;
use super::renewal::{Renewal, Subject, not_of_job};
use super::run::Run;
use crate::bank::RequestForm;
use crate::contents::{Contents, Credential, Identified as _, Old, PendingKey, PendingState, Record, about};
use crate::driver::{LabelIs, NewKeyPair, Present, Proof, Session, StoredKey};
use crate::error::{Code, Error, Fact, Notice, Result, Step, Warning};
use crate::pki::{
    KeyAlgorithm, KeyKind, ProofLevel, PublicKey, RenewalInfo, RenewalRequest, Request, RequestDraft,
    SignatureAlgorithm, jst_date,
};
use crate::places::OldCertificate;
use base16ct::lower::encode_string as hex;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

impl Renewal {
    /// Makes the key pair, proves it and signs the request.
    ///
    /// # Errors
    /// [`Code::BadSubject`] for a name that X.520 forbids; [`Code::CredentialAmbiguous`] where the credential was chosen
    /// before the login as the only one, and others show themselves now that may be meant as well; the first blocker of the preflight, which is run again;
    /// [`Code::KeyExportable`] or
    /// [`Code::ProofInsufficient`], after which the new key is destroyed; [`Code::TokenFull`], which names the
    /// expired credentials that could be removed; and what the token returns. The old credential is untouched in
    /// every case.
    pub fn begin(&self, session: &Session, run: &Run<'_>) -> Result<Pending> {
        run.watching(|| session.explained(self.begin_logged_in(session, run)))
    }

    fn begin_logged_in(&self, session: &Session, run: &Run<'_>) -> Result<Pending> {
        session.reserve()?;
        run.enter(Step::Preflight)?;
        // A CA would refuse such a name, or cut it, after the key was made.
        if let Some(name) = self.named() {
            name.check_bounds().map_err(|error| error.during(Step::Preflight))?;
        }
        let contents = Contents::read(session)?.knowing(run.known());
        if self.old_elsewhere().is_some() {
            let found = self.found_on_token(&contents.credentials());
            return found.begin_with(session, contents, run);
        }
        self.begin_with(session, contents, run)
    }

    fn begin_with(&self, session: &Session, mut contents: Contents, run: &Run<'_>) -> Result<Pending> {
        let preflight = Preflight::after_login(self, session, &mut contents, run)?;
        let notices = preflight.into_notices()?;
        if let Some(old) = self.old_on_token() {
            old.is_still_the_only_one(&contents.credentials())?;
        }
        let job = Job { renewal: self, session, run, notices };
        match self.policy.reuses_key() {
            false => job.with_new_key(&mut contents),
            true => job.with_old_key(&mut contents),
        }
    }

    /// Signs the request again with a key that is pending.
    ///
    /// # Errors
    /// [`Code::PendingOfOther`] when another caller began its job; [`Code::NotPending`] when that is not one that awaits an
    /// answer, [`Code::OldNotOfJob`] when the old certificate is elsewhere and not the one that the job renews, [`Code::KeyExportable`],
    /// [`Code::ProofInsufficient`], and what the token returns.
    pub fn resume(&self, session: &Session, key: &PendingKey, run: &Run<'_>) -> Result<Pending> {
        run.watching(|| session.explained(self.resume_logged_in(session, key, run)))
    }

    fn resume_logged_in(&self, session: &Session, key: &PendingKey, run: &Run<'_>) -> Result<Pending> {
        session.reserve()?;
        run.may_act_on(key)?;
        if key.state() != PendingState::AwaitingAnswer {
            return Err(key.error(Code::NotPending));
        }
        if !self.is_job_of_key(key) {
            return Err(match self.old().filter(|old| old.on_token().is_none()) {
                Some(old) => not_of_job(key, old),
                None => key.error(Code::NotPending),
            });
        }
        // Only who signs with the old key has to search for it.
        let mut contents = match self.request_form() {
            RequestForm::Pkcs10 => None,
            RequestForm::SignedByOldKey => Some(Contents::read(session)?),
        };
        let key = match (key.private(), key.public_key()) {
            (Some(private), None) => key.with_public_key(self.public_key_of(session, private)?),
            _ => key.clone(),
        };
        let (private, public) = key.pair()?;
        let draft = self.draft(&public.algorithm())?;
        let mut job = Job { renewal: self, session, run, notices: Vec::new() };
        let proof = job.prove(private)?;
        let signed = job.sign_request(&draft, private, public, contents.as_mut())?;
        let before = contents.as_ref().map(Contents::present).or(key.present()).cloned();
        Ok(job.pending(RequestedKey::Waiting(Box::new(key)), signed, proof, before))
    }

    /// The public key of a private key that nothing on the token tells: that of the request that was kept, where the key signs
    /// for it, else the one that two signatures fit.
    fn public_key_of(&self, session: &Session, private: &StoredKey) -> Result<PublicKey> {
        if let Some(kept) = &self.requested_key
            && let Some(signed) = session.challenge(private, [kept])?.public_key()
        {
            return Ok(signed.clone());
        }
        session.public_key_by_signing(private)
    }

    /// What the request will say, but for its key: made before there is a key, so that what cannot be encoded costs none.
    fn draft(&self, key: &KeyAlgorithm) -> Result<RequestDraft> {
        let draft = match (&self.subject, self.request_form()) {
            (Subject::First(subject), RequestForm::Pkcs10) => RequestDraft::first(subject)?,
            (Subject::Renewed(old), RequestForm::Pkcs10) => {
                RequestDraft::for_renewal(old.certificate(), key)?
            }
            (Subject::Renewed(old), RequestForm::SignedByOldKey) => {
                RequestDraft::for_renewal_by_old_key(old.certificate(), key)?
            }
            (Subject::First(_), RequestForm::SignedByOldKey) => {
                return Err(Error::new(Code::BadArgument).fact(Fact::Reason, "no_old_key"));
            }
        };
        Ok(match self.named() {
            Some(name) => draft.named(name),
            None => draft,
        })
    }
}

/// What the keys have signed: the request, and the one around it by the old key where that is wanted.
type Signed = (Request, Option<RenewalRequest>);

/// A pair that was just made, and what was on the token before its certificate is.
struct Made {
    pair: NewKeyPair,
    before: Arc<Present>,
}

/// One request on a session.
struct Job<'a> {
    renewal: &'a Renewal,
    session: &'a Session,
    run: &'a Run<'a>,
    notices: Vec<Warning>,
}

impl Job<'_> {
    fn with_new_key(mut self, contents: &mut Contents) -> Result<Pending> {
        let kind = self.renewal.key_kind()?;
        let draft = self.renewal.draft(&kind.algorithm())?;
        let old = self.renewal.old_certificate();
        let now = self.run.now();
        // Where the window binds everyone, a day that has not come is none on which anything was ordered.
        let ordered_at = match self.renewal.policy.window_binds_removal {
            true => now.min(Clock::SYSTEM.now()),
            false => now,
        };
        let record = Record::new(jst_date(ordered_at), old, self.run.caller())?;
        self.run.enter(Step::GenerateKeyPair)?;
        let made = self.generate_key_pair(kind, &record, contents.present());
        let pair = made.map_err(|error| self.name_what_could_go(error, contents))?;
        let token = self.session.token().identity();
        self.run.note_request(token, &pair.private.id, &record, &pair.public_key);
        if !pair.labelled {
            self.notices.push(Notice::KeyLabelChosen.into());
        }
        let mut made = Made { pair, before: Arc::clone(contents.present()) };
        match self.prove_and_sign(&draft, &mut made, contents) {
            Ok((proof, signed)) => {
                let key = PendingKey::fresh(record, &made.pair, self.old_of_key());
                Ok(self.pending(RequestedKey::Waiting(Box::new(key)), signed, proof, Some(made.before)))
            }
            // It may be as good as any: a person, or the next start of the driver, says.
            Err(error) if error.code() == Code::ProofUndecided => Err(error),
            // The token then holds what it held before.
            Err(error) => {
                // A run that is ended in the middle of that leaves no key that would be missed.
                self.run.end_request(&record);
                let removed = self.session.remove_new_pair(&made.pair);
                if removed.is_ok() {
                    self.run.take_request_back(&record);
                }
                Err(error.after_clean_up(removed))
            }
        }
    }

    /// The pair of a first certificate says on its label for whom it is, where the token takes that.
    fn generate_key_pair(&self, kind: KeyKind, record: &Record, present: &Present) -> Result<NewKeyPair> {
        let generate =
            |label: &[u8], label_is| self.session.generate_key_pair(kind, (label, label_is), present);
        let generate_plain = || generate(record.label(), LabelIs::Wished);
        let label = match &self.renewal.subject {
            Subject::First(subject) => record.label_for(subject),
            Subject::Renewed(_) => None,
        };
        let Some(label) = label else { return generate_plain() };
        match generate(&label, LabelIs::OneOfSeveral) {
            Err(error) if error.code() == Code::TemplateRefused => generate_plain(),
            made => made,
        }
    }

    fn prove_and_sign(
        &mut self,
        draft: &RequestDraft,
        made: &mut Made,
        contents: &mut Contents,
    ) -> Result<(Proof, Signed)> {
        let proof = self.prove_new(made, contents)?;
        let pair = &made.pair;
        let signed = self.sign_request(draft, &pair.private, &pair.public_key, Some(contents))?;
        Ok((proof, signed))
    }

    /// The request for the key that the old credential has, where the policy says so.
    fn with_old_key(mut self, contents: &mut Contents) -> Result<Pending> {
        let Some(old) = self.renewal.old_on_token() else {
            let elsewhere = self.renewal.old().map(|old| old.identify(Error::new(Code::OldKeyElsewhere)));
            return Err(
                elsewhere.unwrap_or_else(|| Error::new(Code::BadArgument).fact(Fact::Reason, "no_old_key"))
            );
        };
        let public = old.certificate().public_key();
        let draft = self.renewal.draft(&public.algorithm())?;
        let private = old_key(self.session, contents, old)?;
        let proof = self.prove(&private)?;
        let signed = self.sign_request(&draft, &private, public, Some(contents))?;
        self.notices.push(Notice::KeyReused.into());
        let key = KeyInUse { private, old: old.clone() };
        let before = Some(Arc::clone(contents.present()));
        Ok(self.pending(RequestedKey::InUse(Box::new(key)), signed, proof, before))
    }

    fn prove(&mut self, key: &StoredKey) -> Result<Proof> {
        self.run.enter(Step::ProveKey)?;
        let required = self.renewal.policy.demanded_proof();
        let proof = observe(self.session, key, self.run)?;
        let denied = proof.evidence.contradicts_generation();
        if !(denied && self.renewal.although_denied) {
            judge(&proof, required)?;
        }
        self.notices.extend(proof_notice(&proof));
        Ok(proof)
    }

    /// The proof of a pair that was just made. Where the driver denies what it was told, and it matters, it is started anew
    /// before it is believed: some say of a new key what was true of none, until they read the token again.
    fn prove_new(&mut self, made: &mut Made, contents: &mut Contents) -> Result<Proof> {
        self.run.enter(Step::ProveKey)?;
        let required = self.renewal.policy.demanded_proof();
        let key = self.session.asked_again_if_denied(&made.pair.private)?;
        let mut denied = None;
        // The private value is not asked of a driver that is to be started anew.
        if !key.is_denied(required) {
            let proof = self.session.prove(&key, self.run.now())?;
            if !proof.is_denied(required) {
                return self.judged(proof, required);
            }
            denied = Some(proof);
        }
        match self.session.start_driver_anew() {
            Ok(true) => {
                let proof = self.prove_anew(made, contents)?;
                if proof.level < required && proof.level > ProofLevel::Refused {
                    return Err(refusal(Code::ProofInsufficient, &proof, required));
                }
                self.judged(proof, required)
            }
            Ok(false) => {
                let proof = denied.map_or_else(|| self.session.prove(&key, self.run.now()), Ok)?;
                if proof.level == ProofLevel::Refused && !self.renewal.although_denied {
                    return Err(refusal(Code::ProofUndecided, &proof, required));
                }
                self.notices.extend(proof_notice(&proof));
                Ok(proof)
            }
            Err(error) => {
                let level = denied.map_or(key.best_level(), |proof| proof.level);
                Err(not_enough(Code::ProofUndecided, level, required, &hex(&key.id)).because_of(error))
            }
        }
    }

    /// The same by a driver that was started anew: what was read before is of a session that is no more.
    fn prove_anew(&self, made: &mut Made, contents: &mut Contents) -> Result<Proof> {
        let (pair, under_its_id) = self.session.found_again(&made.pair)?;
        // What a refused C_CreateObject leaves of the certificate will stand under that identifier.
        *made = Made { pair, before: Arc::new(under_its_id) };
        if self.renewal.request_form() == RequestForm::SignedByOldKey {
            *contents = Contents::read(self.session)?;
        }
        observe(self.session, &made.pair.private, self.run)
    }

    fn judged(&mut self, proof: Proof, required: ProofLevel) -> Result<Proof> {
        judge(&proof, required)?;
        self.notices.extend(proof_notice(&proof));
        Ok(proof)
    }

    fn sign_request(
        &self,
        draft: &RequestDraft,
        private: &StoredKey,
        public: &PublicKey,
        contents: Option<&mut Contents>,
    ) -> Result<Signed> {
        self.run.enter(Step::SignRequest)?;
        let info = draft.with_key(public)?;
        let algorithm = algorithm_of(public)?;
        let signature =
            self.session.sign(private, public, algorithm, info.to_be_signed(), Step::SignRequest)?;
        let request = info.assemble(algorithm, &signature)?;
        let signed_by_old = match (self.renewal.old(), self.renewal.request_form(), contents) {
            (Some(old), RequestForm::SignedByOldKey, Some(contents)) => {
                Some(self.sign_by_old_key(contents, old, &request)?)
            }
            _ => None,
        };
        Ok((request, signed_by_old))
    }

    /// What the key's job renews.
    fn old_of_key(&self) -> Old {
        match self.renewal.old() {
            None => Old::First,
            Some(old) => match old.on_token() {
                Some(credential) => Old::Found(Arc::new(credential.clone())),
                None => Old::Elsewhere(old.certificate().clone()),
            },
        }
    }

    /// The signature of the old key, on the token or by who has it.
    fn sign_by_old_key(
        &self,
        contents: &mut Contents,
        old: &OldCertificate,
        request: &Request,
    ) -> Result<RenewalRequest> {
        if let Some(credential) = old.on_token() {
            return sign_by_old_key(self.session, contents, credential, request);
        }
        let missing = || old.identify(Error::new(Code::OldKeyElsewhere)).during(Step::SignRequest);
        let signer = self.run.signer_of_old().ok_or_else(missing)?;
        let info = RenewalInfo::new(request.clone(), old.certificate())?;
        let (algorithm, public) = (info.algorithm(), old.certificate().public_key());
        let signature =
            signer.sign(algorithm, info.to_be_signed()).map_err(|error| error.during(Step::SignRequest))?;
        public.verify(algorithm, info.to_be_signed(), &signature).map_err(|error| {
            let false_one = Error::new(Code::OldKeySignatureInvalid).during(Step::SignRequest);
            old.identify(false_one).fact(Fact::Expected, public.algorithm()).caused_by(error)
        })?;
        info.assemble(&signature)
    }

    fn pending(
        self,
        key: RequestedKey,
        (request, signed_by_old): Signed,
        proof: Proof,
        before: Option<Arc<Present>>,
    ) -> Pending {
        let since = key.made_on().unwrap_or_else(|| jst_date(self.run.now()));
        Pending {
            key,
            since,
            request,
            signed_by_old,
            proof,
            old: self.renewal.old().cloned(),
            policy: self.renewal.policy.clone(),
            before,
            installed: AtomicBool::new(false),
            notices: self.notices,
        }
    }

    /// A full token: names the expired credentials, with their keys, that could make room.
    fn name_what_could_go(&self, error: Error, contents: &Contents) -> Error {
        if error.code() != Code::TokenFull {
            return error;
        }
        let now = self.run.now();
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

impl Session {
    /// What the driver says about the exportability of a credential's key; `None` where its key was not seen.
    ///
    /// # Errors
    /// What C_GetAttributeValue returns, other than the refusal that is hoped for.
    pub fn proof(&self, credential: &Credential, run: &Run<'_>) -> Result<Option<Proof>> {
        self.explained(credential.private_key().ok().map(|key| self.prove(key, run.now())).transpose())
    }

    /// Lets the key of a credential sign a message, for example of a TLS login, and verifies the signature. RSA signatures
    /// come as PKCS#1 v1.5 with SHA-256, those of P-256 and P-384 as DER (RFC 5480) with SHA-256 and SHA-384.
    ///
    /// # Errors
    /// [`Code::KeyMissing`] where its key was not seen; [`Code::MechanismUnsupported`]; [`Code::SignatureInvalid`]; and
    /// what C_SignInit, C_Login for the operation and C_Sign return.
    pub fn sign_as(&self, credential: &Credential, message: &[u8]) -> Result<Vec<u8>> {
        let public = credential.certificate().public_key();
        let key = credential.private_key()?;
        self.explained(self.sign(key, public, algorithm_of(public)?, message, Step::SignChallenge))
    }
}

/// Asks for the proof of a key that may have a certificate by now, and judges it.
pub(super) fn prove(
    session: &Session,
    key: &StoredKey,
    required: ProofLevel,
    run: &Run<'_>,
) -> Result<Proof> {
    let proof = observe(session, key, run)?;
    judge(&proof, required)?;
    Ok(proof)
}

/// What the driver says; where it denies what it was just told, it is asked again before it is believed.
fn observe(session: &Session, key: &StoredKey, run: &Run<'_>) -> Result<Proof> {
    session.prove(&session.asked_again_if_denied(key)?, run.now())
}

fn judge(proof: &Proof, required: ProofLevel) -> Result<()> {
    match proof.level {
        ProofLevel::Refused => Err(refusal(Code::KeyExportable, proof, required)),
        // A denial may turn into the truth when the driver is initialised again, at the latest at the install.
        level if level < required && !proof.evidence.contradicts_generation() => {
            Err(refusal(Code::ProofInsufficient, proof, required))
        }
        _ => Ok(()),
    }
}

fn refusal(code: Code, proof: &Proof, required: ProofLevel) -> Error {
    not_enough(code, proof.level, required, &proof.key_id)
}

fn not_enough(code: Code, found: ProofLevel, required: ProofLevel, key_id: &str) -> Error {
    Error::new(code)
        .during(Step::ProveKey)
        .fact(Fact::Expected, required)
        .fact(Fact::Found, found)
        .fact(Fact::Id, key_id)
}

pub(super) fn proof_notice(proof: &Proof) -> Option<Warning> {
    (proof.level == ProofLevel::Claimed).then(|| Notice::ProofClaimed.into())
}

fn algorithm_of(key: &PublicKey) -> Result<SignatureAlgorithm> {
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

#[cfg(test)]
mod tests;
