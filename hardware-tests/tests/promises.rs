//! The promises, on the token that is named or on SoftHSM.

use std::time::SystemTime;

use usbtoken::bank::KeyRule;
use usbtoken::pki::{KeyKind, Name, ProofLevel};
use usbtoken::{
    Code, Credential, Finder, Install, Installed, Pin, Policy, Renewal, Response, Result, Run, Session, Token,
};
use usbtoken_hardware_tests::Target;
use usbtoken_testkit::{Form, Kind, SoftKey, TestCa, days_from_now, verify_with_certificate};

/// A first certificate, its renewal, and nothing left or changed beside them.
#[test]
fn renew() {
    let target = Target::new();
    let ca = TestCa::new();
    let (old, new) = {
        let token = find(&target);
        let session = token.login(pin(&target)).unwrap();

        let first = Renewal::first(subject())
            .policy(&with_key(kind(&target)))
            .begin(&session, &Run::default())
            .unwrap();
        assert!(first.proof().level >= ProofLevel::Claimed, "{:?}", first.proof());
        let certificate = ca.issue_for(first.request().to_der()).not_after(days_from_now(11)).der();
        let old = install(&session, &ca.answer(Form::Pem, &certificate)).unwrap().credential.clone();
        assert_eq!(old.days_left(SystemTime::now()), 11);

        let pending = Renewal::of(&old).begin(&session, &Run::default()).unwrap();
        assert_eq!(pending.request().subject().der(), old.subject().der(), "byte for byte");
        assert_ne!(pending.key_id(), old.id(), "a fresh id");
        let certificate = ca.issue_for(pending.request().to_der()).der();
        let new = install(&session, &ca.answer(Form::P7, &certificate)).unwrap().credential.clone();
        assert_eq!(new.certificate().der(), certificate);
        (old, new)
    };
    // The library has let go of the driver: another client has the word.
    target.snapshot().assert_keeps(target.before());
    target.inspect(|inspector| {
        for credential in [&old, &new] {
            let signature = inspector.sign(credential.id(), b"challenge");
            assert!(verify_with_certificate(credential.certificate().der(), b"challenge", &signature));
        }
    });
    target.clean_up();
}

/// Each wrong answer is refused, and the token holds exactly what it held before.
#[test]
fn bad_input() {
    let target = Target::new();
    let ca = TestCa::new();
    let request = {
        let session = find(&target).login(pin(&target)).unwrap();
        let pending = Renewal::first(subject())
            .policy(&with_key(kind(&target)))
            .begin(&session, &Run::default())
            .unwrap();
        pending.request().to_pem()
    };
    let waiting = target.snapshot();
    let issue = || ca.issue_for(request.as_bytes());
    let good = issue().der();
    let stranger = SoftKey::generate(Kind::P256).spki();
    let rows = [
        (Vec::new(), Code::AnswerEmpty),
        (b"Service temporarily unavailable".to_vec(), Code::AnswerUnreadable),
        (good[..good.len() / 2].to_vec(), Code::AnswerTruncated),
        (issue().public_key(&stranger).der(), Code::KeyMismatch),
        (ca.answer_without_leaf(Form::P7), Code::AnswerNoLeaf),
        (issue().not_before(days_from_now(-9)).not_after(days_from_now(-1)).der(), Code::CertificateExpired),
        (issue().ca(true).der(), Code::IsCaCertificate),
        (issue().server_only().der(), Code::PurposeMissing),
    ];
    for (answer, code) in rows {
        let refused = install(&find(&target).login(pin(&target)).unwrap(), &answer).unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
        target.snapshot().assert_same_as(&waiting);
    }
    target.clean_up();
}

/// A job that is given up leaves nothing.
#[test]
fn what_is_left_on_the_token() {
    let target = Target::new();
    {
        let session = find(&target).login(pin(&target)).unwrap();
        let pending = Renewal::first(subject())
            .policy(&with_key(kind(&target)))
            .begin(&session, &Run::default())
            .unwrap();
        let waiting = session.pending().unwrap();
        assert!(waiting.iter().any(|key| key.id() == pending.key_id()), "the token knows what waits");
        session.abandon(pending.key().unwrap(), &Run::default()).unwrap();
        assert!(session.pending().unwrap().iter().all(|key| key.id() != pending.key_id()));
    }
    target.snapshot().assert_same_as(target.before());
}

/// Without a PIN the certificates can be read, and nothing is written.
#[test]
fn looking_writes_nothing() {
    let target = Target::new();
    {
        let credentials = find(&target).credentials().unwrap();
        let subjects: Vec<String> =
            credentials.iter().map(|one: &Credential| one.subject().to_string()).collect();
        let there = target.before().of_class("CKO_CERTIFICATE").count();
        assert_eq!(subjects.len() + credentials.unreadable().len(), there, "{subjects:?}");
    }
    target.snapshot().assert_same_as(target.before());
}

fn find(target: &Target) -> Token {
    Finder::new().module(target.module()).find(&target.uri().parse().unwrap()).unwrap()
}

fn pin(target: &Target) -> Pin {
    Pin::new(target.pin().into())
}

fn kind(target: &Target) -> KeyKind {
    target.kind().to_string().parse().unwrap()
}

fn subject() -> Name {
    "CN=usbtoken hardware test,O=test".parse().unwrap()
}

fn with_key(kind: KeyKind) -> Policy {
    let mut policy = Policy::default();
    policy.key = KeyRule::Kind(kind);
    policy
}

fn install(session: &Session, answer: &[u8]) -> Result<Installed> {
    Install::new(&Response::parse(answer)?).run(session, &Run::default())
}
