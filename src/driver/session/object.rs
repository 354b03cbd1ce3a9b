//! Objects on the token as values: certificates, private keys, public keys.

use super::evidence::Evidence;
use crate::error::Call;
use crate::pki::{ProofLevel, PublicKey, SignatureAlgorithm};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use usbtoken_pkcs11::ObjectHandle;
use usbtoken_pkcs11::text::unpadded;

/// Which session an object was read in; handles of another are not used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Owner(pub(super) u64);

/// Where an object is, for the session that read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) handle: ObjectHandle,
    pub(super) owner: Owner,
}

/// A CKA_LABEL. PKCS#11 wants UTF-8; what other programs wrote is kept byte for byte, whatever it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Label {
    bytes: Box<[u8]>,
    /// For people, where that is not what the bytes are.
    text: Option<Box<str>>,
}

/// A certificate object (PKCS#11 v3.1 §4.6.3).
#[derive(Clone, Debug)]
pub(crate) struct StoredCertificate {
    pub(super) place: Place,
    /// CKA_ID: the same as that of its key pair.
    pub id: Vec<u8>,
    /// CKA_LABEL.
    pub label: Label,
    /// CKA_VALUE: the certificate in DER; empty in objects that were never completed or could not be read.
    pub der: Arc<[u8]>,
    /// Whether the driver gave the value, if an empty one.
    pub given: bool,
}

/// A private key object, as far as it shows itself (PKCS#11 v3.1 §4.9).
#[derive(Clone, Debug)]
pub(crate) struct StoredKey {
    pub(super) place: Place,
    /// CKA_ID.
    pub id: Vec<u8>,
    /// CKA_LABEL.
    pub label: Label,
    /// The public half that the private key object reports: RSA keys do, EC keys mostly do not, and some drivers report
    /// that of whatever has the same CKA_ID.
    pub public_key: Option<PublicKey>,
    /// Whether the token wants the PIN for each signature.
    pub always_authenticate: bool,
    /// How it signs, as far as its kind and its curve are known.
    pub(crate) algorithm: Option<SignatureAlgorithm>,
    pub(crate) evidence: Evidence,
    /// Whether the driver refused the private value as sensitive in the very call that gave the evidence.
    pub(super) value_refused: bool,
}

/// A public key object (PKCS#11 v3.1 §4.8).
#[derive(Clone, Debug)]
pub(crate) struct StoredPublicKey {
    pub(super) place: Place,
    /// CKA_ID.
    pub id: Vec<u8>,
    /// CKA_LABEL.
    pub label: Label,
    /// The key, where it is of a kind that we know.
    pub public_key: Option<PublicKey>,
}

/// What a session sees of certificates and keys, each object read once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Objects {
    pub(crate) certificates: Vec<StoredCertificate>,
    pub(crate) private_keys: Vec<StoredKey>,
    pub(crate) public_keys: Vec<StoredPublicKey>,
    /// How many objects could not be read.
    pub(crate) unreadable: usize,
    /// How many of what could not be read, or did not say what it is, a search finds among the certificates.
    pub(crate) hidden_certificates: usize,
    /// What the driver answered where the first of these was read.
    pub(crate) refusal: Option<Call>,
    /// Whether one does not say what it is.
    pub(crate) silent: bool,
    /// Every object that was there, of whatever class.
    pub(crate) present: Present,
}

/// An object could not be read, or said nothing, and what the driver answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unread(pub(super) Option<Call>);

/// The objects that were on the token at one moment, to tell what came later.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Present {
    pub(super) owner: Owner,
    pub(super) handles: BTreeSet<ObjectHandle>,
    /// The CKA_IDs of the keys among them, where each was read.
    pub(super) key_ids: BTreeSet<Vec<u8>>,
    /// The values of the certificates among them, where each was read.
    pub(super) certificates: Vec<Arc<[u8]>>,
}

impl Present {
    /// Whether this may be a key that was there: by its handle, or, as some drivers number their objects anew, by its CKA_ID.
    pub(super) fn may_have(&self, place: Place, id: &[u8]) -> bool {
        self.owner != place.owner || self.handles.contains(&place.handle) || self.key_ids.contains(id)
    }

    /// Whether a certificate object was there under this handle.
    pub(super) fn has_handle(&self, place: Place) -> bool {
        self.owner == place.owner && self.handles.contains(&place.handle)
    }

    /// Whether a certificate of this value was there.
    pub(super) fn has_certificate(&self, der: &[u8]) -> bool {
        self.certificates.iter().any(|one| **one == *der)
    }

    /// Whether there is an object that was not there at that other moment of the same session.
    pub(super) fn has_more_than(&self, other: &Present) -> bool {
        !self.handles.is_subset(&other.handles)
    }
}

