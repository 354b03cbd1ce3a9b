//! Public keys as values.

use std::fmt;

use p256::ecdsa::signature::Verifier;
use rsa::{BoxedUint, Pkcs1v15Sign, RsaPublicKey};
use sha1::{Digest, Sha1};
use sha2::Sha256;

use super::key_kind::{KeyAlgorithm, SignatureAlgorithm};
use super::oid;
use super::tlv::{self, BIT_STRING, Fields, INTEGER, Malformed, OCTET_STRING, OID, Read, SEQUENCE, Tlv};
use crate::error::{Code, Error, Fact, Result};

/// A public key: its SubjectPublicKeyInfo in DER (RFC 5280 §4.1.2.7), in one canonical form for RSA, P-256 and
/// P-384, so that keys are equal when their bytes are.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey {
    spki: Vec<u8>,
    algorithm: KeyAlgorithm,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`Code::PublicKeyInvalid`] for malformed DER, an unusable RSA modulus or exponent, a point that is not
    /// on its curve, and a compressed point.
    pub fn from_spki_der(der: &[u8]) -> Result<Self> {
        let parts = Parts::read(der).map_err(|cause| invalid(&cause).caused_by(cause))?;
        match parts.algorithm {
            oid::RSA_ENCRYPTION => {
                let mut numbers =
                    Tlv::whole(parts.key).and_then(|key| key.tagged(SEQUENCE)).map_err(from_read)?;
                let numbers = rsa_numbers(&mut numbers).map_err(from_read)?;
                Self::from_rsa(numbers.0, numbers.1)
            }
            oid::EC_PUBLIC_KEY => match parts.curve() {
                Some(curve) => Self::on_curve(curve, parts.key),
                None => Ok(parts.kept(der)),
            },
            _ => Ok(parts.kept(der)),
        }
    }

    /// The key of a certificate, which is read even when the key in it is one that this crate cannot use:
    /// an intermediate may carry anything.
    pub(super) fn from_certificate(spki: Tlv<'_>) -> Read<Self> {
        let parts = Parts::read(spki.raw)?;
        Ok(Self::from_spki_der(spki.raw).unwrap_or_else(|_| parts.kept(spki.raw)))
    }

    /// Makes the key from what PKCS#11 reports as `CKA_MODULUS` and `CKA_PUBLIC_EXPONENT`: big-endian, with or
    /// without zeros in front.
    ///
    /// # Errors
    /// [`Code::PublicKeyInvalid`] unless the modulus is odd and has 1024 to 8192 bits, and the exponent is odd
    /// and of a usable size.
    pub fn from_rsa(modulus_be: &[u8], exponent_be: &[u8]) -> Result<Self> {
        let modulus = tlv::trim_zeros(modulus_be);
        let exponent = tlv::trim_zeros(exponent_be);
        let key = rsa_key(modulus, exponent)?;
        let bits = rsa::traits::PublicKeyParts::n(&key).bits_vartime();
        let numbers =
            tlv::encode(SEQUENCE, &[&tlv::encode_unsigned(modulus), &tlv::encode_unsigned(exponent)]);
        let identifier = tlv::encode(SEQUENCE, &[&oid::encode(oid::RSA_ENCRYPTION), &[0x05, 0x00]]);
        let spki = tlv::encode(SEQUENCE, &[&identifier, &tlv::encode_bits(&numbers)]);
        Ok(PublicKey { spki, algorithm: KeyAlgorithm::Rsa { bits } })
    }

    /// Makes the key from what PKCS#11 reports as `CKA_EC_PARAMS` and `CKA_EC_POINT`.
    ///
    /// The point is an OCTET STRING by the specification (PKCS#11 v3.1 §6.3.3); tokens also report a BIT STRING
    /// or the bare point, and all three are taken. The curve is P-256 or P-384, by object identifier or by the
    /// PrintableString that the specification allows for named curves.
    ///
    /// # Errors
    /// [`Code::PublicKeyInvalid`] for another curve, a compressed point and a point that is not on the curve.
    pub fn from_ec(params_der: &[u8], point: &[u8]) -> Result<Self> {
        let curve = Tlv::whole(params_der).map_err(from_read).and_then(|params| {
            curve_named(params).ok_or_else(|| unsupported("P-256, P-384", &hex(params_der)))
        })?;
        Self::on_curve(curve, bare_point(curve, point).ok_or_else(|| refused("EC point"))?)
    }

    fn on_curve(curve: Curve, point: &[u8]) -> Result<Self> {
        let (id, algorithm) = match curve {
            Curve::P256 => (oid::P256, KeyAlgorithm::P256),
            Curve::P384 => (oid::P384, KeyAlgorithm::P384),
        };
        if point.first() != Some(&4) {
            return Err(refused("EC point is not uncompressed"));
        }
        let on_curve = match curve {
            Curve::P256 => p256::PublicKey::from_sec1_bytes(point).is_ok(),
            Curve::P384 => p384::PublicKey::from_sec1_bytes(point).is_ok(),
        };
        if !on_curve {
            return Err(refused("EC point is not on the curve"));
        }
        let identifier = tlv::encode(SEQUENCE, &[&oid::encode(oid::EC_PUBLIC_KEY), &oid::encode(id)]);
        let spki = tlv::encode(SEQUENCE, &[&identifier, &tlv::encode_bits(point)]);
        Ok(PublicKey { spki, algorithm })
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
    pub fn key_id(&self) -> [u8; 20] {
        // The bytes were read or made as a SubjectPublicKeyInfo, so there are parts.
        let key = Parts::read(&self.spki).map(|parts| parts.key).unwrap_or_default();
        Sha1::digest(key).into()
    }

    /// SHA-256 of the SubjectPublicKeyInfo, for records.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(&self.spki).into()
    }

    /// Verifies a signature over a message. An ECDSA signature is the DER of ECDSA-Sig-Value (RFC 3279 §2.2.3).
    ///
    /// # Errors
    /// [`Code::SignatureInvalid`] when it does not verify, or when the algorithm is not one for this key.
    pub fn verify(&self, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> Result<()> {
        if SignatureAlgorithm::for_key(&self.algorithm) != Some(algorithm) {
            return Err(Error::new(Code::SignatureInvalid)
                .fact(Fact::Expected, &self.algorithm)
                .fact(Fact::Found, algorithm));
        }
        let key = Parts::read(&self.spki).map_err(from_read)?.key;
        let verified = match algorithm {
            SignatureAlgorithm::RsaPkcs1Sha256 => {
                let mut numbers = Tlv::whole(key).map_err(from_read)?;
                let (modulus, exponent) = rsa_numbers(&mut numbers).map_err(from_read)?;
                let key = rsa_key(tlv::trim_zeros(modulus), tlv::trim_zeros(exponent))?;
                key.verify(Pkcs1v15Sign::new::<sha2::Sha256>(), &algorithm.digest(message), signature).is_ok()
            }
            SignatureAlgorithm::EcdsaSha256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(key)
                .and_then(|key| key.verify(message, &p256::ecdsa::Signature::from_der(signature)?))
                .is_ok(),
            SignatureAlgorithm::EcdsaSha384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(key)
                .and_then(|key| key.verify(message, &p384::ecdsa::Signature::from_der(signature)?))
                .is_ok(),
        };
        if verified { Ok(()) } else { Err(Error::new(Code::SignatureInvalid)) }
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
    /// The length of an uncompressed point: 04, X, Y.
    const fn point_length(self) -> usize {
        match self {
            Curve::P256 => 1 + 2 * 32,
            Curve::P384 => 1 + 2 * 48,
        }
    }
}

/// The parts of a SubjectPublicKeyInfo.
struct Parts<'a> {
    algorithm: der::asn1::ObjectIdentifier,
    parameters: &'a [u8],
    key: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(spki: &'a [u8]) -> Read<Self> {
        let mut fields = Tlv::whole(spki)?.tagged(SEQUENCE)?.fields();
        let mut identifier = fields.expect(SEQUENCE)?.fields();
        let algorithm = identifier.expect(OID)?.value;
        let key = tlv::bits(fields.expect(BIT_STRING)?)?;
        fields.end()?;
        let algorithm =
            der::asn1::ObjectIdentifier::from_bytes(algorithm).map_err(|_| Malformed::Unexpected)?;
        Ok(Parts { algorithm, parameters: identifier.rest(), key })
    }

    fn curve(&self) -> Option<Curve> {
        Tlv::whole(self.parameters).ok().and_then(curve_named)
    }

    /// A key that is only carried along.
    fn kept(&self, spki: &[u8]) -> PublicKey {
        let curve = Tlv::whole(self.parameters).ok().filter(|parameters| parameters.tag == OID);
        let name = match (self.algorithm, curve) {
            (oid::EC_PUBLIC_KEY, Some(curve)) => oid::dotted(curve.value),
            (algorithm, _) => algorithm.to_string(),
        };
        PublicKey { spki: spki.to_vec(), algorithm: KeyAlgorithm::Other(name) }
    }
}

