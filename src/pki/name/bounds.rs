//! What X.520 and RFC 5280 (appendix A.1, upper bounds) allow in a name that is requested.

use super::Name;
use super::attribute::{Attribute, ValueForm};
use crate::error::{Code, Error, Fact, Result};

/// The longest value of each kind, in characters.
const LONGEST: [(&str, usize); 9] = [
    ("CN", 64),
    ("O", 64),
    ("OU", 64),
    ("title", 64),
    ("serialNumber", 64),
    ("L", 128),
    ("ST", 128),
    ("STREET", 128),
    ("emailAddress", 255),
];

impl Name {
    /// Checks a name that is to be requested: a CA refuses it, or cuts it, when it breaks these bounds, and that
    /// is learnt only after a key was made.
    ///
    /// # Errors
    /// [`Code::BadSubject`] with `Expected` and `Found`: a country that is not two letters (ISO 3166), a value that
    /// is too long, a control character.
    pub fn check_bounds(&self) -> Result<()> {
        let shown = |attribute: &Attribute| format!("{}={}", attribute.kind, attribute.value);
        for attribute in self.attributes.iter().filter(|attribute| attribute.form != ValueForm::Hexadecimal) {
            let value = attribute.value.as_str();
            let expected = if value.chars().any(char::is_control) {
                "U+0020…".to_owned()
            } else if attribute.kind == "C" && !is_country(value) {
                "C=JP (ISO 3166)".to_owned()
            } else if let Some(longest) =
                longest(&attribute.kind).filter(|longest| value.chars().count() > *longest)
            {
                format!("{} ≤ {longest}", attribute.kind)
            } else {
                continue;
            };
            return Err(Error::new(Code::BadSubject)
                .fact(Fact::Expected, expected)
                .fact(Fact::Found, shown(attribute)));
        }
        Ok(())
    }
}

fn is_country(value: &str) -> bool {
    value.len() == 2 && value.bytes().all(|letter| letter.is_ascii_uppercase())
}

fn longest(kind: &str) -> Option<usize> {
    LONGEST.iter().find(|(name, _)| *name == kind).map(|(_, longest)| *longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_name_may_hold() {
        let check = |text: &str| text.parse::<Name>().unwrap().check_bounds();
        for allowed in [
            "CN=山田 太郎,O=Example Co,C=JP".to_owned(),
            format!("CN={}", "山".repeat(64)),
            format!("L={}", "x".repeat(128)),
        ] {
            check(&allowed).unwrap();
        }
        for refused in [
            "C=JPN".to_owned(),
            "C=jp".to_owned(),
            "C=J1".to_owned(),
            format!("CN={}", "山".repeat(65)),
            format!("OU=a,OU={}", "x".repeat(65)),
            format!("serialNumber={}", "1".repeat(65)),
            r"CN=a\0ab".to_owned(),
            r"O=a\7f".to_owned(),
            "O=a\u{85}b".to_owned(),
        ] {
            let error = check(&refused).unwrap_err();
            assert_eq!(error.code(), Code::BadSubject, "{refused}");
            assert!(error.facts().any(|(fact, _)| fact == Fact::Expected), "{error}");
        }
    }
}
