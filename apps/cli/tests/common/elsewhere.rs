//! An old certificate that is not on the token.

use std::process::Command;
use std::time::{Duration, SystemTime};

use usbtoken_testkit::{Kind, days_from_now, manual_subject};

use super::Stage;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An empty token, and the old certificate in files.
pub fn stage() -> Stage {
    let stage = Stage::alone(Kind::P256, days_from_now(300));
    stage.token.inspect(|inspector| inspector.destroy(&[1]));
    assert!(stage.token.snapshot().objects().is_empty());
    stage
}

/// What openssl prints, run in the stage's folder.
pub fn openssl(stage: &Stage, words: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(words).current_dir(stage.file("")).output().unwrap();
    assert!(output.status.success(), "openssl {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Makes `NAME.key`, `NAME.pem` and, with the password 秘密, `NAME.p12`; gives the DER.
pub fn old_until(stage: &Stage, name: &str, not_after: SystemTime) -> Vec<u8> {
    let (key, pem, p12) = (format!("{name}.key"), format!("{name}.pem"), format!("{name}.p12"));
    openssl(stage, &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &key]);
    let spki = openssl(stage, &["pkey", "-in", &key, "-pubout", "-outform", "DER"]);
    let issue = stage.ca.issue(&manual_subject().to_der(), &spki);
    let der = issue.not_before(not_after - 365 * DAY).not_after(not_after).der();
    stage.write("der", &der);
    openssl(stage, &["x509", "-inform", "DER", "-in", "der", "-out", &pem]);
    stage.write("password", "秘密\n".as_bytes());
    let words = ["pkcs12", "-export", "-legacy", "-in", &pem, "-inkey", &key, "-certfile", "ca/ca.pem"];
    openssl(stage, &[&words[..], &["-passout", "file:password", "-out", &p12]].concat());
    der
}

/// One that can be renewed, named `old`.
pub fn old(stage: &Stage) -> Vec<u8> {
    old_until(stage, "old", days_from_now(11))
}

/// The options that name it in its PKCS#12 file.
pub const P12: [&str; 4] = ["--from", "file:old.p12", "--from-password", "password"];
