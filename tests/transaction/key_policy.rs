//! A new key by default; what is said when the token is full; the old key again only when it is asked for by name.

#[path = "../common/mod.rs"]
mod common;

use std::time::SystemTime;

use common::{Bank, install, policy, read, refused, run};
use usbtoken::bank::KeyRule;
use usbtoken::error::Notice;
use usbtoken::pki::{KeyKind, ProofLevel, Window};
use usbtoken::renewal::{KeyState, Renewable};
use usbtoken::{Code, Install, Renewal};
use usbtoken_testkit::{Form, Kind, SoftKey, days_from_now, serial_hex, verify_with_certificate};

#[test]
fn every_renewal_makes_a_new_key_with_an_identifier_of_its_own() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let one = Renewal::of(&old).begin(&session, &run()).unwrap();
    let two = Renewal::of(&old).beside_pending().begin(&session, &run()).unwrap();
    let ids = [old.id(), one.key_id(), two.key_id()];
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    assert_ne!(one.request().public_key(), two.request().public_key());
    assert_ne!(one.request().public_key(), old.certificate().public_key());
    assert!(one.key().is_some());
    bank.assert_old_works();
}

/// From a kind of key to the same or to another one, each time with the token compared before and after.
#[test]
fn a_renewal_goes_from_kind_to_kind() {
    for (kind, wanted) in
        [(Kind::Rsa2048, KeyKind::Rsa2048), (Kind::P256, KeyKind::P256), (Kind::Rsa2048, KeyKind::P384)]
    {
        let bank = Bank::of(kind, days_from_now(11));
        let now = SystemTime::now();
        let old = bank.token().credentials().unwrap().renewable(Window::default(), now).only().unwrap();
        assert_eq!(old.days_left(now), 11);
        assert_eq!(old.certificate().der(), bank.old.certificate);

        let (session, policy) = (bank.session(), policy(|p| p.key = KeyRule::Kind(wanted)));
        let pending = Renewal::of(&old).policy(&policy).begin(&session, &run()).unwrap();
        assert_eq!(pending.request().subject().der(), old.subject().der());
        assert_eq!(pending.proof().level, ProofLevel::Proven);
        let response = read(&bank.ca.answer(Form::Pem, &bank.certify(&pending)));
        let installed = Install::new(&response).policy(&policy).run(&session, &run()).unwrap();
        assert_eq!(installed.proof.level, ProofLevel::Proven);
        let new = installed.credential;
        assert_eq!(new.key_algorithm(), wanted.into());
        assert!(session.pending().unwrap().is_empty());
        let listed = session.credentials().unwrap();
        assert_eq!(listed.iter().count(), 2 + 1, "old, new, and the foreign certificate");
        assert!(listed.iter().any(|one| matches!(one.key(), KeyState::Missing)));
        assert_eq!(new.renewable(Window::default(), now), Renewable::NotYet);
        drop(session);

        let after = bank.soft.snapshot();
        after.assert_keeps(&bank.before);
        assert_eq!(after.added_since(&bank.before).len(), 3, "certificate, public key, private key");
        bank.assert_one_new_credential();
    }
}

