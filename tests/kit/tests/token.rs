//! The kit against SoftHSM itself: what the other tests rest on.

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use usbtoken_testkit::{
    Folder, Kind, SoftToken, TestCa, days_from_now, softhsm_module, verify, verify_with_certificate,
};

/// The kit reads through a private copy of SoftHSM while a program has the real one open and logged in; neither
/// notices the other, however often.
#[test]
fn looking_does_not_disturb_a_module_in_use() {
    let token = SoftToken::fresh();
    let old = token.first_credential(&TestCa::new(), Kind::P256, days_from_now(11));
    let before = token.snapshot();
    for round in 0..50 {
        let used = Pkcs11::new(softhsm_module()).unwrap();
        used.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
        let slot = used.get_slots_with_initialized_token().unwrap()[0];
        let session = used.open_rw_session(slot).unwrap();
        session.login(UserType::User, Some(&AuthPin::from(token.pin()))).unwrap();

        assert_eq!(token.snapshot().objects(), before.objects(), "round {round}");
        assert!(verify(&old.spki, b"x", &token.sign(&old.id, b"x")));

        // Still logged in, still initialised: a private object is visible and a second C_Initialize refused.
        let private = session.find_objects(&[cryptoki::object::Attribute::Private(true)]).unwrap();
        assert_eq!(private.len(), 1, "round {round}");
        let again = used.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
        assert!(matches!(again, Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _))), "{again:?}");
        drop(session);
        used.finalize().unwrap();
    }
}

/// What one writes, the other sees, without a restart in between.
#[test]
fn what_is_written_through_the_kit_is_seen_by_the_module_in_use() {
    let token = SoftToken::fresh();
    let used = Pkcs11::new(softhsm_module()).unwrap();
    used.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let slot = used.get_slots_with_initialized_token().unwrap()[0];
    let session = used.open_ro_session(slot).unwrap();
    assert_eq!(session.find_objects(&[]).unwrap().len(), 0);
    token.foreign_objects();
    // Not logged in: the private key stays hidden.
    assert_eq!(session.find_objects(&[]).unwrap().len(), 3);
    drop(session);
    used.finalize().unwrap();
}

#[test]
fn every_kind_of_credential_signs_for_its_certificate() {
    let token = SoftToken::fresh();
    let ca = TestCa::new();
    for (id, kind) in Kind::COMMON.into_iter().enumerate() {
        let made = token.credential(&ca, kind, &[id as u8 + 1], &subject(), days_from_now(11));
        let signature = token.sign(&made.id, b"message");
        assert!(verify_with_certificate(&made.certificate, b"message", &signature), "{kind}");
        assert!(!verify_with_certificate(&made.certificate, b"massage", &signature), "{kind}");
    }
}

#[test]
fn a_snapshot_tells_what_changed() {
    let token = SoftToken::fresh();
    let ca = TestCa::new();
    token.first_credential(&ca, Kind::P256, days_from_now(11));
    let before = token.snapshot();
    assert_eq!(before.objects().len(), 3);
    token.snapshot().assert_same_as(&before);

    let private = before.of_class("CKO_PRIVATE_KEY").next().unwrap();
    assert_eq!(private.flag("Extractable"), Some(false));
    assert_eq!(private.attributes["Value"].to_string(), "refused: AttributeSensitive");

    token.foreign_objects();
    let after = token.snapshot();
    assert_eq!(after.added_since(&before).len(), 4);
    after.assert_keeps(&before);
    assert!(after.difference(&before).contains("+ CKO_DATA"));
    let same = std::panic::catch_unwind(|| after.assert_same_as(&before));
    assert!(same.is_err(), "four objects more go unnoticed");
    let lost = std::panic::catch_unwind(|| before.assert_keeps(&after));
    assert!(lost.is_err(), "four objects fewer go unnoticed");
}

#[test]
fn tokens_with_one_label_live_side_by_side() {
    let first = SoftToken::fresh();
    let second = first.sibling("BANK");
    assert_ne!(first.serial(), second.serial());
    second.foreign_objects();
    assert_eq!(first.snapshot().objects().len(), 0);
    assert_eq!(second.snapshot().objects().len(), 4);
}

#[test]
fn folders_of_one_thread_do_not_mix() {
    let first = SoftToken::fresh();
    let second = Folder::temporary().token("BANK");
    second.foreign_objects();
    assert_eq!(first.snapshot().objects().len(), 0);
    let path = second.folder().path().to_path_buf();
    drop(second);
    assert!(!path.exists(), "the folder is left behind");
}

#[test]
#[should_panic(expected = "apt-get install softhsm2")]
fn a_missing_softhsm_is_a_sentence() {
    usbtoken_testkit::softhsm_module_at(&["/nowhere/libsofthsm2.so"]);
}

fn subject() -> Vec<u8> {
    usbtoken_testkit::manual_subject().to_der()
}
