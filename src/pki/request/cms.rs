//! The form of renewal that Microsoft CAs take: a request that the old key signs.
//!
//! MS-WCCE §3.1.1.4.3.2.1 and RFC 5652 §5: CMS SignedData by the old key, whose content (id-data) is a PKCS#10
//! request with the old certificate in the attribute RenewalCertificate (1.3.6.1.4.1.311.13.1), and whose
//! `certificates` hold the old certificate.

use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{EncapsulatedContentInfo, SignedAttributes};
use der::asn1::{Any, AnyRef, OctetStringRef, SetOfVec};
use der::{Decode, Encode, Sequence, Tag};
use spki::AlgorithmIdentifierRef;

use super::pkcs10::{Request, attribute, renewal_certificate};
use crate::error::{Code, Error, Fact, Result};
use crate::pki::asn1::tlv::Tlv;
use crate::pki::asn1::{oid, pem};
use crate::pki::certificate::Certificate;
use crate::pki::key::kind::SignatureAlgorithm;

/// What the old key is to sign: a [`Request`] that the new key has signed.
#[derive(Clone, Debug)]
pub(crate) struct RenewalInfo {
    request: Request,
    old: Certificate,
    algorithm: SignatureAlgorithm,
    attributes: SignedAttributes,
    to_be_signed: Vec<u8>,
}

impl RenewalInfo {
    /// Prepares the message. The request should come from `RequestDraft::for_renewal_by_old_key`.
    ///
    /// # Errors
    /// [`Code::BadArgument`] when the old certificate is not in the request, or has a key that this crate
    /// cannot verify signatures of.
    pub(crate) fn new(request: Request, old: &Certificate) -> Result<Self> {
        let renewed = renewal_certificate(old).and_then(|renewed| renewed.to_der()).map_err(unencodable)?;
        if !request.to_der().windows(renewed.len()).any(|bytes| bytes == renewed) {
            return Err(Error::new(Code::BadArgument).fact(Fact::Expected, oid::RENEWAL_CERTIFICATE));
        }
        let key = old.public_key().algorithm();
        let algorithm = SignatureAlgorithm::for_key(&key)
            .ok_or_else(|| Error::new(Code::BadArgument).fact(Fact::Found, key))?;
        let attributes = signed_attributes(&algorithm.digest(request.to_der())).map_err(unencodable)?;
        let to_be_signed = attributes.to_der().map_err(unencodable)?;
        Ok(RenewalInfo { request, old: old.clone(), algorithm, attributes, to_be_signed })
    }

    /// The algorithm that the old key must sign with.
    pub(crate) fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The bytes that the old key must sign: the signed attributes with the tag of a SET (RFC 5652 §5.4).
    pub(crate) fn to_be_signed(&self) -> &[u8] {
        &self.to_be_signed
    }

    /// Puts the signature to it, which was verified when it was made.
    ///
    /// # Errors
    /// [`Code::BadArgument`] when it cannot be encoded.
    pub(crate) fn assemble(&self, signature: &[u8]) -> Result<RenewalRequest> {
        let der = self.message(signature).map_err(unencodable)?;
        Ok(RenewalRequest { der })
    }

    fn message(&self, signature: &[u8]) -> der::Result<Vec<u8>> {
        let data = SignedData {
            version: CmsVersion::V1,
            digest_algorithms: SetOfVec::try_from([self.algorithm.digest_identifier()])?,
            encapsulated: EncapsulatedContentInfo {
                econtent_type: oid::ID_DATA,
                econtent: Some(Any::new(Tag::OctetString, self.request.to_der())?),
            },
            certificates: vec![Tlv::from_der(self.old.der())?],
            signers: SetOfVec::try_from([self.signer_info(signature)?])?,
        };
        ContentInfo { content_type: oid::ID_SIGNED_DATA, content: Any::encode_from(&data)? }.to_der()
    }

    fn signer_info(&self, signature: &[u8]) -> der::Result<Any> {
        let signer = Signer {
            issuer: Tlv::from_der(self.old.issuer().der())?,
            serial: Tlv::from_der(self.old.serial().der_integer())?,
        };
        Any::encode_from(&SignerInfo {
            version: CmsVersion::V1,
            signer,
            digest_algorithm: self.algorithm.digest_identifier(),
            signed_attributes: self.attributes.clone(),
            signature_algorithm: self.signature_identifier(),
            signature: OctetStringRef::new(signature)?,
        })
    }

    /// CMS names an RSA signature by rsaEncryption, as every implementation understands (RFC 3370 §3.2).
    fn signature_identifier(&self) -> AlgorithmIdentifierRef<'static> {
        match self.algorithm {
            SignatureAlgorithm::RsaPkcs1Sha256 => {
                AlgorithmIdentifierRef { oid: oid::RSA_ENCRYPTION, parameters: Some(AnyRef::NULL) }
            }
            algorithm => algorithm.identifier(),
        }
    }
}

/// SigningTime is left out: it is optional, and a wrong clock would only do harm.
fn signed_attributes(digest: &[u8]) -> der::Result<SignedAttributes> {
    SetOfVec::try_from([
        attribute(oid::CONTENT_TYPE, Any::encode_from(&oid::ID_DATA)?)?,
        attribute(oid::MESSAGE_DIGEST, Any::new(Tag::OctetString, digest)?)?,
    ])
}

fn unencodable(cause: der::Error) -> Error {
    Error::new(Code::BadArgument).fact(Fact::Detail, cause).caused_by(cause)
}

/// SignedData (RFC 5652 §5.1). That of `cms` would encode the old certificate anew, and refuses many.
#[derive(Sequence)]
struct SignedData<'a> {
    version: CmsVersion,
    digest_algorithms: SetOfVec<AlgorithmIdentifierRef<'a>>,
    encapsulated: EncapsulatedContentInfo,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    certificates: Vec<Tlv<'a>>,
    signers: SetOfVec<Any>,
}

/// SignerInfo (RFC 5652 §5.3). That of `cms` would encode the issuer's name and the serial number anew.
#[derive(Sequence)]
struct SignerInfo<'a> {
    version: CmsVersion,
    signer: Signer<'a>,
    digest_algorithm: AlgorithmIdentifierRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true")]
    signed_attributes: SignedAttributes,
    signature_algorithm: AlgorithmIdentifierRef<'a>,
    signature: &'a OctetStringRef,
}

/// IssuerAndSerialNumber (RFC 5652 §10.2.4).
#[derive(Sequence)]
struct Signer<'a> {
    issuer: Tlv<'a>,
    serial: Tlv<'a>,
}

/// A request that the old key has signed.
#[derive(Clone, Debug)]
pub struct RenewalRequest {
    der: Vec<u8>,
}

impl RenewalRequest {
    /// The CMS message in DER.
    pub fn to_der(&self) -> &[u8] {
        &self.der
    }

    /// The CMS message in PEM, under the label that both old and new programs take (RFC 7468 §8).
    pub fn to_pem(&self) -> String {
        pem::encode("PKCS7", &self.der)
    }
}

#[cfg(test)]
mod tests;
