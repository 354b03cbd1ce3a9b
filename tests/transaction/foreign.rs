//! Nothing foreign is ever lost: other programs use our identifiers, labels, subjects and serial numbers, and after each
//! job everything of theirs is on the token, attribute by attribute.

#[path = "../common/mod.rs"]
mod common;

use std::time::SystemTime;

use base16ct::lower::encode_string as hex;
use common::{Bank, credential, facts, policy, read, refused, run};
use usbtoken::error::Fact;
use usbtoken::renewal::{KeyState, PendingState, Retire};
use usbtoken::{Code, Renewal};
use usbtoken_testkit::{
    Kind, NameDer, ParsedRequest, Snapshot, SoftKey, TestCa, Text, days_from_now, serial_hex,
};

/// Everything that was there before is there, but for what has this label.
#[track_caller]
fn assert_only_gone(bank: &Bank, before: &Snapshot, gone: impl Fn(&usbtoken_testkit::Object) -> bool) {
    let now = bank.soft.snapshot();
    for object in before.objects() {
        assert_eq!(now.objects().contains(object), !gone(object), "{object}: {now:?}");
    }
}

/// The reported loss: `retire` took the first private key with the old CKA_ID.
#[test]
fn a_foreign_pair_under_the_old_identifier_stays_when_the_old_one_goes() {
    for foreign in [Kind::P256, Kind::Rsa2048, Kind::P256, Kind::P256] {
        let bank = Bank::new();
        bank.soft
            .inspect(|inspector| inspector.generate_pair_beside(foreign, &bank.old.id, "somebody else's"));
        let before = bank.soft.snapshot();
        let issuer = bank.issuer("--form p7");
        let done = bank.run(&["renew", "--retire-old", "--issuer", &issuer]).json();
        assert_eq!(done["retired"], true);
        assert_only_gone(&bank, &before, |object| object.id == bank.old.id && object.label == "bank");
    }
}

/// Another program has stored the certificate under an identifier of its own: the pair is still the certificate's.
#[test]
fn a_pair_under_another_identifier_than_its_certificate_goes_with_it() {
    let bank = Bank::new();
    bank.pkcs11_tool(&["--delete-object", "--type", "cert", "--id", &hex(&bank.old.id)]);
    bank.soft.inspect(|inspector| inspector.write_certificate(&bank.old.certificate, &[9], "moved"));
    bank.soft.inspect(|inspector| inspector.generate_pair(Kind::P256, &[7], "somebody else's"));
    let before = bank.soft.snapshot();
    let issuer = bank.issuer("--form p7");
    let done = bank.run(&["renew", "--retire-old", "--issuer", &issuer]).json();
    assert_eq!(done["retired"], true);
    assert_only_gone(&bank, &before, |object| object.id == bank.old.id || object.id == [9]);
}

/// With our own key gone and a foreign pair under its identifier there is no key to renew with, and none is claimed.
#[test]
fn a_foreign_pair_under_the_identifier_is_not_the_key() {
    let bank = Bank::new();
    let id = hex(&bank.old.id);
    for kind in ["privkey", "pubkey"] {
        bank.pkcs11_tool(&["--delete-object", "--type", kind, "--id", &id]);
    }
    bank.soft
        .inspect(|inspector| inspector.generate_pair_beside(Kind::P256, &bank.old.id, "somebody else's"));
    let before = bank.soft.snapshot();
    let session = bank.session();
    let listed = session.credentials().unwrap();
    let ours = listed.iter().find(|one| one.id() == bank.old.id).unwrap();
    assert!(matches!(ours.key(), KeyState::Missing));
    let (_, old) = bank.open();
    refused(Renewal::of(&old).begin(&session, &run()), Code::KeyMissing);
    drop(session);
    let list = bank.run(&["list"]).json();
    let entry = list.as_array().unwrap().iter().find(|entry| entry["id"] == id).unwrap();
    assert_eq!((&entry["renewable"], &entry["proof_level"]), (&false.into(), &serde_json::Value::Null));
    bank.soft.snapshot().assert_same_as(&before);
}

