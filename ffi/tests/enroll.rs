//! The enrolment facade from C: the three pages, and every way in which it says no.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Stage, c_test, compile, root, succeed};
use usbtoken_testkit::ParsedRequest;

fn pages(stage: &Stage) -> PathBuf {
    let program = stage.folder.path().join("pages");
    let flags = ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-fsanitize=address,undefined"];
    compile("cc", &[root().join("examples/c/pages.c")], &flags, &program);
    program
}

#[test]
fn three_pages_renew_the_certificate() {
    let stage = Stage::set();
    stage.token.foreign_objects();
    let before = stage.token.snapshot();
    let mut command = stage.command(&[pages(&stage).as_os_str()]);
    let printed = succeed(command.current_dir(stage.folder.path()).output().unwrap(), "pages");
    assert!(printed.contains("USBトークンへの更新が可能です"), "{printed}");
    let der = stage.assert_renewed(&before);
    assert!(printed.contains(&usbtoken_testkit::serial_hex(&der)), "{printed}");
    assert!(stage.keeps_installation());
}

/// Between the two there is the pending key on the token, and nothing else.
#[test]
fn the_pages_may_come_from_two_processes() {
    let stage = Stage::set();
    stage.token.foreign_objects();
    let before = stage.token.snapshot();
    let program = pages(&stage);
    let play = |page: &str, file: &Path| {
        // Another home, another place for temporary files: what one process leaves there the other does not find.
        let own = tempfile::tempdir().unwrap();
        let mut command = Command::new(&program);
        command.arg(stage.token.module()).arg(stage.token.uri()).arg(stage.token.pin()).arg(file).arg(page);
        command.envs(stage.token.env()).env("LSAN_OPTIONS", common::leak_options());
        for variable in ["HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "TMPDIR"] {
            command.env(variable, own.path());
        }
        succeed(command.current_dir(own.path()).output().unwrap(), page)
    };
    let (request, response) = (stage.folder.path().join("request"), stage.folder.path().join("response"));
    play("BSM5003", &request);
    let first = std::fs::read(&request).unwrap();
    // The page may be loaded anew before the answer comes: the same key asks again.
    play("BSM5003", &request);
    let key = |pem: &[u8]| ParsedRequest::parse(pem).unwrap().spki;
    assert_eq!(key(&std::fs::read(&request).unwrap()), key(&first));

    let line = format!("{} < {}", stage.ca_command("p7-base64"), request.display());
    let answer = Command::new("sh").args(["-c", &line]).output().unwrap();
    std::fs::write(&response, answer.stdout).unwrap();
    let printed = play("BSM5004", &response);
    let der = stage.assert_renewed(&before);
    assert!(printed.contains(&usbtoken_testkit::serial_hex(&der)), "{printed}");
}

#[test]
fn refusals_leave_the_token_as_it_was() {
    let stage = Stage::set();
    stage.token.foreign_objects();
    let before = stage.token.snapshot();
    let program = c_test("enroll", &["-fsanitize=address,undefined"], stage.folder.path());
    stage.run(&[program.as_os_str()]);
    let after = stage.token.snapshot();
    after.assert_keeps(&before);
    assert_eq!(after.added_since(&before).len(), 3, "the renewal at the end, and nothing else");
}

#[test]
fn the_facade_under_valgrind() {
    let stage = Stage::set();
    let program = c_test("enroll", &[], stage.folder.path());
    common::valgrind(&stage, &program, &[]);
}
