//! A first certificate where there is one already.

use super::{PointResult, Renewal, Run};
use crate::contents::{Credential, closed, not_yet, service_ended};
use crate::error::{Notice, Step};
use crate::pki::WindowState;

/// Whether a first certificate for a name would be a renewal outside its window: a credential of that name is in use, and when
/// it is renewed is the bank's rule. What has ended, or has no key, is issued anew; what the bank wants to be issued anew
/// before its end, a person has to force.
pub(super) fn is_no_renewal(renewal: &Renewal, old: &Credential, run: &Run<'_>) -> Option<PointResult> {
    if old.private_key().is_err() || old.successor().is_some_and(|by| by.proven) {
        return None;
    }
    let now = run.now();
    let error = match renewal.policy.window.state(old.certificate().not_after(), now) {
        WindowState::Open { .. } | WindowState::Expired { .. } => return None,
        WindowState::NotYet { opens_on, days_left } => not_yet(old, opens_on, days_left),
        WindowState::Closed { closed_at } => closed(old, closed_at, now),
        WindowState::ServiceEnded { ended_on } => service_ended(old, ended_on, now),
    };
    Some(match renewal.outside_window {
        true => PointResult::from(Notice::WindowForced),
        false => PointResult::Blocker(error.during(Step::Preflight)),
    })
}
