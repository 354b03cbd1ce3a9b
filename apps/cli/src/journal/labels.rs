//! Labels of jobs.
//!
//! The record of a job stands in the label of its key. Of a token that chooses labels by itself, and where a driver does not give
//! the label, this computer remembers which key's it is, also when the job is done: the next renewal has to know that the
//! certificate was renewed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base16ct::lower::{decode_vec, encode_string as hex};
use serde::{Deserialize, Serialize};
use usbtoken::driver::TokenIdentity;
use usbtoken::pki::PublicKey;
use usbtoken::{Pending, Result};

use super::{Journal, LARGEST_RECORD, private};

const LABEL: &str = "label";

/// What is kept of one key.
#[derive(Serialize, Deserialize)]
struct KeptLabel {
    token: TokenIdentity,
    /// The CKA_ID of the key, in hexadecimal.
    key_id: String,
    /// The label that it was to have, in hexadecimal.
    label: String,
    /// Its public key (SubjectPublicKeyInfo), in hexadecimal.
    #[serde(default)]
    public_key: Option<String>,
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
        let path = self.place(token, &format!("{LABEL} {key_id}"), LABEL);
        let public_key = Some(hex(pending.request().public_key().spki_der()));
        let kept = KeptLabel { token: token.clone(), key_id, label: hex(label), public_key, taken };
        let bytes = serde_json::to_vec_pretty(&kept).map_err(|error| self.unusable(&path, error.into()))?;
        private::write(&self.folder, &path, &bytes).map_err(|error| self.unusable(&path, error))
    }

    /// The labels that keys of this token were to have, by their CKA_ID: those that it took, or those that it did not. One that
    /// cannot be read is none: the token alone says then what its keys are.
    pub fn labels(&self, token: &TokenIdentity, taken: bool) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let pair = |kept: KeptLabel| Some((decode_vec(&kept.key_id).ok()?, decode_vec(&kept.label).ok()?));
        self.kept_labels(token).filter(|kept| kept.taken == taken).filter_map(pair).collect()
    }

    /// The public keys of those keys, by their CKA_ID.
    pub fn keys_of_labels(&self, token: &TokenIdentity) -> BTreeMap<Vec<u8>, PublicKey> {
        let pair = |kept: KeptLabel| {
            let public = PublicKey::from_spki_der(&decode_vec(kept.public_key?).ok()?).ok()?;
            Some((decode_vec(&kept.key_id).ok()?, public))
        };
        self.kept_labels(token).filter_map(pair).collect()
    }

    fn kept_labels(&self, token: &TokenIdentity) -> impl Iterator<Item = KeptLabel> {
        let files = self.files(|file| file.ends_with(&format!(".{LABEL}"))).unwrap_or_default();
        let read = |path: PathBuf| {
            let bytes = private::read(&path, LARGEST_RECORD).ok()??;
            serde_json::from_slice::<KeptLabel>(&bytes).ok()
        };
        files.into_iter().filter_map(read).filter(|kept| kept.token.is_same_token(token))
    }
}
