//! Certificates, read as tolerantly as tokens and CAs require.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use base16ct::lower::encode_string as hex;
use der::asn1::{BitStringRef, ObjectIdentifier, SequenceRef};
use der::{Decode, DecodeValue, Sequence};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use spki::AlgorithmIdentifierRef;

use super::name::Name;
use crate::error::{Code, Error, Fact, Result};
use crate::pki::asn1::tlv::{Fields, INTEGER, Malformed, Read, SEQUENCE, Tlv};
use crate::pki::asn1::{oid, pem, time};
use crate::pki::key::public::PublicKey;
use crate::pki::key::usage::KeyUsage;

mod extensions;
mod naming;
mod serial;

use self::extensions::Extensions;
pub(crate) use self::naming::{FINGERPRINT, is_named};
pub use self::serial::Serial;

/// An X.509 certificate: the bytes that came, and what they say.
///
/// Only the outline of RFC 5280 §4.1 is demanded. Serial numbers may be zero or negative, names may be in any
/// encoding, the key may be of any kind; the signature is not examined (see [`super::check_chain`]).
///
/// A clone is the same certificate: it costs no copy.
#[derive(Clone)]
pub struct Certificate(Arc<Parts>);

struct Parts {
    der: Arc<[u8]>,
    subject: Name,
    issuer: Name,
    serial: Serial,
    not_before: SystemTime,
    not_after: SystemTime,
    public_key: PublicKey,
    is_version_1: bool,
    extensions: Extensions,
}

/// Certificates are equal when their bytes are.
impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der() == other.der()
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({} of {}, serial {})", self.subject(), self.issuer(), self.serial())
    }
}

/// What a CA signed, and the signature.
pub(in crate::pki) struct Signed<'a> {
    /// TBSCertificate, as it came.
    pub message: &'a [u8],
    /// The algorithm that stands beside the signature.
    pub algorithm: AlgorithmIdentifierRef<'a>,
    /// The bits of the signature.
    pub signature: &'a [u8],
}

impl Certificate {
    /// Without what a card with files of fixed size leaves behind the certificate's end.
    pub(crate) fn without_padding(value: &[u8]) -> &[u8] {
        Fields::of(value).expect(SEQUENCE).map_or(value, |outer| outer.raw)
    }

    /// Whether these bytes end before the length at their beginning says, as when a driver gives half a value.
    pub(crate) fn is_cut_short(der: &[u8]) -> bool {
        !der.is_empty() && matches!(Tlv::whole(der), Err(Malformed::Truncated))
    }

