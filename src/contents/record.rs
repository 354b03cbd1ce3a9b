//! The record: whose job a key pair is, and which certificate it renews.
//!
//! Facts tell most of a job: a private key is there, its certificate is not. What facts cannot tell stands in the first
//! 32 bytes of the CKA_LABEL, the same on private key, public key and certificate, given when each is made and never
//! changed: `ut2`, a letter (`p`: a page began the job, `o`: the command or a program), and 28 characters of base64url
//! (RFC 4648 §5) for 21 bytes:
//!
//! | bytes | |
//! |---|---|
//! | 0–1 | the day on which the job began, in Japan, counted from 2020-01-01, big-endian |
//! | 2–9 | the old certificate: the first 8 bytes of H(`usbtoken old 2`, its DER); zero for a first issue |
//! | 10–15 | the caller: the first 6 bytes of H(`usbtoken who 2`, bytes 0–9 and 16–20, the caller) |
//! | 16–20 | random |
//!
//! H is SHA-256 over the tag, a zero byte, and each part after its length in four bytes, big-endian.

use std::borrow::Cow;
use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use jiff::ToSpan as _;
use jiff::civil::Date;
use sha2::{Digest, Sha256};

use crate::error::{Code, Error, Result, Step};
use crate::pki::{Certificate, Name, jst_date};

/// The length of the record in bytes.
const LENGTH: usize = 32;

/// The longest text for people behind the record, in bytes.
const LONGEST_TEXT: usize = 96;

/// The bytes behind the base64url.
const BODY: usize = 21;

/// Day 0 of the record.
const EPOCH: Date = Date::constant(2020, 1, 1);

/// Who began a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The `usbtoken` command.
    Command,
    /// A program that uses the library, by the name that it gives itself.
    Program(String),
    /// A web page, by its serialized origin with the port always written: `https://bank.example:443`.
    Page(String),
}

/// What a label says of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Marking {
    /// It is a record of ours.
    Ours(Record),
    /// A record of a later version: known as such, never touched.
    Newer,
    /// Nothing of ours.
    None,
}

/// By how many days a certificate may begin before its job did.
const BACKDATED: i64 = 7;

/// A record. Equal when the labels are, to the length that counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Record {
    label: Vec<u8>,
    day: Date,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Current { by_page: bool, old: Option<[u8; 8]>, who: [u8; 6], random: [u8; 5] },
    Former(Former),
}

/// The labels of the previous release, `usbtoken:YYYYMMDD:renews:SERIAL`. They name no caller.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Former {
    Renews(String),
    First,
    /// The key of the old certificate with this serial number, half removed.
    Retires(String),
}

impl Record {
    /// A new record for a job that begins on this day in Japan; `old` is the certificate that is renewed.
    ///
    /// # Errors
    /// [`Code::Internal`] when the system has no randomness.
    pub(crate) fn new(day: Date, old: Option<&Certificate>, caller: &Caller) -> Result<Self> {
        let mut random = [0; 5];
        getrandom::fill(&mut random)
            .map_err(|error| Error::new(Code::Internal).during(Step::GenerateKeyPair).caused_by(error))?;
        Ok(Self::with_random(day, old.map(Certificate::der), caller, random))
    }

    fn with_random(day: Date, old: Option<&[u8]>, caller: &Caller, random: [u8; 5]) -> Self {
        let days = (day - EPOCH).get_days().clamp(0, u16::MAX.into());
        let mut body = [0_u8; BODY];
        let [day_0, day_1, rest @ ..] = &mut body;
        // In range by the clamp.
        [*day_0, *day_1] = u16::try_from(days).unwrap_or(u16::MAX).to_be_bytes();
        let old = old.map(old_digest);
        rest[..8].copy_from_slice(&old.unwrap_or_default());
        rest[14..].copy_from_slice(&random);
        let who = who(&body, caller);
        body[10..16].copy_from_slice(&who);
        let by_page = caller.is_page();
        let letter = if by_page { 'p' } else { 'o' };
        let label = format!("ut2{letter}{}", Base64UrlUnpadded::encode_string(&body)).into_bytes();
        Record { label, day, kind: Kind::Current { by_page, old, who, random } }
    }

    /// The record in this label.
    pub(crate) fn in_label(label: &[u8]) -> Option<Self> {
        Marking::of(label).record().cloned()
    }

    /// What goes into CKA_LABEL.
    pub(crate) fn label(&self) -> &[u8] {
        &self.label
    }

