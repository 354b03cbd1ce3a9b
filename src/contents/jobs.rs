//! The unfinished jobs on a token: which private keys with our record have no certificate, and what each renews.

use super::Contents;
use super::belongs::is_of_the_token;
use super::credential::Credential;
use super::held::{HeldCertificate, OldName};
use super::pending::{Doubt, HalfWritten, Old, PendingKey, PendingState};
use super::record::Record;
use super::signer::Signer;
use crate::driver::{Session, StoredCertificate, StoredKey, StoredPublicKey};
use crate::error::Result;
use crate::pki::{Certificate, PublicKey, SignatureAlgorithm};
use base16ct::lower::encode_string as hex;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

impl Contents {
    /// Every unfinished job of ours. Foreign keys are not among them, whatever else they look like.
    ///
    /// Hints that say that there is no certificate need no signature: too much is shown, and nothing hidden. Hints that
    /// say that it is there are confirmed by a signature before the job leaves the list.
    ///
    /// # Errors
    /// What signing returns when it is the token that failed.
    pub(crate) fn pending(&mut self, signer: &dyn Signer) -> Result<Vec<PendingKey>> {
        self.pending_where(signer, |_| true)
    }

    /// Those of the jobs whose record is wanted: the others' keys are not asked to sign.
    pub(crate) fn pending_where(
        &mut self,
        signer: &dyn Signer,
        wanted: impl Fn(&Record) -> bool,
    ) -> Result<Vec<PendingKey>> {
        let (mut unfinished, mut strays) = (Vec::new(), None);
        for at in 0..self.private_keys.len() {
            let record = self.private_keys.get(at).and_then(|held| held.marking.record());
            if let Some(record) = record.filter(|record| wanted(record)).cloned()
                && let Some(state) = self.state(signer, at, &record, &mut strays)?
            {
                unfinished.push((at, record, state));
            }
        }
        let (old, unread) = (OldCredentials::of(self), self.has_unread_certificates());
        let mut pending: Vec<PendingKey> = unfinished
            .into_iter()
            .filter_map(|(at, record, state)| self.pending_key(at, record, state, (&old, unread)))
            .collect();
        let remnants = (0..self.public_keys.len()).filter_map(|at| self.remnant(at, &wanted, &old));
        pending.extend(remnants);
        Ok(pending)
    }

    /// The jobs by their public keys: all that shows of them before the login. They may have their certificates.
    pub(crate) fn said_to_wait(&self) -> Vec<PendingKey> {
        let old = OldCredentials::of(self);
        (0..self.public_keys.len()).filter_map(|at| self.remnant(at, &|_: &Record| true, &old)).collect()
    }

    /// How far the job of a private key got; `None`: it is complete.
    fn state(
        &mut self,
        signer: &dyn Signer,
        key: usize,
        record: &Record,
        strays: &mut Option<Vec<Option<SignatureAlgorithm>>>,
    ) -> Result<Option<PendingState>> {
        let open =
            if record.is_removal() { PendingState::RetireInterrupted } else { PendingState::AwaitingAnswer };
        if !self.seems_to_have_certificate(key) {
            // Where nothing tells its value, its certificate may be there all the same.
            let tells = self.value_hint(key).is_some();
            if tells || !self.may_be_of_a_stray(key, strays.get_or_insert_with(|| self.kinds_of_strays())) {
                return Ok(Some(open));
            }
            return match self.ask(signer, key, &[]) {
                Ok(Some(public)) if self.is_answered(record, &public) => Ok(None),
                Err(error) if is_of_the_token(&error) => Err(error),
                _ => Ok(Some(open)),
            };
        }
        let asks = self.private_keys.get(key).is_some_and(|held| held.stored.always_authenticate);
        if asks {
            let seems = self.seems_answered(key, record);
            return Ok(Some(if seems { PendingState::NotConfirmed } else { open }));
        }
        match self.ask(signer, key, &[]) {
            Ok(Some(public)) if self.is_answered(record, &public) => Ok(None),
            // Its certificate may be the one that is not told.
            Ok(_) if self.has_unread_certificate(key) => Ok(Some(PendingState::NotConfirmed)),
            Ok(_) => Ok(Some(open)),
            Err(error) if is_of_the_token(&error) => Err(error),
            Err(_) => Ok(Some(PendingState::NotConfirmed)),
        }
    }

    fn has_unread_certificate(&self, key: usize) -> bool {
        let id = self.private_keys.get(key).map(|held| &held.stored.id);
        let same_id = id.and_then(|id| self.index.certificates_by_id.get(id)).into_iter().flatten();
        same_id.filter_map(|at| self.certificates.get(*at)).any(HeldCertificate::is_unread)
    }

