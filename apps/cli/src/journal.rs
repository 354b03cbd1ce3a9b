//! What a computer keeps of a job until it is done: the request as it was sent, the CA's cookie, its answer.
//!
//! The token alone is enough to go on: the journal is there because a CA takes a request that was signed anew for a
//! second order, and because what it answered cannot be asked for twice. Files are private (0600 in a folder of
//! 0700), appear whole or not at all, and are on the disk before the call returns.

mod begun;
mod confirmations;
mod in_use;
mod labels;
mod names;
mod orders;
mod private;
mod removed;
mod renewing;
#[cfg(test)]
mod tests;
mod wrong_pin;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use base16ct::lower::encode_string as hex;
use base64ct::{Base64, Encoding as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use usbtoken::bank::KeyRule;
use usbtoken::driver::TokenIdentity;
use usbtoken::error::Fact;
use usbtoken::pki::{Name, PublicKey, Request};
use usbtoken::places::OldCertificate;
use usbtoken::{Code, Credential, Error, Pending, Policy, Result};

use self::names::{earlier_name, name};
pub use self::orders::Order;
pub use self::removed::Removed;
pub use self::wrong_pin::WrongPin;
use crate::reference::Reference;

/// The only version of the record that was ever written.
const VERSION: u32 = 1;
/// A request has a few KiB, and a cookie is bounded by who reads it.
const LARGEST_RECORD: u64 = 1024 * 1024;
const RECORD: &str = "job";
const ANSWER: &str = "answer";
const UNASSIGNED: &str = "unassigned";

/// The folder in which jobs are kept. It is the caller's choice; nothing is touched before a method is called.
#[derive(Clone, Debug)]
pub struct Journal {
    folder: PathBuf,
}

/// What is kept of one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalEntry {
    version: u32,
    /// The token on which the key waits.
    pub token: TokenIdentity,
    /// The CKA_ID of the key that waits, in hexadecimal.
    pub key_id: String,
    /// SHA-256 of the public key (SubjectPublicKeyInfo), in hexadecimal.
    key_fingerprint: String,
    /// The day on which the job began, in Japan standard time, as `YYYY-MM-DD`.
    pub since: String,
    /// The serial number of the certificate that is renewed; `None` for a first one.
    pub old_serial: Option<String>,
    /// The certificate that is renewed and where it was, where that is not on the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<OldCertificate>,
    /// The request, byte for byte as it was first made, in PEM.
    pub request: String,
    /// Whether the request is the one that the old key signed too ([`usbtoken::bank::RequestForm::SignedByOldKey`]).
    pub signed_by_old_key: bool,
    /// What the CA gave to ask again with.
    pub cookie: Option<String>,
    /// What was demanded when the job began.
    #[serde(default)]
    pub demands: Policy,
    /// The CA that was given the request, as a digest of how it is asked. None: a person carries it.
    #[serde(default)]
    asked: Option<String>,
    /// The number under which the bank or its CA knows the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
}

impl JournalEntry {
    /// What is to be kept of a job whose request was just made.
    pub fn of(token: &TokenIdentity, pending: &Pending) -> Self {
        let by_old = pending.renewal_request();
        let old = pending.old_certificate();
        JournalEntry {
            version: VERSION,
            token: token.clone(),
            key_id: hex(pending.key_id()),
            key_fingerprint: fingerprint(pending.request().public_key()),
            since: pending.since().to_string(),
            old_serial: old.map(|old| old.certificate().serial().to_string()),
            old: old.filter(|old| old.on_token().is_none()).cloned(),
            request: by_old.map_or_else(|| pending.request().to_pem(), |cms| cms.to_pem()),
            signed_by_old_key: by_old.is_some(),
            cookie: None,
            demands: pending.policy().clone(),
            asked: None,
            reference: None,
        }
    }

    /// The same job, of which the CA that is asked in this way was given the request.
    #[must_use]
    pub fn with_asked(mut self, way: &str) -> Self {
        self.asked = Some(digest_of(way));
        self
    }

