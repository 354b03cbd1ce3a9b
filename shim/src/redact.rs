//! What of an attribute may stand in a trace.
//!
//! The rule is a list of what is shown. Whatever is not on it (key material, the contents of data objects, a vendor's
//! own attributes) appears by its length alone.

use crate::config::Public;
use crate::names;
use pkcs11_sys::*;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// How the value of an attribute is shown.
enum Shown {
    Bool,
    Number(fn(CK_ULONG) -> Option<&'static str>),
    Text,
    Hex,
    /// A part of a certificate or of a public key.
    Public,
    /// CKA_VALUE: a certificate, or something that nobody may see.
    CertificateOrNothing,
    Nothing,
}

/// Adds to `fields` what may be told of this value.
pub(crate) fn show(
    fields: &mut Map<String, Value>,
    attribute: CK_ATTRIBUTE_TYPE,
    value: &[u8],
    public: Public,
) {
    let shown = match (shown(attribute), value) {
        (Shown::Bool, [byte]) => Some(Value::Bool(*byte != 0)),
        (Shown::Number(name), _) => number(value).map(|number| match name(number) {
            Some(name) => Value::from(name),
            None => Value::from(number),
        }),
        (Shown::Text, _) => std::str::from_utf8(value).ok().map(Value::from),
        (Shown::Hex, _) => Some(Value::from(hex(value))),
        (Shown::Public, _) => return show_public(fields, value, public),
        (Shown::CertificateOrNothing, _) if is_certificate(value) => {
            return show_public(fields, value, public);
        }
        _ => None,
    };
    if let Some(shown) = shown {
        fields.insert("value".to_owned(), shown);
    }
}

fn show_public(fields: &mut Map<String, Value>, value: &[u8], public: Public) {
    match public {
        Public::Digest => fields.insert("sha256".to_owned(), Value::from(hex(&Sha256::digest(value)))),
        Public::Full => fields.insert("value".to_owned(), Value::from(hex(value))),
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

/// Whether this is an X.509 certificate, by its structure: Certificate ::= SEQUENCE { tbsCertificate SEQUENCE {
/// version [0] …. CKA_VALUE also holds secret keys, private EC keys and data; none of them begins like this (an
/// encrypted PKCS#8 key has an OBJECT IDENTIFIER there, a plain one and a PFX an INTEGER before).
fn is_certificate(value: &[u8]) -> bool {
    const VERSION: &[u8] = &[0xA0, 0x03, 0x02, 0x01];
    contents_of_sequence(value)
        .filter(|(_, after)| after.is_empty())
        .and_then(|(certificate, _)| contents_of_sequence(certificate))
        .is_some_and(|(to_be_signed, _)| to_be_signed.starts_with(VERSION))
}

/// The contents of the DER SEQUENCE at the front, and what follows it.
fn contents_of_sequence(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[0x30, first], rest) = der.split_first_chunk::<2>()? else { return None };
    let (length, rest) = match first {
        0..=0x7F => (usize::from(first), rest),
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(attribute: CK_ATTRIBUTE_TYPE, value: &[u8], public: Public) -> String {
        let mut fields = Map::new();
        show(&mut fields, attribute, value, public);
        Value::Object(fields).to_string()
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
                assert_eq!(shown(secret, b"my secret", public), "{}", "{secret:#x}");
            }
            // A PKCS#8 key, an encrypted one, a PFX: all begin as a SEQUENCE does.
            for value in [&[0x30, 3, 2, 1, 0][..], &[0x30, 4, 0x30, 2, 6, 0], &[0x30, 3, 2, 1, 3]] {
                assert_eq!(shown(CKA_VALUE, value, public), "{}");
            }
        }
    }

    #[test]
    fn certificates_are_digests_unless_asked() {
        let certificate = [0x30, 8, 0x30, 6, 0xA0, 3, 2, 1, 2, 5];
        let digest = shown(CKA_VALUE, &certificate, Public::Digest);
        assert!(digest.starts_with(r#"{"sha256":""#) && digest.len() == 64 + 13, "{digest}");
        assert_eq!(shown(CKA_VALUE, &certificate, Public::Full), r#"{"value":"30083006a00302010205"}"#);
        // One byte more than the certificate is not a certificate.
        assert_eq!(shown(CKA_VALUE, &[&certificate[..], &[0]].concat(), Public::Full), "{}");
    }

    #[test]
    fn plain_attributes_are_shown_by_name() {
        let rsa = CKK_RSA.to_ne_bytes();
        assert_eq!(shown(CKA_KEY_TYPE, &rsa, Public::Digest), r#"{"value":"CKK_RSA"}"#);
        assert_eq!(shown(CKA_TOKEN, &[1], Public::Digest), r#"{"value":true}"#);
        assert_eq!(shown(CKA_LABEL, b"bank", Public::Digest), r#"{"value":"bank"}"#);
        assert_eq!(shown(CKA_ID, &[0xAB, 1], Public::Digest), r#"{"value":"ab01"}"#);
        // A value of the wrong size is not guessed at.
        assert_eq!(shown(CKA_TOKEN, &[1, 0, 0, 0], Public::Digest), "{}");
        assert_eq!(shown(CKA_CLASS, &[1], Public::Digest), "{}");
    }
}
