//! The card's keys.

use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::elliptic_curve::Generate;
use rsa::BoxedUint;
use rsa::traits::PublicKeyParts;
use sha2::{Digest, Sha256};

use super::tlv;

/// id-TA-ECDSA-SHA-256 and id-TA-RSA-v1-5-SHA-256 (BSI TR-03110).
const ECDSA_SHA256: [u8; 10] = [0x04, 0x00, 0x7f, 0x00, 0x07, 0x02, 0x02, 0x02, 0x02, 0x03];
const RSA_SHA256: [u8; 10] = [0x04, 0x00, 0x7f, 0x00, 0x07, 0x02, 0x02, 0x02, 0x01, 0x02];

/// NIST P-256 in explicit parameters (FIPS 186-4 D.1.2.3): prime, a, b, base point and order.
const P256: [(u16, &str); 5] = [
    (0x81, "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"),
    (0x82, "ffffffff00000001000000000000000000000000fffffffffffffffffffffffc"),
    (0x83, "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b"),
    (
        0x84,
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b31\
         5ececbb6406837bf51f5",
    ),
    (0x85, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
];

const RSA_RAW: u8 = 0x20;
const RSA_PKCS1_SHA256: u8 = 0x33;
const EC_RAW: u8 = 0x70;
const EC_SHA256: u8 = 0x73;

/// A key pair that does not leave the card.
pub enum CardKey {
    /// NIST P-256.
    P256(Box<p256::SecretKey>),
    /// RSA.
    Rsa(Box<rsa::PrivateKey>),
}

impl CardKey {
    /// A key like the public key template asks for.
    pub fn generate(template: &[u8]) -> Option<Self> {
        match tlv::find(template, 0x06)? {
            oid if oid == ECDSA_SHA256 => {
                let is_p256 =
                    P256.iter().all(|(tag, value)| tlv::find(template, *tag) == Some(hex(value).as_slice()));
                is_p256.then(Self::generate_p256)
            }
            oid if oid == RSA_SHA256 => {
                let bits =
                    tlv::find(template, 0x02)?.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte));
                let mut random = rsa::rand_core::UnwrapErr(getrandom::SysRng);
                let is_possible = matches!(bits, 1024..=4096);
                let key = is_possible.then(|| rsa::PrivateKey::new(&mut random, bits).ok())??;
                Some(CardKey::Rsa(Box::new(key)))
            }
            _ => None,
        }
    }

    pub fn generate_p256() -> Self {
        CardKey::P256(Box::new(p256::SecretKey::generate()))
    }

    /// The contents of its public key's data object.
    pub fn public(&self) -> Vec<u8> {
        let objects = match self {
            CardKey::P256(key) => {
                let curve = P256.iter().map(|(tag, value)| tlv::of(*tag, &hex(value)));
                let point = tlv::of(0x86, &key.public_key().to_sec1_bytes());
                [tlv::of(0x06, &ECDSA_SHA256)]
                    .into_iter()
                    .chain(curve)
                    .chain([point, tlv::of(0x87, &[1])])
                    .collect::<Vec<_>>()
            }
            CardKey::Rsa(key) => vec![
                tlv::of(0x06, &RSA_SHA256),
                tlv::of(0x81, &key.n().to_be_bytes()),
                tlv::of(0x82, &key.e().to_be_bytes_trimmed_vartime()),
            ],
        };
        objects.concat()
    }

    /// What the card's command SIGN gives, with this algorithm; `None` where the key or the card has no such one.
    pub fn sign(&self, algorithm: u8, data: &[u8]) -> Option<Vec<u8>> {
        match (self, algorithm) {
            (CardKey::P256(key), EC_RAW) => ecdsa(key, data),
            (CardKey::P256(key), EC_SHA256) => ecdsa(key, &Sha256::digest(data)),
            (CardKey::Rsa(key), RSA_RAW) => raw(key, data),
            (CardKey::Rsa(key), RSA_PKCS1_SHA256) => pkcs1(key, data),
            _ => None,
        }
    }

    /// The signature in a request of its own.
    pub fn sign_request(&self, data: &[u8]) -> Vec<u8> {
        let signature = match self {
            CardKey::P256(key) => ecdsa(key, &Sha256::digest(data)),
            CardKey::Rsa(key) => pkcs1(key, data),
        };
        signature.expect("a key signs a SHA-256 hash")
    }
}

fn ecdsa(key: &p256::SecretKey, hash: &[u8]) -> Option<Vec<u8>> {
    let signature: p256::ecdsa::Signature = p256::ecdsa::SigningKey::from(key).sign_prehash(hash).ok()?;
    Some(signature.to_der().as_bytes().to_vec())
}

fn pkcs1(key: &rsa::PrivateKey, data: &[u8]) -> Option<Vec<u8>> {
    key.sign(rsa::Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(data)).ok()
}

fn raw(key: &rsa::PrivateKey, data: &[u8]) -> Option<Vec<u8>> {
    let block = BoxedUint::from_be_slice(data, key.n().bits_precision()).ok()?;
    let unblinded = None::<&mut getrandom::SysRng>;
    let signature = rsa::hazmat::rsa_decrypt_and_check(key, unblinded, &block).ok()?;
    let bytes = signature.to_be_bytes();
    let extra = bytes.len().checked_sub(key.size())?;
    Some(bytes.get(extra..)?.to_vec())
}

fn hex(text: &str) -> Vec<u8> {
    base16ct::lower::decode_vec(text).expect("the constants above are in hexadecimal")
}

/// Random bytes.
pub fn random(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    getrandom::fill(&mut bytes).expect("the system gives random numbers");
    bytes
}