    /// The same job with the order's reference number, where one is given.
    #[must_use]
    pub fn with_reference(mut self, reference: Option<Reference>) -> Self {
        self.reference = reference.or(self.reference);
        self
    }

    /// The same job with what the CA gave to ask again with.
    #[must_use]
    pub fn with_cookie(mut self, cookie: Option<String>) -> Self {
        self.cookie = cookie;
        self
    }

    /// Whether the CA that is asked in this way was given the request, or is about to be.
    pub fn was_asked(&self, way: &str) -> bool {
        self.asked.as_deref() == Some(&*digest_of(way))
    }

    /// The request in DER.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`] when it is damaged.
    pub fn request_der(&self) -> Result<Vec<u8>> {
        let body: String = self.request.lines().filter(|line| !line.starts_with("-----")).collect();
        Base64::decode_vec(&body).map_err(|error| Error::new(Code::JournalUnusable).fact(Fact::Detail, error))
    }

    /// Whom the certificate is asked for, where the request says it in plain form.
    pub fn subject(&self) -> Option<Name> {
        Some(Request::from_der(&self.request_der().ok()?).ok()?.subject().clone())
    }

    /// Whether the order is for the key that the old certificate has: no key of its own waits on the token.
    pub fn reuses_key(&self) -> bool {
        self.demands.key == KeyRule::OldAgain
    }

    /// Whether it is an order for the key that this certificate has, to renew that.
    pub fn is_for_key_of(&self, old: &Credential) -> bool {
        let old = old.certificate();
        self.reuses_key()
            && self.is_for(old.public_key())
            && self.old_serial.as_deref() == Some(&*old.serial().to_string())
    }

    fn is_of(&self, token: &TokenIdentity, key_id: &str) -> bool {
        self.key_id == key_id && self.token.is_same_token(token)
    }

    /// Whether the request is for this key.
    pub fn is_for(&self, key: &PublicKey) -> bool {
        self.key_fingerprint == fingerprint(key)
    }
}

impl Journal {
    /// The longest answer that is kept, in bytes. It is far over what is read ([`usbtoken::pki::MAX_RESPONSE`]): what is
    /// cut off cannot be had again.
    pub const LARGEST_ANSWER: usize = 64 << 20;

    /// The journal in this folder.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Journal { folder: folder.into() }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the folder where it is missing, and makes sure that an answer of usual size will find room in it.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`] when it belongs to somebody else, others may read it, or it takes no file.
    pub fn prepare(&self) -> Result<()> {
        private::make_folder(&self.folder).map_err(|error| self.unusable(&self.folder, error))?;
        private::try_room(&self.folder).map_err(|error| self.unusable(&self.folder, error))
    }

    /// When the folder or a file in it was last changed: a moment that has passed, whatever the clock says now. `None`
    /// where there is no folder yet.
    pub fn last_change(&self) -> Option<SystemTime> {
        let changed = |path: &Path| std::fs::symlink_metadata(path).and_then(|data| data.modified()).ok();
        let files = self.files(|_| true).unwrap_or_default();
        files.iter().map(PathBuf::as_path).chain([self.folder()]).filter_map(changed).max()
    }

    /// Keeps a job, or what is new of it.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`], also when something is in its place that was not written here: it stays.
    pub fn keep(&self, entry: &JournalEntry) -> Result<()> {
        private::make_folder(&self.folder).map_err(|error| self.unusable(&self.folder, error))?;
        let path = self.place(&entry.token, &entry.key_id, RECORD);
        self.read(&path)?;
        let bytes = serde_json::to_vec_pretty(entry).map_err(|error| self.unusable(&path, error.into()))?;
        private::write(&self.folder, &path, &bytes).map_err(|error| self.unusable(&path, error))?;
        // What an earlier release has kept of it says nothing more.
        let mut earlier = self.records_of(&entry.token, &entry.key_id).unwrap_or_default();
        earlier.retain(|other| *other != path);
        earlier.iter().for_each(|other| drop(self.remove_file(other)));
        Ok(())
    }

