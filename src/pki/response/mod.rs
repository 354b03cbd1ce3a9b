//! What a CA sends back.
//!
//! An answer is recognised by its ASN.1, never by a label or a file name: the same PKCS#7 comes as DER, as PEM
//! under `CERTIFICATE` or `PKCS7`, as bare base64, as the body of an e-mail or of EST (RFC 7030 §4.2.3), with a
//! BOM, or after a trip through a web form.

use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::certificate::Certificate;
use crate::pki::key::public::PublicKey;

mod cmc;
mod content;
mod text;

/// The largest answer that is looked at, in bytes: 1 MiB.
pub const MAX_ANSWER: usize = 1 << 20;

/// The most certificates that an answer may hold.
pub const MAX_CERTIFICATES: usize = 64;

/// The certificates of an answer, in the order in which they came. The order means nothing: in PKCS#7 they are
/// a set (RFC 5652 §5.1).
#[derive(Clone, Debug)]
pub struct Answer {
    certificates: Vec<Certificate>,
}

impl Answer {
    /// Reads an answer: one or several certificates or certs-only PKCS#7/CMS messages (RFC 5652, BER or DER) or
    /// a CMC full response (RFC 5272 §3.2.2), as bytes or in any text form of them. A certificate that stands
    /// there twice is taken once.
    ///
    /// # Errors
    /// - [`Code::AnswerTooLarge`] above [`MAX_ANSWER`] bytes or [`MAX_CERTIFICATES`], [`Code::AnswerEmpty`]
    /// - [`Code::AnswerIsPfx`] for PKCS#12, which would import a private key
    /// - [`Code::AnswerIsRequest`] for a PKCS#10 request
    /// - [`Code::CmcFailed`] with the CA's status, when it refused
    /// - [`Code::AnswerTruncated`], [`Code::AnswerUnreadable`], [`Code::CertificateUnreadable`]
    /// - [`Code::AnswerNoCertificate`] when it is a proper message without certificates
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::parse_forms(bytes).map_err(|error| error.during(Step::ReadAnswer))
    }

    fn parse_forms(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_ANSWER {
            return Err(Error::new(Code::AnswerTooLarge)
                .fact(Fact::Limit, MAX_ANSWER)
                .fact(Fact::Found, bytes.len()));
        }
        let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
        if bytes.iter().all(blank) || bytes == [0xef, 0xbb, 0xbf] {
            return Err(Error::new(Code::AnswerEmpty));
        }
        if bytes.first() == Some(&crate::pki::asn1::tlv::SEQUENCE) && !text::looks_like_text(bytes) {
            return Self::from_parts(&[bytes]);
        }
        let mut first_error = None;
        for reading in text::readings(bytes) {
            let parsed = reading.and_then(|parts| {
                let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
                Self::from_parts(&parts)
            });
            match parsed {
                Ok(answer) => return Ok(answer),
                // It was read, and it is something else: no other reading of the text is any better.
                Err(error) if is_verdict(error.code()) => return Err(error),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.unwrap_or_else(|| Error::new(Code::AnswerUnreadable)))
    }

    /// Reads the binary parts of an answer.
    fn from_parts(parts: &[&[u8]]) -> Result<Self> {
        let mut found = content::Found::default();
        for part in parts {
            content::read(part, &mut found)?;
        }
        found.into_certificates().map(|certificates| Answer { certificates })
    }

    /// Every certificate.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The certificate for a key; a CA's certificate is only taken if there is no other.
    pub fn leaf_for(&self, key: &PublicKey) -> Option<&Certificate> {
        let matches = || self.certificates.iter().filter(|certificate| certificate.public_key() == key);
        matches().find(|certificate| !certificate.is_ca()).or_else(|| matches().next())
    }
}

fn is_verdict(code: Code) -> bool {
    matches!(
        code,
        Code::AnswerIsPfx
            | Code::AnswerIsRequest
            | Code::AnswerNoCertificate
            | Code::AnswerTooLarge
            | Code::CmcFailed
    )
}

#[cfg(test)]
mod tests;