/// Serial numbers are unique only within one CA. Another bank's certificate has the old one's, and the answer's subject.
#[test]
fn another_bank_s_credential_of_the_same_serial_number_stays() {
    let bank = Bank::new();
    let name = NameDer::new().common(Text::Utf8, "ANOTHER BANK'S CA").to_der();
    let stranger = TestCa::new();
    let spki = bank.soft.inspect(|inspector| inspector.generate_pair(Kind::P256, &[5], "another bank"));
    let serial: Vec<u8> = hex_bytes(&serial_hex(&bank.old.certificate));
    let other = stranger.issue(&bank.old.subject, &spki).issuer(&name).serial(&serial);
    let other = other.not_after(days_from_now(20)).der();
    bank.soft.inspect(|inspector| inspector.write_certificate(&other, &[5], "another bank"));
    let before = bank.soft.snapshot();
    let issuer = bank.issuer("--form p7");
    let done = bank.run(&["renew", "--id", "01", "--retire-old", "--issuer", &issuer]).json();
    assert_eq!((&done["retired"], &done["replaced"]["id"]), (&true.into(), &"01".into()));
    assert_only_gone(&bank, &before, |object| object.id == bank.old.id);
    // It is followed by no one, and the record names the other.
    bank.run(&["retire", "--yes", "--id", "05"]).failed(Code::RetireNoSuccessor);
    assert_only_gone(&bank, &before, |object| object.id == bank.old.id);
}

/// A driver that fails for a moment while it is examined what a refused creation left: nothing is taken for that.
#[test]
fn what_cannot_be_read_for_a_moment_is_not_what_a_refused_creation_left() {
    let bank = Bank::new();
    bank.run(&["request", "--out", "request.pem"]).json();
    bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).der());
    let waiting = bank.soft.snapshot();
    let refusal = "C_CreateObject:ckr=CKR_TEMPLATE_INCONSISTENT,sticky";
    bank.run_with_faults(refusal, &["install", "answer.der"]).failed(Code::CertificateRefused);
    bank.soft.snapshot().assert_same_as(&waiting);
    let called = bank.called();
    let before = called.iter().position(|function| function == "C_CreateObject").unwrap();
    let reads = called[..before].iter().filter(|function| *function == "C_GetAttributeValue").count();
    for at in [1, 2, 3] {
        for answer in ["CKR_ATTRIBUTE_TYPE_INVALID", "CKR_GENERAL_ERROR"] {
            let fault = format!("{refusal}; C_GetAttributeValue#{}:ckr={answer},sticky", reads + at);
            assert_ne!(bank.run_with_faults(&fault, &["install", "answer.der"]).exit, 0);
            bank.soft.snapshot().assert_same_as(&waiting);
        }
    }
}

/// A foreign program gives a key of its own our record: neither goes until a person names one.
#[test]
fn the_same_record_on_two_keys_is_removed_only_by_name() {
    let bank = Bank::new();
    let pending = bank.run(&["request", "--out", "request.pem"]).json();
    let id = pending["pending_id"].as_str().unwrap();
    let waiting = bank.soft.snapshot();
    let label = waiting.added_since(&bank.before)[0].label.clone();
    bank.soft.inspect(|inspector| inspector.generate_pair(Kind::P256, &[0xee], &label));
    let both = bank.soft.snapshot();
    bank.run(&["abandon", "--yes"]).failed(Code::PendingAmbiguous);
    let session = bank.session();
    let listed = session.pending().unwrap();
    let ours = listed.iter().find(|key| hex(key.id()) == id).unwrap();
    assert!(ours.doubt().is_some());
    let error = refused(session.abandon(ours, &run()), Code::RemovalDoubtful);
    assert_eq!(facts(&error, Fact::Id), [id]);
    bank.soft.snapshot().assert_same_as(&both);
    drop(session);
    bank.run(&["abandon", "--yes", "--id", id]).json();
    assert_only_gone(&bank, &both, |object| hex(&object.id) == id);
}

