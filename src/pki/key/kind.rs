//! Kinds of keys and signatures.

use std::fmt;
use std::str::FromStr;

use der::Encode;
use der::asn1::AnyRef;
use spki::AlgorithmIdentifierRef;

use crate::error::{Code, Error, Fact};
use crate::pki::asn1::oid;

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
    /// Anything else, by the object identifier of the algorithm or of the curve.
    Other(String),
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

    /// The stable name: what `Display` prints and `FromStr` reads.
    pub const fn name(self) -> &'static str {
        match self {
            KeyKind::Rsa2048 => "rsa2048",
            KeyKind::Rsa3072 => "rsa3072",
            KeyKind::Rsa4096 => "rsa4096",
            KeyKind::P256 => "p256",
            KeyKind::P384 => "p384",
        }
    }

    /// The algorithm that a public key of this kind has.
    pub const fn algorithm(self) -> KeyAlgorithm {
        match self {
            KeyKind::Rsa2048 => KeyAlgorithm::Rsa { bits: 2048 },
            KeyKind::Rsa3072 => KeyAlgorithm::Rsa { bits: 3072 },
            KeyKind::Rsa4096 => KeyAlgorithm::Rsa { bits: 4096 },
            KeyKind::P256 => KeyAlgorithm::P256,
            KeyKind::P384 => KeyAlgorithm::P384,
        }
    }

    /// The size of the key in bits: of the modulus, or of the curve's field.
    pub const fn bits(self) -> u32 {
        match self {
            KeyKind::Rsa2048 => 2048,
            KeyKind::Rsa3072 => 3072,
            KeyKind::Rsa4096 => 4096,
            KeyKind::P256 => 256,
            KeyKind::P384 => 384,
        }
    }

    /// The curve as ECParameters in DER, namedCurve (RFC 5480 §2.1.1); `None` for RSA.
    pub fn curve_der(self) -> Option<Vec<u8>> {
        match self {
            KeyKind::P256 => Some(oid::encode(oid::P256)),
            KeyKind::P384 => Some(oid::encode(oid::P384)),
            KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => None,
        }
    }

    /// The signature algorithm for requests and challenges signed with such a key.
    pub const fn signature_algorithm(self) -> SignatureAlgorithm {
        match self {
            KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => SignatureAlgorithm::RsaPkcs1Sha256,
            KeyKind::P256 => SignatureAlgorithm::EcdsaSha256,
            KeyKind::P384 => SignatureAlgorithm::EcdsaSha384,
        }
    }
}

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

/// A signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2).
    RsaPkcs1Sha256,
    /// ECDSA on P-256 with SHA-256 (RFC 5758 §3.2).
    EcdsaSha256,
    /// ECDSA on P-384 with SHA-384 (RFC 5758 §3.2).
    EcdsaSha384,
}

impl SignatureAlgorithm {
    /// The algorithm to sign with, for a key of that algorithm; `None` for keys that this crate does not use.
    pub fn for_key(key: &KeyAlgorithm) -> Option<Self> {
        match key {
            KeyAlgorithm::Rsa { .. } => Some(SignatureAlgorithm::RsaPkcs1Sha256),
            KeyAlgorithm::P256 => Some(SignatureAlgorithm::EcdsaSha256),
            KeyAlgorithm::P384 => Some(SignatureAlgorithm::EcdsaSha384),
            KeyAlgorithm::Other(_) => None,
        }
    }

    /// The object identifier.
    fn oid(self) -> der::asn1::ObjectIdentifier {
        match self {
            SignatureAlgorithm::RsaPkcs1Sha256 => oid::SHA256_WITH_RSA,
            SignatureAlgorithm::EcdsaSha256 => oid::ECDSA_WITH_SHA256,
            SignatureAlgorithm::EcdsaSha384 => oid::ECDSA_WITH_SHA384,
        }
    }

    /// The DER of ECDSA-Sig-Value (RFC 3279 §2.2.3) from the two numbers one after the other, which is how tokens
    /// return it (PKCS#11 v3.1 §6.3.1).
    ///
    /// # Errors
    /// [`Code::SignatureInvalid`] when they are not two numbers of this curve, or the algorithm is not ECDSA.
    pub fn der_from_fixed(self, fixed: &[u8]) -> Result<Vec<u8>, Error> {
        let der = match self {
            SignatureAlgorithm::RsaPkcs1Sha256 => None,
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

    /// The AlgorithmIdentifier in DER: with NULL for RSA (RFC 4055 §5), without parameters for ECDSA
    /// (RFC 5758 §3.2).
    pub fn identifier_der(self) -> Vec<u8> {
        // Encoding fails only above 4 GiB.
        self.identifier().to_der().unwrap_or_default()
    }

    pub(in crate::pki) fn identifier(self) -> AlgorithmIdentifierRef<'static> {
        let parameters = match self {
            SignatureAlgorithm::RsaPkcs1Sha256 => Some(AnyRef::NULL),
            SignatureAlgorithm::EcdsaSha256 | SignatureAlgorithm::EcdsaSha384 => None,
        };
        AlgorithmIdentifierRef { oid: self.oid(), parameters }
    }

    /// The AlgorithmIdentifier of the hash function, without parameters (RFC 5754 §2).
    pub(in crate::pki) fn digest_identifier(self) -> AlgorithmIdentifierRef<'static> {
        let oid = match self {
            SignatureAlgorithm::RsaPkcs1Sha256 | SignatureAlgorithm::EcdsaSha256 => oid::SHA256,
            SignatureAlgorithm::EcdsaSha384 => oid::SHA384,
        };
        AlgorithmIdentifierRef { oid, parameters: None }
    }

    /// The hash of a message by this algorithm's hash function.
    pub(in crate::pki) fn digest(self, message: &[u8]) -> Vec<u8> {
        use sha2::Digest;
        match self {
            SignatureAlgorithm::RsaPkcs1Sha256 | SignatureAlgorithm::EcdsaSha256 => {
                sha2::Sha256::digest(message).to_vec()
            }
            SignatureAlgorithm::EcdsaSha384 => sha2::Sha384::digest(message).to_vec(),
        }
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SignatureAlgorithm::RsaPkcs1Sha256 => "sha256WithRSAEncryption",
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
    fn identifiers_are_the_published_ones() {
        let rsa = [0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b, 5, 0];
        assert_eq!(SignatureAlgorithm::RsaPkcs1Sha256.identifier_der(), rsa);
        let ecdsa = [0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
        assert_eq!(SignatureAlgorithm::EcdsaSha256.identifier_der(), ecdsa);
    }
}
