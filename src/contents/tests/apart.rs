//! Certificates that another program has written under another identifier than their key's: whose they are, and why they stand there.

use super::*;
use crate::contents::apart::Apart;
use crate::contents::{Credential, PendingKey};
use crate::error::Fact;

fn text(label: &[u8]) -> &str {
    std::str::from_utf8(label).unwrap()
}

/// The job whose answer stands under this identifier and label.
fn answered_under(bank: &Bank, id: &[u8], label: &str) -> Made {
    bank.waiting().certificate(11, id, label, bank.new.der())
}

#[test]
fn a_certificate_stands_apart_where_no_object_of_it_has_the_identifier_of_its_key() {
    let bank = Bank::new();
    let ours = text(bank.record.label());
    let elsewhere = |id: &[u8]| Some(Apart::Elsewhere(id.to_vec()));
    let apart = |made: &Made, key_id: &[u8]| made.contents().apart(&bank.new, key_id);
    for (id, label, expected) in [
        (&b"far"[..], "vendor", elsewhere(b"far")),
        (b"far", ours, Some(Apart::Dropped)),
        (b"", "vendor", Some(Apart::Dropped)),
        (b"", ours, Some(Apart::Dropped)),
        (b"new", "vendor", None),
        (b"new", ours, None),
    ] {
        assert_eq!(apart(&answered_under(&bank, id, label), b"new"), expected, "{label} {}", text(id));
    }
    // A key without an identifier has nothing beside it, and what is not there stands nowhere.
    assert_eq!(apart(&answered_under(&bank, b"far", "vendor"), b""), None);
    assert_eq!(apart(&bank.waiting(), b"new"), None);
    // One object of it beside the key is enough; another certificate for the same key there is none of it.
    let copied = answered_under(&bank, b"far", "vendor");
    assert_eq!(apart(&copied.certificate(21, b"new", "x", bank.new.der()), b"new"), None);
    let other = certificate(&TestCa::new(), bank.new.public_key().spki_der(), 300, &[9]);
    let beside = answered_under(&bank, b"far", "vendor").certificate(21, b"new", ours, other.der());
    assert_eq!(apart(&beside, b"new"), elsewhere(b"far"));
}

/// Only what the key of a job was asked for is the answer to it.
#[test]
fn a_hint_says_whether_another_program_has_stored_the_answer_to_a_job() {
    let bank = Bank::new();
    let is_apart = |made: &Made, of: &Certificate| {
        let contents = made.contents();
        contents.is_of_job_apart(contents.place_of(of).unwrap())
    };
    let stored = answered_under(&bank, b"far", "vendor");
    assert!(is_apart(&stored, &bank.new));
    assert!(!is_apart(&stored, &bank.old), "its key is no job's");
    assert!(!is_apart(&bank.renewed(), &bank.new), "it is beside its key");
    assert!(!is_apart(&answered_under(&bank, b"", "vendor"), &bank.new), "the driver has dropped it");
}

/// Shown by the key's signature: the key of one job, and of no removal, whatever else has its record.
#[test]
fn the_job_of_an_answer_that_stands_apart_is_that_of_the_key_that_signs() {
    let bank = Bank::new();
    let job = |made: &Made| {
        let found = made.contents().job_apart(made, &bank.new).unwrap();
        found.map(|key| (key.id().to_vec(), key.state()))
    };
    let stored = answered_under(&bank, b"far", "vendor");
    assert_eq!(job(&stored), Some((b"new".to_vec(), PendingState::AwaitingAnswer)));
    assert_eq!(*stored.asked.borrow(), [12]);
    assert_eq!(job(&bank.renewed()), None);
    assert_eq!(job(&bank.waiting()), None, "there is none");
    let twice = answered_under(&bank, b"far", "vendor");
    assert_eq!(job(&twice.pair(32, b"else", bank.record.label(), &key().0)), None);
    for label in [&b"usbtoken:20261101:retires:05"[..], b"somebody's"] {
        let made = bank.before().pair(12, b"new", label, bank.new.public_key());
        assert_eq!(job(&made.certificate(11, b"far", "vendor", bank.new.der())), None, "{}", text(label));
    }
}

#[test]
fn the_answer_to_a_job_is_found_by_the_identifier_of_its_key() {
    let bank = Bank::new();
    let answer = |made: &Made, id: &[u8]| made.contents().answer_apart(made, id).unwrap();
    let stored = answered_under(&bank, b"far", "vendor");
    assert_eq!(answer(&stored, b"new"), Some(bank.new.clone()));
    for other in [&b"far"[..], b"old", b"none", b""] {
        assert_eq!(answer(&stored, other), None, "{}", text(other));
    }
    assert_eq!(answer(&bank.renewed(), b"new"), None);
    // Of several the one that ends last; a CA's is no answer.
    let issuing = TestCa::new();
    let issued = |days, ca: bool| {
        let issue = issuing.issue(&manual_subject().to_der(), bank.new.public_key().spki_der());
        let issue = issue.ca(ca).not_after(days_from_now(days)).serial(&[9]);
        Certificate::from_der(&issue.der()).unwrap()
    };
    let (later, authority) = (issued(400, false), issued(500, true));
    let several = stored.certificate(21, b"far", "x", later.der());
    assert_eq!(answer(&several.certificate(31, b"far", "x", authority.der()), b"new"), Some(later));
    // The pair of another program whose certificate stands elsewhere is no job of ours.
    let made = bank.before().pair(12, b"new", b"theirs", bank.new.public_key());
    assert_eq!(answer(&made.certificate(11, b"far", "vendor", bank.new.der()), b"new"), None);
}

