//! One certificate in several objects of a token, as other programs and second installations leave it: it is one credential.

use super::credential::{Credential, SeenKey, StoredCopy};
use crate::error::{Fact, Notice, Warning};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// So many objects are named in a notice.
const NAMED: usize = 16;

impl StoredCopy {
    fn of(one: &Credential) -> Self {
        StoredCopy { id: one.id().to_vec(), label: one.label().to_owned() }
    }
}

impl Credential {
    /// The objects on the token that hold this very certificate, this one among them, where there are several. Only those with another identifier or
    /// another label stand in a list beside it.
    pub fn stored_as(&self) -> &[StoredCopy] {
        self.stored_as.as_deref().unwrap_or_default()
    }

    /// That it is on the token more than once; which objects that are, some of many.
    pub(crate) fn stored_twice(&self) -> Option<Warning> {
        twice([self].into_iter())
    }
}

/// That certificates are on the token more than once; some of many objects.
pub(super) fn twice<'c>(several: impl Iterator<Item = &'c Credential>) -> Option<Warning> {
    let objects = several.flat_map(|one| {
        let serial = one.certificate().serial();
        one.stored_as().iter().map(move |object| format!("{} (serial {serial}): {object}", one.subject()))
    });
    let mut objects = objects.take(NAMED).peekable();
    objects.peek()?;
    let notice = Warning::from(Notice::CertificateTwice);
    Some(objects.fold(notice, |notice, object| notice.fact(Fact::Candidate, object)))
}

/// Counts the certificates of each subject, and notes of each where it stands. A certificate that is stored more than once with one identifier and
/// one label is one credential of the list.
pub(super) fn gather(list: &mut Vec<Credential>) {
    let mut places: HashMap<&[u8], Vec<usize>> = HashMap::with_capacity(list.len());
    for (at, one) in list.iter().enumerate() {
        places.entry(&one.stored.der).or_default().push(at);
    }
    let mut subjects: HashMap<&[u8], usize> = HashMap::new();
    let firsts = places.values().filter_map(|at| list.get(*at.first()?));
    firsts.for_each(|one| *subjects.entry(one.subject().der()).or_default() += 1);
    let same = |one: &Credential| subjects.get(one.subject().der()).copied().unwrap_or_default();
    let same: Vec<usize> = list.iter().map(|one| same(one).saturating_sub(1)).collect();

    let mut stored: HashMap<usize, Arc<[StoredCopy]>> = HashMap::new();
    let mut alike: HashSet<usize> = HashSet::new();
    for several in places.into_values().filter(|places| places.len() > 1) {
        let copies = several.iter().filter_map(|at| list.get(*at));
        let objects: Arc<[StoredCopy]> = copies.clone().map(StoredCopy::of).collect();
        let mut seen = HashSet::new();
        let first = copies.map(|one| seen.insert((one.id(), one.label_bytes())));
        alike.extend(several.iter().zip(first).filter(|(_, first)| !first).map(|(at, _)| *at));
        stored.extend(several.into_iter().map(|at| (at, Arc::clone(&objects))));
    }
    for (at, (one, same)) in list.iter_mut().zip(same).enumerate() {
        one.same_subject = same;
        one.stored_as = stored.remove(&at);
    }
    let mut at = 0..;
    list.retain(|_| at.next().is_none_or(|at| !alike.contains(&at)));
}

/// Takes the last of these. Where nothing but copies of one certificate is there, under whatever identifiers and labels, that is
/// the one beside its key, else one that has its key, and the others go with it.
pub(super) fn take_with_copies(list: &mut Vec<Credential>) -> Option<Credential> {
    let are_copies =
        list.windows(2).all(|two| matches!(two, [one, next] if one.certificate == next.certificate));
    if are_copies {
        list.sort_by_key(|one| match &one.key {
            SeenKey::Present(key) if key.id == one.stored.id => 0,
            SeenKey::Present(_) => 1,
            SeenKey::NotLookedFor | SeenKey::Missing => 2,
        });
        list.truncate(1);
    }
    list.pop()
}