    fn seems_to_have_certificate(&self, key: usize) -> bool {
        let Some(held) = self.private_keys.get(key) else { return false };
        if let Some(public) = self.value_hint(key)
            && self.certificates_for(public).next().is_some()
        {
            return true;
        }
        // What the private key itself reports may be another's; then the identifier and the label are left.
        self.index.certificates_by_id.contains_key(&held.stored.id)
            || self.index.certificates_by_label.contains_key(held.stored.label.bytes())
    }

    /// The same, but for what is another's though it is for this key.
    fn seems_answered(&self, key: usize, record: &Record) -> bool {
        let Some(held) = self.private_keys.get(key) else { return false };
        let Some(public) = self.value_hint(key) else { return self.seems_to_have_certificate(key) };
        let same_id = self.index.certificates_by_id.get(&held.stored.id).into_iter().flatten();
        let labelled = self.index.certificates_by_label.get(held.stored.label.bytes()).into_iter().flatten();
        let is_of_another = |at: &usize| self.certificate(*at).is_none_or(|one| one.public_key() != public);
        self.is_answered(record, public) || same_id.chain(labelled).any(is_of_another)
    }

    pub(super) fn pending_key(
        &self,
        key: usize,
        record: Record,
        state: PendingState,
        (old, unread): (&OldCredentials, bool),
    ) -> Option<PendingKey> {
        let held = self.private_keys.get(key)?;
        let public_key = self.value_hint(key).cloned();
        let of_old = old.of_record(&record);
        let is_elsewhere = || of_old.is_nowhere() && !record.is_removal();
        let doubt = self.doubt(key, &record, public_key.as_ref());
        let doubt = doubt.or_else(|| is_elsewhere().then_some(Doubt::OldNotThere));
        let doubt = doubt.or_else(|| self.doubt_of_unread(&record, &held.stored.id, unread));
        let is_copy = self.is_requested_for_another(&record, public_key.as_ref());
        let half_written = HalfWritten {
            public_key: self.half_public_keys(&record, &held.stored.id).next().is_some(),
            certificate: self.half_certificates(&record, &held.stored.id).next().is_some(),
        };
        let mut private = StoredKey::clone(&held.stored);
        private.public_key.clone_from(&public_key);
        Some(PendingKey {
            day: record.day(),
            other_id: self.other_id(&record, &private.id),
            id: private.id.clone(),
            at: Some(key),
            present: Some(Arc::clone(&self.present)),
            private: Some(private),
            public_key,
            state,
            doubt,
            is_copy,
            half_written,
            old: of_old,
            record,
        })
    }

    /// The identifier of the only public key object with a record, where it is another one than this.
    fn other_id(&self, record: &Record, id: &[u8]) -> Option<Vec<u8>> {
        match self.index.public_by_record.get(record).map(Vec::as_slice) {
            Some([half]) if !self.is_twice(record) => {
                let half = &self.public_keys.get(*half)?.stored;
                (half.id != id).then(|| half.id.clone())
            }
            _ => None,
        }
    }

    /// Whether the certificate that a record names is missing here, so that the record may be a copy from another token. That
    /// of a removal is the one that went.
    pub(super) fn doubt_of_old(&self, record: &Record) -> Option<Doubt> {
        let is_there = record.is_first() || record.is_removal() || !self.names().of(record).is_empty();
        (!is_there).then_some(Doubt::OldNotThere)
    }

    /// Whether another private key carries the same record: then it says nothing of either.
    pub(super) fn is_twice(&self, record: &Record) -> bool {
        self.index.private_by_record.get(record).is_some_and(|keys| keys.len() > 1)
    }

    /// Whether the job of this record, which another private key has too, is finished: that one has signed for a certificate that takes the
    /// place of the old one, or is known to. Then this key, which has none, is somebody else's.
    pub(crate) fn is_finished_by_another(
        &self,
        key: &PendingKey,
        old: &Certificate,
        is_known: impl Fn(&Certificate) -> bool,
    ) -> bool {
        let answers = |new: &Certificate| {
            let sure = !new.is_ca() && self.is_renewed_by(old, new);
            let later = new.not_after() > old.not_after();
            later && key.record.may_be_answered_by(new) && (sure || is_known(new))
        };
        let same_record = self.index.private_by_record.get(&key.record).into_iter().flatten();
        let others = same_record.filter(|at| Some(**at) != key.at);
        let signed = others.filter_map(|at| self.private_keys.get(*at)?.signed.as_ref()?.public_key());
        let mut certificates = signed.flat_map(|public| self.certificates_for(public));
        key.record.concerns(old) && certificates.any(|at| self.certificate(at).is_some_and(answers))
    }

