//! What is said about one error.

use std::fmt;

use super::lang::Lang;
use super::printable::printable;
use crate::error::{Error, Fact};

/// What is said about an error, in one language.
///
/// `Display` is several lines for a person: the sentence, the values that go with it, what to do next, and a
/// last line for support. [`Report::one_line`] is the same for a log.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    lang: Lang,
    /// What went wrong, as one sentence.
    pub sentence: String,
    /// The values with their labels, in the order in which they were added.
    pub facts: Vec<(&'static str, String)>,
    /// What the person should do next.
    pub next_action: String,
    /// Whom to call, in the order in which they were added.
    pub contacts: Vec<String>,
    /// What support wants to know, the same in every language: number and name of the code, the step, and the
    /// PKCS#11 function with its return value, such as `302 pin_locked; log_in; C_Login: CKR_PIN_LOCKED (0xa4)`.
    pub support: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report(Lang::En).one_line())
    }
}

impl Error {
    /// What is said about this error in that language.
    pub fn report(&self, lang: Lang) -> Report {
        let message = self.code().message(lang);
        Report {
            lang,
            sentence: message.sentence.to_owned(),
            facts: self.facts().map(|(fact, value)| (fact.label(lang), fact.words(value, lang))).collect(),
            next_action: message.next_action.to_owned(),
            contacts: Vec::new(),
            support: self.support(),
        }
    }
}

impl Report {
    /// The same with another next action, such as a bank's own.
    #[must_use]
    pub(crate) fn with_next_action(mut self, next: impl Into<String>) -> Self {
        self.next_action = next.into();
        self
    }

    /// What is said of this error in other words: those of a bank. Values from outside stay as they are.
    #[must_use]
    pub(crate) fn in_words(mut self, error: &Error, say: impl Fn(&str) -> String) -> Self {
        self.sentence = say(&self.sentence);
        self.next_action = say(&self.next_action);
        for ((_, words), (_, value)) in self.facts.iter_mut().zip(error.facts()) {
            if words != value {
                *words = say(words);
            }
        }
        self
    }

    /// Adds whom to call.
    #[must_use]
    pub(crate) fn with_contact(mut self, contact: impl Into<String>) -> Self {
        self.contacts.push(contact.into());
        self
    }

    /// All of it on one line, for a log.
    pub fn one_line(&self) -> String {
        let mut line = printable(&self.sentence).into_owned();
        let gap = if self.lang == Lang::Ja { "" } else { " " };
        if !self.facts.is_empty() {
            let facts: Vec<String> = self
                .facts
                .iter()
                .map(|(label, value)| format!("{label}: {}", printable(value.trim())))
                .collect();
            line.push_str(gap);
            line.push_str(&format!("({})", facts.join("; ")));
        }
        line.push_str(gap);
        line.push_str(&printable(&self.next_action));
        if !self.contacts.is_empty() {
            let contacts = self.contacts.join(", ");
            line.push_str(&format!("{gap}{}: {}", Fact::Contact.label(self.lang), printable(&contacts)));
        }
        format!("{line} [{}]", self.support)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", printable(&self.sentence))?;
        for (label, value) in &self.facts {
            // What a program said may have several lines; they stay together under their label.
            let mut lines = value.lines();
            writeln!(f, "  {label}: {}", printable(lines.next().unwrap_or_default()))?;
            for line in lines {
                writeln!(f, "    {}", printable(line))?;
            }
        }
        writeln!(f, "{}", printable(&self.next_action))?;
        for contact in &self.contacts {
            writeln!(f, "{}: {}", Fact::Contact.label(self.lang), printable(contact))?;
        }
        write!(f, "[{}]", self.support)
    }
}
