//! What is taken from hints, and what only from signatures.

use super::*;
use crate::contents::KeyState;

/// The only one that waits.
fn waiting(made: &Made) -> crate::contents::PendingKey {
    let mut pending = made.contents().pending(made).unwrap();
    assert_eq!(pending.len(), 1, "{pending:?}");
    pending.remove(0)
}

fn half(made: &mut Made, number: u32, id: &[u8], label: &[u8], key: &PublicKey) {
    made.public.push(made_up::public_key(number, id, label, key.clone()));
}

/// A private key that does not tell its public half.
fn silent(made: Made, number: u32, id: &[u8], label: &[u8], key: &PublicKey) -> Made {
    made.private(number, id, label, key, None)
}

#[test]
fn the_public_half_is_the_one_with_the_label_too_or_the_only_one() {
    let bank = Bank::new();
    let foreign = key().0;
    let mut made = bank.before();
    half(&mut made, 41, b"new", b"somebody", &foreign);
    let mut made = made.pair(12, b"new", bank.record.label(), bank.new.public_key());
    assert_eq!(waiting(&made).public_key(), Some(bank.new.public_key()));

    // Another program has changed its label: it is the only one.
    made.public.retain(|half| half.id != b"new");
    half(&mut made, 13, b"new", b"relabelled", bank.new.public_key());
    assert_eq!(waiting(&made).public_key(), Some(bank.new.public_key()));

    // Of two, neither is guessed.
    half(&mut made, 41, b"new", b"somebody", &foreign);
    assert_eq!(waiting(&made).public_key(), None);
}

#[test]
fn of_two_keys_that_tell_the_value_the_one_under_the_identifier_is_shown() {
    let bank = Bank::new();
    let public = bank.old.public_key();
    let made = Made::default()
        .certificate(1, b"old", "bank", bank.old.der())
        .private(62, b"copy", b"x", public, Some(public))
        .private(2, b"old", b"bank", public, Some(public));
    let credentials = made.contents().credentials();
    assert_eq!(credentials.iter().next().unwrap().private_key().unwrap().id, b"old");
}

#[test]
fn a_key_that_has_signed_is_not_asked_again_in_the_same_session() {
    let bank = Bank::new();
    let made = bank.renewed();
    let mut contents = made.contents();
    assert_eq!(contents.pending(&made).unwrap().len(), 0);
    let key = contents.signing_key(&made, bank.new.public_key(), b"new").unwrap().unwrap();
    assert_eq!((key.id.as_slice(), key.public_key.as_ref()), (&b"new"[..], Some(bank.new.public_key())));
    assert_eq!(*made.asked.borrow(), [12]);
}

/// A key of which something else says what it is for need not be disturbed.
#[test]
fn only_keys_that_nothing_explains_are_tried_for_a_certificate() {
    let bank = Bank::new();
    let wanted = key().0;
    let mut made = bank.before();
    half(&mut made, 33, b"half", b"x", &key().0);
    let made = silent(made, 32, b"half", b"x", &key().0);
    let made = silent(made, 42, b"certificate", b"x", &key().0);
    let made = made.certificate(43, b"certificate", "x", bank.new.der());
    let made = silent(made, 52, b"alone", b"x", &wanted);
    let candidates = made.contents().candidates(&wanted, b"none");
    assert_eq!(candidates.iter().map(|key| key.id.as_slice()).collect::<Vec<_>>(), [b"alone"]);
    // One that has the identifier is likelier, whatever explains it.
    let candidates = made.contents().candidates(&wanted, b"half");
    assert_eq!(candidates.iter().map(|key| key.id.as_slice()).collect::<Vec<_>>(), [&b"half"[..], b"alone"]);
    let found = made.contents().signing_key(&made, &wanted, b"none").unwrap();
    assert_eq!(found.unwrap().id, b"alone");
    assert_eq!(*made.asked.borrow(), [52]);
}

/// Neither the identifier nor the label alone has to have stayed, and nothing else tells the value.
#[test]
fn a_certificate_under_another_identifier_or_label_completes_the_job() {
    let bank = Bank::new();
    let label = std::str::from_utf8(bank.record.label()).unwrap();
    for (id, label) in [(&b"elsewhere"[..], label), (b"new", "relabelled")] {
        let made = silent(bank.before(), 12, b"new", bank.record.label(), bank.new.public_key());
        assert_eq!(states(&made), [PendingState::AwaitingAnswer]);
        let made = made.certificate(11, id, label, bank.new.der());
        assert_eq!(states(&made), [], "{label}");
    }
}

/// The certificate under the identifier of a key that cannot be asked is its own: that makes nothing doubtful.
#[test]
fn its_own_certificate_is_no_reason_for_doubt() {
    let bank = Bank::new();
    let mut made = bank.renewed();
    made.private[1].always_authenticate = true;
    let pending = waiting(&made);
    assert_eq!((pending.state(), pending.doubt()), (PendingState::NotConfirmed, None));
    assert!(made.asked.borrow().is_empty(), "it wants the PIN for each signature");
}

