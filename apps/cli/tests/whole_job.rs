//! The whole job through the command: what it prints, and what is on the token afterwards.

mod common;

use common::{Stage, hex};
use usbtoken_testkit::{Form, Kind, days_from_now, serial_hex, verify_with_certificate};

#[test]
fn list_shows_the_credential_with_its_days() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let list = stage.run(&["list"]).json();
    let ours: Vec<_> = list.as_array().unwrap().iter().filter(|entry| entry["id"] == "01").collect();
    let [entry] = ours.as_slice() else { panic!("one credential with id 01: {list:#}") };
    assert_eq!(entry["days_left"], 11);
    assert_eq!(entry["renewable"], true);
    assert_eq!(entry["serial"], serial_hex(&stage.old.certificate));
    assert_eq!(entry["key_algorithm"], "P-256");
    assert_eq!(entry["subject"]["common_name"], "login031 A001 202003041536 3656560435");
    let units = entry["subject"]["organizational_units"].as_array().unwrap();
    assert_eq!(units, &["(9936)ANSER-WEB(BizSOL) TEST CA - G4", "USB TOKEN"]);
    stage.token.snapshot().assert_same_as(&before);
}

#[test]
fn renew_adds_a_proven_credential_and_touches_nothing_else() {
    for kind in Kind::COMMON {
        let stage = Stage::of(kind, days_from_now(11));
        let before = stage.token.snapshot();
        stage.renew(&["--key", &kind.to_string()], &["--form", "p7"]).succeeded();
        let after = stage.token.snapshot();
        after.assert_keeps(&before);

        let added = after.added_since(&before);
        let mut classes: Vec<&str> = added.iter().map(|object| object.class.as_str()).collect();
        classes.sort_unstable();
        assert_eq!(classes, ["CKO_CERTIFICATE", "CKO_PRIVATE_KEY", "CKO_PUBLIC_KEY"], "{kind}");
        let id = &added[0].id;
        assert!(added.iter().all(|object| object.id == *id), "{kind}: one id for the three of them");
        assert_ne!(*id, stage.old.id, "{kind}: a fresh id");

        let find = |class: &str| added.iter().find(|object| object.class == class).unwrap();
        let (certificate, private) = (find("CKO_CERTIFICATE"), find("CKO_PRIVATE_KEY"));
        assert_eq!(certificate.bytes("Subject").unwrap(), stage.old.subject, "{kind}: byte for byte");
        for (flag, value) in [("Sensitive", true), ("Extractable", false), ("Private", true), ("Local", true)]
        {
            assert_eq!(private.flag(flag), Some(value), "{kind}: {flag}");
        }
        let signature = stage.token.sign(id, b"challenge");
        let der = certificate.bytes("Value").unwrap();
        assert!(verify_with_certificate(der, b"challenge", &signature), "{kind}");
        let old = stage.token.sign(&stage.old.id, b"challenge");
        assert!(
            verify_with_certificate(&stage.old.certificate, b"challenge", &old),
            "{kind}: the old pair too"
        );
    }
}

#[test]
fn every_form_of_answer_is_installed() {
    for form in Form::ALL {
        let stage = Stage::new();
        let done = stage.install_shaped(form, |issue| issue).json();
        let certificate = newest(&stage);
        assert!(done.to_string().contains(&serial_hex(&certificate)), "{form}: {done:#}");
    }
}

#[test]
fn two_halves_in_two_processes_meet_on_the_token() {
    let stage = Stage::of(Kind::Rsa2048, days_from_now(11));
    let before = stage.token.snapshot();
    let request = stage.request(&[]);
    let waiting = stage.token.snapshot();
    waiting.assert_keeps(&before);
    assert_eq!(waiting.of_class("CKO_CERTIFICATE").count(), before.of_class("CKO_CERTIFICATE").count());

    let certificate = stage.ca.issue_for(&request).der();
    stage.install(&stage.ca.answer(Form::Der, &certificate)).succeeded();
    assert_eq!(newest(&stage), certificate);
    stage.token.snapshot().assert_keeps(&before);
}

