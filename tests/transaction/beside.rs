//! What other programs and other users have beside ours: certificates for the old key, copies of records, another user's
//! name. A removal takes nothing of theirs, and stops where it is not clear.

#[path = "../common/mod.rs"]
mod common;

use common::{Bank, credential, facts, read, refused, run};
use usbtoken::error::{Fact, Notice};
use usbtoken::pki::{SubjectRule, Window};
use usbtoken::renewal::{Renewable, Retire};
use usbtoken::{Code, Credential, Install, Renewal};
use usbtoken_testkit::{Kind, NameDer, TestCa, Text, days_from_now, serial_hex, verify_with_certificate};

fn firm(organization: &str, name: &str) -> Vec<u8> {
    NameDer::new().organization(Text::Utf8, organization).common(Text::Utf8, name).to_der()
}

fn state(one: &Credential) -> Renewable {
    one.renewable(Window::default(), std::time::SystemTime::now())
}

/// The old key is another program's too: only our certificate goes, and the result says so.
#[test]
fn a_key_that_another_certificate_needs_stays() {
    for (kind, days) in [(Kind::P256, 500), (Kind::Rsa2048, 5)] {
        let bank = Bank::of(kind, days_from_now(11));
        bank.renewed();
        let spki = bank.soft.inspect(|inspector| inspector.public_key(&bank.old.id));
        let vpn = TestCa::new().issue(&firm("Other", "VPN user"), &spki).not_after(days_from_now(days)).der();
        bank.soft.inspect(|inspector| inspector.write_certificate(&vpn, &[0x44], "vpn"));
        let before = bank.soft.snapshot();
        let serial = serial_hex(&bank.old.certificate);
        let anchor = bank.anchor();
        let said = bank.run(&["retire", "--yes", "--serial", &serial, "--trust-anchor", &anchor]).json();
        assert_eq!(said["key_removed"], false, "{said:#}");
        let after = bank.soft.snapshot();
        let gone = before.added_since(&after);
        assert_eq!(gone.len(), 1, "{gone:?}");
        assert_eq!((gone[0].class.as_str(), &gone[0].id), ("CKO_CERTIFICATE", &bank.old.id));
        assert!(after.added_since(&before).is_empty());
        let signature = bank.soft.sign(&bank.old.id, b"vpn");
        assert!(verify_with_certificate(&vpn, b"vpn", &signature));
    }
}

/// In forms that are not ours to read, though others read them: a length that is not the shortest (BER), no length at all (BER),
/// PEM in place of DER, the key under another identifier than id-ecPublicKey.
fn not_ours_to_read(der: &[u8]) -> Vec<Vec<u8>> {
    let body = &der[4..];
    let long = [&[0x30, 0x83, 0, der[2], der[3]], body].concat();
    let indefinite = [&[0x30, 0x80], body, &[0, 0]].concat();
    let pem = usbtoken::Certificate::from_der(der).unwrap().to_pem();
    let mut other = der.to_vec();
    let at = der.windows(7).position(|bytes| bytes == [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]).unwrap();
    other[at + 6] = 2;
    // And in forms that nobody here has thought of.
    let utf16: Vec<u8> = pem.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let hexadecimal = der.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    vec![long, indefinite, pem.into_bytes(), other, utf16, hexadecimal.into_bytes(), vec![0xaa; 300]]
}

/// What cannot be read as a certificate is one for whoever can: the key stays with it.
#[test]
fn a_key_in_a_certificate_that_is_not_ours_to_read_stays() {
    for form in 0..7 {
        let bank = Bank::new();
        bank.renewed();
        let spki = bank.soft.inspect(|inspector| inspector.public_key(&bank.old.id));
        let vpn = TestCa::new().issue(&firm("Other", "VPN user"), &spki).not_after(days_from_now(500)).der();
        let value = not_ours_to_read(&vpn).swap_remove(form);
        bank.soft.inspect(|inspector| inspector.write_as_certificate(&value, &[0x44], "vpn"));
        let before = bank.soft.snapshot();
        let serial = serial_hex(&bank.old.certificate);
        let anchor = bank.anchor();
        let said = bank.run(&["retire", "--yes", "--serial", &serial, "--trust-anchor", &anchor]).json();
        assert_eq!(said["key_removed"], false, "{form}: {said:#}");
        let after = bank.soft.snapshot();
        assert_eq!(before.added_since(&after).len(), 1, "{form}: our certificate alone");
    }
}

