//! The forms in which CAs answer.

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64, Encoding};
use cms::content_info::ContentInfo;
use der::{Decode, Encode};
use x509_cert::Certificate;

/// A form of answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One certificate in DER.
    Der,
    /// One certificate in PEM.
    Pem,
    /// The root, then the new certificate, then the issuing CA, in PEM, with text between.
    Bundle,
    /// PKCS#7 certs-only, DER.
    P7,
    /// PKCS#7 certs-only, PEM.
    P7Pem,
    /// PKCS#7 certs-only, base64 in lines without a header, as Microsoft's enrolment pages answer.
    P7Base64,
}

impl Form {
    /// Every form.
    pub const ALL: [Form; 6] = [Form::Der, Form::Pem, Form::Bundle, Form::P7, Form::P7Pem, Form::P7Base64];
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Form::Der => "der",
            Form::Pem => "pem",
            Form::Bundle => "bundle",
            Form::P7 => "p7",
            Form::P7Pem => "p7-pem",
            Form::P7Base64 => "p7-base64",
        })
    }
}

impl FromStr for Form {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Form::ALL
            .into_iter()
            .find(|form| form.to_string() == text)
            .ok_or(format!("no form of answer: {text}"))
    }
}

pub(crate) fn render(form: Form, certificate: &[u8], chain: &[&[u8]]) -> Vec<u8> {
    match form {
        Form::Der => certificate.to_vec(),
        Form::Pem => pem(certificate).into_bytes(),
        Form::Bundle => bundle(certificate, chain).into_bytes(),
        Form::P7 => pkcs7(certificate, chain),
        Form::P7Pem => armour("PKCS7", &pkcs7(certificate, chain)).into_bytes(),
        Form::P7Base64 => lines(&pkcs7(certificate, chain)).replace('\n', "\r\n").into_bytes(),
    }
}

pub(crate) fn pem(certificate: &[u8]) -> String {
    armour("CERTIFICATE", certificate)
}

fn bundle(certificate: &[u8], chain: &[&[u8]]) -> String {
    let mut order: Vec<&[u8]> = chain.iter().rev().copied().collect();
    order.insert(order.len().min(1), certificate);
    let texts = order.into_iter().enumerate().map(|(at, der)| format!("certificate {at}\n{}\n", pem(der)));
    texts.collect()
}

fn pkcs7(certificate: &[u8], chain: &[&[u8]]) -> Vec<u8> {
    let all = chain.iter().copied().chain([certificate]);
    let all: Vec<Certificate> = all.map(|der| Certificate::from_der(der).expect("a certificate")).collect();
    ContentInfo::try_from(all).expect("a certs-only message").to_der().expect("DER")
}

fn armour(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}-----END {label}-----\n", lines(der))
}

fn lines(der: &[u8]) -> String {
    let text = Base64::encode_string(der);
    let lines = text.as_bytes().chunks(64).map(|line| format!("{}\n", String::from_utf8_lossy(line)));
    lines.collect()
}
