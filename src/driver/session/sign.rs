//! Signatures made on the token and checked in software before anyone else sees them.

use super::Session;
use super::object::{Place, StoredKey};
use crate::driver::ckr;
use crate::driver::ckr::During as _;
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{PublicKey, SignatureAlgorithm};
use base16ct::lower::encode_string as hex;
use sha2::{Digest, Sha256, Sha384};
use usbtoken_pkcs11::Failure;
use usbtoken_pkcs11::types::*;

/// What a challenge begins with, so that the signature can serve no other purpose.
const CHALLENGE_PURPOSE: &[u8] = b"usbtoken: shows that the key of a certificate signs\0";

/// Shows that one private key object, by that very handle, has signed something fresh, and which of the public keys that
/// were at hand the signature verifies with. Only a signature makes one.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    place: Place,
    public_key: Option<PublicKey>,
}

impl Signed {
    /// The public key that the signature verifies with; `None`: none of those at hand.
    pub(crate) fn public_key(&self) -> Option<&PublicKey> {
        self.public_key.as_ref()
    }

    #[cfg(test)]
    pub(crate) fn made_up(key: &StoredKey, public_key: Option<PublicKey>) -> Self {
        Signed { place: key.place, public_key }
    }

    pub(super) fn is_by(&self, key: &StoredKey) -> bool {
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
        let returned = self.sign_by_token(key, algorithm, &challenge, Step::SignChallenge)?;
        let fits = |public: &&PublicKey| {
            let usual = public.in_usual_form();
            of(public) == Some(algorithm)
                && usual.signature_of_token(algorithm, &challenge, &returned).is_some()
        };
        Ok(Signed { place: key.place, public_key: at_hand.find(fits).cloned() })
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
            let returned = match self.sign_by_token(key, *algorithm, &challenge, Step::ReadPublicKey) {
                Err(error) if error.is_refusal() && key.algorithm.is_none() => continue,
                returned => returned?,
            };
            let possible = algorithm
                .ecdsa_forms(&returned)
                .iter()
                .flat_map(|signature| PublicKey::that_verify(*algorithm, &challenge, signature))
                .collect::<Vec<_>>();
            if possible.is_empty() {
                continue;
            }
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
        let returned = self.sign_by_token(key, algorithm, message, step)?;
        let signature = public_key.signature_of_token(algorithm, message, &returned);
        let signature = signature.ok_or_else(|| Error::new(Code::SignatureInvalid).during(step))?;
        if step == Step::SignRequest {
            self.pin.drop_unless_wanted();
        }
        Ok(signature)
    }

    /// Has the token sign, in the way that it lists, and where it refuses that, in the other.
    fn sign_by_token(
        &self,
        key: &StoredKey,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        step: Step,
    ) -> Result<Vec<u8>> {
        let [first, second] = self.plans(algorithm);
        let refused = match self.sign_as_planned(key, &first, message, step)? {
            Signing::Done(signature) => return Ok(signature),
            Signing::Refused(error) => error,
        };
        match self.sign_as_planned(key, &second, message, step)? {
            Signing::Done(signature) => {
                self.token().note_refused(first.mechanism);
                Ok(signature)
            }
            Signing::Refused(_) => Err(refused),
        }
    }

    fn sign_as_planned(&self, key: &StoredKey, plan: &Plan, message: &[u8], step: Step) -> Result<Signing> {
        let open = self.open_session();
        let (handle, functions) = (open.handle_of(key.place)?, open.functions());
        let failed = |failure: Failure, again: bool| match failure.rv() {
            Some(rv) if again && ckr::is_mechanism_refusal(rv) => Ok(Signing::Refused(failure.during(step))),
            _ => Err(failure.during(step)),
        };
        if let Err(failure) = functions.sign_init(open.handle(), plan.mechanism, handle) {
            return failed(failure, true);
        }
        let with_pin = key.always_authenticate || self.token().quirks().context_login;
        if with_pin {
            self.login_for_operation(step)?;
        }
        match functions.sign(open.handle(), &plan.data(message)) {
            Ok(signature) => Ok(Signing::Done(signature)),
            // To sign in another way the PIN would be sent again, which may cost a try.
            Err(failure) => failed(failure, !with_pin),
        }
    }

    /// The ways to sign, likeliest first: with the mechanism that hashes too where the token lists it and has not refused it
    /// in this process, else with the raw one, which is the most common.
    fn plans(&self, algorithm: SignatureAlgorithm) -> [Plan; 2] {
        let (combined, raw) = match algorithm {
            SignatureAlgorithm::RsaPkcs1Sha256 => (
                Plan { mechanism: CKM_SHA256_RSA_PKCS, host: HostWork::Nothing },
                Plan { mechanism: CKM_RSA_PKCS, host: HostWork::DigestInfoSha256 },
            ),
            SignatureAlgorithm::EcdsaSha256 => (
                Plan { mechanism: CKM_ECDSA_SHA256, host: HostWork::Nothing },
                Plan { mechanism: CKM_ECDSA, host: HostWork::Sha256 },
            ),
            SignatureAlgorithm::EcdsaSha384 => (
                Plan { mechanism: CKM_ECDSA_SHA384, host: HostWork::Nothing },
                Plan { mechanism: CKM_ECDSA, host: HostWork::Sha384 },
            ),
        };
        let listed = self.token().mechanisms().is_some_and(|listed| listed.contains(&combined.mechanism));
        if listed && !self.token().has_refused(combined.mechanism) {
            [combined, raw]
        } else {
            [raw, combined]
        }
    }
}

/// What came of one way to sign.
enum Signing {
    Done(Vec<u8>),
    /// The token does not sign in this way, and nothing was sent for it that costs a try.
    Refused(Error),
}

fn fresh_challenge() -> Result<Vec<u8>> {
    let mut fresh = [0_u8; 32];
    getrandom::fill(&mut fresh)
        .map_err(|error| Error::new(Code::Internal).during(Step::SignChallenge).caused_by(error))?;
    Ok([CHALLENGE_PURPOSE, &fresh].concat())
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
}

impl Plan {
    fn data(&self, message: &[u8]) -> Vec<u8> {
        /// DigestInfo up to the hash (RFC 8017 §9.2, note 1).
        const DIGEST_INFO_SHA256: [u8; 19] = [
            0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
            0x00, 0x04, 0x20,
        ];
        match self.host {
            HostWork::Nothing => message.to_vec(),
            HostWork::Sha256 => Sha256::digest(message).to_vec(),
            HostWork::Sha384 => Sha384::digest(message).to_vec(),
            HostWork::DigestInfoSha256 => [&DIGEST_INFO_SHA256[..], &Sha256::digest(message)].concat(),
        }
    }
}
