//! Credentials that a choice left out, and why: where none is left, that is the answer.

use super::credential::{Credential, SeenKey};
use crate::error::{Code, Error, Fact};
use crate::pki::Window;
use base16ct::lower::encode_string as hex;
use std::collections::HashSet;
use std::time::SystemTime;

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

/// A certificate that is stored more than once with one identifier and one label is one credential.
pub(super) fn drop_copies(list: &mut Vec<Credential>) {
    let mut seen = HashSet::with_capacity(list.len());
    let stored = list.iter().map(|one| &one.stored);
    let first = stored.map(|stored| seen.insert((&stored.der[..], &stored.id[..], stored.label.bytes())));
    let first: Vec<bool> = first.collect();
    let mut first = first.into_iter();
    list.retain(|_| first.next().unwrap_or(true));
}

/// Takes the last of these. Where nothing but copies of one certificate is there, under whatever identifiers and labels, that is
/// the one beside its key, else one that has its key, and the others go with it.
pub(super) fn take_with_copies(list: &mut Vec<Credential>) -> Option<Credential> {
    let are_copies =
        list.windows(2).all(|two| matches!(two, [one, next] if one.certificate == next.certificate));
    if are_copies {
        list.sort_by_key(|one| match &one.key {
            SeenKey::Present(key) if key.id == one.stored.id => 0,
            SeenKey::Present(_) => 1,
            SeenKey::NotLookedFor | SeenKey::Missing => 2,
        });
        list.truncate(1);
    }
    list.pop()
}
