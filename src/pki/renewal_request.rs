//! The form of renewal that Microsoft CAs take: a request that the old key signs.
//!
//! MS-WCCE §3.1.1.4.3.2.1 and RFC 5652 §5: CMS SignedData by the old key, whose content (id-data) is a PKCS#10
//! request with the old certificate in the attribute RenewalCertificate (1.3.6.1.4.1.311.13.1), and whose
//! `certificates` hold the old certificate.

use super::certificate::Certificate;
use super::key_kind::SignatureAlgorithm;
use super::request::{Request, attribute};
use super::tlv::{self, OCTET_STRING, SEQUENCE, SET};
use super::{oid, pem};
use crate::error::{Code, Error, Fact, Result};

/// What the old key is to sign: a [`Request`] that the new key has signed.
#[derive(Clone, Debug)]
pub struct RenewalInfo {
    request: Request,
    old: Certificate,
    algorithm: SignatureAlgorithm,
    /// The members of the signed attributes, one after another.
    attributes: Vec<Vec<u8>>,
    to_be_signed: Vec<u8>,
}

impl RenewalInfo {
    /// Prepares the message. The request should come from [`super::RequestInfo::for_renewal_by_old_key`].
    ///
    /// # Errors
    /// [`Code::BadArgument`] when the old certificate is not in the request, or has a key that this crate
    /// cannot verify signatures of.
    pub fn new(request: Request, old: &Certificate) -> Result<Self> {
        let renewed = attribute(oid::RENEWAL_CERTIFICATE, old.der());
        if !request.to_der().windows(renewed.len()).any(|bytes| bytes == renewed) {
            return Err(
                Error::new(Code::BadArgument).fact(Fact::Detail, "no RenewalCertificate in the request")
            );
        }
        let key = old.public_key().algorithm();
        let algorithm = SignatureAlgorithm::for_key(&key)
            .ok_or_else(|| Error::new(Code::BadArgument).fact(Fact::Found, key))?;
        // SigningTime is left out: it is optional, and a wrong clock would only do harm.
        let digest = tlv::encode(OCTET_STRING, &[&algorithm.digest(request.to_der())]);
        let attributes = vec![
            attribute(oid::CONTENT_TYPE, &oid::encode(oid::ID_DATA)),
            attribute(oid::MESSAGE_DIGEST, &digest),
        ];
        let to_be_signed = tlv::encode_set_of(SET, attributes.clone());
        Ok(RenewalInfo { request, old: old.clone(), algorithm, attributes, to_be_signed })
    }

    /// The algorithm that the old key must sign with.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The bytes that the old key must sign: the signed attributes with the tag of a SET (RFC 5652 §5.4).
    pub fn to_be_signed(&self) -> &[u8] {
        &self.to_be_signed
    }

    /// Puts the signature to it. The signature is verified, so that no broken message leaves.
    ///
    /// # Errors
    /// [`Code::SignatureInvalid`] when the signature was not made by the old certificate's key.
    pub fn assemble(&self, signature: &[u8]) -> Result<RenewalRequest> {
        self.old.public_key().verify(self.algorithm, &self.to_be_signed, signature)?;
        let content = tlv::encode(tlv::context(0), &[&tlv::encode(OCTET_STRING, &[self.request.to_der()])]);
        let data = tlv::encode(
            SEQUENCE,
            &[
                &tlv::encode_unsigned(&[1]),
                &tlv::encode(SET, &[&der::Encode::to_der(&self.algorithm.digest_identifier()).unwrap_or_default()]),
                &tlv::encode(SEQUENCE, &[&oid::encode(oid::ID_DATA), &content]),
                &tlv::encode(tlv::context(0), &[self.old.der()]),
                &tlv::encode(SET, &[&self.signer_info(signature)]),
            ],
        );
        let content = tlv::encode(tlv::context(0), &[&data]);
        let der = tlv::encode(SEQUENCE, &[&oid::encode(oid::ID_SIGNED_DATA), &content]);
        Ok(RenewalRequest { der, request: self.request.clone() })
    }

    /// SignerInfo, version 1: the signer by issuer and serial number (RFC 5652 §5.3).
    fn signer_info(&self, signature: &[u8]) -> Vec<u8> {
        let signer = tlv::encode(SEQUENCE, &[self.old.issuer().der(), self.old.serial().der_integer()]);
        tlv::encode(
            SEQUENCE,
            &[
                &tlv::encode_unsigned(&[1]),
                &signer,
                &der::Encode::to_der(&self.algorithm.digest_identifier()).unwrap_or_default(),
                &tlv::encode_set_of(tlv::context(0), self.attributes.clone()),
                &self.signature_identifier(),
                &tlv::encode(OCTET_STRING, &[signature]),
            ],
        )
    }

    /// CMS names an RSA signature by rsaEncryption, as every implementation understands (RFC 3370 §3.2).
    fn signature_identifier(&self) -> Vec<u8> {
        match self.algorithm {
            SignatureAlgorithm::RsaPkcs1Sha256 => {
                tlv::encode(SEQUENCE, &[&oid::encode(oid::RSA_ENCRYPTION), &[0x05, 0x00]])
            }
            algorithm => algorithm.identifier_der(),
        }
    }
}

/// A request that the old key has signed.
#[derive(Clone, Debug)]
pub struct RenewalRequest {
    der: Vec<u8>,
    request: Request,
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

    /// The request inside.
    pub fn request(&self) -> &Request {
        &self.request
    }
}

#[cfg(test)]
mod tests;
