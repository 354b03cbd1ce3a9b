//! What goes, what stays, and what stops a removal.

use super::*;
use crate::contents::{Credential, Meant, PendingKey};
use crate::error::Fact;

fn waiting(made: &Made) -> PendingKey {
    let mut pending = made.contents().pending(made).unwrap();
    assert_eq!(pending.len(), 1, "{pending:?}");
    pending.remove(0)
}

fn half(made: &mut Made, number: u32, id: &[u8], label: &[u8], key: &PublicKey) {
    made.public.push(made_up::public_key(number, id, label, key.clone()));
}

/// What goes with the only key that waits.
fn abandoned(made: &Made, meant: Meant<'_>) -> Result<Vec<String>> {
    let pending = waiting(made);
    Ok(made.contents().abandonment(made, &pending, meant)?.planned())
}

/// What goes with the old credential.
fn retired(made: &Made, bank: &Bank) -> Result<Vec<String>> {
    let mut contents = made.contents();
    let followers = contents.followers(made, &bank.old)?;
    let credentials = contents.credentials();
    let old: Vec<&Credential> = credentials.iter().filter(|one| one.certificate() == &bank.old).collect();
    Ok(contents
        .retirement(made, old[0], &followers[0], false, OfCopies::Chosen, &|_| false)?
        .removal
        .planned())
}

fn reason(error: &Error) -> Option<&str> {
    error.facts().find(|(fact, _)| *fact == Fact::Reason).map(|(_, value)| value)
}

const PAIR: [&str; 2] = ["public ObjectHandle(13)", "private ObjectHandle(12)"];

/// Some drivers give the beginning of a label. It may be ours: a person has to say so.
#[test]
fn a_public_key_whose_label_came_in_part_stops_the_removal() {
    let bank = Bank::new();
    let label = bank.record.label();
    for cut in [&label[..31], &label[..1], b""] {
        let mut made = bank.waiting();
        half(&mut made, 41, b"new", cut, bank.new.public_key());
        assert_eq!(abandoned(&made, Meant::Listed).unwrap_err().code(), Code::RemovalDoubtful, "{cut:?}");
        assert_eq!(abandoned(&made, Meant::Named).unwrap(), PAIR, "{cut:?}");
    }
    // Under another identifier it is a copy, and one with another label is too.
    let mut made = bank.waiting();
    half(&mut made, 41, b"copy", &label[..20], bank.new.public_key());
    half(&mut made, 42, b"new", b"copy", bank.new.public_key());
    assert_eq!(abandoned(&made, Meant::Listed).unwrap(), PAIR);
}

/// One with the key's own identifier is what an interrupted creation has left, and goes along; under another identifier
/// nobody knows what it is.
#[test]
fn a_public_key_with_our_record_that_cannot_be_read_goes_or_stops_the_removal() {
    let bank = Bank::new();
    let mut made = bank.waiting();
    half(&mut made, 41, b"new", bank.record.label(), bank.new.public_key());
    made.public.last_mut().unwrap().public_key = None;
    let with_half = [&["half ObjectHandle(41)".to_owned()], &PAIR.map(str::to_owned)[..]].concat();
    assert_eq!(abandoned(&made, Meant::Listed).unwrap(), with_half);
    made.public.last_mut().unwrap().id = b"other".to_vec();
    assert_eq!(abandoned(&made, Meant::Listed).unwrap_err().code(), Code::RemovalDoubtful);
    assert_eq!(abandoned(&made, Meant::Named).unwrap(), PAIR);
}

/// A public key with another record may be another job's: the name of a person decides, and it stays even then.
#[test]
fn a_public_key_with_another_record_stops_the_removal() {
    let bank = Bank::new();
    let mut made = bank.waiting();
    half(&mut made, 41, b"other", record_for(Some(&bank.new)).label(), bank.new.public_key());
    let pending = made.contents().pending(&made).unwrap();
    let ours = pending.iter().find(|key| key.id() == b"new").unwrap();
    assert!(ours.doubt().is_some());
    let refused = made.contents().abandonment(&made, ours, Meant::Listed).unwrap_err();
    assert_eq!(refused.code(), Code::RemovalDoubtful);
    assert_eq!(made.contents().abandonment(&made, ours, Meant::Named).unwrap().planned(), PAIR);
}

