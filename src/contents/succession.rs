//! Which credential takes the place of which: by the record on the new private key, shown by its signature, or by the key
//! that both share. Names and issuers never make a follower; they can only forbid a removal.

use super::Contents;
use super::belongs::is_of_the_token;
use super::credential::{Credential, about};
use super::held::HeldCertificate;
use super::left_out::unreadable;
use super::one_key::OnOneKey;
use super::pending::Doubt;
use super::record::{Record, old_digest};
use super::signer::Signer;
use crate::driver::{StoredKey, doubt};
use crate::error::{Result, Step};
use crate::pki::Certificate;
use base16ct::lower::encode_string as hex;
use std::collections::HashSet;
use std::sync::Arc;

/// A certificate by what records name it by.
struct Named {
    digest: [u8; 8],
    serial: String,
}

impl Named {
    fn of(certificate: &Certificate) -> Self {
        Named { digest: old_digest(certificate.der()), serial: certificate.serial().to_string() }
    }

    /// Whether a record names this certificate; `by` is the new one. Records of the previous release hold no more than
    /// the serial number, so their new certificate has to come from the same issuer, for the same holder.
    fn is_named_by(&self, record: &Record, old: &Certificate, by: Option<&Certificate>) -> bool {
        self.may_be_named_by(record, old, by)
            && by.is_none_or(|by| record.names_by_digest() || old.has_same_holder(by))
    }

    /// The same, but that the holder's name may have changed.
    fn may_be_named_by(&self, record: &Record, old: &Certificate, by: Option<&Certificate>) -> bool {
        match (record.digest(), record.serial()) {
            (Some(digest), _) => digest == self.digest,
            (None, Some(serial)) => {
                serial == self.serial && by.is_none_or(|by| by.issuer().matches(old.issuer()))
            }
            (None, None) => false,
        }
    }
}

impl Contents {
    /// The credentials that follow a certificate and end later than it, each with the key that has just signed for it.
    ///
    /// # Errors
    /// What signing returns when it is the token that failed.
    pub(crate) fn followers(&mut self, signer: &dyn Signer, old: &Certificate) -> Result<Vec<Credential>> {
        let mut followers = self.followers_by(signer, old, |keys| keys == 1)?;
        followers.extend(self.followers_with_the_same_key(signer, old, false)?);
        Ok(followers)
    }

    /// Whether any follows it, or seems to: by a record on two private keys, or in its place on its key. For that nothing is removed, and
    /// nothing ordered before more is known of it.
    ///
    /// # Errors
    /// As [`Contents::followers`].
    pub(crate) fn has_followers(&mut self, signer: &dyn Signer, old: &Certificate) -> Result<bool> {
        let in_doubt = self.followers_in_doubt(signer, old)?;
        Ok(!in_doubt.is_empty() || !self.followers_with_the_same_key(signer, old, true)?.is_empty())
    }

    /// Those by a record, on however many private keys, and those of the same renewals with its key, each certificate once.
    ///
    /// # Errors
    /// As [`Contents::followers`].
    pub(crate) fn followers_in_doubt(
        &mut self,
        signer: &dyn Signer,
        old: &Certificate,
    ) -> Result<Vec<Credential>> {
        let mut all = self.followers_by(signer, old, |_| true)?;
        all.extend(self.followers_with_the_same_key(signer, old, false)?);
        let mut seen = HashSet::new();
        all.retain(|one| seen.insert(one.certificate().fingerprint()));
        Ok(all)
    }

    /// Those by a record that is on a number of private keys that counts.
    fn followers_by(
        &mut self,
        signer: &dyn Signer,
        old: &Certificate,
        counts: impl Fn(usize) -> bool,
    ) -> Result<Vec<Credential>> {
        let named = Named::of(old);
        let by_record = self.index.private_by_record.iter();
        let mut keys: Vec<usize> = by_record
            .filter(|(record, keys)| {
                counts(keys.len()) && !record.is_removal() && named.is_named_by(record, old, None)
            })
            .flat_map(|(_, keys)| keys.iter().copied())
            .collect();
        keys.sort_unstable();
        let mut followers = Vec::new();
        for key in keys {
            let signed = match self.ask(signer, key, &[]) {
                Ok(signed) => signed,
                Err(error) if is_of_the_token(&error) => return Err(error),
                Err(_) => None,
            };
            let Some(public) = signed else { continue };
            let certificates: Vec<usize> = self.certificates_for(&public).collect();
            for at in certificates {
                let record = self.private_keys.get(key).and_then(|held| held.marking.record());
                let record = record.filter(|record| self.may_be_answer(record, at));
                let follows = self.certificate(at).is_some_and(|new| {
                    let is_answer = |record: &Record| {
                        named.is_named_by(record, old, Some(new)) && record.may_be_answered_by(new)
                    };
                    new.not_after() > old.not_after() && record.is_some_and(is_answer)
                });
                followers.extend(follows.then(|| self.credential_with(at, key)).flatten());
            }
        }
        Ok(followers)
    }

    /// That a record which names this certificate is on two private keys: which of them follows it nobody knows.
    ///
    /// # Errors
    /// [`Code::RemovalDoubtful`](crate::error::Code::RemovalDoubtful).
    pub(crate) fn make_sure_its_record_is_one(&self, old: &Credential) -> Result<()> {
        let (named, certificate) = (Named::of(old.certificate()), old.certificate());
        let names = |record: &Record| !record.is_removal() && named.is_named_by(record, certificate, None);
        let mut twice = self.index.private_by_record.iter().filter(|(_, keys)| keys.len() > 1);
        match twice.any(|(record, _)| names(record)) {
            true => Err(about(doubt(Step::Retire, old.id(), Doubt::SameRecordTwice.name()), old)),
            false => Ok(()),
        }
    }

