//! The jobs that renew one certificate, on whichever tokens: those that wait, and that one is done.

use std::path::PathBuf;

use base16ct::lower::{decode_vec, encode_string as hex};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use usbtoken::driver::TokenIdentity;
use usbtoken::places::OldCertificate;
use usbtoken::{Certificate, Result};

use super::{Journal, JournalEntry, LARGEST_RECORD, RECORD, private};

const RENEWED: &str = "renewed";

/// What took the place of a certificate that is not on the same token.
#[derive(Serialize, Deserialize)]
struct Renewed {
    token: TokenIdentity,
    /// The new certificate in DER, in hexadecimal.
    by: String,
}

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

    /// Notes that this certificate was renewed onto a token that it is not on.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`](usbtoken::Code::JournalUnusable).
    pub fn note_renewed(&self, old: &Certificate, token: &TokenIdentity, by: &Certificate) -> Result<()> {
        private::make_folder(&self.folder).map_err(|error| self.unusable(&self.folder, error))?;
        let (path, renewed) = (self.renewed(old), Renewed { token: token.clone(), by: hex(by.der()) });
        let bytes =
            serde_json::to_vec_pretty(&renewed).map_err(|error| self.unusable(&path, error.into()))?;
        private::write(&self.folder, &path, &bytes).map_err(|error| self.unusable(&path, error))
    }

    /// The token that this certificate was renewed onto, and by what. What cannot be trusted or read is passed over.
    pub fn renewed_onto(&self, old: &Certificate) -> Option<(TokenIdentity, Certificate)> {
        let bytes = private::read(&self.renewed(old), LARGEST_RECORD).ok()??;
        let Renewed { token, by } = serde_json::from_slice(&bytes).ok()?;
        Some((token, Certificate::from_der(&decode_vec(&by).ok()?).ok()?))
    }

    fn renewed(&self, old: &Certificate) -> PathBuf {
        self.folder.join(format!("{}.{RENEWED}", hex(&Sha256::digest(old.der()))))
    }

    fn readable(&self) -> Vec<JournalEntry> {
        let files = self.files(|file| file.ends_with(&format!(".{RECORD}"))).unwrap_or_default();
        files.iter().filter_map(|path| self.read(path).ok().flatten()).collect()
    }
}
