//! The binary forms of a response: ASN.1, recognised by what it is and never by a label.

use super::form::ResponseForm;
use super::skipped::{Skipped, Unusable};
use crate::pki::asn1::tlv::{
    BIT_STRING, Fields, GENERALIZED_TIME, INTEGER, Malformed, OCTET_STRING, OID, Read, SEQUENCE, SET, Tlv,
    UTC_TIME, context,
};
use crate::pki::asn1::{ber, oid};
use crate::pki::certificate::Certificate;
use crate::pki::request::pkcs10::Request;

mod cmc;
mod scep;

/// What one element held.
#[derive(Default)]
pub(super) struct Element {
    pub certificates: Vec<Certificate>,
    /// In what they came.
    pub form: Option<ResponseForm>,
    pub skipped: Vec<Skipped>,
    /// What was signed in a message: it may be a mail, or a response in its turn.
    pub inner: Vec<Vec<u8>>,
    /// How many bytes the element took.
    pub taken: usize,
}

impl Element {
    /// Whether it is something that CAs and people send, and no text that begins alike.
    pub(super) fn is_known(&self) -> bool {
        let is_known = |skipped: &Skipped| !matches!(skipped.what, Unusable::CutOff | Unusable::Other(_));
        !self.certificates.is_empty() || !self.inner.is_empty() || self.skipped.iter().any(is_known)
    }

    /// Whether it came through unharmed, as far as can be seen.
    pub(super) fn is_whole(&self) -> bool {
        !self.skipped.iter().any(|skipped| skipped.is_loss() || matches!(skipped.what, Unusable::Other(_)))
    }
}

/// Reads the element at the beginning of `bytes`, BER or DER.
pub(super) fn read(bytes: &[u8]) -> Element {
    let (mut element, taken) = match (Fields::of(bytes).any(), ber::to_der(bytes)) {
        (Ok(element), Ok((der, _))) if der == element.raw => (of(element), element.raw.len()),
        (_, Ok((der, taken))) => (Tlv::whole(&der).map_or_else(|cause| malformed(bytes, cause), of), taken),
        // Something inside is nothing that could be rewritten; the frame is DER all the same.
        (Ok(element), Err(_)) => (of(element), element.raw.len()),
        // Only here, where the frame itself is cut off, is the response truncated.
        (Err(_), Err(cause)) => (malformed(bytes, cause), bytes.len()),
    };
    element.taken = taken;
    element
}

fn malformed(bytes: &[u8], cause: Malformed) -> Element {
    skipped(match cause {
        Malformed::Truncated => Skipped::new(Unusable::CutOff, bytes),
        Malformed::Unexpected => Skipped::new(other("ASN.1"), bytes),
    })
}

fn skipped(skipped: Skipped) -> Element {
    Element { skipped: vec![skipped], ..Element::default() }
}

fn other(kind: impl Into<String>) -> Unusable {
    Unusable::Other(kind.into())
}

fn of(element: Tlv<'_>) -> Element {
    let mut fields = element.fields();
    let Ok(first) = fields.any() else { return skipped(Skipped::new(other("ASN.1"), element.raw)) };
    let what = match first.tag {
        OID => return content_info(first.value, element, fields),
        SEQUENCE if is_certificate(first) => return certificate(element),
        SEQUENCE => of_sequence(first, fields, element),
        INTEGER => of_integer(first, fields),
        _ => other("ASN.1"),
    };
    skipped(Skipped::new(what, element.raw))
}

fn certificate(element: Tlv<'_>) -> Element {
    match Certificate::from_der(element.raw) {
        Ok(certificate) => Element {
            certificates: vec![certificate],
            form: Some(ResponseForm::Certificate),
            ..Element::default()
        },
        Err(_) => skipped(Skipped::new(Unusable::Certificate, element.raw)),
    }
}

