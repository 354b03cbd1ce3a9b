//! The string form of names (RFC 4514 §2 and §3).
//!
//! That of `x509_cert` knows neither the quoted form nor blanks around separators nor types with numbers above 32 bits,
//! and encodes nearly everything as UTF8String.

use std::iter::Peekable;
use std::str::Chars;

use der::asn1::{Any, ObjectIdentifier};
use der::{Decode, Encode};

use super::attribute::{KINDS, encode_value};
use crate::pki::asn1::oid;
use crate::pki::asn1::tlv::{self, SEQUENCE, SET};

/// The Name in DER; `None` when the text is not a name or an empty one.
pub(super) fn parse(text: &str) -> Option<Vec<u8>> {
    let mut chars = text.trim_start().chars().peekable();
    let mut rdns = vec![];
    let mut rdn = vec![];
    loop {
        rdn.push(attribute(&mut chars)?);
        let separator = chars.next();
        if separator == Some('+') {
            continue;
        }
        rdns.push(set_of(std::mem::take(&mut rdn))?);
        match separator {
            None => break,
            Some(',' | ';') => {}
            Some(_) => return None,
        }
    }
    rdns.reverse();
    Some(tlv::encode(SEQUENCE, &[&rdns.concat()]))
}

/// In the order of DER (X.690 §11.6); `None` where one stands there twice.
fn set_of(mut attributes: Vec<Vec<u8>>) -> Option<Vec<u8>> {
    let count = attributes.len();
    attributes.sort_unstable();
    attributes.dedup();
    (attributes.len() == count).then(|| tlv::encode(SET, &[&attributes.concat()]))
}

/// AttributeTypeAndValue (RFC 5280 §4.1.2.4).
fn attribute(chars: &mut Peekable<Chars<'_>>) -> Option<Vec<u8>> {
    let mut kind = String::new();
    loop {
        match chars.next()? {
            '=' => break,
            c if c.is_ascii_alphanumeric() || c == '.' || c == ' ' => kind.push(c),
            _ => return None,
        }
    }
    let (kind, oid) = known(kind.trim())?;
    while chars.next_if_eq(&' ').is_some() {}
    let value = if chars.next_if_eq(&'#').is_some() {
        Any::from_der(&base16ct::mixed::decode_vec(value(chars)?).ok()?).ok()?
    } else {
        encode_value(kind, &value(chars)?)?
    };
    Some(tlv::encode(SEQUENCE, &[&oid, &value.to_der().ok()?]))
}

/// The name of the type, and its OBJECT IDENTIFIER in DER.
fn known(kind: &str) -> Option<(&str, Vec<u8>)> {
    let kind = if kind.eq_ignore_ascii_case("E") { "emailAddress" } else { kind };
    let dotted = ObjectIdentifier::new(kind).ok();
    let is_meant = |name: &str, oid| name.eq_ignore_ascii_case(kind) || dotted == Some(oid);
    match KINDS.iter().find(|(name, oid)| is_meant(name, *oid)) {
        Some((name, oid)) => Some((name, oid::encode(*oid))),
        None => Some((kind, oid::encode_dotted(kind)?)),
    }
}

/// A value up to the next separator, unescaped; blanks at its end are kept only where they are escaped.
fn value(chars: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut bytes = Vec::new();
    let mut kept = 0;
    if chars.next_if_eq(&'"').is_some() {
        return quoted(chars);
    }
    while let Some(c) = chars.next_if(|c| !matches!(c, ',' | ';' | '+')) {
        match c {
            '\\' => escape(chars, &mut bytes)?,
            '"' | '<' | '>' | '\0' => return None,
            c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        if c != ' ' {
            kept = bytes.len();
        }
    }
    bytes.truncate(kept);
    String::from_utf8(bytes).ok()
}

/// The older form of RFC 2253, which people still write: `O="Example, Inc."`.
fn quoted(chars: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        match chars.next()? {
            '"' => break,
            '\\' => escape(chars, &mut bytes)?,
            c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    while chars.next_if_eq(&' ').is_some() {}
    String::from_utf8(bytes).ok()
}

fn escape(chars: &mut Peekable<Chars<'_>>, bytes: &mut Vec<u8>) -> Option<()> {
    let c = chars.next()?;
    match c {
        ' ' | '"' | '#' | '+' | ',' | ';' | '<' | '=' | '>' | '\\' => bytes.push(c as u8),
        high => {
            let digits = [high, chars.next()?];
            bytes.push(u8::try_from(digits[0].to_digit(16)? * 16 + digits[1].to_digit(16)?).ok()?);
        }
    }
    Some(())
}
