//! What a CA does of its own accord: when its certificates begin, what it makes of the subject, how long it takes.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use der::DateTime;

use super::name::{NameDer, Text};

/// How a test CA behaves with every request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Behaviour {
    /// When its certificates begin.
    pub begin: Begin,
    /// What it makes of the subject in the request.
    pub naming: Naming,
    /// So long it takes before it issues: the certificate begins that much later than the request was made.
    pub late: Duration,
    /// So long it takes after it has issued, until the answer is there.
    pub slow: Duration,
}

/// When a certificate begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Begin {
    /// In the second in which it is issued.
    #[default]
    Now,
    /// An hour before, as CAs do that want every clock to take it.
    Backdated,
    /// So much later: the CA's clock is ahead of ours, or it issues for tomorrow.
    Ahead(Duration),
}

/// What becomes of the subject in the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// It stays, byte for byte.
    #[default]
    Kept,
    /// The same characters in other string types: UTF8String becomes PrintableString where it can, and the other
    /// way round.
    Recoded,
    /// The common name is the CA's: the minute of issue and a number, as the bank's manual shows it.
    OwnCommonName,
    /// That, and the unit that names the CA's generation (`… - G4`) has gone on by one.
    NewGeneration,
}

impl Begin {
    /// When a certificate begins that is issued now.
    pub fn moment(self) -> SystemTime {
        let now = SystemTime::now();
        match self {
            Begin::Now => now,
            Begin::Backdated => now - Duration::from_secs(60 * 60),
            Begin::Ahead(span) => now + span,
        }
    }
}

impl FromStr for Begin {
    type Err = String;

    /// `now`, `backdated`, or how far ahead: `30s`, `5m`, `1d`.
    fn from_str(text: &str) -> Result<Self, String> {
        let seconds = |number: &str, each: u64| {
            let number: u64 = number.parse().map_err(|_| format!("no number: {number}"))?;
            let seconds = number.checked_mul(each).ok_or(format!("too far ahead: {text}"))?;
            Ok(Begin::Ahead(Duration::from_secs(seconds)))
        };
        match text {
            "now" => Ok(Begin::Now),
            "backdated" => Ok(Begin::Backdated),
            _ => match text.split_at_checked(text.len().saturating_sub(1)) {
                Some((number, "s")) => seconds(number, 1),
                Some((number, "m")) => seconds(number, 60),
                Some((number, "d")) => seconds(number, 24 * 60 * 60),
                _ => Err(format!("neither `now` nor `backdated` nor a span such as `5m`: {text}")),
            },
        }
    }
}

impl Naming {
    const ALL: [Naming; 4] = [Naming::Kept, Naming::Recoded, Naming::OwnCommonName, Naming::NewGeneration];

    /// The subject of the certificate, from that of the request; both in DER.
    pub fn apply(self, subject: &[u8]) -> Vec<u8> {
        let own_common_name = || NameDer::from_der(subject).with_common(common_name_of_the_minute);
        let name = match self {
            Naming::Kept => return subject.to_vec(),
            Naming::Recoded => NameDer::from_der(subject).recoded(),
            Naming::OwnCommonName => own_common_name(),
            Naming::NewGeneration => own_common_name().with_units(next_generation),
        };
        name.to_der()
    }
}

impl fmt::Display for Naming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Naming::Kept => "kept",
            Naming::Recoded => "recoded",
            Naming::OwnCommonName => "own-common-name",
            Naming::NewGeneration => "new-generation",
        })
    }
}

impl FromStr for Naming {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = Naming::ALL.into_iter();
        all.clone().find(|naming| naming.to_string() == text).ok_or(format!("no way to name: {text}"))
    }
}

/// `login031 A001 202003041536 3656560435`: the customer, the minute of issue, a number.
fn common_name_of_the_minute(old: &str) -> (Text, String) {
    let customer: Vec<&str> = old.split(' ').take(2).collect();
    let now = DateTime::from_system_time(SystemTime::now()).expect("a year that certificates can express");
    let (year, month, day) = (now.year(), now.month(), now.day());
    let minute = format!("{year:04}{month:02}{day:02}{:02}{:02}", now.hour(), now.minutes());
    let mut random = [0; 4];
    getrandom::fill(&mut random).expect("random bytes");
    let number = u32::from_be_bytes(random);
    (Text::Printable, format!("{} {minute} {number:010}", customer.join(" ")))
}

/// `… - G4` becomes `… - G5`; other units stay.
fn next_generation(unit: &str) -> Option<String> {
    let (before, number) = unit.rsplit_once(" - G")?;
    let number: u32 = number.parse().ok()?;
    Some(format!("{before} - G{}", number + 1))
}
