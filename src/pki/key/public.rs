//! Public keys as values.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, PrintableStringRef};
use der::{Decode, Tag, Tagged};
use rsa::pkcs1::RsaPublicKeyRef;
use rsa::traits::PublicKeyParts;
use sha1::{Digest, Sha1};
use sha2::Sha256;
use spki::{AlgorithmIdentifierRef, EncodePublicKey, SubjectPublicKeyInfoRef};

use super::kind::{KeyAlgorithm, SignatureAlgorithm};
use super::verify::{self, Unverified};
use crate::error::{Code, Error, Fact, Result};
use crate::pki::asn1::oid;
use crate::pki::asn1::tlv::{Malformed, Read, Tlv, trim_zeros};

/// A public key: its SubjectPublicKeyInfo in DER (RFC 5280 §4.1.2.7), in one canonical form for RSA, P-256 and
/// P-384; in a certificate, as the CA wrote it. Keys are equal when they are one key, however written.
#[derive(Clone)]
pub struct PublicKey {
    spki: Arc<[u8]>,
    algorithm: KeyAlgorithm,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`Code::PublicKeyInvalid`] for malformed DER, an unusable RSA modulus or exponent, a point that is not
    /// on its curve, and a compressed point.
    pub fn from_spki_der(der: &[u8]) -> Result<Self> {
        let info = SubjectPublicKeyInfoRef::from_der(der).map_err(malformed)?;
        let curve = info.algorithm.parameters.and_then(curve_named);
        match (info.algorithm.oid, curve) {
            (oid::RSA_ENCRYPTION, _) => Self::of_rsa(&rsa_key(key_bits(&info)?)?),
            (oid::EC_PUBLIC_KEY, Some(curve)) => Self::on_curve(curve, uncompressed(key_bits(&info)?)?),
            _ => Self::kept(der),
        }
    }

    /// The key of a certificate, which is read even when the key in it is one that this crate cannot use:
    /// an intermediate may carry anything.
    pub(in crate::pki) fn from_certificate(spki: Tlv<'_>) -> Read<Self> {
        SubjectPublicKeyInfoRef::from_der(spki.raw)?;
        Self::from_spki_der(spki.raw).or_else(|_| Self::kept(spki.raw)).map_err(|_| Malformed::Unexpected)
    }

    /// A key that is only carried along.
    fn kept(spki: &[u8]) -> Result<Self> {
        let info = SubjectPublicKeyInfoRef::from_der(spki).map_err(malformed)?;
        let algorithm = KeyAlgorithm::of(&info, key_bits(&info)?);
        Ok(PublicKey { spki: spki.into(), algorithm })
    }

    /// Makes the key from what PKCS#11 reports as `CKA_MODULUS` and `CKA_PUBLIC_EXPONENT`: big-endian, with or
    /// without zeros in front.
    ///
    /// # Errors
    /// [`Code::PublicKeyInvalid`] unless the modulus is odd and has 1024 to 8192 bits, and the exponent is odd
    /// and of a usable size.
    pub(crate) fn from_rsa(modulus_be: &[u8], exponent_be: &[u8]) -> Result<Self> {
        Self::of_rsa(&rsa_key_from(trim_zeros(modulus_be), trim_zeros(exponent_be))?)
    }

    fn of_rsa(key: &rsa::PublicKey) -> Result<Self> {
        Self::encoded(key, KeyAlgorithm::Rsa { bits: key.n().bit_width_vartime() })
    }

    /// Makes the key from what PKCS#11 reports as `CKA_EC_PARAMS` and `CKA_EC_POINT`.
    ///
    /// The point is an OCTET STRING by the specification (PKCS#11 v3.1 §6.3.3); tokens also report a BIT STRING
    /// or the bare point, and all three are taken, compressed or not (SEC 1 §2.3.3). The curve is P-256 or P-384, by object identifier or by the
    /// PrintableString that the specification allows for named curves.
    ///
    /// # Errors
    /// [`Code::PublicKeyInvalid`] for another curve and a point that is not on the curve.
    pub(crate) fn from_ec(params_der: &[u8], point: &[u8]) -> Result<Self> {
        let params = AnyRef::from_der(params_der).map_err(malformed)?;
        let curve = curve_named(params).ok_or_else(|| unsupported("P-256, P-384", &hex(params_der)))?;
        Self::on_curve(curve, &bare_point(curve, point).ok_or_else(|| refused("ec_point"))?)
    }

    fn on_curve(curve: Curve, point: &[u8]) -> Result<Self> {
        let off_curve = |_| refused("ec_point_off_curve");
        match curve {
            Curve::P256 => {
                let key = p256::PublicKey::from_sec1_bytes(point).map_err(off_curve)?;
                Self::encoded(&key, KeyAlgorithm::P256)
            }
            Curve::P384 => {
                let key = p384::PublicKey::from_sec1_bytes(point).map_err(off_curve)?;
                Self::encoded(&key, KeyAlgorithm::P384)
            }
        }
    }

    fn encoded(key: &impl EncodePublicKey, algorithm: KeyAlgorithm) -> Result<Self> {
        let spki = key.to_public_key_der().map_err(|cause| invalid(&cause).caused_by(cause))?;
        Ok(PublicKey { spki: spki.as_bytes().into(), algorithm })
    }

    /// The SubjectPublicKeyInfo in DER: the value of `CKA_PUBLIC_KEY_INFO`.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The algorithm and size.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm.clone()
    }

    /// SHA-1 over the bits of subjectPublicKey: the key identifier of RFC 5280 §4.2.1.2, method (1).
    pub(crate) fn key_id(&self) -> [u8; 20] {
        // The bytes were read or made as a SubjectPublicKeyInfo, so there are bits.
        Sha1::digest(self.bits().unwrap_or_default()).into()
    }

    fn bits(&self) -> Result<&[u8]> {
        SubjectPublicKeyInfoRef::from_der(&self.spki).map_err(malformed).and_then(|info| key_bits(&info))
    }

    /// SHA-256 of the SubjectPublicKeyInfo, for records.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(&self.spki).into()
    }

    /// Verifies a signature over a message. An ECDSA signature is the DER of ECDSA-Sig-Value (RFC 3279 §2.2.3).
    ///
    /// # Errors
    /// [`Code::SignatureInvalid`] when it does not verify, or when the algorithm is not one for this key.
    pub fn verify(&self, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> Result<()> {
        if !algorithm.is_of(&self.algorithm) {
            return Err(Error::new(Code::SignatureInvalid)
                .fact(Fact::Expected, &self.algorithm)
                .fact(Fact::Found, algorithm));
        }
        self.verify_by(&algorithm.identifier(), message, signature)
            .map_err(|_| Error::new(Code::SignatureInvalid))
    }

    /// Verifies a signature by the algorithm that is named beside it.
    pub(in crate::pki) fn verify_by(
        &self,
        algorithm: &AlgorithmIdentifierRef<'_>,
        message: &[u8],
        signature: &[u8],
    ) -> std::result::Result<(), Unverified> {
        let key = SubjectPublicKeyInfoRef::from_der(&self.spki).map_err(|_| Unverified::Invalid)?;
        verify::verify(&key, algorithm, message, signature)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {})", self.algorithm, hex(&self.key_id()))
    }
}

