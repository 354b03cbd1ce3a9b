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
    /// The same of the certificate in whose place it was issued, where the token alone does not show that, and this program knows it by
    /// its own request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
    /// Whether it was shown then that both come from one CA.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    one_issuer: bool,
}

impl Installation {
    pub(super) fn new(certificate: &Certificate, day: Date) -> Self {
        Installation {
            version: VERSION,
            certificate: fingerprint(certificate),
            day,
            replaces: None,
            one_issuer: false,
        }
    }

    pub(super) fn in_place_of(self, old: &Certificate, one_issuer: bool) -> Self {
        Installation { replaces: Some(fingerprint(old)), one_issuer, ..self }
    }

    /// Whether this record alone tells a later process in whose place the certificate was issued: it has another subject than that one,
    /// or it is not shown that one CA has issued both.
    pub fn alone_shows_the_old(&self) -> bool {
        self.replaces.is_some()
    }

    /// Whether it says that the one was issued in the other one's place.
    pub(super) fn shows(&self, old: &Certificate, new: &Certificate) -> bool {
        self.version == VERSION
            && self.certificate == fingerprint(new)
            && self.replaces.as_ref().is_some_and(|replaces| *replaces == fingerprint(old))
    }

    /// Whether it says that one CA has issued both.
    pub(super) fn shows_one_issuer(&self, old: &Certificate, new: &Certificate) -> bool {
        self.one_issuer && self.shows(old, new)
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
