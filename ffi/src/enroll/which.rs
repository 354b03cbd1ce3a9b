//! Which certificate a page means.

use std::time::SystemTime;

use base16ct::lower::encode_string as hex;
use usbtoken::error::{Fact, Step};
use usbtoken::pki::Window;
use usbtoken::{Certificate, Code, Credential, Credentials, Error, Response, Result};

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
    match Response::parse(&bytes)?.certificates() {
        [one] => Ok(Which::Certificate(one.der().to_vec())),
        _ => Err(args::bad("certificate", "not_exactly_one")),
    }
}

pub(super) fn chosen(credentials: Credentials, which: &Which, window: Window) -> Result<Credential> {
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
            let same = |one: &&Credential| one.certificate().der() == der;
            credentials.iter().find(same).cloned().ok_or_else(|| {
                let error = Error::new(Code::CredentialNotFound).during(Step::ReadObjects);
                match Certificate::from_der(der) {
                    Ok(wanted) => {
                        error.fact(Fact::Subject, wanted.subject()).fact(Fact::Serial, wanted.serial())
                    }
                    Err(_) => error,
                }
            })
        }
    }
}