    /// The same with a text for people behind it, which says for whom the certificate was asked. It does not count, and a
    /// token that refuses the longer label gets the record alone.
    pub(crate) fn label_for(&self, subject: &Name) -> Option<Vec<u8>> {
        let text = text_for(subject)?;
        Some([&self.label, &b" "[..], text.as_bytes()].concat())
    }

    /// The text behind the record in this label of its key.
    pub(crate) fn text_in<'l>(&self, label: &'l [u8]) -> Option<Cow<'l, str>> {
        let text = label.strip_prefix(self.label.as_slice())?.strip_prefix(b" ")?;
        let end = text.iter().rposition(|byte| !matches!(byte, 0 | b' '))?;
        text.get(..=end).map(String::from_utf8_lossy)
    }

    /// Whether a certificate may be the answer to this job: it begins no earlier than the job, but for what clocks and CAs are
    /// off. One that was there before says that the record was copied.
    pub(crate) fn may_be_answered_by(&self, certificate: &Certificate) -> bool {
        let begins = jst_date(certificate.not_before());
        begins.checked_add(BACKDATED.days()).is_ok_and(|latest| latest >= self.day)
    }

    /// The day on which the job began, in Japan.
    pub(crate) fn day(&self) -> Date {
        self.day
    }

    /// Whether the job is a first issue, which renews nothing.
    pub(crate) fn is_first(&self) -> bool {
        matches!(self.kind, Kind::Current { old: None, .. } | Kind::Former(Former::First))
    }

    /// Whether the job is the removal of an old credential, as the previous release marked it.
    pub(crate) fn is_removal(&self) -> bool {
        matches!(self.kind, Kind::Former(Former::Retires(_)))
    }

    /// Whether this may be the certificate that the job renews or, in the previous release, retires. Of a record of that
    /// release only the serial number is known, which is unique for one issuer.
    pub(crate) fn concerns(&self, certificate: &Certificate) -> bool {
        match &self.kind {
            Kind::Current { old, .. } => *old == Some(old_digest(certificate.der())),
            Kind::Former(Former::Renews(serial) | Former::Retires(serial)) => {
                certificate.serial().to_string() == *serial
            }
            Kind::Former(Former::First) => false,
        }
    }

    /// The digest of the old certificate; `None`: a first issue, or a record of the previous release.
    pub(super) fn digest(&self) -> Option<[u8; 8]> {
        match self.kind {
            Kind::Current { old, .. } => old,
            Kind::Former(_) => None,
        }
    }

    /// Whether it names the old certificate by a digest, which no other one has.
    pub(super) fn names_by_digest(&self) -> bool {
        self.digest().is_some()
    }

    /// The serial number that a record of the previous release names.
    pub(crate) fn serial(&self) -> Option<&str> {
        match &self.kind {
            Kind::Former(Former::Renews(serial) | Former::Retires(serial)) => Some(serial),
            _ => None,
        }
    }

    /// Whether this caller began the job. Those of the previous release belong to no page.
    pub(crate) fn is_by(&self, caller: &Caller) -> bool {
        match &self.kind {
            Kind::Current { by_page, old, who: known, random } => {
                let days = (self.day - EPOCH).get_days();
                let mut body = [0_u8; BODY];
                body[..2].copy_from_slice(&u16::try_from(days).unwrap_or(u16::MAX).to_be_bytes());
                body[2..10].copy_from_slice(&old.unwrap_or_default());
                body[16..].copy_from_slice(random);
                *by_page == caller.is_page() && *known == who(&body, caller)
            }
            Kind::Former(_) => !caller.is_page(),
        }
    }

    /// Whether the previous release wrote it, which kept no caller.
    pub(crate) fn is_former(&self) -> bool {
        matches!(self.kind, Kind::Former(_))
    }

    /// Whether a page began the job.
    pub(crate) fn is_by_page(&self) -> bool {
        matches!(self.kind, Kind::Current { by_page: true, .. })
    }
}

impl Caller {
    fn is_page(&self) -> bool {
        matches!(self, Caller::Page(_))
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Caller::Command => f.write_str("command"),
            Caller::Program(name) => write!(f, "program:{name}"),
            Caller::Page(origin) => write!(f, "origin:{origin}"),
        }
    }
}

