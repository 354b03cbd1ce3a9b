//! Signatures made on the token and checked in software before anyone else sees them.

use super::Session;
use super::object::{Place, StoredKey};
use crate::driver::ckr::During as _;
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{PublicKey, SignatureAlgorithm};
use base16ct::lower::encode_string as hex;
use sha2::{Digest, Sha256, Sha384};
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
        let signature = self.signature(key, algorithm, &challenge, Step::SignChallenge)?;
        let fits = |public: &&PublicKey| {
            let usual = public.in_usual_form();
            of(public) == Some(algorithm) && usual.verify(algorithm, &challenge, &signature).is_ok()
        };
        Ok(Signed { place: key.place, public_key: at_hand.find(fits).cloned() })
    }

    /// The public key of a private key that nothing on the token tells, from two signatures of an EC key.
    ///
    /// # Errors
    /// [`Code::PublicKeyInvalid`] for a key of another kind, or when the signatures do not agree; what C_SignInit and
    /// C_Sign return.
    pub(crate) fn public_key_by_signing(&self, key: &StoredKey) -> Result<PublicKey> {
        let unknown = || {
            let error = Error::new(Code::PublicKeyInvalid).during(Step::ReadPublicKey);
            error.fact(Fact::Id, hex(&key.id))
        };
        let algorithm = key.algorithm.filter(|one| *one != SignatureAlgorithm::RsaPkcs1Sha256);
        let algorithm = algorithm.ok_or_else(unknown)?;
        let challenge = fresh_challenge()?;
        let signature = self.signature(key, algorithm, &challenge, Step::ReadPublicKey)?;
        let possible = PublicKey::that_verify(algorithm, &challenge, &signature);
        let signed = self.challenge(key, &possible)?;
        signed.public_key().cloned().ok_or_else(unknown)
    }

    /// Signs a message with a private key and verifies the signature with the public key.
    ///
    /// RSA signatures come as PKCS#1 v1.5, ECDSA signatures as DER (RFC 5480, Ecdsa-Sig-Value).
    ///
    /// # Errors
    /// [`MechanismUnsupported`](crate::error::Code::MechanismUnsupported),
    /// [`SignatureInvalid`](crate::error::Code::SignatureInvalid), and what C_SignInit, C_Login for the operation
    /// and C_Sign return.
    pub fn sign(
        &self,
        key: &StoredKey,
        public_key: &PublicKey,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        step: Step,
    ) -> Result<Vec<u8>> {
        let signature = self.signature(key, algorithm, message, step)?;
        public_key.verify(algorithm, message, &signature).map_err(|error| error.during(step))?;
        if step == Step::SignRequest {
            self.pin.drop_unless_wanted();
        }
        Ok(signature)
    }

    fn signature(
        &self,
        key: &StoredKey,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        step: Step,
    ) -> Result<Vec<u8>> {
        let raw = self.sign_raw(key, self.plan(algorithm), message, step)?;
        match algorithm {
            SignatureAlgorithm::RsaPkcs1Sha256 => Ok(raw),
            SignatureAlgorithm::EcdsaSha256 | SignatureAlgorithm::EcdsaSha384 => {
                algorithm.der_from_fixed(&raw).map_err(|error| error.during(step))
            }
        }
    }

    fn sign_raw(&self, key: &StoredKey, plan: Plan, message: &[u8], step: Step) -> Result<Vec<u8>> {
        let open = self.open_session();
        let (handle, functions) = (open.handle_of(key.place)?, open.functions());
        functions.sign_init(open.handle(), plan.mechanism, handle).map_err(|failure| failure.during(step))?;
        if key.always_authenticate || self.token().quirks().context_login {
            self.login_for_operation(step)?;
        }
        functions.sign(open.handle(), &plan.data(message)).map_err(|failure| failure.during(step))
    }

    /// The mechanism that the token has, preferably the one that hashes too. A token that lists none is asked for
    /// the raw one, which is the most common.
    fn plan(&self, algorithm: SignatureAlgorithm) -> Plan {
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
        match self.token().mechanisms() {
            Some(listed) if listed.contains(&combined.mechanism) => combined,
            _ => raw,
        }
    }
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