fn curve_named(params: Tlv<'_>) -> Option<Curve> {
    match (params.tag, params.value) {
        (OID, value) if value == oid::P256.as_bytes() => Some(Curve::P256),
        (OID, value) if value == oid::P384.as_bytes() => Some(Curve::P384),
        (tlv::PRINTABLE_STRING, b"secp256r1" | b"prime256v1") => Some(Curve::P256),
        (tlv::PRINTABLE_STRING, b"secp384r1") => Some(Curve::P384),
        _ => None,
    }
}

/// The bare point. Length decides before the tag does: a bare point begins with 04, as an OCTET STRING does.
fn bare_point(curve: Curve, point: &[u8]) -> Option<&[u8]> {
    if point.len() == curve.point_length() {
        return Some(point);
    }
    let wrapped = Tlv::whole(point).ok()?;
    match wrapped.tag {
        OCTET_STRING => Some(wrapped.value),
        BIT_STRING => tlv::bits(wrapped).ok(),
        _ => None,
    }
}

fn rsa_numbers<'a>(key: &mut Tlv<'a>) -> Read<(&'a [u8], &'a [u8])> {
    let mut fields: Fields<'a> = key.tagged(SEQUENCE)?.fields();
    let modulus = positive(fields.expect(INTEGER)?)?;
    let exponent = positive(fields.expect(INTEGER)?)?;
    fields.end()?;
    Ok((modulus, exponent))
}

fn positive(integer: Tlv<'_>) -> Read<&[u8]> {
    match integer.value.first() {
        Some(first) if first & 0x80 == 0 => Ok(integer.value),
        _ => Err(Malformed::Unexpected),
    }
}

fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Result<RsaPublicKey> {
    // The limits are the rsa crate's; the length is looked at first so that no huge number is built.
    if modulus.len() > RsaPublicKey::MAX_SIZE / 8
        || exponent.len() > 8
        || exponent.is_empty()
        || modulus.is_empty()
    {
        return Err(refused("RSA modulus or exponent"));
    }
    let number = |bytes| BoxedUint::from_be_slice_vartime(bytes);
    RsaPublicKey::new(number(modulus), number(exponent))
        .map_err(|cause| refused(&format!("RSA key: {cause}")))
}

fn from_read(cause: Malformed) -> Error {
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
    bytes.iter().take(64).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
