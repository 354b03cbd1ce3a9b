//! What the tests of confirmed logins share.

use super::servers::Server;
use super::{Outcome, Stage};
use usbtoken_testkit::{Kind, Snapshot, days_from_now};

pub const DEMANDS: &str = "ssl_verify_client on;";

/// A stage after a renewal that kept the old certificate.
pub fn renewed(kind: Kind) -> Stage {
    let stage = Stage::of(kind, days_from_now(11));
    stage.renew(&[], &[]).succeeded();
    stage
}

/// The certificate that has a successor, as `list` shows it.
pub fn replaced(stage: &Stage) -> serde_json::Value {
    let list = stage.run(&["list"]).json();
    list.as_array().unwrap().iter().find(|one| !one["successor"].is_null()).unwrap().clone()
}

pub fn confirm(stage: &Stage, server: &Server, more: &[&str]) -> Outcome {
    confirm_at(stage, &server.url("/login"), more)
}

pub fn confirm_at(stage: &Stage, url: &str, more: &[&str]) -> Outcome {
    stage.run(&[&["confirm", "--url", url, "--server-ca", "ca/root.pem"], more].concat())
}

/// Whatever came of a login, the token is as it was.
pub fn nothing_changed(stage: &Stage, before: &Snapshot) {
    stage.token.snapshot().assert_same_as(before);
}
