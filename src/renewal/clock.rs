//! The time of a job, and how far it can be believed.

use crate::bank::Policy;
use crate::error::{Code, Error, Fact, Notice, Warning};
use crate::pki::{Certificate, jst_date, jst_time};
use jiff::civil::Date;
use std::fmt;
use std::time::{Duration, SystemTime};

/// Where the present time comes from. It is read when something is compared with it, not once for a whole job: a key
/// pair, a PIN and a CA take their time, and a CA stamps the moment of issue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock(Option<SystemTime>);

impl Clock {
    /// The clock of this computer.
    pub const SYSTEM: Clock = Clock(None);

    /// The present time.
    pub fn now(self) -> SystemTime {
        self.0.unwrap_or_else(SystemTime::now)
    }
}

/// A clock that stands still at this time.
impl From<SystemTime> for Clock {
    fn from(time: SystemTime) -> Self {
        Clock(Some(time))
    }
}

#[cfg(test)]
mod tests;

/// No computer that runs this can have an earlier date.
const EARLIEST: Date = Date::constant(2026, 1, 1);

/// A certificate that ended so long ago may have done so by a clock that is ahead.
const A_YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A certificate that ended so long ago more likely did so by a clock that is ahead.
const THREE_YEARS: Duration = Duration::from_secs(3 * 365 * 24 * 60 * 60);

/// What the certificates on a token say of the clock.
pub(super) enum Verdict {
    /// Nothing contradicts it. That is not to say that it is right.
    Uncontradicted,
    /// It may be wrong.
    Doubtful(Warning),
    /// It is wrong, as far as can be told.
    Implausible(Error),
}

/// Holds the time against the certificate in use, and against the latest moment that is known to have passed: mostly the
/// latest beginning of any certificate on its token.
pub(super) fn verdict(
    policy: &Policy,
    now: SystemTime,
    in_use: Option<&Certificate>,
    latest: Option<SystemTime>,
) -> Verdict {
    let is_behind = |time: SystemTime| is_behind(policy, now, time);
    if is_too_early(now) {
        return Verdict::Implausible(implausible(now, format_args!("≥ {EARLIEST}")));
    }
    if let Some(begin) = in_use.map(Certificate::not_before).filter(|begin| is_behind(*begin)) {
        return Verdict::Implausible(implausible(now, format_args!("≥ {}", jst_date(begin))));
    }
    if let Some(end) = in_use.map(Certificate::not_after).filter(|end| is_past(now, *end, A_YEAR)) {
        return match is_past(now, end, THREE_YEARS) {
            true => Verdict::Implausible(implausible(now, format_args!("≤ {}", jst_date(end)))),
            false => Verdict::Doubtful(doubtful(now, end)),
        };
    }
    match latest.filter(|latest| is_behind(*latest)) {
        Some(latest) => Verdict::Doubtful(doubtful(now, latest)),
        None => Verdict::Uncontradicted,
    }
}

/// What all certificates on a token say of the clock: one begins later by more than the policy tolerates, or every one
/// ended more than a year ago, or no computer can have that date.
pub fn clock_doubt<'a>(
    policy: &Policy,
    certificates: impl IntoIterator<Item = &'a Certificate>,
    now: SystemTime,
) -> Option<Warning> {
    let (mut latest_begin, mut latest_end) = (None, None);
    for certificate in certificates {
        latest_begin = latest_begin.max(Some(certificate.not_before()));
        latest_end = latest_end.max(Some(certificate.not_after()));
    }
    let begin = latest_begin?;
    if is_too_early(now) || is_behind(policy, now, begin) {
        return Some(doubtful(now, begin));
    }
    latest_end.filter(|end| is_past(now, *end, A_YEAR)).map(|end| doubtful(now, end))
}

/// Whether this is before any time at which this program can run, as after the battery of a computer was empty.
pub(super) fn is_too_early(now: SystemTime) -> bool {
    jst_date(now) < EARLIEST
}

/// Whether a certificate that ended then ended so long ago that the clock is more likely ahead.
pub(super) fn is_long_past(now: SystemTime, end: SystemTime) -> bool {
    is_past(now, end, THREE_YEARS)
}

/// Whether something begins later than a clock that is right within the policy's tolerance can say.
fn is_behind(policy: &Policy, now: SystemTime, begin: SystemTime) -> bool {
    now.checked_add(policy.clock_tolerance()).is_some_and(|soon| soon < begin)
}

fn is_past(now: SystemTime, end: SystemTime, by: Duration) -> bool {
    now.duration_since(end).is_ok_and(|since| since > by)
}

/// The clock cannot be right: what it says, and what was expected of it.
pub(super) fn implausible(now: SystemTime, expected: impl fmt::Display) -> Error {
    Error::new(Code::ClockImplausible).fact(Fact::Now, jst_time(now)).fact(Fact::Expected, expected)
}

/// The same of a clock that the caller goes by all the same.
pub(super) fn in_doubt(error: &Error) -> Warning {
    error
        .facts()
        .fold(Warning::from(Notice::ClockUncertain), |warning, (fact, value)| warning.fact(fact, value))
}

/// The clock may be wrong: what it says, and the date of the certificate that makes one think so.
pub(super) fn doubtful(now: SystemTime, date: SystemTime) -> Warning {
    Warning::from(Notice::ClockUncertain).fact(Fact::Now, jst_time(now)).fact(Fact::Date, jst_date(date))
}
