//! Credentials and pending keys as the command shows them. The field names are those of the JSON output: stable.

mod elsewhere;
mod pending;

pub use self::elsewhere::Elsewhere;
pub use self::pending::Pending;

use crate::words::Words;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base16ct::lower::encode_string as hex;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use usbtoken::bank::{Bank, Reminder};
use usbtoken::driver::TokenIdentity;
use usbtoken::error::{Fact, Notice, Warning};
use usbtoken::pki::{Name, ProofLevel, Window, has_no_end, jst_date, jst_rfc3339};
use usbtoken::renewal::{self, Renewable, StoredCopy, Successor, WhyUnreadable};
use usbtoken::text::{Lang, Phrase, printable};
use usbtoken::{Certificate, Code};

/// A point in time: RFC 3339 in Japan standard time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub SystemTime);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A certificate may name a year that no calendar here reaches.
        jst_rfc3339(self.0).serialize(serializer)
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
    #[serde(serialize_with = "as_text")]
    pub text: Name,
    pub organizations: Vec<String>,
    pub organizational_units: Vec<String>,
    pub common_name: Option<String>,
    /// Whether a value is a guess: its bytes may stand for other characters.
    pub guessed: bool,
}

/// A certificate with its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Credential {
    pub token: Token,
    pub id: String,
    pub subject: Subject,
    #[serde(serialize_with = "as_text")]
    pub issuer: Name,
    pub serial: String,
    /// Its fingerprint, which names it where another has the same serial number.
    #[serde(serialize_with = "as_fingerprint")]
    pub sha256: Certificate,
    pub not_before: Moment,
    pub not_after: Moment,
    pub not_after_unix: i64,
    /// Null for a certificate without an end.
    pub days_left: Option<i64>,
    /// Whether its beginning has come.
    #[serde(skip)]
    pub has_begun: bool,
    pub renewable: bool,
    /// The stable name of the code that forbids a renewal now.
    #[serde(serialize_with = "code_name")]
    pub not_renewable_because: Option<Code>,
    /// The one that takes its place; null: none is known.
    pub successor: Option<Value>,
    /// The credential on another token that is said to take its place; left out where none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewed_by: Option<Value>,
    #[serde(skip)]
    onto: Option<String>,
    /// The date in Japan from which on the bank reminds its customers; null without such a bank.
    pub reminds_from: Option<String>,
    /// The reminder that is due; null where none is, and where nothing is to be renewed any more.
    pub reminder: Option<Reminder>,
    #[serde(skip)]
    reminds: bool,
    #[serde(skip)]
    by: Option<Successor>,
    #[serde(skip)]
    window: Window,
    /// Whether a key waits for the certificate that is to take its place, as far as it is seen.
    pub renewal_pending: bool,
    /// The date in Japan on which the window opens, that of the bank or of 40 days; null for a certificate without an end.
    pub renewable_from: Option<String>,
    pub key_algorithm: String,
    /// Null: not known without login.
    pub proof_level: Option<ProofLevel>,
    /// The extensions of the certificate that cannot be read, by name or in dotted form.
    pub unreadable_extensions: Vec<String>,
    /// The objects that hold this very certificate, this one among them; left out where there is only this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stored_as: Vec<Object>,
}

/// An object on the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Object {
    pub id: String,
    pub label: String,
}

impl Object {
    fn of(object: &StoredCopy) -> Self {
        Object { id: hex(&object.id), label: object.label.clone() }
    }
}

/// A certificate object that cannot be read. In the list it stands among the credentials, which have no `unreadable`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    pub token: Token,
    pub id: String,
    pub label: String,
    pub size: usize,
    /// Why it cannot be read, in English.
    pub unreadable: String,
    /// The same by its stable name.
    pub reason: WhyUnreadable,
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
}

impl Token {
    /// What the command shows of this token.
    pub fn of(token: &TokenIdentity) -> Self {
        let TokenIdentity { label, manufacturer, model, serial } = token.clone();
        Token { label, manufacturer, model, serial }
    }

    /// The heading above what is on this token.
    pub fn heading(&self, lang: Lang) -> String {
        let (token, serial) = (Words::Token.text(lang), Words::TokenSerial.text(lang));
        format!("{token}: {} ({serial} {})", printable(&self.label), printable(&self.serial))
    }
}

impl Subject {
    fn of(name: &Name) -> Self {
        let owned = |kind| name.values(kind).map(str::to_owned).collect();
        Subject {
            text: name.clone(),
            organizations: owned("O"),
            organizational_units: owned("OU"),
            common_name: name.common_name().map(str::to_owned),
            guessed: name.is_guess(),
        }
    }

    fn title(&self) -> Cow<'_, str> {
        self.common_name.as_deref().map_or_else(|| self.text.to_string().into(), Cow::Borrowed)
    }

    /// Organization, Organization Unit, Common Name, as screen CCHK007 has them, in English in both languages.
    fn put(&self, lines: &mut Lines) {
        for organization in &self.organizations {
            lines.put("Organization", organization);
        }
        for unit in &self.organizational_units {
            lines.put("Organization Unit", unit);
        }
        let guess = if self.guessed { Words::Guess.text(lines.lang) } else { String::new() };
        match &self.common_name {
            Some(name) => lines.put("Common Name", &format!("{name}{guess}")),
            None => lines.put("Subject", &format!("{}{guess}", self.text)),
        }
    }
}

