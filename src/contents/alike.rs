//! Which public key and certificate objects go with a private key. What tells the value of one may be another one's answer: some drivers
//! answer for whatever has the same CKA_ID. So where several public keys can be meant, each verifies a signature itself.

use super::Contents;
use super::credential::{Credential, about};
use super::held::{HeldKey, HeldPublicKey};
use super::signer::Signer;
use crate::driver::{Removal, Signed, StoredPublicKey, Verified, doubt};
use crate::error::{Result, Step};
use crate::pki::PublicKey;

/// Those that seem to be ours, by what is known of them.
#[derive(Default)]
pub(super) struct Halves<'a> {
    /// Nothing else on the token can be meant.
    alone: Vec<&'a StoredPublicKey>,
    /// They have verified what the private key has signed.
    shown: Vec<&'a StoredPublicKey>,
    /// They may be another program's.
    pub(super) doubtful: Vec<&'a StoredPublicKey>,
}

impl Halves<'_> {
    /// Whether one of them may be another program's.
    pub(super) fn are_doubtful(&self) -> bool {
        !self.doubtful.is_empty()
    }

    /// With those that are ours.
    ///
    /// # Errors
    /// [`Code::RemovalDoubtful`](crate::error::Code::RemovalDoubtful) for one without a value.
    pub(super) fn planned(&self, removal: Removal, signed: Option<&Signed>) -> Result<Removal> {
        let removal = self.alone.iter().try_fold(removal, |removal, half| removal.public_key(half))?;
        let mut shown = self.shown.iter().zip(std::iter::repeat(signed));
        shown.try_fold(removal, |removal, (half, signed)| match signed {
            Some(signed) => removal.public_key_that_verifies(half, signed),
            None => Ok(removal),
        })
    }
}

