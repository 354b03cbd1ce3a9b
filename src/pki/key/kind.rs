//! Kinds of keys and signatures.

use std::fmt;
use std::str::FromStr;

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Encode, Tag};
use serde::{Deserialize, Serialize};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use super::specified::{Curve, Known, known_curve};
use super::verify::bit_length;

use crate::error::{Code, Error, Fact};
use crate::pki::asn1::oid;
use crate::pki::asn1::tlv::{INTEGER, SEQUENCE, Tlv, trim_zeros};

/// The algorithm of a public key as found, with its size.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// RSA.
    Rsa {
        /// The length of the modulus in bits.
        bits: u32,
    },
    /// ECDSA on NIST P-256 (secp256r1).
    P256,
    /// ECDSA on NIST P-384 (secp384r1).
    P384,
    /// Anything else, by the name that openssl has for it, with the size in bits where keys of one kind differ in it:
    /// `P-521`, `Ed25519`, `RSA-PSS 2048`, `DSA 2048`; by the object identifier where there is no name.
    Other(String),
}

impl KeyAlgorithm {
    /// The algorithm of a key of any kind. `key` are the bits of subjectPublicKey.
    pub(super) fn of(info: &SubjectPublicKeyInfoRef<'_>, key: &[u8]) -> Self {
        let parameters = info.algorithm.parameters;
        match (info.algorithm.oid, info.algorithm.parameters_oid()) {
            (oid::EC_PUBLIC_KEY, Ok(oid::P256)) => KeyAlgorithm::P256,
            (oid::EC_PUBLIC_KEY, Ok(oid::P384)) => KeyAlgorithm::P384,
            (oid::EC_PUBLIC_KEY, Ok(curve)) => KeyAlgorithm::Other(oid::name(curve)),
            (oid::EC_PUBLIC_KEY, Err(_)) => match parameters.and_then(known_curve) {
                Some(Known::Used(Curve::P256)) => KeyAlgorithm::P256,
                Some(Known::Used(Curve::P384)) => KeyAlgorithm::P384,
                Some(Known::Other(name)) => KeyAlgorithm::Other(name.to_owned()),
                None => KeyAlgorithm::Other(oid::name(oid::EC_PUBLIC_KEY)),
            },
            (oid::RSA_ENCRYPTION, _) => match modulus_bits(key) {
                Some(bits) => KeyAlgorithm::Rsa { bits },
                None => KeyAlgorithm::Other(oid::name(oid::RSA_ENCRYPTION)),
            },
            (oid::RSASSA_PSS, _) => sized(oid::RSASSA_PSS, modulus_bits(key)),
            (oid::DSA, _) => sized(oid::DSA, parameters.and_then(first_number_bits)),
            (algorithm, _) => KeyAlgorithm::Other(oid::name(algorithm)),
        }
    }
}

fn sized(algorithm: ObjectIdentifier, bits: Option<u32>) -> KeyAlgorithm {
    let name = oid::name(algorithm);
    KeyAlgorithm::Other(bits.map_or_else(|| name.clone(), |bits| format!("{name} {bits}")))
}

/// The size of an RSA key, whatever it is (RFC 8017 §A.1.1).
fn modulus_bits(key: &[u8]) -> Option<u32> {
    let numbers = Tlv::whole(key).and_then(|all| all.tagged(SEQUENCE)).ok()?;
    number_bits(numbers)
}

/// The size of a DSA key: p is the first of Dss-Parms (RFC 3279 §2.3.2).
fn first_number_bits(parameters: AnyRef<'_>) -> Option<u32> {
    let der = parameters.to_der().ok()?;
    number_bits(Tlv::whole(&der).and_then(|all| all.tagged(SEQUENCE)).ok()?)
}

fn number_bits(numbers: Tlv<'_>) -> Option<u32> {
    let first = numbers.fields().expect(INTEGER).ok()?;
    u32::try_from(bit_length(trim_zeros(first.value))).ok()
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyAlgorithm::Rsa { bits } => write!(f, "RSA {bits}"),
            KeyAlgorithm::P256 => f.write_str("P-256"),
            KeyAlgorithm::P384 => f.write_str("P-384"),
            KeyAlgorithm::Other(oid) => f.write_str(oid),
        }
    }
}

/// A kind of key pair that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum KeyKind {
    /// RSA, 2048 bits.
    Rsa2048,
    /// RSA, 3072 bits.
    Rsa3072,
    /// RSA, 4096 bits.
    Rsa4096,
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
}

impl KeyKind {
    /// Every kind.
    pub const ALL: &'static [KeyKind] =
        &[KeyKind::Rsa2048, KeyKind::Rsa3072, KeyKind::Rsa4096, KeyKind::P256, KeyKind::P384];

