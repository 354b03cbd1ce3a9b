//! What a driver leaves unsaid, where something else tells it: an empty value, and no label.

use usbtoken_pkcs11::Template;
use usbtoken_pkcs11::types::{CKA_CLASS, CKA_VALUE, CKO_CERTIFICATE};

use super::super::Session;
use super::super::object::{Label, Objects, StoredCertificate, StoredKey, StoredPublicKey};
use super::super::open::Open;
use crate::error::Result;

impl Open {
    /// A value that is given as empty may be one that is not given: what is really empty is found by that. What is not counts as not
    /// given, so that no complete certificate is taken for the remains of an interrupted creation.
    pub(super) fn make_sure_they_are_empty(&self, certificates: &mut [StoredCertificate]) -> Result<()> {
        let mut empty = certificates.iter_mut().filter(|one| one.given && one.der.is_empty()).peekable();
        if empty.peek().is_none() {
            return Ok(());
        }
        let found = self.find(Template::new().number(CKA_CLASS, CKO_CERTIFICATE).bytes(CKA_VALUE, &[]))?;
        empty.for_each(|one| one.given = found.contains(&one.place.handle));
        Ok(())
    }

    /// Gives private keys of which no label was read the one by which a job of theirs is known, unless another key has it.
    pub(super) fn label_jobs(&self, keys: &mut [StoredKey]) {
        if !keys.iter().any(has_no_label) {
            return;
        }
        let known = self.token().labels_of_jobs();
        let missing = |label: &[u8]| !keys.iter().any(|key| key.label.bytes().starts_with(label));
        let missing: Vec<_> = known.iter().filter(|(_, label)| missing(label)).collect();
        for key in keys.iter_mut().filter(|key| has_no_label(key)) {
            if let Some((_, label)) = missing.iter().find(|(id, _)| **id == key.id) {
                key.label = Label::new(label.to_vec());
            }
        }
    }

    /// The same for one that is to go, as in the reading that the plan was made of.
    pub(super) fn labelled_as_known(&self, mut key: StoredKey) -> StoredKey {
        if let Some(known) = self.token().labels_of_jobs().get(&key.id).filter(|_| has_no_label(&key)) {
            key.label = Label::new(known.clone());
        }
        key
    }
}

impl Session {
    /// The label of a job is known by the identifier alone where a token chooses labels, and a stranger's key may have both: of several
    /// keys that may be a job's only the one that signs for the public key that was requested has its label.
    pub(super) fn take_labels_from_strangers(&self, objects: &mut Objects) -> Result<()> {
        for (id, public) in self.token().keys_of_jobs() {
            let taken = self.token().labels_of_jobs().get(id);
            if taken.is_none() && self.token().label_of(id).is_none() {
                continue;
            }
            let is_labelled =
                |label: &Label| taken.is_none_or(|taken| label.bytes().starts_with(taken.as_slice()));
            let may_be_ours = |key: &StoredKey| key.id == *id && is_labelled(&key.label);
            let alike: Vec<&StoredKey> = objects.private_keys.iter().filter(|key| may_be_ours(key)).collect();
            if alike.len() < 2 {
                continue;
            }
            let mut ours = Vec::new();
            for key in alike {
                match self.challenge(key, [public]) {
                    Ok(signed) => ours.extend(signed.public_key().is_some().then_some(key.place)),
                    Err(error) if error.is_refusal() => {}
                    Err(error) => return Err(error),
                }
            }
            let [ours] = ours.as_slice() else { continue };
            let is_strangers = |key: &StoredKey| may_be_ours(key) && key.place != *ours;
            for key in objects.private_keys.iter_mut().filter(|key| is_strangers(key)) {
                key.label = Label::default();
            }
            let is_other = |half: &StoredPublicKey| {
                half.id == *id && half.public_key.as_ref() != Some(public) && is_labelled(&half.label)
            };
            for half in objects.public_keys.iter_mut().filter(|half| is_other(half)) {
                half.label = Label::default();
            }
        }
        Ok(())
    }
}

/// Whether no label was read of it.
fn has_no_label(key: &StoredKey) -> bool {
    key.label.bytes().iter().all(|byte| matches!(byte, 0 | b' '))
}