impl Contents {
    /// Of the public key objects that seem to be the other half of what has signed for this value those that are.
    ///
    /// # Errors
    /// What C_VerifyInit and C_Verify return when it is the token that failed.
    pub(super) fn halves_shown<'a>(
        &'a self,
        signer: &dyn Signer,
        public: &PublicKey,
        signed: Option<&Signed>,
        seem_ours: impl Fn(&HeldPublicKey) -> bool,
    ) -> Result<Halves<'a>> {
        let (mut halves, mut refused) = (Halves::default(), Vec::new());
        for half in self.halves_of(public).filter(|half| seem_ours(half)) {
            let half = &half.stored;
            if self.is_the_only_one(half, public) {
                halves.alone.push(half);
                continue;
            }
            match signed.map(|signed| signer.verified(half, signed)).transpose()? {
                Some(Verified::Yes) => halves.shown.push(half),
                Some(Verified::No) => refused.push(half),
                Some(Verified::Unknown) | None => halves.doubtful.push(half),
            }
        }
        // Where each of several is said to be ours, and so are more private keys than one, one may be another's all the same.
        let shown = std::mem::take(&mut halves.shown);
        let (ours, doubtful): (Vec<_>, Vec<_>) = shown.iter().partition(|half| {
            let of_us = shown.iter().filter(|one| one.id == half.id).count();
            let of_all = self.index.public_by_id.get(&half.id).map_or(0, Vec::len);
            let is_beside_ours = || of_us == 1 && self.signers(&half.id, public) > 0;
            self.strangers(&half.id, public) <= of_all.saturating_sub(of_us) || is_beside_ours()
        });
        halves.shown = ours;
        halves.doubtful.extend(doubtful);
        // A driver that refuses each of them may refuse its own.
        if halves.alone.is_empty() && halves.shown.is_empty() && halves.doubtful.is_empty() {
            halves.doubtful = refused;
        }
        Ok(halves)
    }

    /// Whether no other object can be meant: none has its CKA_ID or tells its value, and no private key of another has that CKA_ID.
    fn is_the_only_one(&self, half: &StoredPublicKey, public: &PublicKey) -> bool {
        let tell_it = self.index.public_by_key.get(public).map_or(0, Vec::len);
        tell_it <= 1 && self.with_its_id(half).count() <= 1 && self.strangers(&half.id, public) == 0
    }

    /// Whether no other key has the CKA_ID of a public key object.
    pub(super) fn stands_alone(&self, half: &StoredPublicKey) -> bool {
        self.with_its_id(half).count() <= 1 && self.with_id(&half.id).count() == 0
    }

    /// Whether this is the only public key object with its CKA_ID that tells no value, and no private key with it is another's. One of
    /// a kind that we do not know tells none either.
    pub(super) fn is_the_only_rest(&self, half: &StoredPublicKey, public: Option<&PublicKey>) -> bool {
        let tell_none = self.with_its_id(half).filter(|one| one.public_key.is_none()).count();
        let others = match public {
            Some(public) => self.strangers(&half.id, public),
            None => self.with_id(&half.id).count().saturating_sub(1),
        };
        tell_none <= 1 && others == 0
    }

    /// Every object that holds exactly the certificate under the key's identifier, whatever its label; where none does, under its own.
    /// Copies that others made under another identifier stay, and these are told.
    ///
    /// # Errors
    /// [`Code::RemovalDoubtful`](crate::error::Code::RemovalDoubtful) for several while another's private key has that identifier: one
    /// may be that one's, whatever a driver reports of it.
    pub(super) fn with_certificates(
        &self,
        removal: Removal,
        old: &Credential,
        id: &[u8],
    ) -> Result<(Removal, Vec<u8>, Vec<Vec<u8>>)> {
        let same =
            || self.certificates.iter().filter(|held| held.certificate.as_ref() == Some(old.certificate()));
        let id = if same().any(|held| held.stored.id == id) { id } else { old.id() };
        let (goes, stays): (Vec<_>, Vec<_>) = same().partition(|held| held.stored.id == id);
        if goes.len() > 1 && self.strangers(id, old.certificate().public_key()) > 0 {
            return Err(about(doubt(Step::Retire, id, "certificates_alike"), old));
        }
        let stays = stays.into_iter().map(|held| held.stored.id.clone()).collect();
        let removal = goes.into_iter().fold(removal, |removal, held| removal.certificate(&held.stored));
        Ok((removal, id.to_vec(), stays))
    }

    /// How many private keys with this CKA_ID have not signed for this value.
    fn strangers(&self, id: &[u8], public: &PublicKey) -> usize {
        self.with_id(id).filter(|held| !has_signed_for(held, public)).count()
    }

    /// How many have.
    fn signers(&self, id: &[u8], public: &PublicKey) -> usize {
        self.with_id(id).filter(|held| has_signed_for(held, public)).count()
    }

    /// The private keys with this CKA_ID; one that is empty is no one's.
    fn with_id(&self, id: &[u8]) -> impl Iterator<Item = &HeldKey> {
        let same_id = self.index.private_by_id.get(id).filter(|_| !id.is_empty()).into_iter().flatten();
        same_id.filter_map(|at| self.private_keys.get(*at))
    }

    /// The public key objects with the CKA_ID of this one.
    fn with_its_id(&self, half: &StoredPublicKey) -> impl Iterator<Item = &StoredPublicKey> {
        let same_id = self.index.public_by_id.get(&half.id).filter(|_| !half.id.is_empty());
        same_id.into_iter().flatten().filter_map(|at| self.public_keys.get(*at)).map(|held| &held.stored)
    }

    pub(super) fn halves_of(&self, public: &PublicKey) -> impl Iterator<Item = &HeldPublicKey> {
        let halves = self.index.public_by_key.get(public).into_iter().flatten();
        halves.filter_map(|at| self.public_keys.get(*at))
    }
}

fn has_signed_for(held: &HeldKey, public: &PublicKey) -> bool {
    held.signed.as_ref().and_then(Signed::public_key) == Some(public)
}