/// A longer-lived certificate of another program on the old key keeps nobody from renewing.
#[test]
fn another_certificate_for_the_old_key_is_no_renewal() {
    let bank = Bank::new();
    let spki = bank.soft.inspect(|inspector| inspector.public_key(&bank.old.id));
    let vpn = TestCa::new().issue(&firm("Other", "VPN user"), &spki).not_after(days_from_now(500)).der();
    bank.soft.inspect(|inspector| inspector.write_certificate(&vpn, &[0x44], "vpn"));
    let before = bank.soft.snapshot();
    let done = bank.run(&["renew", "--issuer", &bank.issuer("")]).json();
    assert_eq!(
        done["replaced"]["serial"].as_str().map(str::len),
        Some(serial_hex(&bank.old.certificate).len())
    );
    let after = bank.soft.snapshot();
    after.assert_keeps(&before);
    assert_eq!(after.added_since(&before).len(), 3);
}

/// Our record was copied to another user's key, whose certificate was there before: nothing goes for it. Once ours is there the old
/// credential is renewed, as it would be without.
#[test]
fn for_a_record_that_is_on_two_keys_nothing_goes() {
    for finished in [false, true] {
        let bank = Bank::new();
        let (session, old) = bank.open();
        let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
        if finished {
            Install::new(&read(&bank.certify(&pending))).run_for(&session, &pending, &run()).unwrap();
        }
        drop(session);
        bank.soft.credential(&bank.ca, Kind::P256, &[0xb], &firm("Example", "Bob"), days_from_now(200));
        let label = bank.soft.snapshot();
        let label = label.with_id(pending.key_id()).next().unwrap().label.clone();
        bank.soft.inspect(|inspector| inspector.relabel(&[0xb], label.as_bytes()));
        let before = bank.soft.snapshot();
        let session = bank.session();
        let old = session.credentials().unwrap().by_id(&bank.old.id).only().unwrap();
        let expected = if finished { Renewable::Renewed } else { Renewable::Yes };
        assert_eq!(state(&old), expected, "finished: {finished}");
        let error = refused(bank.retire(&session, &old), Code::RemovalDoubtful);
        assert_eq!(facts(&error, Fact::Reason), ["same_record"]);
        bank.soft.snapshot().assert_same_as(&before);
    }
}

/// Our record was copied to another user's key, and our own job is gone: that user's certificate was there before, so it answers
/// nothing, and the old credential is renewed by nobody.
#[test]
fn a_certificate_that_was_there_before_the_record_is_no_successor() {
    let bank = Bank::alone(Kind::P256, days_from_now(300));
    bank.soft.credential(&bank.ca, Kind::P256, &[0xa], &firm("Example", "Alice"), days_from_now(11));
    let spki = bank.soft.inspect(|inspector| inspector.generate_pair(Kind::P256, &[0xb], "bob"));
    let bob = bank.ca.issue(&firm("Example", "Bob"), &spki).not_before(days_from_now(-30));
    let bob = bob.not_after(days_from_now(200)).der();
    bank.soft.inspect(|inspector| inspector.write_certificate(&bob, &[0xb], "bob"));
    let token = bank.token();
    let session = bank.login(&token);
    let alice = credential(&token, &[0xa]);
    let pending = Renewal::of(&alice).begin(&session, &run()).unwrap();
    let label = bank.soft.snapshot().with_id(pending.key_id()).next().unwrap().label.clone();
    bank.soft.inspect(|inspector| {
        inspector.destroy(pending.key_id());
        inspector.relabel(&[0xb], label.as_bytes());
    });
    let before = bank.soft.snapshot();
    drop((session, pending));
    let session = bank.session();
    let old = session.credentials().unwrap().by_id(&[0xa]).only().unwrap();
    assert_eq!(state(&old), Renewable::Yes);
    refused(bank.retire(&session, &old), Code::RetireNoSuccessor);
    bank.soft.snapshot().assert_same_as(&before);
    // And she renews by herself, with a key of her own.
    let pending = Renewal::of(&old).beside_pending().begin(&session, &run()).unwrap();
    assert_ne!(pending.key_id(), [0xb]);
}

