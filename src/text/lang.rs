//! The languages.

use std::fmt;
use std::str::FromStr;

use crate::error::{Code, Error, Fact};

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
}

/// The language's tag, `ja` or `en`.
impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Lang::Ja => "ja",
            Lang::En => "en",
        })
    }
}

impl FromStr for Lang {
    type Err = Error;

    /// Reads `ja` or `en`.
    fn from_str(text: &str) -> Result<Self, Error> {
        Lang::ALL.into_iter().find(|lang| lang.to_string() == text).ok_or_else(|| {
            Error::new(Code::BadArgument).fact(Fact::Expected, "ja, en").fact(Fact::Found, text)
        })
    }
}
