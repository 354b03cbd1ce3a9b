//! On which days certificates were installed, where the bank takes a new one only later.

use std::path::PathBuf;

use usbtoken::Result;
use usbtoken::driver::TokenIdentity;
use usbtoken::renewal::Installation;

use super::{Journal, LARGEST_RECORD, name, private};

const INSTALLED: &str = "installed";

impl Journal {
    /// Keeps the record of an installation.
    ///
    /// # Errors
    /// [`usbtoken::Code::JournalUnusable`].
    pub fn keep_installation(&self, token: &TokenIdentity, record: &Installation) -> Result<()> {
        private::make_folder(&self.folder).map_err(|error| self.unusable(&self.folder, error))?;
        let path = self.folder.join(format!("{}.{INSTALLED}", name(token, record.fingerprint())));
        let bytes = serde_json::to_vec_pretty(record).map_err(|error| self.unusable(&path, error.into()))?;
        private::write(&self.folder, &path, &bytes).map_err(|error| self.unusable(&path, error))
    }

    /// The records of installations. Those that cannot be trusted or read are passed over: what the certificate and its job say
    /// counts then.
    pub fn installations(&self) -> Vec<Installation> {
        let read = |path: &PathBuf| {
            let bytes = private::read(path, LARGEST_RECORD).ok().flatten()?;
            serde_json::from_slice(&bytes).ok()
        };
        let files = self.files(|file| file.ends_with(&format!(".{INSTALLED}"))).unwrap_or_default();
        files.iter().filter_map(read).collect()
    }
}