impl Marking {
    /// Reads a label. Tokens pad with blanks or zero bytes, and a text for people may follow the record.
    pub(crate) fn of(label: &[u8]) -> Self {
        let end = label.iter().rposition(|byte| !matches!(byte, 0 | b' ')).map_or(0, |last| last + 1);
        let stripped = label.get(..end).unwrap_or_default();
        match stripped {
            [b'u', b't', b'2', ..] => current(stripped).map_or(Marking::None, Marking::Ours),
            [b'u', b't', b'3'..=b'9', ..] => Marking::Newer,
            // The previous release took no padding for its own.
            _ => former(label).map_or(Marking::None, Marking::Ours),
        }
    }

    /// The record, where it is one of ours.
    pub(crate) fn record(&self) -> Option<&Record> {
        match self {
            Marking::Ours(record) => Some(record),
            Marking::Newer | Marking::None => None,
        }
    }
}

fn current(label: &[u8]) -> Option<Record> {
    let (record, text) = label.split_at_checked(LENGTH)?;
    let [_, _, _, letter @ (b'p' | b'o'), encoded @ ..] = record else { return None };
    if !matches!(text.first(), None | Some(b' ')) {
        return None;
    }
    let mut body = [0_u8; BODY];
    let decoded = Base64UrlUnpadded::decode(encoded, &mut body).ok()?;
    if decoded.len() != BODY {
        return None;
    }
    let [day_0, day_1, rest @ ..] = body;
    let days = i64::from(u16::from_be_bytes([day_0, day_1]));
    let day = EPOCH.checked_add(jiff::Span::new().days(days)).ok()?;
    let old: [u8; 8] = rest.get(..8)?.try_into().ok()?;
    let kind = Kind::Current {
        by_page: *letter == b'p',
        old: (old != [0; 8]).then_some(old),
        who: rest.get(8..14)?.try_into().ok()?,
        random: rest.get(14..)?.try_into().ok()?,
    };
    Some(Record { label: record.to_vec(), day, kind })
}

/// The grammar is strict, so that a key of somebody else is not taken for ours because its label looks similar.
fn former(label: &[u8]) -> Option<Record> {
    let text = std::str::from_utf8(label).ok()?;
    let mut parts = text.split(':');
    if parts.next()? != "usbtoken" {
        return None;
    }
    let day = parts.next()?;
    let digits = day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit());
    let day = Date::strptime("%Y%m%d", day).ok().filter(|_| digits)?;
    let former = match parts.next()? {
        "first" => Former::First,
        "renews" => Former::Renews(serial(parts.next()?)?),
        "retires" => Former::Retires(serial(parts.next()?)?),
        _ => return None,
    };
    let record = Record { label: label.to_vec(), day, kind: Kind::Former(former) };
    parts.next().is_none().then_some(record)
}

/// A serial number as the previous release wrote it: lower-case hexadecimal, an even number of digits, and a minus
/// before a negative one.
fn serial(text: &str) -> Option<String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let well_formed = !digits.is_empty() && digits.len().is_multiple_of(2) && digits.bytes().all(hex);
    well_formed.then(|| text.to_owned())
}

