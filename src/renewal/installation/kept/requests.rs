//! Of which key each job is, from one process to the next: another program can give its record to a key of its own, and a driver may not
//! show the key for a while.

use std::fs;
use std::path::{Path, PathBuf};

use base16ct::lower::{decode_vec, encode_string as hex};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{KeptInstallations, VERSION, read};
use crate::contents::Record;
use crate::driver::TokenIdentity;
use crate::pki::PublicKey;

/// How the file of one ends.
const REQUESTED: &str = "requested";

/// The key that was made for a job, as it is kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Requested {
    version: u32,
    /// Its SubjectPublicKeyInfo in DER, in hexadecimal.
    public_key: String,
    /// Which key on which token it is.
    #[serde(default)]
    place: Option<Place>,
    /// Whether the job has come to its end: its certificate was installed, or its key abandoned.
    #[serde(default)]
    ended: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    token: TokenIdentity,
    /// The CKA_ID of the key, in hexadecimal.
    id: String,
    /// The record in its CKA_LABEL, in hexadecimal.
    label: String,
}

/// A job whose request this computer has made: [`Run::kept_requests`](crate::Run::kept_requests).
#[derive(Clone, Debug)]
pub struct KeptRequest {
    pub(crate) record: Record,
    id: Vec<u8>,
    public_key: PublicKey,
    ended: bool,
}

impl KeptRequest {
    /// The CKA_ID of the key that was made for it.
    pub fn id(&self) -> &[u8] {
        &self.id
    }

    /// The record that its label begins with.
    pub fn label(&self) -> &[u8] {
        self.record.label()
    }

    /// The public key of the request.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The day on which the job began, in Japan standard time, as `YYYY-MM-DD`.
    pub fn since(&self) -> String {
        self.record.day().to_string()
    }

    /// Whether the job has come to its end here.
    pub fn is_ended(&self) -> bool {
        self.ended
    }
}

impl KeptInstallations {
    /// Keeps for which key the request of the job with this record is. Where that cannot be kept, the record alone tells.
    pub(crate) fn note_request(&self, token: &TokenIdentity, id: &[u8], record: &[u8], key: &PublicKey) {
        let place = Some(Place { token: token.clone(), id: hex(id), label: hex(record) });
        let public_key = hex(key.spki_der());
        self.write_request(record, &Requested { version: VERSION, public_key, place, ended: false });
    }

    /// The job has come to its end. For which key its request was stays known.
    pub(crate) fn end_request(&self, record: &[u8]) {
        if let Some(requested) = kept_in(&self.path_of_request(record)).filter(|kept| !kept.ended) {
            self.write_request(record, &Requested { ended: true, ..requested });
        }
    }

    /// There is no such job: the key that was made has been taken back.
    pub(crate) fn forget_request(&self, record: &[u8]) {
        let _ = fs::remove_file(self.path_of_request(record));
    }

    /// The key for which the request of the job with this record is, where it was made on this computer. What cannot be read or
    /// believed is passed over.
    pub(crate) fn requested(&self, record: &[u8]) -> Option<PublicKey> {
        public_key_in(&kept_in(&self.path_of_request(record))?)
    }

    /// The jobs of this token whose requests were made on this computer.
    pub(crate) fn requests(&self, token: &TokenIdentity) -> Vec<KeptRequest> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let files = files.filter(|path| path.extension().is_some_and(|end| end == REQUESTED));
        files.filter_map(|path| request_in(&path, token)).collect()
    }

    /// That with this record.
    pub(crate) fn request_of(&self, token: &TokenIdentity, record: &[u8]) -> Option<KeptRequest> {
        request_in(&self.path_of_request(record), token)
    }

    fn write_request(&self, record: &[u8], requested: &Requested) {
        if let Ok(bytes) = serde_json::to_vec_pretty(requested) {
            let _ = self.write(&self.path_of_request(record), &bytes);
        }
    }

    fn path_of_request(&self, record: &[u8]) -> PathBuf {
        self.folder.join(format!("{}.{REQUESTED}", hex(&Sha256::digest(record))))
    }
}

fn kept_in(path: &Path) -> Option<Requested> {
    let requested: Requested = serde_json::from_slice(&read(path).ok()?).ok()?;
    Some(requested).filter(|requested| requested.version == VERSION)
}

fn public_key_in(requested: &Requested) -> Option<PublicKey> {
    PublicKey::from_spki_der(&decode_vec(&requested.public_key).ok()?).ok()
}

fn request_in(path: &Path, token: &TokenIdentity) -> Option<KeptRequest> {
    let requested = kept_in(path)?;
    let public_key = public_key_in(&requested)?;
    let place = requested.place.filter(|place| place.token.is_same_token(token))?;
    let (id, label) = (decode_vec(&place.id).ok()?, decode_vec(&place.label).ok()?);
    Some(KeptRequest { record: Record::in_label(&label)?, id, public_key, ended: requested.ended })
}
