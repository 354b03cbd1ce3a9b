//! What certificates say of the clock, to the second.

use usbtoken_testkit::{Kind, SoftKey, TestCa, manual_subject};

use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SECOND: Duration = Duration::from_secs(1);

fn at(text: &str) -> SystemTime {
    text.parse::<jiff::Timestamp>().unwrap().into()
}

/// A certificate that begins and ends at these moments.
fn certificate(begin: &str, end: &str) -> Certificate {
    let ca = TestCa::new();
    let issue = ca.issue(&manual_subject().to_der(), &SoftKey::generate(Kind::P256).spki());
    Certificate::from_der(&issue.not_before(at(begin)).not_after(at(end)).der()).unwrap()
}

/// A clock may be off by two days.
fn policy() -> Policy {
    Policy { clock_tolerance_days: 2, ..Policy::default() }
}

#[derive(Debug, PartialEq)]
enum Said {
    Nothing,
    Doubtful,
    Implausible,
}

fn said(now: SystemTime, in_use: Option<&Certificate>, latest: Option<SystemTime>) -> Said {
    match verdict(&policy(), now, in_use, latest) {
        Verdict::Uncontradicted => Said::Nothing,
        Verdict::Doubtful(warning) => {
            assert_eq!(warning, Notice::ClockUncertain);
            Said::Doubtful
        }
        Verdict::Implausible(error) => {
            assert_eq!(error.code(), Code::ClockImplausible);
            Said::Implausible
        }
    }
}

/// The first day that counts begins in Japan.
#[test]
fn no_computer_has_a_date_before_2026() {
    let first = at("2025-12-31T15:00:00Z");
    assert_eq!(said(first, None, None), Said::Nothing);
    assert_eq!(said(first - SECOND, None, None), Said::Implausible);
    assert!(is_too_early(first - 300 * DAY) && !is_too_early(first) && !is_too_early(first + 300 * DAY));
}

#[test]
fn a_certificate_in_use_has_begun() {
    let in_use = certificate("2026-06-01T00:00:00Z", "2027-06-01T00:00:00Z");
    let begin = in_use.not_before();
    for (now, expected) in [
        (begin + 100 * DAY, Said::Nothing),
        (begin, Said::Nothing),
        (begin - 2 * DAY, Said::Nothing),
        (begin - 2 * DAY - SECOND, Said::Implausible),
        (begin - 100 * DAY, Said::Implausible),
    ] {
        assert_eq!(said(now, Some(&in_use), None), expected, "{now:?}");
    }
}

#[test]
fn a_certificate_in_use_has_not_ended_years_ago() {
    let in_use = certificate("2026-06-01T00:00:00Z", "2027-06-01T00:00:00Z");
    let end = in_use.not_after();
    let (year, years) = (365 * DAY, 3 * 365 * DAY);
    for (now, expected) in [
        (end, Said::Nothing),
        (end + year, Said::Nothing),
        (end + year + SECOND, Said::Doubtful),
        (end + years, Said::Doubtful),
        (end + years + SECOND, Said::Implausible),
        (end + 10 * years, Said::Implausible),
    ] {
        assert_eq!(said(now, Some(&in_use), None), expected, "{now:?}");
    }
    assert!(!is_long_past(end + years, end) && is_long_past(end + years + SECOND, end));
    assert!(!is_long_past(end - years - SECOND, end));
}

/// What else is known to have passed makes the clock doubtful, and no more.
#[test]
fn the_latest_moment_that_is_known_has_passed() {
    let in_use = certificate("2026-06-01T00:00:00Z", "2027-06-01T00:00:00Z");
    let latest = at("2026-12-01T00:00:00Z");
    for (now, expected) in [
        (latest, Said::Nothing),
        (latest - 2 * DAY, Said::Nothing),
        (latest - 2 * DAY - SECOND, Said::Doubtful),
    ] {
        assert_eq!(said(now, Some(&in_use), Some(latest)), expected, "{now:?}");
        assert_eq!(said(now, None, Some(latest)), expected, "{now:?}");
    }
}

#[test]
fn what_all_certificates_say() {
    let first = certificate("2025-06-01T00:00:00Z", "2026-06-01T00:00:00Z");
    let second = certificate("2026-06-01T00:00:00Z", "2027-06-01T00:00:00Z");
    let doubt = |certificates: &[&Certificate], now: SystemTime| {
        let warning = clock_doubt(&policy(), certificates.iter().copied(), now)?;
        assert_eq!(warning, Notice::ClockUncertain);
        let date = warning.facts().find(|(fact, _)| *fact == Fact::Date).unwrap().1.to_owned();
        Some(date)
    };
    let begin = second.not_before();
    // The latest beginning counts, and the latest end.
    for both in [[&first, &second], [&second, &first]] {
        assert_eq!(doubt(&both, begin - 2 * DAY), None);
        assert_eq!(doubt(&both, begin - 2 * DAY - SECOND).as_deref(), Some("2026-06-01"));
        assert_eq!(doubt(&both, second.not_after() + 365 * DAY), None);
        let late = second.not_after() + 365 * DAY + SECOND;
        assert_eq!(doubt(&both, late).as_deref(), Some("2027-06-01"));
    }
    // A date that no computer has, though the certificate has begun by then.
    assert_eq!(doubt(&[&first], at("2025-12-01T00:00:00Z")).as_deref(), Some("2025-06-01"));
    assert_eq!(doubt(&[], at("2025-12-01T00:00:00Z")), None);
}