/// What of a subject is shown for the whole: the common name, as far as every token keeps it.
pub(crate) fn text_for(subject: &Name) -> Option<String> {
    let mut text: String = subject.common_name()?.chars().filter(|c| !c.is_control()).collect();
    while text.len() > LONGEST_TEXT {
        text.pop();
    }
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

pub(super) fn old_digest(der: &[u8]) -> [u8; 8] {
    first(digest("usbtoken old 2", &[der]))
}

/// Mixed with the job's own bytes, so that no origin can be searched for that fits the jobs of others.
fn who(body: &[u8; BODY], caller: &Caller) -> [u8; 6] {
    let job = [&body[..10], &body[16..]].concat();
    first(digest("usbtoken who 2", &[&job, caller.to_string().as_bytes()]))
}

fn digest(tag: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new_with_prefix(tag);
    digest.update([0]);
    for part in parts {
        // No part of ours is near 4 GiB.
        digest.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

fn first<const N: usize>(digest: [u8; 32]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&digest[..N]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Date = Date::constant(2026, 11, 26);
    const OLD: [u8; 5] = [0x30, 0x03, 0x02, 0x01, 0x05];

    fn page() -> Caller {
        Caller::Page("https://bank.example:443".into())
    }

    fn ours(label: &[u8]) -> Record {
        match Marking::of(label) {
            Marking::Ours(record) => record,
            other => panic!("{:?}: {other:?}", String::from_utf8_lossy(label)),
        }
    }

    #[test]
    fn records_are_made_and_read_byte_by_byte() {
        let program = Caller::Program("証明書発行アプリ".into());
        for (label, old, caller) in [
            ("ut2oCdkmc5xQL1FejSvvfVmXjwECAwQF", Some(&OLD[..]), Caller::Command),
            ("ut2pCdkmc5xQL1FejVgDTAhV2QECAwQF", Some(&OLD[..]), page()),
            ("ut2pCdkAAAAAAAAAADGwU-qaJgECAwQF", None, page()),
            ("ut2oCdkmc5xQL1FejYVLEZcrTgECAwQF", Some(&OLD[..]), program),
        ] {
            let made = Record::with_random(DAY, old, &caller, [1, 2, 3, 4, 5]);
            assert_eq!(String::from_utf8_lossy(made.label()), label);
            let read = ours(label.as_bytes());
            assert_eq!(read, made);
            assert_eq!((read.day(), read.is_first()), (DAY, old.is_none()));
            assert!(read.is_by(&caller));
            for other in [Caller::Command, page(), Caller::Page("https://other.example:443".into())] {
                assert_eq!(read.is_by(&other), other == caller, "{label} {other}");
            }
            assert_eq!(read.is_by_page(), caller == page());
        }
    }

    #[test]
    fn what_follows_the_record_does_not_count() {
        let plain = ours(b"ut2oCdkmc5xQL1FejYVLEZcrTgECAwQF");
        for label in [
            "ut2oCdkmc5xQL1FejYVLEZcrTgECAwQF 営業部".as_bytes(),
            b"ut2oCdkmc5xQL1FejYVLEZcrTgECAwQF   ",
            b"ut2oCdkmc5xQL1FejYVLEZcrTgECAwQF\0\0",
            b"ut2oCdkmc5xQL1FejYVLEZcrTgECAwQF \x82\xa0",
        ] {
            assert_eq!(ours(label), plain);
        }
        for label in [
            &b"ut2oCdkmc5xQL1FejYVLEZcrTgECAwQFx"[..],
            b"ut2oCdkmc5xQL1FejYVLEZcrTgECAwQ",
            b"ut2xCdkmc5xQL1FejYVLEZcrTgECAwQF",
            b"ut2oCdkmc5xQL1FejYVLEZcrTgECAw+F",
            b"UT2oCdkmc5xQL1FejYVLEZcrTgECAwQF",
            b" ut2oCdkmc5xQL1FejYVLEZcrTgECAwQF",
            b"ut1oCdkmc5xQL1FejYVLEZcrTgECAwQF",
        ] {
            assert_eq!(Marking::of(label), Marking::None, "{:?}", String::from_utf8_lossy(label));
        }
    }

    #[test]
    fn a_later_version_is_known_and_not_read() {
        assert_eq!(Marking::of(b"ut3oCdkmc5xQL1FejYVLEZcrTgECAwQF"), Marking::Newer);
        assert_eq!(Marking::of(b"ut9"), Marking::Newer);
        assert_eq!(Marking::of(b"utX"), Marking::None);
    }

    #[test]
    fn labels_of_the_previous_release_are_read() {
        for text in [
            "usbtoken:20261122:renews:5b83e869",
            "usbtoken:20261122:renews:-05",
            "usbtoken:20261122:first",
            "usbtoken:20261122:retires:00",
        ] {
            let record = ours(text.as_bytes());
            assert_eq!(record.label(), text.as_bytes());
            assert_eq!(record.day(), Date::constant(2026, 11, 22));
            assert!(record.is_by(&Caller::Command) && !record.is_by(&page()));
        }
        assert_eq!(ours(b"usbtoken:20261122:renews:-05").serial(), Some("-05"));
        assert!(ours(b"usbtoken:20261122:retires:00").is_removal());
        assert!(ours(b"usbtoken:20261122:first").is_first());
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
            "usbtoken:20261122:renews:-",
            "usbtoken:20261122:renews:--05",
            "usbtoken:20261122:renews:5b8",
            "usbtoken:20261122:renews:5B83",
            "usbtoken:20261122:renews:5b83:x",
            "usbtoken:20261122:first ",
            "my usbtoken:20261122:first",
        ] {
            assert_eq!(Marking::of(text.as_bytes()), Marking::None, "{text}");
        }
    }
}
