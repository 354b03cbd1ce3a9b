//! What a response holds and what cannot be used: named for what it is.

use std::fmt;

use crate::error::Notice;
use crate::error::{Code, Error, Fact, Step, Warning};

/// How much of a first line is kept, in characters.
const MAX_FIRST_LINE: usize = 160;

/// A part of a response that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skipped {
    /// What it is.
    pub what: Unusable,
    /// Its size in bytes, as it came out of its wrapping.
    pub size: usize,
    /// The first line of a text, cut.
    pub first_line: Option<String>,
    /// What a CA says in a status.
    said: Vec<(Fact, String)>,
    /// The first bytes, to know the same part again in another reading of the text.
    head: [u8; HEAD],
}

/// Both outer lengths of a certificate stand here, and nothing that a web form could have damaged.
const HEAD: usize = 8;

/// What a part of a response is that cannot be used, the most telling first: when nothing else is there, that is
/// the one that is reported.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Unusable {
    /// A CMC or SCEP status that says no (RFC 5272 §6.1, RFC 8894 §3.2.1.3).
    Refusal,
    /// A CMC or SCEP status that says not yet.
    Pending,
    /// A SCEP CertRep with the certificate encrypted for the requester (RFC 8894 §3.3.2).
    CertRep,
    /// A PKCS#12 file (RFC 7292).
    Pfx,
    /// Something that ends in the middle.
    CutOff,
    /// A certificate that cannot be parsed.
    Certificate,
    /// A PKCS#10 request (RFC 2986).
    Request,
    /// A private key, by its format.
    PrivateKey(&'static str),
    /// A certificate revocation list (RFC 5280 §5).
    Crl,
    /// A public key without a certificate, by its format.
    PublicKey(&'static str),
    /// An encrypted message, by its format.
    Encrypted(&'static str),
    /// A signed message without certificates (RFC 5652 §5.1).
    NoCertificate,
    /// More certificates than are taken.
    Surplus,
    /// A file with files in it, by its format.
    Archive(&'static str),
    /// A text form that is not read.
    Form(&'static str),
    /// A mail in which nothing else is.
    Mail,
    /// A web page in which nothing else is.
    WebPage,
    /// A document or an image, by its format.
    Document(&'static str),
    /// Other ASN.1 or another file, by its type.
    Other(String),
    /// Words.
    Text,
}

impl Unusable {
    /// The code of a response that is this and nothing better.
    pub(crate) fn code(&self) -> Code {
        match self {
            Unusable::Refusal => Code::CmcFailed,
            Unusable::Pending => Code::ResponsePending,
            Unusable::CertRep => Code::AnswerIsCertRep,
            Unusable::Pfx => Code::AnswerIsPfx,
            Unusable::CutOff => Code::AnswerTruncated,
            Unusable::Certificate => Code::CertificateUnreadable,
            Unusable::Request => Code::AnswerIsRequest,
            Unusable::PrivateKey(_) => Code::AnswerIsPrivateKey,
            Unusable::Crl => Code::AnswerIsCrl,
            Unusable::PublicKey(_) => Code::AnswerIsPublicKey,
            Unusable::Encrypted(_) => Code::AnswerEncrypted,
            Unusable::NoCertificate => Code::AnswerNoCertificate,
            Unusable::Surplus => Code::AnswerTooLarge,
            Unusable::Archive(_) => Code::AnswerIsArchive,
            Unusable::Form(_) => Code::AnswerFormUnsupported,
            Unusable::Mail => Code::AnswerIsMail,
            Unusable::WebPage => Code::AnswerIsWebPage,
            Unusable::Document(_) => Code::AnswerIsDocument,
            Unusable::Other(_) | Unusable::Text => Code::AnswerUnreadable,
        }
    }
}

impl Unusable {
    /// Whether a certificate may be in it, or come in its place.
    pub(super) fn may_hide_a_certificate(&self) -> bool {
        match self {
            Unusable::Refusal | Unusable::Pending | Unusable::CertRep | Unusable::Pfx => true,
            Unusable::CutOff | Unusable::Certificate | Unusable::Surplus => true,
            Unusable::Encrypted(_) | Unusable::Archive(_) | Unusable::Form(_) => true,
            Unusable::Request | Unusable::PrivateKey(_) | Unusable::PublicKey(_) | Unusable::Crl => false,
            Unusable::NoCertificate | Unusable::Mail | Unusable::WebPage | Unusable::Document(_) => false,
            Unusable::Other(_) | Unusable::Text => false,
        }
    }
}

/// The format's name, the same in every language.
impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unusable::Refusal | Unusable::Pending => "CMC",
            Unusable::CertRep => "SCEP CertRep",
            Unusable::Pfx => "PKCS#12",
            Unusable::CutOff => "ASN.1 …",
            Unusable::Certificate | Unusable::Surplus => "X.509",
            Unusable::Request => "PKCS#10",
            Unusable::PrivateKey(format)
            | Unusable::PublicKey(format)
            | Unusable::Encrypted(format)
            | Unusable::Archive(format)
            | Unusable::Form(format)
            | Unusable::Document(format) => format,
            Unusable::Crl => "CRL",
            Unusable::NoCertificate => "PKCS#7",
            Unusable::Mail => "MIME",
            Unusable::WebPage => "HTML",
            Unusable::Other(kind) => kind,
            Unusable::Text => "text",
        })
    }
}

impl Skipped {
    /// Something binary.
    pub(super) fn new(what: Unusable, bytes: &[u8]) -> Self {
        let mut head = [0; HEAD];
        head.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        Skipped { what, size: bytes.len(), first_line: None, said: Vec::new(), head }
    }

    /// Something that people can read: `size` is that of the whole, the first line that is not blank is kept.
    pub(super) fn text(what: Unusable, size: usize, text: &str) -> Self {
        let line = text.lines().map(str::trim).find(|line| line.chars().any(char::is_alphanumeric));
        let first_line = line.map(|line| line.chars().take(MAX_FIRST_LINE).collect());
        Skipped { what, size, first_line, said: Vec::new(), head: [0; HEAD] }
    }

    /// The same with the size of the whole, where its bytes were only a part.
    pub(super) fn of_size(self, size: usize) -> Self {
        Skipped { size, ..self }
    }

    /// Adds what a CA says.
    pub(super) fn saying(mut self, fact: Fact, value: impl Into<String>) -> Self {
        self.said.push((fact, value.into()));
        self
    }

    /// Whether something is lost that might have been a certificate.
    pub(crate) fn is_loss(&self) -> bool {
        matches!(self.what, Unusable::CutOff | Unusable::Certificate | Unusable::Surplus)
    }

    /// Whether these bytes, read in another way, are what this one is a damaged copy of.
    pub(super) fn is_damaged_copy_of(&self, der: &[u8]) -> bool {
        matches!(self.what, Unusable::CutOff | Unusable::Certificate | Unusable::Form(_) | Unusable::Other(_))
            && der.starts_with(&self.head)
    }

    /// The error for a response in which this took the place of the certificate.
    pub(crate) fn to_error(&self) -> Error {
        self.describe(Error::new(self.what.code()).during(Step::ReadAnswer))
    }

    /// The warning that something is lost beside the certificate.
    pub(crate) fn warning(&self) -> Warning {
        Warning::from(Notice::ResponsePartlyUsed).fact(Fact::Found, &self.what).fact(Fact::Size, self.size)
    }

    /// The facts about it.
    fn describe(&self, error: Error) -> Error {
        let error = match self.said.is_empty() {
            true => error.fact(Fact::Found, &self.what).fact(Fact::Size, self.size),
            false => self.said.iter().fold(error, |error, (fact, value)| error.fact(*fact, value)),
        };
        self.first_line.iter().fold(error, |error, line| error.fact(Fact::FirstLine, line))
    }
}

/// The error for a response without any certificate: its code is that of the most telling part.
pub(super) fn verdict(skipped: &[Skipped]) -> Error {
    let Some(first) = skipped.iter().min_by(|one, other| one.what.cmp(&other.what)) else {
        return Error::new(Code::AnswerUnreadable);
    };
    let error = first.to_error();
    let others = skipped.iter().filter(|other| !std::ptr::eq(*other, first) && other.what != Unusable::Text);
    others.take(5).fold(error, |error, other| {
        error.fact(Fact::Found, format_args!("{} ({} B)", other.what, other.size))
    })
}