    pub(super) fn doubt(&self, key: usize, record: &Record, public: Option<&PublicKey>) -> Option<Doubt> {
        if self.is_twice(record) {
            return Some(Doubt::SameRecordTwice);
        }
        let held = self.private_keys.get(key)?;
        let same_id = self.index.certificates_by_id.get(&held.stored.id).into_iter().flatten();
        let is_foreign = |at: &usize| match (self.certificate(*at), public) {
            (Some(certificate), Some(public)) => certificate.public_key() != public,
            (Some(_), None) => true,
            (None, _) => !self.certificates.get(*at).is_some_and(|one| one.is_half_of(record)),
        };
        // An identifier that is empty is no one's.
        if !held.stored.id.is_empty() && same_id.copied().any(|at| is_foreign(&at)) {
            return Some(Doubt::ForeignCertificate);
        }
        let halves = public.and_then(|public| self.index.public_by_key.get(public)).into_iter().flatten();
        let other = |at: &usize| {
            let half = self.public_keys.get(*at).and_then(|half| half.marking.record());
            half.is_some_and(|half| half != record)
        };
        if halves.copied().any(|at| other(&at)) {
            return Some(Doubt::OtherRecord);
        }
        let certified = public.is_some_and(|public| {
            self.certificates_for(public).next().is_some() && !self.is_answered(record, public)
        });
        if certified {
            return Some(Doubt::CertifiedByAnother);
        }
        self.is_requested_for_another(record, public).then_some(Doubt::RequestOfAnotherKey)
    }

    /// Whether the request of this job is known to have been made for another key.
    pub(super) fn is_requested_for_another(&self, record: &Record, public: Option<&PublicKey>) -> bool {
        let requested = self.requested.get(record.label());
        public.is_some_and(|public| requested.is_some_and(|requested| requested != public))
    }

    /// Whether something that is not read may be the job's: any certificate, where one is `unread`, or a public key under another identifier.
    fn doubt_of_unread(&self, record: &Record, id: &[u8], unread: bool) -> Option<Doubt> {
        if unread || self.has_half_certificate_beside(record, id) {
            return Some(Doubt::CertificateUnread);
        }
        self.has_half_public_key_beside(record, id).then_some(Doubt::PublicKeyUnread)
    }

    /// The public key objects of a job without a value: an interrupted creation of ours has left them.
    pub(super) fn half_public_keys<'a>(
        &'a self,
        record: &Record,
        id: &'a [u8],
    ) -> impl Iterator<Item = &'a StoredPublicKey> {
        let halves = self.index.public_by_record.get(record).into_iter().flatten();
        let halves = halves.filter_map(|at| self.public_keys.get(*at)).map(|held| &held.stored);
        halves.filter(move |half| half.id == id && half.public_key.is_none())
    }

    /// The certificate objects of a job in which nothing stands that is a certificate.
    pub(super) fn half_certificates<'a>(
        &'a self,
        record: &'a Record,
        id: &'a Vec<u8>,
    ) -> impl Iterator<Item = &'a StoredCertificate> {
        let same_id = self.index.certificates_by_id.get(id).into_iter().flatten();
        let same_id = same_id.filter_map(|at| self.certificates.get(*at));
        same_id.filter(|held| held.is_half_of(record)).map(|held| &*held.stored)
    }

    /// The objects of a pending key that were never wholly written.
    pub(crate) fn half_certificates_of(&self, key: &PendingKey) -> Vec<StoredCertificate> {
        self.half_certificates(&key.record, &key.id).cloned().collect()
    }

    /// A public key with our record and neither private key nor certificate.
    fn remnant(
        &self,
        key: usize,
        wanted: &impl Fn(&Record) -> bool,
        old: &OldCredentials,
    ) -> Option<PendingKey> {
        let held = self.public_keys.get(key)?;
        let record = held.marking.record().filter(|record| wanted(record))?;
        let has_private = self.index.private_by_id.contains_key(&held.stored.id)
            || self.index.private_by_record.contains_key(record);
        let public = held.stored.public_key.as_ref();
        let has_certificate = public.is_some_and(|public| self.is_answered(record, public));
        (!has_private && !has_certificate).then(|| PendingKey {
            record: record.clone(),
            day: record.day(),
            id: held.stored.id.clone(),
            other_id: None,
            at: None,
            present: None,
            private: None,
            public_key: held.stored.public_key.clone(),
            state: PendingState::PublicKeyOnly,
            doubt: Some(Doubt::PublicKeyAlone),
            is_copy: self.is_requested_for_another(record, held.stored.public_key.as_ref()),
            half_written: HalfWritten {
                public_key: held.stored.public_key.is_none(),
                certificate: self.half_certificates(record, &held.stored.id).next().is_some(),
            },
            old: old.of_record(record),
        })
    }

    /// The certificates for which a key waits that is to take their place, as far as hints go: private keys after the
    /// login, public ones before it.
    pub(super) fn renewed_by_jobs(&self) -> HashSet<usize> {
        let waiting: Vec<&Record> = if self.logged_in {
            let keys = self.private_keys.iter().enumerate();
            let keys = keys.filter_map(|(at, held)| Some((at, held.marking.record()?)));
            keys.filter(|(at, record)| !self.seems_answered(*at, record)).map(|(_, record)| record).collect()
        } else {
            let with_record =
                self.public_keys.iter().filter_map(|held| Some((&held.stored, held.marking.record()?)));
            let is_waiting = |(half, record): &(&StoredPublicKey, &Record)| {
                half.public_key.as_ref().is_none_or(|value| !self.is_answered(record, value))
            };
            with_record.filter(is_waiting).map(|(_, record)| record).collect()
        };
        if waiting.is_empty() {
            return HashSet::new();
        }
        let names = self.names();
        waiting
            .into_iter()
            .filter(|record| !record.is_removal())
            .flat_map(|record| names.of(record).iter().copied())
            .collect()
    }

    /// Whether a public key says that a job waits for this certificate, or a first issue: all that is to be seen of it
    /// before the login.
    pub(crate) fn seems_pending(&self, old: Option<&Certificate>, wanted: impl Fn(&Record) -> bool) -> bool {
        let names = match old {
            None => vec![OldName::First],
            Some(old) => vec![
                OldName::Digest(super::record::old_digest(old.der())),
                OldName::Serial(old.serial().to_string()),
            ],
        };
        let keys = names.iter().filter_map(|name| self.index.public_by_old.get(name)).flatten();
        keys.filter_map(|at| self.public_keys.get(*at)).any(|held| {
            let value = held.stored.public_key.as_ref();
            let record = held.marking.record().filter(|record| wanted(record));
            record.is_some_and(|record| !value.is_some_and(|value| self.is_answered(record, value)))
        })
    }
}

