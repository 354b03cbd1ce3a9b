//! Certificates that are not on a token, as the command shows them.

use std::time::SystemTime;

use serde::Serialize;
use serde_json::{Value, json};
use usbtoken::driver::TokenIdentity;
use usbtoken::error::Fact;
use usbtoken::pki::{Name, Window, has_no_end};
use usbtoken::places::{OldCertificate, Place};
use usbtoken::text::{Lang, Phrase, printable};
use usbtoken::{Certificate, Code};

use super::{Lines, Moment, Subject, Token, as_text, code_name, unix};
use crate::words::Words;

/// A certificate in a place of this computer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Elsewhere {
    pub place: Place,
    pub subject: Subject,
    #[serde(serialize_with = "as_text")]
    pub issuer: Name,
    pub serial: String,
    pub not_before: Moment,
    pub not_after: Moment,
    pub not_after_unix: i64,
    /// Null for a certificate without an end.
    pub days_left: Option<i64>,
    pub renewable: bool,
    /// The stable name of the code that forbids a renewal now.
    #[serde(serialize_with = "code_name")]
    pub not_renewable_because: Option<Code>,
    pub key_algorithm: String,
    /// The credential on a token that is said to take its place; null: none is known.
    pub renewed_by: Option<Value>,
    /// Whether its renewal waits for the CA, by the orders of this computer.
    pub renewal_pending: bool,
    #[serde(skip)]
    by: Option<String>,
    #[serde(skip)]
    onto: Vec<String>,
}

impl Elsewhere {
    /// What the command shows of it, in this window at this moment.
    pub fn of(old: &OldCertificate, (window, now): (Window, SystemTime)) -> Self {
        let certificate = old.certificate();
        let because = old.not_renewable_because(&window, now);
        let ends = !has_no_end(certificate.not_after());
        Elsewhere {
            place: old.place().clone(),
            subject: Subject::of(certificate.subject()),
            issuer: certificate.issuer().clone(),
            serial: certificate.serial().to_string(),
            not_before: Moment(certificate.not_before()),
            not_after: Moment(certificate.not_after()),
            not_after_unix: unix(certificate.not_after()),
            days_left: ends.then(|| old.days_left(now)),
            renewable: because.is_none(),
            not_renewable_because: because,
            key_algorithm: old.key_algorithm().to_string(),
            renewed_by: None,
            renewal_pending: false,
            by: None,
            onto: Vec::new(),
        }
    }

    /// The same with the credential on a token that is said to take its place.
    #[must_use]
    pub fn renewed_by(self, by: Option<(&TokenIdentity, &Certificate)>) -> Self {
        let Some((token, by)) = by else { return self };
        let because = self.not_renewable_because.or(Some(Code::AlreadyRenewed));
        let (said, by) = said_onto(token, by);
        Elsewhere {
            renewed_by: Some(said),
            by: Some(by),
            renewable: false,
            not_renewable_because: because,
            ..self
        }
    }

    /// The same with the tokens on which its renewal waits.
    #[must_use]
    pub fn waiting_on(self, tokens: &[TokenIdentity]) -> Self {
        let onto: Vec<String> = tokens.iter().map(|token| token.label.clone()).collect();
        Elsewhere { renewal_pending: self.by.is_none() && !onto.is_empty(), onto, ..self }
    }

    /// Whether it is to be renewed now, and nobody has begun that.
    pub fn is_due(&self) -> bool {
        self.renewable && !self.renewal_pending
    }

    /// The certificate as one entry of the list, with its number where it has one that counts.
    pub fn entry(&self, number: Option<usize>, lang: Lang) -> String {
        let number = number.map_or_else(|| "  - ".to_owned(), |number| format!("{number:>3}."));
        let days = self.days_left.map_or(Phrase::NoEnd, Phrase::DaysLeft).text(lang);
        let title = self.subject.title();
        let mut lines = Lines { lang, text: format!("{number} {}  {days}", printable(&title)) };
        self.subject.put(&mut lines);
        lines.put(&Phrase::CertificateSerial.text(lang), &self.serial);
        let end = self.days_left.map_or(Phrase::NoEnd, |_| Phrase::Moment(self.not_after.0));
        lines.put(&Phrase::Expiry.text(lang), &end.text(lang));
        let renewal = match (&self.by, self.not_renewable_because) {
            (Some(by), _) => Words::RenewedOnto(by).text(lang),
            _ if self.renewal_pending => Words::WaitsOnto(&self.onto.join(", ")).text(lang),
            (None, None) => Words::RenewableOnto.text(lang),
            (None, Some(code)) => code.message(lang).sentence.to_owned(),
        };
        lines.put(&Phrase::Renewal.text(lang), &renewal);
        lines.put(&Phrase::Key.text(lang), &self.key_algorithm);
        lines.put(Fact::Place.label(lang), &self.place.to_string());
        lines.text
    }

    /// The certificate on one line, with its place.
    pub fn line(&self, lang: Lang) -> String {
        let days = self.days_left.map_or(Phrase::NoEnd, Phrase::DaysLeft).text(lang);
        format!("  {}  {days}\n    {}", printable(&self.subject.title()), printable(&self.place.to_string()))
    }
}

/// The certificate on a token that is said to take another one's place: for programs, and in one line.
pub(super) fn said_onto(token: &TokenIdentity, by: &Certificate) -> (Value, String) {
    let serial = by.serial().to_string();
    let said = json!({ "token": Token::of(token), "serial": serial, "not_after": Moment(by.not_after()) });
    (said, format!("{serial} ({})", token.label))
}