#[test]
fn a_first_certificate_needs_no_old_one() {
    let stage = Stage::new();
    let empty = stage.token.sibling("NEW");
    let before = stage.token.snapshot();
    let subject = "CN=login031 A002,OU=USB TOKEN,O=(9936)NTT DATA CORPORATION,C=JP";
    let arguments = ["request", "--subject", subject, "--key", "p256", "--out", "request.pem"];
    stage.run_with(empty.pin(), &empty.uri(), &arguments).succeeded();
    let shown =
        stage.tool("openssl", &["req", "-in", "request.pem", "-noout", "-subject", "-nameopt", "RFC2253"]);
    assert_eq!(shown.succeeded().stdout.trim(), format!("subject={subject}"));

    let certificate = stage.ca.issue_for(&stage.read("request.pem")).der();
    stage.write("answer", &stage.ca.answer(Form::Pem, &certificate));
    stage.run_with(empty.pin(), &empty.uri(), &["install", "answer"]).succeeded();
    let there = empty.snapshot();
    assert_eq!(there.of_class("CKO_CERTIFICATE").next().unwrap().bytes("Value").unwrap(), certificate);
    stage.token.snapshot().assert_same_as(&before);
}

#[test]
fn retire_old_removes_exactly_the_old_credential() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    stage.renew(&["--retire-old"], &["--form p7"]).succeeded();
    let after = stage.token.snapshot();
    assert_eq!(after.with_id(&stage.old.id).count(), 0, "{after:?}");
    let foreign = |id: &[u8]| *id != *stage.old.id;
    for object in before.objects().iter().filter(|object| foreign(&object.id)) {
        assert!(after.objects().contains(object), "{object} is lost");
    }
    assert_eq!(after.objects().len(), before.objects().len());
}

#[test]
fn outside_the_window_only_with_force() {
    let stage = Stage::of(Kind::P256, days_from_now(100));
    let before = stage.token.snapshot();
    stage.renew(&["--id", "01"], &[]).failed("not_yet_renewable", 9);
    stage.token.snapshot().assert_same_as(&before);
    stage.renew(&["--id", "01", "--force"], &[]).succeeded();
}

#[test]
fn one_of_several_is_chosen_by_id_or_serial() {
    let stage = Stage::new();
    let subject = usbtoken_testkit::manual_subject().to_der();
    let other = stage.token.credential(&stage.ca, Kind::P256, &[2], &subject, days_from_now(20));
    let before = stage.token.snapshot();
    stage.renew(&[], &[]).failed("credential_ambiguous", 3);
    stage.renew(&["--id", "09"], &[]).failed("credential_not_found", 3);
    stage.token.snapshot().assert_same_as(&before);
    stage.renew(&["--id", &hex(&other.id)], &[]).succeeded();
    stage.renew(&["--serial", &serial_hex(&stage.old.certificate)], &[]).succeeded();
    stage.token.snapshot().assert_keeps(&before);
}

/// A token may hold one certificate for a key: at a terminal a person says whether the old one may be overwritten.
#[test]
fn a_person_is_asked_before_a_certificate_is_written_under_the_old_ones_id() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    stage.write("issuer", format!("#!/bin/sh\nexec {}\n", stage.issuer(&[])).as_bytes());
    let at_terminal = |answer: &str| {
        let renew = "usbtoken --token pkcs11:token=BANK --lang en --pin-file pin renew --reuse-key --id 01";
        stage.shell(&format!("echo {answer} | script -qec '{renew} --issuer \"sh issuer\"' /dev/null"))
    };
    let refused = at_terminal("no");
    assert!(refused.stdout.contains("overwrites the old one"), "{refused:?}");
    assert_ne!(refused.code, 0, "{refused:?}");
    stage.token.snapshot().assert_same_as(&before);
    let renewed = at_terminal("yes");
    assert_eq!(renewed.code, 0, "{renewed:?}");
    assert_eq!(
        stage.token.snapshot().with_id(&stage.old.id).count(),
        before.with_id(&stage.old.id).count() + 1
    );
}

/// The only certificate whose id is neither the old one's nor a stranger's.
fn newest(stage: &Stage) -> Vec<u8> {
    let now = stage.token.snapshot();
    let new = |id: &[u8]| *id != *stage.old.id && *id != [0xf1];
    let found: Vec<_> = now.of_class("CKO_CERTIFICATE").filter(|object| new(&object.id)).collect();
    let [one] = found.as_slice() else { panic!("one new certificate: {now:?}") };
    one.bytes("Value").unwrap().to_vec()
}
