//! What may not be meant in a profile that is one.

use std::time::SystemTime;

use super::profile::Bank;
use crate::error::{Fact, Notice, Warning};
use crate::pki::jst_date;

impl Bank {
    /// What whoever writes or installs this profile should look at again, though it is no fault: a service that has ended by
    /// its date, and reminders of a renewal that is not possible yet.
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
        remarks
    }
}