#[derive(Clone, Copy)]
enum Curve {
    P256,
    P384,
}

impl Curve {
    /// A point without anything around it: 04, X, Y; 02 or 03 and X; the hybrid form of X9.62 (06 or 07, by the last bit of Y,
    /// then X, Y), which software reads no more; or X, Y alone.
    fn bare(self, point: &[u8]) -> Option<Cow<'_, [u8]>> {
        let coordinate = match self {
            Curve::P256 => 32,
            Curve::P384 => 48,
        };
        match point {
            [2 | 3, x @ ..] if x.len() == coordinate => Some(point.into()),
            [4, both @ ..] if both.len() == 2 * coordinate => Some(point.into()),
            [form @ (6 | 7), both @ ..] if both.len() == 2 * coordinate => {
                (both.last()? & 1 == form & 1).then(|| [&[4], both].concat().into())
            }
            both if both.len() == 2 * coordinate => Some([&[4], both].concat().into()),
            _ => None,
        }
    }
}

/// The bytes of subjectPublicKey: no kind of key has unused bits.
fn key_bits<'a>(info: &SubjectPublicKeyInfoRef<'a>) -> Result<&'a [u8]> {
    info.subject_public_key.as_bytes().ok_or_else(|| refused("unused_bits"))
}

impl SignatureAlgorithm {
    /// The algorithm for a key on the curve that `CKA_EC_PARAMS` names; `None` for another curve.
    pub(crate) fn for_curve(params_der: &[u8]) -> Option<Self> {
        match curve_named(AnyRef::from_der(params_der).ok()?)? {
            Curve::P256 => Some(SignatureAlgorithm::EcdsaSha256),
            Curve::P384 => Some(SignatureAlgorithm::EcdsaSha384),
        }
    }
}