/// Whether a TBSCertificate begins so: there is a version in `[0]`, or, in version 1, a serial number, an
/// AlgorithmIdentifier, the issuer and the validity. A request has its subject second, a list of revoked
/// certificates a time fourth.
fn is_certificate(tbs: Tlv<'_>) -> bool {
    let mut fields = tbs.fields();
    if fields.optional(context(0)).ok().flatten().is_some() {
        return true;
    }
    let mut serial_to_validity = || -> Read<bool> {
        fields.expect(INTEGER)?;
        let is_algorithm = fields.expect(SEQUENCE)?.fields().expect(OID).is_ok();
        fields.expect(SEQUENCE)?;
        fields.expect(SEQUENCE)?;
        Ok(is_algorithm)
    };
    serial_to_validity().unwrap_or(false)
}

/// What begins with a SEQUENCE and is no certificate.
fn of_sequence(first: Tlv<'_>, mut rest: Fields<'_>, element: Tlv<'_>) -> Unusable {
    if is_revocation_list(first) {
        return Unusable::Crl;
    }
    if Request::read(element.raw).is_ok() {
        return Unusable::Request;
    }
    let is_algorithm = first.fields().expect(OID).is_ok();
    match rest.any().map(|second| second.tag) {
        Ok(BIT_STRING) if is_algorithm => Unusable::PublicKey("SubjectPublicKeyInfo"),
        // EncryptedPrivateKeyInfo (RFC 5958 §3).
        Ok(OCTET_STRING) if is_algorithm => Unusable::PrivateKey("PKCS#8"),
        _ => other("ASN.1"),
    }
}

/// TBSCertList (RFC 5280 §5.1): version if any, algorithm, issuer, thisUpdate.
fn is_revocation_list(tbs: Tlv<'_>) -> bool {
    let mut fields = tbs.fields();
    let is_time = |field: Tlv<'_>| matches!(field.tag, UTC_TIME | GENERALIZED_TIME);
    fields.optional(INTEGER).is_ok()
        && fields.expect(SEQUENCE).is_ok()
        && fields.expect(SEQUENCE).is_ok()
        && fields.any().is_ok_and(is_time)
}

/// What begins with a version: PFX, and the forms of private keys.
fn of_integer(version: Tlv<'_>, mut rest: Fields<'_>) -> Unusable {
    let (second, third) = (rest.any(), rest.any());
    let begins_with_oid = |field: Tlv<'_>| field.fields().expect(OID).is_ok();
    match (version.value, second, third.map(|third| third.tag)) {
        // PFX ::= SEQUENCE { version INTEGER {v3(3)}, authSafe ContentInfo, ... } (RFC 7292 §4)
        ([3], Ok(second), _) if second.tag == SEQUENCE && begins_with_oid(second) => Unusable::Pfx,
        // OneAsymmetricKey (RFC 5958 §2), ECPrivateKey (RFC 5915 §3), RSAPrivateKey (RFC 8017 §A.1.2).
        ([0 | 1], Ok(second), Ok(OCTET_STRING)) if second.tag == SEQUENCE => Unusable::PrivateKey("PKCS#8"),
        ([1], Ok(second), _) if second.tag == OCTET_STRING => Unusable::PrivateKey("EC"),
        ([0 | 1], Ok(second), Ok(INTEGER)) if second.tag == INTEGER => Unusable::PrivateKey("PKCS#1"),
        (_, Ok(second), Err(_)) if second.tag == INTEGER => Unusable::PublicKey("PKCS#1"),
        _ => other("ASN.1"),
    }
}

