//! Every run of base64 in a text.
//!
//! Labels, headers and words say nothing: a run is taken when it decodes to ASN.1, which knows its own length, or to
//! something that can be read in its turn. What stands on the next line does no harm.

use base64ct::{Base64Unpadded, Encoding};

use super::zeros::{Zeros, zeros};
use crate::pki::asn1::tlv::{INTEGER, OID, SEQUENCE};
use crate::pki::response::found::Found;
use crate::pki::response::skipped::{Skipped, Unusable};
use crate::pki::response::{content, naming};

/// A word of base64 that is at least this long is no word of a language.
pub(super) const LONG_TOKEN: usize = 40;

/// No line of base64 is shorter, apart from the last.
const SHORT_TOKEN: usize = 12;

/// How many lines in a row may stand between two of base64.
const MAX_LINES_BETWEEN: usize = 20;

/// No certificate and no message is shorter, in bytes.
const MIN_ELEMENT: usize = 64;

/// The beginnings in base64 of PEM, XML, HTML, JSON, ZIP, gzip and PDF.
const WRAPPED: [&str; 9] = ["LS0tL", "PD94b", "PGh0b", "PCFET", "eyJ", "ewo", "UEsDB", "H4sI", "JVBER"];

/// Tries every run of base64.
pub(in crate::pki::response) fn runs(found: &mut Found, text: &str, depth: u8) {
    let text = text.as_bytes();
    let mut at = 0;
    while let Some(start) = next_token(text, at) {
        let token = token(text, start);
        let after = start + token.len();
        at = if header(text, start).is_some() {
            asn1(found, text, start, depth).max(after)
        } else if token.len() >= LONG_TOKEN || WRAPPED.iter().any(|begin| token.starts_with(begin.as_bytes()))
        {
            wrapped(found, text, start, depth).max(after)
        } else {
            after
        };
    }
}

pub(super) fn in_alphabet(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}

/// The next place where base64 could begin: a letter of its alphabet after something else.
pub(super) fn next_token(text: &[u8], from: usize) -> Option<usize> {
    let found = text.get(from..)?.iter().position(|byte| in_alphabet(*byte))?;
    Some(from + found)
}

pub(super) fn token(text: &[u8], start: usize) -> &[u8] {
    let rest = text.get(start..).unwrap_or_default();
    let length = rest.iter().position(|byte| !in_alphabet(*byte)).unwrap_or(rest.len());
    rest.get(..length).unwrap_or_default()
}

/// What blanks within a line are: nothing, or what a form that was decoded once too often left of `+`.
#[derive(Clone, Copy, PartialEq)]
enum Blanks {
    Nothing,
    Plus,
}

/// Letters of base64 with blanks, line ends, marks of quotation and soft line breaks (RFC 2045 §6.7) passed over.
struct Run {
    letters: Vec<u8>,
    /// The place behind the last letter that was examined.
    end: usize,
    has_blanks: bool,
}

fn run(text: &[u8], start: usize, limit: usize, blanks: Blanks) -> Run {
    let mut run = Run { letters: Vec::new(), end: start, has_blanks: false };
    let mut line_begins = false;
    while run.letters.len() < limit
        && let Some(byte) = text.get(run.end)
    {
        match byte {
            b'\r' | b'\n' => line_begins = true,
            b' ' if blanks == Blanks::Plus => run.letters.push(b'+'),
            b' ' => run.has_blanks |= !line_begins,
            b'\t' | 0x0b | 0x0c => {}
            b'>' | b'|' if line_begins => {}
            // Old mail servers part a long line so.
            b'=' | b'!' if line_ends(text, run.end + 1) => line_begins = true,
            letter if in_alphabet(*letter) => {
                run.letters.push(*letter);
                line_begins = false;
            }
            _ => break,
        }
        run.end += 1;
    }
    run
}

fn line_ends(text: &[u8], at: usize) -> bool {
    text.get(at..).is_some_and(|rest| rest.starts_with(b"\n") || rest.starts_with(b"\r\n"))
}

/// Decodes letters of the alphabet; bits that fill no byte are left out.
pub(super) fn decode_base64(letters: &[u8]) -> Vec<u8> {
    let mut whole = letters.to_vec();
    whole.resize(letters.len().next_multiple_of(4), b'A');
    let decoded = std::str::from_utf8(&whole).ok().and_then(|text| Base64Unpadded::decode_vec(text).ok());
    let mut bytes = decoded.unwrap_or_default();
    bytes.truncate(letters.len() * 6 / 8);
    bytes
}

