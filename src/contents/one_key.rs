//! Several certificates for one key: which of them renews another, and which another program has put there.

use super::Contents;
use super::credentials::Credentials;
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
    /// Those but for other programs' certificates for the key of one that the caller has installed: of another CA, or in another name, and
    /// not renewed themselves.
    #[must_use]
    pub fn without_strangers(self, is_installed: impl Fn(&Certificate) -> bool) -> Self {
        let all: Vec<Certificate> = self.iter().map(|one| one.certificate().clone()).collect();
        let shares = |one: &Certificate, other: &Certificate| {
            one != other && one.public_key() == other.public_key() && is_installed(other)
        };
        let is_of_it = |one: &Certificate, other: &Certificate| {
            one.issuer().matches(other.issuer()) && other.has_same_holder(one)
        };
        self.without(|one| {
            let (is_renewed, one) = (one.successor().is_some(), one.certificate());
            let mut ours = all.iter().filter(|other| shares(one, other)).peekable();
            ours.peek().is_some()
                && !is_renewed
                && !is_installed(one)
                && !ours.any(|other| is_of_it(one, other))
        })
    }
}