    /// The credentials of the whole row that follows a certificate: those that follow it, those that follow these, and so on.
    ///
    /// # Errors
    /// As [`Contents::followers`].
    pub(crate) fn row(&mut self, signer: &dyn Signer, old: &Certificate) -> Result<Vec<Credential>> {
        let mut row = self.followers(signer, old)?;
        let mut at = 0;
        // Each ends later than the one before it, so the row has an end.
        while let Some(one) = row.get(at).map(|follower| follower.certificate().clone()) {
            for later in self.followers(signer, &one)? {
                if row.iter().all(|known| known.certificate() != later.certificate()) {
                    row.push(later);
                }
            }
            at += 1;
        }
        Ok(row)
    }

    /// Whether this credential was made in place of another holder's certificate than the old one, by the record on the key that
    /// has signed for it. One holder may have had several, of which another program has renewed one: the last takes the
    /// place of all. Of one that is gone nobody knows whose it was, so the new one itself has to be in the old one's name.
    ///
    /// # Errors
    /// What signing returns when it is the token that failed.
    pub(crate) fn follows_another_holders(
        &mut self,
        signer: &dyn Signer,
        new: &Credential,
        old: &Certificate,
    ) -> Result<bool> {
        let certificate = new.certificate();
        let keys = self.keys_that_sign_for(signer, certificate.public_key(), new.id())?;
        let named = Named::of(old);
        let records = keys.iter().filter_map(|key| self.private_keys.get(*key)?.marking.record());
        let mut of_others = records.filter(|record| {
            let renews = !record.is_first() && !record.is_removal();
            renews && !named.may_be_named_by(record, old, Some(certificate))
        });
        let is_another_holders = |record: &Record| {
            let there = self.certificates.iter().filter_map(|held| held.certificate.as_ref());
            let mut replaced =
                there.filter(|one| Named::of(one).may_be_named_by(record, one, Some(certificate)));
            replaced.any(|one| !old.has_same_holder(one))
        };
        Ok(of_others.any(|record| !old.has_same_holder(certificate) || is_another_holders(record)))
    }

    fn followers_with_the_same_key(
        &mut self,
        signer: &dyn Signer,
        old: &Certificate,
        strangers: bool,
    ) -> Result<Vec<Credential>> {
        let place = self.place_of(old);
        let counts = |relation| relation == OnOneKey::Renewal || strangers;
        let later = |at: &usize| {
            let renews = || place.and_then(|place| self.on_one_key(place, *at)).is_some_and(counts);
            self.certificate(*at).is_some_and(|new| {
                let is_of_it = old.has_same_holder(new) && old.issuer().matches(new.issuer());
                new.not_after() > old.not_after() && (is_of_it || renews())
            })
        };
        let certificates: Vec<usize> = self.certificates_for(old.public_key()).filter(later).collect();
        let mut followers = Vec::new();
        for at in certificates {
            let id = self.certificates.get(at).map(|held| held.stored.id.clone()).unwrap_or_default();
            let keys = self.keys_that_sign_for(signer, old.public_key(), &id)?;
            followers.extend(keys.first().and_then(|key| self.credential_with(at, *key)));
        }
        Ok(followers)
    }

    /// Whether no certificate object under this identifier, with one of these labels where any are known, is, or may be, the one with this
    /// SHA-256.
    pub(crate) fn has_gone(&self, fingerprint: &str, id: &[u8], labels: &[Vec<u8>]) -> bool {
        let is_it = |held: &HeldCertificate| {
            let had = || labels.is_empty() || labels.iter().any(|label| label == held.stored.label.bytes());
            let certificate = held.certificate.as_ref().filter(|_| held.stored.id == id && had());
            certificate.is_some_and(|one| hex(&one.fingerprint()) == fingerprint)
        };
        let mut unread = unreadable(&self.certificates, self.unreadable).into_iter();
        self.hidden_certificates == 0
            && !unread.any(|one| one.may_have(id))
            && !self.certificates.iter().any(is_it)
    }

    /// A credential with the key that has signed for it.
    ///
    /// # Errors
    /// What signing returns when it is the token that failed.
    pub(crate) fn shown(&mut self, signer: &dyn Signer, new: &Certificate) -> Result<Option<Credential>> {
        let Some(at) = self.place_of(new) else { return Ok(None) };
        let id = self.certificates.get(at).map(|held| held.stored.id.clone()).unwrap_or_default();
        let keys = self.keys_that_sign_for(signer, new.public_key(), &id)?;
        Ok(keys.first().and_then(|key| self.credential_with(at, *key)))
    }

    fn credential_with(&self, certificate: usize, key: usize) -> Option<Credential> {
        let held = self.certificates.get(certificate)?;
        let certificate = held.certificate.as_ref().filter(|certificate| !certificate.is_ca())?;
        let mut key = StoredKey::clone(&self.private_keys.get(key)?.stored);
        key.public_key = Some(certificate.public_key().clone());
        Some(Credential::with_key(Arc::clone(&held.stored), certificate.clone(), key))
    }

    /// The certificate on the token that the record of this credential's key names, so that this one follows it.
    pub(super) fn predecessor(&self, key: usize, of: &Certificate) -> Option<&Certificate> {
        let record = self.private_keys.get(key)?.marking.record()?;
        if record.is_first() || record.is_removal() {
            return None;
        }
        let certificates = self.certificates.iter().filter_map(|held| held.certificate.as_ref());
        certificates.filter(|one| *one != of).find(|one| Named::of(one).is_named_by(record, one, Some(of)))
    }
}
