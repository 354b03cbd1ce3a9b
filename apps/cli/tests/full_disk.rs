//! A state folder that takes nothing new: what it holds is used all the same.

mod common;

use std::os::unix::fs::PermissionsExt as _;

use common::{Outcome, Stage};
use usbtoken_testkit::{Kind, days_from_now};

/// Runs the command where no file can grow to what an answer may need (64 KiB).
fn cramped(stage: &Stage, command: &str) -> Outcome {
    stage.shell(&format!("trap '' XFSZ; ulimit -f 32; usbtoken --json --pin-file pin {command}"))
}

#[test]
fn an_answer_that_is_kept_is_installed_without_asking_again() {
    for kind in [Kind::Rsa2048, Kind::P256] {
        let stage = Stage::of(kind, days_from_now(11));
        let before = stage.token.snapshot();
        let issuer = format!("{}; exit 7", stage.issuer(&[]));
        stage.run(&["renew", "--issuer", &issuer]).failed("issuer_failed", 6);
        assert_eq!(stage.kept().len(), 2, "request and answer");
        cramped(&stage, "resume --issuer 'touch asked; false'").succeeded();
        assert!(!stage.file("asked").exists());
        stage.token.snapshot().assert_keeps(&before);
        assert_eq!(stage.token.snapshot().added_since(&before).len(), 3);
    }
}

/// No file takes it: the person gives it back as it was shown.
#[test]
fn an_answer_that_is_only_shown_can_be_installed() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let issuer = format!("{}; head -c 20000 /dev/zero | tr '\\0' '\\n'; exit 7", stage.issuer(&[]));
    stage.write("issuer", issuer.as_bytes());
    let shown = cramped(&stage, "renew --issuer 'sh issuer'");
    let error = shown.failed("issuer_failed", 6);
    let place = error["facts"]["saved_answer"][0].as_str().unwrap();
    assert!(place.contains("BEGIN CA ANSWER"), "{error:#}");
    stage.token.snapshot().assert_keeps(&before);
    stage.write("shown", shown.stderr.as_bytes());
    let next_command = error["facts"]["go_on"][0].as_str().unwrap();
    assert!(next_command.contains(" install ") && next_command.ends_with(" -"), "{next_command}");
    stage.shell(&format!("{next_command} --json < shown")).succeeded();
    stage.token.snapshot().assert_keeps(&before);
    assert_eq!(stage.token.snapshot().added_since(&before).len(), 3);
}

#[test]
fn the_request_that_went_out_goes_out_again() {
    let stage = Stage::new();
    stage.run(&["renew", "--issuer", "cat > sent; exit 1"]).failed("issuer_failed", 6);
    let (waiting, kept) = (stage.token.snapshot(), stage.kept());
    cramped(&stage, "resume --issuer 'cat > sent2; exit 1'").failed("issuer_failed", 6);
    assert_eq!(stage.read("sent2"), stage.read("sent"));
    stage.token.snapshot().assert_same_as(&waiting);
    assert_eq!(stage.kept(), kept);
}

#[test]
fn the_helper_is_asked_again_with_the_cookie() {
    let stage = Stage::new();
    let script =
        "#!/bin/sh\necho \"$USBTOKEN_OPERATION $USBTOKEN_CA_COOKIE\" >> operations\necho order-1\nexit 1\n";
    stage.write("helper", script.as_bytes());
    std::fs::set_permissions(stage.file("helper"), std::fs::Permissions::from_mode(0o755)).unwrap();
    stage.run(&["renew", "--issuer-helper", "./helper"]).failed("not_yet_issued", 10);
    let waiting = stage.token.snapshot();
    cramped(&stage, "resume --issuer-helper ./helper").failed("not_yet_issued", 10);
    assert_eq!(stage.read("operations"), b"SUBMIT \nPOLL order-1\n");
    stage.token.snapshot().assert_same_as(&waiting);
}
