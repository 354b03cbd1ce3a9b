//! Things of other people.

use usbtoken::{Renewal, Run};
use usbtoken_testkit::{Kind, SoftKey, TestCa};

use super::stage::{Stage, install};
use crate::report::Renewed;
use crate::target::Target;

/// A certificate of other people has the identifier of the key that waits: it stays as it is, and the right certificate is
/// installed beside it.
pub(super) fn equal_ids(target: &Target, _: &mut Vec<Renewed>) {
    let stage = Stage::new(target);
    let old = stage.first();
    let (id, answer) = {
        let session = stage.session();
        let pending = Renewal::of(&old).begin(&session, &Run::default()).unwrap();
        (pending.key_id().to_vec(), stage.ca.issue_for(pending.request().to_der()).der())
    };
    let subject = super::stage::subject();
    let foreign = TestCa::new().issue(subject.der(), &SoftKey::generate(Kind::P256).spki()).der();
    target.inspect(|inspector| inspector.write_certificate(&foreign, &id, "somebody else's"));
    let with_foreign = target.snapshot();
    let values = |snapshot: &usbtoken_testkit::Snapshot| -> Vec<Vec<u8>> {
        let certificates = snapshot.of_class("CKO_CERTIFICATE");
        certificates.filter_map(|one| one.bytes("Value").map(<[u8]>::to_vec)).collect()
    };
    assert!(values(&with_foreign).contains(&foreign), "the token takes it: {with_foreign:?}");

    install(&stage.session(), &answer).unwrap();
    let now = target.snapshot();
    assert!(values(&now).contains(&foreign), "it is still there: {now:?}");
    assert!(values(&now).contains(&answer), "and the new one beside it: {now:?}");
    stage.assert_signs(&old);
    target.clean_up();
}