/// The credentials by what records name them by.
pub(super) struct OldCredentials {
    by_digest: HashMap<[u8; 8], Vec<Arc<Credential>>>,
    by_serial: HashMap<String, Vec<Arc<Credential>>>,
}

impl OldCredentials {
    /// Made only where there are records: it costs a digest of each certificate.
    pub(super) fn of(contents: &Contents) -> Self {
        let (mut by_digest, mut by_serial) = (HashMap::new(), HashMap::new());
        let index = &contents.index;
        if !index.private_by_record.is_empty() || !index.public_by_record.is_empty() {
            for credential in &contents.credentials() {
                let credential = Arc::new(credential.clone());
                let certificate = credential.certificate();
                let digest = super::record::old_digest(certificate.der());
                let same: &mut Vec<_> = by_digest.entry(digest).or_default();
                same.push(Arc::clone(&credential));
                let same: &mut Vec<_> = by_serial.entry(certificate.serial().to_string()).or_default();
                same.push(credential);
            }
        }
        OldCredentials { by_digest, by_serial }
    }

    fn of_record(&self, record: &Record) -> Old {
        if record.is_first() {
            return Old::First;
        }
        let serial = record.serial();
        let found = match (record.digest(), serial) {
            (Some(digest), _) => self.by_digest.get(&digest),
            (None, Some(serial)) => self.by_serial.get(serial),
            (None, None) => None,
        };
        let found = found.map(Vec::as_slice).unwrap_or_default();
        let first = found.first();
        // The same certificate may be stored twice.
        let one = first.filter(|first| found.iter().all(|one| one.certificate() == first.certificate()));
        let named = |one: &Arc<Credential>| format!("{} (id {})", one.subject(), hex(one.id()));
        match one {
            Some(one) => Old::Found(Arc::clone(one)),
            None => Old::Missing {
                serial: serial.map(str::to_owned),
                candidates: found.iter().map(named).collect(),
            },
        }
    }
}

impl Session {
    /// The pending keys on the token: keys with a record of ours whose job is not finished. Where the URI by which the token
    /// was found names an object, those that it names, or whose job renews it.
    ///
    /// # Errors
    /// What reading the token returns.
    pub fn pending(&self) -> Result<Vec<PendingKey>> {
        let mut pending = self.explained(Contents::read(self)?.pending(self))?;
        pending.retain(|key| key.is_named_by(self.token().found_by()));
        Ok(pending)
    }
}
