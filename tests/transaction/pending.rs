//! Pending keys: known again by their label alone, resumed, abandoned, and never taken for somebody else's.

#[path = "../common/mod.rs"]
mod common;

use std::time::SystemTime;

use base16ct::lower::encode_string as hex;
use common::{Bank, DAY, at, credential, install, policy, read, refused, run};
use usbtoken::bank::KeyRule;
use usbtoken::error::Notice;
use usbtoken::pki::{Name, Request, SubjectRule};
use usbtoken::renewal::{Caller, PendingState};
use usbtoken::{Code, Credential, Install, Renewal, Session};
use usbtoken_testkit::{Kind, ParsedRequest, days_from_now, manual_subject, serial_hex};

#[test]
fn a_pending_key_names_its_credential_and_its_day() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let day = SystemTime::now() - 3 * DAY;
    let pending = Renewal::of(&old).outside_window().begin(&session, &at(day)).unwrap();
    drop(session);

    let listed = bank.session().pending().unwrap();
    let [key] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!(key.id(), pending.key_id());
    assert_eq!(key.state(), PendingState::AwaitingAnswer);
    assert_eq!(key.age_days(SystemTime::now()), 3);
    assert_eq!(key.concerns(), Some(old.certificate().serial().to_string()));
    assert_eq!(key.public_key(), Some(pending.request().public_key()));

    let json = bank.run(&["pending"]).json();
    assert_eq!(json.as_array().unwrap().len(), 1);
    assert_eq!(json[0]["age_days"], 3);
    assert_eq!(json[0]["state"], "awaiting_answer");
    assert_eq!(json[0]["concerns_serial"], serial_hex(&bank.old.certificate));
    assert!(json[0]["concerns_subject"].as_str().unwrap().contains("BizSOL"), "{json:#}");
    bank.assert_old_works();
}

/// From one reading, and in the session of a reservation, the same is read as alone.
#[test]
fn a_session_and_a_reservation_list_what_is_on_the_token() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let waiting = Renewal::of(&old).begin(&session, &run()).unwrap();
    let (pending, credentials) = session.pending_and_credentials(&run()).unwrap();
    assert_eq!(pending.iter().map(|key| key.id()).collect::<Vec<_>>(), [waiting.key_id()]);
    let listed =
        |all: &usbtoken::Credentials| all.iter().map(|one| one.certificate().clone()).collect::<Vec<_>>();
    let alone = listed(&session.credentials().unwrap());
    assert!(alone.contains(old.certificate()));
    assert_eq!(listed(&credentials), alone);
    drop(session);
    let reserved = bank.token().reserve().unwrap();
    assert_eq!(listed(&reserved.credentials().unwrap()), listed(&bank.token().credentials().unwrap()));
}

/// What other programs put on a token stays theirs, however much it looks like ours.
#[test]
fn keys_of_others_are_never_listed() {
    let bank = Bank::new();
    let serial = serial_hex(&bank.old.certificate);
    let nearly: Vec<String> = vec![
        "usbtoken".into(),
        "usbtoken:".into(),
        "usbtoken:pending".into(),
        format!("USBTOKEN:20261101:renews:{serial}"),
        format!("usbtoken:20261101:renews:{}", serial.to_uppercase()),
        format!("usbtoken:20261101:renews:{serial} "),
        format!(" usbtoken:20261101:renews:{serial}"),
        format!("usbtoken:20261301:renews:{serial}"),
        format!("usbtoken:20261101:renewed:{serial}"),
        "usbtoken:20261101:first:".into(),
        "usbtoken:20261101:renews:0".into(),
    ];
    bank.soft.inspect(|inspector| {
        for (label, number) in nearly.iter().zip(0x80_u8..) {
            inspector.generate_pair(Kind::P256, &[number], label);
        }
    });
    let before = bank.soft.snapshot();
    assert!(bank.session().pending().unwrap().is_empty());
    assert_eq!(bank.run(&["pending"]).json().as_array().unwrap().len(), 0);
    for id in ["f0", "80", "8a", "01"] {
        bank.run(&["abandon", "--yes", "--id", id]).failed(Code::PendingNotFound);
    }
    bank.run(&["abandon", "--yes"]).failed(Code::PendingNotFound);
    bank.soft.snapshot().assert_same_as(&before);
}

