//! Certificate requests, PKCS#10 (RFC 2986).

use der::asn1::{Any, BitStringRef, ObjectIdentifier, OctetString, SetOfVec};
use der::{Decode, Encode, Sequence};
use spki::AlgorithmIdentifierRef;
use x509_cert::attr::{Attribute, Attributes};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::ExtendedKeyUsage;

use crate::error::{Code, Error, Fact, Result};
use crate::pki::asn1::tlv::{Read, Tlv};
use crate::pki::asn1::{oid, pem};
use crate::pki::certificate::Certificate;
use crate::pki::key::kind::{KeyAlgorithm, SignatureAlgorithm};
use crate::pki::key::public::PublicKey;
use crate::pki::key::usage::KeyUsage;
use crate::pki::name::Name;

/// What a request will say, but for its key. It is encoded before there is one, so that what cannot be encoded leaves no key
/// behind.
#[derive(Clone, Debug)]
pub(crate) struct RequestDraft {
    subject: Name,
    attributes: Vec<Attribute>,
}

impl RequestDraft {
    /// The renewal of a certificate with a key of this algorithm: its subject byte for byte, and an extensionRequest with
    /// its key usage, extended key usage and subject alternative name. Signing and client authentication are added
    /// where the old certificate did not say them.
    ///
    /// # Errors
    /// [`Code::BadArgument`] when what the old certificate says cannot be encoded.
    pub(crate) fn for_renewal(old: &Certificate, key: &KeyAlgorithm) -> Result<Self> {
        Self::new(old.subject(), [renewal_extensions(old, key)])
    }

    /// The same with the attribute RenewalCertificate, which carries the old certificate: what
    /// [`crate::pki::RenewalInfo`] signs with the old key (MS-WCCE §3.1.1.4.3.2.1).
    ///
    /// # Errors
    /// As [`RequestDraft::for_renewal`].
    pub(crate) fn for_renewal_by_old_key(old: &Certificate, key: &KeyAlgorithm) -> Result<Self> {
        Self::new(old.subject(), [renewal_extensions(old, key), renewal_certificate(old)])
    }

    /// The first request for a subject: to sign, for client authentication.
    ///
    /// # Errors
    /// [`Code::BadArgument`] when it cannot be encoded.
    pub(crate) fn first(subject: &Name) -> Result<Self> {
        Self::new(subject, [first_extensions()])
    }

    /// The same with this name.
    pub(crate) fn named(self, name: &Name) -> Self {
        RequestDraft { subject: name.clone(), ..self }
    }

    fn new(subject: &Name, attributes: impl IntoIterator<Item = der::Result<Attribute>>) -> Result<Self> {
        let attributes: der::Result<Vec<Attribute>> = attributes.into_iter().collect();
        Ok(RequestDraft { subject: subject.clone(), attributes: attributes.map_err(unencodable)? })
    }

    /// What the key has to sign.
    ///
    /// # Errors
    /// [`Code::BadArgument`] when it cannot be encoded.
    pub(crate) fn with_key(&self, key: &PublicKey) -> Result<RequestInfo> {
        let encoded = || {
            let attributes = Some(SetOfVec::try_from(self.attributes.clone())?);
            let (subject, public_key) = (Tlv::from_der(self.subject.der())?, Tlv::from_der(key.spki_der())?);
            CertificationRequestInfo { version: 0, subject, public_key, attributes }.to_der()
        };
        let der = encoded().map_err(unencodable)?;
        Ok(RequestInfo { der, subject: self.subject.clone(), public_key: key.clone() })
    }
}

fn unencodable(cause: der::Error) -> Error {
    Error::new(Code::BadArgument).fact(Fact::Detail, format_args!("PKCS#10: {cause}")).caused_by(cause)
}

/// What a request says, before it is signed: the DER of CertificationRequestInfo.
#[derive(Clone, Debug)]
pub(crate) struct RequestInfo {
    der: Vec<u8>,
    subject: Name,
    public_key: PublicKey,
}

impl RequestInfo {
    /// The bytes that the new key must sign.
    pub(crate) fn to_be_signed(&self) -> &[u8] {
        &self.der
    }

    /// Puts the signature to it, which was verified when it was made.
    ///
    /// # Errors
    /// [`Code::BadArgument`] when it cannot be encoded.
    pub(crate) fn assemble(&self, algorithm: SignatureAlgorithm, signature: &[u8]) -> Result<Request> {
        let encoded = Tlv::from_der(&self.der).and_then(|info| {
            let signature = BitStringRef::from_bytes(signature)?;
            CertificationRequest { info, algorithm: algorithm.identifier(), signature }.to_der()
        });
        let der = encoded.map_err(|cause| Error::new(Code::BadArgument).caused_by(cause))?;
        Ok(Request { der, subject: self.subject.clone(), public_key: self.public_key.clone() })
    }
}

