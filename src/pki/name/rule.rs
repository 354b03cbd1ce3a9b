//! Whether two names are the same, and how far the subject of a new certificate may differ from the old one's.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::{Name, text};
use crate::error::{Code, Error, Fact};
use crate::pki::asn1::tlv::{OID, Read, SEQUENCE, SET, Tlv};

/// How far the subject of a new certificate may differ from the old one's. What a request asks for is a wish: CAs
/// encode names anew, and some give each certificate a common name of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SubjectRule {
    /// Every attribute but the common name is the same, in the same order and as often, by the comparison of
    /// RFC 5280 §7.1. How sets divide them is no difference: some CAs put what is alike into one. A common name may be
    /// another one, and may stand elsewhere, but there are as many as before, and none of nothing but blanks; one may
    /// come where there was none. An empty name follows none but an empty one.
    #[default]
    CommonNameMayChange,
    /// The same bytes.
    Exact,
    /// Any name.
    Any,
}

impl SubjectRule {
    /// Every rule.
    pub const ALL: &'static [SubjectRule] =
        &[SubjectRule::CommonNameMayChange, SubjectRule::Exact, SubjectRule::Any];

    /// Whether the subject of a new certificate may follow the old one's.
    pub(crate) fn allows(self, old: &Name, new: &Name) -> bool {
        match self {
            SubjectRule::Any => true,
            SubjectRule::Exact => old == new,
            SubjectRule::CommonNameMayChange => old == new || same_but_for_common_name(old, new),
        }
    }
}

/// The stable name, as it is serialized.
impl fmt::Display for SubjectRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SubjectRule::CommonNameMayChange => "common-name-may-change",
            SubjectRule::Exact => "exact",
            SubjectRule::Any => "any",
        })
    }
}

/// Reads the stable name.
impl FromStr for SubjectRule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let known = SubjectRule::ALL.iter().find(|known| known.to_string() == text).copied();
        known.ok_or_else(|| Error::new(Code::BadArgument).fact(Fact::Found, text))
    }
}

impl Name {
    /// Whether the names are the same by RFC 5280 §7.1: the same attributes in the same order, whatever type of
    /// string, case and blanks the values are written in.
    pub(crate) fn matches(&self, other: &Name) -> bool {
        self == other || matches!((read(self), read(other)), (Ok(one), Ok(other)) if one == other)
    }

    /// Whether the names say the same of somebody: the same set of types and values, compared as in RFC 5280 §7.1, in whatever
    /// order they stand, however sets divide them and however often one is said. A value of nothing but blanks says nothing.
    ///
    /// CAs order the attributes anew, so this is how the names of users are compared. A chain is made by [`Name::matches`].
    pub(crate) fn has_same_attributes(&self, other: &Name) -> bool {
        self == other
            || matches!((read(self), read(other)), (Ok(one), Ok(other)) if said(&one) == said(&other))
    }
}

/// What a name says, without regard to order and repetition.
fn said<'n, 'a>(name: &'n [Rdn<'a>]) -> BTreeSet<&'n (&'a [u8], Value<'a>)> {
    name.iter().flatten().filter(|(_, value)| !value.is_blank()).collect()
}

/// id-at-commonName (2.5.4.3), the contents of the OBJECT IDENTIFIER.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

fn same_but_for_common_name(old: &Name, new: &Name) -> bool {
    let (Ok(old), Ok(new)) = (read(old), read(new)) else { return false };
    let (old_count, new_count) = (common_names(&old), common_names(&new));
    let as_many = old_count == new_count || (old_count == 0 && new_count == 1);
    // A set has no order of its own.
    let in_order = old.iter().chain(&new).all(|rdn| rdn.len() <= 1);
    let (mut old, mut new) = (but_for_common_name(old), but_for_common_name(new));
    if !in_order {
        old.sort_unstable();
        new.sort_unstable();
    }
    as_many && old == new
}

/// A RelativeDistinguishedName: a set, here in one order, so that equal sets are equal.
type Rdn<'a> = Vec<(&'a [u8], Value<'a>)>;

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Value<'a> {
    /// Prepared by [`prepare`].
    Text(String),
    /// The whole element of a type that has no characters.
    Other(&'a [u8]),
}

impl Value<'_> {
    /// Whether it is nothing but blanks.
    fn is_blank(&self) -> bool {
        matches!(self, Value::Text(text) if text.is_empty())
    }
}

fn read(name: &Name) -> Read<Vec<Rdn<'_>>> {
    Tlv::whole(&name.der)?.tagged(SEQUENCE)?.fields().map(|one| rdn(one?)).collect()
}

fn rdn(rdn: Tlv<'_>) -> Read<Rdn<'_>> {
    let mut attributes = rdn.tagged(SET)?.fields().map(|one| attribute(one?)).collect::<Read<Rdn<'_>>>()?;
    attributes.sort_unstable();
    Ok(attributes)
}

fn attribute(attribute: Tlv<'_>) -> Read<(&[u8], Value<'_>)> {
    let mut fields = attribute.tagged(SEQUENCE)?.fields();
    let kind = fields.expect(OID)?.value;
    let value = fields.any()?;
    let text = text::characters(value).map(|text| Value::Text(prepare(&text)));
    Ok((kind, text.unwrap_or(Value::Other(value.raw))))
}

/// How many common names there are. One of nothing but blanks names no one.
fn common_names(name: &[Rdn<'_>]) -> usize {
    let is_one = |(kind, value): &&(&[u8], Value<'_>)| *kind == COMMON_NAME && !value.is_blank();
    name.iter().flatten().filter(is_one).count()
}

/// The other attributes, without regard to how sets divide them.
fn but_for_common_name(name: Vec<Rdn<'_>>) -> Rdn<'_> {
    name.into_iter().flatten().filter(|(kind, _)| *kind != COMMON_NAME).collect()
}

/// The preparation of RFC 4518 §2 that RFC 5280 §7.1 asks for: map, fold case, normalise (NFKC), and take no account
/// of blanks at the ends and of how many there are between words. Nothing is prohibited: a name that holds what
/// §2.4 forbids is compared all the same.
fn prepare(text: &str) -> String {
    let folded: String = text.chars().filter_map(map).flat_map(fold).nfkc().flat_map(fold).nfkc().collect();
    folded.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// RFC 4518 §2.2, without the folding of case: what is a blank, and what is nothing.
fn map(c: char) -> Option<char> {
    match c {
        '\t'..='\r' | '\u{85}' => Some(' '),
        '\u{ad}' | '\u{34f}' | '\u{6dd}' | '\u{70f}' | '\u{1806}' | '\u{180b}'..='\u{180e}' => None,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2063}' => None,
        '\u{206a}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffc}' => None,
        '\u{1d173}'..='\u{1d17a}' | '\u{e0001}' | '\u{e0020}'..='\u{e007f}' => None,
        c if c.is_control() => None,
        // Zs, Zl and Zp.
        c if c.is_whitespace() => Some(' '),
        c => Some(c),
    }
}

/// Full case folding as far as the upper and lower cases of Unicode tell it: `ß` is `ss`, both small sigmas are one.
fn fold(c: char) -> impl Iterator<Item = char> {
    c.to_uppercase().flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests;
