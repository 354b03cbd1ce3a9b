//! The removal of objects, one after the other: what changes, vanishes or cannot be read between two calls, and what a
//! refused creation left on the token.

#[path = "../common/mod.rs"]
mod common;

use common::Bank;
use usbtoken::Code;
use usbtoken_testkit::{Object, Snapshot};

const ABANDON: [&str; 2] = ["abandon", "--yes"];
const FIRST_READ: &str = "C_DestroyObject:exit";

/// A token with a renewal that waits.
fn waiting() -> (Bank, Snapshot) {
    let bank = Bank::new();
    bank.run(&["request", "--out", "request.pem"]).json();
    let snapshot = bank.soft.snapshot();
    (bank, snapshot)
}

/// How often attributes have been read when the first object is about to be destroyed: the last read is that object's.
fn reads_before_the_first(bank: &Bank) -> usize {
    assert_eq!(bank.run_with_faults(FIRST_READ, &ABANDON).exit, 86);
    bank.called().iter().filter(|function| *function == "C_GetAttributeValue").count()
}

/// The objects of the renewal that are still there.
fn left<'s>(bank: &Bank, now: &'s Snapshot) -> Vec<&'s Object> {
    bank.assert_old_works();
    bank.assert_others_unchanged();
    now.added_since(&bank.before)
}

/// Another program gives the object another label after everything was read and judged.
#[test]
fn an_object_that_changes_before_its_destruction_stays_with_all_after_it() {
    let (bank, _) = waiting();
    let last = reads_before_the_first(&bank);
    let fault = format!("C_GetAttributeValue#{last}:otherwise=changed");
    let error = bank.run_with_faults(&fault, &ABANDON).failed(Code::RemovalDoubtful);
    assert_eq!(error["facts"]["reason"][0], "object_changed", "{error}");
    assert!(!bank.called().contains(&"C_DestroyObject".to_owned()));
    assert_eq!(left(&bank, &bank.soft.snapshot()).len(), 2);
}

#[test]
fn an_object_that_cannot_be_read_before_its_destruction_stays_with_all_after_it() {
    let (bank, before) = waiting();
    let last = reads_before_the_first(&bank);
    let fault = format!("C_GetAttributeValue#{last}:ckr=CKR_GENERAL_ERROR,sticky");
    let error = bank.run_with_faults(&fault, &ABANDON).failed(Code::RemovalDoubtful);
    assert_eq!(error["facts"]["reason"][0], "object_unreadable", "{error}");
    bank.soft.snapshot().assert_same_as(&before);
}

/// Some tokens destroy both halves with one call: what is gone is no reason to stop.
#[test]
fn an_object_that_is_gone_already_stops_nothing() {
    let (bank, _) = waiting();
    let last = reads_before_the_first(&bank);
    let fault = format!("C_GetAttributeValue#{last}:ckr=CKR_OBJECT_HANDLE_INVALID");
    bank.run_with_faults(&fault, &ABANDON).json();
    // The fault only said so of the public key.
    let now = bank.soft.snapshot();
    let classes: Vec<&str> = left(&bank, &now).iter().map(|object| object.class.as_str()).collect();
    assert_eq!(classes, ["CKO_PUBLIC_KEY"]);
}

/// Where the look after the destruction fails, the search says whether the object is gone.
#[test]
fn what_cannot_be_read_after_its_destruction_is_searched_for() {
    for (pretends, code) in [("", None), ("C_DestroyObject:ckr=CKR_OK; ", Some(Code::DestroyFailed))] {
        let (bank, before) = waiting();
        let last = reads_before_the_first(&bank);
        let fault = format!("{pretends}C_GetAttributeValue#{}:ckr=CKR_GENERAL_ERROR", last + 1);
        let said = bank.run_with_faults(&fault, &ABANDON);
        let Some(code) = code else {
            said.json();
            bank.soft.snapshot().assert_same_as(&bank.before);
            continue;
        };
        said.failed(code);
        bank.soft.snapshot().assert_same_as(&before);
    }
}

/// The token made the pair, and its answer is a refusal: a second attempt may succeed, the first leaves nothing.
#[test]
fn what_a_refused_generation_left_is_removed() {
    for answers in ["", ",sticky"] {
        let bank = Bank::new();
        let fault = format!("C_GenerateKeyPair:lose=CKR_ATTRIBUTE_VALUE_INVALID{answers}");
        let said = bank.run_with_faults(&fault, &["request", "--out", "request.pem"]);
        let generated = bank.called().iter().filter(|function| *function == "C_GenerateKeyPair").count();
        assert!(generated > 1, "another template is tried");
        let now = bank.soft.snapshot();
        let left = left(&bank, &now).len();
        assert_eq!(
            (said.exit == 0, left),
            (answers.is_empty(), if answers.is_empty() { 2 } else { 0 }),
            "{said:?}"
        );
    }
}

#[test]
fn what_a_refused_write_left_is_removed() {
    for answers in ["", ",sticky"] {
        let (bank, before) = waiting();
        bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).der());
        let fault = format!("C_CreateObject:lose=CKR_TEMPLATE_INCONSISTENT{answers}");
        let said = bank.run_with_faults(&fault, &["install", "answer.der"]);
        let created = bank.called().iter().filter(|function| *function == "C_CreateObject").count();
        assert!(created > 1, "another template is tried");
        if answers.is_empty() {
            said.json();
            bank.assert_old_works();
            bank.assert_one_new_credential();
        } else {
            said.failed(Code::CertificateRefused);
            bank.soft.snapshot().assert_same_as(&before);
        }
    }
}

/// The certificate of a key that is used again has the identifier and the label of the old one: that one stays.
#[test]
fn what_a_refused_write_left_is_told_from_the_old_certificate() {
    let bank = Bank::new();
    let fault = "C_CreateObject:lose=CKR_TEMPLATE_INCONSISTENT,sticky";
    let issuer = bank.issuer("");
    bank.run_with_faults(fault, &["renew", "--reuse-key", "--issuer", &issuer])
        .failed(Code::CertificateRefused);
    bank.soft.snapshot().assert_same_as(&bank.before);
    bank.assert_old_works();
}