/// The pair of another program, which waits for its own CA, was given our record, and our own job is gone: on the token it looks
/// like ours. Its request was never made here, so it goes only when a person names it.
#[test]
fn what_only_the_record_says_is_removed_only_by_name() {
    let bank = Bank::new();
    let pending = bank.run(&["request", "--out", "request.pem"]).json();
    let ours = hex_bytes(pending["pending_id"].as_str().unwrap());
    let label = bank.soft.snapshot().added_since(&bank.before)[0].label.clone();
    bank.soft.inspect(|inspector| {
        inspector.destroy(&ours);
        inspector.relabel(&[0xf0], label.as_bytes());
    });
    let before = bank.soft.snapshot();
    let error = bank.run(&["abandon", "--yes"]).failed(Code::RemovalDoubtful);
    assert_eq!(error["facts"]["reason"][0], "not_requested_here", "{error:#}");
    // Nobody is told to remove what is another program's.
    assert_eq!(error["facts"]["reason"][1], "request_of_another_key", "{error:#}");
    assert!(error["facts"]["go_on"].is_null(), "{error:#}");
    bank.soft.snapshot().assert_same_as(&before);

    // The same under our job's own identifier: this computer knows the key of its request.
    bank.soft.inspect(|inspector| {
        inspector.destroy(&[0xf0]);
        inspector.generate_pair(Kind::P256, &ours, &label);
    });
    let before = bank.soft.snapshot();
    bank.run(&["abandon", "--yes"]).failed(Code::PendingNotFound);
    bank.run(&["abandon", "--yes", "--id", &hex(&ours)]).failed(Code::KeyNotShown);
    bank.run(&["renew", "--issuer", "false"]).failed(Code::KeyNotShown);
    bank.soft.snapshot().assert_same_as(&before);
    // Its own is known to be gone by a person's word alone.
    let given_up = bank.run(&["abandon", "--yes", "--id", &hex(&ours), "--key-gone"]).json();
    assert_eq!(given_up["abandoned"]["id"], hex(&ours), "{given_up:#}");
    bank.soft.snapshot().assert_same_as(&before);
}

/// Another computer began the job: here nothing but the record says whose it is.
#[test]
fn a_job_of_another_computer_is_abandoned_by_its_name() {
    let bank = Bank::new();
    let pending = bank.run(&["request", "--out", "request.pem"]).json();
    std::fs::remove_dir_all(bank.file("state")).unwrap();
    let waiting = bank.soft.snapshot();
    bank.run(&["abandon", "--yes"]).failed(Code::RemovalDoubtful);
    bank.soft.snapshot().assert_same_as(&waiting);
    bank.run(&["abandon", "--yes", "--id", pending["pending_id"].as_str().unwrap()]).json();
    bank.soft.snapshot().assert_same_as(&bank.before);
}

/// Two private keys with our record and our identifier: the signature tells which one is in use. Where neither is, and no request is
/// kept here, nothing does.
#[test]
fn of_two_keys_that_share_record_and_identifier_the_one_without_a_certificate_goes() {
    let bank = Bank::new();
    let pending = bank.run(&["request", "--out", "request.pem"]).json();
    let id = pending["pending_id"].as_str().unwrap();
    let label = bank.soft.snapshot().added_since(&bank.before)[0].label.clone();
    bank.soft.inspect(|inspector| inspector.generate_pair_beside(Kind::P256, &hex_bytes(id), &label));
    std::fs::remove_dir_all(bank.file("state")).unwrap();
    let both = bank.soft.snapshot();
    for command in
        [&["abandon", "--yes", "--id", id][..], &["resume", "--sign-again", "--id", id, "--out", "x.pem"]]
    {
        let error = bank.run(command).failed(Code::KeysAlike);
        assert!(error["facts"]["go_on"].is_null() && error["hint"].is_null(), "{error:#}");
    }
    bank.soft.snapshot().assert_same_as(&both);

    bank.soft.inspect(|inspector| inspector.destroy(&hex_bytes(id)));
    let other = bank.soft.credential(&bank.ca, Kind::P256, &[9], &bank.old.subject, days_from_now(200));
    let pending = bank.run(&["request", "--id", "01", "--out", "again.pem"]).json();
    let id = hex_bytes(pending["pending_id"].as_str().unwrap());
    let label = bank.soft.snapshot().objects().iter().find(|one| one.id == id).unwrap().label.clone();
    bank.soft.inspect(|inspector| {
        inspector.relabel(&other.id, label.as_bytes());
        inspector.change_id(&other.id, &id);
    });
    let before = bank.soft.snapshot();
    bank.run(&["abandon", "--yes", "--id", &hex(&id)]).json();
    let now = bank.soft.snapshot();
    assert_eq!(before.objects().len() - now.objects().len(), 2, "{now:?}");
    let signature = bank.soft.sign(&id, b"in use");
    assert!(usbtoken_testkit::verify_with_certificate(&other.certificate, b"in use", &signature));
}