    /// What is kept of the job of this key; `None` where there is nothing.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`] when there is something that cannot be trusted or read; it stays as it is.
    pub fn entry(&self, token: &TokenIdentity, key_id: &[u8]) -> Result<Option<JournalEntry>> {
        let key_id = hex(key_id);
        let mut path = self.found(token, &key_id, RECORD);
        if !private::may_be_there(&path) {
            // An earlier release, to which its driver spelled the serial number in another way.
            match self.records_of(token, &key_id).ok().and_then(|others| others.into_iter().next()) {
                Some(other) => path = other,
                None => return Ok(None),
            }
        }
        self.folder_is_there()?;
        match self.read(&path)? {
            Some(entry) if entry.is_of(token, &key_id) => Ok(Some(entry)),
            Some(_) => Err(self.unusable(&path, invalid("the record is another job's"))),
            None => Ok(None),
        }
    }

    /// The jobs whose keys these are, on whichever tokens they wait.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`] for the folder; and where none is found, for a record that cannot be trusted or read: it
    /// may be theirs.
    pub fn entries_for(&self, keys: &[&PublicKey]) -> Result<Vec<JournalEntry>> {
        let (mut found, mut unusable) = (Vec::new(), None);
        for path in self.files(|file| file.ends_with(&format!(".{RECORD}")))? {
            match self.read(&path) {
                Ok(entry) => found.extend(entry.filter(|entry| keys.iter().any(|key| entry.is_for(key)))),
                Err(error) => unusable = Some(error),
            }
        }
        match unusable {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }

    /// Keeps what the CA answered for this key, as it came, beside earlier answers. Returns the file.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`].
    pub fn keep_answer(&self, token: &TokenIdentity, key_id: &[u8], answer: &[u8]) -> Result<PathBuf> {
        self.write_answer(&name(token, &hex(key_id)), answer)
    }

    /// Opens a file of this key's answers, to write down what the CA says while it says it. Who ends well keeps the
    /// whole by [`Journal::keep_answer`] and removes this file by [`Journal::remove_file`].
    ///
    /// # Errors
    /// [`Code::JournalUnusable`].
    pub fn receive(&self, token: &TokenIdentity, key_id: &[u8]) -> Result<(File, PathBuf)> {
        let prefix = format!("{}-", name(token, &hex(key_id)));
        let create = || {
            private::make_folder(&self.folder)?;
            private::create(&self.folder, &prefix, &format!(".{ANSWER}"))
        };
        create().map_err(|error| self.unusable(&self.folder, error))
    }

    /// Keeps an answer of which it is not known yet what key it is for. Returns the file.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`].
    pub fn keep_unassigned_answer(&self, answer: &[u8]) -> Result<PathBuf> {
        self.write_answer(UNASSIGNED, answer)
    }

    /// Puts an answer that was kept without a job under the job of this entry, beside earlier ones. Returns the file.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`].
    pub fn assign(&self, answer: &Path, entry: &JournalEntry) -> Result<PathBuf> {
        let digest = answer.file_name().and_then(|name| name.to_str()?.strip_prefix(UNASSIGNED));
        let digest = digest.ok_or_else(|| self.unusable(answer, invalid("no answer without a job")))?;
        let path = self.folder.join(format!("{}{digest}", name(&entry.token, &entry.key_id)));
        private::rename(&self.folder, answer, &path).map_err(|error| self.unusable(answer, error))?;
        Ok(path)
    }

    /// The answers that are kept for this key, each with its file.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`].
    pub fn answers(&self, token: &TokenIdentity, key_id: &[u8]) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        let key_id = hex(key_id);
        let names = [name(token, &key_id), earlier_name(token, &key_id)];
        let is_ours = |file: &str| names.iter().any(|name| belongs(file, name, &['-']));
        let ours = self.files(|file| is_ours(file) && file.ends_with(&format!(".{ANSWER}")))?;
        let read = ours.into_iter().map(|path| match private::read(&path, Self::LARGEST_ANSWER as u64) {
            Ok(bytes) => Ok((path, bytes.unwrap_or_default())),
            Err(error) => Err(self.unusable(&path, error)),
        });
        read.collect()
    }

