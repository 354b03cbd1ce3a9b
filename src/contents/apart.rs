//! Certificates that stand under another CKA_ID than their key, so that programs which go by that find no pair.

use super::Contents;
use super::held::HeldCertificate;
use super::jobs::OldCredentials;
use super::pending::{PendingKey, PendingState};
use super::signer::Signer;
use crate::driver::Session;
use crate::error::Result;
use crate::pki::Certificate;

/// Why no object of a certificate has the identifier of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Apart {
    /// Another program has written it, under this identifier.
    Elsewhere(Vec<u8>),
    /// It was written by us, or has none: the driver has dropped the identifier that it was given.
    Dropped,
}

impl Contents {
    /// Whether and why a certificate stands apart from its key, which has this identifier.
    pub(crate) fn apart(&self, certificate: &Certificate, key_id: &[u8]) -> Option<Apart> {
        let of_key = self.certificates_for(certificate.public_key());
        let held = of_key.filter_map(|at| self.certificates.get(at));
        let objects: Vec<&HeldCertificate> =
            held.filter(|held| held.certificate.as_ref() == Some(certificate)).collect();
        let is_beside = |held: &&HeldCertificate| held.stored.id == key_id;
        let is_dropped =
            |held: &&HeldCertificate| held.stored.id.is_empty() || held.marking.record().is_some();
        match objects.first() {
            Some(_) if key_id.is_empty() || objects.iter().any(is_beside) => None,
            Some(_) if objects.iter().any(is_dropped) => Some(Apart::Dropped),
            Some(first) => Some(Apart::Elsewhere(first.stored.id.clone())),
            None => None,
        }
    }

    /// Whether the key that hints take for that of a certificate is of a job of ours, and another program has written the certificate
    /// apart from it.
    pub(super) fn is_of_job_apart(&self, certificate: usize) -> bool {
        let key = self.key_hint_place(certificate).and_then(|key| self.private_keys.get(key));
        let ours = key.filter(|held| held.marking.record().is_some());
        let both = ours.zip(self.certificate(certificate));
        both.is_some_and(|(held, one)| matches!(self.apart(one, &held.stored.id), Some(Apart::Elsewhere(_))))
    }

    /// The job whose answer another program has written apart from its key, shown by the key's signature.
    ///
    /// # Errors
    /// What signing returns when it is the token that failed.
    pub(crate) fn job_apart(
        &mut self,
        signer: &dyn Signer,
        certificate: &Certificate,
    ) -> Result<Option<PendingKey>> {
        let Some(at) = self.place_of(certificate) else { return Ok(None) };
        let id = self.certificates.get(at).map(|held| held.stored.id.clone()).unwrap_or_default();
        let keys = self.keys_that_sign_for(signer, certificate.public_key(), &id)?;
        let ([key], Some(held)) = (keys.as_slice(), keys.first().and_then(|key| self.private_keys.get(*key)))
        else {
            return Ok(None);
        };
        let record = held.marking.record().filter(|record| !record.is_removal() && !self.is_twice(record));
        let Some(record) = record.cloned() else { return Ok(None) };
        match self.apart(certificate, &held.stored.id) {
            Some(Apart::Elsewhere(_)) => {
                let old = OldCredentials::of(self);
                Ok(self.pending_key(*key, record, PendingState::AwaitingAnswer, (&old, false)))
            }
            Some(Apart::Dropped) | None => Ok(None),
        }
    }

    /// The certificate that another program has written apart from the key with this identifier, which is of a job of ours; of several the
    /// one that ends last.
    ///
    /// # Errors
    /// What signing returns when it is the token that failed.
    pub(crate) fn answer_apart(&mut self, signer: &dyn Signer, key_id: &[u8]) -> Result<Option<Certificate>> {
        let keys = self.private_keys.iter().enumerate();
        let ours = keys.filter(|(_, held)| held.stored.id == key_id && held.marking.record().is_some());
        let ours: Vec<usize> = ours.map(|(at, _)| at).collect();
        let mut answers = Vec::new();
        for key in ours {
            let Some(public) = self.ask(signer, key, &[])? else { continue };
            let certificates = self.certificates_for(&public).filter_map(|at| self.certificate(at));
            answers.extend(certificates.filter(|one| !one.is_ca()).cloned());
        }
        answers.retain(|one| matches!(self.apart(one, key_id), Some(Apart::Elsewhere(_))));
        Ok(answers.into_iter().max_by_key(Certificate::not_after))
    }
}

impl Session {
    /// The certificate for the key with this CKA_ID, which is of a job of ours, where another program has written it under another CKA_ID: the
    /// job does not wait, and programs that go by the identifier find no pair. [`Install`](crate::Install) of it, with
    /// [`Install::written_by_another`](crate::Install::written_by_another), writes it beside the key.
    ///
    /// # Errors
    /// What reading and signing return.
    pub fn answer_apart(&self, key_id: &[u8]) -> Result<Option<Certificate>> {
        let mut contents = Contents::read(self)?;
        self.explained(contents.answer_apart(self, key_id))
    }
}
