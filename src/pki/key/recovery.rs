//! The public key that a signature was made with, where nothing else reports it.
//!
//! An ECDSA signature leaves at most four public keys (SEC 1 v2.0 §4.1.6); a second one tells which of them it is. So a
//! private key whose public half was lost gives it back by signing twice.

use p256::ecdsa::RecoveryId;
use spki::EncodePublicKey;

use super::kind::SignatureAlgorithm;
use super::public::PublicKey;

impl PublicKey {
    /// The public keys with which this signature verifies; none for RSA, where a signature does not tell. The signature is
    /// the DER of ECDSA-Sig-Value (RFC 3279 §2.2.3).
    pub(crate) fn that_verify(
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Vec<PublicKey> {
        let digest = algorithm.digest(message);
        let ids = (0..=RecoveryId::MAX).filter_map(RecoveryId::from_byte);
        let keys = ids.filter_map(|id| match algorithm {
            SignatureAlgorithm::RsaPkcs1Sha256 | SignatureAlgorithm::RsaPssSha256 => None,
            SignatureAlgorithm::EcdsaSha256 => {
                let signature = p256::ecdsa::Signature::from_der(signature).ok()?;
                let key = p256::ecdsa::VerifyingKey::recover_from_prehash(&digest, &signature, id).ok()?;
                p256::PublicKey::from(key).to_public_key_der().ok()
            }
            SignatureAlgorithm::EcdsaSha384 => {
                let signature = p384::ecdsa::Signature::from_der(signature).ok()?;
                let key = p384::ecdsa::VerifyingKey::recover_from_prehash(&digest, &signature, id).ok()?;
                p384::PublicKey::from(key).to_public_key_der().ok()
            }
        });
        let keys = keys.filter_map(|spki| PublicKey::from_spki_der(spki.as_bytes()).ok());
        keys.filter(|key| key.verify(algorithm, message, signature).is_ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::openssl::OpenSsl;

    #[test]
    fn two_signatures_of_a_key_tell_which_one_it_is() {
        let openssl = OpenSsl::new();
        for (kind, algorithm) in
            [("P-256", SignatureAlgorithm::EcdsaSha256), ("P-384", SignatureAlgorithm::EcdsaSha384)]
        {
            let key = openssl.key(kind, kind);
            let candidates =
                PublicKey::that_verify(algorithm, b"one", &openssl.sign(kind, algorithm, b"one"));
            assert!(candidates.contains(&key), "{kind}");
            let second = openssl.sign(kind, algorithm, b"two");
            let left: Vec<_> =
                candidates.iter().filter(|key| key.verify(algorithm, b"two", &second).is_ok()).collect();
            assert_eq!(left, [&key], "{kind}");
        }
    }

    #[test]
    fn a_signature_of_rsa_tells_nothing() {
        let openssl = OpenSsl::new();
        openssl.key("rsa", "rsa");
        let signature = openssl.sign("rsa", SignatureAlgorithm::RsaPkcs1Sha256, b"one");
        assert!(PublicKey::that_verify(SignatureAlgorithm::RsaPkcs1Sha256, b"one", &signature).is_empty());
    }
}
