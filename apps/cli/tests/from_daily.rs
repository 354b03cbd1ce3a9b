//! 「USBトークンへの更新」 every day by a scheduler: what was interrupted is gone on with, and what was renewed before is known for what
//! it is.

mod common;

use std::path::Path;
use std::process::Command;

use common::elsewhere::{old, stage};
use common::{Outcome, Stage, outcome};
use usbtoken_testkit::{Kind, SoftToken, days_from_now, serial_hex, shim, softhsm_module};

/// Begins the renewal from the file, and ends the process at this call.
fn interrupted(fault: &str) -> (Stage, String) {
    let stage = stage();
    let serial = serial_hex(&old(&stage));
    let (driver, issuer) = (softhsm_module(), stage.issuer(&[]));
    let env = [("USBTOKEN_SHIM_DRIVER", driver.as_path()), ("USBTOKEN_SHIM_FAULT", Path::new(fault))];
    let renew = ["renew", "--in-process", "--from", "file:old.pem", "--issuer", &issuer];
    let killed = stage.run_through(&shim(), &env, stage.token.pin(), &stage.token.uri(), &renew);
    assert_eq!(killed.code, 86, "{killed:?}");
    assert_eq!(stage.token.snapshot().objects().len(), 2, "the pair waits");
    (stage, serial)
}

/// The run ends before the request is sent: no one has it, so no one is asked, as in a renewal on the token itself.
#[test]
fn a_request_that_was_never_sent_is_signed_anew() {
    for fault in ["C_GenerateKeyPair:exit-after", "C_Sign:exit-after"] {
        let (stage, _) = interrupted(fault);
        let done = stage.renew(&["--from", "file:old.pem"], &[]).json();
        assert!(done["from"]["place"].as_str().unwrap().ends_with("old.pem"), "{fault}: {done:#}");
        assert_eq!(stage.token.snapshot().objects().len(), 3);
        assert_eq!(stage.kept().iter().filter(|file| file.extension().unwrap() == "begun").count(), 0);
    }
}

/// This computer keeps which certificate it was, also where the file has gone.
#[test]
fn what_was_interrupted_is_resumed_without_the_file() {
    let (stage, serial) = interrupted("C_Sign:exit-after");
    std::fs::remove_file(stage.file("old.pem")).unwrap();
    let pending = stage.run(&["pending"]).json();
    assert_eq!(pending[0]["concerns_serial"], serial.as_str(), "{pending:#}");
    let issuer = stage.issuer(&[]);
    let resumed = stage.run(&["resume", "--issuer", &issuer]).json();
    assert_eq!(resumed["from"]["serial"], serial.as_str(), "{resumed:#}");
    assert_eq!(stage.token.snapshot().objects().len(), 3);
}

/// The command with every token in reach, and the PIN that all of them have.
fn run(stage: &Stage, more: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
    command.args(["--json", "--lang", "en", "--pin-env", "TEST_PIN"]).args(more);
    outcome(stage.at_home(&mut command).env("TEST_PIN", stage.token.pin()))
}

/// An old token and another one that its certificate was renewed onto; the URIs of both.
fn renewed_onto_another(days: &str) -> (Stage, SoftToken, [String; 2]) {
    let stage = Stage::alone(Kind::P256, days_from_now(11));
    let new = stage.token.sibling("NEW");
    let [old_uri, new_uri] = [&stage.token, &new].map(|token| format!("pkcs11:serial={}", token.serial()));
    let issuer = stage.issuer(&["--days", days]);
    let renew = ["renew", "--from", &old_uri, "--token", &new_uri, "--issuer", &issuer];
    run(&stage, &renew).succeeded();
    assert_eq!(new.snapshot().objects().len(), 3);
    (stage, new, [old_uri, new_uri])
}

/// What this computer remembers counts no more where the token is plugged in and shows that it is not so.
#[test]
fn a_renewal_that_is_gone_from_its_token_is_made_anew() {
    let (stage, new, [old_uri, _]) = renewed_onto_another("365");
    let before = stage.token.snapshot();
    let id = new.snapshot().objects()[0].id.clone();
    new.inspect(|inspector| inspector.destroy(&id));
    assert!(new.snapshot().objects().is_empty());
    let mut list = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
    let listed = outcome(stage.at_home(list.args(["--json", "list"]))).json();
    assert_eq!((&listed[0]["renewed_by"], &listed[0]["renewable"]), (&serde_json::Value::Null, &true.into()));
    let seen = run(&stage, &["preflight", "--token", &old_uri]);
    assert_eq!(seen.json()["can_renew"], true, "{seen:?}");
    assert!(seen.notices().contains(&"renewal_gone".to_owned()), "{seen:?}");
    assert!(!seen.stdout.contains("renewed_on_other_token"), "{seen:?}");
    let renewed = run(&stage, &["renew", "--token", &old_uri, "--issuer", &stage.issuer(&[])]);
    assert!(renewed.notices().contains(&"renewal_gone".to_owned()), "{renewed:?}");
    assert_eq!(stage.token.snapshot().added_since(&before).len(), 3);
}

/// A computer that remembers nothing sees it on the other token that is plugged in, as its list does.
#[test]
fn a_renewal_on_another_token_is_seen_without_memory() {
    let (stage, new, [old_uri, _]) = renewed_onto_another("365");
    let (before, on_new) = (stage.token.snapshot(), new.snapshot());
    std::fs::remove_dir_all(stage.file("state")).unwrap();
    let seen = run(&stage, &["preflight", "--token", &old_uri]);
    assert_eq!(seen.json()["can_renew"], false, "{seen:?}");
    assert!(seen.stdout.contains("renewed_on_other_token"), "{seen:?}");
    let told = run(&stage, &["renew", "--token", &old_uri, "--issuer", "false"]);
    assert_eq!(told.json()["already_renewed"], true, "{told:?}");
    assert!(told.notices().contains(&"renewed_on_other_token".to_owned()), "{told:?}");
    run(&stage, &["request", "--token", &old_uri, "--out", "second.pem"]).failed("already_renewed", 9);
    stage.token.snapshot().assert_same_as(&before);
    new.snapshot().assert_same_as(&on_new);
    let issuer = stage.issuer(&[]);
    run(&stage, &["renew", "--token", &old_uri, "--although-renewed", "--issuer", &issuer]).succeeded();
    assert_eq!(stage.token.snapshot().added_since(&before).len(), 3);
}

/// A line that names the old one is wrong from the day on which the new one can be renewed: nobody would learn that this ends.
#[test]
fn the_new_one_has_to_be_named_once_it_can_be_renewed() {
    let (stage, new, [old_uri, new_uri]) = renewed_onto_another("20");
    let (before, on_new) = (stage.token.snapshot(), new.snapshot());
    let from = ["renew", "--from", &old_uri, "--token", &new_uri, "--issuer", "false"];
    let error = run(&stage, &from).failed("successor_due", 9);
    assert!(error["hint"].as_str().unwrap().contains("--from"), "{error:#}");
    let error = run(&stage, &["renew", "--token", &old_uri, "--issuer", "false"]).failed("successor_due", 9);
    assert!(error["facts"]["token"][0].as_str().unwrap().contains("NEW"), "{error:#}");
    stage.token.snapshot().assert_same_as(&before);
    new.snapshot().assert_same_as(&on_new);
    // The way that the hint names.
    run(&stage, &["renew", "--token", &new_uri, "--issuer", &stage.issuer(&[])]).succeeded();
    // The one that follows in turn is not due.
    assert_eq!(run(&stage, &from).json()["already_renewed"], true);
}
