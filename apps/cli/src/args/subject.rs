//! How far the subject of the new certificate may differ from the old one's.

use std::convert::Infallible;
use std::str::FromStr;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use usbtoken::Error;
use usbtoken::pki::SubjectRule;

use super::Resume;

fn subject_parser() -> impl TypedValueParser<Value = SubjectRule> {
    PossibleValuesParser::new(SubjectRule::ALL.iter().map(ToString::to_string))
        .try_map(|name| name.parse::<SubjectRule>())
}

/// How far the new subject may differ from the old one.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct SubjectArgs {
    /// How far the subject may differ from the old one. With `exact` (byte for byte) another one is refused; without
    /// it the certificate is installed with a warning. The old certificate is removed only by this rule.
    #[arg(long = "subject", value_name = "RULE", value_parser = subject_parser())]
    pub subject: Option<SubjectRule>,
}

/// The value of `usbtoken resume --subject`: the rule, or the subject of a first certificate. No name is a rule's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectArg {
    Rule(SubjectRule),
    Name(String),
}

impl FromStr for SubjectArg {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rule = text.parse().map(SubjectArg::Rule);
        Ok(rule.unwrap_or_else(|_: Error| SubjectArg::Name(text.to_owned())))
    }
}

impl Resume {
    /// The rule for the subject of the answer, where one is wished for.
    pub fn rule(&self) -> Option<SubjectRule> {
        self.subject.iter().rev().find_map(|subject| match subject {
            SubjectArg::Rule(rule) => Some(*rule),
            SubjectArg::Name(_) => None,
        })
    }

    /// The subject of a first certificate.
    pub fn first_subject(&self) -> Option<&str> {
        self.subject.iter().rev().find_map(|subject| match subject {
            SubjectArg::Name(name) => Some(name.as_str()),
            SubjectArg::Rule(_) => None,
        })
    }
}
