//! Whether a certificate is the one that was asked for.

use std::time::SystemTime;

use super::calendar::jst_date;
use super::certificate::Certificate;
use crate::error::code::Notice;
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::key::kind::KeyKind;
use crate::pki::key::public::PublicKey;

/// What a new certificate must be.
#[derive(Clone, Copy, Debug)]
pub struct Expectation<'a> {
    /// The key that waits on the token.
    pub public_key: &'a PublicKey,
    /// The subject that was requested, in DER; compared byte for byte.
    pub subject_der: &'a [u8],
    /// The certificate that is renewed; `None` for a first one.
    pub old: Option<&'a Certificate>,
    /// The kind of key that was requested.
    pub key_kind: Option<KeyKind>,
    /// The present time.
    pub now: SystemTime,
}

/// A check that a caller may relax. That the certificate belongs to the key is always checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Check {
    /// The subject is the one requested, byte for byte.
    Subject,
    /// It is valid now.
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
    /// The key is of the kind requested.
    Algorithm,
}

impl Check {
    /// Every check that can be relaxed, in the order in which they are made.
    pub const ALL: &'static [Check] = &[
        Check::Subject,
        Check::Algorithm,
        Check::NotCa,
        Check::Validity,
        Check::LaterThanOld,
        Check::Serial,
        Check::Purpose,
        Check::Usage,
    ];

    /// The stable snake_case name.
    pub const fn name(self) -> &'static str {
        match self {
            Check::Subject => "subject",
            Check::Validity => "validity",
            Check::LaterThanOld => "later_than_old",
            Check::Serial => "serial",
            Check::NotCa => "not_ca",
            Check::Purpose => "purpose",
            Check::Usage => "usage",
            Check::Algorithm => "algorithm",
        }
    }

    /// The check of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Check::ALL.iter().find(|check| check.name() == name).copied()
    }
}

/// The checks that are relaxed: none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relax(u16);

impl Relax {
    /// Relaxes none.
    pub const NONE: Relax = Relax(0);

    /// Relaxes this one too.
    #[must_use]
    pub const fn and(self, check: Check) -> Self {
        Relax(self.0 | 1 << check as u16)
    }

    /// Whether it is relaxed.
    pub const fn contains(self, check: Check) -> bool {
        self.0 & (1 << check as u16) != 0
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
    /// [`Code::SubjectDiffers`], [`Code::AlgorithmDiffers`], [`Code::IsCaCertificate`],
    /// [`Code::CertificateNotYetValid`], [`Code::CertificateExpired`], [`Code::NotLaterThanOld`],
    /// [`Code::SerialSame`], [`Code::PurposeMissing`], [`Code::UsageMissing`].
    pub fn check(&self, leaf: &Certificate, relax: Relax) -> Result<()> {
        self.find_failure(leaf, relax).map_or(Ok(()), |error| Err(error.during(Step::CheckCertificate)))
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
            Check::Algorithm => self.algorithm(leaf),
            Check::NotCa => leaf.is_ca().then(|| differs(Code::IsCaCertificate, "CA:FALSE", "CA:TRUE")),
            Check::Validity => self.validity(leaf),
            Check::LaterThanOld => self.later_than_old(leaf),
            Check::Serial => self.serial(leaf),
            Check::Purpose => (!leaf.allows_client_auth()).then(|| {
                let purposes = leaf.extended_key_usage().unwrap_or_default().join(", ");
                differs(Code::PurposeMissing, crate::pki::asn1::oid::CLIENT_AUTH, purposes)
            }),
            Check::Usage => leaf
                .key_usage()
                .filter(|usage| !usage.digital_signature())
                .map(|usage| differs(Code::UsageMissing, "digitalSignature", usage)),
        }
    }

    fn subject(&self, leaf: &Certificate) -> Option<Error> {
        if leaf.subject().der() == self.subject_der {
            return None;
        }
        let expected =
            super::Name::from_der(self.subject_der).map(|name| name.to_string()).unwrap_or_default();
        let found = leaf.subject().to_string();
        if expected != found {
            return Some(differs(Code::SubjectDiffers, expected, found));
        }
        // They read alike: the encodings differ, which only the bytes show.
        Some(
            differs(Code::SubjectDiffers, hex(self.subject_der), hex(leaf.subject().der()))
                .fact(Fact::Subject, found),
        )
    }

    fn algorithm(&self, leaf: &Certificate) -> Option<Error> {
        let expected = self.key_kind?.algorithm();
        let found = leaf.public_key().algorithm();
        (expected != found).then(|| differs(Code::AlgorithmDiffers, expected, found))
    }

    fn validity(&self, leaf: &Certificate) -> Option<Error> {
        let now = instant(self.now);
        if self.now < leaf.not_before() {
            let begin = instant(leaf.not_before());
            return Some(
                differs(Code::CertificateNotYetValid, now, begin)
                    .fact(Fact::Date, jst_date(leaf.not_before())),
            );
        }
        if self.now > leaf.not_after() {
            let end = instant(leaf.not_after());
            return Some(
                differs(Code::CertificateExpired, now, end).fact(Fact::Date, jst_date(leaf.not_after())),
            );
        }
        None
    }

    fn later_than_old(&self, leaf: &Certificate) -> Option<Error> {
        let old = self.old.filter(|old| leaf.not_after() <= old.not_after())?;
        Some(differs(
            Code::NotLaterThanOld,
            format_args!("> {}", instant(old.not_after())),
            instant(leaf.not_after()),
        ))
    }

    /// A serial number is unique only for its issuer (RFC 5280 §4.1.2.2).
    fn serial(&self, leaf: &Certificate) -> Option<Error> {
        let old = self.old.filter(|old| old.serial() == leaf.serial() && old.issuer() == leaf.issuer())?;
        Some(differs(Code::SerialSame, format_args!("≠ {}", old.serial()), leaf.serial()))
    }
}

/// What a person should know of a certificate that is installed all the same.
pub(crate) fn remarks(leaf: &Certificate) -> Vec<Notice> {
    let ca_usage = !leaf.is_ca() && leaf.key_usage().is_some_and(|usage| usage.key_cert_sign());
    doubts(leaf).into_iter().chain(ca_usage.then_some(Notice::UsageOfCa)).collect()
}

/// What a server may refuse a certificate for, though it belongs to the key and is installed. Nothing old should go
/// before the new one has worked.
pub(crate) fn doubts(leaf: &Certificate) -> Vec<Notice> {
    let unreadable = !leaf.unreadable_extensions().is_empty() || !leaf.repeated_extensions().is_empty();
    let found = [
        (leaf.allows_client_auth_only_as_any(), Notice::PurposeOnlyAny),
        (!leaf.unknown_critical_extensions().is_empty(), Notice::UnknownCritical),
        (unreadable, Notice::ExtensionUnreadable),
    ];
    found.into_iter().filter(|(doubtful, _)| *doubtful).map(|(_, notice)| notice).collect()
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

/// An instant in Japan standard time, to the second.
fn instant(time: SystemTime) -> String {
    let zone = jiff::tz::Offset::constant(9);
    let limit = jiff::Timestamp::MAX;
    let timestamp = jiff::Timestamp::try_from(time).unwrap_or(limit);
    zone.to_datetime(timestamp).strftime("%Y-%m-%d %H:%M:%S JST").to_string()
}

#[cfg(test)]
mod tests;
