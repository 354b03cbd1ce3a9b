//! Drivers, devices, what is wrong and waiting, from C. USB devices are made up (umockdev).

mod common;

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use common::{Stage, c_test, succeed, under_valgrind};
use usbtoken_testkit::{shim, smart_card_device, softhsm_module};

/// `discovery TEST MODULE URI PIN COMMAND`, after the words that start it.
fn command(stage: &Stage, before: &[&Path], test: &str, module: &Path, last: &Path) -> Command {
    // umockdev preloads a library, which a sanitizer's runtime does not like to come after.
    let flags: &[&str] = if before.is_empty() { &["-fsanitize=address,undefined"] } else { &[] };
    let program = c_test("discovery", flags, stage.folder.path());
    let words = before.iter().map(OsString::from).chain([program.into()]).collect();
    command_as(stage, words, test, module, last)
}

fn command_as(stage: &Stage, words: Vec<OsString>, test: &str, module: &Path, last: &Path) -> Command {
    let mut words = words.into_iter();
    let mut command = Command::new(words.next().unwrap());
    command.args(words).arg(test).arg(module).arg(stage.token.uri()).arg(stage.token.pin()).arg(last);
    command.envs(stage.token.env()).env("LSAN_OPTIONS", common::leak_options());
    // Nothing of whoever runs the tests has a say.
    command.env("HOME", stage.folder.path()).env("XDG_CONFIG_HOME", stage.folder.path());
    // umockdev's library stands before that of a sanitizer.
    command.env_remove("USBTOKEN_MODULE").env("ASAN_OPTIONS", "verify_asan_link_order=0");
    command
}

fn run(command: &mut Command) -> String {
    succeed(command.output().unwrap(), &format!("{command:?}"))
}

#[test]
fn each_driver_is_told_with_what_it_is_or_why_it_cannot_be_used() {
    let stage = Stage::set();
    run(&mut command(&stage, &[], "drivers", &stage.token.module(), Path::new("")));
}

#[test]
fn a_program_brings_its_own_list_of_drivers() {
    let stage = Stage::set();
    let list = stage.folder.path().join("list.toml");
    let module = stage.token.module();
    let text = format!("[[driver]]\nname = \"the bank's\"\npath = \"{}\"\n", module.display());
    std::fs::write(&list, text).unwrap();
    run(&mut command(&stage, &[], "file", &module, &list));
}

#[test]
fn a_driver_gets_the_time_that_the_caller_gives() {
    let stage = Stage::set();
    let mut command = command(&stage, &[], "slow", &shim(), Path::new(""));
    command.env("USBTOKEN_SHIM_DRIVER", softhsm_module());
    assert_eq!(run(command.env("USBTOKEN_SHIM_DELAYS", "C_Initialize=5000")), "gave up\n");
}

#[test]
fn a_device_is_told_with_its_driver_and_whether_that_sees_it() {
    let stage = Stage::set();
    let before = stage.token.snapshot();
    let devices = stage.folder.path().join("devices.umockdev");
    std::fs::write(&devices, smart_card_device("0529:0620", "SafeNet", "Token JC")).unwrap();
    // SoftHSM under the name of that token's driver.
    let driver = stage.folder.path().join("libeToken.so");
    std::fs::copy(softhsm_module(), &driver).unwrap();
    let before_it = ["umockdev-run", "-d"].map(Path::new);
    let words = [before_it[0], before_it[1], &devices, Path::new("--")];
    run(&mut command(&stage, &words, "device", &driver, Path::new("")));
    stage.token.snapshot().assert_same_as(&before);
}

#[test]
fn a_wait_asks_its_caller_whether_to_go_on_and_sees_the_token_come() {
    let stage = Stage::set();
    let make = "softhsm2-util --init-token --free --label LATER --pin 123456 --so-pin 12345678 >/dev/null";
    run(&mut command(&stage, &[], "wait", &stage.token.module(), Path::new(make)));
}

#[test]
fn drivers_and_waiting_under_valgrind() {
    let stage = Stage::set();
    let program = c_test("discovery", &[], stage.folder.path());
    let make = "softhsm2-util --init-token --free --label LATER --pin 123456 --so-pin 12345678 >/dev/null";
    for (test, last) in [("drivers", ""), ("wait", make)] {
        let words = under_valgrind(&program, &[]);
        run(&mut command_as(&stage, words, test, &stage.token.module(), Path::new(last)));
    }
}
