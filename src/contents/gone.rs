//! Which key a request was for, and whether anything is left of it: another one may have its identifier and its record.

use super::Contents;
use super::belongs::is_of_the_token;
use super::held::{HeldKey, HeldPublicKey};
use super::pending::PendingKey;
use super::record::Record;
use super::signer::Signer;
use crate::driver::doubt;
use crate::error::{Code, Result, Step};
use crate::pki::PublicKey;

impl Contents {
    /// Of private keys with one record under one identifier the only one that signs for this public key.
    pub(super) fn only_requested(
        &mut self,
        signer: &dyn Signer,
        alike: &[usize],
        public: &PublicKey,
        pending: &PendingKey,
    ) -> Result<usize> {
        let mut ours = Vec::new();
        for key in alike {
            match self.ask(signer, *key, &[public]) {
                Ok(signed) if signed.as_ref() == Some(public) => ours.push(*key),
                Err(error) if is_of_the_token(&error) => return Err(error),
                _ => {}
            }
        }
        match ours.as_slice() {
            [key] => Ok(*key),
            [] => Err(doubt(Step::Abandon, pending.id(), "not_requested_here")),
            [..] => Err(pending.error(Code::KeysAlike).during(Step::Abandon)),
        }
    }

    /// The public key of a pending key, as it has signed, else as it is said to be.
    pub(crate) fn public_key_of(&self, pending: &PendingKey) -> Option<PublicKey> {
        let is_it = |held: &&HeldKey| {
            held.stored.id == pending.id() && held.marking.record() == Some(pending.record())
        };
        let signed =
            self.private_keys.iter().filter(is_it).find_map(|held| held.signed.as_ref()?.public_key());
        signed.or_else(|| pending.public_key()).cloned()
    }

    /// Whether nothing is left of a key that was to go: no private key with its record or, where no label of it is read, its identifier,
    /// and no public key with both. What could not be read may be it; what signs for another public key, or has another value, is not.
    pub(crate) fn has_nothing_of(
        &mut self,
        signer: &dyn Signer,
        id: &[u8],
        record: &Record,
        public: Option<&PublicKey>,
    ) -> Result<bool> {
        let has_id = |held: &HeldKey| held.stored.id == id;
        let may_be_it = |held: &HeldKey| match held.marking.record() {
            Some(other) => other == record && has_id(held),
            None => held.stored.label.bytes().is_empty() && has_id(held),
        };
        let halves = self.index.public_by_record.get(record).into_iter().flatten();
        let mut halves = halves.filter_map(|at| self.public_keys.get(*at));
        let is_half = |half: &HeldPublicKey| {
            let value = half.stored.public_key.as_ref();
            half.stored.id == id && (public.is_none() || value.is_none() || value == public)
        };
        if !self.was_read_whole() || halves.any(is_half) {
            return Ok(false);
        }
        let keys = self.private_keys.iter().enumerate().filter(|(_, held)| may_be_it(held));
        for key in keys.map(|(at, _)| at).collect::<Vec<_>>() {
            let Some(public) = public else { return Ok(false) };
            match self.ask(signer, key, &[public]) {
                Ok(signed) if signed.as_ref() != Some(public) => {}
                Err(error) if is_of_the_token(&error) => return Err(error),
                _ => return Ok(false),
            }
        }
        Ok(true)
    }
}
