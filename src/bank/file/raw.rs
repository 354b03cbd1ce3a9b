//! The file as it is written: every key, its type, and nothing else. `docs/bank-profile.schema.json` says the same, and a
//! test compares.

use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

type Text = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) version: Spanned<i64>,
    pub(super) bank: Bank,
    pub(super) token: Vec<Spanned<Token>>,
    #[serde(default)]
    pub(super) ca: Ca,
    #[serde(default)]
    pub(super) calendar: Calendar,
    #[serde(default)]
    pub(super) too_late: Option<Spanned<TooLate>>,
    #[serde(default)]
    pub(super) renewal: Renewal,
    #[serde(default)]
    pub(super) issuer: Option<Issuer>,
    #[serde(default)]
    pub(super) pages: Pages,
    #[serde(default)]
    pub(super) words: Words,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bank {
    pub(super) name: Both,
    #[serde(default)]
    pub(super) contact: Vec<Spanned<Contact>>,
    #[serde(default)]
    pub(super) may_override: Vec<Text>,
}

/// A text in both languages.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Both {
    pub(super) ja: Text,
    pub(super) en: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contact {
    pub(super) name: Both,
    pub(super) telephone: Option<Text>,
    pub(super) hours: Option<Both>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Token {
    pub(super) name: Option<Both>,
    pub(super) uri: Vec<Text>,
    #[serde(default)]
    pub(super) usb: Vec<Text>,
    #[serde(default)]
    pub(super) families: Vec<Text>,
    pub(super) delivered: Option<Text>,
    #[serde(default)]
    pub(super) driver: Vec<Driver>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Driver {
    pub(super) system: Text,
    pub(super) bits: Option<Spanned<i64>>,
    pub(super) path: Text,
    pub(super) name: Option<Text>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ca {
    #[serde(default)]
    pub(super) anchors: Vec<Text>,
    #[serde(default)]
    pub(super) issuers: Vec<Text>,
    pub(super) subject: Option<Text>,
    #[serde(default)]
    pub(super) relax: Vec<Text>,
    #[serde(default)]
    pub(super) extended_key_usage: Vec<Text>,
    pub(super) request: Option<Text>,
    pub(super) request_encoding: Option<Text>,
    #[serde(default)]
    pub(super) answers: Vec<Text>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Calendar {
    pub(super) opens_days_before: Option<Spanned<i64>>,
    pub(super) last_day_until: Option<Text>,
    pub(super) closes_days_before: Option<Spanned<i64>>,
    pub(super) closes_hours_before: Option<Spanned<i64>>,
    pub(super) service_ends: Option<Spanned<Datetime>>,
    pub(super) begins_to_work: Option<Text>,
    #[serde(default)]
    pub(super) holidays: Vec<Spanned<Datetime>>,
    #[serde(default)]
    pub(super) reminders: Vec<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TooLate {
    pub(super) renewable_days: Option<Spanned<i64>>,
    pub(super) then: Option<Text>,
    pub(super) words: Option<Both>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Renewal {
    pub(super) key: Option<Text>,
    pub(super) proof: Option<Text>,
    pub(super) clock_tolerance_days: Option<Spanned<i64>>,
    pub(super) old: Option<Text>,
    pub(super) other_users: Option<Text>,
    pub(super) write_ca_certificates: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Issuer {
    pub(super) helper: Option<Text>,
    pub(super) command: Option<Text>,
    pub(super) timeout_seconds: Option<Spanned<i64>>,
    pub(super) proxy: Option<Text>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pages {
    #[serde(default)]
    pub(super) origins: Vec<Text>,
    pub(super) login_url: Option<Text>,
    pub(super) after_login: Option<Text>,
    #[serde(default)]
    pub(super) login_anchors: Vec<Text>,
    pub(super) proxy: Option<Text>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    pub(super) pin: Option<Both>,
    pub(super) after_installation: Option<Both>,
    pub(super) old_certificate: Option<Both>,
    #[serde(default)]
    pub(super) next: Vec<Spanned<Next>>,
}

/// What to do next after an error of that name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Next {
    pub(super) error: Text,
    pub(super) ja: Text,
    pub(super) en: Text,
}
