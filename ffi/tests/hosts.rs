//! Hosts that do more than one thing: threads, forks, the same driver, loading and unloading.

mod common;

use std::ffi::OsStr;

use common::{Stage, c_test, compile, libraries, root};

fn host(test: &str) {
    let stage = Stage::set();
    let before = stage.token.snapshot();
    let program = c_test("host", &[], stage.folder.path());
    stage.run(&[program.as_os_str(), OsStr::new(test)]);
    stage.token.snapshot().assert_same_as(&before);
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
fn the_driver_belongs_to_whoever_initialised_it() {
    host("shared");
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