#[test]
fn resume_gives_the_same_request() {
    for kind in [Kind::P256, Kind::Rsa2048] {
        let bank = Bank::of(kind, days_from_now(11));
        let first = bank.run(&["request", "--out", "first.pem"]).json();
        let waiting = bank.soft.snapshot();
        let again = bank.run(&["resume", "--out", "again.pem"]).json();
        assert_eq!(first["pending_id"], again["pending_id"]);
        bank.soft.snapshot().assert_same_as(&waiting);
        // The test CA's parser verifies each one's signature.
        let (first, again) = (bank.read("first.pem"), bank.read("again.pem"));
        let (one, other) = (ParsedRequest::parse(&first).unwrap(), ParsedRequest::parse(&again).unwrap());
        assert_eq!((&one.spki, &one.subject), (&other.spki, &other.subject));
        assert_eq!(first, again, "a CA would take another for a second order");

        // Where the first one is not kept it is signed anew. ECDSA is not deterministic here, RSA PKCS#1 v1.5 is.
        std::fs::remove_dir_all(bank.file("state")).unwrap();
        bank.run(&["resume", "--sign-again", "--out", "anew.pem"]).json();
        let anew = bank.read("anew.pem");
        assert_eq!(ParsedRequest::parse(&anew).unwrap().spki, one.spki);
        assert_eq!(first == anew, kind == Kind::Rsa2048);

        let answer = bank.write("answer.der", &bank.ca.issue_for(&again).der());
        bank.run(&["install", answer.to_str().unwrap()]).json();
        bank.assert_old_works();
        bank.assert_one_new_credential();
    }
}

#[test]
fn a_resume_whose_old_certificate_is_gone_names_the_key() {
    let bank = Bank::new();
    let pending = bank.run(&["request", "--out", "first.pem"]).json();
    bank.soft.inspect(|inspector| inspector.destroy(&[1]));
    let waiting = bank.soft.snapshot();
    let error = bank.run(&["resume", "--out", "again.pem"]).failed(Code::CredentialNotFound);
    // The record holds a digest of the certificate, so what can be named is the key.
    assert_eq!(error["facts"]["id"][0], pending["pending_id"], "{error:#}");
    bank.soft.snapshot().assert_same_as(&waiting);
}

/// A driver that says CKR_OK and writes nonsense: the function is named, and what it returned.
#[test]
fn a_driver_that_misbehaves_is_told_with_its_function() {
    let bank = Bank::new();
    let fault = "C_FindObjects:lie=more-handles";
    let error = bank.run_with_faults(fault, &["renew", "--issuer", &bank.issuer("")]);
    let error = error.failed(Code::DriverMisbehaved);
    assert_eq!((&error["function"], &error["ckr"]), (&"C_FindObjects".into(), &"CKR_OK".into()), "{error:#}");
    bank.soft.snapshot().assert_same_as(&bank.before);
}

#[test]
fn renew_offers_to_resume_instead_of_making_a_second_key() {
    let bank = Bank::new();
    let issuer = bank.issuer("");
    bank.run(&["renew", "--issuer", &bank.issuer("--break fail")]).failed(Code::IssuerFailed);
    let waiting = bank.soft.snapshot();
    assert_eq!(waiting.added_since(&bank.before).len(), 2, "a pair that waits");
    let error = bank.run(&["renew", "--issuer", &issuer]).failed(Code::PendingExists);
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("usbtoken ")), "it says how: {error:#}");
    bank.soft.snapshot().assert_same_as(&waiting);
    bank.run(&["renew", "--resume", "--issuer", &issuer]).json();
    bank.assert_old_works();
    bank.assert_one_new_credential();
}

#[test]
fn only_the_job_that_a_key_waits_for_can_be_resumed() {
    let bank = Bank::new();
    bank.soft.credential(&bank.ca, Kind::P256, &[2], &manual_subject().to_der(), days_from_now(9));
    let (session, old) = bank.open();
    let other = credential(session.token(), &[2]);
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let waiting = bank.soft.snapshot();
    refused(Renewal::of(&other).resume(&session, pending.key().unwrap(), &run()), Code::NotPending);
    let subject: Name = "CN=first".parse().unwrap();
    refused(Renewal::first(subject).resume(&session, pending.key().unwrap(), &run()), Code::NotPending);
    bank.soft.snapshot().assert_same_as(&waiting);
}

