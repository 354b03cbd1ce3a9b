//! The record of an installation: which certificate, and on which day.

use base16ct::lower::encode_string as hex;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::pki::Certificate;

/// The only version of the record that was ever written.
const VERSION: u32 = 1;

/// On which day a certificate was installed: what a program keeps for a later process, where the bank takes a new one only some
/// days later ([`Begins`](crate::bank::Begins)). The token does not tell it, and what a CA writes may be days before.
/// [`Run::installations`](crate::Run::installations) takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installation {
    version: u32,
    /// SHA-256 of the certificate, in hexadecimal.
    certificate: String,
    /// In Japan, by the clock of the computer.
    day: Date,
    /// The same of the certificate in whose place it was issued, where that has another subject and this program knows it by its own
    /// request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
}

impl Installation {
    pub(super) fn new(certificate: &Certificate, day: Date) -> Self {
        Installation { version: VERSION, certificate: fingerprint(certificate), day, replaces: None }
    }

    pub(super) fn in_place_of(self, old: &Certificate) -> Self {
        Installation { replaces: Some(fingerprint(old)), ..self }
    }

    /// Whether the certificate has another subject than the one in whose place it was issued: then this record alone tells a later
    /// process that it renews that one.
    pub fn is_in_another_name(&self) -> bool {
        self.replaces.is_some()
    }

    /// Whether it says that the one was issued in the other one's place.
    pub(super) fn shows(&self, old: &Certificate, new: &Certificate) -> bool {
        self.version == VERSION
            && self.certificate == fingerprint(new)
            && self.replaces.as_ref().is_some_and(|replaces| *replaces == fingerprint(old))
    }

    /// SHA-256 of the certificate, in hexadecimal.
    pub fn fingerprint(&self) -> &str {
        &self.certificate
    }

    /// The day, where it is that of this certificate and has come: what a wrong clock has dated ahead says nothing.
    pub(super) fn day_of(&self, certificate: &Certificate, today: Date) -> Option<Date> {
        let is_it = self.version == VERSION && self.certificate == fingerprint(certificate);
        (is_it && self.day <= today).then_some(self.day)
    }
}

fn fingerprint(certificate: &Certificate) -> String {
    hex(&Sha256::digest(certificate.der()))
}