#[test]
fn a_public_key_is_no_remnant_while_a_private_key_has_its_identifier_or_its_record() {
    let bank = Bank::new();
    let (public, label) = (bank.new.public_key(), bank.record.label());
    let mut moved = silent(bank.before(), 12, b"moved", label, public);
    half(&mut moved, 13, b"new", label, public);
    assert_eq!(states(&moved), [PendingState::AwaitingAnswer]);
    let mut relabelled = silent(bank.before(), 12, b"new", b"relabelled", public);
    half(&mut relabelled, 13, b"new", label, public);
    assert_eq!(states(&relabelled), []);
    // Nor once its certificate is there.
    let mut complete = bank.before().certificate(11, b"new", "x", bank.new.der());
    half(&mut complete, 13, b"new", label, public);
    assert_eq!(states(&complete), []);
}

/// One half with the record is enough to know which certificate the job renews.
#[test]
fn either_half_tells_which_certificate_is_renewed() {
    let bank = Bank::new();
    let private = silent(bank.before(), 12, b"new", bank.record.label(), bank.new.public_key());
    assert!(waiting(&private).renews(&bank.old));
    let mut public = bank.before();
    half(&mut public, 13, b"new", bank.record.label(), bank.new.public_key());
    assert!(waiting(&public).renews(&bank.old));
}

/// Those that have a renewal that waits, by serial number: after the login and before it.
fn with_renewal(made: &Made) -> [Vec<String>; 2] {
    [true, false].map(|logged_in| {
        let private = if logged_in { made.private.clone() } else { Vec::new() };
        let objects = made_up::objects(made.certificates.clone(), private, made.public.clone());
        let credentials = Contents::of(objects, logged_in).credentials();
        let waiting = credentials.iter().filter(|one| one.has_pending_renewal());
        waiting.map(|one| one.certificate().serial().to_string()).collect()
    })
}

#[test]
fn a_list_marks_exactly_what_a_waiting_key_is_to_replace() {
    let bank = Bank::new();
    let other = certificate(&TestCa::new(), &key().1, 100, &[9]);
    let first = |made: Made| made.certificate(71, b"other", "x", other.der());
    assert_eq!(with_renewal(&first(bank.before())), [[""; 0]; 2]);
    assert_eq!(with_renewal(&first(bank.waiting())), [["05"]; 2]);
    assert_eq!(with_renewal(&first(bank.renewed())), [[""; 0]; 2]);
    // A removal of the previous release renews nothing.
    let removal = first(bank.before()).pair(12, b"new", b"usbtoken:20261101:retires:05", &key().0);
    assert_eq!(with_renewal(&removal), [[""; 0]; 2]);
}

#[test]
fn before_the_login_no_key_is_missing() {
    let bank = Bank::new();
    let made = Made::default().certificate(1, b"old", "bank", bank.old.der());
    let objects = || made_up::objects(made.certificates.clone(), Vec::new(), Vec::new());
    let key = |logged_in| Contents::of(objects(), logged_in).credentials().iter().next().unwrap().key();
    assert!(matches!(key(false), KeyState::NotLookedFor));
    assert!(matches!(key(true), KeyState::Missing));
}

/// Other programs move a public key to another identifier; its label is that of the certificate still.
#[test]
fn a_public_key_of_the_old_credential_goes_by_its_label_too_and_a_copy_stays() {
    let bank = Bank::new();
    let mut made = bank.renewed();
    half(&mut made, 4, b"moved", b"bank", bank.old.public_key());
    half(&mut made, 5, b"copy", b"copy", bank.old.public_key());
    let mut contents = made.contents();
    let followers = contents.followers(&made, &bank.old).unwrap();
    let credentials = contents.credentials();
    let old = credentials.iter().find(|one| one.certificate() == &bank.old).unwrap();
    let planned = contents
        .retirement(&made, old, &followers[0], false, OfCopies::Chosen, &|_| false)
        .unwrap()
        .removal
        .planned();
    assert_eq!(
        planned,
        [
            "public ObjectHandle(3)",
            "public ObjectHandle(4)",
            "private ObjectHandle(2)",
            "certificate ObjectHandle(1)"
        ]
    );
}