    /// Reads a certificate.
    ///
    /// # Errors
    /// [`Code::CertificateUnreadable`] when the bytes are not one DER certificate and nothing else.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        Certificate::from_shared_der(&Arc::from(der), &mut Issuers::default())
    }

    /// The same of bytes that are held elsewhere too: they are not copied, and neither is the name of an issuer that
    /// another certificate has.
    pub(crate) fn from_shared_der(der: &Arc<[u8]>, issuers: &mut Issuers) -> Result<Self> {
        let parts = Parts::read(der, issuers).map_err(|cause| {
            Error::new(Code::CertificateUnreadable).fact(Fact::Detail, cause).caused_by(cause)
        })?;
        Ok(Certificate(Arc::new(parts)))
    }

    /// The DER as it came, to be held elsewhere too.
    pub(crate) fn shared_der(&self) -> &Arc<[u8]> {
        &self.0.der
    }

    /// The DER as it came.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The certificate in PEM (RFC 7468 §5).
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.0.der)
    }

    /// Whose certificate it is.
    pub fn subject(&self) -> &Name {
        &self.0.subject
    }

    /// Whether both certificates have the same subject, as a set of attributes. A subject without any names no one.
    pub(crate) fn has_same_holder(&self, other: &Certificate) -> bool {
        !self.subject().attributes().is_empty() && self.subject().has_same_attributes(other.subject())
    }

    /// The CA that signed it.
    pub fn issuer(&self) -> &Name {
        &self.0.issuer
    }

    /// Whether both name one CA: the same issuer, and no other key of it. A certificate that names none may be by any.
    pub(crate) fn has_issuer_of(&self, other: &Certificate) -> bool {
        let keys = self.authority_key_id().zip(other.authority_key_id());
        self.issuer().matches(other.issuer()) && keys.is_none_or(|(one, other)| one == other)
    }

    /// SHA-1 over the DER: what Windows calls the thumbprint. It names a certificate and proves nothing.
    pub fn thumbprint(&self) -> [u8; 20] {
        Sha1::digest(&self.0.der).into()
    }

    /// SHA-256 over the DER: the fingerprint, which is no other certificate's.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(&self.0.der).into()
    }

    /// The serial number.
    pub fn serial(&self) -> &Serial {
        &self.0.serial
    }

    /// The first instant of its validity.
    pub fn not_before(&self) -> SystemTime {
        self.0.not_before
    }

    /// The last instant of its validity.
    pub fn not_after(&self) -> SystemTime {
        self.0.not_after
    }

    /// The key that it certifies.
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public_key
    }

    /// What the CA signed; `None` when the signature is no whole number of bytes.
    pub(in crate::pki) fn signed(&self) -> Option<Signed<'_>> {
        let mut fields = Tlv::whole(&self.0.der).and_then(|all| all.tagged(SEQUENCE)).ok()?.fields();
        let message = fields.any().ok()?.raw;
        let algorithm = AlgorithmIdentifierRef::from_der(fields.any().ok()?.raw).ok()?;
        let signature = BitStringRef::from_der(fields.any().ok()?.raw).ok()?.as_bytes()?;
        Some(Signed { message, algorithm, signature })
    }

    /// The extensions that cannot be read, by name or in dotted form: what they say counts as not said.
    pub fn unreadable_extensions(&self) -> &[String] {
        &self.0.extensions.unreadable
    }

    /// The critical extensions that are not known here, by name or in dotted form: whoever checks a chain by RFC 5280
    /// §4.2 refuses a certificate that has one.
    pub(crate) fn unknown_critical_extensions(&self) -> &[String] {
        &self.0.extensions.unknown_critical
    }

    /// The extensions that are there more than once, which RFC 5280 §4.2 forbids.
    pub(crate) fn repeated_extensions(&self) -> Vec<&str> {
        self.0.extensions.repeated.iter().map(String::as_str).collect()
    }

    /// Whether it may be that of a CA: it says so, or names itself as its issuer.
    pub(crate) fn is_authority(&self) -> bool {
        self.is_ca() || self.subject() == self.issuer()
    }

    /// Whether it is a CA's: basic constraints say so (RFC 5280 §4.2.1.9).
    pub fn is_ca(&self) -> bool {
        self.0.extensions.is_ca
    }

    /// Whether it can be a CA's: basic constraints say so; or there are none, and it is of version 1, which has no
    /// extensions, or its key usage allows signing certificates.
    pub(in crate::pki) fn may_be_a_ca(&self) -> bool {
        let says_nothing = !self.0.extensions.has_basic_constraints;
        let signs = self.key_usage().is_some_and(KeyUsage::key_cert_sign);
        self.is_ca() || says_nothing && (self.0.is_version_1 || signs)
    }

    /// Whether its key usage, if there is one, lets its key sign certificates (RFC 5280 §4.2.1.3).
    pub(crate) fn may_sign_certificates(&self) -> bool {
        self.key_usage().is_none_or(KeyUsage::key_cert_sign)
    }

    /// Whether netscape-cert-type is there and does not say SSL client, from before there were extended key usages.
    pub(in crate::pki) fn is_of_another_netscape_type(&self) -> bool {
        self.0.extensions.netscape_type.is_some_and(|bits| bits & NETSCAPE_SSL_CLIENT == 0)
    }

    /// The key usage, if there is that extension (RFC 5280 §4.2.1.3).
    pub(crate) fn key_usage(&self) -> Option<KeyUsage> {
        self.0.extensions.key_usage
    }

    /// The purposes of the extended key usage in dotted form, if there is that extension (RFC 5280 §4.2.1.12).
    pub(crate) fn extended_key_usage(&self) -> Option<&[String]> {
        self.0.extensions.purposes.as_ref().map(|(_, purposes)| &**purposes)
    }

    /// Whether it may be used for TLS client authentication: it names that purpose or any, or there is no such
    /// extension.
    pub(crate) fn allows_client_auth(&self) -> bool {
        self.names_purpose(oid::CLIENT_AUTH).unwrap_or(true) || self.allows_client_auth_only_as_any()
    }

    /// Whether client authentication is allowed only by anyExtendedKeyUsage: RFC 5280 §4.2.1.12 leaves it to the server
    /// whether it takes that.
    pub(crate) fn allows_client_auth_only_as_any(&self) -> bool {
        self.names_purpose(oid::CLIENT_AUTH) == Some(false)
            && self.names_purpose(oid::ANY_EXTENDED_KEY_USAGE) == Some(true)
    }

    /// Whether the extension names this purpose; `None` without the extension.
    fn names_purpose(&self, purpose: ObjectIdentifier) -> Option<bool> {
        let purpose = purpose.to_string();
        self.extended_key_usage().map(|purposes| purposes.contains(&purpose))
    }

    /// The whole subject alternative name extension.
    pub(super) fn subject_alt_name_extension(&self) -> Option<&[u8]> {
        self.0.extensions.subject_alt_name.as_deref()
    }

    /// The subject key identifier (RFC 5280 §4.2.1.2), if there is one that can be read.
    pub(in crate::pki) fn subject_key_id(&self) -> Option<&[u8]> {
        self.0.extensions.subject_key_id.as_deref()
    }

    /// The issuer with the identifier of its key, where the certificate names one: two CAs may have one name.
    pub(crate) fn issuer_and_key(&self) -> String {
        match self.authority_key_id() {
            Some(key) => format!("{} (key {})", self.issuer(), hex(key)),
            None => self.issuer().to_string(),
        }
    }

    /// The key identifier of the CA's key (RFC 5280 §4.2.1.1), if there is one that can be read.
    pub(crate) fn authority_key_id(&self) -> Option<&[u8]> {
        self.0.extensions.authority_key_id.as_deref()
    }

    /// The value of the extended key usage extension.
    pub(super) fn extended_key_usage_der(&self) -> Option<&[u8]> {
        self.0.extensions.purposes.as_ref().map(|(value, _)| value.as_slice())
    }
}

