//! Several certificates for one key: which of them renews another, and which another program has put there.

use super::Contents;
use super::choice::Narrowed;
use super::credential::Credential;
use super::credentials::Credentials;
use super::record::Marking;
use super::successor::Claim;
use crate::pki::{Certificate, PublicKey, SubjectRule};
use std::cmp::Reverse;
use std::collections::HashSet;

/// What a certificate is to another one for the same key that ends earlier.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OnOneKey {
    /// It renews it.
    Renewal,
    /// It stands in its place, with its identifier and label, and is of another CA or in another name: another program's, which takes
    /// the label of the key, or a renewal by a CA, or of a holder, with a new name. Only who has installed it knows.
    Stranger,
}

/// Whether a certificate is for the same key, under the same identifier and label, and ends later.
fn stands_in_its_place(new: &Credential, old: &Credential) -> bool {
    let (is, was) = (new.certificate(), old.certificate());
    let in_its_place = new.id() == old.id() && new.stored_label() == old.stored_label();
    in_its_place && is.public_key() == was.public_key() && is.not_after() > was.not_after()
}

/// Whether nothing but what a CA usually changes tells two certificates for one key apart.
fn are_of_one_firm(one: &Certificate, other: &Certificate) -> bool {
    SubjectRule::CommonNameMayChange.allows(one.subject(), other.subject())
}

impl Contents {
    /// Certificates for one key: the one that ends last takes the place of the others, where it is of the same renewals.
    pub(super) fn claims_of_shared_keys(&self) -> Vec<Claim> {
        let signed = self.private_keys.iter().filter_map(|held| held.signed.as_ref()?.public_key());
        let signed: HashSet<&PublicKey> = signed.collect();
        let mut claims = Vec::new();
        for (key, places) in &self.index.certificates_by_key {
            if places.len() < 2 {
                continue;
            }
            let mut latest_first = places.clone();
            latest_first.sort_by_key(|at| Reverse(self.end_of(*at)));
            let signed = signed.contains(key);
            for &old in places {
                let later = latest_first.iter().take_while(|new| self.end_of(**new) > self.end_of(old));
                let (mut renewed, sure, twice) = (false, false, false);
                for &new in later {
                    let Some(relation) = self.on_one_key(old, new) else { continue };
                    let strange = relation == OnOneKey::Stranger;
                    // The caller may know any of those that nothing here tells apart.
                    if strange || !renewed {
                        claims.push(Claim { old, new, signed, sure, twice, strange });
                    }
                    renewed |= !strange;
                }
            }
        }
        claims
    }

    /// Whether a certificate for the same key renews another one.
    pub(super) fn is_of_the_same_renewals(&self, old: usize, new: usize) -> bool {
        self.on_one_key(old, new) == Some(OnOneKey::Renewal)
    }

    /// What a certificate for the same key is to another one: other programs put certificates for their own purposes on a key. The
    /// issuer is the same, and the subject.
    pub(super) fn on_one_key(&self, old: usize, new: usize) -> Option<OnOneKey> {
        let (one, other) = (self.certificates.get(old)?, self.certificates.get(new)?);
        let (was, now) = (self.certificate(old)?, self.certificate(new)?);
        let in_its_place = one.stored.id == other.stored.id && one.stored.label == other.stored.label;
        let issuer = self.have_one_issuer(old, new);
        let firm = are_of_one_firm(was, now);
        match issuer {
            _ if !self.ends_later(old, new) => None,
            true if self.have_one_holder(old, new) => Some(OnOneKey::Renewal),
            _ if !in_its_place || !(issuer || firm) => None,
            // The CA's key says more than its name.
            _ if self.is_renewed_by(was, now) => Some(OnOneKey::Renewal),
            _ => Some(OnOneKey::Stranger),
        }
    }

    /// Those that stand in a certificate's place on its key, and may be another program's.
    pub(crate) fn strangers_in_place_of(&self, old: &Certificate) -> impl Iterator<Item = &Certificate> {
        let place = self.place_of(old);
        let is_strange = move |new: &usize| {
            place.is_some_and(|old| self.on_one_key(old, *new) == Some(OnOneKey::Stranger))
        };
        self.certificates_for(old.public_key()).filter(is_strange).filter_map(|at| self.certificate(at))
    }
}

