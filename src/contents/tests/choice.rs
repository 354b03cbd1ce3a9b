//! The choice among credentials: by identifier, serial number and window, and why there is none.

use std::time::SystemTime;

use super::*;
use crate::contents::{Credentials, Renewable, WhyUnreadable};
use crate::error::Fact;
use crate::pki::{Closing, Window};

fn now() -> SystemTime {
    days_from_now(0)
}

/// Credentials that end in so many days, each with its key, under the identifiers a, b, c…
fn ending(days: &[i64]) -> Made {
    let ca = TestCa::new();
    let mut made = Made::default();
    for ((at, days), id) in (1_u8..).zip(days).zip(b'a'..) {
        let (public, spki) = key();
        let spki = certificate(&ca, &spki, *days, &[0x0a, at]);
        let number = 10 * u32::from(at);
        made = made.certificate(number, &[id], "label", spki.der()).pair(number + 1, &[id], b"x", &public);
    }
    made
}

fn ids(credentials: &Credentials) -> Vec<&[u8]> {
    credentials.iter().map(super::super::Credential::id).collect()
}

fn candidates(error: &Error) -> Vec<&str> {
    error.facts().filter(|(fact, _)| *fact == Fact::Candidate).map(|(_, value)| value).collect()
}

#[test]
fn by_identifier_and_serial_number() {
    let made = ending(&[11, 300]);
    let all = || made.contents().credentials();
    assert_eq!(ids(&all()), [b"a", b"b"]);
    assert_eq!(ids(&all().by_id(b"b")), [b"b"]);
    assert!(all().by_id(b"c").is_empty() && !all().is_empty());
    for serial in ["0a02", "A02", "a02", "000A02"] {
        assert_eq!(ids(&all().by_serial(serial)), [b"b"], "{serial}");
    }
    assert!(all().by_serial("0a03").is_empty());
    let one = all().by_id(b"a").only().unwrap();
    assert_eq!((one.label(), one.days_left(now())), ("label", 11));
    assert_eq!(all().by_id(b"c").only().unwrap_err().code(), Code::CredentialNotFound);
    let ambiguous = all().only().unwrap_err();
    assert_eq!(ambiguous.code(), Code::CredentialAmbiguous);
    let (subject, candidates) = (one.subject(), candidates(&ambiguous));
    assert_eq!(
        candidates,
        [format!("{subject} (serial 0A01, id 61)"), format!("{subject} (serial 0A02, id 62)")].map(|text| {
            if one.certificate().serial().to_string() == "0a01" { text.replace("0A", "0a") } else { text }
        })
    );
}

#[test]
fn what_cannot_be_read_is_the_answer_only_where_nothing_else_is() {
    let made = ending(&[11]).certificate(91, b"z", "broken", b"\x31");
    let all = || made.contents().credentials();
    let unreadable = |credentials: Credentials| credentials.unreadable().len();
    assert_eq!(unreadable(all()), 1);
    assert_eq!((unreadable(all().by_id(b"a")), unreadable(all().by_id(b"z"))), (0, 1));
    assert_eq!(unreadable(all().by_serial("ff")), 0);
    assert_eq!(unreadable(all().renewable(Window::default(), now())), 0);
    assert_eq!(all().by_id(b"z").only().unwrap_err().code(), Code::CredentialUnreadable);

    let alone = Made::default().certificate(91, b"z", "broken", b"\x31").contents().credentials();
    let error = alone.by_serial("ff").renewable(Window::default(), now()).only().unwrap_err();
    assert_eq!(error.code(), Code::CredentialUnreadable);
    assert_eq!(candidates(&error), ["id 7a, label \"broken\", 1 bytes"]);
    let none = Made::default().contents().credentials();
    assert_eq!(none.only().unwrap_err().code(), Code::CredentialNotFound);
    let names = [WhyUnreadable::Truncated, WhyUnreadable::NotACertificate, WhyUnreadable::NotGiven];
    assert_eq!(names.map(|one| one.to_string()), ["truncated", "not_a_certificate", "not_given"]);
}

fn state(made: &Made, id: &[u8]) -> Renewable {
    let mut contents = made.contents();
    contents.prove_successors(made).unwrap();
    contents.credentials().by_id(id).iter().next().unwrap().renewable(Window::default(), now())
}