/// How long the element is that begins here, header included; `usize::MAX` for an indefinite length. `None` when
/// it does not look like one that is worth reading.
fn header(text: &[u8], start: usize) -> Option<usize> {
    // Every SEQUENCE (0x30) begins with this letter.
    if text.get(start) != Some(&b'M') {
        return None;
    }
    element_length(&decode_base64(&run(text, start, 16, Blanks::Nothing).letters))
}

fn element_length(head: &[u8]) -> Option<usize> {
    let (&SEQUENCE, rest) = head.split_first()? else { return None };
    let (&first, rest) = rest.split_first()?;
    let octets = if first < 0x80 { 0 } else { usize::from(first & 0x7f) };
    let (length, contents) = (rest.get(..octets).filter(|_| octets <= 4)?, rest.get(octets..)?);
    // A certificate, a message and a key begin with one of these; words that happen to begin with M do not.
    matches!(contents.first()?, &SEQUENCE | &OID | &INTEGER).then_some(())?;
    Some(match first {
        0x80 => usize::MAX,
        short @ 0..0x80 => usize::from(short) + 2,
        _ => length.iter().fold(0, |length, octet| length << 8 | usize::from(*octet)) + 2 + octets,
    })
}

/// How many letters so many bytes take.
const fn letters_of(bytes: usize) -> usize {
    bytes.saturating_mul(4).div_ceil(3)
}

/// Reads the ASN.1 elements that stand in one run; gives the place to go on at.
fn asn1(found: &mut Found, text: &[u8], start: usize, depth: u8) -> usize {
    let Some((element, read)) = element(found, text, start, 0, Blanks::Nothing) else { return text.len() };
    // Where a short line stands between long ones it may be no part of it, even if it decodes.
    let is_even = is_even(text.get(start..read.end).unwrap_or_default());
    let is_interrupted = header(text, start).is_some_and(|length| read.letters.len() < letters_of(length));
    if (!is_even || is_interrupted)
        && let Some((restored, end)) = element_between_lines(found, text, start)
    {
        found.take(restored, depth);
        return end;
    }
    if element.is_whole() {
        let total = element.taken;
        found.take(element, depth);
        return further(found, text, start, total, depth).unwrap_or(read.end);
    }
    if read.has_blanks
        && let Some((restored, read)) = element_with_plus(found, text, start)
    {
        found.take(restored, depth);
        return read.end;
    }
    if is_base64url(text, read.end) {
        let letters = text.get(start..).unwrap_or_default();
        let end = letters.iter().position(|byte| !in_alphabet(*byte) && !matches!(byte, b'-' | b'_'));
        let letters = letters.get(..end.unwrap_or(letters.len())).unwrap_or_default();
        let named = Skipped::new(Unusable::Form("base64url"), &decode_base64(&read.letters));
        found.skip(named.of_size(letters.len()));
        return start + letters.len();
    }
    let first_token = token(text, start).len();
    if first_token < SHORT_TOKEN || read.letters.len() < LONG_TOKEN || element.taken < MIN_ELEMENT {
        // A word that begins as ASN.1 does, above or before the response.
        return start + first_token;
    }
    found.take(element, depth);
    run_end(text, start)
}

/// The element that begins `skip` bytes into the run; `None` when there is none, or no more work may be done.
fn element(
    found: &mut Found,
    text: &[u8],
    start: usize,
    skip: usize,
    blanks: Blanks,
) -> Option<(content::Element, Run)> {
    let head = decode_base64(&run(text, start, 20, blanks).letters);
    let length = element_length(head.get(skip..)?)?;
    let run = run(text, start, letters_of(length.saturating_add(skip)), blanks);
    found.spend(run.letters.len()).then_some(())?;
    let element = content::read(decode_base64(&run.letters).get(skip..)?);
    Some((element, run))
}

/// The same with blanks read as `+`, if that makes it whole.
fn element_with_plus(found: &mut Found, text: &[u8], start: usize) -> Option<(content::Element, Run)> {
    element(found, text, start, 0, Blanks::Plus).filter(|(element, _)| element.is_whole())
}

