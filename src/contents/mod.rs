//! What is on a token, read once, and every relation between the objects.
//!
//! [`Contents`] is a value: objects in, relations out. Identifiers, labels, subjects, and the public half that a private
//! key *reports* are hints, good for showing and for choosing what to try first: other programs use our identifiers and
//! labels, and some drivers report the public half of whatever shares the CKA_ID. Only a signature of that very key hides
//! an unfinished job or lets anything be removed.
//!
//! - `belongs`: which certificate, private and public key are one
//! - `credential`: the certificates with their keys
//! - `pending`: the keys whose certificate is not there
//! - `answered`: which pending key an answer is for
//! - `succession`: which credential takes the place of which
//! - `removable`: what may be destroyed, and why
//! - `record`: the label by which all of this is known

mod answered;
mod belongs;
pub(crate) mod credential;
mod pending;
mod record;
mod removable;
mod succession;
#[cfg(test)]
mod tests;

pub(crate) use self::answered::{already_installed, no_leaf, not_awaited};
pub(crate) use self::credential::about;
pub(crate) use self::credential::{Credential, Credentials};
pub use self::credential::{KeyState, Renewable, Unreadable, WhyUnreadable};
pub use self::pending::{PendingKey, PendingState};
pub use self::record::Caller;
use self::record::Marking;
pub(crate) use self::record::Record;

use std::collections::HashMap;
use std::sync::Arc;

use crate::driver::{
    Objects, Present, PublicSession, Session, Signed, StoredCertificate, StoredKey, StoredPublicKey,
};
use crate::error::Result;
use crate::pki::{Certificate, PublicKey};

/// Lets keys sign: a session, or in tests something that pretends to be one.
pub(crate) trait Signer {
    /// Lets this key sign something fresh; the signature is verified with the public keys at hand until one fits.
    fn challenge(&self, key: &StoredKey, at_hand: &mut dyn Iterator<Item = &PublicKey>) -> Result<Signed>;
}

impl Signer for Session {
    fn challenge(&self, key: &StoredKey, at_hand: &mut dyn Iterator<Item = &PublicKey>) -> Result<Signed> {
        Session::challenge(self, key, at_hand)
    }
}

/// What a session sees of certificates and keys, each read and parsed once.
pub(crate) struct Contents {
    certificates: Vec<HeldCertificate>,
    private_keys: Vec<HeldKey>,
    public_keys: Vec<HeldPublicKey>,
    unreadable: usize,
    logged_in: bool,
    present: Arc<Present>,
    index: Index,
}

/// A certificate object, and the certificate where it can be read as one.
struct HeldCertificate {
    stored: StoredCertificate,
    certificate: Option<Certificate>,
}

/// A private key, what its label says, and what it has signed in this session.
struct HeldKey {
    stored: StoredKey,
    marking: Marking,
    signed: Option<Signed>,
}

/// A public key object, and what its label says.
struct HeldPublicKey {
    stored: StoredPublicKey,
    marking: Marking,
}

/// The objects by what they are looked for by, so that nothing grows faster than the token.
#[derive(Default)]
struct Index {
    certificates_by_key: HashMap<PublicKey, Vec<usize>>,
    certificates_by_id: HashMap<Vec<u8>, Vec<usize>>,
    certificates_by_label: HashMap<Vec<u8>, Vec<usize>>,
    private_by_told: HashMap<PublicKey, Vec<usize>>,
    private_by_id: HashMap<Vec<u8>, Vec<usize>>,
    private_by_record: HashMap<Record, Vec<usize>>,
    public_by_key: HashMap<PublicKey, Vec<usize>>,
    public_by_id: HashMap<Vec<u8>, Vec<usize>>,
    public_by_record: HashMap<Record, Vec<usize>>,
    public_by_old: HashMap<OldName, Vec<usize>>,
}

/// What a record says of the certificate that it renews.
#[derive(Clone, PartialEq, Eq, Hash)]
enum OldName {
    First,
    Digest([u8; 8]),
    Serial(String),
}

impl OldName {
    fn of(record: &Record) -> Self {
        match (record.digest(), record.serial()) {
            (Some(digest), _) => OldName::Digest(digest),
            (None, Some(serial)) => OldName::Serial(serial.to_owned()),
            (None, None) => OldName::First,
        }
    }
}

impl Contents {
    /// Reads the token as the logged-in user sees it.
    ///
    /// # Errors
    /// What the searches and the reading return.
    pub(crate) fn read(session: &Session) -> Result<Self> {
        Ok(Contents::of(session.objects()?, true))
    }