#[test]
fn whether_a_credential_can_be_renewed() {
    let made = ending(&[11, 300, -3]);
    for (id, expected, code) in [
        (b"a", Renewable::Yes, None),
        (b"b", Renewable::NotYet, Some(Code::NotYetRenewable)),
        (b"c", Renewable::Expired, Some(Code::Expired)),
    ] {
        assert_eq!(state(&made, id), expected);
        assert_eq!(expected.code(), code);
        let credentials = made.contents().credentials().by_id(id).renewable(Window::default(), now());
        assert_eq!(credentials.is_empty(), code.is_some());
        assert_eq!(credentials.only().map_err(|error| error.code()).err(), code);
    }
    let closed = Window { closes: Closing::HoursBefore(24 * 30), ..Window::default() };
    let error = made.contents().credentials().by_id(b"a").renewable(closed, now()).only().unwrap_err();
    assert_eq!(error.code(), Code::RenewalClosed);
    assert_eq!(Renewable::Closed.code(), Some(Code::RenewalClosed));

    let mut keyless = ending(&[11]);
    keyless.private.clear();
    assert_eq!(state(&keyless, b"a"), Renewable::KeyMissing);
    let error = keyless.contents().credentials().renewable(Window::default(), now()).only().unwrap_err();
    assert_eq!(error.code(), Code::KeyMissing);
    assert_eq!(Renewable::KeyMissing.code(), Some(Code::KeyMissing));
}

/// What is only said decides nothing; what is proven does.
#[test]
fn one_that_is_renewed_is_not_renewed_again() {
    let bank = Bank::new();
    let mut made = bank.renewed();
    let renewable = |made: &Made| {
        let mut contents = made.contents();
        contents.prove_successors(made).unwrap();
        contents.credentials().renewable(Window::default(), now())
    };
    assert_eq!(state(&made, b"old"), Renewable::Renewed);
    let error = renewable(&made).only().unwrap_err();
    assert_eq!(error.code(), Code::AlreadyRenewed);
    assert_eq!(candidates(&error), [format!("{} (serial 06)", bank.new.subject())], "the successor alone");
    assert_eq!(ids(&made.contents().credentials().without_successor()), [b"new"]);

    made.refuses.push(12);
    assert_eq!(state(&made, b"old"), Renewable::SaidRenewed);
    assert_eq!(renewable(&made).only().unwrap().id(), b"old");
    assert_eq!(Renewable::SaidRenewed.code(), Some(Code::AlreadyRenewed));
}

/// Of several reasons the one that matters most, the others beside it.
#[test]
fn why_none_can_be_renewed() {
    let none = |made: &Made| {
        let mut contents = made.contents();
        contents.prove_successors(made).unwrap();
        contents.credentials().renewable(Window::default(), now()).only().unwrap_err()
    };
    let id = |error: &Error| {
        let id = error.facts().find(|(fact, _)| *fact == Fact::Id).unwrap();
        id.1.to_owned()
    };
    // Of two that are not yet due the one that is due first; of two that have ended the one that ended last.
    for days in [[200, 100], [-90, -3]] {
        assert_eq!(id(&none(&ending(&days))), "62", "{days:?}");
        assert_eq!(id(&none(&ending(&[days[1], days[0]]))), "61", "{days:?}");
    }
    for days in [[-3, 100], [-300, 300]] {
        let error = none(&ending(&days));
        assert_eq!((error.code(), id(&error).as_str()), (Code::NotYetRenewable, "62"));
        let others = candidates(&error);
        assert_eq!(others.len(), 1);
        assert!(others[0].ends_with("id 61): expired"), "{others:?}");
    }
    // One that has ended before one that has no key.
    let mut made = ending(&[11, -3]);
    made.private.retain(|key| key.id != b"a");
    let error = none(&made);
    assert_eq!((error.code(), id(&error).as_str()), (Code::Expired, "62"));
    assert!(candidates(&error)[0].ends_with(": key_missing"));
    // One that is renewed before everything.
    let bank = Bank::new();
    let mut made = bank.renewed();
    let other = ending(&[60, -3]);
    made.certificates.splice(0..0, other.certificates);
    made.private.extend(other.private);
    made.public.extend(other.public);
    assert_eq!(none(&made).code(), Code::AlreadyRenewed);
}
