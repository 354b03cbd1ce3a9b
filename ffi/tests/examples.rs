//! The examples in C, C++ and Python, run as a reader would, and checked by what is on the token.

mod common;

use std::ffi::OsStr;
use std::process::Command;

use common::{Stage, compile, leak_options, libraries, root, succeed};

const C: &[&str] = &["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wpedantic", "-fsanitize=address,undefined"];

/// Runs a program that renews; the token must have the new credential, and the program must have shown it.
fn renews(stage: &Stage, words: &[&OsStr]) {
    let library = libraries().join("libusbtoken_ffi.so");
    let command = |pin: &str| {
        let mut command = stage.command_with_pin(words, pin);
        command.env("USBTOKEN_LIBRARY", &library).current_dir(stage.folder.path());
        command
    };
    let before = stage.token.snapshot();
    let what = format!("{words:?}");
    let printed = succeed(command(stage.token.pin()).output().unwrap(), &what);
    let der = stage.assert_renewed(&before);
    assert!(printed.contains(&usbtoken_testkit::common_name(&der)), "{printed}");
    assert!(printed.contains(&usbtoken_testkit::serial_hex(&der)), "{printed}");

    let after = stage.token.snapshot();
    // With a wrong PIN: it must be said, and must change nothing.
    let output = command("999999").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("301 pin_incorrect"), "{output:?}");
    stage.token.snapshot().assert_same_as(&after);
}

#[test]
fn c_lists() {
    let stage = Stage::set();
    let before = stage.token.snapshot();
    let program = stage.folder.path().join("list");
    compile("cc", &[root().join("examples/c/list.c")], C, &program);
    let mut command = Command::new(&program);
    command.arg(stage.token.module()).arg(stage.token.uri()).envs(stage.token.env());
    command.env("LSAN_OPTIONS", leak_options());
    let printed = succeed(command.output().unwrap(), "list");
    assert!(printed.contains("days left  11") && printed.contains("renewable  yes"), "{printed}");
    let mut command = Command::new(&program);
    command
        .args(["/no/such/driver.so"])
        .env("LANG", "ja_JP.UTF-8")
        .env_remove("LC_ALL")
        .env_remove("LC_MESSAGES");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("ドライバ"), "{output:?}");
    stage.token.snapshot().assert_same_as(&before);
}

#[test]
fn c_renews() {
    let stage = Stage::set();
    let program = stage.folder.path().join("renew");
    compile("cc", &[root().join("examples/c/renew.c")], C, &program);
    renews(&stage, &[program.as_os_str()]);
}

#[test]
fn cpp_renews() {
    let stage = Stage::set();
    let program = stage.folder.path().join("renew");
    let flags = ["-std=c++17", "-Wpedantic", "-fsanitize=address,undefined"];
    compile("c++", &[root().join("examples/cpp/renew.cpp")], &flags, &program);
    renews(&stage, &[program.as_os_str()]);
}

#[test]
fn python_renews() {
    let stage = Stage::set();
    let script = root().join("examples/python/renew.py");
    renews(&stage, &["python3".as_ref(), script.as_os_str()]);
}