    /// Forgets a job: its certificate is on the token, or its key is gone.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`].
    pub fn remove(&self, token: &TokenIdentity, key_id: &[u8]) -> Result<()> {
        let key_id = hex(key_id);
        let names = [name(token, &key_id), earlier_name(token, &key_id)];
        let of_job = self.files(|file| names.iter().any(|name| belongs(file, name, &['.', '-'])))?;
        let of_job = of_job.into_iter().chain(self.records_of(token, &key_id)?);
        of_job.into_iter().try_for_each(|path| self.remove_file(&path))
    }

    /// Forgets one answer.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`].
    pub fn remove_file(&self, path: &Path) -> Result<()> {
        private::remove(&self.folder, path).map_err(|error| self.unusable(path, error))
    }

    fn write_answer(&self, prefix: &str, answer: &[u8]) -> Result<PathBuf> {
        private::make_folder(&self.folder).map_err(|error| self.unusable(&self.folder, error))?;
        // Named by what is in it: a second answer never takes the place of the first.
        let digest = hex(Sha256::digest(answer).get(..8).unwrap_or_default());
        let path = self.folder.join(format!("{prefix}-{digest}.{ANSWER}"));
        private::write(&self.folder, &path, answer).map_err(|error| self.unusable(&path, error))?;
        Ok(path)
    }

    fn read(&self, path: &Path) -> Result<Option<JournalEntry>> {
        let bytes = private::read(path, LARGEST_RECORD).map_err(|error| self.unusable(path, error))?;
        let Some(bytes) = bytes else { return Ok(None) };
        let entry: JournalEntry =
            serde_json::from_slice(&bytes).map_err(|error| self.unusable(path, error.into()))?;
        if entry.version == VERSION {
            Ok(Some(entry))
        } else {
            Err(self.unusable(path, invalid("written by another version of this program")))
        }
    }

    /// The records of this job, by whichever spelling of the serial number they were named.
    fn records_of(&self, token: &TokenIdentity, key_id: &str) -> Result<Vec<PathBuf>> {
        let mut records = self.files(|file| file.ends_with(&format!(".{RECORD}")))?;
        let is_of_job =
            |path: &Path| self.read(path).ok().flatten().is_some_and(|entry| entry.is_of(token, key_id));
        records.retain(|path| is_of_job(path));
        Ok(records)
    }

    fn folder_is_there(&self) -> Result<bool> {
        private::check_folder(&self.folder).map_err(|error| self.unusable(&self.folder, error))
    }

    fn files(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>> {
        if !self.folder_is_there()? {
            return Ok(Vec::new());
        }
        let list = || -> std::io::Result<Vec<PathBuf>> {
            let all = std::fs::read_dir(&self.folder)?.collect::<std::io::Result<Vec<_>>>()?;
            let meant = all.iter().filter(|entry| entry.file_name().to_str().is_some_and(&wanted));
            let mut found: Vec<PathBuf> = meant.map(std::fs::DirEntry::path).collect();
            found.sort();
            Ok(found)
        };
        list().map_err(|error| self.unusable(&self.folder, error))
    }

    fn unusable(&self, path: &Path, error: std::io::Error) -> Error {
        Error::new(Code::JournalUnusable)
            .fact(Fact::Path, path.display())
            .fact(Fact::Detail, &error)
            .caused_by(error)
    }
}

/// How a CA is asked may hold what is not to be written down.
fn digest_of(way: &str) -> String {
    hex(&Sha256::digest(way))
}

/// SHA-256 of the public key (SubjectPublicKeyInfo), in hexadecimal.
fn fingerprint(key: &PublicKey) -> String {
    hex(&Sha256::digest(key.spki_der()))
}

fn invalid(why: &'static str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, why)
}

/// Whether a file is of this name, with one of these signs behind it.
fn belongs(file: &str, name: &str, signs: &[char]) -> bool {
    file.strip_prefix(name).is_some_and(|rest| rest.starts_with(signs))
}