/// The CA answers the one's order with the other's name, and that one's credential is on the token: it is installed with a
/// warning, and what goes is for a person to say.
#[test]
fn an_answer_with_another_users_name_removes_nothing_by_itself() {
    let bank = Bank::alone(Kind::P256, days_from_now(300));
    bank.soft.credential(&bank.ca, Kind::P256, &[0xa], &firm("Example", "Alice"), days_from_now(11));
    bank.soft.credential(&bank.ca, Kind::P256, &[0xb], &firm("Example", "Bob"), days_from_now(300));
    let token = bank.token();
    let session = bank.login(&token);
    let alice = credential(&token, &[0xa]);
    let pending = Renewal::of(&alice).policy(&bank.anchored()).begin(&session, &run()).unwrap();
    let answer = |name: &str| {
        let spki = pending.request().public_key().spki_der();
        bank.ca.issue(&firm("Example", name), spki).not_after(days_from_now(376)).der()
    };
    let installed = Install::new(&read(&answer("Bob"))).run_for(&session, &pending, &run()).unwrap();
    assert!(installed.notices.iter().any(|one| *one == Notice::SubjectChanged), "{:?}", installed.notices);
    let before = bank.soft.snapshot();
    let removal = Retire::replaced_by(&installed).unwrap();
    let error = refused(removal.run(&session, &run()), Code::RemovalDoubtful);
    assert_eq!(facts(&error, Fact::Reason), ["name_of_another_user"]);
    // No command is offered that would leave her with nothing.
    assert!(facts(&error, Fact::Successor).is_empty());
    refused(bank.retire(&session, &alice), Code::RemovalDoubtful);
    bank.soft.snapshot().assert_same_as(&before);
    // Nor is it renewed, so that nobody had to be asked: a second order would be as wrong.
    let again = Renewal::of(credential(&token, &[0xa])).policy(&bank.anchored()).begin(&session, &run());
    let error = refused(again, Code::RenewedForAnother);
    assert_eq!((error.code().name(), facts(&error, Fact::Successor).len()), ("renewed_for_another", 0));
    bank.soft.snapshot().assert_same_as(&before);
    // A person who names both knows whose it is.
    let named = Retire::of(&alice, &bank.anchored()).successor(installed.credential.certificate());
    assert!(named.run(&session, &run()).unwrap().key_removed);
    assert_eq!(bank.soft.snapshot().with_id(&[0xb]).count(), 3);
}

/// A name that nobody else on the token has may be one of one's own that the CA has changed, or a user's of another token: the
/// installation says nothing, and the old one goes when a person says so.
#[test]
fn a_changed_common_name_that_nobody_else_has_is_a_renewal() {
    let bank = Bank::alone(Kind::P256, days_from_now(300));
    bank.soft.credential(&bank.ca, Kind::P256, &[0xa], &firm("Example", "Alice"), days_from_now(11));
    bank.soft.credential(&bank.ca, Kind::P256, &[0xb], &firm("Example", "Bob"), days_from_now(300));
    let token = bank.token();
    let session = bank.login(&token);
    let alice = credential(&token, &[0xa]);
    let pending = Renewal::of(&alice).policy(&bank.anchored()).begin(&session, &run()).unwrap();
    let spki = pending.request().public_key().spki_der();
    let answer = bank.ca.issue(&firm("Example", "Alice 2"), spki).not_after(days_from_now(376)).der();
    let installed = Install::new(&read(&answer)).run_for(&session, &pending, &run()).unwrap();
    assert!(!installed.notices.iter().any(|one| *one == Notice::SubjectChanged), "{:?}", installed.notices);
    let before = bank.soft.snapshot();
    let removal = Retire::replaced_by(&installed).unwrap();
    let error = refused(removal.run(&session, &run()), Code::SuccessorDoubtful);
    assert_eq!(facts(&error, Fact::Reason), ["common_name_changed"]);
    let new = installed.credential.certificate();
    assert_eq!(facts(&error, Fact::Successor), [new.serial().to_string()]);
    bank.soft.snapshot().assert_same_as(&before);
    assert!(removal.successor(new).run(&session, &run()).unwrap().key_removed);
}

