//! The labels by which keys of an unfinished job are known again. There is no other store.

use crate::pki;
use jiff::civil::Date;
use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

/// What an unfinished job wrote into CKA_LABEL: `usbtoken:20261122:renews:5b83e869…`.
///
/// The grammar is strict, so that a key of somebody else is not taken for ours because it looks similar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JobLabel {
    /// The day on which the job began, in Japan standard time.
    pub(super) day: Date,
    pub(super) job: Job,
}

/// What the key with the label is there for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// Takes the place of the certificate with this serial number.
    Renews(String),
    /// A first key, for which there is no old certificate.
    First,
    /// The key of the old certificate with this serial number, half removed.
    Retires(String),
}

const MARK: &str = "usbtoken";

impl JobLabel {
    pub(super) fn new(job: Job, now: SystemTime) -> Self {
        JobLabel { day: pki::jst_date(now), job }
    }
}

impl fmt::Display for JobLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MARK}:{}:", self.day.strftime("%Y%m%d"))?;
        match &self.job {
            Job::Renews(serial) => write!(f, "renews:{serial}"),
            Job::First => write!(f, "first"),
            Job::Retires(serial) => write!(f, "retires:{serial}"),
        }
    }
}

/// The label is not one of ours.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a label of ours")]
pub(super) struct NotOurs;

impl FromStr for JobLabel {
    type Err = NotOurs;

    fn from_str(label: &str) -> std::result::Result<Self, NotOurs> {
        let mut parts = label.split(':');
        let mut next = || parts.next().ok_or(NotOurs);
        if next()? != MARK {
            return Err(NotOurs);
        }
        let day = next()?;
        let digits = day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit());
        let day = Date::strptime("%Y%m%d", day).ok().filter(|_| digits).ok_or(NotOurs)?;
        let job = match next()? {
            "first" => Job::First,
            "renews" => Job::Renews(serial(next()?)?),
            "retires" => Job::Retires(serial(next()?)?),
            _ => return Err(NotOurs),
        };
        if parts.next().is_some() { Err(NotOurs) } else { Ok(JobLabel { day, job }) }
    }
}

/// A serial number as we write it: lower-case hexadecimal, an even number of digits; old CAs gave negative ones, which
/// begin with a minus.
fn serial(text: &str) -> std::result::Result<String, NotOurs> {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let digits = text.strip_prefix('-').unwrap_or(text);
    let well_formed = !digits.is_empty() && digits.len().is_multiple_of(2) && digits.bytes().all(hex);
    if well_formed { Ok(text.to_owned()) } else { Err(NotOurs) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_back_as_they_were_written() {
        for text in [
            "usbtoken:20261122:renews:5b83e869",
            "usbtoken:20261122:renews:-5b83",
            "usbtoken:20261122:first",
            "usbtoken:20261122:retires:00",
        ] {
            assert_eq!(text.parse::<JobLabel>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_only_looks_like_ours_is_not() {
        for text in [
            "",
            "usbtoken",
            "usbtoken:",
            "USBTOKEN:20261122:first",
            "usbtoken:20261122",
            "usbtoken:20261322:first",
            "usbtoken:2026112:first",
            "usbtoken:+2026112:first",
            "usbtoken:20261122:First",
            "usbtoken:20261122:renews",
            "usbtoken:20261122:renews:",
            "usbtoken:20261122:renews:5b8",
            "usbtoken:20261122:renews:5B83",
            "usbtoken:20261122:renews:-",
            "usbtoken:20261122:renews:--5b83",
            "usbtoken:20261122:renews:5b83:x",
            "usbtoken:20261122:first ",
            "my usbtoken:20261122:first",
        ] {
            assert_eq!(text.parse::<JobLabel>(), Err(NotOurs), "{text}");
        }
    }
}
