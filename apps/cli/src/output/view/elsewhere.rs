//! Certificates that are not on a token, as the command shows them.

use std::time::SystemTime;

use serde::Serialize;
use usbtoken::Code;
use usbtoken::pki::{Name, Window, has_no_end};
use usbtoken::places::{OldCertificate, Place};
use usbtoken::text::{Lang, Phrase, printable};

use super::{Moment, Subject, as_text, code_name, unix};

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
        }
    }

    /// The certificate on one line, with its place.
    pub fn line(&self, lang: Lang) -> String {
        let days = self.days_left.map_or(Phrase::NoEnd, Phrase::DaysLeft).text(lang);
        format!("  {}  {days}\n    {}", printable(&self.subject.title()), printable(&self.place.to_string()))
    }
}
