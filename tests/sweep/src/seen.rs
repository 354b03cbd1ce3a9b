//! What a fresh process sees on a token, by the kit: without the shim and without the library.

use serde::{Deserialize, Serialize};
use usbtoken_testkit::{Inspector, Object, Snapshot, inspect, softhsm_module, verify_with_certificate};

/// Everything on a token, as it goes from one process to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The objects.
    pub snapshot: Snapshot,
    /// The certificates among them for which a private key of the same identifier signs.
    signing: Vec<Object>,
}

impl Seen {
    /// Examines the token with this serial number. The only user of SoftHSM in its process.
    pub fn now(serial: &str, pin: &str) -> Seen {
        inspect(&softhsm_module(), serial, pin, |inspector| {
            let snapshot = inspector.snapshot();
            let certificates = snapshot.of_class("CKO_CERTIFICATE");
            let signing = certificates.filter(|certificate| signs(inspector, certificate)).cloned().collect();
            Seen { snapshot, signing }
        })
    }

    /// These objects alone.
    pub fn only(&self, wanted: impl Fn(&Object) -> bool) -> Seen {
        let signing = self.signing.iter().filter(|object| wanted(object)).cloned().collect();
        Seen { snapshot: self.snapshot.only(wanted), signing }
    }

    /// Whether this is a certificate whose key signs.
    pub fn signs(&self, certificate: &Object) -> bool {
        self.signing.contains(certificate)
    }

    /// The objects that are here and not in `other`.
    pub fn beyond(&self, other: &Seen) -> Vec<&Object> {
        self.snapshot.added_since(&other.snapshot)
    }

    /// The objects that were there before and are not here as they were, and the certificates whose key signed then
    /// and does not now.
    pub fn lost<'a>(&self, before: &'a Seen) -> Vec<&'a Object> {
        let mut lost = before.beyond(self);
        lost.extend(before.signing.iter().filter(|certificate| !self.signs(certificate)));
        lost
    }
}

fn signs(inspector: &Inspector, certificate: &Object) -> bool {
    let Some(der) = certificate.bytes("Value") else { return false };
    let message = b"is the key still there?";
    let signatures = inspector.sign_with_each(&certificate.id, message);
    signatures.iter().any(|signature| verify_with_certificate(der, message, signature))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn seen(ids: &[u8], signing: &[u8]) -> Seen {
        let object = |id: &u8| {
            let attributes = json!({"Id": {"Bytes": [id]}});
            json!({"class": "CKO_CERTIFICATE", "id": [id], "label": "", "attributes": attributes})
        };
        let (objects, signing): (Vec<_>, Vec<_>) =
            (ids.iter().map(object).collect(), signing.iter().map(object).collect());
        serde_json::from_value(json!({"snapshot": {"objects": objects}, "signing": signing})).unwrap()
    }

    #[test]
    fn what_is_gone_and_what_signs_no_more_is_lost() {
        let before = seen(&[1, 2], &[1]);
        assert!(seen(&[1, 2, 3], &[1, 3]).lost(&before).is_empty());
        assert_eq!(seen(&[1, 3], &[1]).lost(&before).len(), 1);
        assert_eq!(seen(&[1, 2], &[]).lost(&before).len(), 1);
        assert_eq!(seen(&[1, 2, 3], &[]).beyond(&before).len(), 1);
        assert_eq!(seen(&[1, 2], &[]).lost(&before.only(|object| object.id == [2])).len(), 0);
    }
}
