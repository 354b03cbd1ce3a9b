//! The two time types of certificates (RFC 5280 §4.1.2.5).

use std::time::{Duration, SystemTime};

use der::Decode;
use jiff::civil::DateTime;
use x509_cert::time::Time;

use super::tlv::{GENERALIZED_TIME, Malformed, Read, Tlv, UTC_TIME};

/// Reads a UTCTime or GeneralizedTime.
///
/// Certificates must write seconds and `Z`, and that is what `x509_cert` reads, from 1970 on; old ones leave the
/// seconds out, write an offset or begin earlier, and are taken here (X.680 §46 and §47).
pub(in crate::pki) fn read(tlv: Tlv<'_>) -> Read<SystemTime> {
    Time::from_der(tlv.raw).map(|time| time.to_system_time()).or_else(|_| read_old(tlv))
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
    // jiff's timestamps end a day before the year 9999 does, its dates do not.
    let seconds = DateTime::constant(1970, 1, 1, 0, 0, 0, 0).duration_until(local).as_secs() - offset(zone)?;
    let span = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(span)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(span)
    }
}

/// In seconds east.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.get(1..)?.split_at_checked(2)?;
    let (hours, minutes) = (number(hours).ok()?, number(minutes).ok()?);
    let is_offset = zone.len() == 5 && hours < 24 && minutes < 60;
    is_offset.then(|| sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60))
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
        Some(jiff::Timestamp::try_from(time).unwrap().to_string())
    }

    #[test]
    fn both_types_and_their_old_forms() {
        assert_eq!(read_text(UTC_TIME, "261122235959Z").unwrap(), "2026-11-22T23:59:59Z");
        assert_eq!(read_text(UTC_TIME, "500101000000Z").unwrap(), "1950-01-01T00:00:00Z");
        assert_eq!(read_text(UTC_TIME, "2611222359Z").unwrap(), "2026-11-22T23:59:00Z");
        assert_eq!(read_text(UTC_TIME, "261123085959+0900").unwrap(), "2026-11-22T23:59:59Z");
        assert_eq!(read_text(GENERALIZED_TIME, "20500101000000Z").unwrap(), "2050-01-01T00:00:00Z");
        assert_eq!(read_text(GENERALIZED_TIME, "20260101000000.5Z").unwrap(), "2026-01-01T00:00:00Z");
        assert_eq!(read_text(UTC_TIME, "6001010000+0900").unwrap(), "1959-12-31T15:00:00Z");
    }

    #[test]
    fn the_year_9999_ends_when_it_ends() {
        for end in ["99991231235959Z", "99991231235959.9Z", "99991231235959+0000", "99991231235959-0000"] {
            let der = encode(GENERALIZED_TIME, &[end.as_bytes()]);
            let end = read(Tlv::whole(&der).unwrap()).unwrap();
            assert_eq!(end.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs(), 253_402_300_799);
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
