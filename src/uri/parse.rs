//! Parsing (RFC 7512 §2.3, §2.4).
//!
//! An error names at most one attribute with its value, never the whole URI, and never anything that could be a
//! PIN: values of the query are not repeated.

use std::str::FromStr;

use percent_encoding::percent_decode_str;

use super::text::Text;
use super::{ObjectType, TokenUri};
use crate::error::{Code, Error, Fact, Result};

const SCHEME: &str = "pkcs11:";
const ESCAPE: &str = "%00 … %FF";

impl FromStr for TokenUri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        refuse_pin(text)?;
        let rest = match text.split_at_checked(SCHEME.len()) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case(SCHEME) => rest,
            _ => return Err(bad().fact(Fact::Expected, SCHEME)),
        };
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let mut uri = TokenUri::default();
        for attribute in attributes(path, ';') {
            uri.take_from_path(Attribute::parse(attribute, Part::Path)?)?;
        }
        for attribute in query.into_iter().flat_map(|query| attributes(query, '&')) {
            uri.take_from_query(Attribute::parse(attribute, Part::Query)?)?;
        }
        Ok(uri)
    }
}

/// Searches for an attribute named `pin-value` or `pin-source` before anything else, wherever it stands and however it is
/// written, so that no other error can repeat what follows it.
fn refuse_pin(text: &str) -> Result<()> {
    let names = text.split([':', ';', '&', '?']).map(|attribute| match attribute.split_once('=') {
        Some((name, _)) => name,
        None => attribute,
    });
    let plain = |name: &str| percent_decode_str(name).decode_utf8_lossy().trim().to_ascii_lowercase();
    let names: Vec<String> = names.map(plain).collect();
    let is_there = |wanted: [&str; 2]| names.iter().any(|name| wanted.contains(&name.as_str()));
    if is_there(["pin-value", "pin_value"]) {
        return Err(Error::new(Code::PinInUri));
    }
    if is_there(["pin-source", "pin_source"]) {
        return Err(Error::new(Code::PinSourceInUri));
    }
    Ok(())
}

/// The attributes of one part; an empty part has none.
fn attributes(part: &str, separator: char) -> impl Iterator<Item = &str> {
    part.split(separator).filter(move |_| !part.is_empty())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    Query,
}

struct Attribute<'a> {
    name: &'a str,
    value: &'a str,
    part: Part,
}

impl<'a> Attribute<'a> {
    fn parse(text: &'a str, part: Part) -> Result<Self> {
        let Some((name, value)) = text.split_once('=') else {
            let found = if part == Part::Path { text } else { "" };
            return Err(bad().fact(Fact::Found, found).fact(Fact::Expected, "name=value"));
        };
        let attribute = Attribute { name, value, part };
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
            return Err(attribute.bad().fact(Fact::Expected, "A-Z a-z 0-9 - _"));
        }
        if let Some(odd) = value.chars().find(|c| !allowed(*c, part)) {
            // Blanks and letters outside ASCII are the usual mistakes; the escape tells how to write them.
            let mut bytes = [0; 4];
            let escaped: String = odd.encode_utf8(&mut bytes).bytes().map(|b| format!("%{b:02X}")).collect();
            return Err(attribute.bad().fact(Fact::Expected, escaped));
        }
        Ok(attribute)
    }

    fn bad(&self) -> Error {
        match self.part {
            Part::Path => bad().fact(Fact::Found, format_args!("{}={}", self.name, self.value)),
            Part::Query => bad().fact(Fact::Found, self.name),
        }
    }

    fn bytes(&self) -> Result<Vec<u8>> {
        let escapes_are_whole = self.value.split('%').skip(1).all(|after| {
            after.as_bytes().first_chunk::<2>().is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
        });
        if !escapes_are_whole {
            return Err(self.bad().fact(Fact::Expected, ESCAPE));
        }
        Ok(percent_decode_str(self.value).collect())
    }

    fn text(&self) -> Result<String> {
        String::from_utf8(self.bytes()?).map_err(|_| self.bad().fact(Fact::Expected, "UTF-8"))
    }

    /// A value that is held against what a driver says: stripped as that is, for programs print a padded field as it
    /// stands, whatever it is padded with and in whatever alphabet.
    fn stripped(&self) -> Result<Text> {
        self.bytes().map(|bytes| Text::of(&bytes))
    }

    fn slot_id(&self) -> Result<u64> {
        decimal(self.value).ok_or_else(|| self.bad().fact(Fact::Expected, "0 … 18446744073709551615"))
    }

    /// `M` stands for `M.0` (RFC 7512 §2.3). Both numbers are one byte in CK_VERSION.
    fn version(&self) -> Result<(u8, u8)> {
        let (major, minor) = self.value.split_once('.').unwrap_or((self.value, "0"));
        decimal(major)
            .zip(decimal(minor))
            .ok_or_else(|| self.bad().fact(Fact::Expected, "M.N, 0.0 … 255.255"))
    }

    fn object_type(&self) -> Result<ObjectType> {
        let text = self.text()?;
        ObjectType::ALL.into_iter().find(|known| known.to_string() == text).ok_or_else(|| {
            self.bad().fact(Fact::Expected, ObjectType::ALL.map(|known| known.to_string()).join(", "))
        })
    }
}

