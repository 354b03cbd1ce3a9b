//! Installing the CA's answer: the right key is found, each check refuses by itself, and what was written is not
//! believed before it was seen.

#[path = "../common/mod.rs"]
mod common;

use std::time::SystemTime;

use common::{Bank, DAY, at, credential, facts, install, policy, read, refused, run};
use usbtoken::bank::KeyRule;
use usbtoken::error::Fact;
use usbtoken::renewal::Retire;
use usbtoken::{Code, Install, Pending, Renewal};
use usbtoken_testkit::{Form, Kind, NameDer, SoftKey, TestCa, Text, days_from_now};

#[test]
fn days_later_in_another_process() {
    let bank = Bank::new();
    bank.run(&["request", "--out", "request.pem"]).json();
    let certificate = bank.ca.issue_for(&bank.read("request.pem")).der();
    bank.write("answer.pem", &bank.ca.answer(Form::Pem, &certificate));
    // Nothing but the token and the answer carries over.
    std::fs::remove_file(bank.file("request.pem")).unwrap();
    let later = SystemTime::now() + 5 * DAY;
    let session = bank.session();
    let installed = Install::new(&read(&bank.read("answer.pem"))).run(&session, &at(later)).unwrap();
    assert_eq!(installed.replaced.as_ref().unwrap().certificate().der(), bank.old.certificate);
    assert_eq!(installed.proof.level, usbtoken::pki::ProofLevel::Proven);
    assert!(!installed.key_reused);
    bank.assert_old_works();
    assert_eq!(bank.assert_one_new_credential(), certificate);
}

/// Two requests wait; two answers came in one message, with the CAs' certificates and a stranger's among them.
#[test]
fn of_several_keys_and_certificates_the_pair_is_found_in_any_order() {
    for turn in 0..5 {
        let bank = Bank::new();
        bank.soft.credential(&bank.ca, Kind::Rsa2048, &[2], &another(), days_from_now(9));
        let (session, old) = bank.open();
        let other = credential(session.token(), &[2]);
        let one = Renewal::of(&old).begin(&session, &run()).unwrap();
        let two = Renewal::of(&other)
            .policy(&policy(|p| p.key = KeyRule::Kind(usbtoken::pki::KeyKind::P256)))
            .begin(&session, &run())
            .unwrap();
        drop(session);
        let before = bank.soft.snapshot();

        let wanted = bank.certify(&two);
        let stranger = bank.ca.issue(&another(), &SoftKey::generate(Kind::P256).spki()).der();
        let mut parts = [
            pem(&bank, bank.ca.root()),
            pem(&bank, &stranger),
            pem(&bank, bank.ca.issuing()),
            pem(&bank, &wanted),
            pem(&bank, &bank.old.certificate),
        ];
        parts.rotate_left(turn);
        let session = bank.session();
        let installed = install(&session, parts.concat().as_bytes()).unwrap();
        assert_eq!(installed.credential.certificate().der(), wanted);
        assert_eq!(installed.replaced.as_ref().unwrap().id(), [2]);
        let now = bank.soft.snapshot();
        let added: Vec<_> = now.added_since(&before);
        assert_eq!(added.len(), 1, "the certificate, and nothing is changed: {added:?}");
        assert!(added.iter().all(|object| object.id == two.key_id()), "{added:?}");
        assert_eq!(now.of_class("CKO_CERTIFICATE").count(), before.of_class("CKO_CERTIFICATE").count() + 1);
        // The other one still waits.
        let waiting = session.pending().unwrap();
        assert_eq!((waiting.len(), waiting[0].id()), (1, one.key_id()));
        bank.assert_old_works();
    }
}

