//! In which order the credentials of a row go, and who follows whom in it.

use super::*;
use crate::error::Fact;
use std::time::Duration;

fn text(label: &[u8]) -> &str {
    std::str::from_utf8(label).unwrap()
}

/// Four that follow each other, each with a key whose record names the one before it.
struct Row {
    certificates: [Certificate; 4],
    made: Made,
}

const IDS: [&[u8]; 4] = [b"a", b"b", b"c", b"d"];

fn row(names: [&str; 4], days: [u64; 4], change: impl Fn(usize, &mut Made)) -> Row {
    let ca = TestCa::new();
    let keys = [key(), key(), key(), key()];
    let serials = [1, 2, 3, 4];
    // One moment for all: as many days are the same second.
    let begin = days_from_now(0);
    let certificates = [0, 1, 2, 3].map(|at: usize| {
        let subject = NameDer::new().common(Text::Utf8, names[at]).to_der();
        let end = begin + Duration::from_secs(24 * 60 * 60 * days[at]);
        let der = ca.issue(&subject, &keys[at].1).not_after(end).serial(&[serials[at]]).der();
        Certificate::from_der(&der).unwrap()
    });
    let mut made = Made::default();
    for (at, one) in certificates.iter().enumerate() {
        let record = at.checked_sub(1).map(|before| record_for(Some(&certificates[before])));
        let label = record.as_ref().map_or(&b"x"[..], Record::label);
        let number = u32::try_from(10 * (at + 1)).unwrap();
        made = made.certificate(number, IDS[at], "x", one.der());
        made = made.pair(number + 1, IDS[at], label, &keys[at].0);
        change(at, &mut made);
    }
    Row { certificates, made }
}

impl Row {
    /// What has to go before the third, by the removal of that one.
    fn before_the_third(&self, begun: Option<&Certificate>) -> Option<String> {
        let mut contents = self.made.contents();
        let third = of(&contents, &self.certificates[2]);
        let follower = contents.followers(&self.made, third.certificate()).unwrap().remove(0);
        let is_begun = |one: &Certificate| Some(one) == begun;
        let plan = contents.retirement(&self.made, &third, &follower, false, OfCopies::Chosen, &is_begun);
        let error = plan.map(|_| ()).unwrap_err();
        assert_eq!(error.code(), Code::RetireOlderFirst, "{error}");
        error.facts().find(|(fact, _)| *fact == Fact::Older).map(|(_, value)| value.to_owned())
    }
}

const ONE: [&str; 4] = ["A", "A", "A", "A"];
const DAYS: [u64; 4] = [5, 11, 100, 376];

/// The name of the oldest is told, whose removal can be asked for next.
#[test]
fn the_oldest_of_a_row_goes_first() {
    assert_eq!(row(ONE, DAYS, |_, _| {}).before_the_third(None).as_deref(), Some("01"));
    // Another holder's certificate stands in no row of this one.
    assert_eq!(row(["B", "A", "A", "A"], DAYS, |_, _| {}).before_the_third(None).as_deref(), Some("02"));
    // OpenSC reports the public half of another key: it is asked all the same.
    let told_wrongly = row(ONE, DAYS, |at, made| {
        if at == 0 {
            made.private[0].public_key = Some(key().0);
            made.public.clear();
        }
    });
    assert_eq!(told_wrongly.before_the_third(None).as_deref(), Some("01"));
}

/// A certificate without a key is another program's copy, unless its removal has begun here.
#[test]
fn a_copy_of_an_older_one_holds_nothing_up() {
    let copied = row(ONE, DAYS, |at, made| {
        if at == 0 {
            made.private.clear();
            made.public.clear();
        }
    });
    assert_eq!(copied.before_the_third(None).as_deref(), Some("02"));
    assert_eq!(copied.before_the_third(Some(&copied.certificates[0])).as_deref(), Some("01"));
}

/// Records are labels, which anybody with the PIN can write: two that name each other make no endless row.
#[test]
fn records_that_name_each_other_come_to_an_end() {
    for ends in [[11, 11, 100, 376], [20, 11, 100, 376]] {
        let mut circle = row(ONE, ends, |_, _| {});
        let back = record_for(Some(&circle.certificates[1]));
        circle.made.private[0].label = made_up::private_key(1, b"", back.label(), None).label;
        assert_eq!(circle.before_the_third(None).as_deref(), Some("02"));
    }
}

