//! The command under a bank's profile.

use std::path::PathBuf;
use std::process::Command;

use usbtoken_testkit::manual_bank;

use super::{Outcome, Stage, outcome};

/// The example of the documentation, for this stage's token, driver and CA.
pub fn profile(stage: &Stage, change: impl FnOnce(String) -> String) -> String {
    let text = manual_bank(&stage.file("ca/ca.pem"));
    change(text.replace("key = \"rsa2048\"", "key = \"like-old\""))
}

/// Installs it and returns the folder.
pub fn install(stage: &Stage, name: &str, text: &str) -> PathBuf {
    let folder = stage.file("banks.d");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.toml")), text).unwrap();
    folder
}

pub fn run(stage: &Stage, arguments: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
    command.args(["--json", "--lang", "en", "--pin-env", "TEST_PIN", "--banks", "banks.d"]).args(arguments);
    stage.at_home(&mut command).env("TEST_PIN", stage.token.pin());
    outcome(&mut command)
}
