//! Everything that is said to people, in Japanese and English.
//!
//! The rest of the crate deals in stable codes. Here each [`Code`], [`Notice`], [`Step`], [`Point`] and [`Fact`]
//! gets its words, by a `match` without a wildcard: a value without a sentence does not compile.
//! One folder a language; what they have in common is in this file.

mod en;
mod ja;
mod phrase;
mod report;

use std::borrow::Cow;
use std::str::FromStr;

pub use phrase::Phrase;
pub use report::Report;

use crate::code::{Code, Fact, Notice, Point, Step};
use crate::error::Error;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lang {
    /// Japanese.
    Ja,
    /// English.
    En,
}

impl Lang {
    /// Every language, in the order in which documents show them.
    pub const ALL: [Lang; 2] = [Lang::Ja, Lang::En];

    /// The language of the environment: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set and not
    /// empty decides (POSIX.1-2017 §8.2); Japanese if it names Japanese, English in every other case.
    pub fn from_env() -> Self {
        ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .filter_map(|name| std::env::var(name).ok())
            .find(|value| !value.is_empty())
            .map_or(Lang::En, |locale| Lang::from_locale(&locale))
    }

    /// The language of a locale's name such as `ja_JP.UTF-8` or `ja-JP`.
    pub(crate) fn from_locale(locale: &str) -> Self {
        let language = locale.split(['_', '-', '.', '@']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("ja") { Lang::Ja } else { Lang::En }
    }

    /// The language's tag, `ja` or `en`.
    pub const fn tag(self) -> &'static str {
        match self {
            Lang::Ja => "ja",
            Lang::En => "en",
        }
    }
}

impl FromStr for Lang {
    type Err = Error;

    /// Reads `ja` or `en`.
    fn from_str(text: &str) -> Result<Self, Error> {
        Lang::ALL.into_iter().find(|lang| lang.tag() == text).ok_or_else(|| {
            Error::new(Code::BadArgument).fact(Fact::Expected, "ja, en").fact(Fact::Found, text)
        })
    }
}

/// A sentence and what the person should do next.
#[derive(Clone, Copy)]
struct Words {
    sentence: &'static str,
    next: &'static str,
}

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

/// The text with every control character made visible, line ends included.
///
/// Labels on tokens and names in certificates come from outside. Printed as they are they could move a
/// terminal's cursor, or turn the direction of writing, and so forge what stands around them.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe_to_print) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unsafe_to_print(c) { safe.extend(c.escape_unicode()) } else { safe.push(c) }
    }
    Cow::Owned(safe)
}

/// Control characters, line and paragraph separators, and the bidirectional controls of Unicode UAX #9.
fn is_unsafe_to_print(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests;