fn curve_named(params: AnyRef<'_>) -> Option<Curve> {
    match params.tag() {
        Tag::ObjectIdentifier => match params.decode_as::<ObjectIdentifier>().ok()? {
            oid::P256 => Some(Curve::P256),
            oid::P384 => Some(Curve::P384),
            _ => None,
        },
        Tag::PrintableString => match params.decode_as::<PrintableStringRef<'_>>().ok()?.as_str() {
            "secp256r1" | "prime256v1" => Some(Curve::P256),
            "secp384r1" => Some(Curve::P384),
            _ => None,
        },
        _ => None,
    }
}

/// What a SubjectPublicKeyInfo of one canonical form holds.
fn uncompressed(point: &[u8]) -> Result<&[u8]> {
    if point.first() == Some(&4) { Ok(point) } else { Err(refused("ec_point_form")) }
}

/// The point as SEC 1 §2.3.3 writes it, without anything around it. Length decides before the tag does: a bare point begins
/// with 04, as an OCTET STRING does. Some drivers wrap it twice, some give a whole SubjectPublicKeyInfo.
fn bare_point(curve: Curve, point: &[u8]) -> Option<Cow<'_, [u8]>> {
    if let Some(bare) = curve.bare(point) {
        return Some(bare);
    }
    let wrapped = AnyRef::from_der(point).ok()?;
    match wrapped.tag() {
        Tag::OctetString if wrapped.value().len() < point.len() => bare_point(curve, wrapped.value()),
        Tag::BitString => curve.bare(wrapped.decode_as::<BitStringRef<'_>>().ok()?.as_bytes()?),
        Tag::Sequence => {
            curve.bare(SubjectPublicKeyInfoRef::from_der(point).ok()?.subject_public_key.as_bytes()?)
        }
        _ => None,
    }
}

fn rsa_key(pkcs1: &[u8]) -> Result<rsa::PublicKey> {
    let numbers = RsaPublicKeyRef::from_der(pkcs1).map_err(malformed)?;
    rsa_key_from(numbers.modulus.as_bytes(), numbers.public_exponent.as_bytes())
}

/// Makes the key from two numbers without zeros in front.
fn rsa_key_from(modulus: &[u8], exponent: &[u8]) -> Result<rsa::PublicKey> {
    verify::rsa_key_from(modulus, exponent).ok_or_else(|| refused("rsa_numbers"))
}

fn malformed(cause: der::Error) -> Error {
    invalid(&cause).caused_by(cause)
}

fn invalid(detail: &dyn fmt::Display) -> Error {
    Error::new(Code::PublicKeyInvalid).fact(Fact::Detail, detail)
}

fn refused(detail: &str) -> Error {
    invalid(&detail)
}

fn unsupported(expected: &str, found: &str) -> Error {
    Error::new(Code::PublicKeyInvalid).fact(Fact::Expected, expected).fact(Fact::Found, found)
}

fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes.get(..64).unwrap_or(bytes))
}

#[cfg(test)]
mod tests;
