//! Lists in which drivers name the same thing more than once.

use std::collections::HashSet;
use std::hash::Hash;

/// Each of them once, in the order in which they came: some drivers list a slot or an object again for each reader or
/// application under which they know it, and the same handle is the same thing.
pub(super) fn each_once<T: Copy + Eq + Hash>(listed: Vec<T>) -> Vec<T> {
    let mut seen = HashSet::with_capacity(listed.len());
    listed.into_iter().filter(|one| seen.insert(*one)).collect()
}
