//! 「USBトークンへの更新」 from C: the old certificate is in a file, the token is empty.

mod common;

use std::path::Path;
use std::process::Command;

use common::{Stage, c_test, succeed};
use usbtoken_testkit::{SoftToken, TestCa, days_from_now, manual_subject, serial_hex};

fn old(folder: &Path, ca: &TestCa, name: &str, days: i64) {
    let openssl = |words: &str| {
        let mut command = Command::new("openssl");
        succeed(command.args(words.split(' ')).current_dir(folder).output().unwrap(), words)
    };
    openssl(&format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}.key"));
    openssl(&format!("pkey -in {name}.key -pubout -outform DER -out {name}.spki"));
    let spki = std::fs::read(folder.join(format!("{name}.spki"))).unwrap();
    let der = ca.issue(&manual_subject().to_der(), &spki).not_after(days_from_now(days)).der();
    std::fs::write(folder.join(format!("{name}.der")), der).unwrap();
    openssl(&format!("x509 -inform DER -in {name}.der -out {name}.pem"));
    openssl(&format!("pkcs12 -export -in {name}.pem -inkey {name}.key -passout pass:geheim -out {name}.p12"));
}

#[test]
fn c_moves_a_certificate_onto_an_empty_token() {
    let (token, folder) = (SoftToken::fresh(), tempfile::tempdir().unwrap());
    let ca = TestCa::at(&folder.path().join("ca"));
    for (name, days) in [("old", 11), ("other", 11), ("later", 200)] {
        old(folder.path(), &ca, name, days);
    }
    let several = ["old", "later", "other"].map(|name| folder.path().join(format!("{name}.pem")));
    let several = several.map(|file| std::fs::read_to_string(file).unwrap()).concat();
    std::fs::write(folder.path().join("several.pem"), several).unwrap();
    let program = c_test("onto_token", &["-fsanitize=address,undefined"], folder.path());
    let stage = Stage { token, ca, folder };
    let file = |name: &str| stage.folder.path().join(name);
    let mut command = Command::new(program);
    command
        .arg(stage.token.module())
        .arg(stage.token.uri())
        .arg(stage.token.pin())
        .arg(stage.ca_command("p7"));
    command.arg(file("old.p12")).arg("geheim").arg(file("other.pem"));
    command.arg(format!("openssl dgst -sha256 -sign {}", file("old.key").display()));
    let serial = |name: &str| serial_hex(&std::fs::read(file(name)).unwrap());
    command
        .arg(serial("other.der"))
        .arg(file("several.pem"))
        .arg(serial("later.der"))
        .env("HOME", stage.folder.path());
    command.envs(stage.token.env()).env("LSAN_OPTIONS", common::leak_options());
    succeed(command.output().unwrap(), "onto_token");
    assert_eq!(stage.token.snapshot().objects().len(), 3);
    // What the command finds too.
    let state = std::fs::read_dir(stage.folder.path().join(".local/state/usbtoken")).unwrap();
    let notes =
        state.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "renewed"));
    assert_eq!(notes.count(), 1);
}
