//! Whether another user's credential is on the token, or a request of another user's waits there, where the bank does not allow that.

use super::{PointResult, PreflightPoint};
use crate::bank::OtherUsers;
use crate::contents::{Contents, Credential, PendingKey, PendingState};
use crate::error::Fact;
use crate::error::{Code, Error, Notice, Point, Step, Warning};
use crate::pki::{Certificate, Name};
use crate::renewal::renewal::Renewal;
use base16ct::lower::encode_string as hex;

/// Whether this renewal asks for it.
pub(super) fn is_asked(renewal: &Renewal) -> bool {
    renewal.policy.other_users == OtherUsers::Refuse
}

/// Before the login keys cannot be seen, and a certificate without one is no credential; a public key may have its certificate, which
/// shows later.
pub(super) fn before_login<'c>(
    renewal: &Renewal,
    others: impl Iterator<Item = &'c Certificate>,
    contents: Option<&Contents>,
) -> Option<PreflightPoint> {
    is_asked(renewal).then(|| {
        let waiting = contents.map(Contents::said_to_wait).unwrap_or_default();
        let found = named(others).chain(waiting_of_others(renewal, None, &waiting));
        let seen = found.fold(None, |seen: Option<Warning>, one| {
            Some(seen.unwrap_or_else(|| Notice::OtherUserSeen.into()).fact(Fact::Candidate, one))
        });
        point(seen.map(PointResult::Warning))
    })
}

/// `waiting` are all jobs on the token; `own` is the credential that is renewed, where it is there.
pub(super) fn after_login<'c>(
    renewal: &Renewal,
    others: impl Iterator<Item = &'c Certificate>,
    own: Option<&Credential>,
    waiting: &[PendingKey],
) -> Option<PreflightPoint> {
    is_asked(renewal).then(|| {
        // Of what seems to have its certificate that one counts.
        let open = waiting.iter().filter(|key| key.state() == PendingState::AwaitingAnswer);
        let found = named(others).chain(waiting_of_others(renewal, own, open));
        let there = found.fold(None, |there: Option<Error>, one| {
            let there = there.unwrap_or_else(|| Error::new(Code::OtherUserOnToken).during(Step::Preflight));
            Some(there.fact(Fact::Candidate, one))
        });
        point(there.map(PointResult::Blocker))
    })
}

fn point(found: Option<PointResult>) -> PreflightPoint {
    PreflightPoint { point: Point::OnlyUser, state: found.unwrap_or(PointResult::Ok) }
}

fn named<'c>(others: impl Iterator<Item = &'c Certificate>) -> impl Iterator<Item = String> {
    others.map(|other| format!("{} (serial {})", other.subject(), other.serial()))
}

fn waiting_of_others<'k>(
    renewal: &Renewal,
    own: Option<&Credential>,
    waiting: impl IntoIterator<Item = &'k PendingKey>,
) -> impl Iterator<Item = String> {
    let of_others = waiting.into_iter().filter(move |key| is_of_another(renewal, own, key));
    of_others.map(|key| {
        let whom = key.for_whom().map(|whom| format!("{whom} ")).unwrap_or_default();
        format!("{whom}(id {}, {})", hex(key.id()), key.since())
    })
}

/// Whether a job that waits is, as far as the token tells, not this user's: one whose user it does not tell is no one's that is known.
fn is_of_another(renewal: &Renewal, own: Option<&Credential>, key: &PendingKey) -> bool {
    if renewal.is_of(key) {
        return false;
    }
    let names = || renewal.old_certificate().map(Certificate::subject).into_iter().chain(renewal.named());
    // Pages ask for first certificates by names that mean nothing: those tell no users apart.
    if key.is_first() && !names().any(Name::says_more_than_a_common_name) {
        return false;
    }
    match key.old_credential() {
        Ok(Some(old)) => {
            let is_own = |name: &Name| old.subject().has_same_attributes(name);
            !names().any(is_own) && own.is_none_or(|own| !own.stands_in_row_with(&old))
        }
        Ok(None) | Err(_) => !names().any(|name| key.is_said_to_be_for(name)),
    }
}