impl Credential {
    /// What the command shows of this credential, in this window at this moment. The level of proof is given where it was
    /// asked for.
    pub fn of(
        token: &TokenIdentity,
        credential: &usbtoken::Credential,
        level: Option<ProofLevel>,
        (window, now): (Window, SystemTime),
    ) -> Self {
        let certificate = credential.certificate();
        let renewable = credential.renewable(window, now);
        let ends = !has_no_end(certificate.not_after());
        Credential {
            token: Token::of(token),
            id: hex(credential.id()),
            subject: Subject::of(certificate.subject()),
            issuer: certificate.issuer().clone(),
            serial: certificate.serial().to_string(),
            sha256: certificate.clone(),
            not_before: Moment(certificate.not_before()),
            not_after: Moment(certificate.not_after()),
            not_after_unix: unix(certificate.not_after()),
            days_left: ends.then(|| credential.days_left(now)),
            has_begun: certificate.not_before() <= now,
            renewable: renewable == Renewable::Yes,
            not_renewable_because: renewable.code(),
            successor: credential.successor().map(|by| successor(by, &window)),
            renewed_by: None,
            onto: None,
            reminds_from: None,
            reminder: None,
            reminds: false,
            by: credential.successor().cloned(),
            window,
            renewal_pending: credential.has_pending_renewal(),
            renewable_from: ends.then(|| window.opens_on(certificate.not_after()).to_string()),
            key_algorithm: credential.key_algorithm().to_string(),
            proof_level: level,
            unreadable_extensions: certificate.unreadable_extensions().to_vec(),
            stored_as: credential.stored_as().iter().map(Object::of).collect(),
        }
    }

    /// The same with what the bank reminds its customers of. One that is renewed, or waits for its certificate, is no one's
    /// to renew.
    #[must_use]
    pub fn reminded(self, bank: Option<&Bank>, now: SystemTime) -> Self {
        let Some(bank) = bank.filter(|bank| !bank.reminders.is_empty()) else { return self };
        let not_after = self.not_after.0;
        let is_open = self.by.is_none() && !self.renewal_pending;
        let reminder = bank.reminder(not_after, now).filter(|_| is_open);
        let reminds_from = bank.reminds_from(not_after).map(|date| date.to_string());
        Credential { reminder, reminds_from, reminds: true, ..self }
    }

    /// The same with the certificate on another token that is said to take its place, where none on its own does.
    #[must_use]
    pub fn renewed_by(self, by: Option<(&TokenIdentity, &Certificate)>) -> Self {
        let Some((token, by)) = by.filter(|_| self.by.is_none()) else { return self };
        let because = self.not_renewable_because.or(Some(Code::AlreadyRenewed));
        let (said, onto) = elsewhere::said_onto(token, by);
        let (renewed_by, onto, reminder) = (Some(said), Some(onto), None);
        Credential { renewed_by, onto, renewable: false, not_renewable_because: because, reminder, ..self }
    }

    /// Whether it is to be renewed now: by the bank's reminders, or because it can be, and nobody has begun that.
    pub fn is_due(&self) -> bool {
        if self.reminds { self.reminder.is_some() } else { self.renewable && !self.renewal_pending }
    }

    /// The warning that it is.
    pub fn reminding(&self) -> Option<Warning> {
        let reminder = self.reminder?;
        let warning = Warning::from(Notice::RenewalDue).fact(Fact::Subject, &self.subject.text);
        let warning = warning.fact(Fact::Days, reminder.days_left);
        Some(warning.fact(Fact::Date, jst_date(self.not_after.0)))
    }

    /// The credential as one entry of the list.
    pub fn entry(&self, number: usize, lang: Lang) -> String {
        let days = self.days().text(lang);
        let title = self.subject.title();
        let mut lines = Lines { lang, text: format!("{number:>3}. {}  {days}", printable(&title)) };
        self.put(&mut lines);
        lines.put(&Phrase::Renewal.text(lang), &self.renewal(lang));
        if let Some(said) = self.reminder_text(lang) {
            lines.put(&Words::Reminder.text(lang), &said);
        }
        lines.put(&Phrase::Key.text(lang), &self.key_algorithm);
        lines.put(&Words::Protection.text(lang), &protection(self.proof_level).text(lang));
        lines.put(&Phrase::Id.text(lang), &self.id);
        if !self.unreadable_extensions.is_empty() {
            let label = Words::UnreadableExtensions.text(lang);
            lines.put(&label, &self.unreadable_extensions.join(", "));
        }
        lines.text
    }

    /// The credential on one line.
    pub fn line(&self, lang: Lang) -> String {
        format!("  {}  {}", printable(&self.subject.title()), self.days().text(lang))
    }

