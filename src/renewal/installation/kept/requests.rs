//! Of which key each job is, from one process to the next: another program can give its record to a key of its own.

use std::path::PathBuf;

use base16ct::lower::{decode_vec, encode_string as hex};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{KeptInstallations, VERSION, read};
use crate::pki::PublicKey;

/// The key that was made for a job, as it is kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Requested {
    version: u32,
    /// Its SubjectPublicKeyInfo in DER, in hexadecimal.
    public_key: String,
}

impl KeptInstallations {
    /// Keeps for which key the request of the job with this record is. Where that cannot be kept, the record alone tells.
    pub(crate) fn note_request(&self, record: &[u8], key: &PublicKey) {
        let requested = Requested { version: VERSION, public_key: hex(key.spki_der()) };
        if let Ok(bytes) = serde_json::to_vec_pretty(&requested) {
            let _ = self.write(&self.path_of_request(record), &bytes);
        }
    }

    /// The key for which the request of the job with this record is, where it was made on this computer. What cannot be read or
    /// believed is passed over.
    pub(crate) fn requested(&self, record: &[u8]) -> Option<PublicKey> {
        let requested: Requested = serde_json::from_slice(&read(&self.path_of_request(record)).ok()?).ok()?;
        let spki = decode_vec(requested.public_key).ok().filter(|_| requested.version == VERSION)?;
        PublicKey::from_spki_der(&spki).ok()
    }

    fn path_of_request(&self, record: &[u8]) -> PathBuf {
        self.folder.join(format!("{}.requested", hex(&Sha256::digest(record))))
    }
}
