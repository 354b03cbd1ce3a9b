//! The bank's own words.

use crate::error::Code;
use crate::text::Lang;

/// A text in Japanese and English.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    pub(super) ja: String,
    pub(super) en: String,
}

/// Whom a customer calls, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Who it is.
    pub name: Words,
    /// The telephone number, as people write it.
    pub telephone: Option<String>,
    /// When someone answers.
    pub hours: Option<Words>,
}

/// What to do next after an error, where the bank says it in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NextStep {
    pub(super) code: Code,
    pub(super) words: Words,
}

impl Words {
    /// The text in that language.
    pub fn text(&self, lang: Lang) -> &str {
        match lang {
            Lang::Ja => &self.ja,
            Lang::En => &self.en,
        }
    }
}

impl Contact {
    /// Name, telephone number and hours on one line.
    pub fn line(&self, lang: Lang) -> String {
        let hours = self.hours.as_ref().map(|hours| match lang {
            Lang::Ja => format!("（{}）", hours.text(lang)),
            Lang::En => format!(" ({})", hours.text(lang)),
        });
        let telephone = self.telephone.as_ref().map(|number| format!(" {number}"));
        [Some(self.name.text(lang).to_owned()), telephone, hours].into_iter().flatten().collect()
    }
}