/// Neither a person's word nor anything else helps where the token itself fails.
#[test]
fn a_token_that_fails_is_no_reason_for_doubt() {
    let bank = Bank::new();
    let mut made = bank.waiting();
    made.fails.push(12);
    for meant in [Meant::Listed, Meant::Named] {
        assert_eq!(abandoned(&made, meant).unwrap_err().code(), Code::DeviceFault);
    }
    let mut made = bank.renewed();
    made.fails.push(2);
    assert_eq!(retired(&made, &bank).unwrap_err().code(), Code::DeviceFault);
    made.fails = vec![12];
    assert_eq!(retired(&made, &bank).unwrap_err().code(), Code::DeviceFault);
    assert_eq!(made.contents().pending(&made).unwrap_err().code(), Code::DeviceFault);
    assert_eq!(made.contents().shown(&made, &bank.new).unwrap_err().code(), Code::DeviceFault);
    made.fails = vec![];
    made.refuses = vec![12];
    assert_eq!(waiting(&made).state(), PendingState::NotConfirmed);
    assert_eq!(made.contents().followers(&made, &bank.old).unwrap().len(), 0);
    assert!(made.contents().shown(&made, &bank.new).unwrap().is_none());
    made.refuses = vec![2];
    assert_eq!(retired(&made, &bank).unwrap_err().code(), Code::RetireNotOurs);
}

/// It was a public key alone when it was listed; now a private key with the same record is there.
#[test]
fn a_remnant_that_became_a_pair_is_no_remnant() {
    let bank = Bank::new();
    let mut remnant = bank.before();
    half(&mut remnant, 13, b"new", bank.record.label(), bank.new.public_key());
    let listed = waiting(&remnant);
    let made = bank.waiting();
    for meant in [Meant::Listed, Meant::Named] {
        let refused = made.contents().abandonment(&made, &listed, meant).unwrap_err();
        assert_eq!(refused.code(), Code::NotPending);
    }
}

#[test]
fn two_keys_with_one_record_and_one_identifier_are_told_apart_by_nobody() {
    let bank = Bank::new();
    let made = bank.waiting().private(32, b"new", bank.record.label(), &key().0, None);
    let pending = made.contents().pending(&made).unwrap();
    for (meant, code) in [(Meant::Listed, Code::RemovalDoubtful), (Meant::Named, Code::KeysAlike)] {
        let refused = made.contents().abandonment(&made, &pending[0], meant).unwrap_err();
        assert_eq!(refused.code(), code);
    }
}

/// Another user's key, whose certificate is there, was given the identifier and the record of a job of ours.
#[test]
fn of_two_keys_with_one_record_and_one_identifier_the_one_in_use_stays() {
    let bank = Bank::new();
    let (public, spki) = key();
    let other = certificate(&TestCa::new(), &spki, 30, &[9]);
    let made = bank.waiting().private(32, b"new", bank.record.label(), &public, None);
    let made = made.certificate(34, b"other", "other", other.der());
    for pending in made.contents().pending(&made).unwrap() {
        assert_eq!(made.contents().abandonment(&made, &pending, Meant::Named).unwrap().planned(), PAIR);
        let refused = made.contents().abandonment(&made, &pending, Meant::Listed).unwrap_err();
        assert_eq!(refused.code(), Code::RemovalDoubtful);
    }
}

/// A record can be given to any key: what nobody has chosen goes only when it signs for a request that is known.
#[test]
fn what_nobody_has_chosen_goes_by_its_request_alone() {
    let bank = Bank::new();
    let requested = bank.new.public_key();
    assert_eq!(abandoned(&bank.waiting(), Meant::Requested(Some(requested))).unwrap(), PAIR);
    let other = key().0;
    for request in [None, Some(&other)] {
        let refused = abandoned(&bank.waiting(), Meant::Requested(request)).unwrap_err();
        assert_eq!(refused.code(), Code::RemovalDoubtful);
        assert!(refused.facts().any(|(_, value)| value == "not_requested_here"), "{refused}");
    }
    // Nothing on the token tells its public half: the request does.
    let mut alone = bank.waiting();
    alone.public.clear();
    assert_eq!(abandoned(&alone, Meant::Requested(Some(requested))).unwrap(), ["private ObjectHandle(12)"]);
}

