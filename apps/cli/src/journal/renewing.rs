//! The jobs that renew one certificate and wait, on whichever tokens.

use usbtoken::Certificate;
use usbtoken::places::OldCertificate;

use super::{Journal, JournalEntry, RECORD};

impl Journal {
    /// The jobs of this certificate from elsewhere that wait. A record that cannot be read is passed over: this is for a remark.
    pub fn renewing(&self, old: &Certificate) -> Vec<JournalEntry> {
        let renewed = |entry: &JournalEntry| entry.old.as_ref().map(OldCertificate::certificate) == Some(old);
        self.readable().into_iter().filter(renewed).collect()
    }

    /// The certificates from elsewhere whose renewals wait.
    pub fn all_from_elsewhere(&self) -> Vec<OldCertificate> {
        self.readable().into_iter().filter_map(|entry| entry.old).collect()
    }

    fn readable(&self) -> Vec<JournalEntry> {
        let files = self.files(|file| file.ends_with(&format!(".{RECORD}"))).unwrap_or_default();
        files.iter().filter_map(|path| self.read(path).ok().flatten()).collect()
    }
}
