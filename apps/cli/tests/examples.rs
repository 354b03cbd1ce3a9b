//! The examples in Rust do what their first lines say.

mod common;

use std::process::Command;

use common::{Outcome, Stage, bank, outcome, servers};
use usbtoken_testkit::{Kind, Snapshot, days_from_now, example, softhsm_module};

/// Runs an example on this stage's token.
fn run(stage: &Stage, name: &str, arguments: &[&str]) -> Outcome {
    let mut command = Command::new(example(name));
    command.args(arguments).env("LC_ALL", "C.UTF-8");
    outcome(stage.at_home(&mut command))
}

/// What is new on the token: one whole credential, whose key signs.
fn renewed(stage: &Stage, before: &Snapshot) {
    let after = stage.token.snapshot();
    after.assert_keeps(before);
    let added = after.added_since(before);
    let mut classes: Vec<&str> = added.iter().map(|object| object.class.as_str()).collect();
    classes.sort_unstable();
    assert_eq!(classes, ["CKO_CERTIFICATE", "CKO_PRIVATE_KEY", "CKO_PUBLIC_KEY"]);
    stage.token.sign(&added[0].id, b"the new one works");
}

#[test]
fn a_renewal_by_a_banks_profile() {
    let stage = Stage::of(Kind::P256, days_from_now(11));
    stage.write("bank.toml", bank::profile(&stage, |text| text).as_bytes());
    let before = stage.token.snapshot();
    let issuer = stage.issuer(&[]);
    stage.write("wrong", b"0000");
    let refused = run(&stage, "renew_at_bank", &["bank.toml", "wrong", &issuer]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("301 pin_incorrect"), "{refused:?}");
    stage.token.snapshot().assert_same_as(&before);
    let done = run(&stage, "renew_at_bank", &["bank.toml", "pin", &issuer]);
    assert!(done.succeeded().stdout.contains("電子証明書ログイン"), "the bank's words: {done:?}");
    renewed(&stage, &before);
}

#[test]
fn a_renewal_without_one() {
    let stage = Stage::of(Kind::P256, days_from_now(11));
    let before = stage.token.snapshot();
    let (driver, uri, issuer) = (softhsm_module(), stage.token.uri(), stage.issuer(&[]));
    run(&stage, "renew", &[driver.to_str().unwrap(), &uri, "pin", &issuer]).succeeded();
    renewed(&stage, &before);
}

#[test]
fn a_login_with_the_key_on_the_token() {
    for kind in [Kind::P256, Kind::Rsa2048] {
        let stage = Stage::alone(kind, days_from_now(11));
        stage.renew(&[], &[]).succeeded();
        let before = stage.token.snapshot();
        let lines = "ssl_verify_client on; location = / { return 200 $ssl_client_s_dn; }";
        let server = servers::nginx(&stage, lines);
        let (driver, uri) = (softhsm_module(), stage.token.uri());
        let at = format!("localhost:{}", server.port);
        let arguments = [driver.to_str().unwrap(), &uri, "pin", &at, "ca/root.pem"];
        let done = run(&stage, "login", &arguments);
        let said = &done.succeeded().stdout;
        assert!(said.contains("HTTP/1.1 200 OK") && said.contains("CN="), "{kind}: {said}");
        stage.token.snapshot().assert_same_as(&before);
    }
}
