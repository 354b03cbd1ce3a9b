//! Key pairs in memory, for the test CA, and signatures checked in software.

use std::fmt;
use std::str::FromStr;

use der::asn1::{Any, BitString, Null};
use der::{Decode, Encode};
use p256::elliptic_curve::Generate;
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::signature::{SignatureEncoding, Signer, Verifier};
use sha2::Sha256;
use spki::{AlgorithmIdentifierOwned, ObjectIdentifier, SubjectPublicKeyInfoOwned};

pub(crate) const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub(crate) const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
pub(crate) const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
pub(crate) const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
pub(crate) const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
pub(crate) const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
pub(crate) const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// A kind of key pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
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

impl Kind {
    /// The kinds that are quick to make, one of each family and curve.
    pub const COMMON: [Kind; 3] = [Kind::Rsa2048, Kind::P256, Kind::P384];
    const ALL: [Kind; 5] = [Kind::Rsa2048, Kind::Rsa3072, Kind::Rsa4096, Kind::P256, Kind::P384];

    /// The RSA modulus' length in bits; `None` for a curve.
    pub fn rsa_bits(self) -> Option<usize> {
        match self {
            Kind::Rsa2048 => Some(2048),
            Kind::Rsa3072 => Some(3072),
            Kind::Rsa4096 => Some(4096),
            Kind::P256 | Kind::P384 => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Rsa2048 => "rsa2048",
            Kind::Rsa3072 => "rsa3072",
            Kind::Rsa4096 => "rsa4096",
            Kind::P256 => "p256",
            Kind::P384 => "p384",
        })
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Kind::ALL.into_iter().find(|kind| kind.to_string() == text).ok_or(format!("no kind of key: {text}"))
    }
}

/// A key pair in memory.
#[derive(Clone)]
pub enum SoftKey {
    /// RSA.
    Rsa(Box<rsa::PrivateKey>),
    /// NIST P-256.
    P256(p256::SecretKey),
    /// NIST P-384.
    P384(p384::SecretKey),
}

impl SoftKey {
    /// A new one.
    pub fn generate(kind: Kind) -> SoftKey {
        match (kind, kind.rsa_bits()) {
            (_, Some(bits)) => {
                let mut random = rsa::rand_core::UnwrapErr(getrandom::SysRng);
                SoftKey::Rsa(Box::new(rsa::PrivateKey::new(&mut random, bits).expect("an RSA key")))
            }
            (Kind::P384, None) => SoftKey::P384(p384::SecretKey::generate()),
            (_, None) => SoftKey::P256(p256::SecretKey::generate()),
        }
    }

    /// Reads what [`SoftKey::to_pem`] wrote.
    pub fn from_pem(pem: &str) -> SoftKey {
        if let Ok(key) = p256::SecretKey::from_pkcs8_pem(pem) {
            return SoftKey::P256(key);
        }
        if let Ok(key) = p384::SecretKey::from_pkcs8_pem(pem) {
            return SoftKey::P384(key);
        }
        SoftKey::Rsa(Box::new(rsa::PrivateKey::from_pkcs8_pem(pem).expect("a private key in PKCS#8")))
    }

    /// PKCS#8, PEM.
    pub fn to_pem(&self) -> String {
        let pem = match self {
            SoftKey::Rsa(key) => key.to_pkcs8_pem(LineEnding::LF),
            SoftKey::P256(key) => key.to_pkcs8_pem(LineEnding::LF),
            SoftKey::P384(key) => key.to_pkcs8_pem(LineEnding::LF),
        };
        pem.expect("PKCS#8").to_string()
    }

    /// PKCS#8, DER.
    pub fn to_pkcs8(&self) -> Vec<u8> {
        let der = match self {
            SoftKey::Rsa(key) => key.to_pkcs8_der(),
            SoftKey::P256(key) => key.to_pkcs8_der(),
            SoftKey::P384(key) => key.to_pkcs8_der(),
        };
        der.expect("PKCS#8").as_bytes().to_vec()
    }

    /// The public key as SubjectPublicKeyInfo in DER.
    pub fn spki(&self) -> Vec<u8> {
        let der = match self {
            SoftKey::Rsa(key) => key.to_public_key().to_public_key_der(),
            SoftKey::P256(key) => key.public_key().to_public_key_der(),
            SoftKey::P384(key) => key.public_key().to_public_key_der(),
        };
        der.expect("a public key").into_vec()
    }

