//! Where in a file something is wrong.

use std::fmt::Display;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Code, Error, Fact, Step};

/// The text of a profile, and what is found wrong in it.
pub(super) struct Faults<'t> {
    text: &'t str,
    found: Vec<(usize, Error)>,
}

impl<'t> Faults<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Faults { text, found: Vec::new() }
    }

    /// Notes what is wrong with the value that stands there.
    pub(super) fn add(
        &mut self,
        code: Code,
        span: Range<usize>,
        key: &str,
        add: impl FnOnce(Error) -> Error,
    ) {
        let error =
            at(Error::new(code).during(Step::ReadProfile).fact(Fact::Key, key), self.text, span.start);
        self.found.push((span.start, add(error)));
    }

    /// Notes a value that cannot be used, with what would be right.
    pub(super) fn bad(&mut self, span: Range<usize>, key: &str, found: impl Display, expected: impl Display) {
        self.add(Code::ProfileBadValue, span, key, |error| {
            error.fact(Fact::Found, found).fact(Fact::Expected, expected)
        });
    }

    /// Notes two keys that contradict each other; the place is the second one's.
    pub(super) fn contradiction(&mut self, span: Range<usize>, key: &str, other: &str) {
        self.add(Code::ProfileContradiction, span, key, |error| error.fact(Fact::Key, other));
    }

    /// All that was found, in the order of the file.
    pub(super) fn into_errors(mut self) -> Vec<Error> {
        self.found.sort_by_key(|(at, _)| *at);
        self.found.into_iter().map(|(_, error)| error).collect()
    }
}

/// Adds line and column of that byte.
pub(super) fn at(error: Error, text: &str, byte: usize) -> Error {
    let before = text.get(..byte).unwrap_or(text);
    let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = 1 + before.get(start..).unwrap_or_default().chars().count();
    error.fact(Fact::Line, line).fact(Fact::Column, column)
}

/// The error of the TOML reader, by what it says.
pub(super) fn of_toml(error: &toml::de::Error, text: &str) -> Error {
    let message = error.message();
    let begins = |start: &str| message.starts_with(start);
    let code = if begins("unknown field") {
        Code::ProfileUnknownKey
    } else if begins("missing field") {
        Code::ProfileMissingKey
    } else if begins("invalid type") {
        Code::ProfileWrongType
    } else if begins("unknown variant") || begins("invalid value") || begins("invalid length") {
        Code::ProfileBadValue
    } else {
        Code::ProfileSyntax
    };
    let start = error.span().map_or(0, |span| span.start);
    let first_line = message.lines().collect::<Vec<_>>().join("; ");
    let error_at = at(Error::new(code).during(Step::ReadProfile), text, start);
    let key = error.span().and_then(|span| key_at(text, &span));
    // What is missing stands nowhere: its table does.
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    let key = match (key, missing) {
        (Some(table), Some(missing)) if !table.is_empty() => Some(format!("{table}.{missing}")),
        (_, Some(missing)) => Some(missing.to_owned()),
        (key, None) => key.filter(|key| !key.is_empty()),
    };
    key.into_iter().fold(error_at, |error, key| error.fact(Fact::Key, key)).fact(Fact::Detail, first_line)
}

/// The key that stands there, or whose value does, with the tables that it stands in; empty for the whole file.
fn key_at(text: &str, place: &Range<usize>) -> Option<String> {
    let whole = DeTable::parse(text).ok()?;
    if whole.span() == *place {
        return Some(String::new());
    }
    whole.get_ref().iter().find_map(|(key, value)| {
        let name = key.get_ref().to_string();
        if key.span() == *place { Some(name) } else { within(value, name, place) }
    })
}

/// The same in a value whose key this is.
fn within(value: &Spanned<DeValue<'_>>, name: String, place: &Range<usize>) -> Option<String> {
    // An array of tables stands where its first table does.
    let below = match value.get_ref() {
        DeValue::Table(table) => table.iter().find_map(|(key, value)| {
            let below = format!("{name}.{}", key.get_ref());
            if key.span() == *place { Some(below) } else { within(value, below, place) }
        }),
        DeValue::Array(all) => {
            let mut all = all.iter().enumerate();
            all.find_map(|(at, value)| within(value, format!("{name}[{at}]"), place))
        }
        _ => None,
    };
    below.or_else(|| (value.span() == *place).then_some(name))
}
