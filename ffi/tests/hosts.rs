//! Hosts that do more than one thing: threads, forks, the same driver, loading and unloading.

mod common;

use std::ffi::OsString;
use std::path::Path;

use common::{Stage, c_test, compile, libraries, root, under_valgrind};

fn host_as(test: &str, words: impl Fn(&Path) -> Vec<OsString>) {
    host_built(test, &[], words);
}

fn host_built(test: &str, flags: &[&str], words: impl Fn(&Path) -> Vec<OsString>) {
    let stage = Stage::set();
    let before = stage.token.snapshot();
    let program = c_test("host", flags, stage.folder.path());
    let words: Vec<OsString> = words(&program).into_iter().chain([test.into()]).collect();
    stage.run(&words.iter().map(OsString::as_os_str).collect::<Vec<_>>());
    stage.token.snapshot().assert_same_as(&before);
}

fn host(test: &str) {
    host_as(test, |program| vec![program.into()]);
}

#[test]
fn eight_threads_on_one_context() {
    host("threads");
}

#[test]
fn a_forked_child_is_told_so_and_the_parent_goes_on() {
    host("fork");
}

#[test]
fn a_forked_child_has_no_part_in_its_parents_driver_host() {
    hosted("fork");
}

#[test]
fn a_thread_that_is_cancelled_ends_after_its_call() {
    host("cancel");
}

#[test]
fn a_driver_can_have_a_process_of_its_own() {
    hosted("hosted");
}

fn hosted(test: &str) {
    let host = format!("DRIVER_HOST={}", usbtoken_testkit::driver_host().display());
    host_as(test, |program| vec!["env".into(), host.clone().into(), program.into()]);
}

#[test]
fn a_driver_can_be_kept_from_files() {
    let stage = Stage::set();
    let before = stage.token.snapshot();
    let program = c_test("host", &[], stage.folder.path());
    let host = format!("DRIVER_HOST={}", usbtoken_testkit::driver_host().display());
    let tokens = format!("TOKENS={}", stage.token.folder().path().join("tokens").display());
    let words: [OsString; 5] = ["env".into(), host.into(), tokens.into(), program.into(), "confined".into()];
    stage.run(&words.iter().map(OsString::as_os_str).collect::<Vec<_>>());
    stage.token.snapshot().assert_same_as(&before);
}

#[test]
fn the_host_beside_the_library_is_used() {
    for test in ["beside", "starved"] {
        beside(test);
    }
}

fn beside(test: &str) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(libraries().join("libusbtoken_ffi.so"), folder.path().join("libusbtoken.so.0")).unwrap();
    std::fs::copy(usbtoken_testkit::driver_host(), folder.path().join("usbtoken-driver")).unwrap();
    // Before the folder in which Cargo has built it.
    let path = format!("-Wl,--disable-new-dtags,-rpath,{}", folder.path().display());
    host_built(test, &[&path], |program| vec![program.into()]);
}

#[test]
fn the_driver_belongs_to_whoever_initialised_it() {
    host("shared");
}

#[test]
fn each_host_under_valgrind() {
    for test in ["threads", "fork", "shared"] {
        host_as(test, |program| under_valgrind(program, &[]));
    }
}

#[test]
fn the_library_is_loaded_and_unloaded_fifty_times() {
    let stage = Stage::set();
    let program = stage.folder.path().join("load");
    let flags = ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wl,--as-needed"];
    compile("cc", &[root().join("ffi/tests/c/load.c")], &flags, &program);
    let library = libraries().join("libusbtoken_ffi.so");
    stage.run(&[program.as_os_str(), library.as_os_str()]);
}
