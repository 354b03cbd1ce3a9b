//! A bank's profile from C: one handle, and every call goes by its rules.

mod common;

use common::{Stage, c_test, succeed};
use usbtoken::bank::Override;

/// Plays the program under the example's profile with these overrides.
fn play(stage: &Stage, may_override: &str, more: &[&str]) {
    let example = include_str!("../../examples/banks/manual-bank.toml");
    let (head, rest) = example.split_once("anchors = [").unwrap();
    let (_, tail) = rest.split_once("\n]\n").unwrap();
    let anchor = String::from_utf8(std::fs::read(stage.folder.path().join("ca/ca.pem")).unwrap()).unwrap();
    let driver = format!("path = {:?}", stage.token.module());
    let text = format!("{head}anchors = ['''\n{anchor}''']\n{tail}")
        .replacen("path = \"/usr/lib/softhsm/libsofthsm2.so\"", &driver, 1)
        .replace("key = \"rsa2048\"", "key = \"like-old\"")
        .replace("may_override = [\"drivers\", \"issuer\", \"timeout\"]", may_override);
    let text = if more.is_empty() { text } else { text.replace("\"at-once\"", "\"after-old-ends\"") };
    assert!(text.contains(may_override));
    let profile = stage.folder.path().join("bank.toml");
    std::fs::write(&profile, text).unwrap();

    let program = c_test("bank", &["-fsanitize=address,undefined"], stage.folder.path());
    let mut command = std::process::Command::new(program);
    command.arg(&profile).arg(stage.token.module()).arg(stage.token.uri()).arg(stage.token.pin());
    command.arg(stage.ca_command("p7-base64")).args(more).envs(stage.token.env());
    command.env("LSAN_OPTIONS", common::leak_options());
    succeed(command.output().unwrap(), "bank");
}

#[test]
fn every_call_goes_by_the_banks_rules() {
    let stage = Stage::set();
    let before = stage.token.snapshot();
    play(&stage, "may_override = [\"issuer\", \"timeout\"]", &[]);
    stage.assert_renewed(&before);
}

#[test]
fn what_the_profile_lists_is_the_programs_to_say() {
    let stage = Stage::set();
    let listed = Override::ALL.iter().map(|one| format!("\"{one}\"")).collect::<Vec<_>>().join(", ");
    play(&stage, &format!("may_override = [{listed}]"), &["lifted"]);
    let after = stage.token.snapshot();
    assert!(after.with_id(&[1]).next().is_some(), "the old one works still");
    assert!(after.of_class("CKO_CERTIFICATE").count() > 2, "the CA's certificates were written");
}
