//! A demand for proof from C, and a key of which the driver only claims that it cannot leave the token: it was imported as
//! sensitive, under a label that says that a renewal of ours waits with it.

mod common;

use std::process::Command;

use common::{Stage, c_test, succeed};
use usbtoken_testkit::{Kind, SoftKey, SoftToken, TestCa, days_from_now, serial_hex, shim};

struct Planted {
    stage: Stage,
    program: std::path::PathBuf,
}

impl Planted {
    fn new() -> Self {
        let (token, folder) = (SoftToken::fresh(), tempfile::tempdir().unwrap());
        let ca = TestCa::at(&folder.path().join("ca"));
        let old = token.first_credential(&ca, Kind::P256, days_from_now(11));
        let program = c_test("proof", &["-fsanitize=address,undefined"], folder.path());
        let planted = Planted { stage: Stage { token, ca, folder }, program };
        let label = format!("usbtoken:20261120:renews:{}", serial_hex(&old.certificate));
        let key = SoftKey::generate(Kind::P256);
        planted.write("privkey", &key.to_pkcs8(), &["--usage-sign", "--sensitive", "--label", &label]);
        planted.write("pubkey", &key.spki(), &["--label", &label]);
        let answer = planted.stage.ca.issue(&old.subject, &key.spki()).der();
        std::fs::write(planted.stage.folder.path().join("answer"), answer).unwrap();
        planted
    }

    fn write(&self, kind: &str, bytes: &[u8], more: &[&str]) {
        let token = &self.stage.token;
        let file = self.stage.folder.path().join(kind);
        std::fs::write(&file, bytes).unwrap();
        let mut tool = Command::new("pkcs11-tool");
        tool.arg("--module").arg(token.module()).args(["--token-label", token.label(), "--login", "--pin"]);
        tool.arg(token.pin()).arg("--write-object").arg(&file).args(["--type", kind, "--id", "0a0b0c"]);
        succeed(tool.args(more).envs(token.env()).output().unwrap(), "pkcs11-tool");
    }

    fn play(&self, test: &str) {
        let token = &self.stage.token;
        let mut command = Command::new(&self.program);
        command.arg(test).arg(token.module()).arg(token.uri()).arg(token.pin());
        command.arg(format!("cat {}", self.stage.folder.path().join("answer").display()));
        command.envs(token.env()).env("LSAN_OPTIONS", common::leak_options());
        succeed(command.output().unwrap(), test);
    }
}

#[test]
fn what_a_renewal_demanded_its_installation_demands() {
    let planted = Planted::new();
    let before = planted.stage.token.snapshot();
    planted.play("handle");
    planted.stage.token.snapshot().assert_same_as(&before);
}

#[test]
fn another_program_that_is_given_the_demand_refuses_a_claim() {
    let planted = Planted::new();
    let before = planted.stage.token.snapshot();
    planted.play("other");
    planted.stage.token.snapshot().assert_same_as(&before);
    planted.play("less");
    assert_eq!(planted.stage.token.snapshot().added_since(&before).len(), 1, "its certificate");
}

/// A handle that was kept does not know of it; the token does.
#[test]
fn a_certificate_that_was_installed_without_its_handle_is_not_written_again() {
    let planted = Planted::new();
    let before = planted.stage.token.snapshot();
    planted.play("twice");
    assert_eq!(planted.stage.token.snapshot().added_since(&before).len(), 1, "one certificate");
}

/// The host owns the driver, so it cannot be started anew: the program decides, in C as in Rust.
#[test]
fn a_denial_by_a_driver_that_the_host_owns_is_for_the_program_to_judge() {
    let stage = Stage::set();
    let before = stage.token.snapshot();
    let program = c_test("proof", &[], stage.folder.path());
    let mut command = Command::new(program);
    command.arg("denied").arg(shim()).arg(stage.token.uri()).args([stage.token.pin(), "true"]);
    command.envs(stage.token.env()).env("USBTOKEN_SHIM_DRIVER", stage.token.module());
    command.env("USBTOKEN_SHIM_FAULT", "*:lie=fresh-all-zero");
    succeed(command.output().unwrap(), "denied");
    let after = stage.token.snapshot();
    after.assert_keeps(&before);
    assert_eq!(after.added_since(&before).len(), 4, "both pairs wait");
}

/// The reported case: a driver says of a fresh key that it was not made in the token, until it is started anew.
#[test]
fn a_demand_from_c_is_met_or_refused_where_a_driver_denies_what_is_fresh() {
    for (test, added) in [("fresh", 3), ("used", 2)] {
        let stage = Stage::set();
        let before = stage.token.snapshot();
        let program = c_test("proof", &[], stage.folder.path());
        let mut command = Command::new(program);
        command.arg(test).arg(shim()).arg(stage.token.uri()).arg(stage.token.pin());
        command.arg(stage.ca_command("p7-base64"));
        command.envs(stage.token.env()).env("USBTOKEN_SHIM_DRIVER", stage.token.module());
        command.env("USBTOKEN_SHIM_FAULT", "*:lie=fresh-zero");
        succeed(command.output().unwrap(), test);
        let after = stage.token.snapshot();
        after.assert_keeps(&before);
        assert_eq!(after.added_since(&before).len(), added, "{test}");
    }
}
