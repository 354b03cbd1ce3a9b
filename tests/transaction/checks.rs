//! The checks of the CA's answer: each refuses by itself, and can be relaxed by name.

#[path = "../common/mod.rs"]
mod common;

use std::time::{Duration, SystemTime};

use common::{Bank, DAY, at, certificates, credential, facts, install, policy, read, refused, run};
use usbtoken::error::{Fact, Notice, Step};
use usbtoken::pki::{Check, Relax, SubjectRule};
use usbtoken::{Code, Install, Renewal};
use usbtoken_testkit::{Form, Issue, Kind, NameDer, SoftKey, TestCa, Text, days_from_now};

#[test]
fn a_trust_anchor_decides_whether_the_chain_holds() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let waiting = bank.soft.snapshot();
    let certificate = bank.certify(&pending);
    let whole = bank.ca.answer(Form::P7, &certificate);
    let alone = bank.ca.answer(Form::Der, &certificate);
    let spoiled = bank.ca.issue_for(pending.request().to_der()).spoil_signature().der();
    let stranger = TestCa::new();
    let imposter = stranger.issue_for(pending.request().to_der()).der();
    let root = bank.ca.root();
    let untrusted: [(&str, Vec<u8>, &[u8]); 5] = [
        ("another root", whole.clone(), stranger.root()),
        ("the intermediate is missing", alone.clone(), root),
        ("a spoiled signature", bank.ca.answer(Form::P7, &spoiled), root),
        ("another CA under the same names", stranger.answer(Form::P7, &imposter), root),
        ("the right names, the wrong signer", bank.ca.answer(Form::P7, &imposter), root),
    ];
    for (what, answer, anchor) in &untrusted {
        let error = Install::new(&read(answer))
            .policy(&policy(|p| p.anchors = certificates(&[*anchor])))
            .run(&session, &run())
            .map(|_| ())
            .unwrap_err();
        assert_eq!(error.code(), Code::ChainUntrusted, "{what}: {error}");
        assert!(!facts(&error, Fact::Reason).is_empty(), "{what}: it says why");
        bank.soft.snapshot().assert_same_as(&waiting);
    }
    drop(session);
    let file = bank.write("root.der", stranger.root());
    bank.write("answer.p7", &whole);
    let anchor = file.to_str().unwrap();
    bank.run(&["install", "--trust-anchor", anchor, "answer.p7"]).failed(Code::ChainUntrusted);
    bank.soft.snapshot().assert_same_as(&waiting);

    // One of several anchors is enough.
    let session = bank.session();
    let installed = Install::new(&read(&whole))
        .policy(&policy(|p| p.anchors = certificates(&[stranger.root(), root])))
        .run(&session, &run())
        .unwrap();
    assert!(!installed.notices.iter().any(|warning| *warning == Notice::ChainNotChecked));
    bank.assert_old_works();
    bank.assert_one_new_credential();
}

#[test]
fn without_an_anchor_it_says_that_nobody_looked() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let answer = bank.certify(&pending);
    let installed = Install::new(&read(&answer)).run_for(&session, &pending, &run()).unwrap();
    assert!(installed.notices.iter().any(|warning| *warning == Notice::ChainNotChecked));
    let again = Renewal::of(credential(session.token(), &bank.old.id)).although_renewed();
    let again = again.begin(&session, &run()).unwrap();
    let answer = bank.certify(&again);
    let anchored =
        Install::new(&read(&answer)).policy(&bank.anchored()).run_for(&session, &again, &run()).unwrap();
    assert!(!anchored.notices.iter().any(|warning| *warning == Notice::ChainNotChecked));
}

