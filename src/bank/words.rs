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

/// A text in which "PIN" is called by another name, where it stands as a word of its own: not in the name of an option, a
/// constant or a device.
pub(crate) fn call_pin(text: &str, name: &str) -> String {
    const PIN: &str = "PIN";
    let joins = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let mut said = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(PIN) {
        let (before, from) = rest.split_at(at);
        let after = from.strip_prefix(PIN).unwrap_or_default();
        said.push_str(before);
        let is_plural = after.strip_prefix('s').is_some_and(|rest| !rest.starts_with(joins));
        let is_part = said.ends_with(joins) || after.starts_with(joins) && !is_plural;
        let is_device = after.starts_with("パッド") || after.starts_with(" pad");
        // What explains the word stands behind it.
        let explained = ["(暗証番号)", "（暗証番号）"].iter().find_map(|more| after.strip_prefix(more));
        rest = explained.unwrap_or(after);
        if is_part || is_device {
            said.push_str(PIN);
            rest = after;
        } else {
            said.push_str(name);
        }
    }
    said.push_str(rest);
    said
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
