//! Programs that take away what driver hosts hang on, and drivers that hang in them.
#![cfg(target_os = "linux")]

mod common;

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use common::{Stage, c_test, libraries, root};
use usbtoken_testkit::{driver_host, softhsm_module};

/// Runs one of the tests with these variables.
fn run(stage: &Stage, test: &str, flags: &[&str], variables: &[(&str, &Path)]) {
    let before = stage.token.snapshot();
    let program = c_test("descriptors", flags, stage.folder.path());
    let set = |(name, value): &(&str, &Path)| format!("{name}={}", value.display()).into();
    let words: Vec<OsString> = [OsString::from("env")]
        .into_iter()
        .chain(variables.iter().map(set))
        .chain([program.into(), test.into()])
        .collect();
    stage.run(&words.iter().map(OsString::as_os_str).collect::<Vec<_>>());
    stage.token.snapshot().assert_same_as(&before);
}

#[test]
fn a_program_that_closes_all_descriptors_gets_no_pin_and_loses_none_of_its_own() {
    run(&Stage::set(), "taken", &[], &[("DRIVER_HOST", &driver_host())]);
}

#[test]
fn a_shortage_of_descriptors_is_not_kept_in_mind() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(libraries().join("libusbtoken_ffi.so"), folder.path().join("libusbtoken.so.0")).unwrap();
    std::fs::copy(driver_host(), folder.path().join("usbtoken-driver")).unwrap();
    let path = format!("-Wl,--disable-new-dtags,-rpath,{}", folder.path().display());
    run(&Stage::set(), "few", &[&path], &[]);
}

#[test]
fn where_no_thread_is_left_the_system_is_quoted() {
    run(&Stage::set(), "crowded", &[], &[("DRIVER_HOST", &driver_host())]);
}

#[test]
fn a_driver_that_hangs_is_ended_with_its_search_or_its_context() {
    let stage = Stage::set();
    let driver = stage.folder.path().join("libends.so");
    let source = root().join("tests/drivers/ends.c");
    let mut compiler = Command::new("cc");
    compiler.arg(format!("-DDRIVER=\"{}\"", softhsm_module().display()));
    let compiler = compiler.args(["-shared", "-fPIC", "-w", "-o"]).arg(&driver).arg(source);
    assert!(compiler.status().unwrap().success());
    run(&stage, "left", &[], &[("DRIVER_HOST", &driver_host()), ("HANGING", &driver)]);
}
