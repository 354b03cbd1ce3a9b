//! Whether two public keys are one key, written differently.
//!
//! A CA writes the key as it likes: the point compressed (SEC 1 §2.3.3), the curve by its parameters (RFC 3279
//! §2.3.5), an RSA key under the identifier of RSASSA-PSS (RFC 4055 §1.2). The point and the modulus decide.

use der::Decode;
use p256::elliptic_curve::sec1::ToSec1Point;
use spki::SubjectPublicKeyInfoRef;

use super::public::PublicKey;
use crate::pki::asn1::oid;
use crate::pki::asn1::tlv::{INTEGER, OCTET_STRING, OID, Read, SEQUENCE, Tlv, trim_zeros};

impl PublicKey {
    /// Whether it is the same key, in whatever form either is written.
    pub fn is_same_key(&self, other: &PublicKey) -> bool {
        self == other || value(self).is_some_and(|one| value(other) == Some(one))
    }
}

/// What makes a key that key.
#[derive(PartialEq, Eq)]
enum Value {
    /// The whole modulus and exponent as RSAPublicKey (RFC 8017 §A.1.1), however the algorithm is called.
    Rsa(Vec<u8>),
    P256(Vec<u8>),
    P384(Vec<u8>),
}

fn value(key: &PublicKey) -> Option<Value> {
    let info = SubjectPublicKeyInfoRef::from_der(key.spki_der()).ok()?;
    let bits = info.subject_public_key.as_bytes()?;
    match info.algorithm.oid {
        oid::RSA_ENCRYPTION | oid::RSASSA_PSS => Some(Value::Rsa(bits.to_vec())),
        oid::EC_PUBLIC_KEY => point(curve(Tlv::whole(key.spki_der()).ok()?)?, bits),
        _ => None,
    }
}

#[derive(Clone, Copy)]
enum Curve {
    P256,
    P384,
}

/// The uncompressed point; `None` when it is none of the curve's.
fn point(curve: Curve, bits: &[u8]) -> Option<Value> {
    Some(match curve {
        Curve::P256 => {
            Value::P256(p256::PublicKey::from_sec1_bytes(bits).ok()?.to_sec1_point(false).as_bytes().to_vec())
        }
        Curve::P384 => {
            Value::P384(p384::PublicKey::from_sec1_bytes(bits).ok()?.to_sec1_point(false).as_bytes().to_vec())
        }
    })
}

/// The curve, by name or by parameters.
fn curve(spki: Tlv<'_>) -> Option<Curve> {
    let mut algorithm = spki.fields().expect(SEQUENCE).ok()?.fields();
    algorithm.expect(OID).ok()?;
    let parameters = algorithm.any().ok()?;
    match parameters.tag {
        OID if parameters.value == oid::P256.as_bytes() => Some(Curve::P256),
        OID if parameters.value == oid::P384.as_bytes() => Some(Curve::P384),
        SEQUENCE => [Curve::P256, Curve::P384]
            .into_iter()
            .find(|curve| is_specified(*curve, parameters).unwrap_or(false)),
        _ => None,
    }
}

/// Whether a SpecifiedECDomain (SEC 1 §C.2) is that curve. Prime, coefficients, base point and order must all be
/// its own: with another base point the same point is another key.
fn is_specified(curve: Curve, parameters: Tlv<'_>) -> Read<bool> {
    let mut fields = parameters.fields();
    fields.expect(INTEGER)?;
    let mut field = fields.expect(SEQUENCE)?.fields();
    field.expect(OID)?;
    let prime = trim_zeros(field.expect(INTEGER)?.value);
    let mut coefficients = fields.expect(SEQUENCE)?.fields();
    let (a, b) = (coefficients.expect(OCTET_STRING)?.value, coefficients.expect(OCTET_STRING)?.value);
    let base = fields.expect(OCTET_STRING)?.value;
    let order = trim_zeros(fields.expect(INTEGER)?.value);
    let domain = curve.domain();
    // a = p − 3 on both (FIPS 186-4 §D.1.2), and no borrow: both primes end in 0xff.
    let a_is_minus_three = match (domain.prime.split_last(), a.split_last()) {
        (Some((last, high)), Some((low, a_high))) => a_high == high && last.checked_sub(3) == Some(*low),
        _ => false,
    };
    let base_is_its_own = point(curve, base).is_some_and(|base| point(curve, domain.base) == Some(base));
    Ok(prime == domain.prime && a_is_minus_three && b == domain.b && order == domain.order && base_is_its_own)
}

/// The parameters of a curve (FIPS 186-4 §D.1.2), the base point compressed.
struct Domain {
    prime: &'static [u8],
    b: &'static [u8],
    base: &'static [u8],
    order: &'static [u8],
}

const P256: Domain = Domain {
    prime: &hex::<32>("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"),
    b: &hex::<32>("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b"),
    base: &hex::<33>("036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
    order: &hex::<32>("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
};

const P384: Domain = Domain {
    prime: &hex::<48>(
        "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
    ),
    b: &hex::<48>(
        "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef",
    ),
    base: &hex::<49>(
        "03aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7",
    ),
    order: &hex::<48>(
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    ),
};

impl Curve {
    const fn domain(self) -> Domain {
        match self {
            Curve::P256 => P256,
            Curve::P384 => P384,
        }
    }
}

/// Digits in lower case as bytes; at compile time, so a wrong length does not compile.
const fn hex<const N: usize>(digits: &'static str) -> [u8; N] {
    let digits = digits.as_bytes();
    assert!(digits.len() == 2 * N);
    let mut bytes = [0; N];
    let mut at = 0;
    while at < N {
        bytes[at] = nibble(digits[2 * at]) << 4 | nibble(digits[2 * at + 1]);
        at += 1;
    }
    bytes
}

const fn nibble(digit: u8) -> u8 {
    if digit.is_ascii_digit() { digit - b'0' } else { digit - b'a' + 10 }
}
