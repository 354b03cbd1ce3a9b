//! Things of other people.

use serde_json::Value;
use usbtoken::{Code, Credential, Renewal, Run};
use usbtoken_testkit::{
    Inspector, Kind, NameDer, Snapshot, SoftKey, TestCa, Text, days_from_now, verify_with_certificate,
};

use super::stage::{Stage, hex, install, subject};
use crate::report::Report;
use crate::target::Target;

/// A key pair and a certificate of other people have the identifier of the key that waits: they stay as they are, and the right
/// certificate is installed beside them.
pub(super) fn equal_ids(target: &Target, _: &mut Report) {
    let stage = Stage::new(target);
    let old = stage.first();
    let (id, answer) = {
        let session = stage.session();
        let pending = Renewal::of(&old).begin(&session, &Run::default()).unwrap();
        (pending.key_id().to_vec(), stage.ca.issue_for(pending.request().to_der()).der())
    };
    let foreign = TestCa::new().issue(subject().der(), &SoftKey::generate(Kind::P256).spki()).der();
    let waiting = target.snapshot();
    target.inspect(|inspector| {
        inspector.generate_pair_beside(target.kind(), &id, "somebody else's");
        inspector.write_certificate(&foreign, &id, "somebody else's");
    });
    let with_foreign = target.snapshot();
    with_foreign.assert_keeps(&waiting);
    let values = |snapshot: &Snapshot| -> Vec<Vec<u8>> {
        let certificates = snapshot.of_class("CKO_CERTIFICATE");
        certificates.filter_map(|one| one.bytes("Value").map(<[u8]>::to_vec)).collect()
    };
    assert!(values(&with_foreign).contains(&foreign), "the token takes it: {with_foreign:?}");

    install(&stage.session(), &answer).unwrap();
    let now = target.snapshot();
    now.assert_keeps(&with_foreign);
    assert!(values(&now).contains(&answer), "and the new one beside it: {now:?}");
    stage.assert_signs(&old);
    let signatures = target.inspect(|inspector| inspector.sign_with_each(&id, b"challenge"));
    let new = signatures.iter().filter(|one| verify_with_certificate(&answer, b"challenge", one)).count();
    assert_eq!((signatures.len(), new), (2, 1), "the new key signs, and the other one is another");
    target.clean_up();
}

/// A key pair of other people, of the same kind, and a CA's certificate have the identifier of the credential that goes, and of
/// the job that is given up: ours goes whole, theirs stays.
pub(super) fn equal_ids_removed(target: &Target, _: &mut Report) {
    let stage = Stage::new(target);
    let old = stage.first();
    let alone = target.snapshot();
    let new = stage.renewed(&old);
    let ca = TestCa::new();
    let theirs = put_beside(target, old.id(), &ca);
    stage.run(&["retire", "--yes", "--id", &hex(old.id()), "--trust-anchor", &stage.anchor()]).json();
    let now = target.snapshot();
    now.assert_keeps(&theirs);
    assert_eq!(now.with_id(old.id()).count(), theirs.with_id(old.id()).count(), "ours has gone: {now:?}");
    stage.assert_signs(&new);
    target.clean_up();

    let old = stage.first();
    let with_old = target.snapshot();
    let asked = stage.run(&["request", "--id", &hex(old.id()), "--out", "request.pem", "--overwrite"]).json();
    let id = unhex(&asked["pending_id"]);
    let theirs = put_beside(target, &id, &ca);
    let waiting = target.snapshot();
    // The certificate under the key's identifier is not the key's: a person has to name the key.
    let said = stage.run(&["abandon", "--yes"]);
    said.failed(Code::RemovalDoubtful);
    target.snapshot().assert_same_as(&waiting);
    stage.run(&["abandon", "--yes", "--id", &hex(&id)]).json();
    let now = target.snapshot();
    now.assert_keeps(&theirs);
    now.assert_keeps(&with_old);
    assert_eq!(now.with_id(&id).count(), theirs.with_id(&id).count(), "ours has gone: {now:?}");
    stage.assert_signs(&old);
    target.clean_up();
    assert_ne!(alone, now);
}

