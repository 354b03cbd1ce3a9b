//! Whether a job's certificate is there. Anybody can make a certificate for the public key of a job, and on some tokens write it without
//! the PIN, so that one is for its key does not end a job: it has to come from where the answer would.

use super::Contents;
use super::belongs::is_of_the_token;
use super::jobs::OldCredentials;
use super::pending::{PendingKey, PendingState};
use super::record::Record;
use super::signer::Signer;
use super::successor::is_of_one_ca;
use crate::error::Result;
use crate::pki::{Certificate, PublicKey, Response, SubjectRule};
use std::sync::Arc;

/// What a caller knows of jobs by its own records.
pub(crate) trait KnownHere: Send + Sync {
    /// Whether it has installed this certificate.
    fn has_installed(&self, certificate: &Certificate) -> bool;
    /// What it has requested certificates for this key in place of: the serial numbers, empty for a first one.
    fn requested_for(&self, key: &PublicKey) -> Vec<String>;
    /// The key of the request that it has made for the job of this record.
    fn request_of(&self, record: &Record) -> Option<PublicKey>;
}

/// What a certificate for the key of a job is compared with.
struct Expected<'c> {
    olds: Vec<&'c Certificate>,
    /// Whether the caller has made the request.
    requested: bool,
}

impl Contents {
    /// The same, with what the caller knows by its own records.
    pub(crate) fn knowing(mut self, known: Arc<dyn KnownHere>) -> Self {
        self.known = Some(known);
        self
    }

    fn has_installed(&self, certificate: &Certificate) -> bool {
        self.known.as_ref().is_some_and(|known| known.has_installed(certificate))
    }

    /// Whether the job of this record, whose key is this, has its certificate. Of a record on two private keys any counts: one of
    /// these is somebody else's, and may be complete.
    pub(crate) fn is_answered(&self, record: &Record, key: &PublicKey) -> bool {
        let mut there = self.certificates_for(key).peekable();
        if there.peek().is_none() {
            return false;
        }
        if self.is_twice(record) || record.is_removal() {
            return true;
        }
        let expected = self.expected(record, key);
        there.any(|at| self.answers(record, &expected, at))
    }

    /// Whether this certificate, for the key of a job, may be what the CA has answered.
    pub(super) fn may_be_answer(&self, record: &Record, certificate: usize) -> bool {
        let Some(new) = self.certificate(certificate) else { return false };
        self.is_twice(record) || self.answers(record, &self.expected(record, new.public_key()), certificate)
    }

    /// The jobs that seem to be finished, for whose key the response has another certificate than is there, as long as this says that what
    /// is there is somebody else's: it was requested here and nothing was installed, or it continues the old certificate and what is there does
    /// not, as CA certificates of the response may show.
    ///
    /// # Errors
    /// What signing returns when it is the token that failed.
    pub(crate) fn answered_anew(
        &mut self,
        signer: &dyn Signer,
        response: &Response,
    ) -> Result<Vec<PendingKey>> {
        let mut anew = Vec::new();
        for at in 0..self.private_keys.len() {
            let record = self.private_keys.get(at).and_then(|held| held.marking.record()).cloned();
            let Some(record) = record.filter(|record| !record.is_removal() && !self.is_twice(record)) else {
                continue;
            };
            let may_be_for = match self.value_hint(at) {
                Some(public) => response.leaf_for(public).is_some(),
                // One that wants the PIN for each signature is not asked for a certificate that may be any key's.
                None => !self.private_keys.get(at).is_some_and(|held| held.stored.always_authenticate),
            };
            if !may_be_for {
                continue;
            }
            let signed = match self.ask(signer, at, &[]) {
                Err(error) if is_of_the_token(&error) => return Err(error),
                signed => signed.unwrap_or_default(),
            };
            let Some(public) = signed else { continue };
            let is_new = |leaf: &&Certificate| self.is_answered_anew(&record, leaf, response);
            if response.leaves_for(&public).iter().any(is_new) {
                let old = OldCredentials::of(self);
                anew.extend(self.pending_key(at, record, PendingState::AwaitingAnswer, (&old, false)));
            }
        }
        Ok(anew)
    }

