//! Names, built part by part with the string type of each part.

use der::asn1::{Any, SetOfVec};
use der::{Decode, Encode, Tag, Tagged};
use spki::ObjectIdentifier;
use x509_cert::Certificate;
use x509_cert::attr::AttributeTypeAndValue;

/// The ASN.1 string type of a part of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// PrintableString.
    Printable,
    /// UTF8String.
    Utf8,
    /// TeletexString, as old CAs used it.
    Teletex,
}

impl Text {
    fn tag(self) -> Tag {
        match self {
            Text::Printable => Tag::PrintableString,
            Text::Utf8 => Tag::Utf8String,
            Text::Teletex => Tag::TeletexString,
        }
    }
}

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const COUNTRY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.6");
const UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");

/// Whether a PrintableString can hold it, X.680 §41.4.
fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte)
}

/// A distinguished name under construction.
#[derive(Clone, Debug, Default)]
pub struct NameDer {
    parts: Vec<SetOfVec<AttributeTypeAndValue>>,
}

impl NameDer {
    /// No part yet.
    pub fn new() -> NameDer {
        NameDer::default()
    }

    /// Adds an organization (O).
    pub fn organization(self, text: Text, value: &str) -> NameDer {
        self.part("2.5.4.10", text, value)
    }

    /// Adds an organizational unit (OU).
    pub fn unit(self, text: Text, value: &str) -> NameDer {
        self.part("2.5.4.11", text, value)
    }

    /// Adds a common name (CN).
    pub fn common(self, text: Text, value: &str) -> NameDer {
        self.part("2.5.4.3", text, value)
    }

    /// Adds a country (C), which is always a PrintableString.
    pub fn country(self, value: &str) -> NameDer {
        self.part("2.5.4.6", Text::Printable, value)
    }

    /// Adds any part.
    pub fn part(mut self, oid: &str, text: Text, value: &str) -> NameDer {
        let oid = ObjectIdentifier::new(oid).expect("an object identifier");
        let value = Any::new(text.tag(), value.as_bytes()).expect("a string");
        let mut part = SetOfVec::new();
        part.insert(AttributeTypeAndValue { oid, value }).expect("one element");
        self.parts.push(part);
        self
    }

    /// The name that stands in a request or a certificate.
    pub(crate) fn from_der(der: &[u8]) -> NameDer {
        NameDer { parts: Vec::from_der(der).expect("a name") }
    }

    /// The same characters, each in the other of UTF8String and PrintableString where that can hold them. A country
    /// is always a PrintableString.
    pub(crate) fn recoded(self) -> NameDer {
        self.map(|part| {
            let text = part.value.value();
            let tag = match part.value.tag() {
                Tag::PrintableString if part.oid != COUNTRY => Tag::Utf8String,
                Tag::Utf8String if text.iter().all(|byte| is_printable(*byte)) => Tag::PrintableString,
                tag => tag,
            };
            Any::new(tag, text).expect("a string")
        })
    }

    /// Another common name, made of the one that is there.
    pub(crate) fn with_common(self, new: impl Fn(&str) -> (Text, String)) -> NameDer {
        self.map(|part| match part.oid == COMMON_NAME {
            true => {
                let (text, value) = new(&String::from_utf8_lossy(part.value.value()));
                Any::new(text.tag(), value.as_bytes()).expect("a string")
            }
            false => part.value.clone(),
        })
    }

    /// Other units, each made of the one that is there; `None` leaves it.
    pub(crate) fn with_units(self, new: impl Fn(&str) -> Option<String>) -> NameDer {
        self.map(|part| {
            let old = String::from_utf8_lossy(part.value.value());
            match new(&old).filter(|_| part.oid == UNIT) {
                Some(value) => Any::new(part.value.tag(), value.as_bytes()).expect("a string"),
                None => part.value.clone(),
            }
        })
    }

    fn map(mut self, value: impl Fn(&AttributeTypeAndValue) -> Any) -> NameDer {
        for part in &mut self.parts {
            let all = part.iter().map(|one| AttributeTypeAndValue { oid: one.oid, value: value(one) });
            *part = SetOfVec::from_iter(all).expect("different parts");
        }
        self
    }

    /// The name in DER.
    pub fn to_der(&self) -> Vec<u8> {
        self.parts.to_der().expect("DER")
    }
}

/// A subject shaped like the ones in the bank's manual: an organization and a unit with numbers in parentheses, a
/// second unit, a common name with spaces; PrintableString and UTF8String side by side, so that whoever encodes
/// it anew changes its bytes.
pub fn manual_subject() -> NameDer {
    NameDer::new()
        .country("JP")
        .organization(Text::Printable, "(9936)NTT DATA CORPORATION")
        .unit(Text::Utf8, "(9936)ANSER-WEB(BizSOL) TEST CA - G4")
        .unit(Text::Printable, "USB TOKEN")
        .common(Text::Printable, "login031 A001 202003041536 3656560435")
}

/// The common name in a certificate (DER).
pub fn common_name(certificate: &[u8]) -> String {
    let certificate = Certificate::from_der(certificate).expect("a certificate");
    let parts =
        certificate.tbs_certificate().subject().iter().filter(|part| part.oid.to_string() == "2.5.4.3");
    let names: Vec<String> =
        parts.map(|part| String::from_utf8_lossy(part.value.value()).into_owned()).collect();
    names.join(" ")
}

/// The serial number in a certificate (DER): lower-case hexadecimal, an even number of digits, no sign byte.
pub fn serial_hex(certificate: &[u8]) -> String {
    let certificate = Certificate::from_der(certificate).expect("a certificate");
    let bytes = certificate.tbs_certificate().serial_number().as_bytes();
    let bytes = if bytes.len() > 1 && bytes[0] == 0 { &bytes[1..] } else { bytes };
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
