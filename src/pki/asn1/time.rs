//! The two time types of certificates (RFC 5280 §4.1.2.5).

use std::time::SystemTime;

use der::Decode;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use x509_cert::time::Time;

use super::tlv::{GENERALIZED_TIME, Malformed, Read, Tlv, UTC_TIME};

/// Reads a UTCTime or GeneralizedTime.
///
/// Certificates must write seconds and `Z`, and that is what `x509_cert` reads, from 1970 on; old ones leave the
/// seconds out, write an offset or begin earlier, and are taken here (X.680 §46 and §47).
pub(in crate::pki) fn read(tlv: Tlv<'_>) -> Read<SystemTime> {
    // jiff ends a day before the year 9999 does; "no expiry" is written as its last second (RFC 5280 §4.1.2.5).
    let last = SystemTime::from(Timestamp::MAX);
    Time::from_der(tlv.raw).map(|time| time.to_system_time().min(last)).or_else(|_| read_old(tlv))
}

fn read_old(tlv: Tlv<'_>) -> Read<SystemTime> {
    let text =
        std::str::from_utf8(tlv.value).ok().filter(|text| text.is_ascii()).ok_or(Malformed::Unexpected)?;
    let year_digits = match tlv.tag {
        UTC_TIME => 2,
        GENERALIZED_TIME => 4,
        _ => return Err(Malformed::Unexpected),
    };
    let (year, rest) = text.split_at_checked(year_digits).ok_or(Malformed::Unexpected)?;
    let year = match (tlv.tag, number(year)?) {
        (UTC_TIME, year @ 50..) => 1900 + year,
        (UTC_TIME, year) => 2000 + year,
        (_, year) => year,
    };
    instant(year, rest).ok_or(Malformed::Unexpected)
}

/// The instant from a year and `MMDDHHMM[SS[.fff]](Z|+HHMM|-HHMM)`.
fn instant(year: i16, text: &str) -> Option<SystemTime> {
    let zone = text.find(['Z', '+', '-'])?;
    let (clock, zone) = text.split_at_checked(zone)?;
    let clock = clock.split_once('.').map_or(clock, |(whole, _)| whole);
    let part =
        |from: usize| clock.get(from..from + 2).and_then(|digits| i8::try_from(number(digits).ok()?).ok());
    let seconds = match clock.len() {
        8 => 0,
        10 => part(8)?,
        _ => return None,
    };
    let local = DateTime::new(year, part(0)?, part(2)?, part(4)?, part(6)?, seconds, 0).ok()?;
    let last = if year == 9999 { Some(Timestamp::MAX) } else { None };
    offset(zone)?.to_timestamp(local).ok().or(last).map(SystemTime::from)
}

fn offset(zone: &str) -> Option<Offset> {
    if zone == "Z" {
        return Some(Offset::UTC);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.get(1..)?.split_at_checked(2)?;
    if minutes.len() != 2 {
        return None;
    }
    let seconds = i32::from(number(hours).ok()?) * 3600 + i32::from(number(minutes).ok()?) * 60;
    Offset::from_seconds(sign * seconds).ok()
}

fn number(digits: &str) -> Read<i16> {
    if digits.bytes().all(|digit| digit.is_ascii_digit()) {
        digits.parse().map_err(|_| Malformed::Unexpected)
    } else {
        Err(Malformed::Unexpected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::asn1::tlv::encode;

    fn read_text(tag: u8, text: &str) -> Option<String> {
        let der = encode(tag, &[text.as_bytes()]);
        let time = read(Tlv::whole(&der).unwrap()).ok()?;
        Some(Timestamp::try_from(time).unwrap().to_string())
    }

    #[test]
    fn both_types_and_their_old_forms() {
        assert_eq!(read_text(UTC_TIME, "261122235959Z").unwrap(), "2026-11-22T23:59:59Z");
        assert_eq!(read_text(UTC_TIME, "500101000000Z").unwrap(), "1950-01-01T00:00:00Z");
        assert_eq!(read_text(UTC_TIME, "2611222359Z").unwrap(), "2026-11-22T23:59:00Z");
        assert_eq!(read_text(UTC_TIME, "261123085959+0900").unwrap(), "2026-11-22T23:59:59Z");
        assert_eq!(read_text(GENERALIZED_TIME, "20500101000000Z").unwrap(), "2050-01-01T00:00:00Z");
        assert_eq!(read_text(GENERALIZED_TIME, "20260101000000.5Z").unwrap(), "2026-01-01T00:00:00Z");
        for end in ["99991231235959Z", "99991231235959.9Z", "999912312359+0000"] {
            assert_eq!(read_text(GENERALIZED_TIME, end).unwrap(), Timestamp::MAX.to_string());
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in [
            "",
            "Z",
            "26112223595Z",
            "261322235959Z",
            "261122235959",
            "26112223+-59Z",
            "261122235959+09",
            "2６",
        ] {
            assert_eq!(read_text(UTC_TIME, bad), None, "{bad}");
        }
        assert_eq!(read_text(4, "261122235959Z"), None);
    }
}
