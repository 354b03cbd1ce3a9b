//! The whole job through the library, on a token made for the test.

use serial_test::serial;
use std::time::SystemTime;
use usbtoken::bank::KeyRule;
use usbtoken::pki::{KeyKind, ProofLevel, Window};
use usbtoken::renewal::{KeyState, Renewable};
use usbtoken::{Finder, Install, Pin, Policy, Renewal, Response, Run, Session, Token, TokenUri};
use usbtoken_testkit::{Form, Kind, SoftToken, TestCa, days_from_now};

fn find(token: &SoftToken) -> Token {
    let uri: TokenUri = token.uri().parse().unwrap();
    Finder::new().module(token.module()).find(&uri).unwrap()
}

fn login(token: &SoftToken) -> Session {
    find(token).login(Pin::new(token.pin().as_bytes().to_vec())).unwrap()
}

fn renews(kind: Kind, wanted: KeyKind) {
    let soft = SoftToken::fresh();
    let ca = TestCa::of_kind(Kind::P256);
    let old = soft.first_credential(&ca, kind, days_from_now(11));
    soft.foreign_objects();
    let before = soft.snapshot();
    let now = SystemTime::now();

    let token = find(&soft);
    let credentials = token.credentials().unwrap();
    let credential = credentials.renewable(Window::default(), now).only().unwrap();
    assert_eq!(credential.days_left(now), 11);
    assert_eq!(credential.certificate().der(), old.certificate);

    let (session, run) = (login(&soft), Run::default());
    let mut policy = Policy::default();
    policy.key = KeyRule::Kind(wanted);
    let pending = Renewal::of(&credential).policy(&policy).begin(&session, &run).unwrap();
    assert_eq!(pending.request().subject().der(), credential.subject().der());
    assert_eq!(pending.proof().level, ProofLevel::Proven);
    let answer = ca.answer(Form::Pem, &ca.issue_for(pending.request().to_der()).der());
    let response = Response::parse(&answer).unwrap();
    let installed = Install::new(&response).policy(&policy).run(&session, &run).unwrap();
    assert_eq!(installed.proof.level, ProofLevel::Proven);
    let new = installed.credential;
    let new_id = new.id().to_vec();
    assert_eq!(new.key_algorithm(), wanted.into());
    assert!(session.pending().unwrap().is_empty());
    let listed = session.credentials().unwrap();
    assert_eq!(listed.iter().count(), 2 + 1, "old, new, and the foreign certificate");
    assert!(listed.iter().any(|one| matches!(one.key(), KeyState::Missing)));
    assert_eq!(new.renewable(Window::default(), now), Renewable::NotYet);
    drop(session);

    let after = soft.snapshot();
    after.assert_keeps(&before);
    assert_eq!(after.added_since(&before).len(), 3, "certificate, public key, private key");
    let signature = soft.sign(&new_id, b"by the new key");
    assert!(usbtoken_testkit::verify_with_certificate(
        new.certificate().der(),
        b"by the new key",
        &signature
    ));
}

#[test]
#[serial]
fn rsa_to_rsa() {
    renews(Kind::Rsa2048, KeyKind::Rsa2048);
}

#[test]
#[serial]
fn p256_to_p256() {
    renews(Kind::P256, KeyKind::P256);
}

#[test]
#[serial]
fn rsa_to_p384() {
    renews(Kind::Rsa2048, KeyKind::P384);
}
