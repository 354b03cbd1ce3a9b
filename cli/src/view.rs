//! Credentials and pending keys as the command shows them. The field names are those of the JSON output: stable.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};
use usbtoken::error::Code;
use usbtoken::text::{Lang, Phrase, printable};

/// A point in time: RFC 3339 in Japan standard time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub SystemTime);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(9));
        match jiff::Timestamp::try_from(self.0) {
            Ok(moment) => {
                let text = moment.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
                serializer.serialize_str(&text)
            }
            // A certificate may name a year that no calendar here reaches.
            Err(_) => serializer.serialize_none(),
        }
    }
}

/// Seconds since 1970-01-01T00:00:00Z, negative before.
pub fn unix(moment: SystemTime) -> i64 {
    let seconds = |span: Duration| i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
    match moment.duration_since(UNIX_EPOCH) {
        Ok(after) => seconds(after),
        Err(before) => -seconds(before.duration()),
    }
}

/// Which token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Token {
    pub label: String,
    pub manufacturer: String,
    pub model: String,
    pub serial: String,
}

/// The parts of a subject that the bank's screens show, and all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subject {
    pub text: String,
    pub organizations: Vec<String>,
    pub organizational_units: Vec<String>,
    pub common_name: Option<String>,
}

/// A certificate with its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Credential {
    pub token: Token,
    pub id: String,
    pub subject: Subject,
    pub issuer: String,
    pub serial: String,
    pub not_before: Moment,
    pub not_after: Moment,
    pub not_after_unix: i64,
    pub days_left: i64,
    pub renewable: bool,
    /// The stable name of the code that forbids a renewal now.
    pub not_renewable_because: Option<&'static str>,
    pub renewable_from: Moment,
    pub key_algorithm: String,
    /// Null: not known without login.
    pub proof_level: Option<&'static str>,
}

/// A key that waits for its certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pending {
    pub token: Token,
    pub id: String,
    pub label: String,
    pub key_algorithm: String,
    pub created: Option<Moment>,
    pub age_days: Option<i64>,
    /// The serial number of the certificate that it will replace; null for a first issue.
    pub renews_serial: Option<String>,
    /// That certificate's subject, if it is still on the token.
    pub renews_subject: Option<String>,
}

/// Labels and values, one a line, with the values aligned.
struct Lines {
    lang: Lang,
    text: String,
}

impl Lines {
    fn put(&mut self, label: &str, value: &str) {
        // Writing to a String cannot fail.
        let _ = write!(self.text, "\n     {label} = {}", printable(value));
    }

    fn say(&mut self, label: Phrase<'_>, value: Phrase<'_>) {
        let value = value.text(self.lang);
        self.put(&label.text(self.lang), &value);
    }
}

impl Token {
    /// The heading above what is on this token.
    pub fn heading(&self, lang: Lang) -> String {
        let (token, serial) = (Phrase::Token.text(lang), Phrase::TokenSerial.text(lang));
        format!("{token}: {} ({serial} {})", printable(&self.label), printable(&self.serial))
    }
}

impl Subject {
    /// Organization, Organization Unit, Common Name, as screen CCHK007 has them, in English in both languages.
    fn put(&self, lines: &mut Lines) {
        for organization in &self.organizations {
            lines.put("Organization", organization);
        }
        for unit in &self.organizational_units {
            lines.put("Organization Unit", unit);
        }
        match &self.common_name {
            Some(name) => lines.put("Common Name", name),
            None => lines.put("Subject", &self.text),
        }
    }
}

impl Credential {
    /// The credential as one entry of the list.
    pub fn entry(&self, number: usize, lang: Lang) -> String {
        let title = self.subject.common_name.as_deref().unwrap_or(&self.subject.text);
        let days = Phrase::DaysLeft(self.days_left).text(lang);
        let mut lines = Lines { lang, text: format!("{number:>3}. {}  {days}", printable(title)) };
        self.put(&mut lines);
        lines.say(Phrase::Renewal, self.renewal());
        lines.put(&Phrase::Key.text(lang), &self.key_algorithm);
        lines.say(Phrase::Protection, protection(self.proof_level));
        lines.put(&Phrase::Id.text(lang), &self.id);
        lines.text
    }

    /// The result of a renewal, as screen CCHK007 shows it.
    pub fn result(&self, lang: Lang) -> String {
        let mut lines = Lines { lang, text: Phrase::Installed.text(lang) };
        self.put(&mut lines);
        lines.text.replace("\n     ", "\n  ")
    }

    fn put(&self, lines: &mut Lines) {
        self.subject.put(lines);
        lines.put(&Phrase::CertificateSerial.text(lines.lang), &self.serial);
        lines.say(Phrase::Expiry, Phrase::Moment(self.not_after.0));
    }

    fn renewal(&self) -> Phrase<'static> {
        let is = |code: Code| self.not_renewable_because == Some(code.name());
        if self.renewable {
            Phrase::Renewable
        } else if is(Code::KeyMissing) {
            Phrase::NotRenewableNoKey
        } else if is(Code::Expired) {
            Phrase::NotRenewableExpired
        } else if is(Code::PendingExists) {
            Phrase::RenewalPending
        } else {
            Phrase::RenewableFrom(self.renewable_from.0)
        }
    }
}

/// The words for a level of proof.
pub fn protection(level: Option<&str>) -> Phrase<'static> {
    match level {
        Some("proven") => Phrase::ProofProven,
        Some("claimed") => Phrase::ProofClaimed,
        Some(_) => Phrase::ProofRefused,
        None => Phrase::ProofUnknown,
    }
}

impl Pending {
    /// The pending key as one entry of the list.
    pub fn entry(&self, number: usize, lang: Lang) -> String {
        let title = match (&self.renews_subject, &self.renews_serial) {
            (Some(subject), _) => subject.clone(),
            (None, Some(serial)) => serial.clone(),
            (None, None) => Phrase::FirstIssue.text(lang),
        };
        let age = self.age_days.map(|days| Phrase::Age(days).text(lang)).unwrap_or_default();
        let mut lines = Lines { lang, text: format!("{number:>3}. {}  {age}", printable(&title)) };
        if let Some(serial) = &self.renews_serial {
            let label = format!("{} ({})", Phrase::Renews.text(lang), Phrase::CertificateSerial.text(lang));
            lines.put(&label, serial);
        }
        lines.put(&Phrase::Key.text(lang), &self.key_algorithm);
        if let Some(created) = self.created {
            lines.say(Phrase::Created, Phrase::Day(created.0));
        }
        lines.put(&Phrase::Label.text(lang), &self.label);
        lines.put(&Phrase::Id.text(lang), &self.id);
        lines.text
    }
}

#[cfg(test)]
mod tests;
