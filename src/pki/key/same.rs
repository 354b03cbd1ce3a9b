//! The key itself, however it is written.
//!
//! A CA writes the key as it likes: the point compressed (SEC 1 §2.3.3), the curve by its parameters (RFC 3279
//! §2.3.5), an RSA key under the identifier of RSASSA-PSS (RFC 4055 §1.2). The point and the modulus decide.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

use der::Decode;
use spki::{EncodePublicKey, SubjectPublicKeyInfoRef};

use super::kind::KeyAlgorithm;
use super::public::PublicKey;
use super::specified::Curve;
use crate::pki::asn1::oid;
use crate::pki::asn1::tlv::{self, BIT_STRING, NULL, OID, SEQUENCE, Tlv};

impl PublicKey {
    /// The same key in the form in which tokens tell it: rsaEncryption, or a named curve and an uncompressed point.
    /// A key that has no such form, or that is not valid, stays as it is.
    #[must_use]
    pub(crate) fn in_usual_form(&self) -> Cow<'_, PublicKey> {
        match self.algorithm() {
            KeyAlgorithm::Rsa { .. } => Cow::Borrowed(self),
            // With the curve's name and both coordinates a key has this length; a compressed point is shorter.
            KeyAlgorithm::P256 if self.spki_der().len() == 91 => Cow::Borrowed(self),
            KeyAlgorithm::P384 if self.spki_der().len() == 120 => Cow::Borrowed(self),
            _ => usual(self).map_or(Cow::Borrowed(self), Cow::Owned),
        }
    }
}

/// Keys are equal when they are one key, in whatever form either is written.
impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.spki_der() == other.spki_der()
            || self.in_usual_form().spki_der() == other.in_usual_form().spki_der()
    }
}

impl Eq for PublicKey {}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.in_usual_form().spki_der().hash(state);
    }
}

fn usual(key: &PublicKey) -> Option<PublicKey> {
    let info = SubjectPublicKeyInfoRef::from_der(key.spki_der()).ok()?;
    let bits = info.subject_public_key.as_bytes()?;
    let spki = match info.algorithm.oid {
        oid::RSASSA_PSS => rsa(bits),
        oid::EC_PUBLIC_KEY => point(curve(Tlv::whole(key.spki_der()).ok()?)?, bits)?,
        _ => return None,
    };
    PublicKey::from_spki_der(&spki).ok()
}

/// The key is RSAPublicKey (RFC 8017 §A.1.1) in both; the parameters of PSS say how it may be used.
fn rsa(bits: &[u8]) -> Vec<u8> {
    let algorithm = tlv::encode(SEQUENCE, &[&oid::encode(oid::RSA_ENCRYPTION), &[NULL, 0]]);
    tlv::encode(SEQUENCE, &[&algorithm, &tlv::encode(BIT_STRING, &[&[0], bits])])
}

/// The SubjectPublicKeyInfo with the point uncompressed; `None` when it is none of the curve's.
fn point(curve: Curve, bits: &[u8]) -> Option<Vec<u8>> {
    let document = match curve {
        Curve::P256 => p256::PublicKey::from_sec1_bytes(bits).ok()?.to_public_key_der(),
        Curve::P384 => p384::PublicKey::from_sec1_bytes(bits).ok()?.to_public_key_der(),
    };
    document.ok().map(der::Document::into_vec)
}

/// The curve, by name or by parameters.
fn curve(spki: Tlv<'_>) -> Option<Curve> {
    let mut algorithm = spki.fields().expect(SEQUENCE).ok()?.fields();
    algorithm.expect(OID).ok()?;
    let parameters = algorithm.any().ok()?;
    match parameters.tag {
        OID if parameters.value == oid::P256.as_bytes() => Some(Curve::P256),
        OID if parameters.value == oid::P384.as_bytes() => Some(Curve::P384),
        SEQUENCE => Curve::specified(parameters),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::pki::openssl::OpenSsl;

    #[track_caller]
    fn assert_same(openssl: &OpenSsl, key: &PublicKey, how: &str) {
        openssl.run(&format!("pkey -in k.key -pubout -outform DER -out other {how}"));
        let spki = openssl.read("other");
        assert_ne!(spki, key.spki_der(), "{how} changes nothing");
        let other = PublicKey::from_spki_der(&spki).or_else(|_| {
            // A key that is only carried along, as in a certificate.
            Tlv::whole(&spki).and_then(PublicKey::from_certificate)
        });
        let other = other.unwrap();
        assert_eq!(&other, key, "{how}");
        assert_eq!(HashSet::from([&other, key]).len(), 1, "{how}");
        assert_eq!(other.spki_der(), spki, "{how}: the form stays");
        assert_eq!(other.in_usual_form().spki_der(), key.spki_der(), "{how}");
    }

    #[test]
    fn a_point_is_a_point() {
        let openssl = OpenSsl::new();
        for curve in ["P-256", "P-384"] {
            let key = openssl.key("k", curve);
            assert_same(&openssl, &key, "-ec_conv_form compressed");
            assert_same(&openssl, &key, "-ec_param_enc explicit");
            assert_same(&openssl, &key, "-ec_param_enc explicit -ec_conv_form compressed");
            assert_ne!(openssl.key("other", curve), key);
        }
    }

    #[test]
    fn another_base_point_is_another_key() {
        let openssl = OpenSsl::new();
        let key = openssl.key("k", "P-256");
        openssl.run("pkey -in k.key -pubout -outform DER -out other -ec_param_enc explicit");
        let mut spki = openssl.read("other");
        // The last byte of the base point's y.
        let at = spki.windows(4).position(|bytes| bytes == [0x37, 0xbf, 0x51, 0xf5]).unwrap();
        spki[at + 3] ^= 1;
        let other = Tlv::whole(&spki).and_then(PublicKey::from_certificate).unwrap();
        assert_ne!(other, key);
    }

    #[test]
    fn a_modulus_is_a_modulus() {
        let openssl = OpenSsl::new();
        let key = openssl.key("k", "rsa");
        let mut spki = key.spki_der().to_vec();
        let at = spki.windows(9).position(|bytes| bytes == oid::RSA_ENCRYPTION.as_bytes()).unwrap();
        spki[at + 8] = 10;
        let pss = Tlv::whole(&spki).and_then(PublicKey::from_certificate).unwrap();
        assert_eq!(pss, key);
        assert_eq!(pss.spki_der(), spki);
        assert_eq!(pss.in_usual_form().spki_der(), key.spki_der());
        assert_ne!(openssl.key("other", "rsa"), pss);
    }
}
