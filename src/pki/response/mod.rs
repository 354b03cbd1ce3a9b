//! What a CA sends back.
//!
//! A response is recognised by its ASN.1, never by a label or a file name: the same PKCS#7 comes as DER, as PEM
//! under `CERTIFICATE` or `PKCS7`, as bare base64, as the body of a mail or of EST (RFC 7030 §4.2.3), in JSON, in a
//! web page, or after a trip through a web form. `docs/answers.md` has them all.
//!
//! One thing that cannot be used spoils nothing: what can be read is taken, and the rest is noted as [`Skipped`].

use std::collections::BTreeSet;

use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::certificate::Certificate;
use crate::pki::key::public::PublicKey;

mod content;
mod form;
mod found;
mod markup;
mod naming;
mod reader;
mod skipped;
mod text;

pub use form::ResponseForm;
use found::Gathered;
pub use found::MAX_CERTIFICATES;
pub use skipped::{Skipped, Unusable};

/// The largest response that is examined, in bytes: 4 MiB, a mail with a few documents in it.
pub const MAX_RESPONSE: usize = 4 << 20;

/// The certificates of a response, in the order in which they were found. The order means nothing: in PKCS#7 they
/// are a set (RFC 5652 §5.1).
#[derive(Clone, Debug)]
pub struct Response {
    certificates: Vec<Certificate>,
    forms: BTreeSet<ResponseForm>,
    skipped: Vec<Skipped>,
}

impl Response {
    /// Reads a response: certificates, certs-only PKCS#7/CMS messages (RFC 5652, BER or DER) or a CMC full
    /// response (RFC 5272 §3.2.2), as bytes or in any text form of them, with anything around them. A certificate
    /// that stands there twice is taken once.
    ///
    /// # Errors
    /// [`Code::AnswerTooLarge`] above [`MAX_RESPONSE`] bytes, [`Code::AnswerEmpty`], and where not one certificate
    /// came out, the code of the most telling thing that did ([`Unusable`]), with its kind, its size and its
    /// first line.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::read(bytes).map_err(|error| error.during(Step::ReadAnswer))
    }

    fn read(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_RESPONSE {
            return Err(Error::new(Code::AnswerTooLarge)
                .fact(Fact::Limit, MAX_RESPONSE)
                .fact(Fact::Found, bytes.len()));
        }
        let is_blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
        if text::without_blanks_before(bytes).iter().all(is_blank) {
            return Err(Error::new(Code::AnswerEmpty));
        }
        let Gathered { certificates, forms, skipped } = reader::read(bytes)?;
        Ok(Response { certificates, forms, skipped })
    }

    /// Every certificate.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// In what the certificates came, without the wrappings of text around it.
    pub fn forms(&self) -> impl Iterator<Item = ResponseForm> {
        self.forms.iter().copied()
    }

    /// What could not be used.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// The certificates for a key, however its public half is written in them, the likeliest first: a CA's last,
    /// then the one that ends last.
    pub(crate) fn leaves_for(&self, key: &PublicKey) -> Vec<&Certificate> {
        let mut leaves: Vec<&Certificate> =
            self.certificates.iter().filter(|certificate| certificate.public_key() == key).collect();
        leaves.sort_by_key(|leaf| (leaf.is_ca(), std::cmp::Reverse(leaf.not_after())));
        leaves
    }

    /// The likeliest of the certificates for a key.
    pub fn leaf_for(&self, key: &PublicKey) -> Option<&Certificate> {
        self.leaves_for(key).first().copied()
    }

    /// What stands in the place of the certificate, when there is none for the key: the CA's decision, a part that is
    /// lost, or one that has to be unpacked or opened first.
    pub(crate) fn instead(&self) -> Option<Error> {
        let may_hide_it = self.skipped.iter().filter(|skipped| skipped.what.may_hide_a_certificate());
        may_hide_it.min_by(|one, other| one.what.cmp(&other.what)).map(Skipped::to_error)
    }
}

#[cfg(test)]
mod tests;