    fn is_answered_anew(&self, record: &Record, leaf: &Certificate, response: &Response) -> bool {
        let public = leaf.public_key();
        let there: Vec<&Certificate> =
            self.certificates_for(public).filter_map(|at| self.certificate(at)).collect();
        if there.is_empty() || there.iter().any(|one| *one == leaf || self.has_installed(one)) {
            return false;
        }
        let Expected { olds, requested } = self.expected(record, public);
        let mut authorities = self.authorities();
        authorities.extend(response.certificates());
        let continues = |old: &&Certificate, new: &Certificate| may_continue(old, new, &authorities);
        let is_right = olds.iter().any(|old| continues(old, leaf));
        let is_right = is_right || requested && record.is_first();
        is_right && (requested || there.iter().all(|one| !continues(&leaf, one)))
    }

    fn expected(&self, record: &Record, key: &PublicKey) -> Expected<'_> {
        let olds = self.names().of(record).iter().filter_map(|at| self.certificate(*at));
        let olds: Vec<&Certificate> = olds.collect();
        let requested = self.is_requested(record, key, &olds);
        Expected { olds, requested }
    }

    /// Whether the caller has made the request of this job, for this key. One to use the key again is another order.
    fn is_requested(&self, record: &Record, key: &PublicKey, olds: &[&Certificate]) -> bool {
        let Some(known) = &self.known else { return false };
        if known.request_of(record).as_ref() == Some(key) {
            return true;
        }
        let is_its = |serial: &String| {
            let has_number = |one: &Certificate| one.serial().to_string() == *serial;
            match (record.is_first(), olds) {
                (true, _) => serial.is_empty(),
                (false, []) => {
                    let mut own = self.certificates_for(key).filter_map(|at| self.certificate(at));
                    !serial.is_empty() && !own.any(has_number)
                }
                (false, olds) => olds.iter().any(|old| old.public_key() != key && has_number(old)),
            }
        };
        known.requested_for(key).iter().any(is_its)
    }

    /// Where the caller has made the request, and installed nothing, only what continues the old certificate counts. Elsewhere what has
    /// the job's record counts too, since a CA may have a new name, or give one: another computer may have installed it.
    fn answers(&self, record: &Record, expected: &Expected<'_>, certificate: usize) -> bool {
        let (Some(held), Some(new)) = (self.certificates.get(certificate), self.certificate(certificate))
        else {
            return false;
        };
        let Expected { olds, requested } = expected;
        let is_labelled = || held.marking.record() == Some(record);
        // What was there before the job says that the record was copied to a key that is in use.
        if !requested && (is_labelled() || !record.may_be_answered_by(new)) {
            return true;
        }
        if self.has_installed(new) {
            return true;
        }
        if new.is_ca() {
            return false;
        }
        match olds.as_slice() {
            [] if record.is_first() => self.is_said_to_be_for(record, new, *requested),
            [] => !requested,
            olds if *requested => {
                let in_time = record.may_be_answered_by(new);
                in_time && olds.iter().any(|old| self.continues(old, new))
            }
            olds => olds.iter().any(|old| may_continue(old, new, &self.authorities())),
        }
    }

    /// Whether a certificate may be the first one that was asked for, by the name behind the record.
    fn is_said_to_be_for(&self, record: &Record, new: &Certificate, requested: bool) -> bool {
        let keys = self.index.private_by_record.get(record).into_iter().flatten();
        let labels = keys.filter_map(|at| self.private_keys.get(*at)).map(|held| held.stored.label.bytes());
        let public = self.index.public_by_record.get(record).into_iter().flatten();
        let public = public.filter_map(|at| self.public_keys.get(*at)).map(|held| held.stored.label.bytes());
        match labels.chain(public).find_map(|label| record.text_in(label)) {
            Some(text) => super::record::text_for(new.subject()).as_deref() == Some(&*text),
            None => !requested,
        }
    }

    /// Whether nothing says that a certificate is other than what the CA would give in place of the old one.
    fn continues(&self, old: &Certificate, new: &Certificate) -> bool {
        let is_later = new.not_after() > old.not_after();
        is_later
            && old.has_same_holder(new)
            && old.authority_key_id() == new.authority_key_id()
            && may_continue(old, new, &self.authorities())
    }
}

/// Whether it is of the same CA, as far as can be told, and in a name that CAs give.
fn may_continue(old: &Certificate, new: &Certificate, authorities: &[&Certificate]) -> bool {
    let allows = || {
        let by_rule = SubjectRule::CommonNameMayChange.allows(old.subject(), new.subject());
        by_rule || old.has_same_holder(new)
    };
    old.issuer().matches(new.issuer()) && allows() && is_of_one_ca(old, new, authorities)
}
