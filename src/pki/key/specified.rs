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
    let numbers = numbers(parameters).ok()?.map(base16ct::lower::encode_string);
    OTHERS
        .iter()
        .find(|(known, _)| numbers.iter().any(|number| number == known))
        .map(|(_, name)| Known::Other(name))
}

/// Other curves, each by a number that no other has: the order of the base point (SEC 2), of Brainpool the coefficient b,
/// because a curve and its twisted one share the order (RFC 5639 §3). People are told their names; no key on them is used.
const OTHERS: &[(&str, &str)] = &[
    ("ffffffffffffffffffffffff99def836146bc9b1b4d22831", "P-192"),
    ("ffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3d", "P-224"),
    (
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
        "P-521",
    ),
    ("0100000000000000000001b8fa16dfab9aca16b6b3", "secp160k1"),
    ("0100000000000000000001f4c8f927aed3ca752257", "secp160r1"),
    ("0100000000000000000000351ee786a818f3a1a16b", "secp160r2"),
    ("fffffffffffffffffffffffe26f2fc170f69466a74defd8d", "secp192k1"),
    ("010000000000000000000000000001dce8d2ec6184caf0a971769fb1f7", "secp224k1"),
    ("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", "secp256k1"),
    ("1e589a8595423412134faa2dbdec95c8d8675e58", "brainpoolP160r1"),
    ("7a556b6dae535b7b51ed2c4d7daa7a0b5c55f380", "brainpoolP160t1"),
    ("469a28ef7c28cca3dc721d044f4496bcca7ef4146fbf25c9", "brainpoolP192r1"),
    ("13d56ffaec78681e68f9deb43b35bec2fb68542e27897b79", "brainpoolP192t1"),
    ("2580f63ccfe44138870713b1a92369e33e2135d266dbb372386c400b", "brainpoolP224r1"),
    ("4b337d934104cd7bef271bf60ced1ed20da14c08b3bb64f18a60888d", "brainpoolP224t1"),
    ("26dc5c6ce94a4b44f330b5d9bbd77cbf958416295cf7e1ce6bccdc18ff8c07b6", "brainpoolP256r1"),
    ("662c61c430d84ea4fe66a7733d0b76b7bf93ebc4af2f49256ae58101fee92b04", "brainpoolP256t1"),
    ("520883949dfdbc42d3ad198640688a6fe13f41349554b49acc31dccd884539816f5eb4ac8fb1f1a6", "brainpoolP320r1"),
    ("a7f561e038eb1ed560b3d147db782013064c19f27ed27c6780aaf77fb8a547ceb5b4fef422340353", "brainpoolP320t1"),
    (
        "04a8c7dd22ce28268b39b55416f0447c2fb77de107dcd2a62e880ea53eeb62d57cb4390295dbc9943ab78696fa504c11",
        "brainpoolP384r1",
    ),
    (
        "7f519eada7bda81bd826dba647910f8c4b9346ed8ccdc64e4b1abd11756dce1d2074aa263b88805ced70355a33b471ee",
        "brainpoolP384t1",
    ),
    (
        "3df91610a83441caea9863bc2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a72bf2c7b9e7c1ac4d77fc94cadc083e67984050b75ebae5dd2809bd638016f723",
        "brainpoolP512r1",
    ),
    (
        "7cbbbcf9441cfab76e1890e46884eae321f70c0bcb4981527897504bec3e36a62bcdfa2304976540f6450085f2dae145c22553b465763689180ea2571867423e",
        "brainpoolP512t1",
    ),
];

/// The coefficient b and the order of the base point.
fn numbers<'a>(parameters: Tlv<'a>) -> Read<[&'a [u8]; 2]> {
    let mut fields = parameters.fields();
    fields.expect(INTEGER)?;
    fields.expect(SEQUENCE)?;
    let mut coefficients = fields.expect(SEQUENCE)?.fields();
    coefficients.expect(OCTET_STRING)?;
    let b = coefficients.expect(OCTET_STRING)?.value;
    fields.expect(OCTET_STRING)?;
    Ok([trim_zeros(b), trim_zeros(fields.expect(INTEGER)?.value)])
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
        let named = [("prime256v1", "P-256"), ("secp384r1", "P-384"), ("secp521r1", "P-521")];
        let more =
            [("secp224r1", "P-224"), ("prime192v1", "P-192"), ("secp112r1", "EC"), ("prime239v1", "EC")];
        let same = OTHERS.iter().map(|(_, name)| *name).filter(|name| !name.starts_with("P-"));
        for (curve, name) in named.into_iter().chain(more).chain(same.map(|name| (name, name))) {
            openssl.run(&format!("ecparam -name {curve} -param_enc explicit -genkey -noout -out k.key"));
            openssl.run("pkey -in k.key -pubout -outform DER -out k.spki");
            let spki = openssl.read("k.spki");
            let key = Tlv::whole(&spki).and_then(PublicKey::from_certificate).unwrap();
            assert_eq!(key.algorithm().to_string(), name, "{curve}");
            // And by their identifiers.
            openssl.run(&format!("ecparam -name {curve} -genkey -noout -out k.key"));
            openssl.run("pkey -in k.key -pubout -outform DER -out k.spki");
            let spki = openssl.read("k.spki");
            let key = Tlv::whole(&spki).and_then(PublicKey::from_certificate).unwrap();
            let shown = key.algorithm().to_string();
            assert!(shown == name || name == "EC", "{curve}: {shown}");
        }
    }
}
