//! Whether bytes that nobody can read as a certificate may be one for a key.

use der::Decode;
use rsa::pkcs1::RsaPublicKeyRef;
use spki::SubjectPublicKeyInfoRef;

use super::kind::KeyAlgorithm;
use super::public::PublicKey;
use crate::pki::asn1::tlv::trim_zeros;

impl PublicKey {
    /// Whether what makes this key stands in these bytes: its modulus, or the x coordinate of its point. However a certificate is
    /// encoded that has the key, there it stands.
    pub(crate) fn stands_in(&self, bytes: &[u8]) -> bool {
        let usual = self.in_usual_form();
        value(&usual).is_some_and(|value| bytes.windows(value.len()).any(|window| window == value))
    }
}

/// The modulus without zeros in front, or the x coordinate.
fn value(usual: &PublicKey) -> Option<Vec<u8>> {
    let info = SubjectPublicKeyInfoRef::from_der(usual.spki_der()).ok()?;
    let bits = info.subject_public_key.as_bytes()?;
    let value = match usual.algorithm() {
        KeyAlgorithm::Rsa { .. } => trim_zeros(RsaPublicKeyRef::try_from(bits).ok()?.modulus.as_bytes()),
        _ => bits.get(1..=bits.len() / 2)?,
    };
    (value.len() >= 16).then(|| value.to_vec())
}

#[cfg(test)]
mod tests {
    use crate::pki::openssl::OpenSsl;

    #[test]
    fn a_key_is_found_in_whatever_holds_it() {
        let openssl = OpenSsl::new();
        for kind in ["P-256", "P-384", "rsa"] {
            let key = openssl.key("k", kind);
            openssl.run("req -x509 -new -key k.key -subj /CN=a -outform DER -out der");
            let der = openssl.read("der");
            let indefinite = [&[0x30, 0x80], &der[4..], &[0, 0]].concat();
            for bytes in [&der, &indefinite] {
                assert!(key.stands_in(bytes), "{kind}");
                assert!(!openssl.key("other", kind).stands_in(bytes), "{kind}");
            }
            assert!(!key.stands_in(&[]) && !key.stands_in(&der[..100]), "{kind}");
        }
        let key = openssl.key("k", "P-256");
        openssl.run("req -x509 -new -key k.key -subj /CN=a -outform DER -out der");
        openssl.run("pkey -in k.key -pubout -outform DER -out compressed -ec_conv_form compressed");
        assert!(key.stands_in(&openssl.read("compressed")));
    }
}
