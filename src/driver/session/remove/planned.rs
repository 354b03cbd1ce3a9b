//! What a fresh read has to say of each object that is to go.

use super::super::read::Object;
use super::Is;

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
            (Is::CreatedCertificate { id, label, der }, Object::Certificate(now)) => {
                let is_ours = now.label.bytes() == *label || (!der.is_empty() && *now.der == **der);
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

    /// Its CKA_ID.
    pub(super) fn id(&self) -> &[u8] {
        match self {
            Is::Certificate { id, .. }
            | Is::HalfCertificate { id, .. }
            | Is::CreatedCertificate { id, .. }
            | Is::PublicKey { id, .. }
            | Is::PrivateKey { id, .. }
            | Is::HalfPublicKey { id, .. }
            | Is::GeneratedHalf { id, .. } => id,
        }
    }
}
