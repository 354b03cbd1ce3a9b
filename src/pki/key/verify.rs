//! Verifying signatures, of tokens and of CAs: all of the arithmetic is behind [`verify`].

use der::Decode;
use der::asn1::ObjectIdentifier;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::pkcs1::RsaPublicKeyRef;
use rsa::traits::SignatureScheme;
use rsa::{BoxedUint, Pkcs1v15Sign};
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use self::pss::PssParameters;
use crate::pki::asn1::oid;

mod pss;

pub(crate) use self::pss::pss_encoding;

/// Why a signature was not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pki) enum Unverified {
    /// It does not verify with that key.
    Invalid,
    /// It may be right: there is no code here for that algorithm, curve or size of key. This is its name.
    Unsupported(String),
}

/// Verifies a signature over a message with a key, by the algorithm that is named beside the signature.
///
/// RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 8017 §8) with keys of 1024 to 8192 bits, ECDSA (FIPS 186-5 §6) on P-256,
/// P-384 and P-521, each with SHA-1 or any SHA-2; Ed25519 (RFC 8410).
pub(in crate::pki) fn verify(
    key: &SubjectPublicKeyInfoRef<'_>,
    algorithm: &AlgorithmIdentifierRef<'_>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Unverified> {
    #[cfg(test)]
    count::one_more();
    let bits = key.subject_public_key.as_bytes().ok_or(Unverified::Invalid)?;
    let verified = match (algorithm.oid, key.algorithm.oid) {
        (oid::RSASSA_PSS, oid::RSA_ENCRYPTION | oid::RSASSA_PSS) => {
            let parameters = PssParameters::read(algorithm.parameters)?;
            parameters.allowed_by(key)?;
            parameters.verify(&rsa_key(bits)?, message, signature)
        }
        (oid::ED25519, oid::ED25519) => ed25519(bits, message, signature),
        (algorithm, kind) => match (rsa_hash(algorithm), ecdsa_hash(algorithm)) {
            (Some(hash), _) if kind == oid::RSA_ENCRYPTION => {
                hash.verify_pkcs1(&rsa_key(bits)?, message, signature)
            }
            (_, Some(hash)) if kind == oid::EC_PUBLIC_KEY => {
                ecdsa(key, bits, algorithm, &hash.digest(message), signature)?
            }
            (None, None) if algorithm != oid::RSASSA_PSS && algorithm != oid::ED25519 => {
                return Err(Unverified::Unsupported(oid::name(algorithm)));
            }
            // A key of another kind cannot have made it.
            _ => false,
        },
    };
    if verified { Ok(()) } else { Err(Unverified::Invalid) }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// Calls a function that is generic over the hash.
macro_rules! with_hash {
    ($hash:expr, $function:ident ( $($argument:expr),* )) => {
        match $hash {
            Hash::Sha1 => $function::<Sha1>($($argument),*),
            Hash::Sha224 => $function::<Sha224>($($argument),*),
            Hash::Sha256 => $function::<Sha256>($($argument),*),
            Hash::Sha384 => $function::<Sha384>($($argument),*),
            Hash::Sha512 => $function::<Sha512>($($argument),*),
        }
    };
}

use with_hash;

impl Hash {
    fn named(oid: ObjectIdentifier) -> Option<Self> {
        Some(match oid {
            oid::SHA1 => Hash::Sha1,
            oid::SHA224 => Hash::Sha224,
            oid::SHA256 => Hash::Sha256,
            oid::SHA384 => Hash::Sha384,
            oid::SHA512 => Hash::Sha512,
            _ => return None,
        })
    }

    fn digest(self, message: &[u8]) -> Vec<u8> {
        fn digest<D: Digest>(message: &[u8]) -> Vec<u8> {
            D::digest(message).to_vec()
        }
        with_hash!(self, digest(message))
    }

    fn verify_pkcs1(self, key: &rsa::PublicKey, message: &[u8], signature: &[u8]) -> bool {
        fn scheme<D: Digest + rsa::pkcs8::AssociatedOid>() -> Pkcs1v15Sign {
            Pkcs1v15Sign::new::<D>()
        }
        with_hash!(self, scheme()).verify(key, &self.digest(message), signature).is_ok()
    }
}

fn rsa_hash(algorithm: ObjectIdentifier) -> Option<Hash> {
    Some(match algorithm {
        oid::SHA1_WITH_RSA => Hash::Sha1,
        oid::SHA224_WITH_RSA => Hash::Sha224,
        oid::SHA256_WITH_RSA => Hash::Sha256,
        oid::SHA384_WITH_RSA => Hash::Sha384,
        oid::SHA512_WITH_RSA => Hash::Sha512,
        _ => return None,
    })
}

fn ecdsa_hash(algorithm: ObjectIdentifier) -> Option<Hash> {
    Some(match algorithm {
        oid::ECDSA_WITH_SHA1 => Hash::Sha1,
        oid::ECDSA_WITH_SHA224 => Hash::Sha224,
        oid::ECDSA_WITH_SHA256 => Hash::Sha256,
        oid::ECDSA_WITH_SHA384 => Hash::Sha384,
        oid::ECDSA_WITH_SHA512 => Hash::Sha512,
        _ => return None,
    })
}

fn rsa_key(pkcs1: &[u8]) -> Result<rsa::PublicKey, Unverified> {
    let numbers = RsaPublicKeyRef::from_der(pkcs1).map_err(|_| Unverified::Invalid)?;
    let (modulus, exponent) = (numbers.modulus.as_bytes(), numbers.public_exponent.as_bytes());
    rsa_key_from(modulus, exponent)
        .ok_or_else(|| Unverified::Unsupported(format!("RSA {}", bit_length(modulus))))
}

/// Makes the key from two numbers without zeros in front; `None` for sizes that the `rsa` crate refuses. The length
/// is examined first so that no huge number is built.
pub(super) fn rsa_key_from(modulus: &[u8], exponent: &[u8]) -> Option<rsa::PublicKey> {
    let filled = !modulus.is_empty() && !exponent.is_empty();
    if !filled || modulus.len() > rsa::PublicKey::MAX_SIZE / 8 || exponent.len() > 8 {
        return None;
    }
    let number = |bytes| BoxedUint::from_be_slice_vartime(bytes);
    rsa::PublicKey::new(number(modulus), number(exponent)).ok()
}

/// The length in bits of a number without zeros in front.
pub(super) fn bit_length(number: &[u8]) -> usize {
    let first = number.first().map_or(0, |first| first.leading_zeros() as usize);
    (number.len() * 8).saturating_sub(first)
}

/// The number of bytes of a point's coordinate on P-521, the longest curve here.
const LONGEST_FIELD: usize = 66;

fn ecdsa(
    key: &SubjectPublicKeyInfoRef<'_>,
    point: &[u8],
    algorithm: ObjectIdentifier,
    digest: &[u8],
    signature: &[u8],
) -> Result<bool, Unverified> {
    let unsupported = |curve: &str| Unverified::Unsupported(format!("{} ({curve})", oid::name(algorithm)));
    let curve = key.algorithm.parameters_oid().map_err(|_| unsupported("EC parameters without a name"))?;
    macro_rules! verify {
        ($curve:ident, $field:expr) => {
            $curve::ecdsa::VerifyingKey::from_sec1_bytes(point)
                .and_then(|key| {
                    let signature = $curve::ecdsa::Signature::from_der(signature)?;
                    key.verify_prehash(&widened(digest, $field), &signature)
                })
                .is_ok()
        };
    }
    Ok(match curve {
        oid::P256 => verify!(p256, 32),
        oid::P384 => verify!(p384, 48),
        oid::P521 => verify!(p521, LONGEST_FIELD),
        other => return Err(unsupported(&oid::name(other))),
    })
}

/// The hash as a number as wide as the curve's field. The `ecdsa` crate refuses hashes of less than half of that, which
/// FIPS 186-5 does not.
fn widened(digest: &[u8], field: usize) -> Vec<u8> {
    let mut wide = vec![0; field.saturating_sub(digest.len())];
    wide.extend_from_slice(digest);
    wide
}

fn ed25519(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let Ok(key) = ed25519_dalek::VerifyingKey::try_from(key) else { return false };
    ed25519_dalek::Signature::from_slice(signature)
        .and_then(|signature| key.verify_strict(message, &signature))
        .is_ok()
}

/// How many signatures this thread has verified.
#[cfg(test)]
mod count {
    use std::cell::Cell;

    thread_local! {
        static VERIFIED: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn one_more() {
        VERIFIED.set(VERIFIED.get() + 1);
    }

    pub(crate) fn verifications() -> usize {
        VERIFIED.get()
    }
}

#[cfg(test)]
pub(crate) use self::count::verifications;

#[cfg(test)]
mod tests;
