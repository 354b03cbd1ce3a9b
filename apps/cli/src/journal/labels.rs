//! Labels of jobs.
//!
//! The record of a job stands in the label of its key. Of a token that chooses labels by itself, and where a driver does not give
//! the label, this computer remembers which key's it is, also when the job is done: the next renewal has to know that the
//! certificate was renewed.

use std::collections::BTreeMap;

use base16ct::lower::{decode_vec, encode_string as hex};
use serde::{Deserialize, Serialize};
use usbtoken::driver::TokenIdentity;
use usbtoken::{Pending, Result};

use super::{Journal, LARGEST_RECORD, name, private};

const LABEL: &str = "label";

/// What is kept of one key.
#[derive(Serialize, Deserialize)]
struct KeptLabel {
    token: TokenIdentity,
    /// The CKA_ID of the key, in hexadecimal.
    key_id: String,
    /// The label that it was to have, in hexadecimal.
    label: String,
    /// Whether the token has taken it.
    #[serde(default)]
    taken: bool,
}

impl Journal {
    /// Keeps the label of a key that was just made, and whether the token has given it another one.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`](usbtoken::Code::JournalUnusable).
    pub fn keep_label(&self, token: &TokenIdentity, pending: &Pending) -> Result<()> {
        let Some(label) = pending.label() else { return Ok(()) };
        let taken = pending.label_not_taken().is_none();
        private::make_folder(&self.folder).map_err(|error| self.unusable(&self.folder, error))?;
        let key_id = hex(pending.key_id());
        // Not by the job's name: it stays when that is forgotten.
        let path = self.folder.join(format!("{}.{LABEL}", name(token, &format!("{LABEL} {key_id}"))));
        let kept = KeptLabel { token: token.clone(), key_id, label: hex(label), taken };
        let bytes = serde_json::to_vec_pretty(&kept).map_err(|error| self.unusable(&path, error.into()))?;
        private::write(&self.folder, &path, &bytes).map_err(|error| self.unusable(&path, error))
    }

    /// The labels that keys of this token were to have, by their CKA_ID: those that it took, or those that it did not. One that
    /// cannot be read is none: the token alone says then what its keys are.
    pub fn labels(&self, token: &TokenIdentity, taken: bool) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let files = self.files(|file| file.ends_with(&format!(".{LABEL}"))).unwrap_or_default();
        let kept = files.iter().filter_map(|path| {
            let bytes = private::read(path, LARGEST_RECORD).ok()??;
            let kept: KeptLabel = serde_json::from_slice(&bytes).ok()?;
            let pair = (decode_vec(&kept.key_id).ok()?, decode_vec(&kept.label).ok()?);
            (kept.token == *token && kept.taken == taken).then_some(pair)
        });
        kept.collect()
    }
}
