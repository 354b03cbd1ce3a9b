//! Signatures made on the token and checked in software before anyone else sees them.

#[cfg(test)]
mod on_token;

use super::Session;
use super::object::{Place, StoredKey};
use crate::driver::ckr;
use crate::driver::ckr::During as _;
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{KeyAlgorithm, PublicKey, SignatureAlgorithm, pss_encoding};
use base16ct::lower::encode_string as hex;
use sha2::{Digest, Sha256, Sha384};
use std::time::{Duration, Instant};
use usbtoken_pkcs11::Failure;
use usbtoken_pkcs11::types::*;

/// What a challenge begins with, so that the signature can serve no other purpose.
const CHALLENGE_PURPOSE: &[u8] = b"usbtoken: shows that the key of a certificate signs\0";

/// So long a signature shows that a key works: an installation and the removal that follows it are one moment.
const FRESH: Duration = Duration::from_mins(1);

/// Shows that one private key object, by that very handle, has signed something fresh, and which of the public keys that
/// were at hand the signature verifies with. Only a signature makes one.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    place: Place,
    public_key: Option<PublicKey>,
    made: Option<Made>,
    at: Instant,
}

/// A signature as the token has made it, for who verifies it there.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) mechanism: CK_MECHANISM_TYPE,
    /// What C_Sign was given.
    pub(super) data: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

impl Signed {
    /// The public key that the signature verifies with; `None`: none of those at hand.
    pub(crate) fn public_key(&self) -> Option<&PublicKey> {
        self.public_key.as_ref()
    }

    #[cfg(test)]
    pub(crate) fn made_up(key: &StoredKey, public_key: Option<PublicKey>) -> Self {
        Signed { place: key.place, public_key, made: None, at: Instant::now() }
    }

    /// The signature, where it verifies with one of the public keys that were at hand.
    pub(super) fn made(&self) -> Option<&Made> {
        self.made.as_ref()
    }

    /// Whether it was made a moment ago.
    pub(crate) fn is_fresh(&self) -> bool {
        self.at.elapsed() < FRESH
    }

    /// Whether the very handle of this key has made it, in the same session.
    pub(crate) fn is_by(&self, key: &StoredKey) -> bool {
        self.place == key.place
    }
}