/// A record that names a certificate which is not on this token may have been copied from another one.
#[test]
fn a_job_whose_old_certificate_is_elsewhere_is_abandoned_only_by_name() {
    let bank = Bank::new();
    let pending = bank.run(&["request", "--out", "request.pem"]).json();
    let id = pending["pending_id"].as_str().unwrap();
    bank.soft.inspect(|inspector| inspector.destroy(&bank.old.id));
    let before = bank.soft.snapshot();
    let error = bank.run(&["abandon", "--yes"]).failed(Code::RemovalDoubtful);
    assert_eq!(error["facts"]["reason"][0], "old_certificate_not_there", "{error:#}");
    bank.soft.snapshot().assert_same_as(&before);
    bank.run(&["abandon", "--yes", "--id", id]).json();
    bank.soft.snapshot().assert_same_as(&bank.before.only(|object| object.id != bank.old.id));
}

/// Another program's certificate on the same key, of the same CA and in another common name: it renews nothing, and keeps nobody from
/// renewing.
#[test]
fn a_certificate_on_the_same_key_in_another_name_is_no_follower() {
    let bank = Bank::alone(Kind::P256, days_from_now(300));
    bank.soft.credential(&bank.ca, Kind::P256, &[0xa], &firm("Example", "Alice"), days_from_now(11));
    let spki = bank.soft.inspect(|inspector| inspector.public_key(&[0xa]));
    let vpn = bank.ca.issue(&firm("Example", "Alice VPN"), &spki).not_after(days_from_now(390)).der();
    bank.soft.inspect(|inspector| inspector.write_certificate(&vpn, &[0x44], "vpn"));
    let before = bank.soft.snapshot();
    let done = bank.run(&["renew", "--id", "0a", "--issuer", &bank.issuer("")]).json();
    assert_eq!(done["replaced"]["id"], "0a", "{done:#}");
    bank.soft.snapshot().assert_keeps(&before);
}

/// Another user's certificate counts although it has ended, or has no key here, or cannot be read: a CA that answers in that name has
/// mistaken one for the other, or may have.
#[test]
fn an_answer_in_a_name_that_is_on_the_token_removes_nothing_by_itself() {
    for kind in ["ended", "alone", "unreadable"] {
        let bank = Bank::alone(Kind::P256, days_from_now(300));
        bank.soft.credential(&bank.ca, Kind::P256, &[0xa], &firm("Example", "Alice"), days_from_now(11));
        let spki = bank.soft.inspect(|inspector| inspector.generate_pair(Kind::P256, &[0xb], "bob"));
        let days = if kind == "ended" { -3 } else { 300 };
        let bob = bank.ca.issue(&firm("Example", "Bob"), &spki).not_before(days_from_now(-300));
        let bob = bob.not_after(days_from_now(days)).der();
        bank.soft.inspect(|inspector| match kind {
            "unreadable" => inspector.write_as_certificate(&bob[..300], &[0xb], "bob"),
            "alone" => {
                inspector.destroy(&[0xb]);
                inspector.write_certificate(&bob, &[0xb], "bob");
            }
            _ => inspector.write_certificate(&bob, &[0xb], "bob"),
        });
        let token = bank.token();
        let session = bank.login(&token);
        let alice = credential(&token, &[0xa]);
        // Also where common names are known to change.
        let mut policy = bank.anchored();
        policy.demand_subject(SubjectRule::CommonNameMayChange);
        let pending = Renewal::of(&alice).policy(&policy).begin(&session, &run()).unwrap();
        let spki = pending.request().public_key().spki_der();
        let answer = bank.ca.issue(&firm("Example", "Bob"), spki).not_after(days_from_now(376)).der();
        let installed = Install::new(&read(&answer)).run_for(&session, &pending, &run()).unwrap();
        let before = bank.soft.snapshot();
        let removal = Retire::replaced_by(&installed).unwrap();
        refused(removal.run(&session, &run()), Code::RemovalDoubtful);
        bank.soft.snapshot().assert_same_as(&before);
    }
}
