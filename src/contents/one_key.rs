//! Several certificates for one key: which of them renews another, and which another program has put there.

use super::Contents;
use super::choice::Narrowed;
use super::credential::Credential;
use super::credentials::Credentials;
use super::record::Marking;
use super::successor::Claim;
use crate::pki::{Certificate, PublicKey, SubjectRule};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

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

/// With so many of the certificates that end later each one for the same key is compared. Of more, which are on a key by
/// somebody's intent alone, one with the very same names is found all the same.
const COMPARED: usize = 16;

impl Contents {
    /// Certificates for one key: the one that ends last takes the place of the others, where it is of the same renewals; where none is,
    /// the last one that may be.
    pub(super) fn claims_of_shared_keys(&self) -> Vec<Claim> {
        let several = self.index.certificates_by_key.iter().filter(|(_, places)| places.len() > 1);
        several.flat_map(|(key, places)| self.claims_of_one_key(key, places)).collect()
    }

    fn claims_of_one_key(&self, key: &PublicKey, places: &[usize]) -> Vec<Claim> {
        let mut latest_first = places.to_vec();
        latest_first.sort_by_key(|at| Reverse(self.end_of(*at)));
        let mut latest_by_names: HashMap<_, usize> = HashMap::new();
        for at in &latest_first {
            if let Some(one) = self.certificate(*at).filter(|one| !one.is_ca()) {
                latest_by_names.entry((one.issuer().der(), one.subject().der())).or_insert(*at);
            }
        }
        let signed = self.has_signed_for(key);
        let claim = |&old: &usize| {
            let names = self.certificate(old).map(|one| (one.issuer().der(), one.subject().der()))?;
            let later = latest_first.iter().take_while(|new| self.end_of(**new) > self.end_of(old));
            let mut stranger = None;
            let renews = |new: &usize| {
                let relation = self.on_one_key(old, *new);
                stranger = stranger.or((relation == Some(OnOneKey::Stranger)).then_some(*new));
                relation == Some(OnOneKey::Renewal)
            };
            let renewal = later.take(COMPARED).copied().find(renews);
            let of_its_names = || latest_by_names.get(&names).copied().filter(|new| self.renews(old, *new));
            let (new, strange) = match renewal.or_else(of_its_names) {
                Some(new) => (new, false),
                None => (stranger?, true),
            };
            Some(Claim { old, new, signed, sure: false, twice: false, strange })
        };
        places.iter().filter_map(claim).collect()
    }

    /// All that may take the place of one certificate on its key: the caller may know any of them.
    pub(super) fn claims_for(&self, old: usize) -> Vec<Claim> {
        let Some(key) = self.certificate(old).map(Certificate::public_key) else { return Vec::new() };
        let signed = self.has_signed_for(key);
        let claim = |new| {
            let strange = self.on_one_key(old, new)? == OnOneKey::Stranger;
            Some(Claim { old, new, signed, sure: false, twice: false, strange })
        };
        self.certificates_for(key).filter_map(claim).collect()
    }

    fn has_signed_for(&self, key: &PublicKey) -> bool {
        self.index.private_by_signed.contains_key(key)
    }

    /// Whether a certificate for the same key renews another one.
    pub(super) fn renews(&self, old: usize, new: usize) -> bool {
        self.on_one_key(old, new) == Some(OnOneKey::Renewal)
    }

    /// What a certificate for the same key is to another one: other programs put certificates for their own purposes on a key. Of a renewal
    /// the issuer is the same, by its name or by its key, and the holder.
    pub(super) fn on_one_key(&self, old: usize, new: usize) -> Option<OnOneKey> {
        #[cfg(test)]
        COMPARISONS.with(|count| count.set(count.get() + 1));
        if !self.ends_later(old, new) {
            return None;
        }
        let (one, other) = (self.certificates.get(old)?, self.certificates.get(new)?);
        let (was, now) = (self.certificate(old)?, self.certificate(new)?);
        let (issuer, holder) = (self.have_one_issuer(old, new), self.have_one_holder(old, new));
        if issuer && holder {
            return Some(OnOneKey::Renewal);
        }
        let in_its_place = one.stored.id == other.stored.id && one.stored.label == other.stored.label;
        if !in_its_place || !(issuer || are_of_one_firm(was, now)) {
            return None;
        }
        // The CA's key says more than its name.
        let renews = holder && self.is_renewed_by(was, now);
        Some(if renews { OnOneKey::Renewal } else { OnOneKey::Stranger })
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

/// Where a certificate for a key stands: its identifier and its label.
type Place<'c> = (&'c PublicKey, &'c [u8], &'c [u8]);

fn place(one: &Credential) -> Place<'_> {
    (one.certificate().public_key(), one.id(), one.label_bytes())
}

/// What stands in each place, and ends last first.
fn by_place<'c>(all: impl Iterator<Item = &'c Credential>) -> HashMap<Place<'c>, Vec<&'c Credential>> {
    let mut places: HashMap<_, Vec<&Credential>> = HashMap::new();
    all.for_each(|one| places.entry(place(one)).or_default().push(one));
    places.values_mut().for_each(|there| there.sort_by_key(|one| Reverse(one.certificate().not_after())));
    places
}

