//! Certificates, read as tolerantly as tokens and CAs require.

use std::fmt;
use std::time::SystemTime;

use super::key_usage::KeyUsage;
use super::name::Name;
use super::public_key::PublicKey;
use super::serial::Serial;
use super::tlv::{self, BIT_STRING, BOOLEAN, Fields, INTEGER, OCTET_STRING, OID, Read, SEQUENCE, Tlv};
use super::{oid, pem, time};
use crate::error::{Code, Error, Fact, Result};

/// An X.509 certificate: the bytes that came, and what they say.
///
/// Only the outline of RFC 5280 §4.1 is demanded. Serial numbers may be zero or negative, names may be in any
/// encoding, the key may be of any kind; the signature is not looked at (see [`super::check_chain`]).
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    subject: Name,
    issuer: Name,
    serial: Serial,
    not_before: SystemTime,
    not_after: SystemTime,
    public_key: PublicKey,
    extensions: Extensions,
}

/// Certificates are equal when their bytes are.
impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({} of {}, serial {})", self.subject, self.issuer, self.serial)
    }
}

#[derive(Clone, Default)]
struct Extensions {
    is_ca: bool,
    key_usage: Option<KeyUsage>,
    /// The extension's value and its purposes in dotted form.
    purposes: Option<(Vec<u8>, Vec<String>)>,
    /// The whole Extension, for requests, which copy it with its criticality; and its value.
    subject_alt_name: Option<(Vec<u8>, Vec<u8>)>,
}

impl Certificate {
    /// Reads a certificate.
    ///
    /// # Errors
    /// [`Code::CertificateUnreadable`] when the bytes are not one DER certificate and nothing else.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        Tlv::whole(der).and_then(Certificate::from_tlv).map_err(|cause| {
            Error::new(Code::CertificateUnreadable).fact(Fact::Detail, cause).caused_by(cause)
        })
    }

    pub(super) fn from_tlv(certificate: Tlv<'_>) -> Read<Self> {
        let mut outer = certificate.tagged(SEQUENCE)?.fields();
        let mut tbs = outer.expect(SEQUENCE)?.fields();
        outer.expect(SEQUENCE)?;
        outer.expect(BIT_STRING)?;
        outer.end()?;

        tbs.optional(tlv::context(0))?;
        let serial = Serial::from_tlv(tbs.expect(INTEGER)?)?;
        tbs.expect(SEQUENCE)?;
        let issuer = Name::from_tlv(tbs.expect(SEQUENCE)?)?;
        let mut validity = tbs.expect(SEQUENCE)?.fields();
        let not_before = time::read(validity.any()?)?;
        let not_after = time::read(validity.any()?)?;
        let subject = Name::from_tlv(tbs.expect(SEQUENCE)?)?;
        let public_key = PublicKey::from_certificate(tbs.expect(SEQUENCE)?)?;
        let extensions = Extensions::read(&mut tbs)?;
        let der = certificate.raw.to_vec();
        Ok(Certificate { der, subject, issuer, serial, not_before, not_after, public_key, extensions })
    }

    /// The DER as it came.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate in PEM (RFC 7468 §5).
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.der)
    }

    /// Whose certificate it is.
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// The CA that signed it.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// The serial number.
    pub fn serial(&self) -> &Serial {
        &self.serial
    }

    /// The first instant of its validity.
    pub fn not_before(&self) -> SystemTime {
        self.not_before
    }

    /// The last instant of its validity.
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// The key that it certifies.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Whether it is a CA's: basic constraints say so, or cannot be read.
    pub fn is_ca(&self) -> bool {
        self.extensions.is_ca
    }

    /// The key usage, if there is that extension (RFC 5280 §4.2.1.3).
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.extensions.key_usage
    }

    /// The purposes of the extended key usage in dotted form, if there is that extension (RFC 5280 §4.2.1.12).
    pub fn extended_key_usage(&self) -> Option<&[String]> {
        self.extensions.purposes.as_ref().map(|(_, purposes)| purposes.as_slice())
    }

    /// Whether it may be used for TLS client authentication: it names that purpose or any, or names none.
    pub fn allows_client_auth(&self) -> bool {
        let allowed = [oid::CLIENT_AUTH.to_string(), oid::ANY_EXTENDED_KEY_USAGE.to_string()];
        self.extended_key_usage()
            .is_none_or(|purposes| purposes.iter().any(|purpose| allowed.contains(purpose)))
    }

    /// The value of the subject alternative name extension, if there is one: GeneralNames in DER.
    pub fn subject_alt_name_der(&self) -> Option<&[u8]> {
        self.extensions.subject_alt_name.as_ref().map(|(_, value)| value.as_slice())
    }

    /// The whole subject alternative name extension.
    pub(super) fn subject_alt_name_extension(&self) -> Option<&[u8]> {
        self.extensions.subject_alt_name.as_ref().map(|(extension, _)| extension.as_slice())
    }

    /// The value of the extended key usage extension.
    pub(super) fn extended_key_usage_der(&self) -> Option<&[u8]> {
        self.extensions.purposes.as_ref().map(|(value, _)| value.as_slice())
    }
}

impl Extensions {
    /// Reads what is left of the TBSCertificate: unique identifiers and extensions.
    fn read(tbs: &mut Fields<'_>) -> Read<Self> {
        let mut found = Extensions::default();
        for field in tbs {
            let field = field?;
            if field.tag == tlv::context(3) {
                for extension in Tlv::whole(field.value)?.tagged(SEQUENCE)?.fields() {
                    found.add(extension?)?;
                }
            }
        }
        Ok(found)
    }

    fn add(&mut self, extension: Tlv<'_>) -> Read<()> {
        let mut fields = extension.tagged(SEQUENCE)?.fields();
        let id = fields.expect(OID)?.value;
        fields.optional(BOOLEAN)?;
        let value = fields.expect(OCTET_STRING)?.value;
        if id == oid::BASIC_CONSTRAINTS.as_bytes() {
            // What cannot be read is taken for a CA's: it is refused as a leaf and does no harm elsewhere.
            self.is_ca = basic_constraints_ca(value).unwrap_or(true);
        } else if id == oid::KEY_USAGE.as_bytes() {
            self.key_usage = Some(KeyUsage::from_der(value)?);
        } else if id == oid::EXTENDED_KEY_USAGE.as_bytes() {
            self.purposes = Some((value.to_vec(), purposes(value)?));
        } else if id == oid::SUBJECT_ALT_NAME.as_bytes() {
            self.subject_alt_name = Some((extension.raw.to_vec(), value.to_vec()));
        }
        Ok(())
    }
}

fn basic_constraints_ca(value: &[u8]) -> Read<bool> {
    let ca = Tlv::whole(value)?.tagged(SEQUENCE)?.fields().optional(BOOLEAN)?;
    Ok(ca.is_some_and(|ca| ca.value != [0]))
}

fn purposes(value: &[u8]) -> Read<Vec<String>> {
    let list = Tlv::whole(value)?.tagged(SEQUENCE)?.fields();
    list.map(|purpose| Ok(oid::dotted(purpose?.tagged(OID)?.value))).collect()
}

#[cfg(test)]
mod tests;
