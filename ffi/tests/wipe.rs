//! A PIN does not outlive its session in the memory of the process: the program searches its own.

#![cfg(target_os = "linux")]

mod common;

use std::io::Write;
use std::process::{Command, Stdio};

use common::{c_test, succeed};
use usbtoken_testkit::{Folder, SoftToken};

/// How many copies of the PIN are found after the session.
fn copies(token: &SoftToken, how: &str) -> u32 {
    let folder = tempfile::tempdir().unwrap();
    let program = c_test("wipe", &[], folder.path());
    let mut command = Command::new(program);
    command.arg(how).arg(token.module()).arg(token.uri()).envs(token.env());
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    child.stdin.take().unwrap().write_all(token.pin().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    succeed(output, how).trim().parse().unwrap()
}

#[test]
fn no_copy_of_the_pin_is_left_behind() {
    let token = Folder::temporary().token_with_pin("BANK", "pin-7731-to-be-wiped");
    for how in ["utf8", "utf16", "dialog", "dialog_utf16"] {
        assert_eq!(copies(&token, how), 0, "{how}");
    }
    assert!(copies(&token, "leave") >= 1, "the search finds what is there");
}
