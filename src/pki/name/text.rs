//! The values of names as text.

use std::borrow::Cow;
use std::fmt::{self, Write};

use base16ct::HexDisplay;
use encoding_rs::{EUC_JP, Encoding, ISO_2022_JP, SHIFT_JIS};

use super::attribute::ValueForm;
use crate::pki::asn1::tlv::{self, Tlv};

/// Decodes a value for display: the five types of DirectoryString (RFC 5280 §4.1.2.4) and IA5String and its
/// like; anything else in the hexadecimal form of RFC 4514 §2.4.
pub(super) fn decode(value: Tlv<'_>) -> (String, ValueForm) {
    match characters_or_near(value) {
        Some(text) if is_guess(value) => (text, ValueForm::Guess),
        Some(text) => (text, ValueForm::Text),
        None => (format!("#{:x}", HexDisplay(value.raw)), ValueForm::Hexadecimal),
    }
}

/// The characters of a string, with U+FFFD for what is none; `None` for other types.
fn characters_or_near(value: Tlv<'_>) -> Option<String> {
    Some(match value.tag {
        tlv::UTF8_STRING => String::from_utf8_lossy(value.value).into_owned(),
        // CAs put other bytes than their type allows in them too.
        tag if is_eight_bit(tag) => eight_bit(value.value),
        tlv::BMP_STRING => {
            let units = value.value.chunks(2).map(|unit| match unit {
                [high, low] => u16::from_be_bytes([*high, *low]),
                _ => 0xfffd,
            });
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        tlv::UNIVERSAL_STRING => {
            let codes = value.value.chunks(4).map(|code| match code {
                [a, b, c, d] => char::from_u32(u32::from_be_bytes([*a, *b, *c, *d])),
                _ => None,
            });
            codes.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        _ => return None,
    })
}

/// The characters of a value of one of these types, for comparison; `None` for other types and for bytes that are
/// no characters of their type, of which nothing is left out and nothing replaced.
pub(super) fn characters(value: Tlv<'_>) -> Option<String> {
    match value.tag {
        tlv::UTF8_STRING => std::str::from_utf8(value.value).ok().map(str::to_owned),
        tag if is_eight_bit(tag) => Some(eight_bit(value.value)),
        tlv::BMP_STRING => {
            let (units, rest) = value.value.as_chunks::<2>();
            let decoded = char::decode_utf16(units.iter().map(|unit| u16::from_be_bytes(*unit)));
            decoded.collect::<Result<String, _>>().ok().filter(|_| rest.is_empty())
        }
        tlv::UNIVERSAL_STRING => {
            let (codes, rest) = value.value.as_chunks::<4>();
            let decoded = codes.iter().map(|code| char::from_u32(u32::from_be_bytes(*code)));
            decoded.collect::<Option<String>>().filter(|_| rest.is_empty())
        }
        _ => None,
    }
}

/// Whether the characters of a value are a guess: bytes above ASCII in a type that says nothing of them. ISO-2022-JP
/// is none, because its escapes name the character sets (X.680 §41, table 8).
fn is_guess(value: Tlv<'_>) -> bool {
    is_eight_bit(value.tag) && !value.value.is_ascii()
}

/// NumericString, PrintableString, IA5String, VisibleString, TeletexString.
fn is_eight_bit(tag: u8) -> bool {
    matches!(tag, 0x12 | tlv::PRINTABLE_STRING | tlv::IA5_STRING | 0x1a | tlv::TELETEX_STRING)
}

/// Text without a word on its encoding, T.61 as it is really used: ISO-2022-JP where there are escapes, else whichever of UTF-8, Latin-1, Shift_JIS and
/// EUC-JP the bytes can be as a whole.
pub(in crate::pki) fn eight_bit(bytes: &[u8]) -> String {
    let whole = |encoding: &'static Encoding| {
        encoding.decode_without_bom_handling_and_without_replacement(bytes).map(Cow::into_owned)
    };
    let escaped = if bytes.contains(&0x1b) { whole(ISO_2022_JP) } else { None };
    let latin = || bytes.iter().map(|byte| char::from(*byte)).collect();
    if let Some(text) = escaped.or_else(|| std::str::from_utf8(bytes).ok().map(str::to_owned)) {
        return text;
    }
    if is_likely_latin(bytes) {
        return latin();
    }
    let shift_jis = whole(SHIFT_JIS).filter(|text| text.chars().all(|c| !is_half_width(c)) || is_kana(bytes));
    shift_jis.or_else(|| whole(EUC_JP)).or_else(|| whole(SHIFT_JIS)).unwrap_or_else(latin)
}

/// A letter with an accent stands between letters without: `Müller`. In Japanese the bytes above ASCII come in runs,
/// and few characters have their only such byte in this range.
fn is_likely_latin(bytes: &[u8]) -> bool {
    let is_accented = |byte: &u8| matches!(byte, 0xc0..=0xd6 | 0xd8..=0xf6 | 0xf8..=0xff);
    let mut runs = bytes.split(u8::is_ascii).filter(|run| !run.is_empty());
    bytes.iter().any(u8::is_ascii_alphabetic) && runs.all(|run| run.len() == 1 && run.iter().all(is_accented))
}

/// Half-width katakana only, as terminals of banks write names. The same bytes may be kanji in EUC-JP: they are when
/// each two are a common one (JIS X 0208 level 1), and the marks of sound that katakana nearly always have are missing.
fn is_kana(bytes: &[u8]) -> bool {
    let is_kanji = |pair: &[u8]| matches!(pair, [0xb0..=0xcf, trail] if !matches!(trail, 0xb0 | 0xdd..=0xdf));
    let mut runs = bytes.split(u8::is_ascii).filter(|run| !run.is_empty());
    bytes.iter().all(|byte| byte.is_ascii() || matches!(byte, 0xa1..=0xdf))
        && !runs.all(|run| run.chunks(2).all(is_kanji))
}

fn is_half_width(c: char) -> bool {
    ('\u{ff61}'..='\u{ff9f}').contains(&c)
}

/// A value with the escapes of RFC 4514 §2.4.
pub(super) struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-./:()_=".contains(&byte)) {
            return f.write_str(self.0);
        }
        let last = self.0.chars().count().saturating_sub(1);
        for (at, c) in self.0.chars().enumerate() {
            match c {
                '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(f, "\\{c}")?,
                ' ' if at == 0 || at == last => f.write_str("\\ ")?,
                '#' if at == 0 => f.write_str("\\#")?,
                c if c.is_control() => {
                    c.encode_utf8(&mut [0; 4]).bytes().try_for_each(|byte| write!(f, "\\{byte:02x}"))?;
                }
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
