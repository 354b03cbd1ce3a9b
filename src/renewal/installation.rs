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
}

impl Installation {
    pub(super) fn new(certificate: &Certificate, day: Date) -> Self {
        Installation { version: VERSION, certificate: fingerprint(certificate), day }
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
