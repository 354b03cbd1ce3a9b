//! The enrolment facade from C: the three pages, and every way in which it says no.

mod common;

use common::{Stage, c_test, compile, root};

#[test]
fn three_pages_renew_the_certificate() {
    let stage = Stage::set();
    stage.token.foreign_objects();
    let before = stage.token.snapshot();
    let program = stage.folder.path().join("pages");
    let flags = ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-fsanitize=address,undefined"];
    compile("cc", &[root().join("examples/c/pages.c")], &flags, &program);
    let mut command = stage.command(&[program.as_os_str()]);
    let printed = common::succeed(command.current_dir(stage.folder.path()).output().unwrap(), "pages");
    assert!(printed.contains("USBトークンへの更新が可能です"), "{printed}");

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
