//! The PIN from C, where the token has its own way of asking: a PIN pad, the last try, a locked PIN, a key that demands
//! the PIN for each signature. What SoftHSM does not have is played by the driver shim, whose trace tells what was sent.

mod common;

use std::ffi::OsString;
use std::path::PathBuf;

use common::{Stage, c_test, succeed, under_valgrind};
use usbtoken_testkit::{Kind, SoftToken, TestCa, days_from_now, shim, softhsm_module};

/// A program's run through the shim.
struct Played {
    trace: String,
}

fn play(stage: &Stage, test: &str, fault: &str) -> Played {
    let program = c_test("pin", &["-fsanitize=address,undefined"], stage.folder.path());
    play_as(stage, vec![program.into(), test.into()], fault)
}

fn play_as(stage: &Stage, words: Vec<OsString>, fault: &str) -> Played {
    let trace: PathBuf = stage.folder.path().join("trace");
    let mut command = std::process::Command::new(&words[0]);
    command.args(&words[1..]).arg(shim()).arg(stage.token.uri()).arg(stage.token.pin());
    command.arg(stage.ca_command("p7-base64")).envs(stage.token.env());
    command.env("LSAN_OPTIONS", common::leak_options());
    command.env("USBTOKEN_SHIM_DRIVER", softhsm_module()).env("USBTOKEN_SHIM_TRACE", &trace);
    succeed(command.env("USBTOKEN_SHIM_FAULT", fault).output().unwrap(), &format!("{words:?}"));
    let trace = std::fs::read_to_string(trace).unwrap();
    assert!(!trace.contains(stage.token.pin()) && !trace.contains("not-sent"), "a PIN is in the trace");
    Played { trace }
}

impl Played {
    fn calls(&self, function: &str) -> Vec<&str> {
        let name = format!("\"{function}\"");
        self.trace.lines().filter(|line| line.contains(&name)).collect()
    }
}

#[test]
fn at_a_pin_pad_no_pin_is_sent() {
    let stage = Stage::set();
    let before = stage.token.snapshot();
    // The shim enters the right PIN at the pad; SoftHSM would refuse any other that were sent.
    let fault = format!("C_GetTokenInfo#1:lie=pin-pad,sticky;C_Login:pin-pad={},sticky", stage.token.pin());
    let played = play(&stage, "pad", &fault);
    assert_eq!(played.calls("C_Login").len(), 3);
    stage.assert_renewed(&before);
}

#[test]
fn the_last_try_is_the_persons_to_take() {
    let stage = Stage::set();
    let before = stage.token.snapshot();
    let played = play(&stage, "last", "C_GetTokenInfo#1:lie=final-try,sticky");
    assert_eq!(played.calls("C_Login").len(), 2, "those that were accepted, and no other");
    stage.assert_renewed(&before);
}

#[test]
fn a_locked_pin_is_neither_asked_for_nor_sent() {
    let stage = Stage::set();
    let before = stage.token.snapshot();
    let played = play(&stage, "locked", "C_GetTokenInfo#1:lie=locked,sticky");
    assert_eq!(played.calls("C_Login").len(), 0);
    stage.token.snapshot().assert_same_as(&before);
}

#[test]
fn the_pin_is_changed_with_one_call_each() {
    let stage = Stage::set();
    let before = stage.token.snapshot();
    let played = play(&stage, "change", "C_SetPIN#1:ckr=CKR_PIN_INVALID;C_SetPIN#2:lose=CKR_DEVICE_ERROR");
    assert!(!played.trace.contains("new-77"), "a PIN is in the trace");
    assert_eq!(played.calls("C_SetPIN").len(), 5);
    assert_eq!(played.calls("C_Login").len(), 2);
    // With the first PIN again, and all that was there.
    stage.token.snapshot().assert_same_as(&before);
}

#[test]
fn at_a_pin_pad_both_pins_are_entered_there() {
    let stage = Stage::set();
    let before = stage.token.snapshot();
    let pin = stage.token.pin();
    let fault = format!(
        "C_GetTokenInfo#1:lie=pin-pad,sticky;C_SetPIN#1:pin-pad-change={pin}/{pin};\
         C_SetPIN#2:ckr=CKR_FUNCTION_CANCELED"
    );
    let played = play(&stage, "keys", &fault);
    assert_eq!((played.calls("C_SetPIN").len(), played.calls("C_Login").len()), (2, 0));
    stage.token.snapshot().assert_same_as(&before);
}

/// A token whose old key demands the PIN for each signature.
fn stage_that_asks() -> Stage {
    let token = SoftToken::fresh();
    let folder = tempfile::tempdir().unwrap();
    let ca = TestCa::at(&folder.path().join("ca"));
    token.credential_that_asks(&ca, Kind::P256, days_from_now(11));
    Stage { token, ca, folder }
}

#[test]
fn a_key_that_demands_the_pin_each_time_signs_the_request() {
    let stage = stage_that_asks();
    let before = stage.token.snapshot();
    let played = play(&stage, "asks", "");
    let logins = played.calls("C_Login");
    let for_a_signature = logins.iter().filter(|line| line.contains("CKU_CONTEXT_SPECIFIC")).count();
    assert_eq!((logins.len(), for_a_signature), (2, 1), "{logins:?}");
    stage.assert_renewed(&before);
}

#[test]
fn a_dialog_and_a_key_that_asks_under_valgrind() {
    let stage = stage_that_asks();
    let before = stage.token.snapshot();
    let program = c_test("pin", &[], stage.folder.path());
    let mut words = under_valgrind(&program, &[]);
    words.push("asks".into());
    play_as(&stage, words, "");
    stage.assert_renewed(&before);
}
