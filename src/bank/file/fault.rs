//! Where in a file something is wrong.

use std::fmt::Display;
use std::ops::Range;

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
    at(Error::new(code).during(Step::ReadProfile), text, start).fact(Fact::Detail, first_line)
}