impl Credentials {
    /// Those of them to renew: without what another one is known, or said, to take the place of. Where that is in another name, and is to be
    /// renewed as well, both stay, so that [`Credentials::only`] names them, unless the caller has installed it: names make no successor,
    /// and other programs put certificates of other holders on a key.
    #[must_use]
    pub fn to_renew(mut self, is_installed: impl Fn(&Certificate) -> bool) -> Self {
        let all: Vec<Credential> = self.iter().cloned().collect();
        let due: Vec<Certificate> = all.iter().map(|one| one.certificate().clone()).collect();
        let is_renewed = |one: &Credential| {
            let by_its_names = one.successor().is_some_and(|by| {
                let new = &by.certificate;
                one.certificate().has_same_holder(new) || !due.contains(new) || is_installed(new)
            });
            // One in another name that stands in its place is shown as no successor.
            by_its_names
                || all.iter().any(|new| stands_in_its_place(new, one) && is_installed(new.certificate()))
        };
        self = self.without(is_renewed);
        self.choice.add(Narrowed::ToRenew(due.into_iter().filter(is_installed).collect()));
        self
    }

    /// Those but for other programs' certificates for the key of one that the caller has installed, or has replaced by one: of another CA, or
    /// in another name, and not replaced themselves. Where it has installed any, also without those that
    /// only one in another name for the same key, without a record of ours, seems to follow, and without that one.
    #[must_use]
    pub fn without_strangers(mut self, is_installed: impl Fn(&Certificate) -> bool) -> Self {
        let is_installed = |one: &Credential| is_installed(one.certificate());
        let installed: Vec<Credential> = self.iter().filter(|one| is_installed(one)).cloned().collect();
        if installed.is_empty() {
            return self;
        }
        let replaced = installed.iter().flat_map(|new| self.replaced_by(new.certificate()));
        let replaced: Vec<Credential> = replaced.filter(|old| !is_installed(old)).collect();
        let of = |all: &[Credential], one: &Certificate| all.iter().any(|other| other.certificate() == one);
        let is_ours = |one: &Certificate| of(&installed, one) || of(&replaced, one);
        let shares =
            |one: &Certificate, other: &&Credential| one.public_key() == other.certificate().public_key();
        let is_on_our_key = |one: &Certificate| {
            let mut beside = installed.iter().filter(|other| shares(one, other)).peekable();
            let mut before = replaced.iter().filter(|other| shares(one, other)).peekable();
            let is_of_it = |other: &Credential| {
                let other = other.certificate();
                one.issuer().matches(other.issuer()) && other.has_same_holder(one)
            };
            let is_strange_beside = beside.peek().is_some() && !beside.any(is_of_it);
            is_strange_beside || before.peek().is_some() && !before.any(is_of_it)
        };
        let recorded = self.iter().filter(|one| Marking::of(one.stored_label().bytes()).record().is_some());
        let recorded: Vec<&Certificate> = recorded.map(Credential::certificate).collect();
        let mut strange: Vec<Certificate> = Vec::new();
        for one in self.iter().filter(|one| !is_ours(one.certificate())) {
            let certificate = one.certificate();
            let by_its_names = one.successor().map(|by| &by.certificate);
            let in_its_place = self.iter().filter(|new| stands_in_its_place(new, one));
            let mut after = by_its_names.into_iter().chain(in_its_place.map(Credential::certificate));
            let in_other_name = after.find(|new| {
                let shares = certificate.public_key() == new.public_key();
                shares && !certificate.has_same_holder(new) && !is_ours(new) && !recorded.contains(new)
            });
            let is_alone = one.successor().is_none();
            if is_alone && is_on_our_key(certificate) || in_other_name.is_some() {
                strange.extend([certificate].into_iter().chain(in_other_name).cloned());
            }
        }
        self = self.without(|one| strange.contains(one.certificate()));
        self.choice.add(Narrowed::Without(strange));
        self
    }
}
