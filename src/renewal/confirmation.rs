//! The record of a login that worked: which certificate, at which address, when, and what the server said.

use std::time::{Duration, SystemTime};

use base16ct::lower::encode_string as hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::bank::Bank;
use crate::driver::TokenIdentity;
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{Certificate, jst_time};

/// The only version of the record that was ever written.
const VERSION: u32 = 1;

/// How far this computer's clock and a CA's may be apart.
const CLOCKS: Duration = Duration::from_secs(60 * 60);

/// For how many days a confirmation counts: a bank may have revoked the certificate since.
const DAYS: u64 = 30;

/// A login in which the bank's server took a certificate: what a program keeps, so that the old credential may go by a
/// policy of [`OldCredential::RemoveAfterConfirmation`](crate::bank::OldCredential) ([`Retire`](super::Retire)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    version: u32,
    token: TokenIdentity,
    /// SHA-256 of the certificate, in hexadecimal.
    certificate: String,
    serial: String,
    url: String,
    /// Seconds since 1970.
    at: u64,
    http_status: String,
    tls: String,
    /// The bank by whose profile it was made.
    #[serde(default)]
    bank: Option<String>,
    /// What that profile said of the login then ([`login_rules`]).
    #[serde(default)]
    login_rules: Option<String>,
}

impl Confirmation {
    /// The record of a login with this certificate at that address; `tls` is the version that was used, `http_status` the
    /// status line of the answer.
    pub fn new(
        token: &TokenIdentity,
        certificate: &Certificate,
        url: &str,
        at: SystemTime,
        (tls, http_status): (&str, &str),
    ) -> Self {
        Confirmation {
            version: VERSION,
            token: token.clone(),
            certificate: fingerprint(certificate),
            serial: certificate.serial().to_string(),
            url: url.to_owned(),
            at: at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs(),
            http_status: http_status.to_owned(),
            tls: tls.to_owned(),
            bank: None,
            login_rules: None,
        }
    }

    /// Made by what the profile of this bank says of the login: its address, and the CAs that vouch for the server.
    #[must_use]
    pub fn by_bank(mut self, bank: &Bank) -> Self {
        self.bank = Some(bank.id.clone());
        self.login_rules = Some(login_rules(bank));
        self
    }

    /// Whether it was made by what the profile of this bank says of the login now. Another profile, also one of the same
    /// name, may have let another server be the bank's.
    pub fn is_by(&self, bank: &Bank) -> bool {
        self.bank.as_ref() == Some(&bank.id) && self.login_rules == Some(login_rules(bank))
    }

    /// The token with the key.
    pub fn token(&self) -> &TokenIdentity {
        &self.token
    }

    /// SHA-256 of the certificate, in hexadecimal.
    pub fn fingerprint(&self) -> &str {
        &self.certificate
    }

    /// Whether it is about this certificate.
    pub fn is_of(&self, certificate: &Certificate) -> bool {
        self.version == VERSION && self.certificate == fingerprint(certificate)
    }

    /// The serial number of the certificate, in hexadecimal.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// The address at which the login was asked for.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// When the server answered, by the clock of this computer.
    pub fn at(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(self.at)).unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// The status line of the server's answer.
    pub fn http_status(&self) -> &str {
        &self.http_status
    }

    /// The version of TLS: `TLS 1.2` or `TLS 1.3`.
    pub fn tls(&self) -> &str {
        &self.tls
    }

    /// Checks that this is the confirmation of that certificate at that address, made since the certificate began and not more
    /// than 30 days ago.
    ///
    /// # Errors
    /// [`Code::RetireNotConfirmed`] with what does not fit.
    pub(super) fn check(&self, certificate: &Certificate, url: &str, now: SystemTime) -> Result<()> {
        let refuse = |expected: &dyn std::fmt::Display, found: &dyn std::fmt::Display| {
            let error = Error::new(Code::RetireNotConfirmed).during(Step::Retire);
            Err(error.fact(Fact::Expected, expected).fact(Fact::Found, found))
        };
        if !self.is_of(certificate) {
            return refuse(&certificate.serial(), &self.serial);
        }
        if self.url != url {
            return refuse(&url, &self.url);
        }
        let begin = certificate.not_before().checked_sub(CLOCKS).unwrap_or(SystemTime::UNIX_EPOCH);
        let at = self.at();
        if at < begin || now.checked_add(CLOCKS).is_some_and(|end| end < at) {
            return refuse(&jst_time(now), &jst_time(at));
        }
        match now.duration_since(at) {
            Ok(since) if since > Duration::from_secs(DAYS * 24 * 60 * 60) => {
                refuse(&format_args!("{DAYS} days"), &jst_time(at))
            }
            _ => Ok(()),
        }
    }
}

/// SHA-256, in hexadecimal, of what a profile says of the login: the address, the page after it, and the CAs of the server.
fn login_rules(bank: &Bank) -> String {
    let mut digest = Sha256::new();
    let mut add = |part: &[u8]| {
        // Each with its length: no two profiles make the same bytes.
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    };
    for address in [&bank.login_url, &bank.after_login] {
        add(address.as_deref().unwrap_or_default().as_bytes());
    }
    let (whose, anchors) = match bank.login_anchors.as_slice() {
        [] => ("system", bank.anchors.as_slice()),
        alone => ("alone", alone),
    };
    add(whose.as_bytes());
    let mut anchors: Vec<&[u8]> = anchors.iter().map(Certificate::der).collect();
    anchors.sort_unstable();
    anchors.into_iter().for_each(add);
    hex(&digest.finalize())
}

fn fingerprint(certificate: &Certificate) -> String {
    hex(&certificate.fingerprint())
}

#[cfg(test)]
mod tests;
