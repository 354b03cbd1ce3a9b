//! A first certificate where there is one already.

use super::{PointResult, PreflightPoint, Renewal, Run, Subject, times};
use crate::contents::{Credential, Credentials, closed, not_yet, service_ended};
use crate::error::{Notice, Point, Step};
use crate::pki::WindowState;

/// The window of the credentials in the name that a first certificate is asked for.
pub(super) fn window(renewal: &Renewal, credentials: &Credentials, run: &Run<'_>) -> Option<PreflightPoint> {
    let Subject::First(subject) = &renewal.subject else { return None };
    let mut there = credentials.iter().filter(|one| one.subject().has_same_attributes(subject));
    let state = there.find_map(|old| is_no_renewal(renewal, old, run))?;
    Some(PreflightPoint { point: Point::Window, state })
}

/// Whether a first certificate for a name would be a renewal outside its window: a credential of that name is in use, and when
/// it is renewed is the bank's rule. What has ended, or has no key, is issued anew; what the bank wants to be issued anew
/// before its end, a person has to force.
fn is_no_renewal(renewal: &Renewal, old: &Credential, run: &Run<'_>) -> Option<PointResult> {
    if old.private_key().is_err() || old.successor().is_some_and(|by| by.proven) {
        return None;
    }
    let refusal = |now| match renewal.policy.window.state(old.certificate().not_after(), now) {
        WindowState::Open { .. } | WindowState::Expired { .. } => None,
        WindowState::NotYet { opens_on, days_left } => Some(not_yet(old, opens_on, days_left)),
        WindowState::Closed { closed_at } => Some(closed(old, closed_at, now)),
        WindowState::ServiceEnded { ended_on } => Some(service_ended(old, ended_on, now)),
    };
    let error = times(&renewal.policy, run).into_iter().find_map(refusal)?;
    Some(match renewal.outside_window {
        true => PointResult::from(Notice::WindowForced),
        false => PointResult::Blocker(error.during(Step::Preflight)),
    })
}