impl Session {
    /// Lets a private key sign something fresh, once, and verifies the signature with the public keys at hand, in this
    /// order, until one fits.
    ///
    /// # Errors
    /// [`Code::MechanismUnsupported`] for a key that this crate cannot use; what C_SignInit and C_Sign return.
    pub(crate) fn challenge<'k>(
        &self,
        key: &StoredKey,
        at_hand: impl IntoIterator<Item = &'k PublicKey>,
    ) -> Result<Signed> {
        // A CA may have written the key in a form of its own; the token signs as for the usual one.
        let of = |public: &PublicKey| SignatureAlgorithm::for_key(&public.in_usual_form().algorithm());
        let mut at_hand = at_hand.into_iter().filter(|public| of(public).is_some()).peekable();
        let algorithm = key.algorithm.or_else(|| of(at_hand.peek()?)).ok_or_else(|| {
            let error = Error::new(Code::MechanismUnsupported).during(Step::SignChallenge);
            error.fact(Fact::Id, hex(&key.id))
        })?;
        let challenge = fresh_challenge()?;
        // Mostly the first fits, so that of many the others are not examined.
        let mut seen: Vec<&PublicKey> = Vec::new();
        let fits = |plan: &Plan, returned: &[u8]| {
            let verifies = |public: &PublicKey| {
                of(public) == Some(algorithm)
                    && public.in_usual_form().signature_of_token(algorithm, &challenge, returned).is_some()
            };
            let again = seen.iter().copied().find(|public| verifies(public));
            let fits = again.or_else(|| {
                at_hand.by_ref().inspect(|public| seen.push(public)).find(|public| verifies(public))
            });
            let public = fits.cloned()?;
            let (mechanism, signature) = (plan.mechanism, returned.to_vec());
            let made = plan.data(&challenge).ok().map(|data| Made { mechanism, data, signature });
            Some((public, made))
        };
        let plans = self.plans(algorithm, key.always_authenticate);
        let signed = self.sign_by_token(key, &plans, &challenge, Step::SignChallenge, fits);
        let signed = signed.inspect_err(|error| self.unsigned.set(error.pkcs11_call()))?;
        let (public_key, made) = signed.unzip();
        Ok(Signed { place: key.place, public_key, made: made.flatten(), at: Instant::now() })
    }

    /// The public key of a private key that nothing on the token tells, from two signatures of an EC key: it is the one that
    /// both fit.
    ///
    /// # Errors
    /// [`Code::PublicKeyInvalid`] for a key of another kind, or when the signatures do not agree; what C_SignInit and
    /// C_Sign return.
    pub(crate) fn public_key_by_signing(&self, key: &StoredKey) -> Result<PublicKey> {
        let unknown = || {
            let error = Error::new(Code::PublicKeyInvalid).during(Step::ReadPublicKey);
            error.fact(Fact::Id, hex(&key.id))
        };
        // A key whose curve only its public half would tell signs as one of the two that are made here.
        let curves: &[_] = match &key.algorithm {
            Some(SignatureAlgorithm::RsaPkcs1Sha256) => return Err(unknown()),
            Some(algorithm) => &[*algorithm],
            None => &[SignatureAlgorithm::EcdsaSha256, SignatureAlgorithm::EcdsaSha384],
        };
        for algorithm in curves {
            let challenge = fresh_challenge()?;
            let that_verify = |_: &Plan, returned: &[u8]| {
                let forms = algorithm.ecdsa_forms(returned);
                let keys = forms
                    .iter()
                    .flat_map(|signature| PublicKey::that_verify(*algorithm, &challenge, signature));
                Some(keys.collect::<Vec<_>>()).filter(|keys| !keys.is_empty())
            };
            let signed = self.sign_by_token(
                key,
                &self.plans(*algorithm, key.always_authenticate),
                &challenge,
                Step::ReadPublicKey,
                that_verify,
            );
            let possible = match signed {
                Err(error) if error.is_refusal() && key.algorithm.is_none() => continue,
                signed => signed?,
            };
            let Some(possible) = possible else { continue };
            if let Some(public) = self.challenge(key, &possible)?.public_key() {
                return Ok(public.clone());
            }
        }
        Err(unknown())
    }

    /// Signs a message with a private key and verifies the signature with the public key.
    ///
    /// RSA signatures come as PKCS#1 v1.5, ECDSA signatures as DER (RFC 5480, Ecdsa-Sig-Value).
    ///
    /// # Errors
    /// [`MechanismUnsupported`](crate::error::Code::MechanismUnsupported),
    /// [`SignatureInvalid`](crate::error::Code::SignatureInvalid), and what C_SignInit, C_Login for the operation
    /// and C_Sign return.
    pub(crate) fn sign(
        &self,
        key: &StoredKey,
        public_key: &PublicKey,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        step: Step,
    ) -> Result<Vec<u8>> {
        let wants_pin = key.always_authenticate;
        let plans = match (algorithm, public_key.algorithm()) {
            (SignatureAlgorithm::RsaPssSha256, KeyAlgorithm::Rsa { bits }) => self.pss_plans(bits, wants_pin),
            _ => self.plans(algorithm, wants_pin),
        };
        let of_key = |_: &Plan, returned: &[u8]| public_key.signature_of_token(algorithm, message, returned);
        let signature = self.sign_by_token(key, &plans, message, step, of_key)?;
        let signature = signature.ok_or_else(|| Error::new(Code::SignatureInvalid).during(step))?;
        if step == Step::SignRequest {
            self.pin.drop_unless_wanted();
        }
        Ok(signature)
    }

    /// From here on this key signs what others ask for, who may let it wait: wipes the PIN unless it wants that, or another key that was seen.
    #[cfg(feature = "rustls")]
    pub(crate) fn drop_pin_unless_wanted_by(&self, key: &StoredKey) {
        self.pin.see(key);
        self.pin.drop_unless_wanted();
    }

    /// Has the token sign in the likelier way, and where it refuses that or what it returns does not verify, in the others.
    /// `None`: it does not verify.
    fn sign_by_token<T>(
        &self,
        key: &StoredKey,
        plans: &[Plan],
        message: &[u8],
        step: Step,
        mut verified: impl FnMut(&Plan, &[u8]) -> Option<T>,
    ) -> Result<Option<T>> {
        let wants_pin = key.always_authenticate;
        let (mut refused, mut in_vain, mut unverified) = (None, None, false);
        for (plan, next) in plans.iter().zip(plans.iter().skip(1).map(Some).chain([None])) {
            match self.sign_as_planned(key, plan, message, (step, wants_pin))? {
                Signing::Done(signature) => match (verified(plan, &signature), in_vain) {
                    (Some(value), None) => {
                        self.token().note_signed(plan.mechanism);
                        return Ok(Some(value));
                    }
                    (Some(value), Some(first)) => {
                        self.token().note_refused(first);
                        return Ok(Some(value));
                    }
                    // It signs well, with another key than those at hand; or nothing else is there to see by.
                    (None, _)
                        if self.token().has_signed(plan.mechanism)
                            || !self.may_sign_as(plan, next, wants_pin) =>
                    {
                        return Ok(None);
                    }
                    (None, _) => unverified = true,
                },
                Signing::Refused(error) => drop(refused.get_or_insert(error)),
            }
            in_vain = in_vain.or(Some(plan.mechanism));
        }
        if unverified {
            return Ok(None);
        }
        Err(refused.unwrap_or_else(|| Error::new(Code::MechanismUnsupported).during(step)))
    }

    /// Whether the other way is tried after a signature that does not verify. Where the PIN is sent for each, it was taken just
    /// now, so that costs no try; a person at a pad is not asked once more.
    fn may_sign_as(&self, tried: &Plan, next: Option<&Plan>, wants_pin: bool) -> bool {
        match (next, wants_pin) {
            (None, _) => false,
            (Some(_), false) => tried.hashes(),
            (Some(next), true) => self.usable(next) && self.pin.with(|pin| pin.is_some()),
        }
    }

    fn usable(&self, plan: &Plan) -> bool {
        let listed = self.token().mechanisms().is_some_and(|listed| listed.contains(&plan.mechanism));
        listed && !self.token().has_refused(plan.mechanism)
    }

    /// Whether the token signs RSASSA-PSS with a key of so many bits, as far as it tells before it is tried.
    #[cfg(feature = "rustls")]
    pub(crate) fn may_sign_pss(&self, modulus_bits: u32) -> bool {
        !self.pss_plans(modulus_bits, false).is_empty()
    }

    fn sign_as_planned(
        &self,
        key: &StoredKey,
        plan: &Plan,
        message: &[u8],
        (step, wants_pin): (Step, bool),
    ) -> Result<Signing> {
        let open = self.open_session();
        let (handle, functions) = (open.handle_of(key.place)?, open.functions());
        let data = plan.data(message).map_err(|error| error.during(step))?;
        let failed = |failure: Failure, is_refusal: fn(CK_RV) -> bool| match failure.rv() {
            Some(rv) if is_refusal(rv) => Ok(Signing::Refused(failure.during(step))),
            _ => Err(failure),
        };
        let begin = || match plan.mechanism {
            CKM_RSA_PKCS_PSS | CKM_SHA256_RSA_PKCS_PSS => {
                functions.sign_init_pss_sha256(open.handle(), plan.mechanism, handle)
            }
            mechanism => functions.sign_init(open.handle(), mechanism, handle),
        };
        let begun = match begin() {
            // A C_Sign that failed has left its operation behind.
            Err(failure) if failure.rv() == Some(CKR_OPERATION_ACTIVE) => {
                functions.end_signing(open.handle());
                begin()
            }
            begun => begun,
        };
        if let Err(failure) = begun {
            return failed(failure, ckr::may_be_mechanism_refusal).map_err(|failure| failure.during(step));
        }
        if wants_pin {
            self.login_for_operation(step)?;
        }
        let signed = match functions.sign(open.handle(), &data) {
            Ok(signature) => Ok(Signing::Done(signature)),
            // To sign in another way the PIN is sent again. It was taken, so that costs no try, unless the token examines it
            // only now and this is what it says of a wrong one.
            // One that the login has shown to be right is not counted as wrong.
            Err(failure) if wants_pin && !self.knows_pin() => failed(failure, ckr::is_mechanism_refusal),
            Err(failure) => failed(failure, ckr::may_be_mechanism_refusal),
        };
        signed.map_err(|failure| ckr::refused_signature(failure, wants_pin, step))
    }

    /// Whether the token has checked the PIN that is sent for each signature.
    fn knows_pin(&self) -> bool {
        self.pin_was_checked() && self.pin.with(|pin| pin.is_some())
    }

    /// The ways to sign, likeliest first: with the mechanism that hashes too where the token lists it and has not refused it
    /// in this process, else with the raw one, which is the most common. Where each try sends the PIN the raw one goes first,
    /// unless it is the one that is not listed.
    fn plans(&self, algorithm: SignatureAlgorithm, wants_pin: bool) -> Vec<Plan> {
        let plan = |mechanism, host| Plan { mechanism, host };
        let (combined, raw) = match algorithm {
            SignatureAlgorithm::RsaPkcs1Sha256 => {
                (plan(CKM_SHA256_RSA_PKCS, HostWork::Nothing), plan(CKM_RSA_PKCS, HostWork::DigestInfoSha256))
            }
            SignatureAlgorithm::RsaPssSha256 => {
                (plan(CKM_SHA256_RSA_PKCS_PSS, HostWork::Nothing), plan(CKM_RSA_PKCS_PSS, HostWork::Sha256))
            }
            SignatureAlgorithm::EcdsaSha256 => {
                (plan(CKM_ECDSA_SHA256, HostWork::Nothing), plan(CKM_ECDSA, HostWork::Sha256))
            }
            SignatureAlgorithm::EcdsaSha384 => {
                (plan(CKM_ECDSA_SHA384, HostWork::Nothing), plan(CKM_ECDSA, HostWork::Sha384))
            }
        };
        match self.usable(&combined) && !(wants_pin && self.usable(&raw)) {
            true => vec![combined, raw],
            false => vec![raw, combined],
        }
    }

    /// The ways to sign RSASSA-PSS. Many tokens have none: only those that are listed are tried, where any mechanism is; the
    /// bare RSA operation (CKM_RSA_X_509), for which all is done here, last.
    fn pss_plans(&self, modulus_bits: u32, wants_pin: bool) -> Vec<Plan> {
        let bare = Plan { mechanism: CKM_RSA_X_509, host: HostWork::PssEncoding { modulus_bits } };
        let mut plans = self.plans(SignatureAlgorithm::RsaPssSha256, wants_pin);
        plans.push(bare);
        let listed = self.token().mechanisms();
        plans.retain(|plan| listed.is_none_or(|listed| listed.contains(&plan.mechanism)));
        plans
    }
}

