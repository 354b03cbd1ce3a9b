//! What of an attribute may stand in a trace.
//!
//! The rule is a list of what is shown. Whatever is not on it (key material, the contents of data objects, a vendor's
//! own attributes) appears by its length alone.

use crate::config::Public;
use base16ct::lower::encode_string as hex;
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};
use usbtoken_pkcs11::names;
use usbtoken_pkcs11::types::*;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// How the value of an attribute is shown.
enum Shown {
    Bool,
    Number(fn(CK_ULONG) -> Option<&'static str>),
    Text,
    Hex,
    /// A part of a certificate or of a public key.
    Public,
    /// CKA_VALUE: a certificate, or something that no one may see.
    CertificateOrNothing,
    Nothing,
}

/// A value that may be shown, or not.
#[derive(Clone, Copy)]
pub(crate) struct Value<'a> {
    pub(crate) bytes: &'a [u8],
    /// Whether it is what the attribute says, because the driver took it. Otherwise a number without a name is taken for
    /// one only when it looks like one.
    pub(crate) sure: bool,
    /// Whether it belongs to a certificate object.
    pub(crate) certificate: bool,
}

/// Adds to `fields` what may be shown of this value.
pub(crate) fn show(
    fields: &mut Map<String, Json>,
    attribute: CK_ATTRIBUTE_TYPE,
    value: Value,
    public: Public,
) {
    let shown = match (shown(attribute), value.bytes) {
        (Shown::Bool, [byte @ (0 | 1)]) => Some(Json::Bool(*byte != 0)),
        (Shown::Number(name), bytes) => number(bytes).and_then(|number| match name(number) {
            Some(name) => Some(Json::from(name)),
            None => (value.sure || is_a_number(None, number)).then(|| Json::from(number)),
        }),
        (Shown::Text, bytes) => std::str::from_utf8(bytes).is_ok().then(|| Json::from(text(bytes))),
        (Shown::Hex, bytes) => Some(Json::from(hex(bytes))),
        (Shown::Public, bytes) => return show_public(fields, bytes, public),
        (Shown::CertificateOrNothing, bytes) if value.certificate && is_certificate(bytes) => {
            return show_public(fields, bytes, public);
        }
        _ => None,
    };
    if let Some(shown) = shown {
        fields.insert("value".to_owned(), shown);
    }
}

/// Whether anything of this attribute's values is shown. What is not is not even read.
pub(crate) fn is_shown(attribute: CK_ATTRIBUTE_TYPE, certificate: bool) -> bool {
    match shown(attribute) {
        Shown::Nothing => false,
        Shown::CertificateOrNothing => certificate,
        _ => true,
    }
}

/// Whether values of this attribute are as long as they like, and are shown: what stands in their place can be anything.
pub(crate) fn has_free_length(attribute: CK_ATTRIBUTE_TYPE) -> bool {
    !matches!(shown(attribute), Shown::Bool | Shown::Number(_) | Shown::Nothing)
}

/// Whether eight bytes that may be anything are a number: it has a name, is small, or is a vendor's own. No text is.
pub(crate) fn is_a_number(name: Option<&'static str>, number: CK_ULONG) -> bool {
    name.is_some() || number <= 0xFFFF || (0x8000_0000..=0xFFFF_FFFF).contains(&number)
}

fn show_public(fields: &mut Map<String, Json>, value: &[u8], public: Public) {
    match public {
        Public::Digest => fields.insert("sha256".to_owned(), Json::from(hex(&Sha256::digest(value)))),
        Public::Full => fields.insert("value".to_owned(), Json::from(hex(value))),
    };
}

fn shown(attribute: CK_ATTRIBUTE_TYPE) -> Shown {
    match attribute {
        CKA_TOKEN
        | CKA_PRIVATE
        | CKA_TRUSTED
        | CKA_SENSITIVE
        | CKA_ENCRYPT
        | CKA_DECRYPT
        | CKA_WRAP
        | CKA_UNWRAP
        | CKA_SIGN
        | CKA_SIGN_RECOVER
        | CKA_VERIFY
        | CKA_VERIFY_RECOVER
        | CKA_DERIVE
        | CKA_EXTRACTABLE
        | CKA_LOCAL
        | CKA_NEVER_EXTRACTABLE
        | CKA_ALWAYS_SENSITIVE
        | CKA_MODIFIABLE
        | CKA_COPYABLE
        | CKA_DESTROYABLE
        | CKA_ALWAYS_AUTHENTICATE
        | CKA_WRAP_WITH_TRUSTED => Shown::Bool,
        CKA_CLASS => Shown::Number(names::class),
        CKA_KEY_TYPE => Shown::Number(names::key_type),
        CKA_CERTIFICATE_TYPE => Shown::Number(names::certificate_type),
        CKA_KEY_GEN_MECHANISM | CKA_NAME_HASH_ALGORITHM => Shown::Number(names::mechanism),
        CKA_CERTIFICATE_CATEGORY | CKA_MODULUS_BITS | CKA_PRIME_BITS | CKA_VALUE_BITS | CKA_VALUE_LEN => {
            Shown::Number(|_| None)
        }
        CKA_LABEL | CKA_APPLICATION | CKA_URL | CKA_START_DATE | CKA_END_DATE | CKA_UNIQUE_ID => Shown::Text,
        CKA_ID | CKA_EC_PARAMS | CKA_PUBLIC_EXPONENT | CKA_OBJECT_ID => Shown::Hex,
        CKA_SUBJECT
        | CKA_ISSUER
        | CKA_SERIAL_NUMBER
        | CKA_MODULUS
        | CKA_EC_POINT
        | CKA_PUBLIC_KEY_INFO
        | CKA_HASH_OF_SUBJECT_PUBLIC_KEY
        | CKA_HASH_OF_ISSUER_PUBLIC_KEY => Shown::Public,
        CKA_VALUE => Shown::CertificateOrNothing,
        _ => Shown::Nothing,
    }
}

