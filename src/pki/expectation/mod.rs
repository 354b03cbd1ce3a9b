//! Whether a certificate is the one that was asked for.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::calendar::{jst_date, jst_time};
use super::certificate::Certificate;
use super::name::{Name, SubjectRule};
use crate::error::{Code, Error, Fact, Notice, Result, Step, Warning};
use crate::pki::asn1::oid;
use crate::pki::key::public::PublicKey;

/// What a new certificate must be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expectation<'a> {
    /// The key that waits on the token.
    pub public_key: &'a PublicKey,
    /// The subject before, or else the one that was requested; `None` when neither is known.
    pub subject: Option<&'a Name>,
    /// How far the new subject may differ from that. Only [`SubjectRule::Exact`] refuses; what breaks the default
    /// rule is a warning.
    pub subject_rule: SubjectRule,
    /// The certificate that is renewed; `None` for a first one.
    pub old: Option<&'a Certificate>,
    /// The present time.
    pub now: SystemTime,
}

/// A check that a caller may relax. That the certificate belongs to the key is always checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Check {
    /// The subject is the one before, by the rule that was given.
    Subject,
    /// It has not ended.
    Validity,
    /// It ends later than the old one.
    LaterThanOld,
    /// Its serial number is not the old one's, where the issuer is the same.
    Serial,
    /// It is not a CA's.
    NotCa,
    /// The extended key usage allows client authentication.
    Purpose,
    /// The key usage allows signing.
    Usage,
}

impl Check {
    /// Every check that can be relaxed, in the order in which they are made.
    pub const ALL: &'static [Check] = &[
        Check::Subject,
        Check::NotCa,
        Check::Validity,
        Check::LaterThanOld,
        Check::Serial,
        Check::Purpose,
        Check::Usage,
    ];
}

/// The stable snake_case name, as it is serialized.
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Check::Subject => "subject",
            Check::Validity => "validity",
            Check::LaterThanOld => "later_than_old",
            Check::Serial => "serial",
            Check::NotCa => "not_ca",
            Check::Purpose => "purpose",
            Check::Usage => "usage",
        })
    }
}

/// Reads the stable name.
impl FromStr for Check {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = Check::ALL.iter().find(|known| known.to_string() == text).copied();
        known.ok_or_else(|| Error::new(Code::BadArgument).fact(Fact::Found, text))
    }
}

/// The checks that are relaxed: none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Check>", into = "Vec<Check>")]
pub struct Relax(u16);

impl Relax {
    /// Relaxes none.
    pub const NONE: Relax = Relax(0);

    /// Relaxes this one too.
    #[must_use]
    pub(crate) const fn and(self, check: Check) -> Self {
        Relax(self.0 | 1 << check as u16)
    }

    /// Whether it is relaxed.
    pub(crate) const fn contains(self, check: Check) -> bool {
        self.0 & (1 << check as u16) != 0
    }
}

impl From<Vec<Check>> for Relax {
    fn from(checks: Vec<Check>) -> Self {
        checks.into_iter().collect()
    }
}

impl From<Relax> for Vec<Check> {
    fn from(relax: Relax) -> Self {
        Check::ALL.iter().copied().filter(|check| relax.contains(*check)).collect()
    }
}

impl FromIterator<Check> for Relax {
    fn from_iter<I: IntoIterator<Item = Check>>(checks: I) -> Self {
        checks.into_iter().fold(Relax::NONE, Relax::and)
    }
}