impl Label {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let text = unpadded(&bytes);
        let text = (text.as_bytes() != bytes).then(|| text.into());
        Label { bytes: bytes.into(), text }
    }

    /// The bytes, as the token has them.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The label for people: without padding, and what is not UTF-8 taken for Latin-1.
    pub(crate) fn as_str(&self) -> &str {
        let plain = || std::str::from_utf8(&self.bytes).unwrap_or_default();
        self.text.as_deref().unwrap_or_else(plain)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Labels are equal when their bytes are.
impl PartialEq for Label {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Label {}

impl StoredKey {
    /// Whether both were read of one object: within a session a handle means one (PKCS#11 v3.1 §3.4).
    pub(crate) fn is_same_object(&self, other: &StoredKey) -> bool {
        self.place == other.place
    }

    /// The level that it has at best, whatever becomes of the attempt to read its private value.
    pub(crate) fn best_level(&self) -> ProofLevel {
        self.evidence.level()
    }

    /// Whether the driver denies what the key was made as, and it does not pass for this level.
    pub(crate) fn is_denied(&self, required: ProofLevel) -> bool {
        self.evidence.contradicts_generation() && self.best_level() < required
    }

    /// The same key as one that is read again when it is to be proven: an answer is for the moment in which it was given.
    pub(crate) fn to_be_asked_again(&self) -> Self {
        StoredKey { value_refused: false, ..self.clone() }
    }
}

/// What a session has changed on the token last: what a driver that ends in the middle leaves there.
#[derive(Debug, Default)]
pub(super) enum Changed {
    #[default]
    Nothing,
    /// A key pair was made, with this identifier.
    KeyMade(Vec<u8>),
    /// A certificate was written, with this identifier.
    CertificateWritten(Vec<u8>),
    /// An object was removed.
    ObjectRemoved,
}

#[cfg(test)]
pub(crate) mod made_up {
    //! Objects that no token has, for tests of the relations between them.

    use super::*;

    fn place(number: u32) -> Place {
        Place { handle: ObjectHandle(number.into()), owner: Owner(0) }
    }

    pub(crate) fn certificate(number: u32, id: &[u8], label: &str, der: &[u8]) -> StoredCertificate {
        let (id, label) = (id.to_vec(), Label::new(label.as_bytes().to_vec()));
        StoredCertificate { place: place(number), id, label, der: der.into(), given: true }
    }

    pub(crate) fn private_key(number: u32, id: &[u8], label: &[u8], told: Option<PublicKey>) -> StoredKey {
        StoredKey {
            place: place(number),
            id: id.to_vec(),
            label: Label::new(label.to_vec()),
            public_key: told,
            always_authenticate: false,
            algorithm: Some(SignatureAlgorithm::EcdsaSha256),
            evidence: Evidence::default(),
            value_refused: false,
        }
    }

    pub(crate) fn public_key(number: u32, id: &[u8], label: &[u8], value: PublicKey) -> StoredPublicKey {
        let label = Label::new(label.to_vec());
        StoredPublicKey { place: place(number), id: id.to_vec(), label, public_key: Some(value) }
    }

    pub(crate) fn objects(
        certificates: Vec<StoredCertificate>,
        private_keys: Vec<StoredKey>,
        public_keys: Vec<StoredPublicKey>,
    ) -> Objects {
        Objects { certificates, private_keys, public_keys, ..Objects::default() }
    }

    /// The number that a public key was made up with.
    pub(crate) fn number_of_half(half: &StoredPublicKey) -> u32 {
        (0..1_000_000).find(|number| place(*number) == half.place).expect("one that was made up here")
    }

    /// The number that a key was made up with.
    pub(crate) fn number(key: &StoredKey) -> u32 {
        (0..1_000_000).find(|number| place(*number) == key.place).expect("a key that was made up here")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As CKA_SENSITIVE, CKA_EXTRACTABLE and CKA_LOCAL are reported.
    fn key(sensitive: bool, extractable: bool, local: Option<bool>) -> StoredKey {
        let (sensitive, extractable) = (Some(sensitive), Some(extractable));
        let evidence = Evidence { sensitive, extractable, local, ..Evidence::default() };
        StoredKey { evidence, value_refused: true, ..made_up::private_key(1, b"id", b"label", None) }
    }

    /// Only what is denied and would not do; what is not told is no denial, and what does without it stays.
    #[test]
    fn a_key_is_denied_where_the_driver_says_so_and_the_rest_does_not_do() {
        let denied = |key: StoredKey| {
            [ProofLevel::Refused, ProofLevel::Claimed, ProofLevel::Proven].map(|level| key.is_denied(level))
        };
        assert_eq!(denied(key(true, false, None)), [false; 3]);
        assert_eq!(denied(key(true, false, Some(false))), [false, false, true]);
        assert_eq!(denied(key(false, false, None)), [false, true, true]);
        assert_eq!(denied(key(true, true, None)), [false, true, true]);
    }

    #[test]
    fn a_refusal_is_for_the_moment_in_which_it_was_given() {
        let again = key(true, false, None).to_be_asked_again();
        assert!(!again.value_refused && again.evidence.sensitive == Some(true));
    }

    #[test]
    fn a_label_is_shown_without_its_padding() {
        for (bytes, shown) in
            [(&b"bank   "[..], "bank"), (b"bank\0\0", "bank"), (b"M\xfcller", "Müller"), (b"", "")]
        {
            let label = Label::new(bytes.to_vec());
            assert_eq!((label.to_string().as_str(), label.bytes()), (shown, bytes));
        }
    }
}