/// OpenSC copies the label of a certificate to the private key with its identifier; so what a stranger's certificate
/// under the key's identifier means, only a person can say.
#[test]
fn a_foreign_certificate_under_the_new_identifier_stops_the_removal() {
    let bank = Bank::new();
    let pending = bank.run(&["request", "--out", "request.pem"]).json();
    let id = pending["pending_id"].as_str().unwrap();
    let foreign = TestCa::new().issue(&bank.old.subject, &SoftKey::generate(Kind::P256).spki()).der();
    bank.soft.inspect(|inspector| inspector.write_certificate(&foreign, &hex_bytes(id), "somebody"));
    let before = bank.soft.snapshot();
    let listed = bank.run(&["pending"]).json();
    assert_eq!(listed[0]["state"], "awaiting_answer", "a signature says that it waits: {listed:#}");
    bank.run(&["abandon", "--yes"]).failed(Code::RemovalDoubtful);
    bank.soft.snapshot().assert_same_as(&before);
    // The answer is installed all the same.
    bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).der());
    bank.run(&["install", "answer.der"]).json();
    bank.soft.snapshot().assert_keeps(&before);
}

/// A token that keeps no public key, or one that another program removed: in a later process nothing tells the value of
/// an EC key, and its signature does.
#[test]
fn a_key_without_its_public_half_is_resumed_answered_and_abandoned() {
    for abandon in [false, true] {
        let bank = Bank::new();
        let pending = bank.run(&["request", "--out", "request.pem"]).json();
        let id = pending["pending_id"].as_str().unwrap();
        bank.pkcs11_tool(&["--delete-object", "--type", "pubkey", "--id", id]);
        let listed = bank.run(&["pending"]).json();
        assert_eq!((listed.as_array().unwrap().len(), &listed[0]["id"]), (1, &id.into()));
        // Two signatures tell which key it is.
        bank.run(&["resume", "--sign-again", "--out", "again.pem"]).json();
        let requests =
            ["request.pem", "again.pem"].map(|name| ParsedRequest::parse(&bank.read(name)).unwrap());
        assert_eq!(requests[0].spki, requests[1].spki);
        if abandon {
            bank.run(&["abandon", "--yes"]).json();
            bank.soft.snapshot().assert_same_as(&bank.before);
        } else {
            let answer = bank.ca.issue_for(&bank.read("request.pem")).der();
            bank.write("answer.der", &answer);
            bank.run(&["install", "answer.der"]).json();
            assert_eq!(bank.run(&["pending"]).json().as_array().unwrap().len(), 0);
            let signature = bank.soft.sign(&hex_bytes(id), b"new");
            assert!(usbtoken_testkit::verify_with_certificate(&answer, b"new", &signature));
            bank.soft.snapshot().assert_keeps(&bank.before);
        }
    }
}

