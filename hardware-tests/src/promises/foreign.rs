//! Things of other people.

use usbtoken::{Renewal, Run};
use usbtoken_testkit::{Kind, SoftKey, TestCa, verify_with_certificate};

use super::stage::{Stage, install};
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
    let subject = super::stage::subject();
    let foreign = TestCa::new().issue(subject.der(), &SoftKey::generate(Kind::P256).spki()).der();
    let waiting = target.snapshot();
    target.inspect(|inspector| {
        inspector.generate_pair_beside(target.kind(), &id, "somebody else's");
        inspector.write_certificate(&foreign, &id, "somebody else's");
    });
    let with_foreign = target.snapshot();
    with_foreign.assert_keeps(&waiting);
    let values = |snapshot: &usbtoken_testkit::Snapshot| -> Vec<Vec<u8>> {
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
