//! Names, built part by part with the string type of each part.

use der::asn1::{Any, SetOfVec};
use der::{Decode, Encode, Tag};
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
        let tag = match text {
            Text::Printable => Tag::PrintableString,
            Text::Utf8 => Tag::Utf8String,
            Text::Teletex => Tag::TeletexString,
        };
        let oid = ObjectIdentifier::new(oid).expect("an object identifier");
        let value = Any::new(tag, value.as_bytes()).expect("a string");
        let mut part = SetOfVec::new();
        part.insert(AttributeTypeAndValue { oid, value }).expect("one element");
        self.parts.push(part);
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
