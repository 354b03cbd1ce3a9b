//! What a fresh process sees on a token, without the shim and without the library.

use base16ct::lower::encode_string as hex;
use serde::{Deserialize, Serialize};
use usbtoken_testkit::{self as kit, Inspector, inspect, softhsm_module, verify_with_certificate};

/// Everything on a token, as it goes from one process to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The objects, sorted.
    pub objects: Vec<Object>,
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Such as `CKO_CERTIFICATE`.
    pub class: String,
    /// CKA_ID, in hexadecimal.
    pub id: String,
    /// CKA_LABEL.
    pub label: String,
    /// Every attribute, byte for byte.
    pub all: String,
    /// For a certificate with a private key of the same identifier: whether that key signs for it.
    pub signs: Option<bool>,
}

impl Snapshot {
    /// Looks at the token with this serial number. The only user of SoftHSM in its process.
    pub fn now(serial: &str, pin: &str) -> Snapshot {
        inspect(&softhsm_module(), serial, pin, |inspector| {
            let snapshot = inspector.snapshot();
            let key = |id: &[u8]| {
                snapshot.of_class("CKO_PRIVATE_KEY").filter(|object| object.id == id).count() == 1
            };
            let objects = snapshot.objects().iter().map(|object| {
                let certificate = object.class == "CKO_CERTIFICATE" && key(&object.id);
                let signs = certificate.then(|| signs(inspector, object));
                let id = hex(&object.id);
                let (class, label) = (object.class.clone(), object.label.clone());
                Object { class, id, label, all: format!("{object:?}"), signs }
            });
            Snapshot { objects: objects.collect() }
        })
    }

    /// The objects that are here and not in `other`.
    pub fn beyond<'a>(&'a self, other: &[Object]) -> Vec<&'a Object> {
        let mut known: Vec<&Object> = other.iter().collect();
        let beyond = self.objects.iter().filter(|object| {
            let same = known.iter().position(|one| one == object);
            same.map(|at| known.remove(at)).is_none()
        });
        beyond.collect()
    }

    /// The objects of this list that are not here as they were.
    pub fn lost<'a>(&self, of: &'a [Object]) -> Vec<&'a Object> {
        let mut here: Vec<&Object> = self.objects.iter().collect();
        let lost = of.iter().filter(|object| {
            let same = here.iter().position(|one| one == object);
            same.map(|at| here.remove(at)).is_none()
        });
        lost.collect()
    }
}

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} id={} label={:?}", self.class, self.id, self.label)
    }
}

fn signs(inspector: &Inspector, certificate: &kit::Object) -> bool {
    let Some(der) = certificate.bytes("Value") else { return false };
    let signature = inspector.sign(&certificate.id, b"is the key still there?");
    verify_with_certificate(der, b"is the key still there?", &signature)
}
