//! Objects on the token as values: certificates, private keys, public keys.

use super::evidence::Evidence;
use crate::driver::raw::ObjectHandle;
use crate::pki::PublicKey;

/// Which session an object was read in; handles of another are not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner(pub(super) u64);

/// Where an object is, for the session that read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) handle: ObjectHandle,
    pub(super) owner: Owner,
}

/// A certificate object (PKCS#11 v3.1 §4.6.3).
#[derive(Clone, Debug)]
pub struct StoredCertificate {
    pub(super) place: Place,
    /// CKA_ID: the same as that of its key pair.
    pub id: Vec<u8>,
    /// CKA_LABEL.
    pub label: String,
    /// CKA_VALUE: the certificate in DER; empty in objects that were never completed.
    pub der: Vec<u8>,
}

/// A private key object, as far as it shows itself (PKCS#11 v3.1 §4.9).
#[derive(Clone, Debug)]
pub struct StoredKey {
    pub(super) place: Place,
    /// CKA_ID.
    pub id: Vec<u8>,
    /// CKA_LABEL.
    pub label: String,
    /// The public half, where the private key object tells it: RSA keys do, EC keys mostly do not.
    pub public_key: Option<PublicKey>,
    /// Whether the token wants the PIN for each signature.
    pub always_authenticate: bool,
    pub(super) evidence: Evidence,
}

/// A public key object (PKCS#11 v3.1 §4.8).
#[derive(Clone, Debug)]
pub struct StoredPublicKey {
    pub(super) place: Place,
    /// CKA_ID.
    pub id: Vec<u8>,
    /// CKA_LABEL.
    pub label: String,
    /// The key, where it is of a kind that we know.
    pub public_key: Option<PublicKey>,
}

impl StoredCertificate {
    /// Whether nothing tells what this object was to become: what is left of a refused C_CreateObject.
    pub(super) fn is_blank(&self) -> bool {
        self.der.is_empty() && self.id.is_empty() && self.label.is_empty()
    }
}

impl StoredPublicKey {
    /// Whether both are the same object on the token, read in the same session.
    pub fn is_same_object(&self, other: &StoredPublicKey) -> bool {
        self.place == other.place
    }
}