/// ContentInfo (RFC 5652 §3).
fn content_info(kind: &[u8], element: Tlv<'_>, mut rest: Fields<'_>) -> Element {
    let content = rest.expect(context(0)).and_then(|explicit| explicit.fields().any());
    let encrypted = [oid::ID_ENVELOPED_DATA, oid::ID_ENCRYPTED_DATA, oid::ID_AUTH_ENVELOPED_DATA];
    if encrypted.iter().any(|encrypted| encrypted.as_bytes() == kind) {
        return skipped(Skipped::new(Unusable::Encrypted("S/MIME"), element.raw));
    }
    let unreadable = || skipped(Skipped::new(other(oid::dotted(kind)), element.raw));
    match content {
        Ok(data) if kind == oid::ID_SIGNED_DATA.as_bytes() => {
            signed_data(data, element).unwrap_or_else(|_| unreadable())
        }
        Ok(data) if kind == oid::ID_DATA.as_bytes() => {
            Element { inner: vec![data.value.to_vec()], ..Element::default() }
        }
        // Netscape's certificate sequence, which openssl still writes.
        Ok(list) if kind == oid::NETSCAPE_CERT_SEQUENCE.as_bytes() => {
            Element { form: Some(ResponseForm::Pkcs7), ..certificates(list) }
        }
        _ => unreadable(),
    }
}

/// SignedData (RFC 5652 §5.1), as far as a response needs it. Its signature is not what makes a certificate good:
/// that is the CA's signature on the certificate.
///
/// That of `cms` decodes every certificate in `x509_cert`'s strict types: one odd certificate of the chain would
/// make the response unreadable, and the bytes of the others would be lost.
fn signed_data(data: Tlv<'_>, message: Tlv<'_>) -> Read<Element> {
    let mut fields = data.tagged(SEQUENCE)?.fields();
    fields.expect(INTEGER)?;
    fields.expect(SET)?;
    let mut encapsulated = fields.expect(SEQUENCE)?.fields();
    let content_type = encapsulated.expect(OID)?.value;
    let content = encapsulated.optional(context(0))?.and_then(|explicit| explicit.fields().any().ok());
    let is_cmc = content_type == oid::PKI_RESPONSE.as_bytes();
    let form = if is_cmc { ResponseForm::Cmc } else { ResponseForm::Pkcs7 };
    let mut found = Element { form: Some(form), ..Element::default() };
    for field in fields {
        let field = field?;
        match field.tag {
            CERTIFICATES => found.add(certificates(field)),
            CRLS => {
                found.skipped.extend(field.fields().flatten().map(|crl| Skipped::new(Unusable::Crl, crl.raw)))
            }
            SET => {
                if let Some(cert_rep) = scep::cert_rep(field, message.raw) {
                    return Ok(skipped(cert_rep));
                }
            }
            _ => {}
        }
    }
    // PKCS#7 allows any type as content (RFC 5652 §5.2.1), CMS an OCTET STRING.
    let content =
        content.map(|content| if content.tag == OCTET_STRING { content.value } else { content.raw });
    if is_cmc {
        match cmc::not_success(content.unwrap_or_default()) {
            Ok(None) => {}
            Ok(Some(status)) => return Ok(skipped(status)),
            Err(_) => found.skipped.push(Skipped::new(other("CMC"), message.raw)),
        }
    } else {
        found.inner.extend(content.map(<[u8]>::to_vec));
    }
    if found.certificates.is_empty() {
        found.skipped.push(Skipped::new(Unusable::NoCertificate, message.raw));
    }
    Ok(found)
}

const CERTIFICATES: u8 = context(0);
const CRLS: u8 = context(1);

/// Attribute certificates and the like are tagged (RFC 5652 §10.2.2) and passed over.
fn certificates(list: Tlv<'_>) -> Element {
    let mut found = Element::default();
    for choice in list.fields() {
        match choice {
            Ok(choice) if choice.tag == SEQUENCE => found.add(certificate(choice)),
            Ok(_) => {}
            Err(_) => found.skipped.push(Skipped::new(Unusable::Certificate, list.raw)),
        }
    }
    found
}

impl Element {
    fn add(&mut self, other: Element) {
        self.certificates.extend(other.certificates);
        self.skipped.extend(other.skipped);
    }
}
