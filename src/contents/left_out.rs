//! What a list leaves out, and why: credentials by a choice, and what cannot be read as a certificate. Where none is left, that is
//! the answer.

use super::credential::Credential;
use super::held::HeldCertificate;
use crate::driver::StoredCertificate;
use crate::error::{Code, Error, Fact};
use crate::pki::{Certificate, FINGERPRINT, Window};
use base16ct::lower::encode_string as hex;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::SystemTime;

/// A certificate object that holds something that cannot be read as a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The CKA_ID.
    pub id: Vec<u8>,
    /// The CKA_LABEL.
    pub label: String,
    /// The length of the CKA_VALUE in bytes.
    pub size: usize,
    /// Why it cannot be read.
    pub reason: WhyUnreadable,
}

/// Why an object cannot be read as a certificate. [`Fact::Reason`] has words for the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WhyUnreadable {
    /// It ends before the length at its beginning says.
    Truncated,
    /// It has not the form of a certificate.
    NotACertificate,
    /// The driver does not give its value.
    NotGiven,
}

/// The stable snake_case name, as it is serialized.
impl fmt::Display for WhyUnreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WhyUnreadable::Truncated => "truncated",
            WhyUnreadable::NotACertificate => "not_a_certificate",
            WhyUnreadable::NotGiven => "not_given",
        })
    }
}

impl Unreadable {
    fn of(stored: &StoredCertificate) -> Self {
        // What begins as something else has no length that would mean anything.
        let is_cut_short = stored.der.starts_with(&[0x30]) && Certificate::is_cut_short(&stored.der);
        Unreadable {
            id: stored.id.clone(),
            label: stored.label.as_str().to_owned(),
            size: stored.der.len(),
            reason: match stored.given {
                false => WhyUnreadable::NotGiven,
                true if is_cut_short => WhyUnreadable::Truncated,
                true => WhyUnreadable::NotACertificate,
            },
        }
    }

    /// Whether nothing of it could be read, so that it may be any.
    pub(super) fn is_hidden(&self) -> bool {
        self.reason == WhyUnreadable::NotGiven && self.id.is_empty()
    }

    pub(super) fn may_have(&self, id: &[u8]) -> bool {
        self.is_hidden() || self.id == id
    }

    /// The object and why, as facts of an error or a notice.
    pub(crate) fn facts(&self) -> [(Fact, String); 2] {
        [(Fact::Candidate, self.to_string()), (Fact::Reason, self.reason.to_string())]
    }
}

/// Which object it is.
impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "id {}, label \"{}\", {} bytes", hex(&self.id), self.label, self.size)
    }
}

/// What is no certificate although it should be one, and as many objects as could not be read at all.
pub(super) fn unreadable(certificates: &[HeldCertificate], failed: usize) -> Vec<Unreadable> {
    let unparsed = certificates.iter().filter(|held| held.certificate.is_none());
    let unparsed = unparsed.map(|held| Unreadable::of(&held.stored));
    let reason = WhyUnreadable::NotGiven;
    let hidden = Unreadable { id: Vec::new(), label: String::new(), size: 0, reason };
    unparsed.chain(std::iter::repeat_n(hidden, failed)).collect()
}

/// A credential that `Credentials::renewable` left out: where none is left, why is the answer.
#[derive(Clone, Debug)]
pub(super) struct LeftOut {
    pub(super) credential: Credential,
    pub(super) window: Window,
    pub(super) now: SystemTime,
}

impl LeftOut {
    pub(super) fn why(&self) -> (&Credential, Window, SystemTime) {
        (&self.credential, self.window, self.now)
    }
}

/// Why there is none: of those that were left out, the one that matters most, and the others with their reasons. Of
/// several windows the one that opens first, of several ends the last.
pub(super) fn why_none<'c>(
    left_out: impl Iterator<Item = (&'c Credential, Window, SystemTime)>,
) -> Option<Error> {
    let mut why: Vec<((u8, i64), &Credential, Error)> = Vec::new();
    for (credential, window, now) in left_out {
        let Some(error) = credential.refusal(&window, now) else { continue };
        let days = credential.days_left(now);
        let rank = match error.code() {
            Code::AlreadyRenewed => (0, days),
            Code::NotYetRenewable => (1, days),
            Code::Expired => (2, -days),
            _ => (3, 0),
        };
        why.push((rank, credential, error));
    }
    why.sort_by_key(|(rank, ..)| *rank);
    let mut why = why.into_iter();
    let (_, _, first) = why.next()?;
    // Of one that is renewed the only candidate is the one that takes its place.
    let others = why.filter(|_| first.code() != Code::AlreadyRenewed);
    let others: Vec<String> =
        others.map(|(_, one, why)| format!("{}: {}", named(one), why.code().name())).collect();
    Some(others.iter().fold(first, |error, other| error.fact(Fact::Candidate, other)))
}

/// What tells a credential from others, on one line.
pub(super) fn named(credential: &Credential) -> String {
    let (subject, serial) = (credential.subject(), credential.certificate().serial());
    format!("{subject} (serial {serial}, id {})", hex(credential.id()))
}

/// The same of several; of those that no serial number and no identifier tells apart, also the fingerprint.
pub(super) fn each_named(list: &[Credential]) -> impl Iterator<Item = String> {
    let mut alike: HashMap<(&[u8], String), HashSet<&[u8]>> = HashMap::new();
    let mark = |one: &Credential| one.certificate().serial().to_string();
    for one in list {
        alike.entry((one.id(), mark(one))).or_default().insert(one.certificate().der());
    }
    list.iter().map(move |one| match alike.get(&(one.id(), mark(one))) {
        Some(several) if several.len() > 1 => {
            format!("{}, {FINGERPRINT}{}", named(one), hex(&one.certificate().fingerprint()))
        }
        _ => named(one),
    })
}