/// Of all that is on a full token only what has expired and is whole is named.
#[test]
fn a_full_token_names_what_could_be_retired() {
    let bank = Bank::new();
    let subject = &bank.old.subject;
    let expired = bank.soft.credential(&bank.ca, Kind::P256, &[2], subject, days_from_now(-30));
    let long_expired = bank.soft.credential(&bank.ca, Kind::Rsa2048, &[3], subject, days_from_now(-400));
    let valid = bank.soft.credential(&bank.ca, Kind::P256, &[4], subject, days_from_now(200));
    let widow = bank.ca.issue(subject, &SoftKey::generate(Kind::P256).spki());
    let widow = widow.not_before(days_from_now(-400)).not_after(days_from_now(-5)).der();
    let stranger = bank.ca.issue(subject, &SoftKey::generate(Kind::P256).spki());
    let stranger = stranger.not_before(days_from_now(-400)).not_after(days_from_now(-6)).der();
    bank.soft.inspect(|inspector| {
        inspector.write_certificate(&widow, &[5], "bank");
        inspector.generate_pair(Kind::P256, &[6], "somebody else's");
        inspector.write_certificate(&stranger, &[6], "bank");
    });
    let before = bank.soft.snapshot();
    let issuer = bank.issuer("");
    for full in ["CKR_DEVICE_MEMORY", "CKR_TOKEN_RESOURCE_EXCEEDED"] {
        let fault = format!("C_GenerateKeyPair:ckr={full},sticky");
        let renew = ["renew", "--id", "01", "--issuer", &issuer];
        let error = bank.run_with_faults(&fault, &renew).failed(Code::TokenFull);
        let named: Vec<&str> = error["facts"]["candidate"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect();
        let has = |certificate: &[u8]| named.iter().any(|name| name.contains(&serial_hex(certificate)));
        assert!(has(&expired.certificate) && has(&long_expired.certificate), "{named:?}");
        assert!(!has(&valid.certificate) && !has(&bank.old.certificate), "{named:?}");
        assert!(!has(&widow) && !has(&stranger), "{named:?}");
        assert_eq!(named.len(), 2, "{named:?}");
        bank.soft.snapshot().assert_same_as(&before);
    }
}

#[test]
fn the_old_key_is_used_again_only_by_name() {
    for kind in [Kind::P256, Kind::Rsa2048] {
        let bank = Bank::of(kind, days_from_now(11));
        let (session, old) = bank.open();
        let pending =
            Renewal::of(&old).policy(&policy(|p| p.key = KeyRule::OldAgain)).begin(&session, &run()).unwrap();
        assert!(pending.key().is_none(), "a key in use is nothing to abandon");
        assert!(pending.notices().iter().any(|warning| *warning == Notice::KeyReused));
        assert_eq!(pending.request().public_key(), old.certificate().public_key());
        bank.soft.snapshot().assert_same_as(&bank.before);
        assert!(session.pending().unwrap().is_empty());
        let certificate = bank.certify(&pending);
        drop(session);

        // Days later the same must be said again.
        let session = bank.session();
        refused(install(&session, &certificate), Code::RequestFinished);
        bank.soft.snapshot().assert_same_as(&bank.before);
        let installed = Install::new(&read(&certificate))
            .policy(&policy(|p| p.key = KeyRule::OldAgain))
            .run(&session, &run())
            .unwrap();
        assert!(installed.key_reused);
        assert!(installed.notices.iter().any(|warning| *warning == Notice::KeyReused), "the result says so");
        assert_eq!(installed.credential.id(), bank.old.id);
        let now = bank.soft.snapshot();
        now.assert_keeps(&bank.before);
        assert_eq!(now.added_since(&bank.before).len(), 1, "the certificate, and nothing else");
        let signature = bank.soft.sign(&bank.old.id, b"both");
        assert!(verify_with_certificate(&certificate, b"both", &signature));
        assert!(verify_with_certificate(&bank.old.certificate, b"both", &signature));
    }
}

#[test]
fn the_command_says_that_the_key_was_used_again() {
    let bank = Bank::new();
    let done = bank.run(&["renew", "--reuse-key", "--issuer", &bank.issuer("")]).json();
    assert_eq!(done["key_reused"], true);
    assert!(done["notices"].as_array().unwrap().iter().any(|notice| notice["name"] == "key_reused"));
    let now = bank.soft.snapshot();
    now.assert_keeps(&bank.before);
    assert_eq!(now.added_since(&bank.before).len(), 1);
}

/// A full token takes no new pair, but perhaps one more certificate.
#[test]
fn the_old_key_is_the_way_out_of_a_full_token() {
    let bank = Bank::new();
    let issuer = bank.issuer("");
    let fault = "C_GenerateKeyPair:ckr=CKR_DEVICE_MEMORY,sticky";
    bank.run_with_faults(fault, &["renew", "--issuer", &issuer]).failed(Code::TokenFull);
    bank.soft.snapshot().assert_same_as(&bank.before);
    bank.run_with_faults(fault, &["renew", "--reuse-key", "--issuer", &issuer]).json();
    bank.soft.snapshot().assert_keeps(&bank.before);
}

/// Reuse is for the credential that is renewed; an answer for another one's key is refused.
#[test]
fn reuse_is_not_a_way_to_any_other_key() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending =
        Renewal::of(&old).policy(&policy(|p| p.key = KeyRule::OldAgain)).begin(&session, &run()).unwrap();
    let stranger = bank.ca.issue(&bank.old.subject, &SoftKey::generate(Kind::P256).spki()).der();
    refused(
        Install::new(&read(&stranger)).policy(&policy(|p| p.key = KeyRule::OldAgain)).run_for(
            &session,
            &pending,
            &run(),
        ),
        Code::KeyMismatch,
    );
    let foreign = bank.soft.inspect(|inspector| inspector.public_key(&[0xf0]));
    let foreign = bank.ca.issue(&bank.old.subject, &foreign).der();
    refused(
        Install::new(&read(&foreign)).policy(&policy(|p| p.key = KeyRule::OldAgain)).run(&session, &run()),
        Code::KeyMismatch,
    );
    bank.soft.snapshot().assert_same_as(&bank.before);
    refused(
        Renewal::first("CN=Yamada".parse().unwrap())
            .policy(&policy(|p| p.key = KeyRule::OldAgain))
            .begin(&session, &run()),
        Code::BadArgument,
    );
    bank.soft.snapshot().assert_same_as(&bank.before);
}