/// What a person is told to go on with is the key of this job, whatever job's key stands before it on the token.
#[test]
fn a_removal_names_the_key_of_the_answer_that_is_to_be_put_beside_it() {
    let bank = Bank::new();
    let key_ids = |made: &Made| {
        let mut contents = made.contents();
        let follower = contents.followers(made, &bank.old).unwrap().remove(0);
        let credentials = contents.credentials();
        let old = credentials.iter().find(|one| one.certificate() == &bank.old).unwrap().clone();
        let plan = contents.retirement(made, &old, &follower, false, OfCopies::Chosen, &|_| false);
        let error = plan.map(|_| ()).unwrap_err();
        assert_eq!(error.code(), Code::SuccessorNotBesideKey);
        let told = error.facts().filter(|(fact, _)| *fact == Fact::KeyId);
        told.map(|(_, value)| value.to_owned()).collect::<Vec<_>>()
    };
    let other = Made::default().pair(32, b"first", record_for(None).label(), &key().0);
    let mut stored = answered_under(&bank, b"far", "vendor");
    assert_eq!(key_ids(&stored), ["6e6577"]);
    stored.private.splice(0..0, other.private);
    stored.secrets.extend(other.secrets);
    assert_eq!(key_ids(&stored), ["6e6577"]);
    // Written by us, and moved by the driver: nothing is to be put.
    assert_eq!(key_ids(&answered_under(&bank, b"far", text(bank.record.label()))), Vec::<String>::new());
}

/// What other programs have done to the record of a job, and what this computer's own records know of it.
#[test]
fn a_job_is_finished_by_a_certificate_that_came_after_it_and_ends_later() {
    let bank = Bank::new();
    let (ca, (public, spki)) = (TestCa::new(), key());
    let end = days_from_now(50);
    let at = |key: &[u8], serial: u8, begins: i64, ends| {
        let issue = ca.issue(&manual_subject().to_der(), key).not_before(days_from_now(begins));
        Certificate::from_der(&issue.not_after(ends).serial(&[serial]).der()).unwrap()
    };
    let (old, same_end) = (at(&key().1, 1, -300, end), at(&spki, 2, 0, end));
    let (before_it, later) = (at(&spki, 3, -300, days_from_now(376)), at(&spki, 4, 0, days_from_now(376)));
    let today = crate::pki::jst_date(std::time::SystemTime::now());
    let record = Record::new(today, Some(&old), &Caller::Command).unwrap();
    for (new, expected) in [(&same_end, false), (&before_it, false), (&later, true)] {
        let made = Made::default()
            .certificate(1, b"old", "bank", old.der())
            .pair(12, b"new", record.label(), bank.new.public_key())
            .certificate(31, b"else", "x", new.der())
            .pair(32, b"else", record.label(), &public);
        let mut contents = made.contents();
        let pending: Vec<PendingKey> = contents.pending(&made).unwrap();
        contents.ask(&made, 1, &[new.public_key()]).unwrap();
        let waiting = pending.iter().find(|key| key.id() == b"new").unwrap();
        let is_finished = contents.is_finished_by_another(waiting, &old, |_| true);
        assert_eq!(is_finished, expected, "{}", new.serial());
    }
}

/// Two keys of which the driver tells one value.
#[test]
fn of_two_keys_of_which_one_value_is_told_the_answer_is_for_the_one_that_signs() {
    let bank = Bank::new();
    let (new, other) = (bank.new.public_key(), key().0);
    let made = |ours: &PublicKey, theirs: &PublicKey| {
        let made = bank.before().private(12, b"new", bank.record.label(), ours, Some(new));
        made.private(22, b"two", record_for(Some(&bank.old)).label(), theirs, Some(new))
    };
    for (made, expected) in [(made(new, &other), &b"new"[..]), (made(&other, new), b"two")] {
        let mut contents = made.contents();
        let pending = contents.pending(&made).unwrap();
        assert_eq!(pending.len(), 2);
        let response = crate::pki::Response::parse(bank.new.der()).unwrap();
        let (leaf, key) = contents.answered(&made, &response, &pending).unwrap().unwrap();
        assert_eq!((&leaf, key.id()), (&bank.new, expected));
    }
}

#[test]
fn a_credential_has_the_labels_of_its_certificate_and_its_key() {
    let bank = Bank::new();
    let labels = |made: &Made| {
        let credentials = made.contents().credentials();
        credentials.iter().next().map(Credential::labels).unwrap()
    };
    let made = Made::default().certificate(1, b"old", "of the certificate", bank.old.der());
    assert_eq!(labels(&made), [b"of the certificate"]);
    let made = made.pair(2, b"old", b"of the key", bank.old.public_key());
    assert_eq!(labels(&made), [&b"of the certificate"[..], b"of the key"]);
}
