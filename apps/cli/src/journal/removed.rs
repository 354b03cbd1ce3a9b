//! What was removed from tokens because another took its place: a run every day may go on naming it.

use std::collections::HashSet;
use std::path::PathBuf;

use base16ct::lower::{decode_vec, encode_string as hex};
use serde::{Deserialize, Serialize};
use usbtoken::driver::TokenIdentity;
use usbtoken::renewal::{BegunRemoval, Retired};
use usbtoken::{Certificate, Code, Credential, Result, TokenUri};

use super::{Journal, LARGEST_RECORD, VERSION, private};

const REMOVED: &str = "removed";

/// A credential that was removed, and the certificate that took its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removed {
    version: u32,
    token: TokenIdentity,
    /// The CKA_ID, in hexadecimal.
    pub id: String,
    /// The CKA_LABELs of the certificate and of its key, in hexadecimal.
    #[serde(default)]
    labels: Vec<String>,
    /// The serial number, in hexadecimal.
    pub serial: String,
    /// SHA-256 of the certificate, in hexadecimal.
    pub fingerprint: String,
    /// The same of the one that took its place.
    pub successor: String,
    /// Whether nobody has seen that its removal, which began, came to its end.
    #[serde(skip)]
    pub only_begun: bool,
    /// The one that is meant, where this one took its place and was removed later.
    #[serde(skip)]
    pub meant: Option<Box<Removed>>,
}

impl Removed {
    /// That this credential of the token has made room for that certificate. Where other programs have copies, the identifier is that of
    /// the one that was removed.
    pub fn of(token: &TokenIdentity, old: &Credential, retired: &Retired) -> Self {
        Removed {
            version: VERSION,
            token: token.clone(),
            id: hex(&retired.id),
            labels: retired.labels.iter().map(|label| hex(label)).collect(),
            serial: old.certificate().serial().to_string(),
            fingerprint: fingerprint(old.certificate()),
            successor: fingerprint(retired.successor.certificate()),
            only_begun: false,
            meant: None,
        }
    }

    /// The same of a removal that has begun on the token.
    pub fn begun(token: &TokenIdentity, begun: BegunRemoval) -> Self {
        Removed {
            version: VERSION,
            token: token.clone(),
            id: hex(&begun.id),
            labels: begun.labels.iter().map(|label| hex(label)).collect(),
            serial: begun.serial,
            fingerprint: begun.fingerprint,
            successor: fingerprint(&begun.by),
            only_begun: true,
            meant: None,
        }
    }

    /// The one of its row that is meant.
    pub fn meant(&self) -> &Removed {
        self.meant.as_deref().unwrap_or(self)
    }

    /// Whether it is this one. Another program may have written a copy under another identifier, or with a label of its own.
    pub fn is(&self, one: &Credential) -> bool {
        let has_label = self.labels.is_empty() || self.labels.contains(&hex(one.label_bytes()));
        self.id == hex(one.id()) && has_label && self.had(one.certificate())
    }

    /// The CKA_LABELs that it and its key had.
    pub fn labels(&self) -> Vec<Vec<u8>> {
        self.labels.iter().filter_map(|label| decode_vec(label).ok()).collect()
    }

    /// Whether it was this certificate, wherever it stands now.
    pub fn had(&self, certificate: &Certificate) -> bool {
        self.fingerprint == fingerprint(certificate)
    }

    /// For a person, and for `--serial`.
    pub fn name(&self) -> String {
        format!("serial {}, sha256:{}", self.serial, self.fingerprint)
    }

    /// Whether that certificate took its place.
    pub fn was_replaced_by(&self, certificate: &Certificate) -> bool {
        self.successor == fingerprint(certificate)
    }

    /// Whether the token's URI names it.
    pub fn is_named_by(&self, uri: &TokenUri) -> bool {
        let labels: std::result::Result<Vec<_>, _> = self.labels.iter().map(decode_vec).collect();
        let id = decode_vec(&self.id);
        id.is_ok_and(|id| labels.is_ok_and(|labels| uri.names_credential(&id, &labels)))
    }

    /// Whether it had this serial number, or this fingerprint behind `sha256:`.
    pub fn is_named(&self, name: &str) -> bool {
        let digits = |text: &str| text.replace(':', "").to_ascii_lowercase();
        let plain = |text: &str| digits(text).trim_start_matches('0').to_owned();
        match name.strip_prefix("sha256:") {
            Some(fingerprint) => self.fingerprint == digits(fingerprint),
            None => plain(&self.serial) == plain(name),
        }
    }

    /// Whether the other one, removed later, took its place.
    pub fn made_room_for(&self, later: &Removed) -> bool {
        self.successor == later.fingerprint
    }
}

impl Journal {
    /// Notes what was removed.
    ///
    /// # Errors
    /// [`usbtoken::Code::JournalUnusable`].
    pub fn note_removed(&self, removed: &Removed) -> Result<()> {
        private::make_folder(&self.folder).map_err(|error| self.unusable(&self.folder, error))?;
        let path = self.place(&removed.token, &removed.fingerprint, REMOVED);
        let bytes = serde_json::to_vec_pretty(removed).map_err(|error| self.unusable(&path, error.into()))?;
        private::write(&self.folder, &path, &bytes).map_err(|error| self.unusable(&path, error))
    }

    /// Notes that a person was told why a credential of this token stays.
    ///
    /// # Errors
    /// [`usbtoken::Code::JournalUnusable`].
    pub fn note_told(&self, token: &TokenIdentity, old: &Certificate, why: Code) -> Result<()> {
        private::make_folder(&self.folder).map_err(|error| self.unusable(&self.folder, error))?;
        let path = self.place(token, &fingerprint(old), &kind_of_told(why));
        private::write(&self.folder, &path, why.name().as_bytes())
            .map_err(|error| self.unusable(&path, error))
    }

    /// Whether a person was told so.
    pub fn was_told(&self, token: &TokenIdentity, old: &Certificate, why: Code) -> bool {
        let told = self.found(token, &fingerprint(old), &kind_of_told(why));
        let read = private::read(&told, LARGEST_RECORD);
        read.ok().flatten().is_some_and(|read| *read == *why.name().as_bytes())
    }

    /// What was removed from this token. What cannot be trusted or read is passed over.
    ///
    /// # Errors
    /// [`usbtoken::Code::JournalUnusable`] for the folder.
    pub fn removed(&self, token: &TokenIdentity) -> Result<Vec<Removed>> {
        let mut removed = self.removed_anywhere()?;
        removed.retain(|one| one.token.is_same_token(token));
        // One may be noted under two spellings of the token's serial number.
        let mut seen = HashSet::new();
        removed.retain(|one| seen.insert(one.fingerprint.clone()));
        Ok(removed)
    }

    /// The same of every token; none where the folder cannot be used.
    pub fn all_removed(&self) -> Vec<Removed> {
        self.removed_anywhere().unwrap_or_default()
    }

    fn removed_anywhere(&self) -> Result<Vec<Removed>> {
        let read = |path: &PathBuf| {
            let bytes = private::read(path, LARGEST_RECORD).ok().flatten()?;
            let removed: Removed = serde_json::from_slice(&bytes).ok()?;
            (removed.version == VERSION).then_some(removed)
        };
        Ok(self.files(|file| file.ends_with(&format!(".{REMOVED}")))?.iter().filter_map(read).collect())
    }
}

fn kind_of_told(why: Code) -> String {
    format!("{}.told", why.name())
}

fn fingerprint(certificate: &Certificate) -> String {
    hex(&certificate.fingerprint())
}
