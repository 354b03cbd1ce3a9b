//! Which certificate, private key and public key are one: by hints for showing, by signatures for acting.

use super::Contents;
use super::credential::Credential;
use super::held::{HeldKey, HeldPublicKey, put};
use super::record::Record;
use super::signer::Signer;
use crate::driver::{Label, Signed, StoredKey};
use crate::error::{Error, Result};
use crate::pki::{Certificate, PublicKey, SignatureAlgorithm};
use std::collections::HashMap;
use std::sync::Arc;

/// So many of the keys with one identifier are compared with a certificate.
const FEW: usize = 8;

impl Contents {
    /// What hints say of the public half of a private key: what it has signed for, what it reports, the public key object
    /// with its identifier and label, the only one with its record, the only one with its identifier.
    pub(super) fn value_hint(&self, key: usize) -> Option<&PublicKey> {
        let held = self.private_keys.get(key)?;
        if let Some(signed) = held.signed.as_ref().and_then(Signed::public_key) {
            return Some(signed);
        }
        if let Some(told) = &held.stored.public_key {
            return Some(told);
        }
        // Where two pairs have one identifier, the half of the other may be of another kind.
        let fits = |public: &&PublicKey| {
            let kind = SignatureAlgorithm::for_key(&public.in_usual_form().algorithm());
            kind.is_none() || held.stored.algorithm.is_none() || kind == held.stored.algorithm
        };
        let same_id = self.index.public_by_id.get(&held.stored.id).into_iter().flatten();
        let same_id = same_id.filter_map(|at| self.public_keys.get(*at));
        let halves: Vec<_> =
            same_id.filter(|half| half.stored.public_key.as_ref().is_none_or(|it| fits(&it))).collect();
        let labelled = |half: &&&HeldPublicKey| half.stored.label == held.stored.label;
        let beside = halves.iter().find(labelled).copied();
        if let Some(value) = beside.and_then(|half| half.stored.public_key.as_ref()) {
            return Some(value);
        }
        // Of a key that another program has moved, what it finds there is another's.
        let by_record = held.marking.record().and_then(|record| self.value_by_record(record)).filter(fits);
        let only = || halves.first().filter(|_| halves.len() == 1)?.stored.public_key.as_ref();
        by_record.or_else(only)
    }

    /// The value of the only public key object with a record that one private key has: another program may have given it another identifier.
    fn value_by_record(&self, record: &Record) -> Option<&PublicKey> {
        let only = |of: &HashMap<Record, Vec<usize>>| match of.get(record).map(Vec::as_slice) {
            Some([one]) => Some(*one),
            _ => None,
        };
        only(&self.index.private_by_record)?;
        let half = only(&self.index.public_by_record)?;
        self.public_keys.get(half)?.stored.public_key.as_ref()
    }