/// The key was used again: the older certificate has no key of its own to be known by.
#[test]
fn an_older_certificate_of_the_same_key_goes_first() {
    let ca = TestCa::new();
    let (shared, new) = (key(), key());
    let older = named(&ca, "A", &shared.1, 5, 1);
    let old = named(&ca, "A", &shared.1, 11, 2);
    let follows = named(&ca, "A", &new.1, 376, 3);
    let record = record_for(Some(&old));
    let made = Made::default()
        .certificate(1, b"old", "bank", older.der())
        .certificate(2, b"old", "bank", old.der())
        .pair(3, b"old", b"bank", &shared.0)
        .certificate(11, b"new", text(record.label()), follows.der())
        .pair(12, b"new", record.label(), &new.0);
    let mut contents = made.contents();
    let follower = contents.followers(&made, &old).unwrap().remove(0);
    let credential = of(&contents, &old);
    let plan = contents.retirement(&made, &credential, &follower, false, OfCopies::Chosen, &|_| false);
    let error = plan.map(|_| ()).unwrap_err();
    assert_eq!(error.code(), Code::RetireOlderFirst);
    assert!(error.facts().any(|(fact, value)| fact == Fact::Older && value == "01"), "{error}");
}

/// For other programs a certificate under another identifier than its key is no pair, and the old one may be the only one that is.
#[test]
fn a_follower_that_is_not_beside_its_key_is_named_first() {
    let bank = Bank::new();
    let label = text(bank.record.label());
    let plan = |made: &Made, by_name| {
        let mut contents = made.contents();
        let follower = contents.followers(made, &bank.old).unwrap().remove(0);
        let old = of(&contents, &bank.old);
        let plan = contents.retirement(made, &old, &follower, by_name, OfCopies::Chosen, &|_| false);
        plan.map(|plan| plan.with_key).map_err(|error| error.code())
    };
    let moved = bank.waiting().certificate(11, b"far", label, bank.new.der());
    assert_eq!(plan(&moved, false), Err(Code::SuccessorNotBesideKey));
    assert_eq!(plan(&moved, true), Ok(true));
    assert_eq!(plan(&bank.renewed(), false), Ok(true));
    // A copy elsewhere does not count where one is beside the key.
    let copied = bank.renewed().certificate(91, b"far", label, bank.new.der());
    assert_eq!(plan(&copied, false), Ok(true));
}

/// The record on the key says in whose place a certificate came; one of a first issue came in nobody's.
#[test]
fn a_first_certificate_follows_nobody_whatever_its_name() {
    let ca = TestCa::new();
    let keys = [key(), key(), key()];
    let old = named(&ca, "A", &keys[0].1, 11, 5);
    let strange = named(&ca, "B", &keys[1].1, 11, 6);
    let new = named(&ca, "B", &keys[2].1, 376, 7);
    let follows_another = |label: &[u8]| {
        let made = Made::default()
            .certificate(1, b"old", "x", old.der())
            .pair(2, b"old", b"x", &keys[0].0)
            .certificate(11, b"strange", "x", strange.der())
            .pair(12, b"strange", b"x", &keys[1].0)
            .certificate(21, b"new", "x", new.der())
            .pair(22, b"new", label, &keys[2].0);
        let mut contents = made.contents();
        let new = of(&contents, &new);
        contents.follows_another_holders(&made, &new, &old).unwrap()
    };
    assert!(follows_another(record_for(Some(&strange)).label()));
    assert!(!follows_another(record_for(Some(&old)).label()));
    assert!(!follows_another(record_for(None).label()));
    assert!(!follows_another(b"usbtoken:20261101:first"));
    // The key was to be removed by the previous release: its record says whose removal it was.
    assert!(!follows_another(b"usbtoken:20261101:retires:06"));
    assert!(!follows_another(b"x"));
}

/// Certificates for one key: of one holder, by one CA.
#[test]
fn of_one_key_the_later_one_follows_by_its_holder_and_its_ca() {
    let (ca, other_ca) = (TestCa::new(), NameDer::new().common(Text::Utf8, "ANOTHER CA").to_der());
    let shared = key();
    let old = named(&ca, "A", &shared.1, 11, 1);
    let issued = |name: &str, of_another: bool| {
        let subject = NameDer::new().common(Text::Utf8, name).to_der();
        let new = ca.issue(&subject, &shared.1).not_after(days_from_now(376)).serial(&[2]);
        let new = if of_another { new.issuer(&other_ca) } else { new };
        Certificate::from_der(&new.der()).unwrap()
    };
    let followers = |new: &Certificate, id: &[u8], label: &str| {
        let made = Made::default()
            .certificate(1, b"old", "bank", old.der())
            .pair(2, b"old", b"bank", &shared.0)
            .certificate(11, id, label, new.der());
        made.contents().followers(&made, &old).unwrap().len()
    };
    assert_eq!(followers(&issued("A", false), b"old", "bank"), 1);
    assert_eq!(followers(&issued("A", false), b"far", "x"), 1, "the same holder");
    assert_eq!(followers(&issued("A", true), b"far", "x"), 0, "of another CA");
    assert_eq!(followers(&issued("A", true), b"old", "bank"), 0, "in its place, and of another CA");
    assert_eq!(followers(&issued("B", false), b"old", "bank"), 0, "in its place, and in another name");
    assert_eq!(followers(&issued("B", false), b"far", "x"), 0);
    assert_eq!(followers(&issued("B", true), b"far", "bank"), 0);
}
