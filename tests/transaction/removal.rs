//! The removal of objects, one after the other: what changes, vanishes or cannot be read between two calls, what a refused
//! creation left on the token, and where exactly the limits are.

#[path = "../common/mod.rs"]
mod common;

use std::time::Duration;

use common::{Bank, DAY, at, credential, install, policy, read, refused, run};
use usbtoken::bank::KeyRule;
use usbtoken::renewal::Retire;
use usbtoken::{Certificate, Code, Install, Renewal};
use usbtoken_testkit::{Kind, Object, Snapshot, SoftKey, days_from_now};

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

/// Some drivers give objects other handles: what is said to be gone is searched for again before that is believed.
#[test]
fn an_object_that_is_said_to_be_gone_is_looked_for_again() {
    let (bank, _) = waiting();
    let last = reads_before_the_first(&bank);
    let fault = format!("C_GetAttributeValue#{last}:ckr=CKR_OBJECT_HANDLE_INVALID");
    bank.run_with_faults(&fault, &ABANDON).json();
    bank.soft.snapshot().assert_same_as(&bank.before);
}

/// Where nothing can be read after a destruction, a search says whether the object is gone: what is done is told from what is
/// pretended, whatever was answered. What follows cannot be read, and stays.
#[test]
fn what_cannot_be_read_after_its_destruction_is_searched_for() {
    for (call, code, stays) in [
        ("", Code::RemovalDoubtful, 1),
        ("C_DestroyObject:ckr=CKR_OK; ", Code::DestroyFailed, 2),
        ("C_DestroyObject:lose=CKR_DEVICE_ERROR; ", Code::RemovalDoubtful, 1),
        ("C_DestroyObject:ckr=CKR_DEVICE_ERROR; ", Code::DeviceFault, 2),
    ] {
        let (bank, before) = waiting();
        let last = reads_before_the_first(&bank);
        let fault = format!("{call}C_GetAttributeValue#{}:ckr=CKR_GENERAL_ERROR,sticky", last + 1);
        bank.run_with_faults(&fault, &ABANDON).failed(code);
        let now = bank.soft.snapshot();
        assert_eq!(left(&bank, &now).len(), stays, "{call}");
        if stays == 2 {
            now.assert_same_as(&before);
        }
    }
}

/// One reading that fails after the destruction is made up for by the next.
#[test]
fn what_fails_to_be_read_once_after_its_destruction_is_read_again() {
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
        for command in ["install", "resume", "renew"] {
            let (bank, before) = if command == "renew" {
                let bank = Bank::new();
                let before = bank.soft.snapshot();
                (bank, before)
            } else {
                waiting()
            };
            let issuer = bank.issuer("");
            let arguments = match command {
                "install" => {
                    bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).der());
                    vec![command, "answer.der"]
                }
                _ => vec![command, "--issuer", &issuer],
            };
            let fault = format!("C_CreateObject:lose=CKR_TEMPLATE_INCONSISTENT{answers}");
            let said = bank.run_with_faults(&fault, &arguments);
            let created = bank.called().iter().filter(|function| *function == "C_CreateObject").count();
            assert!(created > 1, "another template is tried");
            if answers.is_empty() {
                said.json();
                bank.assert_old_works();
                bank.assert_one_new_credential();
                continue;
            }
            said.failed(Code::CertificateRefused);
            let now = bank.soft.snapshot();
            let came = now.added_since(&before).into_iter().filter(|one| one.class == "CKO_CERTIFICATE");
            assert_eq!(came.count(), 0, "{command}");
            now.assert_keeps(&before);
            assert_eq!(left(&bank, &now).len(), 2, "the key waits");
        }
    }
}

