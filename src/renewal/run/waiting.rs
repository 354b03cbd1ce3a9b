//! What a run knows of keys that wait: whose removal has begun, and which have a copy of a record.

use super::Run;
use crate::contents::{Caller, PendingKey};
use crate::driver::TokenIdentity;
use crate::pki::PublicKey;
use crate::renewal::installation::BegunAbandonment;

impl Run<'_> {
    /// The removals of waiting keys that have begun on this token and were not seen to end, the last one first, as it is kept in the folder
    /// of [`Run::installations_in`] (`*.abandoning`, a private file of each key). A key that is there still waits, and is removed by
    /// [`Session::abandon`](crate::Session::abandon); where nothing is left of it, [`Session::was_abandoned`](crate::Session::was_abandoned)
    /// says so.
    pub fn begun_abandonments(&self, token: &TokenIdentity) -> Vec<BegunAbandonment> {
        self.installations.kept().map(|kept| kept.begun_abandonments(token)).unwrap_or_default()
    }

    /// Forgets that the removal of this waiting key has begun. The command does so when it has said that it came to its end;
    /// for other callers [`Session::abandon`](crate::Session::abandon) does.
    pub fn end_abandonment(&self, token: &TokenIdentity, begun: &BegunAbandonment) {
        if let Some(kept) = self.installations.kept() {
            kept.end_abandonment(token, begun.id(), begun.record());
        }
    }

    /// The removal of this waiting key, where it has begun.
    pub(in crate::renewal) fn begun_abandonment(
        &self,
        token: &TokenIdentity,
        key: &PendingKey,
    ) -> Option<BegunAbandonment> {
        self.installations.kept()?.begun_abandonment(token, key)
    }

    /// Keeps for later processes that it begins.
    pub(in crate::renewal) fn begin_abandonment(&self, token: &TokenIdentity, begun: &BegunAbandonment) {
        if let Some(kept) = self.installations.kept() {
            kept.begin_abandonment(token, begun);
        }
    }

    /// The job of this key came to its end otherwise.
    pub(in crate::renewal) fn job_ended(&self, token: &TokenIdentity, key: Option<&PendingKey>) {
        if let Some(begun) = key.and_then(|key| self.begun_abandonment(token, key)) {
            self.end_abandonment(token, &begun);
        }
    }

    /// It has come to its end. The command has more to do, and forgets it then.
    pub(in crate::renewal) fn abandonment_ended(&self, token: &TokenIdentity, begun: &BegunAbandonment) {
        if self.caller != Caller::Command {
            self.end_abandonment(token, begun);
        }
    }

    /// The same pending keys. One that has a copy of the record of a job whose request was made on this computer for another key is
    /// [doubtful](PendingKey::is_request_of_another): a program in Rust that uses [`Run::installations_in`], C programs and pages keep that.
    pub fn judged(&self, keys: Vec<PendingKey>) -> Vec<PendingKey> {
        let judged = |key: PendingKey| match self.requested(key.record()) {
            Some(requested) => key.requested_as(&requested),
            None => key,
        };
        keys.into_iter().map(judged).collect()
    }

    pub(in crate::renewal) fn is_request_of_another(&self, key: &PendingKey) -> bool {
        let is_another = |requested: &PublicKey| key.public_key().is_some_and(|public| public != requested);
        key.is_request_of_another() || self.requested(key.record()).as_ref().is_some_and(is_another)
    }
}
