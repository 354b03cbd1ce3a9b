//! A certificate request as a CA reads it.

use der::asn1::Any;
use der::{Decode, DecodePem, Encode, Sequence};
use spki::AlgorithmIdentifierOwned;
use x509_cert::ext::Extension;
use x509_cert::request::CertReq;

use crate::key::verify;

/// A PKCS#10 request whose signature was checked.
#[derive(Clone, Debug)]
pub struct ParsedRequest {
    /// The subject, the bytes as they stand in the request.
    pub subject: Vec<u8>,
    /// The public key: SubjectPublicKeyInfo, DER.
    pub spki: Vec<u8>,
    /// The extensions asked for.
    pub extensions: Vec<Extension>,
}

/// The part of a request that is signed, with the subject left as it is.
#[derive(Sequence)]
struct RawInfo {
    version: u8,
    subject: Any,
    public_key: Any,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true")]
    attributes: der::asn1::SetOfVec<Any>,
}

#[derive(Sequence)]
struct RawRequest {
    info: RawInfo,
    algorithm: AlgorithmIdentifierOwned,
    signature: der::asn1::BitString,
}

impl ParsedRequest {
    /// Reads a request in PEM or DER and checks that its key signed it.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<ParsedRequest, String> {
        let text = std::str::from_utf8(bytes).unwrap_or("");
        let request = match text.contains("-----BEGIN") {
            true => CertReq::from_pem(text),
            false => CertReq::from_der(bytes),
        };
        let request = request.map_err(|error| format!("not a certificate request: {error}"))?;
        let info = request.info.to_der().map_err(|error| error.to_string())?;
        let spki = request.info.public_key.to_der().map_err(|error| error.to_string())?;
        let signature = request.signature.as_bytes().ok_or("the signature is not whole bytes")?;
        if !verify(&spki, &info, signature) {
            return Err("the request is not signed by its own key".to_owned());
        }
        let der = request.to_der().map_err(|error| error.to_string())?;
        let raw = RawRequest::from_der(&der).map_err(|error| error.to_string())?;
        let subject = raw.info.subject.to_der().map_err(|error| error.to_string())?;
        Ok(ParsedRequest { subject, spki, extensions: asked_extensions(&request)? })
    }

    /// The bytes of an extension's value, by object identifier.
    pub fn extension(&self, oid: &str) -> Option<&[u8]> {
        let found = self.extensions.iter().find(|extension| extension.extn_id.to_string() == oid);
        found.map(|extension| extension.extn_value.as_bytes())
    }
}

/// extensionRequest, RFC 2985 §5.4.2.
fn asked_extensions(request: &CertReq) -> Result<Vec<Extension>, String> {
    for attribute in request.info.attributes.iter() {
        if attribute.oid.to_string() == "1.2.840.113549.1.9.14" {
            let value = attribute.values.iter().next().ok_or("an extensionRequest without a value")?;
            return value.decode_as::<Vec<Extension>>().map_err(|error| error.to_string());
        }
    }
    Ok(Vec::new())
}
