//! The removals of waiting keys, from one process to the next.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use base16ct::lower::{decode_vec, encode_string as hex};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{KeptInstallations, VERSION, read};
use crate::contents::{Caller, PendingKey, Record, text_for};
use crate::driver::TokenIdentity;
use crate::pki::{Name, PublicKey};

/// How the file of one ends.
const ABANDONING: &str = "abandoning";

/// What is kept of one.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Abandonment {
    version: u32,
    token: TokenIdentity,
    /// The CKA_ID of the key, in hexadecimal.
    id: String,
    /// Its CKA_LABEL, which begins with the record, in hexadecimal.
    label: String,
    /// Whether other private keys were there.
    beside_other_keys: bool,
    /// Its SubjectPublicKeyInfo in DER, in hexadecimal, where that was known.
    #[serde(default)]
    public_key: Option<String>,
    /// Whether it was seen to come to its end.
    #[serde(default)]
    ended: bool,
}

/// So many removals that have come to their end are known at most, of all tokens.
const MOST_ENDED: usize = 64;

/// The removal of a waiting key that has begun on this computer: [`Run::begun_abandonments`](crate::Run::begun_abandonments), and
/// [`Run::abandonments`](crate::Run::abandonments) with those that were seen to come to their end.
#[derive(Clone, Debug)]
pub struct BegunAbandonment {
    id: Vec<u8>,
    label: Vec<u8>,
    record: Record,
    beside_other_keys: bool,
    public_key: Option<PublicKey>,
    ended: bool,
}

impl BegunAbandonment {
    /// That the removal of this key begins, which is the one of this public key.
    pub(crate) fn of(key: &PendingKey, public_key: Option<PublicKey>, beside_other_keys: bool) -> Self {
        let (id, label) = (key.id().to_vec(), key.label().to_vec());
        let record = key.record().clone();
        BegunAbandonment { id, label, record, beside_other_keys, public_key, ended: false }
    }

    /// The CKA_ID of the key.
    pub fn id(&self) -> &[u8] {
        &self.id
    }

    /// The CKA_LABEL of the key.
    pub fn label(&self) -> &[u8] {
        &self.label
    }

    /// The day on which the job began, in Japan standard time, as `YYYY-MM-DD`.
    pub fn since(&self) -> String {
        self.record.day().to_string()
    }

    /// Whether this caller began the job.
    pub fn is_by(&self, caller: &Caller) -> bool {
        self.record.is_by(caller)
    }

    /// Whether it was seen to come to its end.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    /// The public key of the key, where it was known: another one under its identifier, with its record, is not this one.
    pub(crate) fn public_key(&self) -> Option<&PublicKey> {
        self.public_key.as_ref()
    }

    /// Whether it was the key of a first certificate for this subject, as far as the token told.
    pub(crate) fn is_said_to_be_for(&self, subject: &Name) -> bool {
        let text = self.record.text_in(&self.label);
        self.record.is_first() && text.is_some() && text.as_deref() == text_for(subject).as_deref()
    }

    /// Whether other private keys were on the token.
    pub(crate) fn beside_other_keys(&self) -> bool {
        self.beside_other_keys
    }

    fn is_of(&self, key: &PendingKey) -> bool {
        self.id == key.id() && self.record == *key.record()
    }
}

impl KeptInstallations {
    /// Keeps that the removal of a waiting key begins. Where that cannot be kept, one that stops when nothing is left to remove is not
    /// known by the next process.
    pub(crate) fn begin_abandonment(&self, token: &TokenIdentity, begun: &BegunAbandonment) {
        self.write_abandonment(token, begun, false);
    }

    /// It has come to its end. That stays known of those that ended last, so that the same removal again is no other one.
    pub(crate) fn end_abandonment(&self, token: &TokenIdentity, begun: &BegunAbandonment) {
        self.write_abandonment(token, begun, true);
        let is_ended = |path: &PathBuf| {
            let kept: Option<Abandonment> =
                read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
            kept.is_some_and(|kept| kept.ended)
        };
        let mut ended: Vec<PathBuf> = self.abandonment_files().filter(is_ended).collect();
        ended.sort_by_key(|path| std::cmp::Reverse(written(path)));
        ended.iter().skip(MOST_ENDED).for_each(|path| drop(fs::remove_file(path)));
    }

    fn write_abandonment(&self, token: &TokenIdentity, begun: &BegunAbandonment, ended: bool) {
        let kept = Abandonment {
            version: VERSION,
            token: token.clone(),
            id: hex(&begun.id),
            label: hex(&begun.label),
            beside_other_keys: begun.beside_other_keys,
            public_key: begun.public_key.as_ref().map(|public| hex(public.spki_der())),
            ended,
        };
        if let Ok(bytes) = serde_json::to_vec_pretty(&kept) {
            let _ = self.write(&self.path_of_abandonment(token, &begun.id, &begun.record), &bytes);
        }
    }

    /// The job goes on: its key was not removed.
    pub(crate) fn forget_abandonment(&self, token: &TokenIdentity, id: &[u8], record: &Record) {
        let _ = fs::remove_file(self.path_of_abandonment(token, id, record));
    }

    /// Those of this token, the last one first. What cannot be read or believed is passed over.
    pub(crate) fn abandonments(&self, token: &TokenIdentity) -> Vec<BegunAbandonment> {
        let mut begun: Vec<(SystemTime, BegunAbandonment)> = self
            .abandonment_files()
            .filter_map(|path| Some((written(&path), abandonment_in(&path, token)?)))
            .collect();
        begun.sort_by_key(|(written, _)| std::cmp::Reverse(*written));
        begun.into_iter().map(|(_, begun)| begun).collect()
    }

    /// That of this key.
    pub(crate) fn begun_abandonment(
        &self,
        token: &TokenIdentity,
        key: &PendingKey,
    ) -> Option<BegunAbandonment> {
        let begun = abandonment_in(&self.path_of_abandonment(token, key.id(), key.record()), token)?;
        Some(begun).filter(|begun| begun.is_of(key))
    }

    fn abandonment_files(&self) -> impl Iterator<Item = PathBuf> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path());
        files.filter(|path| path.extension().is_some_and(|end| end == ABANDONING))
    }

    fn path_of_abandonment(&self, token: &TokenIdentity, id: &[u8], record: &Record) -> PathBuf {
        let mut digest = Sha256::new();
        let name = token.name();
        for part in [name.as_bytes(), id, record.label()] {
            digest.update(Sha256::digest(part));
        }
        self.folder.join(format!("{}.{ABANDONING}", hex(&digest.finalize())))
    }
}

fn abandonment_in(path: &std::path::Path, token: &TokenIdentity) -> Option<BegunAbandonment> {
    let kept: Abandonment = serde_json::from_slice(&read(path).ok()?).ok()?;
    if kept.version != VERSION || !kept.token.is_same_token(token) {
        return None;
    }
    let (id, label) = (decode_vec(&kept.id).ok()?, decode_vec(&kept.label).ok()?);
    let record = Record::in_label(&label)?;
    let spki = kept.public_key.and_then(|public| decode_vec(public).ok());
    let public_key = spki.and_then(|spki| PublicKey::from_spki_der(&spki).ok());
    let Abandonment { beside_other_keys, ended, .. } = kept;
    Some(BegunAbandonment { id, label, record, beside_other_keys, public_key, ended })
}

fn written(path: &std::path::Path) -> SystemTime {
    fs::metadata(path).and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}
