//! Orders for keys that are in use: nothing of them is on the token.

use std::time::SystemTime;

use usbtoken::driver::TokenIdentity;
use usbtoken::pki::{PublicKey, Request, jst_date};

use super::{Journal, JournalEntry, RECORD};

impl JournalEntry {
    /// Whole days in Japan since the job began; 0 where what is kept of it is no date.
    pub fn age_days(&self, now: SystemTime) -> i64 {
        let today = jst_date(now);
        let mut since = today;
        if let Ok(day) = self.since.parse() {
            since = day;
        }
        (today - since).get_days().into()
    }
}

impl Journal {
    /// Those for keys of this token. What cannot be read is passed over here; who goes on with it is told.
    pub fn orders_for_keys_in_use(&self, token: &TokenIdentity) -> Vec<JournalEntry> {
        let records = self.files(|file| file.ends_with(&format!(".{RECORD}"))).unwrap_or_default();
        let kept = records.iter().filter_map(|path| self.read(path).ok().flatten());
        kept.filter(|entry| entry.token.is_same_token(token) && entry.reuses_key()).collect()
    }

    /// The requests that were made here: each by its public key and the serial number of what it renews, empty for a first certificate. What cannot be
    /// trusted or read is passed over.
    pub fn requests(&self) -> Vec<(PublicKey, String)> {
        let records = self.files(|file| file.ends_with(&format!(".{RECORD}"))).unwrap_or_default();
        let kept = records.iter().filter_map(|path| self.read(path).ok().flatten());
        let request = |entry: JournalEntry| {
            let key = Request::from_der(&entry.request_der().ok()?).ok()?.public_key().clone();
            Some((key, entry.old_serial.unwrap_or_default()))
        };
        kept.filter_map(request).collect()
    }
}
