//! The records of logins that were confirmed.

use std::path::PathBuf;

use usbtoken::driver::TokenIdentity;
use usbtoken::renewal::Confirmation;
use usbtoken::{Certificate, Result};

use super::{Journal, LARGEST_RECORD, private};

const CONFIRMED: &str = "confirmed";

impl Journal {
    /// Keeps the record of a login, in the place of an earlier one with the same certificate.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`].
    pub fn keep_confirmation(&self, record: &Confirmation) -> Result<()> {
        private::make_folder(&self.folder).map_err(|error| self.unusable(&self.folder, error))?;
        let path = self.place(record.token(), record.fingerprint(), CONFIRMED);
        let bytes = serde_json::to_vec_pretty(record).map_err(|error| self.unusable(&path, error.into()))?;
        private::write(&self.folder, &path, &bytes).map_err(|error| self.unusable(&path, error))
    }

    /// The records of logins with keys of this token. Those that cannot be trusted or read are passed over: each can be
    /// had anew.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`] for the folder.
    pub fn confirmations(&self, token: &TokenIdentity) -> Result<Vec<Confirmation>> {
        let read = |path: &PathBuf| {
            let bytes = private::read(path, LARGEST_RECORD).ok().flatten()?;
            serde_json::from_slice::<Confirmation>(&bytes)
                .ok()
                .filter(|record| record.token().is_same_token(token))
        };
        Ok(self.files(|file| file.ends_with(&format!(".{CONFIRMED}")))?.iter().filter_map(read).collect())
    }

    /// Forgets the records of logins with this certificate.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`].
    pub fn forget_confirmation(&self, token: &TokenIdentity, certificate: &Certificate) -> Result<()> {
        let of_certificate = |record: &Confirmation| record.is_of(certificate);
        for record in self.confirmations(token)?.iter().filter(|record| of_certificate(record)) {
            for path in self.places(record.token(), record.fingerprint(), CONFIRMED) {
                self.remove_file(&path)?;
            }
        }
        Ok(())
    }
}
