//! What may be destroyed, each object with what shows that it is ours. The destroying is `driver/session/remove`.
//!
//! The order is public key, private key, certificate. A public key goes while its private key has just signed for it, the
//! private key while what it is for can still be read, and the certificate last, because the record of the one that
//! follows names exactly it: a removal that stops anywhere is found again without any mark.

use super::Contents;
use super::apart::Apart;
use super::belongs::is_of_the_token;
use super::credential::{Credential, about};
use super::held::{HeldCertificate, HeldKey, HeldPublicKey};
use super::pending::{Doubt, Old, PendingKey};
use super::record::Record;
use super::signer::Signer;
use crate::driver::{Label, Removal, StoredKey, doubt};
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{Certificate, PublicKey};
use base16ct::lower::encode_string as hex;

/// By what a caller means the key of a job that is to go.
#[derive(Clone, Copy)]
pub(crate) enum Meant<'a> {
    /// It was chosen from the list.
    Listed,
    /// A person has named its identifier, and goes with it although it is doubtful.
    Named,
    /// The same, where the caller has made the request of the job under that identifier: it is the key of this request and no other one.
    NamedOf(&'a PublicKey),
    /// A person has said that the private key is gone for good: what is left of its pair, which is of this public key where the caller has made
    /// the request of the job.
    KeyGone(Option<&'a PublicKey>),
    /// Nobody has chosen it: it is the key of this request, where the caller knows one.
    Requested(Option<&'a PublicKey>),
}

/// Which of several objects with the old certificate is meant, where the key that shows it has gone, or stays.
#[derive(Clone, Copy)]
pub(crate) enum OfCopies<'a> {
    /// The one that the caller has chosen.
    Chosen,
    /// The one that a person has named by its identifier, with the key under it: copies of that key stay as well.
    Named,
    /// Its own: the one beside the key, or the one under the identifier under which a removal has begun. Another program's copy stays.
    Own(Option<&'a [u8]>),
}

/// The removal of an old credential.
pub(crate) struct Retirement {
    pub(crate) removal: Removal,
    /// The identifier under which its certificate stands.
    pub(crate) id: Vec<u8>,
    /// Whether a private key is among what goes.
    pub(crate) with_key: bool,
    /// Whether one that signs for it stays.
    pub(crate) key_stays: bool,
    /// The identifiers of public key objects that stay, since they may be another program's.
    pub(crate) public_keys_kept: Vec<Vec<u8>>,
    /// The identifiers of the objects with the very certificate that stay.
    pub(crate) copies: Vec<Vec<u8>>,
}

/// Whether a label is the beginning of another, or nothing of it.
fn is_cut(label: &Label, whole: &Label) -> bool {
    label.bytes().len() < whole.bytes().len() && whole.bytes().starts_with(label.bytes())
}

impl Contents {
    /// What goes with a pending key: the public key objects of its value with its record, and the key itself, which has
    /// signed for none of the certificates on the token.
    ///
    /// A key that is doubtful or does not sign goes only when a person has named it; one that nobody has chosen, only when it
    /// signs for the request that the caller has made: anybody with the PIN can give its record to another key.
    ///
    /// # Errors
    /// [`Code::NotPending`] when the token no longer holds it as a pending key, [`Code::RemovalDoubtful`],
    /// [`Code::KeysAlike`], and what signing returns when it is the token that failed.
    pub(crate) fn abandonment(
        &mut self,
        signer: &dyn Signer,
        pending: &PendingKey,
        meant: Meant<'_>,
    ) -> Result<Removal> {
        let step = Step::Abandon;
        let (named, requested) = match meant {
            Meant::Listed => (false, None),
            Meant::Named => (true, None),
            Meant::KeyGone(public) => (true, public),
            Meant::NamedOf(public) => (true, Some(public)),
            Meant::Requested(public) => (false, public),
        };
        let gone = || pending.error(Code::NotPending).during(step);
        let record = pending.record();
        if pending.private().is_none() {
            // A remnant, by the same rule as it was listed by.
            let still = self.pending_where(signer, |other| other == record)?;
            let same = |other: &&PendingKey| other.private().is_none() && other.id() == pending.id();
            let still = still.iter().find(same).ok_or_else(gone)?;
            if let Some(why) = still.doubt
                && !named
            {
                return Err(doubt(step, pending.id(), why.name()));
            }
            let half = self.index.public_by_record.get(record).into_iter().flatten();
            let mut half = half.filter_map(|at| self.public_keys.get(*at));
            let is_its = |half: &HeldPublicKey| match (&half.stored.public_key, requested) {
                (Some(value), Some(requested)) => value == requested,
                _ => true,
            };
            let half = half.find(|half| half.stored.id == pending.id() && is_its(half)).ok_or_else(gone)?;
            if !self.stands_alone(&half.stored) {
                return Err(doubt(step, pending.id(), "public_keys_alike"));
            }
            let removal = self.with_half_certificates(Removal::new(step), pending);
            return match half.stored.public_key {
                Some(_) => removal.public_key(&half.stored),
                None => Ok(removal.half_public_key(&half.stored)),
            };
        }
        if matches!(meant, Meant::KeyGone(_)) {
            return Err(gone());
        }
        let same_record = self.index.private_by_record.get(record).cloned().unwrap_or_default();
        let has_id =
            |at: &usize| self.private_keys.get(*at).is_some_and(|held| held.stored.id == pending.id());
        let keys: Vec<usize> = same_record.into_iter().filter(has_id).collect();
        let key = match keys.as_slice() {
            [] => return Err(gone()),
            [key] => *key,
            alike if let Some(public) = requested => self.only_requested(signer, alike, public, pending)?,
            alike if named => self.only_unfinished(signer, alike, pending)?,
            [..] => return Err(doubt(step, pending.id(), "same_record_and_id")),
        };
        let signed = match self.ask(signer, key, requested.as_slice()) {
            Ok(public) => public,
            Err(error) if named && !is_of_the_token(&error) => {
                if requested.is_some_and(|public| self.value_hint(key).is_some_and(|told| told != public)) {
                    return Err(doubt(step, pending.id(), "not_requested_here").because_of(error));
                }
                let held = self.private_keys.get(key).ok_or_else(gone)?;
                let removal = Removal::new(step).beside_other_keys(self.private_keys.len() > 1);
                return Ok(removal.named_private_key(&held.stored));
            }
            Err(error) if is_of_the_token(&error) => return Err(error),
            Err(error) => return Err(doubt(step, pending.id(), "key_does_not_sign").because_of(error)),
        };
        if signed.as_ref().is_some_and(|public| self.is_answered(record, public)) {
            return Err(gone());
        }
        let in_another_form = |public: &PublicKey| {
            let read = |held: &HeldCertificate| {
                held.certificate.as_ref().is_some_and(|one| one.public_key() == public)
            };
            self.certificates.iter().any(|held| !read(held) && public.stands_in(&held.stored.der))
        };
        let may_be_certified = self.has_unread_certificates()
            || self.has_half_certificate_beside(record, pending.id())
            || signed.as_ref().is_some_and(in_another_form);
        if !named && may_be_certified {
            return Err(doubt(step, pending.id(), "object_unreadable"));
        }
        // Another key under its identifier and record is not the one that was listed. What was told of that one's value may be another
        // key's, so the object counts too.
        let is_listed = |key: &StoredKey| pending.private().is_some_and(|listed| listed.is_same_object(key));
        let held_key = self.private_keys.get(key).map(|held| &*held.stored);
        if let ([_], Some(listed), Some(public)) = (keys.as_slice(), pending.public_key(), &signed)
            && listed != public
            && requested != Some(public)
            && !named
            && !held_key.is_some_and(is_listed)
        {
            return Err(doubt(step, pending.id(), "object_changed"));
        }
        let doubtful = self.doubt(key, record, signed.as_ref());
        let is_copy = self.is_requested_for_another(record, signed.as_ref());
        // Of a request that the caller knows it is said below.
        let of_copy = |why: &Doubt| *why == Doubt::RequestOfAnotherKey && !matches!(meant, Meant::Listed);
        let doubtful = doubtful.filter(|why| !of_copy(why));
        let knows_old = matches!(&pending.old, Old::Elsewhere(old) if record.concerns(old));
        let of_old = || self.doubt_of_old(record).filter(|_| !knows_old);
        if let Some(why) = doubtful.or_else(of_old)
            && !named
        {
            return Err(doubt(step, pending.id(), why.name()));
        }
        let has_to = matches!(meant, Meant::Requested(_) | Meant::NamedOf(_));
        if has_to && (requested.is_none() || signed.as_ref() != requested) {
            let error = doubt(step, pending.id(), "not_requested_here");
            let another = (is_copy || requested.is_some()).then_some(Doubt::RequestOfAnotherKey.name());
            return Err(another.into_iter().fold(error, |error, why| error.fact(Fact::Reason, why)));
        }
        let held = self.private_keys.get(key).ok_or_else(gone)?;
        if !named && self.has_half_public_key_beside(record, &held.stored.id) {
            return Err(doubt(step, pending.id(), "public_key_unreadable"));
        }
        let removal = Removal::of(step, &self.present).beside_other_keys(self.private_keys.len() > 1);
        let removal = if named { removal.although_unread() } else { removal };
        let mut removal = self.with_half_certificates(removal, pending);
        let mut is_doubtful = false;
        for half in self.half_public_keys(record, &held.stored.id) {
            match self.is_the_only_rest(half, signed.as_ref()) {
                true => removal = removal.half_public_key(half),
                false => is_doubtful = true,
            }
        }
        for half in signed.iter().flat_map(|public| self.halves_of(public)) {
            if half.marking.record() != Some(record)
                && !named
                && half.stored.id == held.stored.id
                && is_cut(&half.stored.label, &held.stored.label)
            {
                // Ours, read badly: to leave it and say that all went would be wrong.
                return Err(doubt(step, pending.id(), "public_key_label_truncated"));
            }
        }
        let shown = held.signed.as_ref().ok_or_else(gone)?;
        if let Some(public) = &signed {
            let has_record = |half: &HeldPublicKey| half.marking.record() == Some(record);
            let halves = self.halves_shown(signer, public, Some(shown), has_record)?;
            removal = halves.planned(removal, Some(shown))?;
            is_doubtful |= halves.are_doubtful();
        }
        // Named, it goes alone: better one public key too many than another program's one lost.
        if is_doubtful && !named {
            return Err(doubt(step, pending.id(), "public_keys_alike"));
        }
        removal.private_key(&held.stored, shown)
    }

    /// Of private keys with one record under one identifier the only one that has signed for no certificate on the token.
    ///
    /// # Errors
    /// [`Code::KeysAlike`] when there are several, or one that does not sign: not even a person's word tells these apart; and
    /// what signing returns when it is the token that failed.
    fn only_unfinished(
        &mut self,
        signer: &dyn Signer,
        alike: &[usize],
        pending: &PendingKey,
    ) -> Result<usize> {
        let mut unfinished = Vec::new();
        for key in alike {
            match self.ask(signer, *key, &[]) {
                Ok(Some(public)) if self.certificates_for(&public).next().is_some() => {}
                Err(error) if is_of_the_token(&error) => return Err(error),
                _ => unfinished.push(*key),
            }
        }
        match unfinished.as_slice() {
            [key] => Ok(*key),
            [] => Err(pending.error(Code::NotPending).during(Step::Abandon)),
            [..] => Err(pending.error(Code::KeysAlike).during(Step::Abandon)),
        }
    }

    /// What was left of a certificate that was being written for this key.
    fn with_half_certificates(&self, removal: Removal, pending: &PendingKey) -> Removal {
        self.half_certificates_of(pending).iter().fold(removal, Removal::half_certificate)
    }

    /// What goes with an old credential that has a follower: the public key objects of its value with its identifier or
    /// its label, the one private key that signs for it, and the certificate with exactly its bytes. Where both share the
    /// key, or another program's certificate is for it too, the certificate alone. `named`: a person has named the follower.
    /// `is_begun`: whether the removal of a certificate has begun here, so that what is left of it is no copy.
    ///
    /// # Errors
    /// [`Code::OldIsCopy`] when all that is left of it may be another program's copy; [`Code::RemovalDoubtful`] when two private keys sign for it; [`Code::RetireNotOurs`] when the key that should be its
    /// own refuses to sign; [`Code::SuccessorNotBesideKey`]; [`Code::RetireOlderFirst`] while the certificate that this one follows is on the token; and what signing returns
    /// when it is the token that failed.
    pub(crate) fn retirement(
        &mut self,
        signer: &dyn Signer,
        old: &Credential,
        follower: &Credential,
        named: bool,
        of_copies: OfCopies<'_>,
        is_begun: &dyn Fn(&Certificate) -> bool,
    ) -> Result<Retirement> {
        let step = Step::Retire;
        let public = old.certificate().public_key();
        if !named {
            self.make_sure_it_is_beside_its_key(old, follower)?;
        }
        if follower.certificate().public_key() == public {
            let key = follower.private_key().ok().map(|key| key.id.as_slice());
            return self.certificate_alone(old, key, of_copies);
        }
        let (keys, refusal) = self.keys_asked_for(signer, public, old.id())?;
        let key = match keys.as_slice() {
            [] if let Some(refusal) = refusal => {
                return Err(about(Error::new(Code::RetireNotOurs).during(step), old).because_of(refusal));
            }
            // It went before the certificate, in a removal that stopped.
            [] => None,
            [key] => Some(*key),
            alike => Some(self.named_of(alike, old, of_copies)?),
        };
        let by_record = key.and_then(|key| self.predecessor(key, old.certificate()));
        let older = by_record.or_else(|| self.oldest_of_the_same_key(old.certificate())).cloned();
        // A record that came from another user's key says nothing of this one, where a person has named what follows.
        let is_ours = |older: &Certificate| !named || old.certificate().has_same_holder(older);
        if let Some(older) = older.filter(is_ours)
            && let Some(oldest) = self.goes_before(signer, &older, is_begun)?
        {
            let name = format!("{} (serial {})", older.subject(), older.serial());
            let error = about(Error::new(Code::RetireOlderFirst).during(step), old);
            let is_another_holders = !old.certificate().has_same_holder(&older);
            let error = error.fact(Fact::Candidate, name);
            // Then the record may be a copy, and to name the follower goes on.
            return Err(match is_another_holders {
                true => error.fact(Fact::Successor, old.naming(follower.certificate())),
                false => error.fact(Fact::Older, old.naming(&oldest)),
            });
        }
        if self.is_needed_by_another(public, key, old) {
            let key = key.and_then(|key| self.private_keys.get(key)).map(|held| held.stored.id.as_slice());
            return self.certificate_alone(old, key, of_copies);
        }
        let standing = match key {
            Some(_) => old.id(),
            None => self.standing(old, None, of_copies)?,
        };
        let mut removal =
            Removal::of(step, &self.present).while_there(follower.stored(), follower.private_key().ok());
        let held = key.and_then(|key| self.private_keys.get(key));
        let seems_ours = |half: &HeldPublicKey| {
            let (id, key_id) = (&half.stored.id, held.map(|held| &held.stored.id));
            id == old.id() || Some(id) == key_id || half.stored.label == *old.stored_label()
        };
        let signed = held.and_then(|held| held.signed.as_ref());
        let halves = self.halves_shown(signer, public, signed, seems_ours)?;
        removal = halves.planned(removal, signed)?;
        let public_keys_kept = halves.doubtful.iter().map(|half| half.id.clone()).collect();
        if let Some((held, signed)) = held.and_then(|held| Some((held, held.signed.as_ref()?))) {
            removal = removal.private_key(&held.stored, signed)?;
        }
        let id = held.map_or(standing, |held| held.stored.id.as_slice());
        let (removal, id, copies) = self.with_certificates(removal, old, id)?;
        let (with_key, key_stays) = (held.is_some(), false);
        Ok(Retirement { removal, id, with_key, key_stays, public_keys_kept, copies })
    }

    /// Programs find the key of a certificate by its CKA_ID. Where the follower stands under another one than its key, as where
    /// another program has written it, it is no pair for them, and the old certificate may be the only one that is.
    fn make_sure_it_is_beside_its_key(&self, old: &Credential, follower: &Credential) -> Result<()> {
        let key = follower.private_key()?;
        if self.stands_under(follower, &key.id) {
            return Ok(());
        }
        let new = follower.certificate();
        let error = about(Error::new(Code::SuccessorNotBesideKey).during(Step::Retire), old);
        let same = |held: &&HeldKey| held.stored.is_same_object(key) && held.marking.record().is_some();
        let of_job = self.private_keys.iter().find(same);
        let can_be_put = of_job.filter(|_| matches!(self.apart(new, &key.id), Some(Apart::Elsewhere(_))));
        Err(can_be_put
            .into_iter()
            .fold(error, |error, held| error.fact(Fact::KeyId, hex(&held.stored.id)))
            .fact(Fact::Candidate, format!("{} (serial {})", new.subject(), new.serial()))
            .fact(Fact::Successor, new.serial()))
    }

    /// The oldest certificate for the same key that this one has renewed, still on the token: that it is renewed is known by this one alone.
    fn oldest_of_the_same_key(&self, of: &Certificate) -> Option<&Certificate> {
        let new = self.place_of(of)?;
        let others = self.certificates_for(of.public_key());
        let older = others.filter(|old| self.renews(*old, new));
        older.filter_map(|old| self.certificate(old)).min_by_key(|one| one.not_after())
    }

    /// Of a certificate and those whose place it has taken, each after the one before it, the one that goes first: the oldest whose key is
    /// there, or whose removal has begun here. None where only another program's copy is left of it.
    fn goes_before(
        &mut self,
        signer: &dyn Signer,
        certificate: &Certificate,
        is_begun: &dyn Fn(&Certificate) -> bool,
    ) -> Result<Option<Certificate>> {
        let (mut oldest, mut next) = (None, Some(certificate.clone()));
        while let Some(one) = next {
            let held = self.certificates.iter().find(|held| held.certificate.as_ref() == Some(&one));
            let id = held.map(|held| held.stored.id.clone()).unwrap_or_default();
            let (keys, refusal) = self.keys_asked_for(signer, one.public_key(), &id)?;
            if keys.is_empty() && refusal.is_none() && !is_begun(&one) {
                break;
            }
            // Each ends before the one that follows it, so the row has an end.
            let is_older =
                |older: &&Certificate| one.has_same_holder(older) && older.not_after() < one.not_after();
            next = keys.first().and_then(|key| self.predecessor(*key, &one)).filter(is_older).cloned();
            oldest = Some(one);
        }
        Ok(oldest)
    }

    /// Of private keys that sign for one certificate the one that is beside it, where a person has named that.
    fn named_of(&self, alike: &[usize], old: &Credential, of_copies: OfCopies<'_>) -> Result<usize> {
        let is_beside =
            |key: &&usize| self.private_keys.get(**key).is_some_and(|held| held.stored.id == old.id());
        let mut beside = alike.iter().filter(is_beside);
        match (of_copies, beside.next(), beside.next()) {
            (OfCopies::Named, Some(key), None) if !old.id().is_empty() => Ok(*key),
            _ => {
                let error = about(doubt(Step::Retire, old.id(), "two_keys_sign"), old);
                // A person has named one of two that no identifier tells apart.
                if matches!(of_copies, OfCopies::Named) {
                    return Err(error);
                }
                let ids =
                    alike.iter().filter_map(|key| self.private_keys.get(*key)).map(|held| &held.stored.id);
                let mut named: Vec<&Vec<u8>> = ids.filter(|id| self.stands_under(old, id)).collect();
                named.dedup();
                Err(named.into_iter().fold(error, |error, id| error.fact(Fact::Candidate, hex(id))))
            }
        }
    }

    /// The removal of the certificate without a key.
    fn certificate_alone(
        &self,
        old: &Credential,
        key: Option<&[u8]>,
        of_copies: OfCopies<'_>,
    ) -> Result<Retirement> {
        let standing = self.standing(old, key, of_copies)?;
        let (removal, id, copies) = self.with_certificates(Removal::new(Step::Retire), old, standing)?;
        let (key_stays, public_keys_kept) = (key.is_some(), Vec::new());
        Ok(Retirement { removal, id, with_key: false, key_stays, public_keys_kept, copies })
    }

    /// The identifier of the object that is meant: other programs keep copies of a certificate, and these are theirs.
    fn standing<'a>(
        &self,
        old: &'a Credential,
        key: Option<&'a [u8]>,
        of_copies: OfCopies<'a>,
    ) -> Result<&'a [u8]> {
        let candidates = match of_copies {
            OfCopies::Chosen | OfCopies::Named => [Some(old.id()), key],
            OfCopies::Own(begun) => [key, begun],
        };
        let copy = || about(Error::new(Code::OldIsCopy).during(Step::Retire), old);
        candidates.into_iter().flatten().find(|id| self.stands_under(old, id)).ok_or_else(copy)
    }

    /// Whether the pair is another certificate's too, or may be: one under its identifier cannot be read.
    fn is_needed_by_another(&self, public: &PublicKey, key: Option<usize>, old: &Credential) -> bool {
        let other = |at| self.certificate(at).is_some_and(|one| one != old.certificate());
        let own = key.and_then(|key| self.private_keys.get(key)?.marking.record());
        let is_own_remains = |held: &HeldCertificate| own.is_some_and(|own| held.is_half_of(own));
        let in_another_form = |held: &HeldCertificate| {
            held.certificate.as_ref() != Some(old.certificate()) && public.stands_in(&held.stored.der)
        };
        let may_be_for_it =
            |held: &HeldCertificate| held.is_unread() || is_own_remains(held) || in_another_form(held);
        if self.hidden_certificates > 0 || self.certificates.iter().any(may_be_for_it) {
            return true;
        }
        let Some(id) = key.and_then(|key| self.private_keys.get(key)).map(|held| &held.stored.id) else {
            return self.certificates_for(public).any(other);
        };
        let same_id = self.index.certificates_by_id.get(id).into_iter().flatten();
        // An identifier that is empty is no one's.
        let mut unreadable = same_id.filter(|at| !id.is_empty() && self.certificate(**at).is_none());
        self.certificates_for(public).any(other) || unreadable.next().is_some()
    }

    /// Whether there is any certificate object that was not read as one, in whatever form, but for what was left of a creation: it may be for
    /// any key, and other programs may read it.
    pub(super) fn has_unread_certificates(&self) -> bool {
        self.hidden_certificates > 0 || self.certificates.iter().any(HeldCertificate::is_unread)
    }

    /// Whether what was left of the creation of this job's certificate stands under another identifier than its key.
    pub(super) fn has_half_certificate_beside(&self, record: &Record, id: &[u8]) -> bool {
        let same_label = self.index.certificates_by_record.get(record).into_iter().flatten();
        let mut halves = same_label.filter_map(|at| self.certificates.get(*at));
        halves.any(|held| held.stored.id != id && held.is_half_of(record))
    }

    /// Whether a public key with this job's record and another identifier does not give its value.
    pub(super) fn has_half_public_key_beside(&self, record: &Record, id: &[u8]) -> bool {
        let halves = self.index.public_by_record.get(record).into_iter().flatten();
        let mut halves = halves.filter_map(|at| self.public_keys.get(*at));
        halves.any(|half| half.stored.public_key.is_none() && half.stored.id != id)
    }

    fn stands_under(&self, old: &Credential, id: &[u8]) -> bool {
        let same = |held: &&HeldCertificate| held.certificate.as_ref() == Some(old.certificate());
        self.certificates.iter().filter(same).any(|held| held.stored.id == id)
    }
}
