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
//! assert!(report.starts_with(Code::PinLocked.message(Lang::Ja).sentence));
//!
//! // What comes from a token or a CA cannot move the cursor or forge a line.
//! assert!(!printable("a\u{1b}[2Jb\n").contains('\u{1b}'));
//! ```
//!
//! Standards: dates are those of the calendar in Japan (UTC+9); names of people and CAs by RFC 4514.

mod en;
mod ja;
mod lang;
mod message;
mod phrase;
mod printable;
mod report;

pub use lang::Lang;
pub use message::Message;
pub use phrase::Phrase;
pub use printable::{printable, printable_json};
pub use report::Report;

use crate::error::{Code, Fact, Notice, Point, Step};

impl Code {
    /// What went wrong, and what the person should do next.
    pub const fn message(self, lang: Lang) -> Message {
        match lang {
            Lang::Ja => ja::code(self),
            Lang::En => en::code(self),
        }
    }
}

impl Notice {
    /// What the person should know, and what they should do next.
    pub const fn message(self, lang: Lang) -> Message {
        match lang {
            Lang::Ja => ja::notice(self),
            Lang::En => en::notice(self),
        }
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