    /// Reads what is to be seen without login.
    ///
    /// # Errors
    /// What the searches and the reading return.
    pub(crate) fn read_public(session: &PublicSession) -> Result<Self> {
        Ok(Contents::of(session.objects()?, false))
    }

    /// The relations between these objects.
    pub(crate) fn of(objects: Objects, logged_in: bool) -> Self {
        let Objects { certificates, private_keys, public_keys, unreadable, present } = objects;
        let certificates: Vec<HeldCertificate> =
            certificates.into_iter().map(HeldCertificate::from).collect();
        let private_keys: Vec<HeldKey> = private_keys.into_iter().map(HeldKey::from).collect();
        let public_keys: Vec<HeldPublicKey> = public_keys.into_iter().map(HeldPublicKey::from).collect();
        let index = Index::of(&certificates, &private_keys, &public_keys);
        let present = Arc::new(present);
        Contents { certificates, private_keys, public_keys, unreadable, logged_in, present, index }
    }

    /// The objects that were there when this was read.
    pub(crate) fn present(&self) -> &Arc<Present> {
        &self.present
    }

    /// The certificate objects, as they are stored.
    pub(crate) fn stored_certificates(&self) -> impl Iterator<Item = &StoredCertificate> {
        self.certificates.iter().map(|held| &held.stored)
    }

    /// Whether exactly this certificate is on the token.
    pub(crate) fn is_there(&self, certificate: &Certificate) -> bool {
        self.place_of(certificate).is_some()
    }

    /// The place of a certificate among these, byte for byte.
    fn place_of(&self, certificate: &Certificate) -> Option<usize> {
        let same = |at: &&usize| self.certificate(**at) == Some(certificate);
        self.index.certificates_by_key.get(certificate.public_key())?.iter().find(same).copied()
    }

    fn certificate(&self, at: usize) -> Option<&Certificate> {
        self.certificates.get(at)?.certificate.as_ref()
    }

    /// The certificates for this key.
    fn certificates_for(&self, key: &PublicKey) -> impl Iterator<Item = usize> {
        self.index.certificates_by_key.get(key).into_iter().flatten().copied()
    }
}

impl From<StoredCertificate> for HeldCertificate {
    fn from(stored: StoredCertificate) -> Self {
        let certificate = Certificate::from_der(&stored.der).ok();
        HeldCertificate { stored, certificate }
    }
}

impl From<StoredKey> for HeldKey {
    fn from(stored: StoredKey) -> Self {
        let marking = Marking::of(stored.label.bytes());
        HeldKey { stored, marking, signed: None }
    }
}

impl From<StoredPublicKey> for HeldPublicKey {
    fn from(stored: StoredPublicKey) -> Self {
        let marking = Marking::of(stored.label.bytes());
        HeldPublicKey { stored, marking }
    }
}

impl Index {
    fn of(certificates: &[HeldCertificate], private: &[HeldKey], public: &[HeldPublicKey]) -> Self {
        let mut index = Index::default();
        for (at, held) in certificates.iter().enumerate() {
            if let Some(certificate) = &held.certificate {
                put(&mut index.certificates_by_key, certificate.public_key(), at);
            }
            put(&mut index.certificates_by_id, &held.stored.id, at);
            put(&mut index.certificates_by_label, &held.stored.label.bytes().to_vec(), at);
        }
        for (at, held) in private.iter().enumerate() {
            if let Some(told) = &held.stored.public_key {
                put(&mut index.private_by_told, told, at);
            }
            put(&mut index.private_by_id, &held.stored.id, at);
            if let Some(record) = held.marking.record() {
                put(&mut index.private_by_record, record, at);
            }
        }
        for (at, held) in public.iter().enumerate() {
            if let Some(value) = &held.stored.public_key {
                put(&mut index.public_by_key, value, at);
            }
            put(&mut index.public_by_id, &held.stored.id, at);
            if let Some(record) = held.marking.record() {
                put(&mut index.public_by_record, record, at);
                put(&mut index.public_by_old, &OldName::of(record), at);
            }
        }
        index
    }
}

fn put<K: Clone + Eq + std::hash::Hash>(map: &mut HashMap<K, Vec<usize>>, key: &K, at: usize) {
    match map.get_mut(key) {
        Some(places) => places.push(at),
        None => drop(map.insert(key.clone(), vec![at])),
    }
}