/// An old certificate that is stored twice, and objects that are no certificates, stop nothing.
#[test]
fn odd_objects_are_used_and_kept() {
    let bank = Bank::new();
    bank.soft.inspect(|inspector| {
        inspector.write_certificate(&bank.old.certificate, &[0xc0], "copy");
    });
    let before = bank.soft.snapshot();
    let issuer = bank.issuer("--form p7");
    bank.run(&["request", "--id", "01", "--out", "request.pem"]).json();
    assert_eq!(bank.run(&["pending"]).json()[0]["concerns_serial"], serial_hex(&bank.old.certificate));
    bank.run(&["abandon", "--yes"]).json();
    bank.soft.snapshot().assert_same_as(&before);
    let done = bank.run(&["renew", "--id", "01", "--retire-old", "--issuer", &issuer]).json();
    assert_eq!(done["retired"], true);
    assert_only_gone(&bank, &before, |object| object.id == bank.old.id);
}

/// A token with a second credential, whose certificate has the serial number -7b.
fn with_a_negative_number() -> Bank {
    let bank = Bank::new();
    let spki = bank.soft.inspect(|inspector| inspector.generate_pair(Kind::P256, &[7], "negative"));
    let subject = NameDer::new().common(Text::Utf8, "negative").to_der();
    let der = bank.ca.issue(&subject, &spki).serial(&[0x85]).not_after(days_from_now(9)).der();
    bank.soft.inspect(|inspector| inspector.write_certificate(&der, &[7], "negative"));
    bank
}

const NEGATIVE_BEFORE: &str = "usbtoken:20261101:renews:-7b";

/// A negative serial number made a label that did not parse back.
#[test]
fn a_negative_serial_number_is_a_serial_number() {
    let bank = with_a_negative_number();
    let before = bank.soft.snapshot();
    for label in [None, Some(NEGATIVE_BEFORE)] {
        match label {
            None => drop(bank.run(&["request", "--id", "07", "--out", "request.pem"]).json()),
            Some(label) => {
                drop(bank.soft.inspect(|inspector| inspector.generate_pair(Kind::P256, &[0x77], label)))
            }
        }
        let listed = bank.run(&["pending"]).json();
        let id = listed[0]["id"].as_str().unwrap();
        assert_eq!(listed[0]["concerns_serial"], "-7b", "{listed:#}");
        bank.run(&["resume", "--sign-again", "--out", "again.pem"]).json();
        let _ = std::fs::remove_file(bank.file("again.pem"));
        bank.run(&["abandon", "--yes", "--id", id]).json();
        bank.soft.snapshot().assert_same_as(&before);
    }
}

/// The answer to a request of the previous release, whose job names such a certificate: another CA's is no answer, the right one is
/// installed in place of the old one, which then may go.
#[test]
fn a_job_of_the_previous_release_for_a_negative_number_is_installed() {
    let bank = with_a_negative_number();
    let before = bank.soft.snapshot();
    let spki = bank.soft.inspect(|inspector| inspector.generate_pair(Kind::P256, &[0x77], NEGATIVE_BEFORE));
    let waiting = bank.soft.snapshot();
    let subject = NameDer::new().common(Text::Utf8, "negative").to_der();
    let answer = bank.ca.issue(&subject, &spki).not_after(days_from_now(365)).der();
    bank.write("answer.der", &answer);
    let done = bank.run(&["install", "answer.der"]).json();
    assert_eq!((&done["credential"]["id"], &done["replaced"]["serial"]), (&"77".into(), &"-7b".into()));
    let both = bank.soft.snapshot();
    both.assert_keeps(&waiting);
    assert_eq!(both.added_since(&waiting).len(), 1, "the certificate");
    assert_eq!(bank.run(&["pending"]).json(), serde_json::json!([]));
    assert_eq!(bank.run(&["install", "answer.der"]).json()["already_installed"], true);
    bank.soft.snapshot().assert_same_as(&both);
    let anchor = bank.anchor();
    let retire = ["retire", "--yes", "--serial", "-7b", "--trust-anchor", &anchor];
    assert_eq!(bank.run(&retire).json()["retired"]["serial"], "-7b");
    assert_only_gone(&bank, &both, |object| object.id == [7]);
    bank.soft.snapshot().assert_keeps(&before.only(|object| object.id != [7]));
}