/// The names of issuers, each once: thousands of certificates may come from one CA.
#[derive(Default)]
pub(crate) struct Issuers(HashMap<Box<[u8]>, Name>);

impl Issuers {
    fn name(&mut self, name: Tlv<'_>) -> Read<Name> {
        if let Some(known) = self.0.get(name.raw) {
            return Ok(known.clone());
        }
        let read = Name::from_tlv(name)?;
        self.0.insert(name.raw.into(), read.clone());
        Ok(read)
    }
}

impl Parts {
    fn read(der: &Arc<[u8]>, issuers: &mut Issuers) -> Read<Self> {
        let tbs = Outline::from_der(der)?.tbs;
        Ok(Parts {
            der: Arc::clone(der),
            subject: Name::from_tlv(tbs.subject)?,
            issuer: issuers.name(tbs.issuer)?,
            serial: Serial::from_tlv(tbs.serial)?,
            not_before: time::read(tbs.validity.not_before)?,
            not_after: time::read(tbs.validity.not_after)?,
            public_key: PublicKey::from_certificate(tbs.public_key)?,
            is_version_1: tbs.version.is_none_or(|version| version.value == VERSION_1),
            extensions: tbs.extensions.map(Extensions::read).unwrap_or_default(),
        })
    }
}

/// Certificate (RFC 5280 §4.1). `x509_cert` has it too, but without the bytes of the names, and it refuses what
/// tokens hold: strings of other types in names, times before 1970, TRUE in BER, extensions whose identifiers
/// have numbers above 32 bits, and (in its usual profile) serial numbers above 21 bytes.
#[derive(DecodeValue)]
struct Outline<'a> {
    tbs: TbsCertificate<'a>,
    _algorithm: &'a SequenceRef,
    _signature: BitStringRef<'a>,
}

#[derive(DecodeValue)]
struct TbsCertificate<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    version: Option<Tlv<'a>>,
    serial: Tlv<'a>,
    _algorithm: &'a SequenceRef,
    issuer: Tlv<'a>,
    validity: Validity<'a>,
    subject: Tlv<'a>,
    public_key: Tlv<'a>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    _issuer_id: Option<BitStringRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT", optional = "true")]
    _subject_id: Option<BitStringRef<'a>>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Tlv<'a>>,
}

#[derive(DecodeValue)]
struct Validity<'a> {
    not_before: Tlv<'a>,
    not_after: Tlv<'a>,
}

impl<'a> Sequence<'a> for Outline<'a> {}
impl<'a> Sequence<'a> for TbsCertificate<'a> {}
impl<'a> Sequence<'a> for Validity<'a> {}

/// Version v1 (0) as an INTEGER, which DER leaves out.
const VERSION_1: &[u8] = &[INTEGER, 1, 0];

/// The first bit of netscape-cert-type.
const NETSCAPE_SSL_CLIENT: u8 = 0x80;

#[cfg(test)]
mod tests;