    /// The result of a renewal, as screen CCHK007 shows it.
    pub fn result(&self, lang: Lang) -> String {
        let mut lines = Lines { lang, text: Words::Installed.text(lang) };
        self.put(&mut lines);
        lines.put(&Words::Protection.text(lang), &protection(self.proof_level).text(lang));
        lines.text.replace("\n     ", "\n  ")
    }

    fn put(&self, lines: &mut Lines) {
        let lang = lines.lang;
        self.subject.put(lines);
        lines.put(&Phrase::CertificateSerial.text(lang), &self.serial);
        if !self.has_begun {
            lines.put(Fact::Begins.label(lang), &Phrase::Moment(self.not_before.0).text(lang));
        }
        let end = self.days_left.map_or(Phrase::NoEnd, |_| Phrase::Moment(self.not_after.0));
        lines.put(&Phrase::Expiry.text(lang), &end.text(lang));
    }

    fn days(&self) -> Phrase<'static> {
        self.days_left.map_or(Phrase::NoEnd, Phrase::DaysLeft)
    }

    fn reminder_text(&self, lang: Lang) -> Option<String> {
        let words = match (&self.reminder, &self.reminds_from) {
            (Some(Reminder { days_left, next: Some(next), .. }), _) => {
                return Some(Words::ReminderDue { days: *days_left, next: &next.to_string() }.text(lang));
            }
            (Some(Reminder { days_left, .. }), _) => Words::ReminderLast(*days_left),
            (None, Some(from)) if self.not_renewable_because == Some(Code::NotYetRenewable) => {
                Words::RemindsFrom(from)
            }
            (None, _) => return None,
        };
        Some(words.text(lang))
    }

    fn renewal(&self, lang: Lang) -> String {
        if let Some(onto) = &self.onto {
            return Words::RenewedOnto(onto).text(lang);
        }
        let phrase = match (self.not_renewable_because, &self.by) {
            (None, _) => Phrase::Renewable,
            (Some(Code::AlreadyRenewed), Some(by)) => return renewed(by, &self.window, lang),
            (Some(Code::KeyMissing), _) => Phrase::NotRenewableNoKey,
            (Some(Code::Expired), _) if self.renewal_pending => {
                let (state, finish) = (Phrase::ExpiredAndWaiting.text(lang), Words::HowToFinish.text(lang));
                return format!("{state}: {finish}");
            }
            (Some(Code::Expired), _) => Phrase::NotRenewableExpired,
            (Some(Code::RenewalClosed), _) => Phrase::NotRenewableClosed,
            _ => self.renewable_from.as_deref().map_or(Phrase::NoRenewal, Phrase::RenewableFrom),
        };
        phrase.text(lang)
    }
}

/// As the library serialises it, with the day on which this window opens.
fn successor(by: &Successor, window: &Window) -> Value {
    let mut value = json!(by);
    value["renewable_from"] = by.renewable_from(window).to_string().into();
    value
}

/// That a credential is renewed, or seems to be, and by which one.
fn renewed(by: &Successor, window: &Window, lang: Lang) -> String {
    let (serial, from) = (by.certificate.serial().to_string(), by.renewable_from(window));
    let (serial, from) = (serial.as_str(), &from.to_string());
    let phrase = match by.proven {
        true => Phrase::Renewed { serial, from },
        false => Phrase::SaidRenewed { serial, from },
    };
    phrase.text(lang)
}

impl Unreadable {
    /// What the command shows of this object.
    pub fn of(token: &TokenIdentity, object: &renewal::Unreadable) -> Self {
        Unreadable {
            token: Token::of(token),
            id: hex(&object.id),
            label: object.label.clone(),
            size: object.size,
            unreadable: Fact::Reason.words(&object.reason.to_string(), Lang::En),
            reason: object.reason,
        }
    }

    /// The object as one entry of the list.
    pub fn entry(&self, lang: Lang) -> String {
        let mut lines = Lines { lang, text: format!("  -  {}", Words::UnreadableCertificate.text(lang)) };
        lines.put(&Phrase::Id.text(lang), &self.id);
        lines.put(&Words::Label.text(lang), &self.label);
        lines.put(&Words::Size.text(lang), &self.size.to_string());
        lines.put(Fact::Reason.label(lang), &Fact::Reason.words(&self.reason.to_string(), lang));
        lines.text
    }
}

/// The words for a level of proof.
pub fn protection(level: Option<ProofLevel>) -> Words<'static> {
    match level {
        Some(ProofLevel::Proven) => Words::ProofProven,
        Some(ProofLevel::Claimed) => Words::ProofClaimed,
        Some(ProofLevel::Refused) => Words::ProofRefused,
        None => Words::ProofUnknown,
    }
}

/// Of thousands none is made where they are not shown.
fn as_fingerprint<S: Serializer>(certificate: &Certificate, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex(&certificate.fingerprint()))
}

/// A name as text, which is made only where it is written.
fn as_text<S: Serializer>(name: &Name, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(name)
}

/// The stable name of a code.
fn code_name<S: Serializer>(code: &Option<Code>, serializer: S) -> Result<S::Ok, S::Error> {
    code.map(Code::name).serialize(serializer)
}

#[cfg(test)]
mod tests;