#[test]
fn abandon_removes_exactly_that_pair() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let one = Renewal::of(&old).begin(&session, &run()).unwrap();
    let with_one = bank.soft.snapshot();
    let other = Renewal::of(&old).beside_pending().begin(&session, &run()).unwrap();
    session.abandon(other.key().unwrap(), &run()).unwrap();
    bank.soft.snapshot().assert_same_as(&with_one);
    // What is gone is not abandoned twice, and nothing else in its place.
    refused(session.abandon(other.key().unwrap(), &run()), Code::NotPending);
    bank.soft.snapshot().assert_same_as(&with_one);
    drop(session);

    let id = hex(one.key_id());
    bank.run(&["abandon", "--yes", "--id", &id]).json();
    bank.soft.snapshot().assert_same_as(&bank.before);
}

/// A key of EC does not tell its public half, so the identifier is tempting to go by.
#[test]
fn a_foreign_pair_with_the_same_identifier_stays() {
    for foreign in [Kind::P256, Kind::Rsa2048] {
        let bank = Bank::new();
        let (session, old) = bank.open();
        let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
        let id = pending.key_id().to_vec();
        bank.soft.inspect(|inspector| {
            let pair = inspector.snapshot();
            // The public half by name, or there would be two objects for the kit's question.
            assert_eq!(pair.with_id(&id).count(), 2);
        });
        let label = "somebody else's";
        let kind = if foreign == Kind::P256 { "EC:prime256v1" } else { "rsa:2048" };
        let hex = hex(&id);
        bank.pkcs11_tool(&["--keypairgen", "--key-type", kind, "--label", label, "--id", &hex]);
        drop(session);

        let both = bank.soft.snapshot();
        assert_eq!(both.with_id(&id).count(), 4);
        let session = bank.session();
        let listed = session.pending().unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].public_key(), Some(pending.request().public_key()));
        let resumed = Renewal::of(&old).resume(&session, &listed[0], &run()).unwrap();
        assert_eq!(resumed.request().public_key(), pending.request().public_key());

        session.abandon(&listed[0], &run()).unwrap();
        let after = bank.soft.snapshot();
        let left: Vec<_> = after.with_id(&id).collect();
        assert_eq!(left.len(), 2, "{after:?}");
        assert!(left.iter().all(|object| object.label == label), "{after:?}");
        bank.assert_old_works();
    }
}

/// Between the list and the removal somebody may have finished the job.
#[test]
fn a_key_that_is_no_longer_pending_is_not_abandoned() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    install(&session, &bank.certify(&pending)).unwrap();
    let done = bank.soft.snapshot();
    refused(session.abandon(pending.key().unwrap(), &run()), Code::NotPending);
    bank.soft.snapshot().assert_same_as(&done);
    bank.assert_one_new_credential();
}

/// The power fails right after the certificate was written. What is there decides: the key signs for it, so the job is
/// complete, and nothing of it is pending or to be abandoned.
#[test]
fn a_written_certificate_whose_key_signs_is_complete() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    drop(session);
    bank.write("answer.der", &bank.certify(&pending));
    let killed = bank.run_with_faults("C_CreateObject:exit-after", &["install", "answer.der"]);
    assert_eq!(killed.exit, 86, "{killed:?}");
    let written = bank.soft.snapshot();
    bank.assert_old_works();
    bank.assert_one_new_credential();
    assert_eq!(bank.run(&["pending"]).json().as_array().unwrap().len(), 0);
    let session = bank.session();
    refused(session.abandon(pending.key().unwrap(), &run()), Code::NotPending);
    refused(session.abandon_named(pending.key().unwrap(), &run()), Code::NotPending);
    drop(session);
    bank.run(&["resume", "--issuer", "false"]).failed(Code::PendingNotFound);
    // The same answer again is a success and writes nothing.
    bank.run(&["install", "answer.der"]).json();
    bank.soft.snapshot().assert_same_as(&written);
}

/// Installing the same answer again ends the job as well, days later too.
#[test]
fn the_same_answer_again_ends_a_job_that_was_cut_off() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let certificate = bank.certify(&pending);
    drop(session);
    let answer = bank.write("answer.der", &certificate);
    let answer = answer.to_str().unwrap();
    let killed = bank.run_with_faults("C_Sign:exit", &["install", answer]);
    assert_eq!(killed.exit, 86, "{killed:?}");
    let session = bank.session();
    let installed =
        Install::new(&read(&certificate)).run(&session, &at(SystemTime::now() + 5 * DAY)).unwrap();
    assert_eq!(installed.credential.certificate().der(), certificate);
    bank.assert_old_works();
    assert_eq!(bank.assert_one_new_credential(), certificate);
    assert!(install(&session, &certificate).unwrap().was_there);
    bank.assert_one_new_credential();
}

