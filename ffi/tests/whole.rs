//! The whole job from C: plain, under valgrind, and with the sanitizers on the C side.

mod common;

use common::{Stage, c_test};

#[test]
fn the_whole_job() {
    let stage = Stage::set();
    stage.token.foreign_objects();
    stage.token.inspect(|inspector| inspector.write_as_certificate(b"no certificate", &[0xc1], "odd one"));
    let before = stage.token.snapshot();
    let program = c_test("whole", &[], stage.folder.path());
    let printed = stage.run(&[program.as_os_str()]);

    // What the token says, seen by another client: the old pair is gone, the new one is there and signs.
    let after = stage.token.snapshot();
    let added = after.added_since(&before);
    assert_eq!(added.len(), 3, "{}", after.difference(&before));
    assert!(after.with_id(&[1]).next().is_none(), "the old credential was retired");
    assert_eq!(after.objects().len(), before.objects().len());
    let certificate = added.iter().find(|one| one.class == "CKO_CERTIFICATE").unwrap();
    let der = certificate.bytes("Value").unwrap();
    assert!(printed.contains(&usbtoken_testkit::common_name(der)), "{printed}");
    assert!(printed.contains(&usbtoken_testkit::serial_hex(der)), "{printed}");
    assert!(stage.keeps_installation());
    let signature = stage.token.sign(&certificate.id, b"from C");
    assert!(usbtoken_testkit::verify_with_certificate(der, b"from C", &signature));
}

#[test]
fn the_whole_job_with_sanitizers() {
    let stage = Stage::set();
    // There the answer holds no certificate of the CA, and a person says that the old one is to go; in the others it shows who issued both.
    let said = "-DALTHOUGH_ISSUER_NOT_SHOWN";
    let flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", said];
    let program = c_test("whole", &flags, stage.folder.path());
    let symbols = std::process::Command::new("nm").arg(&program).output().unwrap();
    let symbols = String::from_utf8_lossy(&symbols.stdout);
    assert!(symbols.contains("__asan_init") && symbols.contains("__ubsan"), "the sanitizers are not in");
    let mut command = stage.command_with(&[program.as_os_str()], stage.token.pin(), "pem");
    common::succeed(command.output().unwrap(), "whole");
}

#[test]
fn the_whole_job_under_valgrind() {
    let stage = Stage::set();
    let program = c_test("whole", &[], stage.folder.path());
    common::valgrind(&stage, &program, &[]);
}
