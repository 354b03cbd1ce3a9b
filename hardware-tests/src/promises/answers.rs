//! Answers that are wrong.

use usbtoken::{Code, Renewal, Run};
use usbtoken_testkit::{Form, Kind, SoftKey, days_from_now};

use super::stage::{Stage, install, subject};
use crate::report::Report;
use crate::target::Target;

/// Each wrong answer is refused with its own code, and the token holds exactly what it held before.
pub(super) fn wrong_answers(target: &Target, _: &mut Report) {
    let stage = Stage::new(target);
    let (request, id) = {
        let session = stage.session();
        let first = Renewal::first(subject()).policy(&stage.policy());
        let pending = first.begin(&session, &Run::default()).unwrap();
        (pending.request().to_pem(), pending.key_id().to_vec())
    };
    let waiting = target.snapshot();
    let ca = &stage.ca;
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
        let refused = install(&stage.session(), &answer).unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
        target.snapshot().assert_same_as(&waiting);
    }
    {
        let session = stage.session();
        let pending = session.pending().unwrap();
        let key = pending.iter().find(|key| key.id() == id).expect("it waits");
        session.abandon(key, &Run::default()).unwrap();
    }
    target.snapshot().assert_same_as(target.before());
}