/// What came of one way to sign.
enum Signing {
    Done(Vec<u8>),
    /// The token does not sign in this way, and nothing was sent for it that costs a try.
    Refused(Error),
}

fn fresh_challenge() -> Result<Vec<u8>> {
    let fresh = random().map_err(|error| error.during(Step::SignChallenge))?;
    Ok([CHALLENGE_PURPOSE, &fresh].concat())
}

fn random() -> Result<[u8; 32]> {
    let mut fresh = [0_u8; 32];
    getrandom::fill(&mut fresh).map_err(|error| Error::new(Code::Internal).caused_by(error))?;
    Ok(fresh)
}

/// What the token is asked for, and what is done before.
struct Plan {
    mechanism: CK_MECHANISM_TYPE,
    host: HostWork,
}

enum HostWork {
    Nothing,
    Sha256,
    Sha384,
    DigestInfoSha256,
    PssEncoding { modulus_bits: u32 },
}

impl Plan {
    /// Whether the token hashes, too.
    fn hashes(&self) -> bool {
        matches!(self.host, HostWork::Nothing)
    }

    fn data(&self, message: &[u8]) -> Result<Vec<u8>> {
        /// DigestInfo up to the hash (RFC 8017 §9.2, note 1).
        const DIGEST_INFO_SHA256: [u8; 19] = [
            0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
            0x00, 0x04, 0x20,
        ];
        Ok(match self.host {
            HostWork::Nothing => message.to_vec(),
            HostWork::Sha256 => Sha256::digest(message).to_vec(),
            HostWork::Sha384 => Sha384::digest(message).to_vec(),
            HostWork::DigestInfoSha256 => [&DIGEST_INFO_SHA256[..], &Sha256::digest(message)].concat(),
            HostWork::PssEncoding { modulus_bits } => {
                let encoded = pss_encoding(message, modulus_bits, &random()?);
                encoded.ok_or_else(|| Error::new(Code::KeySizeUnsupported).fact(Fact::Found, modulus_bits))?
            }
        })
    }
}