/// Certificates for both keys in one answer: which is meant cannot be known, so the caller must say.
#[test]
fn two_certificates_for_two_keys_are_not_guessed_at() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let one = Renewal::of(&old).begin(&session, &run()).unwrap();
    let two = Renewal::of(&old).beside_pending().begin(&session, &run()).unwrap();
    let before = bank.soft.snapshot();
    let answer = [pem(&bank, &bank.certify(&one)), pem(&bank, &bank.certify(&two))].concat();
    let error = refused(install(&session, answer.as_bytes()), Code::PendingAmbiguous);
    assert_eq!(facts(&error, Fact::Candidate).len(), 2);
    bank.soft.snapshot().assert_same_as(&before);
    // Who names the key gets its certificate.
    let installed = Install::new(&read(answer.as_bytes())).run_for(&session, &two, &run()).unwrap();
    assert_eq!(installed.credential.id(), two.key_id());
    session.abandon(one.key().unwrap(), &run()).unwrap();
    bank.assert_old_works();
    bank.assert_one_new_credential();
}

#[test]
fn ca_certificates_are_written_only_when_asked() {
    for wanted in [false, true] {
        let bank = Bank::new();
        let (session, old) = bank.open();
        let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
        let certificate = bank.certify(&pending);
        // A CA that has nothing to do with it stands beside.
        let answer = [bank.ca.answer(Form::P7, &certificate), TestCa::new().root().to_vec()].concat();
        let chain = policy(|p| p.write_ca_certificates = wanted);
        Install::new(&read(&answer)).policy(&chain).run(&session, &run()).unwrap();
        bank.assert_old_works();
        let now = bank.soft.snapshot();
        let written: Vec<Vec<u8>> = now
            .added_since(&bank.before)
            .iter()
            .filter(|object| object.class == "CKO_CERTIFICATE")
            .map(|object| object.bytes("Value").unwrap().to_vec())
            .collect();
        let has = |der: &[u8]| written.iter().any(|value| value == der);
        assert!(has(&certificate));
        assert_eq!((has(bank.ca.root()), has(bank.ca.issuing())), (wanted, wanted));
        assert_eq!(written.len(), if wanted { 3 } else { 1 });
        // They are no credentials, and they are not written twice.
        assert_eq!(session.credentials().unwrap().iter().count(), 3);
        if wanted {
            let again = Renewal::of(credential(session.token(), &bank.old.id)).although_renewed();
            let again = again.begin(&session, &run()).unwrap();
            let answer = bank.ca.answer(Form::P7, &bank.certify(&again));
            Install::new(&read(&answer)).policy(&chain).run(&session, &run()).unwrap();
            let certificates = bank.soft.snapshot().of_class("CKO_CERTIFICATE").count();
            assert_eq!(certificates, now.of_class("CKO_CERTIFICATE").count() + 1);
        }
    }
}

/// There is room for the credential but not for the CAs.
#[test]
fn a_ca_certificate_that_does_not_fit_costs_nobody_the_credential() {
    let bank = Bank::new();
    let issuer = bank.issuer("--form p7");
    let fault = "C_CreateObject#2:ckr=CKR_DEVICE_MEMORY,sticky";
    let done = bank.run_with_faults(fault, &["renew", "--write-chain", "--issuer", &issuer]).json();
    let notices: Vec<_> = done["notices"].as_array().unwrap().iter().map(|n| n["name"].clone()).collect();
    assert!(notices.contains(&"chain_not_written".into()), "{notices:?}");
    bank.assert_old_works();
    bank.assert_one_new_credential();
    assert_eq!(bank.run(&["pending"]).json().as_array().unwrap().len(), 0);
}

#[test]
fn an_answer_is_installed_once() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let answer = bank.certify(&pending);
    Install::new(&read(&answer)).run_for(&session, &pending, &run()).unwrap();
    let done = bank.soft.snapshot();
    assert!(Install::new(&read(&answer)).run_for(&session, &pending, &run()).unwrap().was_there);
    assert!(install(&session, &answer).unwrap().was_there);
    bank.soft.snapshot().assert_same_as(&done);
    drop(session);
    bank.write("answer.der", &answer);
    let again = bank.run(&["install", "answer.der"]).json();
    assert_eq!(again["already_installed"], true, "{again:#}");
    bank.soft.snapshot().assert_same_as(&done);
    bank.assert_one_new_credential();
}

