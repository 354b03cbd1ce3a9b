//! Takes a response out of its wrappings, one after the other, until nothing is left to unwrap.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};

use super::skipped::{Skipped, Unusable, verdict};
use super::{MAX_CERTIFICATES, Response, content, magic, mail, text};
use crate::error::Result;
use crate::pki::asn1::tlv::SEQUENCE;
use crate::pki::certificate::Certificate;

/// How many wrappings may lie around each other: a base64 of a page in a forwarded mail has four.
const MAX_DEPTH: u8 = 8;

/// How many bytes are looked at for each byte of the response, over all wrappings and attempts. A page in a mail
/// needs about six.
const WORK_PER_BYTE: usize = 16;

/// What is looked at whatever the size.
const WORK_AT_LEAST: usize = 64 * 1024;

/// What has been read, and what is still to be unwrapped: the outer before the inner, so that work which runs out
/// is missing where it matters least.
pub(super) struct Reader {
    certificates: Vec<Certificate>,
    skipped: Vec<Skipped>,
    waiting: VecDeque<(Vec<u8>, u8)>,
    seen: HashSet<u64>,
    hasher: RandomState,
    /// How many bytes may still be looked at.
    work: usize,
}

impl Reader {
    pub fn new(size: usize) -> Self {
        Reader {
            certificates: Vec::new(),
            skipped: Vec::new(),
            waiting: VecDeque::new(),
            seen: HashSet::new(),
            hasher: RandomState::new(),
            work: size.saturating_mul(WORK_PER_BYTE).saturating_add(WORK_AT_LEAST),
        }
    }

    /// Reads a whole response.
    pub fn read(mut self, bytes: &[u8]) -> Result<Response> {
        self.unwrap_all(bytes);
        if self.certificates.is_empty() {
            self.name_whole(bytes);
        }
        self.finish()
    }

    fn finish(mut self) -> Result<Response> {
        let certificates = std::mem::take(&mut self.certificates);
        // What was damaged in one reading of a text and whole in another is not lost.
        self.skipped.retain(|skipped| !certificates.iter().any(|whole| skipped.is_ruin_of(whole.der())));
        if certificates.is_empty() {
            return Err(verdict(&self.skipped));
        }
        Ok(Response { certificates, skipped: self.skipped })
    }

    fn unwrap_all(&mut self, bytes: &[u8]) {
        self.unwrap(bytes, 0);
        while let Some((bytes, depth)) = self.waiting.pop_front() {
            self.unwrap(&bytes, depth);
        }
    }

    fn unwrap(&mut self, bytes: &[u8], depth: u8) {
        if let Some(what) = magic::unusable(bytes) {
            return self.skip(Skipped::new(what, bytes));
        }
        let bytes = text::without_blanks_around(bytes);
        if bytes.first() == Some(&SEQUENCE) && !text::is_ascii_text(bytes) && self.elements(bytes, depth) {
            return;
        }
        let text = text::decode(bytes);
        mail::parts(bytes, |part| self.later(part, depth));
        text::runs(self, &text, depth);
        for layer in text::LAYERS {
            if let Some(inner) = layer(&text) {
                self.later(inner.into_bytes(), depth);
            }
        }
    }

    /// Reads ASN.1 elements one after another; `false` when none came through: it may be text that begins alike.
    fn elements(&mut self, bytes: &[u8], depth: u8) -> bool {
        let mut rest = bytes;
        let mut any = false;
        for _ in 0..MAX_ELEMENTS {
            if rest.first() != Some(&SEQUENCE) {
                return any;
            }
            let element = content::read(rest);
            if !self.spend(element.taken) {
                break;
            }
            any |= element.is_known();
            rest = text::without_blanks_around(rest.get(element.taken..).unwrap_or_default());
            self.take(element, depth);
        }
        self.skip(Skipped::new(Unusable::Surplus, rest));
        any
    }

    /// Takes over what an element held.
    pub fn take(&mut self, element: content::Element, depth: u8) {
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
    pub fn skip(&mut self, skipped: Skipped) {
        if self.skipped.len() < MAX_SKIPPED && !self.skipped.contains(&skipped) {
            self.skipped.push(skipped);
        }
    }

    /// Whether something of that kind was noted.
    pub fn has_skipped(&self, is_it: impl Fn(&Unusable) -> bool) -> bool {
        self.skipped.iter().any(|skipped| is_it(skipped.what()))
    }

    /// Lets what came out of a wrapping be looked at when it is its turn.
    pub fn later(&mut self, inner: Vec<u8>, depth: u8) {
        if depth < MAX_DEPTH && self.spend(inner.len()) && self.seen.insert(self.hasher.hash_one(&inner)) {
            self.waiting.push_back((inner, depth + 1));
        }
    }

    /// Whether that many more bytes may be looked at.
    pub fn spend(&mut self, bytes: usize) -> bool {
        let left = self.work.checked_sub(bytes);
        self.work = left.unwrap_or(0);
        left.is_some()
    }

    /// Says what the response as a whole is, when no certificate came out of it and it is not named yet.
    fn name_whole(&mut self, bytes: &[u8]) {
        let named = text::name(bytes, self);
        if self.skipped.is_empty() || !matches!(named.what(), Unusable::Text | Unusable::Other(_)) {
            self.skip(named);
        }
    }
}

/// How many elements in a row are looked at.
const MAX_ELEMENTS: usize = 4 * MAX_CERTIFICATES;

/// How many parts that cannot be used are remembered.
const MAX_SKIPPED: usize = 64;

/// How many bytes were looked at beyond the response itself.
#[cfg(test)]
pub(super) fn cost(bytes: &[u8]) -> usize {
    let mut reader = Reader::new(bytes.len());
    let before = reader.work;
    reader.unwrap_all(bytes);
    before - reader.work
}
