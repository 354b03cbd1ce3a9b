//! The binary forms of an answer.

use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::EncapsulatedContentInfo;
use der::{Decode, Encode, Sequence, Tag, Tagged};

use super::{MAX_CERTIFICATES, cmc};
use crate::error::{Code, Error, Fact, Result};
use crate::pki::asn1::tlv::{self, Fields, INTEGER, Malformed, OID, SEQUENCE, SET, Tlv};
use crate::pki::asn1::{ber, oid};
use crate::pki::certificate::Certificate;
use crate::pki::request::pkcs10::Request;

/// What the parts of an answer held.
#[derive(Default)]
pub(super) struct Found {
    certificates: Vec<Certificate>,
    request: bool,
    message: bool,
    /// The content type of something else that was proper ASN.1.
    other: Option<String>,
}

impl Found {
    fn add(&mut self, der: Tlv<'_>) -> Result<()> {
        if self.certificates.len() >= MAX_CERTIFICATES {
            return Err(Error::new(Code::AnswerTooLarge).fact(Fact::Limit, MAX_CERTIFICATES));
        }
        let certificate = Certificate::from_der(der.raw)?;
        if !self.certificates.contains(&certificate) {
            self.certificates.push(certificate);
        }
        Ok(())
    }

    /// The certificates; without any, the error that says what was there instead.
    pub fn into_certificates(self) -> Result<Vec<Certificate>> {
        match self {
            Found { certificates, .. } if !certificates.is_empty() => Ok(certificates),
            Found { message: true, .. } => Err(Error::new(Code::AnswerNoCertificate)),
            Found { request: true, .. } => Err(Error::new(Code::AnswerIsRequest)),
            Found { other: Some(other), .. } => {
                Err(Error::new(Code::AnswerUnreadable).fact(Fact::Found, other))
            }
            Found { other: None, .. } => Err(Error::new(Code::AnswerUnreadable)),
        }
    }
}

/// Reads ASN.1 elements one after another; blanks behind the last are passed over.
pub(super) fn read(bytes: &[u8], found: &mut Found) -> Result<()> {
    let mut rest = bytes;
    for _ in 0..=MAX_CERTIFICATES {
        if rest.first() != Some(&SEQUENCE) {
            return Err(Error::new(Code::AnswerUnreadable));
        }
        let taken = match (Fields::of(rest).any(), ber::to_der(rest)) {
            (Ok(element), Ok((der, _))) if der == element.raw => read_as_is(element, found)?,
            (_, Ok((der, taken))) => {
                read_element(Tlv::whole(&der).map_err(malformed)?, found)?;
                taken
            }
            // Something inside is nothing that could be rewritten; the frame is DER all the same.
            (Ok(element), Err(_)) => read_as_is(element, found)?,
            // Only here, where the frame itself is cut off, is the answer truncated.
            (Err(_), Err(Malformed::Truncated)) => return Err(Error::new(Code::AnswerTruncated)),
            (Err(_), Err(cause)) => return Err(malformed(cause)),
        };
        rest = rest.get(taken..).unwrap_or_default();
        let blanks = rest.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0).count();
        rest = rest.get(blanks..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(());
        }
    }
    Err(Error::new(Code::AnswerTooLarge).fact(Fact::Limit, MAX_CERTIFICATES))
}

fn read_as_is(element: Tlv<'_>, found: &mut Found) -> Result<usize> {
    read_element(element, found)?;
    Ok(element.raw.len())
}

fn read_element(element: Tlv<'_>, found: &mut Found) -> Result<()> {
    let mut fields = element.fields();
    let first = fields.any().map_err(malformed)?;
    match first.tag {
        OID if first.value == oid::ID_SIGNED_DATA.as_bytes() => read_signed_data(element, found),
        OID => {
            found.other = Some(oid::dotted(first.value));
            Ok(())
        }
        // PFX ::= SEQUENCE { version INTEGER {v3(3)}, authSafe ContentInfo, ... } (RFC 7292 §4)
        INTEGER if first.value == [3] && is_content_info(fields) => Err(Error::new(Code::AnswerIsPfx)),
        SEQUENCE => {
            if is_certificate(first) {
                return found.add(element);
            }
            match Request::read(element.raw) {
                Ok(_) => found.request = true,
                Err(_) => found.other = Some("SEQUENCE".to_owned()),
            }
            Ok(())
        }
        _ => {
            found.other = Some("SEQUENCE".to_owned());
            Ok(())
        }
    }
}

/// Whether a TBSCertificate begins so: there is a version in `[0]`, or, in version 1, a serial number and an
/// AlgorithmIdentifier; a request has its subject there, a sequence of sets or an empty one.
fn is_certificate(tbs: Tlv<'_>) -> bool {
    let mut fields = tbs.fields();
    let version = fields.optional(tlv::context(0)).ok().flatten();
    let rest = fields.expect(INTEGER).and_then(|_| fields.expect(SEQUENCE)).map(Tlv::fields);
    version.is_some() || rest.is_ok_and(|mut identifier| identifier.expect(OID).is_ok())
}

fn is_content_info(mut fields: Fields<'_>) -> bool {
    fields.expect(SEQUENCE).is_ok_and(|info| info.fields().expect(OID).is_ok())
}

fn read_signed_data(element: Tlv<'_>, found: &mut Found) -> Result<()> {
    let unreadable = |cause| malformed(Malformed::from(cause));
    let info = ContentInfo::from_der(element.raw).map_err(unreadable)?;
    let data = info.content.decode_as::<SignedData<'_>>().map_err(unreadable)?;
    data.digest_algorithms.tagged(SET).map_err(malformed)?;
    found.message = true;
    if data.encapsulated.econtent_type == oid::PKI_RESPONSE {
        cmc::check(&content(&data.encapsulated).map_err(unreadable)?)?;
    }
    for choice in data.certificates.unwrap_or_default() {
        // Attribute certificates and the like are tagged (RFC 5652 §10.2.2).
        if choice.tag == SEQUENCE {
            found.add(choice)?;
        }
    }
    Ok(())
}

/// PKCS#7 allows any type as content (RFC 5652 §5.2.1), CMS an OCTET STRING.
fn content(encapsulated: &EncapsulatedContentInfo) -> der::Result<Vec<u8>> {
    match &encapsulated.econtent {
        Some(string) if string.tag() == Tag::OctetString => Ok(string.value().to_vec()),
        Some(any) => any.to_der(),
        None => Ok(Vec::new()),
    }
}

/// SignedData (RFC 5652 §5.1), as far as an answer needs it. Its signature is not what makes a certificate
/// good: that is the CA's signature on the certificate.
///
/// That of `cms` decodes every certificate in `x509_cert`'s strict types: one odd certificate of the chain would
/// make the answer unreadable, and the bytes of the others would be lost.
#[derive(Sequence)]
struct SignedData<'a> {
    version: CmsVersion,
    digest_algorithms: Tlv<'a>,
    encapsulated: EncapsulatedContentInfo,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    certificates: Option<Vec<Tlv<'a>>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    crls: Option<Vec<Tlv<'a>>>,
    signers: Tlv<'a>,
}

fn malformed(cause: Malformed) -> Error {
    Error::new(Code::AnswerUnreadable).caused_by(cause)
}
