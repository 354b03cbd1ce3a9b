//! Removing the old credential, last of all and only when its successor works.

use super::credential::{Credential, Credentials, about, old_key};
use super::label::{Job, JobLabel};
use super::pending::Inventory;
use super::write::{is_refused, sign_challenge};
use crate::code::{Code, Family, Step};
use crate::driver::{Session, StoredKey, StoredPublicKey};
use crate::error::{Error, Result};
use std::time::SystemTime;

/// What was removed, and what stays in its place.
#[derive(Clone, Debug)]
pub struct Retired {
    successor: Credential,
    key_removed: bool,
}

impl Retired {
    /// The credential that has signed and takes the place of the removed one.
    pub fn successor(&self) -> &Credential {
        &self.successor
    }

    /// Whether the key pair was removed too; it was not when the successor uses the same key.
    pub fn key_removed(&self) -> bool {
        self.key_removed
    }
}

impl Session {
    /// Removes an old credential: certificate, public key, private key.
    ///
    /// Before anything is removed the successor signs a fresh challenge, and the old private key gets a label by
    /// which an interrupted removal is found again and can be ended with [`Session::abandon`]. The certificate
    /// goes first, so that at no time a certificate without its key is to be seen.
    ///
    /// # Errors
    /// [`Code::RetireOnlyCredential`] without a later credential for the same subject,
    /// [`Code::RetireNotProven`] when that cannot sign or is not complete, [`Code::RetireNotOurs`] when there is
    /// no matching key pair, [`Code::DestroyFailed`] when the token keeps what it said it removed, and what the
    /// token returns.
    pub fn retire(&self, old: &Credential, now: SystemTime) -> Result<Retired> {
        self.reserve()?;
        let inventory = Inventory::read(self)?;
        let credentials = self.credentials_with(&inventory.keys)?;
        let old = present(&credentials, old)?;
        let private = old_key(old, &inventory.keys).map_err(|error| error.with_code(Code::RetireNotOurs))?;
        self.make_sure_it_is_the_pair(old, &private, &inventory)?;
        let successor = successor(&credentials, old, now)?;
        let sound = successor.private_key().and_then(|key| {
            sign_challenge(self, key, successor.certificate())?;
            complete(key, successor)
        });
        sound.map_err(|error| match error.code().family() {
            // Nothing was learnt of the successor; what is to be done is about the token.
            Family::Gone | Family::Pin | Family::Internal => error,
            _ => about(Error::new(Code::RetireNotProven), old).because_of(error),
        })?;

        let shared = successor.certificate().public_key() == old.certificate().public_key();
        if shared {
            self.destroy_certificate(&old.stored, Step::Retire)?;
        } else {
            self.remove_pair(old, &private, &public_halves(&inventory, old), now)?;
        }
        self.make_sure_retired(old)?;
        Ok(Retired { successor: successor.clone(), key_removed: !shared })
    }

    /// A key that shows no public half was found by its identifier, which another key may have too. What cannot be
    /// put back is removed only after it has signed for the certificate.
    fn make_sure_it_is_the_pair(
        &self,
        old: &Credential,
        private: &StoredKey,
        inventory: &Inventory,
    ) -> Result<()> {
        let public = old.certificate().public_key();
        if inventory.keys.iter().any(|key| key.public_key.as_ref() == Some(public)) {
            return Ok(());
        }
        sign_challenge(self, private, old.certificate()).map_err(|error| match error.code().family() {
            Family::Gone | Family::Pin | Family::Internal => error,
            _ => about(Error::new(Code::RetireNotOurs).during(Step::Retire), old).because_of(error),
        })
    }

    fn remove_pair(
        &self,
        old: &Credential,
        private: &StoredKey,
        public: &[StoredPublicKey],
        now: SystemTime,
    ) -> Result<()> {
        let mark = JobLabel::new(Job::Retires(old.certificate().serial().to_string()), now);
        // A token that refuses new labels is no reason to keep the credential.
        is_refused(self.relabel_private_key(private, &mark.to_string()))?;
        self.destroy_certificate(&old.stored, Step::Retire)?;
        for public in public {
            self.destroy_public_key(public, Step::Retire)?;
        }
        self.destroy_private_key(private, Step::Retire)
    }

    /// Some tokens say CKR_OK to C_DestroyObject and keep the object.
    fn make_sure_retired(&self, old: &Credential) -> Result<()> {
        match self.certificates()?.iter().any(|stored| stored.der == old.certificate().der()) {
            true => Err(about(Error::new(Code::DestroyFailed).during(Step::Retire), old)),
            false => Ok(()),
        }
    }
}

/// The credential as it is on the token now.
fn present<'c>(credentials: &'c Credentials, old: &Credential) -> Result<&'c Credential> {
    credentials
        .iter()
        .find(|credential| credential.certificate().der() == old.certificate().der())
        .ok_or_else(|| about(Error::new(Code::CredentialNotFound).during(Step::Retire), old))
}

/// The latest other credential for the same subject that is valid now and ends later.
fn successor<'c>(credentials: &'c Credentials, old: &Credential, now: SystemTime) -> Result<&'c Credential> {
    let end = |credential: &Credential| credential.certificate().not_after();
    credentials
        .iter()
        .filter(|other| {
            other.subject().der() == old.subject().der()
                && end(other) > end(old)
                && other.certificate().not_before() <= now
                && end(other) >= now
                && other.private_key().is_ok()
        })
        .max_by_key(|other| end(other))
        .ok_or_else(|| about(Error::new(Code::RetireOnlyCredential).during(Step::Retire), old))
}

/// A successor whose key still has the label of an unfinished job was never shown to work.
fn complete(key: &StoredKey, successor: &Credential) -> Result<()> {
    match key.label.parse::<JobLabel>() {
        Ok(_) => Err(about(Error::new(Code::PendingExists).during(Step::Retire), successor)),
        Err(_) => Ok(()),
    }
}

/// The public key objects of the old pair: by value, or by identifier where they do not tell it.
fn public_halves(inventory: &Inventory, old: &Credential) -> Vec<StoredPublicKey> {
    let belongs = |public: &&StoredPublicKey| match &public.public_key {
        Some(key) => key == old.certificate().public_key(),
        None => public.id == old.id(),
    };
    inventory.public.iter().filter(belongs).cloned().collect()
}