/// Other programs store the certificate under an identifier of its own.
#[test]
fn an_old_pair_goes_by_its_value_under_whatever_identifier() {
    let bank = Bank::new();
    let label = String::from_utf8(bank.record.label().to_vec()).unwrap();
    let mut made = Made::default().certificate(1, b"certificate", "bank", bank.old.der());
    made = made.pair(2, b"pair", b"x", bank.old.public_key());
    made = made.pair(12, b"new", bank.record.label(), bank.new.public_key());
    made = made.certificate(11, b"new", &label, bank.new.der());
    half(&mut made, 4, b"certificate", b"y", bank.old.public_key());
    half(&mut made, 5, b"copy", b"z", bank.old.public_key());
    let both = ["public ObjectHandle(3)", "public ObjectHandle(4)", "private ObjectHandle(2)"];
    assert_eq!(retired(&made, &bank).unwrap(), [&both[..], &["certificate ObjectHandle(1)"]].concat());
    // The certificate is there under the pair's identifier too: that one is the pair's, the other a copy.
    let made = made.certificate(6, b"pair", "w", bank.old.der());
    let planned = retired(&made, &bank).unwrap();
    assert_eq!(planned.last().unwrap(), "certificate ObjectHandle(6)");
    assert_eq!(planned.iter().filter(|one| one.starts_with("certificate")).count(), 1);
}

/// Both have one key: it stays, and so does its public half.
#[test]
fn where_the_follower_has_the_same_key_the_certificate_goes_alone() {
    let ca = TestCa::new();
    let (public, spki) = key();
    let (old, new) = (certificate(&ca, &spki, 11, &[5]), certificate(&ca, &spki, 376, &[6]));
    let made = Made::default().certificate(1, b"old", "bank", old.der());
    let made = made.certificate(11, b"old", "bank", new.der()).pair(2, b"old", b"bank", &public);
    let bank = Bank { record: record_for(Some(&old)), old, new };
    assert_eq!(retired(&made, &bank).unwrap(), ["certificate ObjectHandle(1)"]);
}

/// The key of a removal of the previous release names what it retires: that is no certificate that it follows.
#[test]
fn a_removal_of_the_previous_release_goes_on() {
    let bank = Bank::new();
    let other = TestCa::new().issue(&manual_subject().to_der(), &key().1).serial(&[5]).der();
    let mut made = bank.renewed().certificate(71, b"other", "x", &other);
    for key in made.private.iter_mut().filter(|key| key.id == b"old") {
        key.label = made_up::private_key(2, b"old", b"usbtoken:20261101:retires:05", None).label;
    }
    let planned = retired(&made, &bank).unwrap();
    assert!(planned.contains(&"private ObjectHandle(2)".to_owned()), "{planned:?}");
    assert!(!planned.contains(&"certificate ObjectHandle(71)".to_owned()), "{planned:?}");
}

#[test]
fn the_reason_of_a_doubt_has_a_name() {
    let bank = Bank::new();
    let foreign = certificate(&TestCa::new(), &key().1, 300, &[5]);
    let beside = bank.waiting().certificate(21, b"new", "x", foreign.der());
    assert_eq!(reason(&abandoned(&beside, Meant::Listed).unwrap_err()), Some("id_of_another_certificate"));
    let mut cut = bank.waiting();
    half(&mut cut, 41, b"new", b"ut2", bank.new.public_key());
    assert_eq!(reason(&abandoned(&cut, Meant::Listed).unwrap_err()), Some("public_key_label_truncated"));
    let mut silent = bank.waiting();
    silent.refuses.push(12);
    assert_eq!(reason(&abandoned(&silent, Meant::Listed).unwrap_err()), Some("key_does_not_sign"));
    let twice = bank.waiting().pair(32, b"forged", bank.record.label(), &key().0);
    let pending = twice.contents().pending(&twice).unwrap();
    assert_eq!(pending[0].doubt(), Some("same_record"));
    let mut other = bank.waiting();
    half(&mut other, 41, b"new", record_for(None).label(), bank.new.public_key());
    assert_eq!(waiting(&other).doubt(), Some("record_of_public_key"));
}