/// A key without its private half is good for nothing but to be removed.
#[test]
fn a_remnant_is_listed_and_removed() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    drop(session);
    let id = hex(pending.key_id());
    bank.pkcs11_tool(&["--delete-object", "--type", "privkey", "--id", &id]);
    let listed = bank.run(&["pending"]).json();
    assert_eq!(listed[0]["state"], "remnant");
    let session = bank.session();
    let keys = session.pending().unwrap();
    refused(Renewal::of(&old).resume(&session, &keys[0], &run()), Code::NotPending);
    let only_the_remnant = bank.soft.snapshot();
    refused(install(&session, &bank.certify(&pending)), Code::PendingNotFound);
    bank.soft.snapshot().assert_same_as(&only_the_remnant);
    // Its private key may only not show, so a new one is begun beside it where that is wanted.
    refused(Renewal::of(&old).begin(&session, &run()), Code::KeyNotShown);
    bank.soft.snapshot().assert_same_as(&only_the_remnant);
    let new = Renewal::of(&old).beside_pending().begin(&session, &run()).unwrap();
    session.abandon(new.key().unwrap(), &run()).unwrap();
    // Nothing signs for it, so a person has to name it.
    refused(session.abandon(&keys[0], &run()), Code::RemovalDoubtful);
    bank.soft.snapshot().assert_same_as(&only_the_remnant);
    session.abandon_named(&keys[0], &run()).unwrap();
    bank.soft.snapshot().assert_same_as(&bank.before);
}

/// Every interruption of the first half leaves the old credential whole, and what is left is recorded and can be
/// removed with the command.
#[test]
fn wherever_the_first_half_stops_nothing_unrecorded_stays() {
    let bank = Bank::new();
    let functions = ["C_GenerateKeyPair", "C_SignInit", "C_Sign", "C_Logout"];
    for function in functions {
        for kind in ["exit", "exit-after", "ckr=CKR_DEVICE_REMOVED", "lose", "remove"] {
            let fault = format!("{function}:{kind}");
            let out = bank.file("request.pem");
            let _ = std::fs::remove_file(&out);
            let said = bank.run_with_faults(&fault, &["request", "--out", "request.pem"]);
            assert!(said.exit != 0 || function == "C_Logout", "{fault}: {said:?}");
            bank.assert_old_works();
            clean_up(&bank, &fault);
        }
    }
}

