//! Signatures made on the token and checked in software before anybody else sees them.

use super::Session;
use super::object::StoredKey;
use crate::error::{Result, Step};
use crate::pki::{PublicKey, SignatureAlgorithm};
use pkcs11_sys::*;
use sha2::{Digest, Sha256, Sha384};

impl Session {
    /// Signs a message with a private key and verifies the signature with the public key.
    ///
    /// RSA signatures come as PKCS#1 v1.5, ECDSA signatures as DER (RFC 5480, Ecdsa-Sig-Value).
    ///
    /// # Errors
    /// [`MechanismUnsupported`](crate::code::Code::MechanismUnsupported),
    /// [`SignatureInvalid`](crate::code::Code::SignatureInvalid), and what C_SignInit, C_Login for the operation
    /// and C_Sign return.
    pub fn sign(
        &self,
        key: &StoredKey,
        public_key: &PublicKey,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        step: Step,
    ) -> Result<Vec<u8>> {
        let raw = self.sign_raw(key, self.plan(algorithm), message, step)?;
        let signature = match algorithm {
            SignatureAlgorithm::RsaPkcs1Sha256 => raw,
            SignatureAlgorithm::EcdsaSha256 | SignatureAlgorithm::EcdsaSha384 => {
                algorithm.der_from_fixed(&raw).map_err(|error| error.during(step))?
            }
        };
        public_key.verify(algorithm, message, &signature).map_err(|error| error.during(step))?;
        Ok(signature)
    }

    fn sign_raw(&self, key: &StoredKey, plan: Plan, message: &[u8], step: Step) -> Result<Vec<u8>> {
        let open = self.open_session();
        let (handle, functions) = (open.handle_of(key.place)?, open.functions());
        functions.sign_init(open.handle(), plan.mechanism, handle).map_err(|failure| failure.during(step))?;
        if key.always_authenticate || self.token().profile().context_login {
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