    /// The kinds of keys of the certificates to which hints give no private key of their own: their own may be one whose
    /// public half nothing tells, as where another program has moved a certificate.
    pub(super) fn kinds_of_strays(&self) -> Vec<Option<SignatureAlgorithm>> {
        let mut taken: HashMap<usize, &PublicKey> = HashMap::new();
        let mut kinds = Vec::new();
        for (at, held) in self.certificates.iter().enumerate() {
            let Some(certificate) = held.certificate.as_ref().filter(|one| !one.is_ca()) else { continue };
            let public = certificate.public_key();
            let key = self.key_hint_place(at);
            let has_its_own = key.is_some_and(|key| *taken.entry(key).or_insert(public) == public);
            let kind = SignatureAlgorithm::for_key(&public.in_usual_form().algorithm());
            if !has_its_own && !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        kinds
    }

    /// Whether the certificate of a private key may be among those, and only its signature can tell.
    pub(super) fn may_be_of_a_stray(&self, key: usize, kinds: &[Option<SignatureAlgorithm>]) -> bool {
        let may = |held: &HeldKey| {
            !held.stored.always_authenticate
                && (held.stored.algorithm.is_none() && !kinds.is_empty()
                    || kinds.contains(&held.stored.algorithm))
        };
        self.value_hint(key).is_none() && self.private_keys.get(key).is_some_and(may)
    }

    /// The private key that hints take for that of a certificate.
    ///
    /// The value decides where it is known. Else it is the identifier, as long as no public key object says that the key
    /// of that identifier is another one.
    pub(super) fn key_hint(&self, certificate: usize) -> Option<&Arc<StoredKey>> {
        let key = self.key_hint_place(certificate)?;
        self.private_keys.get(key).map(|held| &held.stored)
    }

    /// Its place among the private keys.
    pub(super) fn key_hint_place(&self, certificate: usize) -> Option<usize> {
        let held = self.certificates.get(certificate)?;
        let public = held.certificate.as_ref()?.public_key();
        // A signature says more than any hint.
        if let Some(signed) = self.index.private_by_signed.get(public) {
            // Of copies of one key the one beside the certificate.
            let beside =
                |at: &&usize| self.private_keys.get(**at).is_some_and(|key| key.stored.id == held.stored.id);
            return signed.iter().find(beside).or(signed.first()).copied();
        }
        let told = self.index.private_by_told.get(public).into_iter().flatten();
        let same_id = self.index.private_by_id.get(&held.stored.id).into_iter().flatten();
        let told_by_same_id = told.clone().find(|at| same_id.clone().any(|other| other == *at));
        let silent = |id: &Vec<u8>| {
            let keys = self.index.private_by_id.get(id).into_iter().flatten();
            let tells_nothing =
                |at: &usize| self.private_keys.get(*at).is_some_and(|key| key.stored.public_key.is_none());
            if self.is_contradicted(id, public) {
                return None;
            }
            // Another's pair may have that identifier; of pairs that have its label, too, each may be the one.
            let alike = |at: &usize| {
                let key = self.private_keys.get(*at).map(|key| &key.stored);
                let halves = self.index.public_by_key.get(public).into_iter().flatten();
                let mut halves =
                    halves.filter_map(|half| self.public_keys.get(*half)).map(|half| &half.stored);
                key.is_some_and(|key| halves.any(|half| half.id == key.id && half.label == key.label))
            };
            let may = |at: &usize| self.value_hint(*at).is_none_or(|value| value == public) || alike(at);
            keys.copied().filter(tells_nothing).take(FEW).find(may)
        };
        // A copy of the certificate may be stored under another identifier than its pair.
        let halves = self.index.public_by_key.get(public).into_iter().flatten();
        let mut ids = halves.filter_map(|at| self.public_keys.get(*at)).map(|half| &half.stored.id);
        let key = told_by_same_id.or_else(|| told.clone().next()).copied();
        let key = key.or_else(|| silent(&held.stored.id)).or_else(|| ids.find_map(silent));
        let key = key.or_else(|| self.recorded_alike(public));
        key.or_else(|| self.labelled_alike(&held.stored.label, public))
    }

    /// The key whose record is on a public key object of this value, and on no other key, where it stands under another identifier.
    fn recorded_alike(&self, public: &PublicKey) -> Option<usize> {
        let halves = self.index.public_by_key.get(public).into_iter().flatten();
        let mut records = halves.filter_map(|at| self.public_keys.get(*at)?.marking.record());
        records.find_map(|record| match self.index.private_by_record.get(record).map(Vec::as_slice) {
            Some([key]) if self.value_hint(*key) == Some(public) => Some(*key),
            _ => None,
        })
    }

    /// The only key that wants the PIN for each signature, and so is not asked for a list, that may be this one's, with this label: some
    /// drivers give private keys no identifier.
    fn labelled_alike(&self, label: &Label, public: &PublicKey) -> Option<usize> {
        let algorithm = SignatureAlgorithm::for_key(&public.in_usual_form().algorithm());
        let may = |(at, held): &(usize, &HeldKey)| {
            let key = &held.stored;
            let of_its_kind = key.algorithm.is_none() || key.algorithm == algorithm;
            key.always_authenticate && of_its_kind && held.signed.is_none() && self.is_unexplained(*at)
        };
        let labelled = |(_, held): &(usize, &HeldKey)| held.stored.label == *label;
        let mut alike = self.private_keys.iter().enumerate().filter(labelled).filter(may);
        alike.next().filter(|_| alike.next().is_none()).map(|(at, _)| at)
    }

    /// Whether nothing tells the public half of a private key, and no certificate or public key has its identifier: it may be that
    /// of any certificate.
    pub(super) fn is_unexplained(&self, key: usize) -> bool {
        self.value_hint(key).is_none() && !self.is_explained(key)
    }

    /// Whether the public key objects of an identifier say that its key is another one.
    fn is_contradicted(&self, id: &Vec<u8>, public: &PublicKey) -> bool {
        let halves = self.index.public_by_id.get(id).into_iter().flatten();
        let mut values =
            halves.filter_map(|at| self.public_keys.get(*at)?.stored.public_key.as_ref()).peekable();
        values.peek().is_some() && !values.any(|value| value == public)
    }

    /// Lets a private key sign, once in this session, and says which of the public keys on the token it has signed for;
    /// `more` are verified with first.
    pub(super) fn ask(
        &mut self,
        signer: &dyn Signer,
        key: usize,
        more: &[&PublicKey],
    ) -> Result<Option<PublicKey>> {
        let Some(held) = self.private_keys.get(key) else { return Ok(None) };
        if let Some(signed) = &held.signed
            && (signed.public_key().is_some() || more.is_empty())
        {
            return Ok(signed.public_key().cloned());
        }
        let same_id = self.index.certificates_by_id.get(&held.stored.id).into_iter().flatten();
        let certificates_first = same_id.filter_map(|at| self.certificate(*at)).map(|one| one.public_key());
        let certificates = self.certificates.iter().filter_map(|one| one.certificate.as_ref());
        let public = self.public_keys.iter().filter_map(|one| one.stored.public_key.as_ref());
        let mut at_hand = more
            .iter()
            .copied()
            .chain(held.stored.public_key.as_ref())
            .chain(certificates_first)
            .chain(self.value_hint(key))
            .chain(certificates.map(|one| one.public_key()))
            .chain(public);
        let signed = signer.challenge(&held.stored, &mut at_hand)?;
        let public_key = signed.public_key().cloned();
        if let Some(public) = &public_key {
            put(&mut self.index.private_by_signed, public, key);
        }
        if let Some(held) = self.private_keys.get_mut(key) {
            held.signed = Some(signed);
        }
        Ok(public_key)
    }

    /// Takes over what the key of a credential has signed earlier in this session. The object under its handle has to be the
    /// same still.
    pub(super) fn take_over(&mut self, credential: &Credential, signed: &Signed) {
        let Ok(key) = credential.private_key() else { return };
        let is_same = |held: &HeldKey| {
            signed.is_by(&held.stored) && held.stored.id == key.id && held.stored.label == key.label
        };
        if let Some((at, held)) = self.private_keys.iter_mut().enumerate().find(|(_, held)| is_same(held)) {
            held.signed = Some(signed.clone());
            signed
                .public_key()
                .into_iter()
                .for_each(|public| put(&mut self.index.private_by_signed, public, at));
        }
    }

    /// The private keys that sign for a public key, which the certificate or the job with this identifier is for.
    ///
    /// First those are asked that report it, have the identifier, or have it in a certificate or a public key object under
    /// their own identifier, every one of them; where none of these signs, those that nothing explains, until one does. A
    /// key that refuses to sign is none of them.
    pub(super) fn keys_that_sign_for(
        &mut self,
        signer: &dyn Signer,
        public: &PublicKey,
        id: &[u8],
    ) -> Result<Vec<usize>> {
        Ok(self.ask_for(signer, public, id, false)?.0)
    }

    /// The same, each key that may sign for it asked, and the refusal of a key to sign of which that would have to be known.
    pub(super) fn keys_asked_for(
        &mut self,
        signer: &dyn Signer,
        public: &PublicKey,
        id: &[u8],
    ) -> Result<(Vec<usize>, Option<Error>)> {
        self.ask_for(signer, public, id, true)
    }

    fn ask_for(
        &mut self,
        signer: &dyn Signer,
        public: &PublicKey,
        id: &[u8],
        every: bool,
    ) -> Result<(Vec<usize>, Option<Error>)> {
        let (likely, possible) = self.likely_and_possible(public, id);
        let (mut found, mut refusal) = (Vec::new(), None);
        for at in likely {
            match self.signs_for(signer, at, public)? {
                Ok(true) => found.push(at),
                Ok(false) => {}
                Err(error) => refusal = Some(error),
            }
        }
        for at in possible {
            if !every && !found.is_empty() {
                break;
            }
            if matches!(self.signs_for(signer, at, public)?, Ok(true)) {
                found.push(at);
            }
        }
        // Where there are copies the one that stands there comes first, in whatever order the driver lists them.
        found.sort_by_key(|at| self.private_keys.get(*at).is_none_or(|held| held.stored.id != id));
        Ok((found, refusal))
    }

    /// Whether a certificate or a public key object with the key's own identifier, or with its record, says that it is for this public
    /// key, as where another program has stored a certificate under another identifier than its pair, or has moved one of the three.
    fn is_explained_by(&self, key: &HeldKey, public: &PublicKey) -> bool {
        let certificates = self.certificates_for(public).filter_map(|at| self.certificates.get(at));
        let certificates = certificates.map(|held| (&held.stored.id, held.marking.record()));
        let halves = self.index.public_by_key.get(public).into_iter().flatten();
        let halves = halves.filter_map(|at| self.public_keys.get(*at));
        let mut all = certificates.chain(halves.map(|half| (&half.stored.id, half.marking.record())));
        let own = key.marking.record();
        all.any(|(id, record)| *id == key.stored.id || own.is_some() && record == own)
    }

    /// Whether a certificate to which hints give no private key has the record of this one, wherever that stands.
    pub(super) fn has_the_record_of_a_stray(&self, key: usize) -> bool {
        let Some(held) = self.private_keys.get(key) else { return false };
        let Some(record) = held.marking.record().filter(|_| !held.stored.always_authenticate) else {
            return false;
        };
        let labelled = self.index.certificates_by_label.get(record.label()).into_iter().flatten();
        let is_of_a_user =
            |at: &&usize| self.certificate(**at).is_some_and(|certificate| !certificate.is_ca());
        labelled.filter(is_of_a_user).any(|at| self.key_hint_place(*at).is_none())
    }

    /// Whether a certificate or a public key object with the key's own identifier says what it is for.
    fn is_explained(&self, key: usize) -> bool {
        let Some(held) = self.private_keys.get(key) else { return false };
        let id = &held.stored.id;
        // An identifier that is empty is no one's.
        !id.is_empty()
            && (self.index.certificates_by_id.contains_key(id) || self.index.public_by_id.contains_key(id))
    }

    /// Whether a key signs for this public key, or its refusal to sign at all. A token that fails is an error.
    fn signs_for(&mut self, signer: &dyn Signer, key: usize, public: &PublicKey) -> Result<Result<bool>> {
        match self.ask(signer, key, &[public]) {
            Ok(signed) => Ok(Ok(signed.as_ref() == Some(public))),
            Err(error) if is_of_the_token(&error) => Err(error),
            Err(error) => Ok(Err(error)),
        }
    }

    /// The private keys that may be that of a public key, likeliest first: those that report it, have the identifier or
    /// have it under their own, then those that report nothing and that nothing else explains.
    pub(crate) fn candidates(&self, public: &PublicKey, id: &[u8]) -> Vec<StoredKey> {
        let (likely, possible) = self.likely_and_possible(public, id);
        let keys = likely.into_iter().chain(possible).filter_map(|at| self.private_keys.get(at));
        keys.map(|held| StoredKey::clone(&held.stored)).collect()
    }

    fn likely_and_possible(&self, public: &PublicKey, id: &[u8]) -> (Vec<usize>, Vec<usize>) {
        let algorithm = SignatureAlgorithm::for_key(&public.in_usual_form().algorithm());
        let (mut likely, mut possible) = (Vec::new(), Vec::new());
        for (at, held) in self.private_keys.iter().enumerate() {
            let key = &held.stored;
            if key.algorithm.is_some() && key.algorithm != algorithm {
                continue;
            }
            match &key.public_key {
                Some(told) if told == public => likely.push(at),
                _ if key.id == id => likely.push(at),
                Some(_) => {}
                None if self.is_explained_by(held, public) => likely.push(at),
                None if self.is_explained(at) => {}
                None => possible.push(at),
            }
        }
        (likely, possible)
    }

    /// Lets those sign that may be the private key of a certificate, where hints give it none: some drivers give private keys no
    /// identifier.
    ///
    /// # Errors
    /// What signing returns when it is the token that failed.
    pub(crate) fn search_key_of(&mut self, signer: &dyn Signer, certificate: &Certificate) -> Result<()> {
        if let Some(at) = self.place_of(certificate).filter(|at| self.key_hint_place(*at).is_none()) {
            let id = self.certificates.get(at).map(|held| held.stored.id.clone()).unwrap_or_default();
            self.keys_that_sign_for(signer, certificate.public_key(), &id)?;
        }
        Ok(())
    }

    /// The private key of a certificate, shown by its signature.
    ///
    /// # Errors
    /// What signing returns when it is the token that failed.
    pub(crate) fn signing_key(
        &mut self,
        signer: &dyn Signer,
        public: &PublicKey,
        id: &[u8],
    ) -> Result<Option<StoredKey>> {
        let found = self.keys_that_sign_for(signer, public, id)?;
        let key = found.first().and_then(|at| self.private_keys.get(*at));
        Ok(key.map(|held| {
            let mut key = StoredKey::clone(&held.stored);
            key.public_key = Some(public.clone());
            key
        }))
    }
}

/// Whether an error says nothing of the key that was asked: the token is gone, wants a PIN, or the driver misbehaves.
pub(super) fn is_of_the_token(error: &Error) -> bool {
    !error.is_refusal()
}