/// A pair and a CA's certificate of other people under this identifier; what is theirs.
fn put_beside(target: &Target, id: &[u8], ca: &TestCa) -> Snapshot {
    let before = target.snapshot();
    target.inspect(|inspector| {
        inspector.generate_pair_beside(target.kind(), id, "somebody else's");
        inspector.write_certificate(ca.issuing(), id, "somebody else's CA");
    });
    let now = target.snapshot();
    now.assert_keeps(&before);
    let theirs = now.only(|object| !before.objects().contains(object));
    assert_eq!(theirs.objects().len(), 3, "the token takes it: {now:?}");
    theirs
}

/// Another CA's certificate has the serial number, the subject and the label of ours, with a pair of its own; another program
/// has copied our public key: all of that stays when ours goes, and the number alone chooses nothing.
pub(super) fn alike(target: &Target, _: &mut Report) {
    let stage = Stage::new(target);
    let old = stage.first();
    let new = stage.renewed(&old);
    let before = target.snapshot();
    let serial = old.certificate().serial().to_string();
    write_alike(target, &old, b"theirs");
    target.inspect(|inspector| {
        for (id, other) in [(old.id(), &b"copy"[..]), (new.id(), b"copy of the new")] {
            copy_where_possible(inspector, id, other);
        }
    });
    let beside = target.snapshot();
    beside.assert_keeps(&before);
    let said = stage.run(&["retire", "--yes", "--serial", &serial, "--trust-anchor", &stage.anchor()]);
    let error = said.failed(Code::CredentialAmbiguous);
    assert!(error.to_string().contains(&hex(old.id())), "{error:#}");
    target.snapshot().assert_same_as(&beside);
    let said = stage.run(&["retire", "--yes", "--id", &hex(old.id()), "--trust-anchor", &stage.anchor()]);
    said.json();
    let now = target.snapshot();
    assert_eq!(now.with_id(old.id()).count(), 0, "ours has gone: {now:?}");
    now.assert_keeps(&beside.only(|object| object.id != old.id()));
    stage.assert_signs(&new);

    // A job whose public key another program has copied.
    let asked = stage
        .run(&["request", "--id", &hex(new.id()), "--out", "request.pem", "--overwrite", "--force"])
        .json();
    let id = unhex(&asked["pending_id"]);
    target.inspect(|inspector| copy_where_possible(inspector, &id, b"copy of the job's"));
    let waiting = target.snapshot();
    stage.run(&["abandon", "--yes"]).json();
    target.snapshot().assert_same_as(&waiting.only(|object| object.id != id));
    target.clean_up();
}

/// Another program's copy of a public key. Not every token takes one from outside, and says so here.
fn copy_where_possible(inspector: &Inspector, id: &[u8], other: &[u8]) {
    if let Err(refused) = inspector.try_copy_public_key(id, other, "a copy") {
        println!("  no copy of a public key beside it, this token takes none: {refused}");
    }
}

/// Another CA's certificate with the serial number, the subject and the label of a credential, and a pair of its own.
fn write_alike(target: &Target, like: &Credential, id: &[u8]) {
    let label = target.snapshot().with_id(like.id()).next().expect("its objects").label.clone();
    let serial = base16ct::lower::decode_vec(like.certificate().serial().to_string()).expect("hexadecimal");
    target.inspect(|inspector| {
        let public = inspector.generate_pair(target.kind(), id, &label);
        let issue = TestCa::new()
            .issue(like.subject().der(), &public)
            .serial(&serial)
            .issuer(&NameDer::new().country("JP").organization(Text::Utf8, "Another CA").to_der())
            .not_after(days_from_now(800))
            .der();
        inspector.write_certificate(&issue, id, &label);
    });
}

fn unhex(id: &Value) -> Vec<u8> {
    base16ct::lower::decode_vec(id.as_str().expect("an id")).expect("hexadecimal")
}
