//! What a driver leaves unsaid, where something else tells it: an empty value, and no label.

use usbtoken_pkcs11::Template;
use usbtoken_pkcs11::types::{CKA_CLASS, CKA_VALUE, CKO_CERTIFICATE};

use super::super::Session;
use super::super::object::{Label, Objects, StoredCertificate, StoredKey, StoredPublicKey};
use super::super::open::Open;
use crate::error::Result;
use crate::pki::PublicKey;
use std::collections::HashMap;

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

/// What is known of one job: the identifier and the public key of its key, and its record, where the token has taken that.
struct Job<'a> {
    id: &'a [u8],
    public: &'a PublicKey,
    taken: Option<&'a [u8]>,
}

impl Job<'_> {
    fn is_labelled(&self, label: &Label) -> bool {
        self.taken.is_none_or(|taken| label.bytes().starts_with(taken))
    }

    /// Whether hints say that this key is the job's: what it reports, else a public key object of the job's value that is labelled so under its
    /// identifier, and none of another value. Then no signature is needed to say so.
    fn is_said_to_be(&self, key: &StoredKey, same_id: &[&StoredPublicKey]) -> bool {
        match &key.public_key {
            Some(told) => told == self.public,
            None => {
                let mut labelled = same_id.iter().filter(|half| self.is_labelled(&half.label)).peekable();
                let has_any = labelled.peek().is_some();
                has_any && labelled.all(|half| half.public_key.as_ref() == Some(self.public))
            }
        }
    }
}

impl Session {
    /// The label of a job is known by the identifier alone where a token chooses labels, and a stranger's key may have both: of the
    /// keys that may be a job's only the one that signs for the public key that was requested has its label. One alone that hints say
    /// to be it does not sign for that.
    pub(super) fn take_labels_from_strangers(&self, objects: &mut Objects) -> Result<()> {
        let mut by_id: HashMap<&[u8], Vec<usize>> = HashMap::new();
        for (at, key) in objects.private_keys.iter().enumerate() {
            by_id.entry(&key.id).or_default().push(at);
        }
        let mut halves_by_id: HashMap<&[u8], Vec<&StoredPublicKey>> = HashMap::new();
        objects.public_keys.iter().for_each(|half| halves_by_id.entry(&half.id).or_default().push(half));
        let (mut strangers, mut halves_of) = (Vec::new(), Vec::new());
        for (id, public) in self.token().keys_of_jobs() {
            let Some(same_id) = by_id.get(&**id) else { continue };
            let taken = self.token().labels_of_jobs().get(id).map(Vec::as_slice);
            if taken.is_none() && self.token().label_of(id).is_none() {
                continue;
            }
            let job = Job { id, public, taken };
            let keys = same_id.iter().filter_map(|at| Some((*at, objects.private_keys.get(*at)?)));
            let alike: Vec<(usize, &StoredKey)> =
                keys.filter(|(_, key)| job.is_labelled(&key.label)).collect();
            if let [(_, key)] = alike.as_slice()
                && job.is_said_to_be(key, halves_by_id.get(&**id).map_or(&[], Vec::as_slice))
            {
                continue;
            }
            let (mut ours, mut others, mut silent) = (0_usize, Vec::new(), Vec::new());
            for (at, key) in alike {
                match self.challenge(key, [public]) {
                    Ok(signed) if signed.public_key().is_none() => others.push(at),
                    Ok(_) => ours += 1,
                    Err(error) if error.is_refusal() => silent.push(at),
                    Err(error) => return Err(error),
                }
            }
            // One that does not sign at all may be ours, where no other one is.
            others.extend(silent.into_iter().filter(|_| ours == 1));
            if !others.is_empty() {
                strangers.extend(others);
                halves_of.push(job);
            }
        }
        let is_strangers = |half: &StoredPublicKey| {
            let is_other = |job: &Job<'_>| {
                half.id == job.id
                    && half.public_key.as_ref() != Some(job.public)
                    && job.is_labelled(&half.label)
            };
            halves_of.iter().any(is_other)
        };
        let halves: Vec<usize> = objects
            .public_keys
            .iter()
            .enumerate()
            .filter(|(_, half)| is_strangers(half))
            .map(|(at, _)| at)
            .collect();
        for at in strangers {
            if let Some(key) = objects.private_keys.get_mut(at) {
                key.label = Label::default();
            }
        }
        for at in halves {
            if let Some(half) = objects.public_keys.get_mut(at) {
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
