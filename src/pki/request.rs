//! Certificate requests, PKCS#10 (RFC 2986).

use super::certificate::Certificate;
use super::key_kind::{KeyAlgorithm, SignatureAlgorithm};
use super::key_usage::KeyUsage;
use super::name::Name;
use super::public_key::PublicKey;
use super::tlv::{self, BIT_STRING, BOOLEAN, INTEGER, OCTET_STRING, Read, SEQUENCE, SET, Tlv};
use super::{oid, pem};
use crate::error::{Code, Error, Fact, Result};

/// What a request says, before it is signed: the DER of CertificationRequestInfo.
#[derive(Clone, Debug)]
pub struct RequestInfo {
    der: Vec<u8>,
    subject: Name,
    public_key: PublicKey,
}

impl RequestInfo {
    /// The renewal of a certificate with a new key: its subject byte for byte, and an extensionRequest with its
    /// key usage, extended key usage and subject alternative name. Signing and client authentication are added
    /// where the old certificate did not say them.
    pub fn for_renewal(old: &Certificate, key: &PublicKey) -> Self {
        Self::new(old.subject(), key, vec![renewal_extensions(old, key)])
    }

    /// The same with the attribute RenewalCertificate, which carries the old certificate: what
    /// [`super::RenewalInfo`] signs with the old key (MS-WCCE §3.1.1.4.3.2.1).
    pub fn for_renewal_by_old_key(old: &Certificate, key: &PublicKey) -> Self {
        let renewed = attribute(oid::RENEWAL_CERTIFICATE, old.der());
        Self::new(old.subject(), key, vec![renewal_extensions(old, key), renewed])
    }

    /// The first request for a subject: to sign, for client authentication.
    pub fn first(subject: &Name, key: &PublicKey) -> Self {
        let extensions = [key_usage(KeyUsage::SIGN), extended_key_usage(&client_auth())];
        Self::new(subject, key, vec![extension_request(&extensions)])
    }

    fn new(subject: &Name, key: &PublicKey, attributes: Vec<Vec<u8>>) -> Self {
        let version = tlv::encode_unsigned(&[0]);
        let attributes = tlv::encode_set_of(tlv::context(0), attributes);
        let der = tlv::encode(SEQUENCE, &[&version, subject.der(), key.spki_der(), &attributes]);
        RequestInfo { der, subject: subject.clone(), public_key: key.clone() }
    }

    /// The bytes that the new key must sign.
    pub fn to_be_signed(&self) -> &[u8] {
        &self.der
    }

    /// Puts the signature to it. The signature is verified, so that no broken request leaves.
    ///
    /// # Errors
    /// [`Code::SignatureInvalid`] when the signature was not made by the key in the request.
    pub fn assemble(&self, algorithm: SignatureAlgorithm, signature: &[u8]) -> Result<Request> {
        self.public_key.verify(algorithm, &self.der, signature)?;
        let parts = [&self.der[..], &algorithm.identifier_der(), &tlv::encode_bits(signature)];
        Ok(Request {
            der: tlv::encode(SEQUENCE, &parts),
            subject: self.subject.clone(),
            public_key: self.public_key.clone(),
        })
    }
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
        Tlv::whole(der).and_then(Request::from_tlv).map_err(|cause| {
            Error::new(Code::BadArgument)
                .fact(Fact::Detail, format_args!("PKCS#10: {cause}"))
                .caused_by(cause)
        })
    }

    /// Reads a request in PEM, under any label.
    ///
    /// # Errors
    /// [`Code::BadArgument`] when there is not exactly one PEM block or it is no request.
    pub fn from_pem(text: &str) -> Result<Self> {
        let mut blocks = pem::blocks(text);
        let der = match (blocks.next().flatten(), blocks.next()) {
            (Some(body), None) => pem::decode_base64(&body.split_whitespace().collect::<String>()),
            _ => None,
        };
        Request::from_der(
            &der.ok_or_else(|| Error::new(Code::BadArgument).fact(Fact::Detail, "PKCS#10: no PEM"))?,
        )
    }

    pub(super) fn from_tlv(request: Tlv<'_>) -> Read<Self> {
        let mut outer = request.tagged(SEQUENCE)?.fields();
        let mut info = outer.expect(SEQUENCE)?.fields();
        outer.expect(SEQUENCE)?;
        outer.expect(BIT_STRING)?;
        outer.end()?;
        info.expect(INTEGER)?;
        let subject = Name::from_tlv(info.expect(SEQUENCE)?)?;
        let public_key = PublicKey::from_certificate(info.expect(SEQUENCE)?)?;
        info.optional(tlv::context(0))?;
        info.end()?;
        Ok(Request { der: request.raw.to_vec(), subject, public_key })
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

fn renewal_extensions(old: &Certificate, key: &PublicKey) -> Vec<u8> {
    let usage = match (old.key_usage(), key.algorithm()) {
        (None, _) => KeyUsage::SIGN,
        (Some(usage), KeyAlgorithm::Rsa { .. }) => usage.for_signing(),
        // The old key may have been an RSA key, which could encipher; this one cannot.
        (Some(usage), _) => usage.for_signing_only(),
    };
    let purposes = match old.extended_key_usage_der() {
        Some(purposes) if old.allows_client_auth() => purposes.to_vec(),
        _ => client_auth(),
    };
    let mut extensions = vec![key_usage(usage), extended_key_usage(&purposes)];
    extensions.extend(old.subject_alt_name_extension().map(<[u8]>::to_vec));
    extension_request(&extensions)
}

fn extension_request(extensions: &[Vec<u8>]) -> Vec<u8> {
    let parts: Vec<&[u8]> = extensions.iter().map(Vec::as_slice).collect();
    attribute(oid::EXTENSION_REQUEST, &tlv::encode(SEQUENCE, &parts))
}

/// An Attribute with one value (RFC 2986 §4.1).
pub(super) fn attribute(kind: der::asn1::ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    tlv::encode(SEQUENCE, &[&oid::encode(kind), &tlv::encode(SET, &[value])])
}

/// Critical, as RFC 5280 §4.2.1.3 asks for.
fn key_usage(usage: KeyUsage) -> Vec<u8> {
    let value = tlv::encode(OCTET_STRING, &[&usage.to_der().unwrap_or_default()]);
    tlv::encode(SEQUENCE, &[&oid::encode(oid::KEY_USAGE), &tlv::encode(BOOLEAN, &[&[0xff]]), &value])
}

fn extended_key_usage(purposes: &[u8]) -> Vec<u8> {
    tlv::encode(SEQUENCE, &[&oid::encode(oid::EXTENDED_KEY_USAGE), &tlv::encode(OCTET_STRING, &[purposes])])
}

fn client_auth() -> Vec<u8> {
    tlv::encode(SEQUENCE, &[&oid::encode(oid::CLIENT_AUTH)])
}

#[cfg(test)]
mod tests;
