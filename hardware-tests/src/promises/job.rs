//! The job itself.

use std::time::Instant;

use serde_json::Value;
use usbtoken::pki::ProofLevel;
use usbtoken::{Finder, Renewal, Run};
use usbtoken_testkit::{Form, days_from_now};

use super::stage::{Stage, hex, install, subject};
use crate::report::{Renewed, Report};
use crate::target::Target;

/// Without a PIN the certificates can be read, nothing is written, and a URI of another token finds none.
pub(super) fn reading(target: &Target, _: &mut Report) {
    {
        let credentials = target.token().credentials().unwrap();
        let there = target.before().of_class("CKO_CERTIFICATE").count();
        assert!(credentials.iter().count() + credentials.unreadable().len() <= there, "{credentials:?}");
        let other = format!("{};serial=no-such-serial-number", target.uri().replace("serial=", "model="));
        let finder = Finder::new().trust_any_owner().module(target.module());
        assert!(finder.find(&other.parse().unwrap()).is_err(), "{other}");
    }
    target.snapshot().assert_same_as(target.before());
}

/// A first credential; its renewal in one process and in two; the old one works until it is retired, and goes alone.
pub(super) fn renewal(target: &Target, report: &mut Report) {
    let stage = Stage::new(target);
    let old = stage.first();
    stage.assert_signs(&old);
    let with_old = target.snapshot();
    with_old.assert_keeps(target.before());

    let issuer = stage.issuer();
    let (begin, apdus) = (Instant::now(), apdus());
    let done = stage.run_with_faults("", &["renew", "--id", &hex(old.id()), "--issuer", &issuer]).json();
    let renewed = of_run(&stage, &done, begin.elapsed().as_secs_f64());
    report.renewed.push(Renewed { apdus: apdus_since(apdus), ..renewed });
    target.snapshot().assert_keeps(&with_old);
    stage.assert_signs(&old);
    let new = stage.credential(&done);
    stage.assert_signs(&new);

    let retire = ["retire", "--yes", "--id", &hex(old.id()), "--trust-anchor", &stage.anchor()];
    stage.run(&retire).json();
    let now = target.snapshot();
    assert_eq!(now.with_id(old.id()).count(), 0, "nothing of the old one is left: {now:?}");
    now.assert_keeps(target.before());
    stage.assert_signs(&new);

    // In two processes, days apart as far as the token knows.
    let again = {
        let session = stage.session();
        let pending = Renewal::of(&new).outside_window().begin(&session, &Run::default()).unwrap();
        assert!(pending.proof().level >= ProofLevel::Claimed, "{:?}", pending.proof());
        assert_ne!(pending.key_id(), new.id(), "a fresh id");
        stage.ca.issue_for(pending.request().to_der()).not_after(days_from_now(400)).der()
    };
    let last = install(&stage.session(), &stage.ca.answer(Form::P7, &again)).unwrap().credential.clone();
    assert_eq!(last.certificate().der(), again);
    stage.assert_signs(&last);
    stage.assert_signs(&new);
    target.clean_up();
}

/// A job that is given up leaves nothing.
pub(super) fn abandoned(target: &Target, _: &mut Report) {
    let stage = Stage::new(target);
    {
        let session = stage.session();
        let first = Renewal::first(subject()).policy(&stage.policy());
        let pending = first.begin(&session, &Run::default()).unwrap();
        let waiting = session.pending().unwrap();
        assert!(waiting.iter().any(|key| key.id() == pending.key_id()), "the token knows what waits");
        session.abandon(pending.key().unwrap(), &Run::default()).unwrap();
        assert!(session.pending().unwrap().iter().all(|key| key.id() != pending.key_id()));
    }
    target.snapshot().assert_same_as(target.before());
}

/// The APDUs so far, where whoever brought the token up has named a file with a line for each.
fn apdus() -> Option<usize> {
    let file = std::env::var_os("USBTOKEN_TEST_APDUS")?;
    Some(std::fs::read_to_string(file).expect("the file that is named").lines().count())
}

fn apdus_since(then: Option<usize>) -> Option<usize> {
    Some(apdus()? - then?)
}

fn of_run(stage: &Stage<'_>, done: &Value, seconds: f64) -> Renewed {
    let calls = stage.calls();
    let says_something =
        |rv: &str| !matches!(rv, "" | "CKR_OK" | "CKR_ATTRIBUTE_TYPE_INVALID" | "CKR_ATTRIBUTE_SENSITIVE");
    let refused = calls.iter().filter(|(function, rv)| {
        says_something(rv) || (function != "C_GetAttributeValue" && rv == "CKR_ATTRIBUTE_TYPE_INVALID")
    });
    let mut refused: Vec<String> = refused.map(|(function, rv)| format!("{function}: {rv}")).collect();
    refused.dedup();
    let names = done["notices"].as_array().into_iter().flatten().filter_map(|one| one["name"].as_str());
    Renewed {
        kind: stage.target.kind().to_string(),
        proof: done["proof"]["level"].as_str().unwrap_or_default().to_owned(),
        calls: calls.len(),
        logins: calls.iter().filter(|(function, _)| function == "C_Login").count(),
        apdus: None,
        seconds,
        notices: names
            .filter(|name| !matches!(*name, "old_kept" | "chain_not_checked"))
            .map(str::to_owned)
            .collect(),
        refused,
    }
}