/// What is left without an identifier is not known again, so a token that has left a certificate is asked for none without it.
#[test]
fn a_token_that_leaves_certificates_is_asked_for_none_without_an_identifier() {
    for refused in ["CKR_TEMPLATE_INCONSISTENT", "CKR_FUNCTION_FAILED"] {
        for (left, asked) in [("lose", 5), ("ckr", 7)] {
            let (bank, before) = waiting();
            let fault = format!("C_CreateObject:{left}={refused},sticky");
            let issuer = bank.issuer("");
            bank.run_with_faults(&fault, &["resume", "--issuer", &issuer]).failed(Code::CertificateRefused);
            let created = bank.called().iter().filter(|function| *function == "C_CreateObject").count();
            assert_eq!(created, asked, "{left} {refused}");
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

/// A person names a certificate that is not on the token: it takes nobody's place.
#[test]
fn a_successor_that_is_not_on_the_token_is_none() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let elsewhere = bank.ca.issue(&bank.old.subject, &SoftKey::generate(Kind::P256).spki()).der();
    for named in [Certificate::from_der(&elsewhere).unwrap(), old.certificate().clone()] {
        let retire = Retire::of(&old, &bank.anchored()).successor(&named);
        refused(retire.run(&session, &run()), Code::RetireOnlyCredential);
    }
    bank.soft.snapshot().assert_same_as(&bank.before);
}

/// It works from its very first second, and nothing goes in the one before.
#[test]
fn a_successor_takes_the_place_from_its_first_second() {
    let bank = Bank::new();
    let new = bank.renewed().certificate().clone();
    let both = bank.soft.snapshot();
    let (session, old) = bank.open();
    let retire = Retire::of(&old, &bank.anchored());
    let before = new.not_before() - Duration::from_secs(1);
    refused(retire.run(&session, &at(before)), Code::RetireNotBegun);
    bank.soft.snapshot().assert_same_as(&both);
    retire.run(&session, &at(new.not_before())).unwrap();
    assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 0);
}

/// One that ends in the same second follows no more than one that ends earlier, even where a person names it.
#[test]
fn a_successor_ends_later() {
    let bank = Bank::new();
    let (_, old) = bank.open();
    bank.soft.credential(&bank.ca, Kind::P256, &[2], &bank.old.subject, old.certificate().not_after());
    let both = bank.soft.snapshot();
    let session = bank.session();
    let other = credential(session.token(), &[2]);
    assert_eq!(other.certificate().not_after(), old.certificate().not_after());
    let retire = Retire::of(&old, &bank.anchored()).successor(other.certificate());
    refused(retire.run(&session, &run()), Code::RetireNoSuccessor);
    bank.soft.snapshot().assert_same_as(&both);
}

/// Both certificates have one key, and the old one is there twice: the one that was named goes.
#[test]
fn of_two_copies_the_named_one_goes() {
    let bank = Bank::new();
    bank.soft.inspect(|inspector| inspector.write_certificate(&bank.old.certificate, &[9], "copy"));
    let (session, old) = bank.open();
    let again = policy(|p| p.key = KeyRule::OldAgain);
    let pending = Renewal::of(&old).policy(&again).begin(&session, &run()).unwrap();
    Install::new(&read(&bank.certify(&pending))).run_for(&session, &pending, &run()).unwrap();
    let before = bank.soft.snapshot();
    let copy = credential(session.token(), &[9]);
    bank.retire(&session, &copy).unwrap();
    let now = bank.soft.snapshot();
    let gone: Vec<&Object> = before.objects().iter().filter(|one| !now.objects().contains(one)).collect();
    assert_eq!(gone.iter().map(|one| one.id.as_slice()).collect::<Vec<_>>(), [[9]], "{gone:?}");
}

/// A host's time brings the day no nearer on which the bank takes the new one.
#[test]
fn a_time_that_is_put_ahead_lets_nothing_go_that_the_bank_still_needs() {
    let bank = Bank::new();
    bank.renewed();
    let before = bank.soft.snapshot();
    let session = bank.session();
    let old = credential(session.token(), &bank.old.id);
    let mut waits = bank.anchored();
    waits.begins_to_work = usbtoken::bank::Begins::NextBusinessDay;
    for days in [0, 6, 20] {
        let ahead = std::time::SystemTime::now() + days * DAY;
        refused(session.retire(&old, &waits, &at(ahead)), Code::NotInUseYet);
        bank.soft.snapshot().assert_same_as(&before);
    }
}

/// What was ordered before the window opened takes no one's place, until there is no one in it.
#[test]
fn the_day_of_the_order_is_held_against_the_window() {
    let cases = [(11, 31, true), (11, 26, false), (-1, 100, false), (200, 0, true), (200, 100, true)];
    for (ends, ordered, refuses) in cases {
        let bank = Bank::alone(Kind::P256, days_from_now(ends));
        let session = bank.session();
        let subject = "CN=dummy".parse().unwrap();
        let then = at(std::time::SystemTime::now() - ordered * DAY);
        let pending = Renewal::first(subject).begin(&session, &then).unwrap();
        let issued = bank.ca.issue_for(pending.request().to_der()).subject(&bank.old.subject);
        let new = install(&session, &issued.der()).unwrap().credential;
        let before = bank.soft.snapshot();
        let old = credential(session.token(), &bank.old.id);
        let removal = |binds| {
            let mut policy = bank.anchored();
            policy.window_binds_removal = binds;
            Retire::of(&old, &policy).successor(new.certificate())
        };
        if refuses {
            let ahead = at(std::time::SystemTime::now() + 300 * DAY);
            for run in [run(), ahead] {
                refused(removal(true).run(&session, &run), Code::RetireBeforeWindow);
                bank.soft.snapshot().assert_same_as(&before);
            }
        }
        removal(!refuses).run(&session, &run()).unwrap();
        assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 0, "{ends} {ordered}");
    }
}