fn clean_up(bank: &Bank, what: &str) {
    let session = bank.session();
    let keys = session.pending().unwrap();
    let now = bank.soft.snapshot();
    let added = now.added_since(&bank.before);
    assert_eq!(added.is_empty(), keys.is_empty(), "{what}: {added:?}");
    for key in &keys {
        session.abandon(key, &run()).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    let after = bank.soft.snapshot();
    assert_eq!(after, bank.before, "{what}: {}", after.difference(&bank.before));
}

/// What an object is given when it is made is all that is ever asked of the token: one that refuses every change holds a
/// complete credential afterwards, which looks like nothing unfinished and cannot be abandoned.
#[test]
fn a_token_that_refuses_changes_is_served_all_the_same() {
    let bank = Bank::new();
    let fault = "C_SetAttributeValue:ckr=CKR_ACTION_PROHIBITED,sticky";
    bank.run_with_faults(fault, &["renew", "--issuer", &bank.issuer("")]).json();
    assert!(!bank.called().iter().any(|function| function == "C_SetAttributeValue"));
    bank.assert_old_works();
    bank.assert_one_new_credential();
    let done = bank.soft.snapshot();
    assert_eq!(bank.run(&["pending"]).json().as_array().unwrap().len(), 0);
    bank.run(&["abandon", "--yes"]).failed(Code::PendingNotFound);
    bank.soft.snapshot().assert_same_as(&done);
}

#[test]
fn a_first_key_is_pending_too() {
    let bank = Bank::new();
    let session = bank.session();
    let subject: Name = "CN=Yamada,O=Example".parse().unwrap();
    let pending = first(&subject).begin(&session, &run()).unwrap();
    let waiting = bank.soft.snapshot();
    refused(first(&subject).begin(&session, &run()), Code::PendingExists);
    bank.soft.snapshot().assert_same_as(&waiting);
    drop(session);
    let session = bank.session();
    let keys = session.pending().unwrap();
    assert_eq!((keys.len(), keys[0].concerns()), (1, None));
    let again = first(&subject).resume(&session, &keys[0], &run()).unwrap();
    assert_eq!(again.request().subject().der(), pending.request().subject().der());
    let request: &Request = again.request();
    let installed = install(&session, &bank.ca.issue_for(request.to_der()).der()).unwrap();
    assert!(installed.replaced.is_none());
    bank.assert_old_works();
    bank.assert_one_new_credential();
}

/// The CA signed for somebody else than was asked for; only the process that asked can know.
#[test]
fn a_first_certificate_for_another_subject_is_told_and_refused_only_on_demand() {
    let bank = Bank::new();
    let session = bank.session();
    let pending = first(&"CN=Yamada".parse().unwrap()).begin(&session, &run()).unwrap();
    let waiting = bank.soft.snapshot();
    let other = bank.ca.issue_for(pending.request().to_der()).subject(&manual_subject().to_der()).der();
    refused(
        Install::new(&read(&other)).policy(&policy(|p| p.subject = SubjectRule::Exact)).run_for(
            &session,
            &pending,
            &run(),
        ),
        Code::SubjectDiffers,
    );
    bank.soft.snapshot().assert_same_as(&waiting);
    let installed = Install::new(&read(&other)).run_for(&session, &pending, &run()).unwrap();
    assert!(installed.notices.iter().any(|warning| *warning == Notice::SubjectChanged));
    bank.assert_one_new_credential();
}

fn first(subject: &Name) -> Renewal {
    Renewal::first(subject.clone()).policy(&policy(|p| p.key = KeyRule::Kind(usbtoken::pki::KeyKind::P256)))
}

#[test]
fn a_key_listed_in_another_session_is_found_again() {
    let bank = Bank::new();
    let (session, old): (Session, Credential) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    drop(session);
    // Handles of a session that ended are worth nothing; the removal reads anew.
    bank.session().abandon(pending.key().unwrap(), &run()).unwrap();
    bank.soft.snapshot().assert_same_as(&bank.before);
}

/// A CA would refuse such a name, or cut it, when there is a key already.
#[test]
fn a_first_name_that_no_certificate_can_have_makes_no_key() {
    let bank = Bank::new();
    let (session, _) = bank.open();
    for name in ["CN=a,C=JPN".to_owned(), format!("CN={}", "x".repeat(65)), "CN=a\\00b".to_owned()] {
        refused(Renewal::first(name.parse().unwrap()).begin(&session, &run()), Code::BadSubject);
    }
    bank.soft.snapshot().assert_same_as(&bank.before);
}

#[test]
fn a_second_request_for_the_same_credential_is_refused() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let waiting = bank.soft.snapshot();
    refused(Renewal::of(&old).begin(&session, &run()), Code::PendingExists);
    bank.soft.snapshot().assert_same_as(&waiting);
    session.abandon(pending.key().unwrap(), &run()).unwrap();
    Renewal::of(&old).begin(&session, &run()).unwrap();
}

/// What a program has listed, and another run has removed without seeing that to its end, is done when the program asks for it; what no
/// run has begun to remove here is not pending.
#[test]
fn a_key_whose_removal_was_not_seen_to_end_is_done_for_who_had_listed_it() {
    let bank = Bank::new();
    let state = bank.file("state/usbtoken");
    for caller in [Caller::Program(String::new()), Caller::Command] {
        bank.run(&["request", "--out", "request.pem", "--overwrite"]).json();
        let listed = bank.session().pending().unwrap().remove(0);
        let killed = bank.run_with_faults("C_DestroyObject#2:exit-after", &["abandon", "--yes"]);
        assert_eq!(killed.exit, 86, "{killed:?}");
        bank.soft.snapshot().assert_same_as(&bank.before);
        let session = bank.session();
        refused(session.abandon(&listed, &run()), Code::NotPending);
        let here = run().installations_in(&state).by(caller.clone());
        let begun = here.begun_abandonments(session.token().identity());
        assert_eq!(begun.iter().map(|begun| begun.id()).collect::<Vec<_>>(), [listed.id()]);
        session.abandon(&listed, &here).unwrap();
        if caller == Caller::Command {
            // It has more to do, and keeps it until it has said so.
            session.abandon_named(&listed, &here).unwrap();
            here.end_abandonment(session.token().identity(), &begun[0]);
        }
        assert!(here.begun_abandonments(session.token().identity()).is_empty());
        // It stays known, for who means this very key.
        session.abandon(&listed, &here).unwrap();
        drop(session);
        let again = bank.run(&["abandon", "--yes", "--id", &hex(listed.id())]).json();
        assert_eq!(again["already_abandoned"], true, "{again:#}");
        bank.soft.snapshot().assert_same_as(&bank.before);
    }
}