impl TokenUri {
    fn take_from_path(&mut self, attribute: Attribute<'_>) -> Result<()> {
        let a = &attribute;
        match a.name {
            "token" => set(&mut self.token, a, Attribute::stripped),
            "manufacturer" => set(&mut self.manufacturer, a, Attribute::stripped),
            "serial" => set(&mut self.serial, a, Attribute::stripped),
            "model" => set(&mut self.model, a, Attribute::stripped),
            "library-manufacturer" => set(&mut self.library_manufacturer, a, Attribute::stripped),
            "library-version" => set(&mut self.library_version, a, Attribute::version),
            "library-description" => set(&mut self.library_description, a, Attribute::stripped),
            "object" => set(&mut self.object, a, Attribute::stripped),
            "type" => set(&mut self.object_type, a, Attribute::object_type),
            "id" => set(&mut self.id, a, Attribute::bytes),
            "slot-description" => set(&mut self.slot_description, a, Attribute::stripped),
            "slot-manufacturer" => set(&mut self.slot_manufacturer, a, Attribute::stripped),
            "slot-id" => set(&mut self.slot_id, a, Attribute::slot_id),
            name if self.unrecognized.iter().any(|(known, _)| known == name) => Err(duplicate(a)),
            name => {
                self.unrecognized.push((name.to_owned(), a.bytes()?));
                Ok(())
            }
        }
    }

    /// A vendor's attribute may stand twice in the query, a defined one may not (RFC 7512 §2.3).
    fn take_from_query(&mut self, attribute: Attribute<'_>) -> Result<()> {
        let a = &attribute;
        match a.name {
            "module-name" => set(&mut self.module_name, a, Attribute::text),
            "module-path" => set(&mut self.module_path, a, Attribute::text),
            name => {
                self.unrecognized_query.push((name.to_owned(), a.bytes()?));
                Ok(())
            }
        }
    }
}

fn set<'a, T>(
    field: &mut Option<T>,
    attribute: &Attribute<'a>,
    read: impl Fn(&Attribute<'a>) -> Result<T>,
) -> Result<()> {
    if field.is_some() {
        return Err(duplicate(attribute));
    }
    *field = Some(read(attribute)?);
    Ok(())
}

fn duplicate(attribute: &Attribute<'_>) -> Error {
    bad().fact(Fact::Found, format_args!("2 × {}", attribute.name)).fact(Fact::Expected, 1)
}

fn bad() -> Error {
    Error::new(Code::BadUri)
}

/// `str::parse` alone would accept a sign.
fn decimal<T: FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

/// pk11-pchar and pk11-qchar; `%` is checked with its digits.
fn allowed(c: char, part: Part) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '_' | '~' | '%' => true,
        ':' | '[' | ']' | '@' | '!' | '$' | '\'' | '(' | ')' | '*' | '+' | ',' | '=' => true,
        '&' => part == Part::Path,
        '/' | '?' | '|' => part == Part::Query,
        _ => false,
    }
}
