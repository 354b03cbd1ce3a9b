//! Text around a response: every run of base64 in it, and what else the text may stand for.

use super::markup;
use crate::pki::name::text::eight_bit;

mod base64;
mod escapes;
pub(super) mod mail;
mod rtf;
mod zeros;

pub(super) use self::base64::runs;
use self::zeros::{Zeros, zeros};

/// Other texts that a text may stand for; `None` where there is nothing to undo.
pub(super) const LAYERS: [fn(&str) -> Option<String>; 11] = [
    escapes::columns,
    escapes::difference,
    escapes::percent,
    escapes::backslashes,
    escapes::narrow,
    escapes::utf7,
    rtf::text,
    markup::without_scripts,
    markup::without_tags,
    markup::without_entities,
    mail::quoted_printable,
];

/// Whether bytes that begin as an ASN.1 SEQUENCE does (an ASCII `0`) are text all the same.
pub(super) fn is_ascii_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}

/// Whether a text is none: one character in fifty is a control character.
pub(super) fn is_binary(text: &str) -> bool {
    let is_control = |c: &char| c.is_ascii_control() && !c.is_ascii_whitespace() && *c != '\u{1b}';
    let sample = text.chars().take(1000);
    sample.clone().filter(is_control).count() * 50 > sample.count()
}

/// Without blanks and a byte order mark of UTF-8 at the beginning.
pub(super) fn without_blanks_before(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let is_blank = |byte: &u8| byte.is_ascii_whitespace();
    let start = bytes.iter().position(|byte| !is_blank(byte)).unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or_default()
}

/// The text, from UTF-8 or from UTF-16 with or without byte order mark. Words may be in any other encoding: what
/// is searched for is ASCII in all of them. Invisible characters, which pages and chat programs put in, are left out.
pub(super) fn decode(bytes: &[u8]) -> String {
    let text = match (bytes, zeros(bytes)) {
        ([0xff, 0xfe, ..], _) | (_, Zeros::Odd) => encoding_rs::UTF_16LE.decode_with_bom_removal(bytes).0,
        ([0xfe, 0xff, ..], _) | (_, Zeros::Even) => encoding_rs::UTF_16BE.decode_with_bom_removal(bytes).0,
        _ => String::from_utf8_lossy(bytes),
    };
    let invisible =
        |c: char| matches!(c, '\0' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    let wide_blank = |c: char| !c.is_ascii() && c.is_whitespace();
    if !text.contains(|c| invisible(c) || wide_blank(c)) {
        return text.into_owned();
    }
    let visible = text.chars().filter(|c| !invisible(*c));
    visible.map(|c| if wide_blank(c) { ' ' } else { c }).collect()
}

/// The text as people read it, in whatever encoding it is.
pub(super) fn for_people(bytes: &[u8]) -> String {
    match zeros(bytes) {
        Zeros::None if !bytes.starts_with(b"\xff\xfe") && !bytes.starts_with(b"\xfe\xff") => eight_bit(bytes),
        _ => decode(bytes),
    }
}
