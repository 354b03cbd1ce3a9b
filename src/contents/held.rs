//! The objects as [`Contents`](super::Contents) holds them: each parsed once, and found by what it is searched for by.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use super::record::{Marking, Record};
use crate::driver::{Signed, StoredCertificate, StoredKey, StoredPublicKey};
use crate::pki::{Certificate, Issuers, PublicKey};

/// The bytes of the shortest public key that is used: one coordinate on P-256.
const SHORTEST_KEY: usize = 32;

/// A certificate object, the certificate where it can be read as one, and what its label says.
pub(super) struct HeldCertificate {
    pub(super) stored: Arc<StoredCertificate>,
    pub(super) certificate: Option<Certificate>,
    pub(super) marking: Marking,
}

/// A private key, what its label says, and what it has signed in this session.
pub(super) struct HeldKey {
    pub(super) stored: Arc<StoredKey>,
    pub(super) marking: Marking,
    pub(super) signed: Option<Signed>,
}

/// A public key object, and what its label says.
pub(super) struct HeldPublicKey {
    pub(super) stored: StoredPublicKey,
    pub(super) marking: Marking,
}

/// The objects by what they are searched for by, so that nothing grows faster than the token.
#[derive(Default)]
pub(super) struct Index {
    pub(super) certificates_by_key: HashMap<PublicKey, Vec<usize>>,
    pub(super) certificates_by_id: HashMap<Vec<u8>, Vec<usize>>,
    pub(super) certificates_by_label: HashMap<Vec<u8>, Vec<usize>>,
    pub(super) certificates_by_record: HashMap<Record, Vec<usize>>,
    pub(super) private_by_told: HashMap<PublicKey, Vec<usize>>,
    /// What has signed in this session, by what it has signed for.
    pub(super) private_by_signed: HashMap<PublicKey, Vec<usize>>,
    pub(super) private_by_id: HashMap<Vec<u8>, Vec<usize>>,
    pub(super) private_by_record: HashMap<Record, Vec<usize>>,
    pub(super) public_by_key: HashMap<PublicKey, Vec<usize>>,
    pub(super) public_by_id: HashMap<Vec<u8>, Vec<usize>>,
    pub(super) public_by_record: HashMap<Record, Vec<usize>>,
    pub(super) public_by_old: HashMap<OldName, Vec<usize>>,
}

/// What a record says of the certificate that it renews.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum OldName {
    First,
    Digest([u8; 8]),
    Serial(String),
}

impl OldName {
    pub(super) fn of(record: &Record) -> Self {
        match (record.digest(), record.serial()) {
            (Some(digest), _) => OldName::Digest(digest),
            (None, Some(serial)) => OldName::Serial(serial.to_owned()),
            (None, None) => OldName::First,
        }
    }
}

impl HeldCertificate {
    pub(super) fn of(stored: StoredCertificate, issuers: &mut Issuers) -> Self {
        let certificate = Certificate::from_shared_der(&stored.der, issuers).ok();
        let marking = Marking::of(stored.label.bytes());
        HeldCertificate { stored: Arc::new(stored), certificate, marking }
    }
}

impl HeldCertificate {
    /// Whether a creation for this job was interrupted here: its record, and an empty value, or the beginning of one. What is whole
    /// and only not ours to read, somebody else has written, and what the driver does not give may be complete.
    pub(super) fn is_half_of(&self, record: &Record) -> bool {
        let der = &*self.stored.der;
        let is_half = || Certificate::is_cut_short(der) || der.iter().all(|byte| Some(byte) == der.first());
        self.stored.given && self.certificate.is_none() && self.marking.record() == Some(record) && is_half()
    }

    /// Whether it holds something that was not read as a certificate, and is no remains of an interrupted creation either: which key
    /// it is for nobody here can tell. What is shorter than any key holds none, however it is written: a key cannot be compressed.
    pub(super) fn is_unread(&self) -> bool {
        let is_half = || self.marking.record().is_some_and(|record| self.is_half_of(record));
        let length = self.stored.der.len();
        self.certificate.is_none() && (length == 0 || length >= SHORTEST_KEY) && !is_half()
    }
}

impl From<StoredKey> for HeldKey {
    fn from(stored: StoredKey) -> Self {
        let marking = Marking::of(stored.label.bytes());
        HeldKey { stored: Arc::new(stored), marking, signed: None }
    }
}

impl From<StoredPublicKey> for HeldPublicKey {
    fn from(stored: StoredPublicKey) -> Self {
        let marking = Marking::of(stored.label.bytes());
        HeldPublicKey { stored, marking }
    }
}

impl Index {
    pub(super) fn of(
        certificates: &[HeldCertificate],
        private: &[HeldKey],
        public: &[HeldPublicKey],
    ) -> Self {
        let mut index = Index::default();
        for (at, held) in certificates.iter().enumerate() {
            if let Some(certificate) = &held.certificate {
                put(&mut index.certificates_by_key, certificate.public_key(), at);
            }
            // Only keys are compared with these.
            if !private.is_empty() || !public.is_empty() {
                put(&mut index.certificates_by_id, &held.stored.id, at);
                put(&mut index.certificates_by_label, held.stored.label.bytes(), at);
                if let Some(record) = held.marking.record() {
                    put(&mut index.certificates_by_record, record, at);
                }
            }
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

/// Adds a place under a key.
pub(super) fn put<K, Q>(map: &mut HashMap<K, Vec<usize>>, key: &Q, at: usize)
where
    K: Borrow<Q> + Eq + Hash,
    Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
{
    match map.get_mut(key) {
        Some(places) => places.push(at),
        None => drop(map.insert(key.to_owned(), vec![at])),
    }
}
