//! Curves that are given by their parameters (SEC 1 §C.2) instead of by name, as some cards and CAs write them.

use der::Encode;
use der::asn1::AnyRef;

use crate::pki::asn1::tlv::{INTEGER, OCTET_STRING, OID, Read, SEQUENCE, Tlv, trim_zeros};

#[derive(Clone, Copy)]
pub(super) enum Curve {
    P256,
    P384,
}

/// A curve that is known by its parameters.
pub(super) enum Known {
    /// One of which keys are used here.
    Used(Curve),
    /// Another, by its name.
    Other(&'static str),
}

/// The curve with these parameters; `None` where it is not known.
pub(super) fn known_curve(parameters: AnyRef<'_>) -> Option<Known> {
    let der = parameters.to_der().ok()?;
    let parameters = Tlv::whole(&der).and_then(|all| all.tagged(SEQUENCE)).ok()?;
    if let Some(curve) = Curve::specified(parameters) {
        return Some(Known::Used(curve));
    }
    let order = base16ct::lower::encode_string(order(parameters).ok()?);
    OTHERS.iter().find(|(known, _)| *known == order).map(|(_, name)| Known::Other(name))
}

/// The orders of other curves, by which people are told their names; no key on them is used.
const OTHERS: &[(&str, &str)] = &[
    ("ffffffffffffffffffffffff99def836146bc9b1b4d22831", "P-192"),
    ("ffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3d", "P-224"),
    (
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
        "P-521",
    ),
    ("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", "secp256k1"),
    ("a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7", "brainpoolP256r1"),
    (
        "8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565",
        "brainpoolP384r1",
    ),
];

/// The order of the base point.
fn order<'a>(parameters: Tlv<'a>) -> Read<&'a [u8]> {
    let mut fields = parameters.fields();
    fields.expect(INTEGER)?;
    fields.expect(SEQUENCE)?;
    fields.expect(SEQUENCE)?;
    fields.expect(OCTET_STRING)?;
    Ok(trim_zeros(fields.expect(INTEGER)?.value))
}

impl Curve {
    /// The curve with these parameters.
    pub(super) fn specified(parameters: Tlv<'_>) -> Option<Self> {
        [Curve::P256, Curve::P384].into_iter().find(|curve| is_specified(*curve, parameters).unwrap_or(false))
    }

    /// Whether a point, compressed or not, is the base point.
    fn is_base(self, point: &[u8]) -> bool {
        let base = self.domain().base;
        match self {
            Curve::P256 => p256::PublicKey::from_sec1_bytes(point)
                .is_ok_and(|point| p256::PublicKey::from_sec1_bytes(base) == Ok(point)),
            Curve::P384 => p384::PublicKey::from_sec1_bytes(point)
                .is_ok_and(|point| p384::PublicKey::from_sec1_bytes(base) == Ok(point)),
        }
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
    let base_is_its_own = curve.is_base(base);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::key::public::PublicKey;
    use crate::pki::openssl::OpenSsl;

    #[test]
    fn curves_by_their_parameters_have_their_names() {
        let openssl = OpenSsl::new();
        for (curve, name) in [
            ("P-256", "P-256"),
            ("P-384", "P-384"),
            ("P-521", "P-521"),
            ("P-224", "P-224"),
            ("P-192", "P-192"),
            ("secp256k1", "secp256k1"),
            ("brainpoolP256r1", "brainpoolP256r1"),
            ("brainpoolP384r1", "brainpoolP384r1"),
            ("secp160k1", "EC"),
        ] {
            openssl.run(&format!("ecparam -name {curve} -param_enc explicit -genkey -noout -out k.key"));
            openssl.run("pkey -in k.key -pubout -outform DER -out k.spki");
            let spki = openssl.read("k.spki");
            let key = Tlv::whole(&spki).and_then(PublicKey::from_certificate).unwrap();
            assert_eq!(key.algorithm().to_string(), name, "{curve}");
        }
    }
}