/// What the previous release began is listed, resumed, installed and abandoned.
#[test]
fn jobs_of_the_previous_release_go_on() {
    for finish in [true, false] {
        let bank = Bank::new();
        let label = format!("usbtoken:20261101:renews:{}", serial_hex(&bank.old.certificate));
        let id = SoftKey::generate(Kind::P256).spki()[..20].to_vec();
        bank.soft.inspect(|inspector| inspector.generate_pair(Kind::P256, &id, &label));
        let waiting = bank.soft.snapshot();
        let listed = bank.run(&["pending"]).json();
        assert_eq!(
            (&listed[0]["state"], &listed[0]["since"]),
            (&"awaiting_answer".into(), &"2026-11-01".into())
        );
        bank.run(&["renew", "--issuer", "false"]).failed(Code::PendingExists);
        bank.soft.snapshot().assert_same_as(&waiting);
        if finish {
            bank.run(&["resume", "--sign-again", "--issuer", &bank.issuer("")]).json();
            bank.assert_old_works();
            bank.assert_one_new_credential();
            assert_eq!(bank.run(&["pending"]).json().as_array().unwrap().len(), 0);
            let (session, old) = bank.open();
            Retire::of(&old, &bank.anchored()).run(&session, &run()).unwrap();
            bank.assert_others_unchanged();
        } else {
            // This computer kept no request of it.
            bank.run(&["abandon", "--yes"]).failed(Code::RemovalDoubtful);
            bank.run(&["abandon", "--yes", "--id", &hex(&id)]).json();
            bank.soft.snapshot().assert_same_as(&bank.before);
        }
    }
}

/// Two users of one firm have certificates with the same names but for the common name: neither is taken for the other,
/// in whatever order they renew.
#[test]
fn two_users_on_one_token_are_never_taken_for_each_other() {
    let bank = Bank::new();
    let firm = |name| {
        NameDer::new().organization(Text::Utf8, "firm").unit(Text::Utf8, "USB").common(Text::Utf8, name)
    };
    let (a, b) = (firm("A 20250303").to_der(), firm("B 20250303").to_der());
    bank.soft.credential(&bank.ca, Kind::P256, &[0xa], &a, days_from_now(11));
    bank.soft.credential(&bank.ca, Kind::P256, &[0xb], &b, days_from_now(12));
    let before = bank.soft.snapshot();
    let issuer = bank.issuer("--form p7");
    for id in ["0b", "0a"] {
        bank.run(&["renew", "--id", id, "--issuer", &issuer]).json();
    }
    let both = bank.soft.snapshot();
    both.assert_keeps(&before);
    let anchor = bank.anchor();
    let gone = bank.run(&["retire", "--yes", "--trust-anchor", &anchor, "--id", "0a"]).json();
    assert!(gone["successor"]["subject"]["text"].as_str().unwrap().contains("A 2025"), "{gone:#}");
    assert_only_gone(&bank, &both, |object| object.id == [0xa]);
    let gone = bank.run(&["retire", "--yes", "--trust-anchor", &anchor, "--id", "0b"]).json();
    assert!(gone["successor"]["subject"]["text"].as_str().unwrap().contains("B 2025"), "{gone:#}");
    assert_only_gone(&bank, &both, |object| object.id == [0xa] || object.id == [0xb]);
}

/// A demand on the proof that was made at the request holds for the installation too.
#[test]
fn what_was_demanded_of_the_key_is_demanded_at_the_installation() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old)
        .policy(&policy(|p| p.proof = usbtoken::pki::ProofLevel::Proven))
        .begin(&session, &run())
        .unwrap();
    let installed =
        usbtoken::Install::new(&read(&bank.certify(&pending))).run_for(&session, &pending, &run()).unwrap();
    assert_eq!(installed.proof.level, usbtoken::pki::ProofLevel::Proven);
    assert!(installed.credential.days_left(SystemTime::now()) > 300);
    assert_eq!(credential(session.token(), installed.credential.id()).label().len(), 32);
    assert!(session.pending().unwrap().iter().all(|key| key.state() != PendingState::AwaitingAnswer));
}

fn hex_bytes(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).expect("hexadecimal");
    digits.chunks(2).map(byte).collect()
}