/// Each check by itself: its own code, both values, and a token that did not change. Relaxed by its name, and only
/// then, the same certificate is taken.
#[test]
fn every_check_refuses_by_itself_and_can_be_relaxed_by_name() {
    type Shape = for<'i> fn(Issue<'i>, &Bank) -> Issue<'i>;
    let rows: [(Code, Check, Shape); 7] = [
        (Code::SubjectDiffers, Check::Subject, |issue, _| issue.subject(&another())),
        (Code::CertificateExpired, Check::Validity, |issue, _| {
            issue.not_before(days_from_now(-400)).not_after(days_from_now(-1))
        }),
        (Code::NotLaterThanOld, Check::LaterThanOld, |issue, _| issue.not_after(days_from_now(10))),
        (Code::SerialSame, Check::Serial, |issue, bank| issue.serial(&serial_of(&bank.old.certificate))),
        (Code::IsCaCertificate, Check::NotCa, |issue, _| issue.ca(true)),
        (Code::PurposeMissing, Check::Purpose, |issue, _| issue.server_only()),
        (Code::UsageMissing, Check::Usage, |issue, _| issue.usage_without_signing()),
    ];
    for (code, check, shape) in rows {
        let bank = Bank::new();
        let (session, old) = bank.open();
        let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
        let waiting = bank.soft.snapshot();
        let answer = shape(bank.ca.issue_for(pending.request().to_der()), &bank).der();

        // The subject is a check only for those who demand it byte for byte.
        let response = read(&answer);
        let exact = policy(|p| p.subject = SubjectRule::Exact);
        let install = Install::new(&response).policy(&exact);
        for error in [
            install.run(&session, &run()).map(|_| ()).unwrap_err(),
            install.run_for(&session, &pending, &run()).map(|_| ()).unwrap_err(),
        ] {
            assert_eq!(error.code(), code, "{error}");
            assert_eq!(error.step(), Some(Step::CheckCertificate));
            let (expected, found) = (facts(&error, Fact::Expected), facts(&error, Fact::Found));
            assert_eq!((expected.len(), found.len()), (1, 1), "both values: {error}");
            assert_ne!(expected, found);
            bank.soft.snapshot().assert_same_as(&waiting);
        }
        // Every other name does not help.
        let others: Relax =
            Check::ALL.iter().copied().filter(|other| *other != check && !implied(code, *other)).collect();
        let mut relaxed = exact.clone();
        relaxed.relax = others;
        refused(install.clone().policy(&relaxed).run(&session, &run()), code);
        bank.soft.snapshot().assert_same_as(&waiting);

        // A certificate that ended yesterday does not end later than the old one either, and a CA's certificate of
        // the test CA is for nothing but signing certificates.
        relaxed.relax =
            Check::ALL.iter().copied().filter(|other| *other == check || implied(code, *other)).collect();
        let installed = install.clone().policy(&relaxed).run(&session, &run()).unwrap();
        assert_eq!(installed.credential.certificate().der(), answer);
        bank.soft.snapshot().assert_keeps(&bank.before);
    }
}

#[test]
fn the_command_relaxes_by_name_and_checks_the_chain() {
    let bank = Bank::new();
    bank.run(&["request", "--out", "request.pem"]).json();
    let waiting = bank.soft.snapshot();
    let certificate = bank.ca.issue_for(&bank.read("request.pem")).server_only().der();
    bank.write("answer.p7", &bank.ca.answer(Form::P7, &certificate));
    bank.write("root.pem", pem(&bank, bank.ca.root()).as_bytes());
    let error = bank.run(&["install", "answer.p7"]).failed(Code::PurposeMissing);
    assert_eq!(error["facts"]["expected"][0], "1.3.6.1.5.5.7.3.2");
    assert_eq!(error["facts"]["found"][0], "1.3.6.1.5.5.7.3.1");
    bank.run(&["install", "--relax", "usage", "answer.p7"]).failed(Code::PurposeMissing);
    for never in ["key", "key_match", "chain"] {
        assert_eq!(
            bank.run(&["install", "--relax", never, "answer.p7"]).exit,
            2,
            "{never} is no name of a check"
        );
    }
    bank.soft.snapshot().assert_same_as(&waiting);
    bank.run(&["install", "--relax", "purpose", "answer.p7"]).json();
    bank.assert_old_works();
    assert_eq!(bank.assert_one_new_credential(), certificate);

    let bank = Bank::new();
    bank.write("root.pem", pem(&bank, bank.ca.root()).as_bytes());
    let issuer = bank.issuer("--form p7");
    let done = bank.run(&["renew", "--trust-anchor", "root.pem", "--issuer", &issuer]).json();
    let unchecked = |notice: &serde_json::Value| notice["name"] == "chain_not_checked";
    assert!(!done["notices"].as_array().unwrap().iter().any(unchecked), "{done:#}");
    bank.assert_one_new_credential();
}

fn implied(code: Code, check: Check) -> bool {
    matches!(
        (code, check),
        (Code::CertificateExpired, Check::LaterThanOld) | (Code::IsCaCertificate, Check::Usage)
    )
}

