//! One attribute of a name: its type, its value, and what the value shows.

use der::Tag;
use der::asn1::Any;

use crate::pki::asn1::oid;

/// One attribute of a name, decoded for display.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Attribute {
    /// The short name of RFC 4514 (`CN`, `OU`, `O` …), otherwise the dotted object identifier.
    pub kind: String,
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
pub(super) const KINDS: &[(&str, &str)] = &[
    ("CN", "2.5.4.3"),
    ("SN", "2.5.4.4"),
    ("serialNumber", "2.5.4.5"),
    ("C", "2.5.4.6"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("title", "2.5.4.12"),
    ("GN", "2.5.4.42"),
    ("organizationIdentifier", "2.5.4.97"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("emailAddress", "1.2.840.113549.1.9.1"),
];

pub(super) fn kind_name(contents: &[u8]) -> String {
    let dotted = oid::dotted(contents);
    KINDS.iter().find(|(_, oid)| *oid == dotted).map_or(dotted, |(name, _)| (*name).to_owned())
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