    /// The algorithm it signs with.
    pub fn signature_algorithm(&self) -> AlgorithmIdentifierOwned {
        match self {
            SoftKey::Rsa(_) => {
                AlgorithmIdentifierOwned { oid: SHA256_WITH_RSA, parameters: Some(Any::from(Null)) }
            }
            SoftKey::P256(_) => AlgorithmIdentifierOwned { oid: ECDSA_SHA256, parameters: None },
            SoftKey::P384(_) => AlgorithmIdentifierOwned { oid: ECDSA_SHA384, parameters: None },
        }
    }

    /// Signs; ECDSA signatures as DER.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            SoftKey::Rsa(key) => {
                let key = rsa::pkcs1v15::SigningKey::<Sha256>::new((**key).clone());
                key.sign(message).to_vec()
            }
            SoftKey::P256(key) => {
                let signature: p256::ecdsa::Signature = p256::ecdsa::SigningKey::from(key).sign(message);
                signature.to_der().as_bytes().to_vec()
            }
            SoftKey::P384(key) => {
                let signature: p384::ecdsa::Signature = p384::ecdsa::SigningKey::from(key).sign(message);
                signature.to_der().as_bytes().to_vec()
            }
        }
    }
}

/// Whether a signature is right: RSA PKCS#1 v1.5 with SHA-256, ECDSA with SHA-256 on P-256 and with SHA-384 on
/// P-384, in DER.
pub fn verify(spki: &[u8], message: &[u8], signature: &[u8]) -> bool {
    verify_rsa(spki, message, signature)
        .or_else(|| verify_p256(spki, message, signature))
        .or_else(|| verify_p384(spki, message, signature))
        .unwrap_or_else(|| panic!("a public key of a kind that the test kit does not know"))
}

/// Whether a signature was made with the key of this certificate; see [`verify`].
pub fn verify_with_certificate(certificate: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let certificate = x509_cert::Certificate::from_der(certificate).expect("a certificate");
    let spki = certificate.tbs_certificate().subject_public_key_info().to_der().expect("DER");
    verify(&spki, message, signature)
}

fn verify_rsa(spki: &[u8], message: &[u8], signature: &[u8]) -> Option<bool> {
    let key = rsa::PublicKey::from_public_key_der(spki).ok()?;
    let signature = rsa::pkcs1v15::Signature::try_from(signature);
    let key = rsa::pkcs1v15::VerifyingKey::<Sha256>::new(key);
    Some(signature.is_ok_and(|signature| key.verify(message, &signature).is_ok()))
}

fn verify_p256(spki: &[u8], message: &[u8], signature: &[u8]) -> Option<bool> {
    let key = p256::ecdsa::VerifyingKey::from_public_key_der(spki).ok()?;
    let signature = p256::ecdsa::Signature::from_der(signature);
    Some(signature.is_ok_and(|signature| key.verify(message, &signature).is_ok()))
}

fn verify_p384(spki: &[u8], message: &[u8], signature: &[u8]) -> Option<bool> {
    let key = p384::ecdsa::VerifyingKey::from_public_key_der(spki).ok()?;
    let signature = p384::ecdsa::Signature::from_der(signature);
    Some(signature.is_ok_and(|signature| key.verify(message, &signature).is_ok()))
}

/// SubjectPublicKeyInfo of an RSA key from its big-endian numbers.
pub(crate) fn rsa_spki(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    #[derive(der::Sequence)]
    struct PublicKey {
        modulus: der::asn1::Uint,
        exponent: der::asn1::Uint,
    }
    let uint = |bytes: &[u8]| der::asn1::Uint::new(bytes).expect("a number");
    let key = PublicKey { modulus: uint(modulus), exponent: uint(exponent) };
    spki_of(RSA_ENCRYPTION, Any::from(Null), &key.to_der().expect("DER"))
}

/// SubjectPublicKeyInfo of a point on a curve.
pub(crate) fn ec_spki(curve: ObjectIdentifier, point: &[u8]) -> Vec<u8> {
    spki_of(EC_PUBLIC_KEY, Any::from(curve), point)
}

fn spki_of(oid: ObjectIdentifier, parameters: Any, key: &[u8]) -> Vec<u8> {
    let algorithm = AlgorithmIdentifierOwned { oid, parameters: Some(parameters) };
    let subject_public_key = BitString::from_bytes(key).expect("a bit string");
    SubjectPublicKeyInfoOwned { algorithm, subject_public_key }.to_der().expect("DER")
}