/// The token lies about what it wrote, or the key does not sign: the certificate goes again, the key waits on.
#[test]
fn what_cannot_be_seen_to_work_is_taken_back() {
    let bank = Bank::new();
    bank.run(&["request", "--out", "request.pem"]).json();
    let waiting = bank.soft.snapshot();
    let certificate = bank.ca.issue_for(&bank.read("request.pem")).der();
    bank.write("answer.der", &certificate);
    let after_writing = [
        ("C_Sign:ckr=CKR_DEVICE_ERROR", Code::DeviceFault),
        ("C_SignInit:ckr=CKR_KEY_FUNCTION_NOT_PERMITTED", Code::TokenRefused),
        ("C_CreateObject:ckr=CKR_DEVICE_MEMORY", Code::TokenFull),
        ("C_CreateObject:ckr=CKR_TOKEN_WRITE_PROTECTED", Code::WriteProtected),
        ("C_CreateObject:ckr=CKR_TEMPLATE_INCONSISTENT,sticky", Code::CertificateRefused),
    ];
    for (fault, code) in after_writing {
        bank.run_with_faults(fault, &["install", "answer.der"]).failed(code);
        bank.soft.snapshot().assert_same_as(&waiting);
    }
    // The read after the write is the one whose answer is cut.
    let reads = reads_before_the_write();
    let fault = format!("C_GetAttributeValue#{}:lie=truncated", reads + 1);
    bank.run_with_faults(&fault, &["install", "answer.der"]).failed(Code::ReadBackDiffers);
    bank.soft.snapshot().assert_same_as(&waiting);

    bank.run(&["install", "answer.der"]).json();
    bank.assert_old_works();
    assert_eq!(bank.assert_one_new_credential(), certificate);
}

/// How often attributes are read before the certificate is written, on a token like the others here.
fn reads_before_the_write() -> usize {
    let bank = Bank::new();
    bank.run(&["request", "--out", "request.pem"]).json();
    bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).der());
    bank.run_with_faults("", &["install", "answer.der"]).json();
    let called = bank.called();
    let written = called.iter().position(|function| function == "C_CreateObject").unwrap();
    called[..written].iter().filter(|function| *function == "C_GetAttributeValue").count()
}

/// The record is the label of all three objects from the beginning, and nothing that was made is changed.
#[test]
fn the_record_is_the_label_of_all_three() {
    let bank = Bank::new();
    bank.run(&["request", "--out", "request.pem"]).json();
    let waiting = bank.soft.snapshot();
    let halves = waiting.added_since(&bank.before);
    let label = halves[0].label.clone();
    assert!(label.starts_with("ut2o") && label.len() == 32, "{label}");
    assert!(halves.len() == 2 && halves[1].label == label, "{halves:?}");
    bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).der());
    bank.run_with_faults("", &["install", "answer.der"]).json();
    let called = bank.called();
    let at = |name: &str| called.iter().rposition(|function| function == name).unwrap();
    assert!(at("C_CreateObject") < at("C_Sign"), "{called:?}");
    for never in ["C_DestroyObject", "C_SetAttributeValue"] {
        assert!(!called.iter().any(|function| function == never), "{called:?}");
    }
    let now = bank.soft.snapshot();
    now.assert_keeps(&waiting);
    let written = now.added_since(&waiting);
    assert!(written.len() == 1 && written[0].label == label, "{written:?}");
    bank.assert_old_works();
    bank.assert_one_new_credential();
}

/// Every interruption of the second half: the old credential is whole, the new one complete or recorded as not, and
/// the same answer ends the job.
#[test]
fn wherever_the_second_half_stops_the_same_answer_ends_it() {
    for function in ["C_CreateObject", "C_SignInit", "C_Sign"] {
        for kind in ["exit", "exit-after", "lose", "remove"] {
            let bank = Bank::new();
            bank.run(&["request", "--out", "request.pem"]).json();
            bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).der());
            let fault = format!("{function}:{kind}");
            let said = bank.run_with_faults(&fault, &["install", "answer.der"]);
            assert_ne!(said.exit, 0, "{fault}");
            bank.assert_old_works();
            // What is there decides: with its certificate the key is complete, without it the key waits.
            let written = bank.soft.snapshot().added_since(&bank.before).len() == 3;
            let listed = bank.run(&["pending"]).json();
            assert_eq!(listed.as_array().unwrap().is_empty(), written, "{fault}: {listed:#}");
            bank.run(&["install", "answer.der"]).json();
            bank.assert_old_works();
            bank.assert_one_new_credential();
        }
    }
}

