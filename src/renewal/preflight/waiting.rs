//! Whether the renewal was begun before, and which key waits for it.

use super::PointResult;
use crate::contents::{Contents, PendingKey, PendingState, Record};
use crate::driver::Session;
use crate::error::{Code, Error, Fact, Notice, Result, Step};
use crate::pki::Certificate;
use crate::renewal::installation::BegunAbandonment;
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

/// Why nothing is begun although no key waits that shows: a key was made for this certificate, nothing says that its job has ended, and a
/// driver may not show it for a while. So it is where this computer keeps its request, and where its public half is on the token.
pub(super) fn hidden(
    renewal: &Renewal,
    session: &Session,
    contents: &mut Contents,
    pending: &[PendingKey],
    waiting: Option<&PendingKey>,
    run: &Run<'_>,
) -> Result<Option<Error>> {
    if renewal.beside_pending || waiting.is_some() {
        return Ok(None);
    }
    let token = session.token().identity();
    let is_job = |record: &Record| renewal.is_job_of(record, run.caller());
    let mut kept = run.kept_requests(token);
    kept.retain(|kept| {
        !kept.is_ended() && is_job(&kept.record) && !contents.is_answered(&kept.record, kept.public_key())
    });
    let removed = if kept.is_empty() { Vec::new() } else { run.abandonments(token) };
    for kept in kept {
        let is_its = |begun: &&BegunAbandonment| begun.id() == kept.id() && *begun.record() == kept.record;
        match removed.iter().find(is_its) {
            Some(begun) if session.shows_that_it_went(contents, begun)? => {}
            _ => return Ok(Some(not_shown(kept.id(), &kept.since()))),
        }
    }
    let is_half = |key: &&PendingKey| key.state() == PendingState::PublicKeyOnly && is_job(key.record());
    let mut halves = pending.iter().filter(is_half).filter(|key| !run.is_request_of_another(key));
    Ok(halves.next().map(|half| not_shown(half.id(), &half.since())))
}

fn not_shown(id: &[u8], since: &str) -> Error {
    Error::new(Code::KeyNotShown).during(Step::Preflight).fact(Fact::Id, hex(id)).fact(Fact::Date, since)
}

fn has_requested(key: &PendingKey, old: &Certificate, run: &Run<'_>) -> bool {
    key.public_key().is_some_and(|public| run.has_requested(public, old))
}
