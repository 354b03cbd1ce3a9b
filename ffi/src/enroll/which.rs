//! Which certificate a page means.

use std::time::SystemTime;

use base16ct::lower::encode_string as hex;
use usbtoken::error::{Fact, Step};
use usbtoken::overview::Listed;
use usbtoken::pki::Window;
use usbtoken::places::{OldCertificate, Place};
use usbtoken::renewal::KeyState;
use usbtoken::{Code, Credential, Credentials, Error, Response, Result};

use super::encoding;
use crate::base::args;

/// Which certificate is renewed.
#[derive(Clone)]
pub(super) enum Which {
    TheRenewableOne,
    Certificate(Vec<u8>),
    /// By its serial number or its thumbprint.
    Number(Vec<u8>),
}

/// What is not on the token of the page.
#[derive(Default)]
pub(super) struct Beside {
    pub(super) list: Vec<Listed>,
    /// Why a place of this computer could not be read, the first of several.
    pub(super) unread: Option<Error>,
}

/// The certificate as the page names it.
pub(super) fn which(certificate: &[u8], encoding: u32) -> Result<Which> {
    if certificate.is_empty() {
        return Ok(Which::TheRenewableOne);
    }
    let bytes = encoding::decode(certificate, encoding)?;
    // With HEXRAW CertEnroll takes a serial number or a thumbprint too; no certificate is as short as one.
    let kind = encoding & !(encoding::USBTOKEN_ENCODING_NO_CR | encoding::USBTOKEN_ENCODING_NO_CRLF);
    if kind == encoding::USBTOKEN_ENCODING_HEX_RAW && bytes.len() <= 21 {
        return Ok(Which::Number(bytes));
    }
    let unusable = |error| Error::new(Code::OldFileUnusable).fact(Fact::Place, Place::Given).caused_by(error);
    let read = Response::parse(&bytes).map_err(|error| unusable(error).during(Step::ReadPlace))?;
    match read.certificates() {
        [one] if one.is_ca() => {
            Err(Error::new(Code::OldIsCa).during(Step::ReadPlace).fact(Fact::Subject, one.subject()))
        }
        [one] => Ok(Which::Certificate(one.der().to_vec())),
        _ => Err(args::bad("certificate", "not_exactly_one")),
    }
}

impl Which {
    /// Whether the certificate that is named is one of the token's.
    pub(super) fn is_among(&self, all: &Credentials) -> bool {
        on_token(all.clone(), self, Window::default()).is_ok()
    }

    /// Whether this is the certificate that is meant, of those that are not on the token of the page. Where none is named, it is one of
    /// the bank's that can be renewed now.
    pub(super) fn means(&self, one: &Listed) -> bool {
        let certificate = one.old().certificate();
        match self {
            Which::TheRenewableOne => one.not_renewable_because().is_none() && one.may_be_banks(),
            Which::Certificate(der) => certificate.der() == *der,
            Which::Number(number) => {
                let plain = |text: &str| text.trim_start_matches('0').to_owned();
                certificate.thumbprint() == number[..]
                    || plain(&certificate.serial().to_string()) == plain(&hex(number))
            }
        }
    }
}

/// The certificate that is meant: the token's, where it has it, else one that is elsewhere. Where there is none, and a place could not be
/// read, why that is.
pub(super) fn chosen(
    credentials: Credentials,
    which: &Which,
    window: Window,
    elsewhere: impl FnOnce() -> Beside,
) -> Result<OldCertificate> {
    match (on_token(credentials, which, window), which) {
        (Ok(there), _) => Ok(there.into()),
        (Err(error), _) if !may_be_elsewhere(error.code()) => Err(error),
        (Err(_), Which::Certificate(der)) => OldCertificate::given(der),
        (Err(error), _) => {
            let Beside { list, unread } = elsewhere();
            // It may be in the place that could not be read.
            only(list, which).unwrap_or(Err(unread.unwrap_or(error)))
        }
    }
}

/// Whether the token has nothing of what is meant, so that it may be meant to be renewed onto it.
fn may_be_elsewhere(code: Code) -> bool {
    matches!(code, Code::CredentialNotFound | Code::NotYetRenewable | Code::Expired | Code::KeyMissing)
}

fn on_token(credentials: Credentials, which: &Which, window: Window) -> Result<Credential> {
    match which {
        Which::TheRenewableOne => credentials.renewable(window, SystemTime::now()).only(),
        Which::Number(number) => {
            let by_thumbprint = |one: &&Credential| one.certificate().thumbprint() == number[..];
            match credentials.iter().find(by_thumbprint).cloned() {
                Some(one) => Ok(one),
                None => credentials.by_serial(&hex(number)).only(),
            }
        }
        Which::Certificate(der) => {
            // Somebody may have stored the certificate alone: its key is elsewhere.
            let same = |one: &&Credential| one.certificate().der() == der && one.key() != KeyState::Missing;
            let none = || Error::new(Code::CredentialNotFound).during(Step::ReadObjects);
            credentials.iter().find(same).cloned().ok_or_else(none)
        }
    }
}

/// The only one that is meant, wherever it is; the same certificate in two places is one. `None`: there is none.
fn only(elsewhere: Vec<Listed>, which: &Which) -> Option<Result<OldCertificate>> {
    let mut meant: Vec<OldCertificate> = Vec::new();
    for one in elsewhere.iter().filter(|one| which.means(one)).map(Listed::old) {
        if meant.iter().all(|known| known.certificate() != one.certificate()) {
            meant.push(one.clone());
        }
    }
    match (meant.pop(), meant.is_empty()) {
        (None, _) => None,
        (Some(only), true) => Some(Ok(only)),
        (Some(last), false) => {
            let error = Error::new(Code::OldAmbiguous).during(Step::ReadPlace);
            Some(Err(meant.iter().chain([&last]).fold(error, |error, one| {
                let (subject, serial, place) = (one.subject(), one.certificate().serial(), one.place());
                error.fact(Fact::Candidate, format!("{subject} (serial {serial}) {place}"))
            })))
        }
    }
}
