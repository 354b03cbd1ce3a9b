//! What a fresh read has to say of each object that is to go.

use super::super::object::{Present, StoredCertificate};
use super::super::read::Object;
use super::Is;
use crate::pki::Certificate;

impl Is {
    /// Whether an object that was read is the one that is planned.
    pub(super) fn agrees_with(&self, object: &Object) -> bool {
        match (self, object) {
            (Is::Certificate { id, label, der }, Object::Certificate(now)) => {
                now.id == *id && now.label == *label && now.der == *der && !der.is_empty()
            }
            (Is::HalfCertificate { id, label, der }, Object::Certificate(now)) => {
                now.id == *id && now.label == *label && now.der == *der
            }
            (Is::CreatedCertificate { id, label, before, .. }, Object::Certificate(now)) => {
                // What the token has made of its value may be anything that was not there.
                let was_there =
                    |before: &Present| before.has_handle(now.place) || before.has_certificate(&now.der);
                let may_be_ours = before.as_ref().is_some_and(|before| !was_there(before));
                let is_named_so = !id.is_empty() && now.id == *id && now.label.bytes() == *label;
                is_named_so && may_be_ours || self.is_shown_by(object)
            }
            (Is::LeftCertificate { id, label, der }, Object::Certificate(now)) => {
                let is_ours = now.is_of(der) || now.label.bytes() == *label && now.is_half();
                !id.is_empty() && now.id == *id && is_ours
            }
            (Is::PublicKey { id, label, value }, Object::PublicKey(now)) => {
                now.id == *id && now.label == *label && now.public_key.as_ref() == Some(value)
            }
            (Is::PrivateKey { id, label, .. }, Object::PrivateKey(now)) => {
                now.id == *id && now.label == *label
            }
            (Is::HalfPublicKey { id, label }, Object::PublicKey(now)) => {
                now.id == *id && now.label == *label && now.public_key.is_none()
            }
            (Is::GeneratedHalf { id, label }, Object::PrivateKey(now)) => {
                now.label.bytes() == *label || (!id.is_empty() && now.id == *id)
            }
            (Is::GeneratedHalf { id, label }, Object::PublicKey(now)) => {
                now.label.bytes() == *label || (!id.is_empty() && now.id == *id)
            }
            _ => false,
        }
    }

    /// Whether an object that a search has found, under another handle than that of the plan, is shown to be the planned one.
    pub(super) fn is_shown_by(&self, object: &Object) -> bool {
        match (self, object) {
            (Is::CreatedCertificate { id, der, before, .. }, Object::Certificate(now)) => {
                let was_there =
                    |before: &Present| before.has_handle(now.place) && before.has_certificate(der);
                now.is_of(der) && !id.is_empty() && now.id == *id && !before.as_ref().is_some_and(was_there)
            }
            _ => self.agrees_with(object),
        }
    }

    /// Its CKA_ID.
    pub(super) fn id(&self) -> &[u8] {
        match self {
            Is::Certificate { id, .. }
            | Is::HalfCertificate { id, .. }
            | Is::CreatedCertificate { id, .. }
            | Is::LeftCertificate { id, .. }
            | Is::PublicKey { id, .. }
            | Is::PrivateKey { id, .. }
            | Is::HalfPublicKey { id, .. }
            | Is::GeneratedHalf { id, .. } => id,
        }
    }
}

impl StoredCertificate {
    /// Whether it has this value, which is one.
    fn is_of(&self, der: &[u8]) -> bool {
        !der.is_empty() && *self.der == *der
    }

    /// Whether its value is no certificate, as a creation leaves it that was cut off.
    fn is_half(&self) -> bool {
        Certificate::from_der(&self.der).is_err()
    }
}
