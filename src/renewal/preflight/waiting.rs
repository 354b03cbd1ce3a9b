//! Whether the renewal was begun before, and which key waits for it.

use super::PointResult;
use crate::contents::{Contents, PendingKey};
use crate::error::{Code, Error, Fact, Notice, Step};
use crate::pki::Certificate;
use crate::renewal::renewal::Renewal;
use crate::renewal::run::Run;
use base16ct::lower::encode_string as hex;

/// Of the keys that wait the one that the caller has made the request for, else the first. One without a certificate whose record is
/// another key's, which has the certificate, is nobody's job.
pub(super) fn one_to_resume<'k>(
    waiting: Vec<&'k PendingKey>,
    renewal: &Renewal,
    contents: &Contents,
    run: &Run<'_>,
) -> Option<&'k PendingKey> {
    // Nor one that has a copy of the record of a job whose request the caller has made for another key.
    let waiting: Vec<&PendingKey> =
        waiting.into_iter().filter(|key| !run.is_request_of_another(key)).collect();
    let Some(old) = renewal.old_certificate() else { return waiting.first().copied() };
    let is_requested = |key: &&&PendingKey| has_requested(key, old, run);
    let is_known = |new: &Certificate| run.has_replaced(old, new);
    let requested = waiting.iter().find(is_requested);
    let mut open = waiting.iter().filter(|key| !contents.is_finished_by_another(key, old, is_known));
    requested.or_else(|| open.next()).copied()
}

/// That none waits. One whose record is on another key too may be another program's: it is named where the caller has made the request
/// for it.
pub(super) fn nothing_pending(renewal: &Renewal, waiting: Option<&PendingKey>, run: &Run<'_>) -> PointResult {
    let Some(key) = waiting else { return PointResult::Ok };
    if renewal.beside_pending {
        return PointResult::from(Notice::PendingExists);
    }
    let error = Error::new(Code::PendingExists).during(Step::Preflight).fact(Fact::Candidate, key.since());
    let is_requested = || renewal.old_certificate().is_some_and(|old| has_requested(key, old, run));
    PointResult::Blocker(match key.doubt() {
        Some(doubt) if key.is_same_record() && !is_requested() => error.fact(Fact::Reason, doubt),
        _ => error.fact(Fact::Id, hex(key.id())),
    })
}

fn has_requested(key: &PendingKey, old: &Certificate, run: &Run<'_>) -> bool {
    key.public_key().is_some_and(|public| run.has_requested(public, old))
}