impl Expectation<'_> {
    /// Checks a certificate.
    ///
    /// # Errors
    /// The first check that fails, with `Expected` and `Found`: [`Code::AnswerNoLeaf`] for another key, then
    /// [`Code::SubjectDiffers`], [`Code::IsCaCertificate`],
    /// [`Code::CertificateExpired`], [`Code::NotLaterThanOld`], [`Code::SerialSame`], [`Code::PurposeMissing`],
    /// [`Code::UsageMissing`].
    pub(crate) fn check(&self, leaf: &Certificate, relax: Relax) -> Result<()> {
        self.find_failure(leaf, relax).map_or(Ok(()), |error| Err(error.during(Step::CheckCertificate)))
    }

    /// What a person should know of a certificate that passes: a subject that the default rule does not allow, with
    /// the one before and the new one; a beginning that is later than the present time, with both; what a server may
    /// refuse it for; a usage that only CAs may have.
    pub(crate) fn warnings(&self, leaf: &Certificate, relax: Relax) -> Vec<Warning> {
        let rule = if relax.contains(Check::Subject) { SubjectRule::Any } else { self.subject_rule };
        let changed = self.subject.filter(|old| !rule.allows(old, leaf.subject())).map(|old| {
            Warning::from(Notice::SubjectChanged).fact(Fact::Expected, old).fact(Fact::Found, leaf.subject())
        });
        let begins_later = (self.now < leaf.not_before()).then(|| {
            Warning::from(Notice::NotYetValid)
                .fact(Fact::Now, jst_time(self.now))
                .fact(Fact::Begins, jst_time(leaf.not_before()))
        });
        let ca_usage = !leaf.is_ca() && leaf.key_usage().is_some_and(|usage| usage.key_cert_sign());
        let ca_usage = ca_usage.then(|| Notice::UsageOfCa.into());
        changed.into_iter().chain(begins_later).chain(doubts(leaf)).chain(ca_usage).collect()
    }

    fn find_failure(&self, leaf: &Certificate, relax: Relax) -> Option<Error> {
        if leaf.public_key() != self.public_key {
            let (expected, found) = (key_id(self.public_key), key_id(leaf.public_key()));
            return Some(differs(Code::AnswerNoLeaf, expected, found));
        }
        let checks = Check::ALL.iter().filter(|check| !relax.contains(**check));
        checks.copied().find_map(|check| self.failure(check, leaf))
    }

    fn failure(&self, check: Check, leaf: &Certificate) -> Option<Error> {
        match check {
            Check::Subject => self.subject(leaf),
            Check::NotCa => leaf.is_ca().then(|| differs(Code::IsCaCertificate, "CA:FALSE", "CA:TRUE")),
            Check::Validity => self.validity(leaf),
            Check::LaterThanOld => self.later_than_old(leaf),
            Check::Serial => self.serial(leaf),
            Check::Purpose => purpose(leaf),
            Check::Usage => leaf
                .key_usage()
                .filter(|usage| !usage.digital_signature())
                .map(|usage| differs(Code::UsageMissing, "digitalSignature", usage)),
        }
    }

    fn subject(&self, leaf: &Certificate) -> Option<Error> {
        let old = self.subject.filter(|_| self.subject_rule == SubjectRule::Exact)?;
        if leaf.subject() == old {
            return None;
        }
        let (expected, found) = (old.to_string(), leaf.subject().to_string());
        if expected != found {
            return Some(differs(Code::SubjectDiffers, expected, found));
        }
        // They read alike: the encodings differ, which only the bytes show.
        Some(
            differs(Code::SubjectDiffers, hex(old.der()), hex(leaf.subject().der()))
                .fact(Fact::Subject, found),
        )
    }

    /// A CA stamps the moment of issue and computers are minutes off, so a beginning in the future is no failure.
    fn validity(&self, leaf: &Certificate) -> Option<Error> {
        let ended = self.now > leaf.not_after();
        ended.then(|| {
            differs(Code::CertificateExpired, jst_time(self.now), jst_time(leaf.not_after()))
                .fact(Fact::Date, jst_date(leaf.not_after()))
        })
    }

    fn later_than_old(&self, leaf: &Certificate) -> Option<Error> {
        let old = self.old.filter(|old| leaf.not_after() <= old.not_after())?;
        Some(differs(
            Code::NotLaterThanOld,
            format_args!("> {}", jst_time(old.not_after())),
            jst_time(leaf.not_after()),
        ))
    }

    /// A serial number is unique only for its issuer (RFC 5280 §4.1.2.2).
    fn serial(&self, leaf: &Certificate) -> Option<Error> {
        let old = self.old.filter(|old| old.serial() == leaf.serial() && old.issuer() == leaf.issuer())?;
        Some(differs(Code::SerialSame, format_args!("≠ {}", old.serial()), leaf.serial()))
    }
}

/// What a server may refuse a certificate for, though it belongs to the key and is installed. Nothing old should go
/// before the new one has worked.
pub(crate) fn doubts(leaf: &Certificate) -> Vec<Warning> {
    let unknown = leaf.unknown_critical_extensions();
    let unreadable: Vec<&str> =
        leaf.unreadable_extensions().iter().map(String::as_str).chain(leaf.repeated_extensions()).collect();
    let found = [
        (leaf.allows_client_auth_only_as_any(), Notice::PurposeOnlyAny, String::new()),
        (!unknown.is_empty(), Notice::UnknownCritical, unknown.join(", ")),
        (!unreadable.is_empty(), Notice::ExtensionUnreadable, unreadable.join(", ")),
    ];
    let doubtful = found.into_iter().filter(|(doubtful, ..)| *doubtful);
    let warning = |(_, notice, detail): (bool, Notice, String)| match detail.is_empty() {
        true => Warning::from(notice),
        false => Warning::from(notice).fact(Fact::Detail, detail),
    };
    doubtful.map(warning).collect()
}

fn purpose(leaf: &Certificate) -> Option<Error> {
    let missing = |found: &str| differs(Code::PurposeMissing, oid::CLIENT_AUTH, found);
    if !leaf.allows_client_auth() {
        return Some(missing(&leaf.extended_key_usage().unwrap_or_default().join(", ")));
    }
    leaf.is_of_another_netscape_type().then(|| missing(&oid::name(oid::NETSCAPE_CERT_TYPE)))
}

fn differs(code: Code, expected: impl std::fmt::Display, found: impl std::fmt::Display) -> Error {
    Error::new(code).fact(Fact::Expected, expected).fact(Fact::Found, found)
}

fn key_id(key: &PublicKey) -> String {
    format!("{} {}", key.algorithm(), hex(&key.key_id()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
