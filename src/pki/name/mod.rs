//! Distinguished names, kept as the bytes that came.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::error::{Code, Error, Fact};
use crate::pki::asn1::tlv::{OID, Read, SEQUENCE, SET, Tlv};

mod attribute;
mod bounds;
mod parse;
mod rule;
pub(in crate::pki) mod text;

use attribute::kind_name;
pub use attribute::{Attribute, ValueForm};
pub use rule::SubjectRule;

/// A distinguished name (RFC 5280 §4.1.2.4): the DER as it came, and its attributes for people to read.
///
/// Names are equal when their bytes are. `Display` is RFC 4514: the last attribute of the certificate first,
/// and it can be read back with `FromStr` unless a value is of a type without a name in X.680. A clone costs no copy.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name {
    der: Arc<[u8]>,
    attributes: Arc<[Attribute]>,
}

impl Name {
    /// Reads a Name in DER.
    ///
    /// # Errors
    /// [`Code::CertificateUnreadable`] when the bytes are no Name.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        Tlv::whole(der)
            .and_then(Name::from_tlv)
            .map_err(|cause| Error::new(Code::CertificateUnreadable).caused_by(cause))
    }

    pub(super) fn from_tlv(name: Tlv<'_>) -> Read<Self> {
        let mut attributes = Vec::new();
        for rdn in name.tagged(SEQUENCE)?.fields() {
            for (at, attribute) in rdn?.tagged(SET)?.fields().enumerate() {
                let mut fields = attribute?.tagged(SEQUENCE)?.fields();
                let kind = kind_name(fields.expect(OID)?.value);
                let (value, form) = text::decode(fields.any()?);
                fields.end()?;
                attributes.push(Attribute { kind, value, form, joined: at > 0 });
            }
        }
        Ok(Name { der: name.raw.into(), attributes: attributes.into() })
    }

    /// The DER as it came.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The attributes in the order of the certificate.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// The last common name: the most specific one where there are several.
    pub fn common_name(&self) -> Option<&str> {
        self.values("CN").last()
    }

    /// Whether there is any attribute but a common name.
    pub(crate) fn says_more_than_a_common_name(&self) -> bool {
        self.attributes.iter().any(|attribute| attribute.kind != "CN")
    }

    /// Whether a value is a guess ([`ValueForm::Guess`]).
    pub fn is_guess(&self) -> bool {
        self.attributes.iter().any(|attribute| attribute.form == ValueForm::Guess)
    }

    /// Every value of attributes of this kind, in the order of the certificate: `O`, `OU` ([`Attribute::kind`]).
    pub fn values(&self, kind: &str) -> impl Iterator<Item = &str> {
        self.attributes.iter().filter(move |attribute| attribute.kind == kind).map(|one| one.value.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut end = self.attributes.len();
        while end > 0 {
            // An attribute that is joined is not the start of its RelativeDistinguishedName.
            let start = self.attributes[..end].iter().rposition(|attribute| !attribute.joined).unwrap_or(0);
            if end < self.attributes.len() {
                f.write_str(",")?;
            }
            for attribute in &self.attributes[start..end] {
                let plus = if attribute.joined { "+" } else { "" };
                write!(f, "{plus}{}=", attribute.kind)?;
                match attribute.form {
                    ValueForm::Hexadecimal => f.write_str(&attribute.value)?,
                    ValueForm::Text | ValueForm::Guess => write!(f, "{}", text::Escaped(&attribute.value))?,
                }
            }
            end = start;
        }
        Ok(())
    }
}

/// Reads `CN=…,OU=…,O=…` (RFC 4514): the last attribute of the certificate first. Blanks around the separators
/// are left out. Values are encoded as PrintableString where they can be, otherwise as UTF8String (RFC 5280
/// §4.1.2.4); domain components and mail addresses as IA5String.
impl FromStr for Name {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse::parse(text).and_then(|der| Name::from_der(&der).ok()).ok_or_else(|| {
            Error::new(Code::BadSubject).fact(Fact::Found, text.chars().take(200).collect::<String>())
        })
    }
}

#[cfg(test)]
mod tests;
