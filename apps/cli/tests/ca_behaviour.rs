//! The test CA behaving as CAs do: by its own clock, with names of its own, late, slow, or not today.

mod common;

use common::Stage;
use usbtoken_testkit::{Kind, days_from_now, verify_with_certificate};

/// What becomes of a renewal when the CA behaves in this way.
struct Row {
    behaviour: &'static [&'static str],
    /// The notices, but for those that come with each renewal.
    notices: &'static [&'static str],
    /// Why the old certificate is not removed afterwards; `None` when it is.
    kept: Option<&'static str>,
}

const ROWS: &[Row] = &[
    Row { behaviour: &["--begin", "now"], notices: &[], kept: None },
    Row { behaviour: &["--begin", "now", "--late", "2"], notices: &[], kept: None },
    Row { behaviour: &["--begin", "now", "--slow", "2"], notices: &[], kept: None },
    Row { behaviour: &["--begin", "backdated"], notices: &[], kept: None },
    Row { behaviour: &["--begin", "5m"], notices: &["not_yet_valid"], kept: Some("retire_not_begun") },
    Row { behaviour: &["--begin", "1d"], notices: &["not_yet_valid"], kept: Some("retire_not_begun") },
    Row { behaviour: &["--naming", "recoded"], notices: &[], kept: None },
    Row { behaviour: &["--naming", "own-common-name"], notices: &[], kept: Some("successor_doubtful") },
    Row {
        behaviour: &["--naming", "new-generation"],
        notices: &["subject_changed"],
        kept: Some("retire_no_successor"),
    },
];

#[test]
fn a_renewal_is_done_however_the_ca_behaves() {
    for (row, kind) in ROWS.iter().flat_map(|row| [(row, Kind::Rsa2048), (row, Kind::P256)]) {
        println!("{:?} {kind}", row.behaviour);
        let stage = Stage::of(kind, days_from_now(11));
        let before = stage.token.snapshot();
        let done = stage.renew(&["--retire-old"], &[&["--form", "p7"], row.behaviour].concat());
        assert_eq!(done.notices(), row.notices);
        assert_eq!(done.result()["issuer_continuity"], "same_issuer");
        let new = new_credential(&stage);
        let after = stage.token.snapshot();
        match row.kept {
            // A person who knows that the CA does so says it beforehand.
            Some("successor_doubtful") => {
                assert_eq!(
                    (done.code, &done.error()["facts"]["reason"][0]),
                    (9, &"common_name_changed".into())
                );
                after.assert_keeps(&before);
                let daily = stage.renew(&["--retire-old"], &[]);
                assert_eq!((daily.code, daily.notices()), (0, vec!["old_still_kept".to_owned()]));
                stage.token.snapshot().assert_same_as(&after);
                let stage = Stage::of(kind, days_from_now(11));
                let said = ["--retire-old", "--subject", "common-name-may-change"];
                stage.renew(&said, &[&["--form", "p7"], row.behaviour].concat()).succeeded();
                assert_eq!(stage.token.snapshot().with_id(&stage.old.id).count(), 0);
            }
            Some(reason) => {
                assert_eq!(done.code, 9);
                assert_eq!(done.error()["name"], reason);
                after.assert_keeps(&before);
                assert_eq!(after.objects().len(), before.objects().len() + 3);
                assert_signs(&stage, &stage.old.id, &stage.old.certificate);
            }
            None => {
                done.succeeded();
                assert_eq!(after.with_id(&stage.old.id).count(), 0);
                assert_eq!(after.with_id(&new).count(), 3);
                assert_eq!(after.objects().len(), before.objects().len());
            }
        }
    }
}

/// The request that waits is the one that is sent again: to the CA a new one would be a second order.
#[test]
fn an_answer_that_comes_another_day_is_fetched_with_the_same_request() {
    for kind in [Kind::Rsa2048, Kind::P256] {
        let stage = Stage::of(kind, days_from_now(11));
        let issuer = stage.issuer(&["--not-yet", "2"]);
        is_asked_three_times(&stage, &["--issuer", &issuer], "issuer_failed", 6);

        let stage = Stage::of(kind, days_from_now(11));
        let script = format!("#!/bin/sh\nexec {}\n", stage.issuer(&["--not-yet", "2"]));
        stage.write("helper", script.as_bytes());
        stage.tool("chmod", &["+x", "helper"]).succeeded();
        let helper = stage.file("helper").display().to_string();
        is_asked_three_times(&stage, &["--issuer-helper", &helper], "not_yet_issued", 10);
    }
}

fn is_asked_three_times(stage: &Stage, issuer: &[&str], refusal: &str, exit: i32) {
    let before = stage.token.snapshot();
    stage.run(&[&["renew"], issuer].concat()).failed(refusal, exit);
    let waiting = stage.token.snapshot();
    waiting.assert_keeps(&before);
    let resume = [&["resume"], issuer].concat();
    stage.run(&resume).failed(refusal, exit);
    stage.token.snapshot().assert_same_as(&waiting);
    stage.run(&resume).succeeded();
    new_credential(stage);
    stage.token.snapshot().assert_keeps(&before);
    let sent = requests(stage);
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|request| *request == sent[0]), "another request was sent: {sent:?}");
}

/// The digest of each request that the CA was asked to wait with.
fn requests(stage: &Stage) -> Vec<String> {
    let mut files = std::fs::read_dir(stage.file("ca/asked")).unwrap();
    let file = files.next().expect("one job").unwrap();
    assert!(files.next().is_none(), "only one job");
    std::fs::read_to_string(file.path()).unwrap().lines().map(str::to_owned).collect()
}

/// The id of the credential that a renewal brought; it signs.
#[track_caller]
fn new_credential(stage: &Stage) -> Vec<u8> {
    let now = stage.token.snapshot();
    let known = |id: &[u8]| *id == *stage.old.id || [&[0xf0][..], &[0xf1]].contains(&id);
    let new = now.of_class("CKO_CERTIFICATE").find(|one| !known(&one.id)).expect("a new certificate");
    assert_signs(stage, &new.id, new.bytes("Value").unwrap());
    new.id.clone()
}

#[track_caller]
fn assert_signs(stage: &Stage, id: &[u8], certificate: &[u8]) {
    let signature = stage.token.sign(id, b"challenge");
    assert!(verify_with_certificate(certificate, b"challenge", &signature));
}
