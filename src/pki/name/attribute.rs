//! One attribute of a name: its type, its value, and what the value shows.

use std::borrow::Cow;

use der::Tag;
use der::asn1::{Any, ObjectIdentifier};

use crate::pki::asn1::oid;

/// One attribute of a name, decoded for display.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Attribute {
    /// The short name of RFC 4514 (`CN`, `OU`, `O` …), otherwise the dotted object identifier.
    pub kind: Cow<'static, str>,
    /// The value, decoded as well as can be; bytes that are no text show as U+FFFD or in hexadecimal.
    pub value: String,
    /// What the value shows.
    pub form: ValueForm,
    /// Whether it stands in one RelativeDistinguishedName with the attribute before it.
    pub(super) joined: bool,
}

/// What the value of an attribute shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueForm {
    /// Its characters.
    Text,
    /// Characters that its bytes may stand for: its type does not say which they are (T.61 in Shift_JIS, EUC-JP or
    /// Latin-1).
    Guess,
    /// Its bytes in hexadecimal (RFC 4514 §2.4).
    Hexadecimal,
}

/// Short names of RFC 4514 §3 and the others that people write.
pub(super) const KINDS: &[(&str, ObjectIdentifier)] = &[
    ("CN", ObjectIdentifier::new_unwrap("2.5.4.3")),
    ("SN", ObjectIdentifier::new_unwrap("2.5.4.4")),
    ("serialNumber", ObjectIdentifier::new_unwrap("2.5.4.5")),
    ("C", ObjectIdentifier::new_unwrap("2.5.4.6")),
    ("L", ObjectIdentifier::new_unwrap("2.5.4.7")),
    ("ST", ObjectIdentifier::new_unwrap("2.5.4.8")),
    ("STREET", ObjectIdentifier::new_unwrap("2.5.4.9")),
    ("O", ObjectIdentifier::new_unwrap("2.5.4.10")),
    ("OU", ObjectIdentifier::new_unwrap("2.5.4.11")),
    ("title", ObjectIdentifier::new_unwrap("2.5.4.12")),
    ("GN", ObjectIdentifier::new_unwrap("2.5.4.42")),
    ("organizationIdentifier", ObjectIdentifier::new_unwrap("2.5.4.97")),
    ("DC", ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.25")),
    ("UID", ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.1")),
    ("emailAddress", ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1")),
];

pub(super) fn kind_name(contents: &[u8]) -> Cow<'static, str> {
    let known = KINDS.iter().find(|(_, oid)| oid.as_bytes() == contents);
    known.map_or_else(|| oid::dotted(contents).into(), |(name, _)| Cow::Borrowed(*name))
}

/// The encoding of a value that was written as text.
pub(super) fn encode_value(kind: &str, value: &str) -> Option<Any> {
    let printable = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte));
    let tag = match kind {
        "DC" | "emailAddress" if value.is_ascii() => Tag::Ia5String,
        "DC" | "emailAddress" => return None,
        "C" | "serialNumber" if !printable => return None,
        _ if printable => Tag::PrintableString,
        _ => Tag::Utf8String,
    };
    Any::new(tag, value.as_bytes()).ok().filter(|_| !value.is_empty())
}
