//! Everything that is said to people, in Japanese and English.
//!
//! The rest of the crate deals in stable codes. Here each [`Code`], [`Notice`], [`Step`], [`Point`] and [`Fact`]
//! gets its words, by a `match` without a wildcard: a value without a sentence does not compile.
//! One folder a language; what they have in common is in this file.
//!
//! ```
//! use usbtoken::text::{Lang, printable};
//! use usbtoken::{Code, Error};
//!
//! let report = Error::new(Code::PinLocked).report(Lang::Ja).to_string();
//! assert!(report.starts_with(Code::PinLocked.sentence(Lang::Ja)));
//!
//! // What comes from a token or a CA cannot move the cursor or forge a line.
//! assert!(!printable("a\u{1b}[2Jb\n").contains('\u{1b}'));
//! ```
//!
//! Standards: dates are those of the calendar in Japan (UTC+9); names of people and CAs by RFC 4514.

mod en;
mod ja;
mod lang;
mod phrase;
mod printable;
mod report;
mod words;

pub use lang::Lang;
pub use phrase::Phrase;
pub use printable::printable;
pub use report::Report;
use words::Words;

use crate::error::{Code, Fact, Notice, Point, Step};

const fn of_code(code: Code, lang: Lang) -> Words {
    match lang {
        Lang::Ja => ja::code(code),
        Lang::En => en::code(code),
    }
}

const fn of_notice(notice: Notice, lang: Lang) -> Words {
    match lang {
        Lang::Ja => ja::notice(notice),
        Lang::En => en::notice(notice),
    }
}

impl Code {
    /// What went wrong, as one sentence.
    pub const fn sentence(self, lang: Lang) -> &'static str {
        of_code(self, lang).sentence
    }

    /// What the person should do next.
    pub const fn next_action(self, lang: Lang) -> &'static str {
        of_code(self, lang).next
    }
}

impl Notice {
    /// What the person should know, as one sentence.
    pub const fn sentence(self, lang: Lang) -> &'static str {
        of_notice(self, lang).sentence
    }

    /// What the person should do next.
    pub const fn next_action(self, lang: Lang) -> &'static str {
        of_notice(self, lang).next
    }
}

impl Step {
    /// What is being done now, for a display of progress.
    pub const fn sentence(self, lang: Lang) -> &'static str {
        match lang {
            Lang::Ja => ja::step(self),
            Lang::En => en::step(self),
        }
    }
}

impl Point {
    /// What is said when the point is in order.
    pub const fn sentence(self, lang: Lang) -> &'static str {
        match lang {
            Lang::Ja => ja::point(self),
            Lang::En => en::point(self),
        }
    }
}

impl Fact {
    /// The label that stands before a value of this kind.
    pub const fn label(self, lang: Lang) -> &'static str {
        match lang {
            Lang::Ja => ja::fact(self),
            Lang::En => en::fact(self),
        }
    }

    /// A value of this kind as people read it: a stable name in words, anything else as it is.
    pub fn words(self, value: &str, lang: Lang) -> String {
        let words = match lang {
            Lang::Ja => ja::fact_value(self, value),
            Lang::En => en::fact_value(self, value),
        };
        words.unwrap_or(value).to_owned()
    }
}

impl Phrase<'_> {
    /// The words in that language.
    pub fn text(&self, lang: Lang) -> String {
        match lang {
            Lang::Ja => ja::phrase(self),
            Lang::En => en::phrase(self),
        }
    }
}

#[cfg(test)]
mod tests;
