//! The values of names as text.

use std::fmt::{self, Write};

use base16ct::HexDisplay;
use encoding_rs::SHIFT_JIS;

use crate::pki::asn1::tlv::{self, Tlv};

/// Decodes a value for display: the five types of DirectoryString (RFC 5280 §4.1.2.4) and IA5String and its
/// like; anything else in the hexadecimal form of RFC 4514 §2.4.
pub(super) fn decode(value: Tlv<'_>) -> String {
    match value.tag {
        tlv::UTF8_STRING => String::from_utf8_lossy(value.value).into_owned(),
        // NumericString, PrintableString, IA5String, VisibleString: CAs put other bytes in them too.
        0x12 | tlv::PRINTABLE_STRING | tlv::IA5_STRING | 0x1a | tlv::TELETEX_STRING => eight_bit(value.value),
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
        _ => format!("#{:x}", HexDisplay(value.raw)),
    }
}

/// T.61 as it is really used: ASCII, UTF-8, Shift_JIS or Latin-1, whichever the bytes can be, in that order.
fn eight_bit(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    match SHIFT_JIS.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) if likely_japanese(&text) => text.into_owned(),
        _ => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// Latin-1 letters with accents are often valid Shift_JIS as well: `é` and `ü` are half-width katakana. Text
/// that has only those among its non-ASCII characters, and Latin letters too, is taken for Latin-1.
fn likely_japanese(text: &str) -> bool {
    let half_width = |c: char| ('\u{ff61}'..='\u{ff9f}').contains(&c);
    let full_width = text.chars().any(|c| !c.is_ascii() && !half_width(c));
    full_width || !text.chars().any(|c| c.is_ascii_lowercase())
}

/// A value with the escapes of RFC 4514 §2.4.
pub(super) struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