fn number(value: &[u8]) -> Option<CK_ULONG> {
    value.try_into().ok().map(CK_ULONG::from_ne_bytes)
}

/// Whether this is an X.509 certificate, from the first byte to the last.
fn is_certificate(value: &[u8]) -> bool {
    Certificate::from_der(value).is_ok()
}

/// A field as text: up to its NUL, if it has one, and without the blanks that pad it.
pub(crate) fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).trim_end_matches(' ').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_of(attribute: CK_ATTRIBUTE_TYPE, bytes: &[u8], certificate: bool, public: Public) -> String {
        let mut fields = Map::new();
        show(&mut fields, attribute, Value { bytes, sure: true, certificate }, public);
        Json::Object(fields).to_string()
    }

    fn shown(attribute: CK_ATTRIBUTE_TYPE, bytes: &[u8]) -> String {
        shown_of(attribute, bytes, true, Public::Full)
    }

    #[test]
    fn secrets_leave_no_trace_of_their_value() {
        for public in [Public::Digest, Public::Full] {
            for secret in [
                CKA_VALUE,
                CKA_PRIVATE_EXPONENT,
                CKA_PRIME_1,
                CKA_PRIME_2,
                CKA_EXPONENT_1,
                CKA_EXPONENT_2,
                CKA_COEFFICIENT,
                CKA_CHECK_VALUE,
                CKA_VENDOR_DEFINED | 5,
                CKA_WRAP_TEMPLATE,
            ] {
                assert_eq!(shown_of(secret, b"my secret", true, public), "{}", "{secret:#x}");
            }
            // A PKCS#8 key, an encrypted one, a PFX: all begin as a SEQUENCE does.
            for value in [&[0x30, 3, 2, 1, 0][..], &[0x30, 4, 0x30, 2, 6, 0], &[0x30, 3, 2, 1, 3]] {
                assert_eq!(shown_of(CKA_VALUE, value, true, public), "{}");
            }
        }
    }

    #[test]
    fn a_certificate_is_one_from_the_first_byte_to_the_last_and_belongs_to_a_certificate_object() {
        let whole = crate::testing::CERTIFICATE;
        let digest = shown_of(CKA_VALUE, whole, true, Public::Digest);
        assert!(digest.starts_with(r#"{"sha256":""#) && digest.len() == 64 + 13, "{digest}");
        assert_eq!(shown(CKA_VALUE, whole), format!(r#"{{"value":"{}"}}"#, hex(whole)));
        assert_eq!(shown_of(CKA_VALUE, whole, false, Public::Full), "{}", "a data object's");
        // A secret behind it, in place of its end, or in its middle.
        assert_eq!(shown(CKA_VALUE, &[whole, &[0]].concat()), "{}");
        assert_eq!(shown(CKA_VALUE, &whole[..whole.len() - 1]), "{}");
        let mut middle = whole.to_vec();
        middle.splice(4..24, *b"PIN=648219-SECRET!!!");
        assert_eq!(shown(CKA_VALUE, &middle), "{}");
        // The frame of one, with a secret inside, is what was once taken for a certificate.
        let frame = [&[0x30, 23, 0x30, 21, 0xA0, 3, 2, 1, 2][..], b"PIN=648219-SECRET"].concat();
        assert_eq!(shown(CKA_VALUE, &frame), "{}");
    }

    #[test]
    fn plain_attributes_are_shown_by_name() {
        let rsa = CKK_RSA.to_ne_bytes();
        assert_eq!(shown(CKA_KEY_TYPE, &rsa), r#"{"value":"CKK_RSA"}"#);
        assert_eq!(shown(CKA_TOKEN, &[1]), r#"{"value":true}"#);
        assert_eq!(shown(CKA_LABEL, b"bank"), r#"{"value":"bank"}"#);
        assert_eq!(shown(CKA_LABEL, b"bank\0PIN=648219"), r#"{"value":"bank"}"#);
        assert_eq!(shown(CKA_ID, &[0xAB, 1]), r#"{"value":"ab01"}"#);
        // A value of the wrong size is not guessed at.
        assert_eq!(shown(CKA_TOKEN, &[1, 0, 0, 0]), "{}");
        assert_eq!(shown(CKA_CLASS, &[1]), "{}");
    }

    #[test]
    fn eight_letters_are_no_number() {
        let unsure = |bytes: &[u8]| {
            let mut fields = Map::new();
            let value = Value { bytes, sure: false, certificate: false };
            show(&mut fields, CKA_MODULUS_BITS, value, Public::Full);
            Json::Object(fields).to_string()
        };
        assert_eq!(unsure(&2048_u64.to_ne_bytes()), r#"{"value":2048}"#);
        assert_eq!(unsure(b"64821900"), "{}");
        assert_eq!(unsure(b"6482\0\0\0\0"), "{}");
    }
}