    const fn name(self) -> &'static str {
        match self {
            KeyKind::Rsa2048 => "rsa2048",
            KeyKind::Rsa3072 => "rsa3072",
            KeyKind::Rsa4096 => "rsa4096",
            KeyKind::P256 => "p256",
            KeyKind::P384 => "p384",
        }
    }

    /// The algorithm that a public key of this kind has.
    pub(crate) const fn algorithm(self) -> KeyAlgorithm {
        match self {
            KeyKind::Rsa2048 => KeyAlgorithm::Rsa { bits: 2048 },
            KeyKind::Rsa3072 => KeyAlgorithm::Rsa { bits: 3072 },
            KeyKind::Rsa4096 => KeyAlgorithm::Rsa { bits: 4096 },
            KeyKind::P256 => KeyAlgorithm::P256,
            KeyKind::P384 => KeyAlgorithm::P384,
        }
    }

    /// The kind of a key like this one: the same kind, or the next larger RSA key where the size is not one of ours.
    /// `None` for kinds that are not made here, and for longer RSA keys: a shorter one is no successor.
    pub(crate) const fn like(old: &KeyAlgorithm) -> Option<Self> {
        match old {
            KeyAlgorithm::P256 => Some(KeyKind::P256),
            KeyAlgorithm::P384 => Some(KeyKind::P384),
            KeyAlgorithm::Rsa { bits: ..=2048 } => Some(KeyKind::Rsa2048),
            KeyAlgorithm::Rsa { bits: ..=3072 } => Some(KeyKind::Rsa3072),
            KeyAlgorithm::Rsa { bits: ..=4096 } => Some(KeyKind::Rsa4096),
            KeyAlgorithm::Rsa { .. } | KeyAlgorithm::Other(_) => None,
        }
    }

    /// The size of the key in bits: of the modulus, or of the curve's field.
    pub(crate) const fn bits(self) -> u32 {
        match self {
            KeyKind::Rsa2048 => 2048,
            KeyKind::Rsa3072 => 3072,
            KeyKind::Rsa4096 => 4096,
            KeyKind::P256 => 256,
            KeyKind::P384 => 384,
        }
    }

    /// The curve as ECParameters in DER, namedCurve (RFC 5480 §2.1.1); `None` for RSA.
    pub(crate) fn curve_der(self) -> Option<Vec<u8>> {
        match self {
            KeyKind::P256 => Some(oid::encode(oid::P256)),
            KeyKind::P384 => Some(oid::encode(oid::P384)),
            KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => None,
        }
    }
}

/// The algorithm that a public key of this kind has.
impl From<KeyKind> for KeyAlgorithm {
    fn from(kind: KeyKind) -> Self {
        kind.algorithm()
    }
}

/// The stable name, which `FromStr` reads.
impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for KeyKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let known = KeyKind::ALL.iter().find(|kind| kind.name().eq_ignore_ascii_case(text)).copied();
        known.ok_or_else(|| Error::new(Code::BadArgument).fact(Fact::Found, text))
    }
}

/// RSASSA-PSS-params (RFC 4055 §3.1) of [`SignatureAlgorithm::RsaPssSha256`], without the header: SHA-256, MGF1 with SHA-256,
/// a salt of 32 bytes.
const PSS_SHA256: &[u8] = &[
    0xa0, 0x0f, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 0xa1, 0x1c, 0x30, 0x1a, 6, 9,
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5,
    0, 0xa2, 3, 2, 1, 0x20,
];

/// A signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2).
    RsaPkcs1Sha256,
    /// RSASSA-PSS with SHA-256, also in the mask, and a salt of 32 bytes (RFC 8017 §8.1): what TLS 1.3 has of RSA.
    RsaPssSha256,
    /// ECDSA on P-256 with SHA-256 (RFC 5758 §3.2).
    EcdsaSha256,
    /// ECDSA on P-384 with SHA-384 (RFC 5758 §3.2).
    EcdsaSha384,
}

impl SignatureAlgorithm {
    /// The algorithm to sign with, for a key of that algorithm; `None` for keys that this crate does not use.
    pub(crate) fn for_key(key: &KeyAlgorithm) -> Option<Self> {
        match key {
            KeyAlgorithm::Rsa { .. } => Some(SignatureAlgorithm::RsaPkcs1Sha256),
            KeyAlgorithm::P256 => Some(SignatureAlgorithm::EcdsaSha256),
            KeyAlgorithm::P384 => Some(SignatureAlgorithm::EcdsaSha384),
            KeyAlgorithm::Other(_) => None,
        }
    }

    /// Whether keys of that algorithm sign so.
    pub(crate) fn is_of(self, key: &KeyAlgorithm) -> bool {
        match self {
            SignatureAlgorithm::RsaPssSha256 => matches!(key, KeyAlgorithm::Rsa { .. }),
            _ => SignatureAlgorithm::for_key(key) == Some(self),
        }
    }

    /// The object identifier.
    fn oid(self) -> ObjectIdentifier {
        match self {
            SignatureAlgorithm::RsaPkcs1Sha256 => oid::SHA256_WITH_RSA,
            SignatureAlgorithm::RsaPssSha256 => oid::RSASSA_PSS,
            SignatureAlgorithm::EcdsaSha256 => oid::ECDSA_WITH_SHA256,
            SignatureAlgorithm::EcdsaSha384 => oid::ECDSA_WITH_SHA384,
        }
    }