/// The certificate that is renewed was removed meanwhile: the answer is still for the key that waits.
#[test]
fn an_answer_is_taken_when_the_old_certificate_is_gone() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending: Pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    drop(session);
    bank.soft.inspect(|inspector| inspector.destroy(&bank.old.id));
    let session = bank.session();
    let installed = install(&session, &bank.certify(&pending)).unwrap();
    assert!(installed.replaced.is_none());
    bank.assert_others_unchanged();
    bank.assert_one_new_credential();
}

fn another() -> Vec<u8> {
    NameDer::new().common(Text::Utf8, "another customer").to_der()
}

fn pem(bank: &Bank, der: &[u8]) -> String {
    String::from_utf8(bank.ca.answer(Form::Pem, der)).unwrap()
}

#[test]
fn the_old_credential_is_untouched_until_it_is_retired() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    bank.soft.snapshot().assert_keeps(&bank.before);
    let new = install(&session, &bank.ca.answer(Form::Bundle, &bank.certify(&pending))).unwrap();
    bank.soft.snapshot().assert_keeps(&bank.before);
    bank.assert_one_new_credential();
    Retire::replaced_by(&new).expect("the old one is there").although_kept().run(&session, &run()).unwrap();
    let after = bank.soft.snapshot();
    assert_eq!(after.with_id(old.id()).count(), 0);
    assert_eq!(after.objects().len(), bank.before.objects().len(), "three came, three went");
    bank.assert_others_unchanged();
}

/// The first half in one process, the second in another: nothing but the token carries over.
#[test]
fn the_answer_finds_its_key_after_everything_is_closed() {
    let bank = Bank::of(Kind::Rsa2048, days_from_now(11));
    let certificate = {
        let (session, old) = bank.open();
        bank.certify(&Renewal::of(&old).begin(&session, &run()).unwrap())
    };
    let session = bank.session();
    assert_eq!(session.pending().unwrap().len(), 1);
    install(&session, &certificate).unwrap();
    assert_eq!(session.pending().unwrap().len(), 0);
    bank.soft.snapshot().assert_keeps(&bank.before);
}

/// The certificate was written, and from some call on the driver gives no attribute, or half of each, for good. Nothing is
/// removed then. Where there is no attribute nothing is said to be missing; half a label is another label.
#[test]
fn a_driver_that_gives_no_values_any_more_spoils_nothing_that_was_written() {
    let bank = Bank::new();
    bank.run(&["request", "--out", "request.pem"]).json();
    bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).der());
    assert_eq!(bank.run_with_faults("C_SignInit:exit", &["install", "answer.der"]).exit, 86);
    let written = bank.soft.snapshot();
    bank.run_with_faults("", &["install", "answer.der"]).json();
    let reads = bank.called().iter().filter(|name| *name == "C_GetAttributeValue").count();
    for (lie, is_told) in [("unavailable", true), ("truncated", false)] {
        let mut refused = 0;
        for read in 1..=reads {
            let fault = format!("C_GetAttributeValue#{read}:lie={lie},sticky");
            let said = bank.run_with_faults(&fault, &["install", "answer.der"]);
            // Where the certificate alone tells nothing, which depends on the order of the objects, it is written once more.
            bank.soft.snapshot().assert_keeps(&written);
            refused += usize::from(said.exit != 0);
            // What was written once more reads back as nothing.
            let told = ["object_unreadable", "read_back_differs"];
            let says = |name: &&str| said.stderr.contains(&format!("\"name\": \"{name}\""));
            assert!(!is_told || said.exit == 0 || told.iter().any(says), "{lie} {read}: {said:?}");
        }
        assert!(refused > 0, "{lie}");
    }
    bank.run(&["install", "answer.der"]).json();
    bank.assert_old_works();
    let new = bank.soft.snapshot();
    let new = new.added_since(&bank.before);
    assert!(new.iter().all(|object| object.id == new[0].id), "{new:?}");
}