/// What stands in the place of one, and ends later.
fn later<'c>(
    places: &'c HashMap<Place<'c>, Vec<&'c Credential>>,
    old: &'c Credential,
) -> impl Iterator<Item = &'c Certificate> {
    let there = places.get(&place(old)).into_iter().flatten().map(|one| one.certificate());
    there.take_while(|new| new.not_after() > old.certificate().not_after())
}

impl Credentials {
    /// Those of them to renew: without what another one is known, or said, to take the place of. Where that is in another name, and is to be
    /// renewed as well, both stay, so that [`Credentials::only`] names them, unless the caller has installed it: names make no successor,
    /// and other programs put certificates of other holders on a key.
    #[must_use]
    pub fn to_renew(mut self, is_installed: impl Fn(&Certificate) -> bool) -> Self {
        let due: Vec<Credential> = self.iter().cloned().collect();
        let (known, others): (Vec<&Credential>, Vec<&Credential>) =
            due.iter().partition(|one| is_installed(one.certificate()));
        let places = by_place(known.iter().copied());
        let not_known: HashSet<&[u8]> = others.iter().map(|one| one.certificate().der()).collect();
        let is_renewed = |one: &Credential| {
            let by_its_names = one.successor().is_some_and(|by| {
                one.certificate().has_same_holder(&by.certificate)
                    || !not_known.contains(by.certificate.der())
            });
            // One in another name that stands in its place is shown as no successor.
            by_its_names || later(&places, one).next().is_some()
        };
        self = self.without(is_renewed);
        self.choice.add(Narrowed::ToRenew(known.into_iter().map(|one| one.certificate().clone()).collect()));
        self
    }

    /// Those but for other programs' certificates for the key of one that the caller has installed, or has replaced by one: of another CA, or
    /// in another name, and not replaced themselves. Where it has installed any, also without those that
    /// only one in another name for the same key, without a record of ours, seems to follow, and without that one.
    #[must_use]
    pub fn without_strangers(mut self, is_installed: impl Fn(&Certificate) -> bool) -> Self {
        let all: Vec<Credential> = self.iter().cloned().collect();
        let (installed, others): (Vec<&Credential>, Vec<&Credential>) =
            all.iter().partition(|one| is_installed(one.certificate()));
        if installed.is_empty() {
            return self;
        }
        let installed_ders: HashSet<&[u8]> = installed.iter().map(|one| one.certificate().der()).collect();
        let replaced = installed.iter().flat_map(|new| self.replaced_by(new.certificate()));
        let replaced: Vec<Credential> =
            replaced.filter(|old| !installed_ders.contains(old.certificate().der())).collect();
        let ours: HashSet<&[u8]> =
            installed_ders.into_iter().chain(replaced.iter().map(|one| one.certificate().der())).collect();
        let is_ours = |one: &Certificate| ours.contains(one.der());
        let (beside, before) = (by_key(installed.iter().copied()), by_key(replaced.iter()));
        let is_on_our_key = |one: &Certificate| {
            let is_of_it = |other: &&Certificate| one.has_issuer_of(other) && other.has_same_holder(one);
            let is_strange = |there: &Vec<&Certificate>| !there.iter().any(is_of_it);
            [&beside, &before].into_iter().filter_map(|keys| keys.get(one.public_key())).any(is_strange)
        };
        let recorded = all.iter().filter(|one| Marking::of(one.stored_label().bytes()).record().is_some());
        let recorded: HashSet<&[u8]> = recorded.map(|one| one.certificate().der()).collect();
        let places = by_place(all.iter());
        let mut strange: HashMap<&[u8], &Certificate> = HashMap::new();
        for one in others.into_iter().filter(|one| !is_ours(one.certificate())) {
            let certificate = one.certificate();
            let by_its_names = one.successor().map(|by| &by.certificate);
            let mut after = by_its_names.into_iter().chain(later(&places, one).take(COMPARED));
            let in_other_name = after.find(|new| {
                let shares = certificate.public_key() == new.public_key();
                shares && !certificate.has_same_holder(new) && !is_ours(new) && !recorded.contains(new.der())
            });
            let is_alone = one.successor().is_none();
            if is_alone && is_on_our_key(certificate) || in_other_name.is_some() {
                strange.extend([certificate].into_iter().chain(in_other_name).map(|one| (one.der(), one)));
            }
        }
        self = self.without(|one| strange.contains_key(one.certificate().der()));
        self.choice.add(Narrowed::Without(strange.into_values().cloned().collect()));
        self
    }
}

fn by_key<'c>(all: impl Iterator<Item = &'c Credential>) -> HashMap<&'c PublicKey, Vec<&'c Certificate>> {
    let mut keys: HashMap<_, Vec<&Certificate>> = HashMap::new();
    all.for_each(|one| keys.entry(one.certificate().public_key()).or_default().push(one.certificate()));
    keys
}

#[cfg(test)]
thread_local! {
    static COMPARISONS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// How often this thread has compared two certificates for one key.
#[cfg(test)]
pub(super) fn comparisons() -> usize {
    COMPARISONS.get()
}