    /// The DER of ECDSA-Sig-Value (RFC 3279 §2.2.3) from the two numbers one after the other, which is how tokens
    /// return it (PKCS#11 v3.1 §6.3.1).
    ///
    /// # Errors
    /// [`Code::SignatureInvalid`] when they are not two numbers of this curve, or the algorithm is not ECDSA.
    pub(in crate::pki) fn der_from_fixed(self, fixed: &[u8]) -> Result<Vec<u8>, Error> {
        let der = match self {
            SignatureAlgorithm::RsaPkcs1Sha256 | SignatureAlgorithm::RsaPssSha256 => None,
            SignatureAlgorithm::EcdsaSha256 => {
                p256::ecdsa::Signature::from_slice(fixed).ok().map(|both| both.to_der().as_bytes().to_vec())
            }
            SignatureAlgorithm::EcdsaSha384 => {
                p384::ecdsa::Signature::from_slice(fixed).ok().map(|both| both.to_der().as_bytes().to_vec())
            }
        };
        der.ok_or_else(|| {
            let found = format!("{} bytes", fixed.len());
            Error::new(Code::SignatureInvalid).fact(Fact::Expected, self).fact(Fact::Found, found)
        })
    }

    /// The AlgorithmIdentifier: with NULL for RSA (RFC 4055 §5), with its parameters for RSASSA-PSS (§3.1), without any for
    /// ECDSA (RFC 5758 §3.2).
    pub(in crate::pki) fn identifier(self) -> AlgorithmIdentifierRef<'static> {
        let parameters = match self {
            SignatureAlgorithm::RsaPkcs1Sha256 => Some(AnyRef::NULL),
            SignatureAlgorithm::RsaPssSha256 => AnyRef::new(Tag::Sequence, PSS_SHA256).ok(),
            SignatureAlgorithm::EcdsaSha256 | SignatureAlgorithm::EcdsaSha384 => None,
        };
        AlgorithmIdentifierRef { oid: self.oid(), parameters }
    }

    /// The AlgorithmIdentifier of the hash function, without parameters (RFC 5754 §2).
    pub(in crate::pki) fn digest_identifier(self) -> AlgorithmIdentifierRef<'static> {
        let oid = match self {
            SignatureAlgorithm::RsaPkcs1Sha256
            | SignatureAlgorithm::RsaPssSha256
            | SignatureAlgorithm::EcdsaSha256 => oid::SHA256,
            SignatureAlgorithm::EcdsaSha384 => oid::SHA384,
        };
        AlgorithmIdentifierRef { oid, parameters: None }
    }

    /// The hash of a message by this algorithm's hash function.
    pub(in crate::pki) fn digest(self, message: &[u8]) -> Vec<u8> {
        use sha2::Digest;
        match self {
            SignatureAlgorithm::RsaPkcs1Sha256
            | SignatureAlgorithm::RsaPssSha256
            | SignatureAlgorithm::EcdsaSha256 => sha2::Sha256::digest(message).to_vec(),
            SignatureAlgorithm::EcdsaSha384 => sha2::Sha384::digest(message).to_vec(),
        }
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SignatureAlgorithm::RsaPkcs1Sha256 => "sha256WithRSAEncryption",
            SignatureAlgorithm::RsaPssSha256 => "rsassaPss with SHA-256",
            SignatureAlgorithm::EcdsaSha256 => "ecdsa-with-SHA256",
            SignatureAlgorithm::EcdsaSha384 => "ecdsa-with-SHA384",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for kind in KeyKind::ALL {
            assert_eq!(kind.to_string().parse::<KeyKind>().unwrap(), *kind);
        }
        assert_eq!("P256".parse::<KeyKind>().unwrap(), KeyKind::P256);
        assert_eq!("rsa1024".parse::<KeyKind>().unwrap_err().code(), Code::BadArgument);
    }

    #[test]
    fn the_kind_of_an_old_key_is_kept_or_grows() {
        for kind in KeyKind::ALL {
            assert_eq!(KeyKind::like(&kind.algorithm()), Some(*kind));
        }
        for (bits, kind) in [
            (1024, Some(KeyKind::Rsa2048)),
            (2049, Some(KeyKind::Rsa3072)),
            (4095, Some(KeyKind::Rsa4096)),
            (8192, None),
        ] {
            assert_eq!(KeyKind::like(&KeyAlgorithm::Rsa { bits }), kind);
        }
        assert_eq!(KeyKind::like(&KeyAlgorithm::Other("P-521".to_owned())), None);
    }

    #[test]
    fn identifiers_are_the_published_ones() {
        let rsa = [0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b, 5, 0];
        assert_eq!(SignatureAlgorithm::RsaPkcs1Sha256.identifier().to_der().unwrap(), rsa);
        let ecdsa = [0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
        assert_eq!(SignatureAlgorithm::EcdsaSha256.identifier().to_der().unwrap(), ecdsa);
    }
}
