//! What may not be meant in a profile that is one.

use std::time::SystemTime;

use super::profile::Bank;
use crate::error::{Fact, Notice, Warning};
use crate::pki::{Certificate, Name, jst_date};

impl Bank {
    /// What whoever writes or installs this profile should examine again, though it is no fault: a service that has ended by
    /// its date, reminders of a renewal that is not possible yet, and an issuer's name that is an anchor's the other way round.
    pub fn remarks(&self, now: SystemTime) -> Vec<Warning> {
        let mut remarks = Vec::new();
        if let Some(last) = self.window.service_ends.filter(|last| *last < jst_date(now)) {
            let ended = Warning::from(Notice::ProfileServiceEnded);
            remarks.push(ended.fact(Fact::Key, "calendar.service_ends").fact(Fact::Date, last));
        }
        if let Some(most) = self.reminders.first().filter(|most| **most > self.window.days) {
            let early = Warning::from(Notice::ProfileReminderEarly).fact(Fact::Key, "calendar.reminders");
            remarks.push(early.fact(Fact::Found, most).fact(Fact::Limit, self.window.days));
        }
        for issuer in &self.issuers {
            let reversed = |subject: &Name| is_reversed(issuer, subject);
            let subjects = || self.anchors.iter().map(Certificate::subject);
            if let Some(anchor) = subjects().find(|one| reversed(one))
                && !subjects().any(|one| issuer.matches(one))
            {
                let reversed = Warning::from(Notice::ProfileIssuerReversed).fact(Fact::Key, "ca.issuers");
                remarks.push(reversed.fact(Fact::Found, issuer).fact(Fact::Expected, anchor));
            }
        }
        remarks
    }
}

/// Whether it is that name from the other end, as `openssl x509 -subject` writes it.
fn is_reversed(written: &Name, name: &Name) -> bool {
    let values = |name: &Name| -> Vec<(String, String)> {
        let attributes = name.attributes().iter();
        attributes.map(|one| (one.kind.to_string(), one.value.to_lowercase())).collect()
    };
    let mut reversed = values(written);
    reversed.reverse();
    reversed == values(name)
}