/// The element whose lines have other lines between them: a page's number, its header, a line of a form. Its header says
/// how many letters it has; its lines are those of one length, and the last what is left. With the place behind it.
fn element_between_lines(found: &mut Found, text: &[u8], start: usize) -> Option<(content::Element, usize)> {
    let length = element_length(&decode_base64(&run(text, start, 16, Blanks::Nothing).letters))?;
    let width = Some(token(text, start).len()).filter(|width| *width >= LONG_TOKEN)?;
    let total = letters_of(length);
    let (mut letters, mut at, mut others) = (Vec::new(), start, 0);
    while letters.len() < total && others < MAX_LINES_BETWEEN {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let line_length = rest.iter().position(|byte| *byte == b'\n' || *byte == b'\r').unwrap_or(rest.len());
        at += line_length + 1;
        let line = without_quotation(rest.get(..line_length)?);
        let padding = line.iter().rev().take_while(|byte| **byte == b'=').count();
        let line = line.get(..line.len() - padding)?;
        let is_next = line.len() == width.min(total - letters.len()) || (padding > 0 && line.len() <= width);
        if is_next && line.iter().all(|byte| in_alphabet(*byte)) {
            letters.extend_from_slice(line);
            others = 0;
        } else {
            others += 1;
        }
        found.spend(line_length + 1).then_some(())?;
    }
    let element = content::read(&decode_base64(letters.get(..total)?));
    element.is_whole().then_some((element, at.min(text.len())))
}

/// Whether all lines but the last are as long as the first.
fn is_even(run: &[u8]) -> bool {
    let mut lengths = run.split(|byte| *byte == b'\n').map(|line| without_quotation(line).len());
    let (first, _last) = (lengths.next(), lengths.next_back());
    lengths.all(|length| Some(length) == first)
}

/// A line without blanks and marks of quotation around it.
fn without_quotation(line: &[u8]) -> &[u8] {
    let is_mark = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'|');
    let begin = line.iter().position(|byte| !is_mark(byte)).unwrap_or(line.len());
    line.get(begin..).unwrap_or_default().trim_ascii_end()
}

/// Elements that were encoded together with one of `total` bytes, and so may begin in the middle of four letters.
fn further(found: &mut Found, text: &[u8], start: usize, total: usize, depth: u8) -> Option<usize> {
    let (mut start, mut total, mut end) = (start, total, None);
    loop {
        let aligned = run(text, start, total / 3 * 4, Blanks::Nothing);
        let Some((element, read)) = element(found, text, aligned.end, total % 3, Blanks::Nothing) else {
            return end;
        };
        (start, total, end) = (aligned.end, total % 3 + element.taken, Some(read.end));
        found.take(element, depth);
    }
}

/// A run stops at these two letters of the other alphabet (RFC 4648 §5), where an END line has five dashes.
fn is_base64url(text: &[u8], end: usize) -> bool {
    let rest = text.get(end..).unwrap_or_default();
    let others = rest.iter().take_while(|byte| matches!(byte, b'-' | b'_')).count();
    (1..5).contains(&others) && rest.get(others).is_some_and(|next| in_alphabet(*next))
}

/// Where the run ends, or the next element in it begins.
fn run_end(text: &[u8], start: usize) -> usize {
    let (mut at, mut in_token) = (start, true);
    while let Some(byte) = text.get(at) {
        let is_letter = in_alphabet(*byte);
        let is_between = matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | b'>' | b'|' | b'=');
        if !(is_letter || is_between) || (is_letter && !in_token && header(text, at).is_some()) {
            break;
        }
        in_token = is_letter;
        at += 1;
    }
    at
}

/// Reads a run of base64 that holds something else: a text with the response in it, or a file of another kind.
fn wrapped(found: &mut Found, text: &[u8], start: usize, depth: u8) -> usize {
    let end = run_end(text, start);
    let run = run(text.get(..end).unwrap_or_default(), start, usize::MAX, Blanks::Nothing);
    if !found.spend(run.letters.len()) {
        return text.len();
    }
    let decoded = decode_base64(&run.letters);
    if naming::by_first_bytes(&decoded).is_some() || is_likely_text(&decoded) {
        found.later(decoded, depth);
        return run.end;
    }
    if is_hexadecimal(&run.letters) {
        found.skip(Skipped::new(Unusable::Form("hexadecimal"), &run.letters));
    }
    run.end
}

fn is_likely_text(bytes: &[u8]) -> bool {
    let sample = bytes.get(..bytes.len().min(64)).unwrap_or_default();
    let odd = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace() && *byte != 0x1b;
    let is_utf16 = !matches!(zeros(sample), Zeros::None);
    sample.len() >= 16 && (is_utf16 || !sample.iter().any(odd) && std::str::from_utf8(bytes).is_ok())
}

/// A SEQUENCE of more than 127 bytes in hexadecimal.
fn is_hexadecimal(letters: &[u8]) -> bool {
    letters.starts_with(b"308") && letters.iter().all(u8::is_ascii_hexdigit)
}
