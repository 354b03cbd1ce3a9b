//! What a run knows of keys that wait, and keeps for later processes: for which key each request is, which were abandoned, and which have a copy
//! of a record.

use super::Run;
use crate::contents::{Caller, PendingKey, Record};
use crate::driver::{Token, TokenIdentity};
use crate::pki::PublicKey;
use crate::renewal::installation::{BegunAbandonment, KeptRequest};

impl Run<'_> {
    /// The removals of waiting keys that have begun on this token and were not seen to end, the last one first, as it is kept in the folder
    /// of [`Run::installations_in`] (`*.abandoning`, a private file of each key). A key that is there still waits, and is removed by
    /// [`Session::abandon`](crate::Session::abandon); where nothing is left of it, [`Session::was_abandoned`](crate::Session::was_abandoned)
    /// says so.
    pub fn begun_abandonments(&self, token: &TokenIdentity) -> Vec<BegunAbandonment> {
        self.abandonments(token).into_iter().filter(|begun| !begun.is_ended()).collect()
    }

    /// The same, with the last ones that came to their end: what is under such an identifier now is another key.
    pub fn abandonments(&self, token: &TokenIdentity) -> Vec<BegunAbandonment> {
        self.installations.kept().map(|kept| kept.abandonments(token)).unwrap_or_default()
    }

    /// Keeps that the removal of this waiting key has come to its end. The command does so when it has said so; for other callers
    /// [`Session::abandon`](crate::Session::abandon) does.
    pub fn end_abandonment(&self, token: &TokenIdentity, begun: &BegunAbandonment) {
        if let Some(kept) = self.installations.kept() {
            kept.end_abandonment(token, begun);
            self.end_request(begun.record());
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
        let (Some(kept), Some(key)) = (self.installations.kept(), key) else { return };
        self.end_request(key.record());
        if self.begun_abandonment(token, key).is_some() {
            kept.forget_abandonment(token, key.id(), key.record());
        }
    }

    /// It has come to its end. The command has more to do, and keeps that then.
    pub(in crate::renewal) fn abandonment_ended(&self, token: &TokenIdentity, begun: &BegunAbandonment) {
        if self.caller != Caller::Command {
            self.end_abandonment(token, begun);
        }
    }

    /// Keeps for later processes for which key the request of the job with this record is.
    pub(in crate::renewal) fn note_request(
        &self,
        token: &TokenIdentity,
        id: &[u8],
        record: &Record,
        key: &PublicKey,
    ) {
        if let Some(kept) = self.installations.kept() {
            kept.note_request(token, id, record.label(), key);
        }
    }

    /// What does not show of this job from now on is not missed.
    pub(in crate::renewal) fn end_request(&self, record: &Record) {
        if let Some(kept) = self.installations.kept() {
            kept.end_request(record.label());
        }
    }

    /// Takes that back: the key is gone again.
    pub(in crate::renewal) fn take_request_back(&self, record: &Record) {
        if let Some(kept) = self.installations.kept() {
            kept.forget_request(record.label());
        }
    }

    /// The key for which the request of this job is, where it was made on this computer and that was kept.
    pub(in crate::renewal) fn requested(&self, record: &Record) -> Option<PublicKey> {
        self.installations.kept()?.requested(record.label())
    }

    /// The jobs of this token whose requests this computer has made, as it is kept in the folder of [`Run::installations_in`]
    /// (`*.requested`, a private file of each). Those that have [ended](KeptRequest::is_ended) are among them.
    pub fn kept_requests(&self, token: &TokenIdentity) -> Vec<KeptRequest> {
        self.installations.kept().map(|kept| kept.requests(token)).unwrap_or_default()
    }

    /// What is kept of the request of the job with this record, where its key is one of this token.
    pub(in crate::renewal) fn kept_request(
        &self,
        token: &TokenIdentity,
        record: &Record,
    ) -> Option<KeptRequest> {
        self.installations.kept()?.request_of(token, record.label())
    }

    /// Gives up a job whose key is gone for good: what this computer keeps of its request counts as ended. A person has to say that, for
    /// a key that a driver does not show may be there.
    pub fn give_up_request(&self, request: &KeptRequest) {
        if let Some(kept) = self.installations.kept() {
            kept.end_request(request.label());
        }
    }

    /// The same token, with what this computer keeps of the requests that it has made for its keys: where another program gives our record
    /// and identifier to a key of its own, only the key that signs for the request counts as labelled so.
    pub fn knowing_requests(&self, token: Token) -> Token {
        let requests = self.kept_requests(token.identity());
        let labels = requests.iter().map(|one| (one.id().to_vec(), one.label().to_vec()));
        let keys = requests.iter().map(|one| (one.id().to_vec(), one.public_key().clone()));
        token.with_more_jobs(labels, keys)
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
