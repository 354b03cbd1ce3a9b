//! Takes a response out of its wrappings, one after the other, until nothing is left to unwrap.

use super::found::{Found, Gathered, MAX_CERTIFICATES};
use super::skipped::{Skipped, Unusable, verdict};
use super::text::{self, mail};
use super::{content, naming};
use crate::error::Result;
use crate::pki::asn1::tlv::{OID, SEQUENCE};

/// How many elements in a row are examined.
const MAX_ELEMENTS: usize = 4 * MAX_CERTIFICATES;

/// Reads a whole response.
pub(super) fn read(bytes: &[u8]) -> Result<Gathered> {
    let mut found = Found::new(bytes.len());
    unwrap_all(bytes, &mut found);
    if !found.has_certificate() {
        name_whole(bytes, &mut found);
    }
    let gathered = found.gathered();
    if gathered.certificates.is_empty() {
        return Err(verdict(&gathered.skipped));
    }
    Ok(gathered)
}

fn unwrap_all(bytes: &[u8], found: &mut Found) {
    unwrap(bytes, 0, found);
    while let Some((bytes, depth)) = found.next() {
        unwrap(&bytes, depth, found);
    }
}

fn unwrap(bytes: &[u8], depth: u8, found: &mut Found) {
    if let Some(what) = naming::by_first_bytes(bytes) {
        return found.skip(Skipped::new(what, bytes));
    }
    let bytes = text::without_blanks_before(bytes);
    let is_binary = bytes.first() == Some(&SEQUENCE) && !text::is_ascii_text(bytes);
    if is_binary && elements(bytes, depth, found) {
        return;
    }
    let text = text::decode(bytes);
    mail::parts(bytes, |part| found.later(part, depth));
    text::runs(found, &text, depth);
    if !is_binary {
        elements_behind(bytes, depth, found);
    }
    if text::is_binary(&text) {
        return;
    }
    for layer in text::LAYERS {
        if let Some(inner) = layer(&text) {
            found.later(inner.into_bytes(), depth);
        }
    }
}

/// Reads ASN.1 elements one after another; `false` when none came through: it may be text that begins alike.
fn elements(bytes: &[u8], depth: u8, found: &mut Found) -> bool {
    let mut rest = bytes;
    let mut any = false;
    for _ in 0..MAX_ELEMENTS {
        if rest.first() != Some(&SEQUENCE) {
            // Padding; or another file, text or not.
            if any && !rest.is_empty() {
                found.later(rest.to_vec(), depth);
            }
            return any;
        }
        let element = content::read(rest);
        if !found.spend(element.taken) {
            break;
        }
        any |= element.is_known();
        rest = text::without_blanks_before(rest.get(element.taken..).unwrap_or_default());
        found.take(element, depth);
    }
    found.skip(Skipped::new(Unusable::Surplus, rest));
    any
}

/// Hands on what has the form of a certificate or a message behind something else: files that were put together, a
/// text before a binary one, a file of a program with certificates in it.
fn elements_behind(bytes: &[u8], depth: u8, found: &mut Found) {
    let mut rest = bytes;
    while let Some(start) = rest.windows(5).position(begins_element) {
        let from = rest.get(start..).unwrap_or_default();
        let length = from.get(2..4).and_then(|length| length.try_into().ok()).map(u16::from_be_bytes);
        let element = from.get(..4 + usize::from(length.unwrap_or_default()));
        if let Some(element) = element {
            found.later(element.to_vec(), depth);
        }
        rest = from.get(element.map_or(1, <[u8]>::len)..).unwrap_or_default();
    }
}

/// A SEQUENCE of more than 255 bytes that begins with a SEQUENCE or an OBJECT IDENTIFIER.
fn begins_element(window: &[u8]) -> bool {
    matches!(window, [SEQUENCE, 0x82, _, _, SEQUENCE | OID, ..])
}

/// Says what the response as a whole is, when no certificate came out of it and nothing else says more.
fn name_whole(bytes: &[u8], found: &mut Found) {
    let text = text::for_people(text::without_blanks_before(bytes));
    let named =
        naming::by_words(bytes, &text, mail::is_mail(bytes) && !mail::is_http(bytes), found.skipped());
    let is_said = found.skipped().iter().any(|skipped| skipped.what == named.what);
    let says_little = matches!(named.what, Unusable::Text | Unusable::Other(_));
    if !is_said && (found.skipped().is_empty() || !says_little) {
        found.skip(named);
    }
}

/// How many bytes were examined beyond the response itself.
#[cfg(test)]
pub(super) fn cost(bytes: &[u8]) -> usize {
    let mut found = Found::new(bytes.len());
    let before = found.work();
    unwrap_all(bytes, &mut found);
    before - found.work()
}
