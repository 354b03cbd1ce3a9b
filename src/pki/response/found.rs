//! What came out of a response so far, and what is still in a wrapping.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};

use super::content::Element;
use super::form::ResponseForm;
use super::skipped::{Skipped, Unusable};
use crate::pki::certificate::Certificate;

/// The most certificates that are taken from a response.
pub const MAX_CERTIFICATES: usize = 256;

/// How many wrappings may lie around each other: a base64 of a page in a forwarded mail has four.
const MAX_DEPTH: u8 = 8;

/// How many bytes are examined for each byte of the response, over all wrappings and attempts. A page in a mail
/// needs about six.
const WORK_PER_BYTE: usize = 16;

/// What is examined whatever the size.
const WORK_AT_LEAST: usize = 64 * 1024;

/// How many parts that cannot be used are remembered.
const MAX_SKIPPED: usize = 64;

/// What came out of a whole response.
pub(super) struct Gathered {
    pub(super) certificates: Vec<Certificate>,
    pub(super) forms: BTreeSet<ResponseForm>,
    pub(super) skipped: Vec<Skipped>,
}

/// What has been read, and what is still to be unwrapped: the outer before the inner, so that work which runs out
/// is missing where it matters least.
pub(super) struct Found {
    certificates: Vec<Certificate>,
    forms: BTreeSet<ResponseForm>,
    skipped: Vec<Skipped>,
    waiting: VecDeque<(Vec<u8>, u8)>,
    seen: HashSet<u64>,
    hasher: RandomState,
    /// How many bytes may still be examined.
    work: usize,
}

impl Found {
    /// Nothing yet, of a response of that size.
    pub(super) fn new(size: usize) -> Self {
        Found {
            certificates: Vec::new(),
            forms: BTreeSet::new(),
            skipped: Vec::new(),
            waiting: VecDeque::new(),
            seen: HashSet::new(),
            hasher: RandomState::new(),
            work: size.saturating_mul(WORK_PER_BYTE).saturating_add(WORK_AT_LEAST),
        }
    }

    /// Takes over what an element held, which lay that deep.
    pub(super) fn take(&mut self, element: Element, depth: u8) {
        self.forms.extend(element.form.filter(|_| !element.certificates.is_empty()));
        element.certificates.into_iter().for_each(|certificate| self.keep(certificate));
        element.skipped.into_iter().for_each(|skipped| self.skip(skipped));
        element.inner.into_iter().for_each(|inner| self.later(inner, depth));
    }

    fn keep(&mut self, certificate: Certificate) {
        if self.certificates.contains(&certificate) {
            return;
        }
        if self.certificates.len() >= MAX_CERTIFICATES {
            return self.skip(Skipped::new(Unusable::Surplus, &[]));
        }
        self.certificates.push(certificate);
    }

    /// Notes what cannot be used, once.
    pub(super) fn skip(&mut self, skipped: Skipped) {
        if self.skipped.len() < MAX_SKIPPED && !self.skipped.contains(&skipped) {
            self.skipped.push(skipped);
        }
    }

    /// Lets what came out of a wrapping that deep be examined when it is its turn.
    pub(super) fn later(&mut self, inner: Vec<u8>, depth: u8) {
        if depth < MAX_DEPTH && self.spend(inner.len()) && self.seen.insert(self.hasher.hash_one(&inner)) {
            self.waiting.push_back((inner, depth + 1));
        }
    }

    /// What is to be examined next, and how deep it lies.
    pub(super) fn next(&mut self) -> Option<(Vec<u8>, u8)> {
        self.waiting.pop_front()
    }

    /// Whether that many more bytes may be examined.
    pub(super) fn spend(&mut self, bytes: usize) -> bool {
        let left = self.work.checked_sub(bytes);
        self.work = left.unwrap_or(0);
        left.is_some()
    }

    /// Whether there is a certificate.
    pub(super) fn has_certificate(&self) -> bool {
        !self.certificates.is_empty()
    }

    /// What cannot be used.
    pub(super) fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// The certificates, and what is lost: not what was damaged in one reading of a text and whole in another.
    pub(super) fn gathered(mut self) -> Gathered {
        let is_whole =
            |skipped: &Skipped| self.certificates.iter().any(|whole| skipped.is_damaged_copy_of(whole.der()));
        self.skipped.retain(|skipped| !is_whole(skipped));
        Gathered { certificates: self.certificates, forms: self.forms, skipped: self.skipped }
    }

    /// How many more bytes may be examined.
    #[cfg(test)]
    pub(crate) fn work(&self) -> usize {
        self.work
    }
}