/// CertificationRequest (RFC 2986 §4.2). `x509_cert` has the same, but would encode the subject anew.
#[derive(Sequence)]
struct CertificationRequest<'a> {
    info: Tlv<'a>,
    algorithm: AlgorithmIdentifierRef<'a>,
    signature: BitStringRef<'a>,
}

/// CertificationRequestInfo (RFC 2986 §4.1). The version is 0, but some programs write another, and leave out
/// attributes that are empty.
#[derive(Sequence)]
struct CertificationRequestInfo<'a> {
    version: u8,
    subject: Tlv<'a>,
    public_key: Tlv<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    attributes: Option<Attributes>,
}

/// A signed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    der: Vec<u8>,
    subject: Name,
    public_key: PublicKey,
}

impl Request {
    /// Reads a request. Its signature is not verified.
    ///
    /// # Errors
    /// [`Code::BadArgument`] when the bytes are not one DER request and nothing else.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        Request::read(der).map_err(|cause| {
            Error::new(Code::BadArgument)
                .fact(Fact::Detail, format_args!("PKCS#10: {cause}"))
                .caused_by(cause)
        })
    }

    pub(in crate::pki) fn read(der: &[u8]) -> Read<Self> {
        let info: CertificationRequestInfo<'_> =
            CertificationRequestInfo::from_der(CertificationRequest::from_der(der)?.info.raw)?;
        let subject = Name::from_tlv(info.subject)?;
        let public_key = PublicKey::from_certificate(info.public_key)?;
        Ok(Request { der: der.to_vec(), subject, public_key })
    }

    /// The request in DER.
    pub fn to_der(&self) -> &[u8] {
        &self.der
    }

    /// The request in PEM (RFC 7468 §7).
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE REQUEST", &self.der)
    }

    /// The key that is to be certified.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Whom the certificate is asked for.
    pub fn subject(&self) -> &Name {
        &self.subject
    }
}

fn first_extensions() -> der::Result<Attribute> {
    extension_request(vec![key_usage(KeyUsage::SIGN)?, extended_key_usage(client_auth()?)?])
}

fn renewal_extensions(old: &Certificate, key: &KeyAlgorithm) -> der::Result<Attribute> {
    let usage = match (old.key_usage(), key) {
        (None, _) => KeyUsage::SIGN,
        (Some(usage), KeyAlgorithm::Rsa { .. }) => usage.for_signing(),
        // The old key may have been an RSA key, which could encipher; this one cannot.
        (Some(usage), _) => usage.for_signing_only(),
    };
    let purposes = match old.extended_key_usage_der() {
        Some(purposes) if old.allows_client_auth() => purposes.to_vec(),
        _ => client_auth()?,
    };
    let mut extensions = vec![key_usage(usage)?, extended_key_usage(purposes)?];
    if let Some(names) = old.subject_alt_name_extension() {
        extensions.push(Any::from_der(names)?);
    }
    extension_request(extensions)
}

fn extension_request(extensions: Vec<Any>) -> der::Result<Attribute> {
    attribute(oid::EXTENSION_REQUEST, Any::encode_from(&extensions)?)
}

/// The attribute RenewalCertificate (MS-WCCE §2.2.2.7.3).
pub(super) fn renewal_certificate(old: &Certificate) -> der::Result<Attribute> {
    attribute(oid::RENEWAL_CERTIFICATE, Any::from_der(old.der())?)
}

/// An Attribute with one value (RFC 2986 §4.1).
pub(super) fn attribute(oid: ObjectIdentifier, value: Any) -> der::Result<Attribute> {
    Ok(Attribute { oid, values: SetOfVec::try_from(vec![value])? })
}

/// Critical, as RFC 5280 §4.2.1.3 asks for.
fn key_usage(usage: KeyUsage) -> der::Result<Any> {
    extension(oid::KEY_USAGE, true, usage.to_der()?)
}

fn extended_key_usage(purposes: Vec<u8>) -> der::Result<Any> {
    extension(oid::EXTENDED_KEY_USAGE, false, purposes)
}

fn extension(extn_id: ObjectIdentifier, critical: bool, value: Vec<u8>) -> der::Result<Any> {
    Any::encode_from(&Extension { extn_id, critical, extn_value: OctetString::new(value)? })
}

fn client_auth() -> der::Result<Vec<u8>> {
    ExtendedKeyUsage(vec![oid::CLIENT_AUTH]).to_der()
}

#[cfg(test)]
mod tests;