/// That the certificate belongs to the key is not open to discussion, and with it the kind of key: a certificate for
/// a key of another kind is one for another key.
#[test]
fn the_key_is_always_checked() {
    let all: Relax = Check::ALL.iter().copied().collect();
    for kind in [Kind::P256, Kind::P384, Kind::Rsa2048] {
        let bank = Bank::new();
        let (session, old) = bank.open();
        let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
        let waiting = bank.soft.snapshot();
        let other = SoftKey::generate(kind).spki();
        let answer = bank.ca.issue_for(pending.request().to_der()).public_key(&other).der();
        let error = refused(
            Install::new(&read(&answer)).policy(&policy(|p| p.relax = all)).run(&session, &run()),
            Code::KeyMismatch,
        );
        assert_eq!(
            (facts(&error, Fact::Expected).len(), facts(&error, Fact::Found).len()),
            (1, 1),
            "{error}"
        );
        refused(
            Install::new(&read(&answer)).policy(&policy(|p| p.relax = all)).run_for(
                &session,
                &pending,
                &run(),
            ),
            Code::KeyMismatch,
        );
        // The old key's own certificate anew is for another key than the pending one, too.
        let renewed = bank.ca.issue(&bank.old.subject, &bank.old.spki).der();
        refused(
            Install::new(&read(&renewed)).policy(&policy(|p| p.relax = all)).run(&session, &run()),
            Code::KeyMismatch,
        );
        bank.soft.snapshot().assert_same_as(&waiting);
    }
}

#[test]
fn a_subject_that_only_reads_alike_is_another_for_those_who_demand_the_bytes() {
    let bank = Bank::new();
    let subject = |text| NameDer::new().common(text, "Yamada").to_der();
    bank.soft.credential(&bank.ca, Kind::P256, &[2], &subject(Text::Printable), days_from_now(9));
    let session = bank.session();
    let old = credential(session.token(), &[2]);
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let waiting = bank.soft.snapshot();
    let answer = bank.ca.issue_for(pending.request().to_der()).subject(&subject(Text::Utf8)).der();
    let exact = policy(|p| p.subject = SubjectRule::Exact);
    let error =
        refused(Install::new(&read(&answer)).policy(&exact).run(&session, &run()), Code::SubjectDiffers);
    assert_ne!(facts(&error, Fact::Expected), facts(&error, Fact::Found), "{error}");
    bank.soft.snapshot().assert_same_as(&waiting);
    // CAs encode names anew: by the usual rule it is the same.
    let installed = install(&session, &answer).unwrap();
    assert!(!installed.notices.iter().any(|warning| *warning == Notice::SubjectChanged));
    bank.soft.snapshot().assert_keeps(&bank.before);
}

#[test]
fn validity_counts_by_the_clock_that_is_given() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let waiting = bank.soft.snapshot();
    let begin = SystemTime::UNIX_EPOCH + Duration::from_secs(1_900_000_000);
    let answer =
        bank.ca.issue_for(pending.request().to_der()).not_before(begin).not_after(begin + 100 * DAY).der();
    let second = Duration::from_secs(1);
    refused(
        Install::new(&read(&answer)).run(&session, &at(begin + 100 * DAY + second)),
        Code::CertificateExpired,
    );
    bank.soft.snapshot().assert_same_as(&waiting);
    // A beginning in the future is told and refuses nothing.
    let installed = Install::new(&read(&answer)).run(&session, &at(begin - second)).unwrap();
    let warned = installed.notices.iter().find(|warning| **warning == Notice::NotYetValid).unwrap();
    let kinds: Vec<Fact> = warned.facts().map(|(fact, _)| fact).collect();
    assert_eq!(kinds, [Fact::Now, Fact::Begins]);
    bank.assert_old_works();
    bank.assert_one_new_credential();
}

fn another() -> Vec<u8> {
    NameDer::new().common(Text::Utf8, "another customer").to_der()
}

fn pem(bank: &Bank, der: &[u8]) -> String {
    String::from_utf8(bank.ca.answer(Form::Pem, der)).unwrap()
}

/// The content of the serial number's INTEGER.
fn serial_of(certificate: &[u8]) -> Vec<u8> {
    let hex = usbtoken_testkit::serial_hex(certificate);
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
