//! Everything that is said to people.

use crate::error::Error;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// Japanese.
    Ja,
    /// English.
    En,
}

/// What is said about an error.
#[derive(Debug)]
pub struct Report(String);

impl Report {
    /// All of it on one line.
    pub fn one_line(&self) -> &str {
        &self.0
    }
}

impl Error {
    /// What is said about this error.
    pub fn report(&self, _lang: Lang) -> Report {
        Report(self.code().name().to_owned())
    }
}
