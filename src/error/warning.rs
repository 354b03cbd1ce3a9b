//! A warning with the values that belong to it.

use std::fmt;

use crate::error::{Fact, Notice};

/// Something that the person should know and that stops nothing, with its values. The sentences are in
/// [`crate::text`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[non_exhaustive]
pub struct Warning {
    /// What it is about.
    pub notice: Notice,
    facts: Vec<(Fact, String)>,
}

impl Warning {
    /// Adds a value. A kind of fact may stand several times.
    #[must_use]
    pub fn fact(mut self, fact: Fact, value: impl fmt::Display) -> Self {
        self.facts.push((fact, super::value::cut(value.to_string(), super::value::longest(fact))));
        self
    }

    /// The values, in the order in which they were added.
    pub fn facts(&self) -> impl Iterator<Item = (Fact, &str)> {
        self.facts.iter().map(|(fact, value)| (*fact, value.as_str()))
    }
}

/// Without values yet.
impl From<Notice> for Warning {
    fn from(notice: Notice) -> Self {
        Warning { notice, facts: Vec::new() }
    }
}

impl PartialEq<Notice> for Warning {
    fn eq(&self, notice: &Notice) -> bool {
        self.notice == *notice
    }
}
