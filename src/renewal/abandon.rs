//! Abandoning an unfinished job: exactly its pair goes, nothing else.

use super::credential::Credential;
use super::pending::{Inventory, PendingKey};
use super::write::sign_challenge;
use crate::code::{Code, Fact, Step};
use crate::driver::{Session, StoredCertificate, StoredKey};
use crate::error::{Error, Result};
use crate::pki::Certificate;
use std::time::SystemTime;

impl Session {
    /// Removes a pending key with all that belongs to its job.
    ///
    /// The certificate goes first, so that nobody sees one without a key. Of the keys the last to go is one that
    /// carries the label by which an interrupted removal is found again, the public one where it does: a lone public
    /// key can be taken for nothing else, a lone private key for one that awaits its answer.
    ///
    /// # Errors
    /// [`Code::Busy`]; [`Code::NotPending`] when the key no longer has our label; [`Code::RetireOnlyCredential`] when
    /// the key has its certificate, signs, and no other credential is left to work with,
    /// [`Code::RetireNoSuccessor`] when none for the same subject and not the one that it renews is;
    /// [`Code::DestroyFailed`] when the token kept something although it said that it was removed; and what the
    /// token returns.
    pub fn abandon(&self, pending: &PendingKey) -> Result<()> {
        self.reserve()?;
        // Read again: the label decides, and it may have changed since the list was made.
        let inventory = Inventory::read(self)?;
        let now = inventory.pending();
        // A public key that has lost its private key since is another find: to remove it alone might be half the work.
        let same = |other: &&PendingKey| {
            other.id() == pending.id()
                && other.label == pending.label
                && other.private.is_some() == pending.private.is_some()
        };
        let pending =
            now.iter().find(same).ok_or_else(|| pending.error(Code::NotPending).during(Step::Abandon))?;
        if let (Some(written), Some(private)) = (&pending.certificate, &pending.private) {
            self.keep_the_last(&inventory, written, private, pending.concerns())?;
        }
        self.remove(pending, Step::Abandon)?;
        self.make_sure_gone(pending)
    }

    /// A key whose label a token did not let us change looks unfinished and works all the same.
    fn keep_the_last(
        &self,
        inventory: &Inventory,
        written: &StoredCertificate,
        private: &StoredKey,
        concerns: Option<&str>,
    ) -> Result<()> {
        let certificate = Certificate::from_der(&written.der)?;
        let now = SystemTime::now();
        let credentials = self.credentials_with(&inventory.keys)?;
        let mut usable: Vec<&Credential> = credentials.iter().collect();
        usable.retain(|other| {
            other.certificate() != &certificate
                && other.certificate().not_after() >= now
                && other.private_key().is_ok()
        });
        let is_renewed = |other: &&Credential| {
            concerns.is_some_and(|serial| other.certificate().serial().to_string() == serial)
        };
        if usable.iter().any(|other| other.subject().matches(certificate.subject()) || is_renewed(other)) {
            return Ok(());
        }
        match sign_challenge(self, private, &certificate) {
            Ok(()) => {}
            // A token that failed has not said that the key does not work.
            Err(error) if !error.is_refusal() => return Err(error),
            Err(_) => return Ok(()),
        }
        let code = if usable.is_empty() { Code::RetireOnlyCredential } else { Code::RetireNoSuccessor };
        Err(Error::new(code)
            .during(Step::Abandon)
            .fact(Fact::Subject, certificate.subject())
            .fact(Fact::Serial, certificate.serial())
            .fact(Fact::Id, crate::hex(&written.id)))
    }

    pub(super) fn remove(&self, pending: &PendingKey, step: Step) -> Result<()> {
        if let Some(certificate) = &pending.certificate {
            self.destroy_certificate(certificate, step)?;
        }
        let private = || pending.private.iter().try_for_each(|key| self.destroy_private_key(key, step));
        let public = || pending.public.iter().try_for_each(|key| self.destroy_public_key(key, step));
        let public_tells = pending.public.iter().any(|key| key.label == pending.label.to_string());
        if public_tells { private().and_then(|()| public()) } else { public().and_then(|()| private()) }
    }

    /// Some tokens say CKR_OK to C_DestroyObject and keep the object.
    fn make_sure_gone(&self, pending: &PendingKey) -> Result<()> {
        let left = self.pending()?;
        if left.iter().any(|other| other.id() == pending.id() && other.label == pending.label) {
            let id = crate::hex(pending.id());
            return Err(Error::new(Code::DestroyFailed).during(Step::Abandon).fact(Fact::Id, id));
        }
        Ok(())
    }
}