/// What a key reports decides only which one is asked first.
#[test]
fn a_key_that_reports_another_value_is_asked_only_for_its_identifier() {
    let (bank, wanted) = (Bank::new(), key().0);
    let made = bank.before().private(32, b"right", b"x", &wanted, Some(&wanted));
    let made = made.private(42, b"wrong", b"x", &key().0, Some(bank.old.public_key()));
    let ids = |id: &[u8]| {
        let candidates = made.contents().candidates(&wanted, id);
        candidates.into_iter().map(|key| key.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(b"none"), [b"right"]);
    assert_eq!(ids(b"wrong"), [b"right", b"wrong"]);
    assert_eq!(made.contents().shown(&made, &bank.old).unwrap().unwrap().id(), b"old");
    assert!(made.contents().shown(&made, &bank.new).unwrap().is_none());
}

/// A key of another kind cannot be the one, whatever it reports.
#[test]
fn a_key_of_another_kind_is_not_asked() {
    let wanted = key().0;
    let mut made = Made::default().private(32, b"one", b"x", &wanted, Some(&wanted));
    assert_eq!(made.contents().candidates(&wanted, b"one").len(), 1);
    made.private[0].algorithm = None;
    assert_eq!(made.contents().candidates(&wanted, b"one").len(), 1, "its kind is not known");
    made.private[0].algorithm = Some(crate::pki::SignatureAlgorithm::RsaPkcs1Sha256);
    assert_eq!(made.contents().candidates(&wanted, b"one").len(), 0);
}

/// Another program has moved the certificate and taken the public key away: after the login it is not said that its key is
/// missing, also when the certificate that it followed is gone.
#[test]
fn a_moved_certificate_has_its_key_once_that_has_signed() {
    for old_is_there in [true, false] {
        let bank = Bank::new();
        let old = bank.old.public_key();
        let mut made = Made::default().certificate(4, b"old", "moved", bank.new.der());
        if old_is_there {
            made = made.certificate(1, b"old", "bank", bank.old.der()).pair(2, b"old", b"bank", old);
        }
        let made = silent(made, 12, b"new", bank.record.label(), bank.new.public_key());
        let mut contents = made.contents();
        contents.prove_successors(&made).unwrap();
        let all = contents.credentials();
        let new = all.iter().find(|one| one.certificate() == &bank.new).unwrap();
        assert_eq!(new.private_key().unwrap().id, b"new", "{old_is_there}");
        // Without its signature the key of that identifier would be taken for it, or none.
        let hints = made.contents().credentials();
        let new = hints.iter().find(|one| one.certificate() == &bank.new).unwrap();
        assert_ne!(new.private_key().map(|key| key.id.clone()).ok().as_deref(), Some(&b"new"[..]));
    }
}

/// Labels that are not UTF-8 are kept byte for byte, and two that only look alike are not the same.
#[test]
fn labels_are_bytes() {
    let label = crate::driver::session::Label::new(b"\x89\xc2\x8b\xc6\x95\x94".to_vec());
    assert_eq!(label.bytes(), b"\x89\xc2\x8b\xc6\x95\x94");
    assert_ne!(label, crate::driver::session::Label::new(b"\x8d\xc2\x8b\xc6\x95\x94".to_vec()));
    let padded = crate::driver::session::Label::new(b"old \0\0".to_vec());
    let plain = crate::driver::session::Label::new(b"old".to_vec());
    assert_eq!(padded.as_str(), plain.as_str());
    assert_ne!(padded, plain);
}

/// Another program has moved the private key, or the other two: their record is one still. A stranger's key may have the identifier.
#[test]
fn a_key_under_another_identifier_than_its_certificate_is_known_by_their_record() {
    let label = |bank: &Bank| String::from_utf8(bank.record.label().to_vec()).unwrap();
    for (has_half, strangers) in [(true, false), (true, true), (false, false), (false, true)] {
        let bank = Bank::new();
        let public = bank.new.public_key();
        let made = Made::default().certificate(11, b"new", &label(&bank), bank.new.der());
        let mut made = silent(made, 12, b"moved", bank.record.label(), public);
        if has_half {
            half(&mut made, 13, b"new", bank.record.label(), public);
        }
        if strangers {
            half(&mut made, 23, b"moved", b"theirs", &key().0);
        }
        let mut contents = made.contents();
        contents.prove_successors(&made).unwrap();
        let key = of(&contents, &bank.new).private_key().unwrap().id.clone();
        assert_eq!(key, b"moved", "{has_half} {strangers}");
        assert_eq!(states(&made), [], "{has_half} {strangers}");
        let found = made.contents().signing_key(&made, public, b"new").unwrap();
        assert_eq!(found.map(|key| key.id).as_deref(), Some(&b"moved"[..]), "{has_half} {strangers}");
    }
}

/// Of two with one record neither is guessed by it; each that may be it signs.
#[test]
fn a_record_on_two_keys_gives_a_certificate_none_without_a_signature() {
    let bank = Bank::new();
    let (public, ours) = (bank.new.public_key(), bank.record.label());
    let made = silent(Made::default(), 22, b"theirs", ours, &key().0);
    let mut made = silent(made, 12, b"moved", ours, public);
    half(&mut made, 13, b"new", ours, public);
    let made = made.certificate(11, b"new", "x", bank.new.der());
    assert!(of(&made.contents(), &bank.new).private_key().is_err());
    let mut contents = made.contents();
    contents.prove_successors(&made).unwrap();
    assert_eq!(of(&contents, &bank.new).private_key().unwrap().id, b"moved");
}
