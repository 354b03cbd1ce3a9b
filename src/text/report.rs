//! What is said about one error.

use std::fmt;

use super::lang::Lang;
use super::printable::printable;
use crate::error::{Code, Error, Fact};

/// What is said about an error, in one language.
///
/// `Display` is several lines for a person: the sentence, the values that go with it, what to do next, and a
/// last line for support. [`Report::one_line`] is the same for a log.
#[derive(Clone, Debug)]
pub struct Report {
    lang: Lang,
    code: Code,
    facts: Vec<(Fact, String)>,
    support: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report(Lang::En).one_line())
    }
}

impl Error {
    /// What is said about this error in that language.
    pub fn report(&self, lang: Lang) -> Report {
        let facts = self.facts().map(|(fact, value)| (fact, fact.words(value, lang))).collect();
        Report { lang, code: self.code(), facts, support: self.support() }
    }
}

impl Report {
    /// What went wrong, as one sentence.
    pub fn sentence(&self) -> &'static str {
        self.code.sentence(self.lang)
    }

    /// What the person should do next.
    pub fn next_action(&self) -> &'static str {
        self.code.next_action(self.lang)
    }

    /// What support wants to know, the same in every language: number and name of the code, the step, and the
    /// PKCS#11 function with its return value, such as `302 pin_locked; log_in; C_Login: CKR_PIN_LOCKED (0xa4)`.
    pub fn support(&self) -> &str {
        &self.support
    }

    /// The values with their labels, in the order in which they were added.
    pub fn facts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.facts.iter().map(|(fact, value)| (fact.label(self.lang), value.as_str()))
    }

    /// All of it on one line, for a log.
    pub fn one_line(&self) -> String {
        let mut line = self.sentence().to_owned();
        let gap = if self.lang == Lang::Ja { "" } else { " " };
        if !self.facts.is_empty() {
            let facts: Vec<String> =
                self.facts().map(|(label, value)| format!("{label}: {}", printable(value.trim()))).collect();
            line.push_str(gap);
            line.push_str(&format!("({})", facts.join("; ")));
        }
        format!("{line}{gap}{} [{}]", self.next_action(), self.support)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.sentence())?;
        for (label, value) in self.facts() {
            // What a program said may have several lines; they stay together under their label.
            let mut lines = value.lines();
            writeln!(f, "  {label}: {}", printable(lines.next().unwrap_or_default()))?;
            for line in lines {
                writeln!(f, "    {}", printable(line))?;
            }
        }
        writeln!(f, "{}", self.next_action())?;
        write!(f, "[{}]", self.support)
    }
}
