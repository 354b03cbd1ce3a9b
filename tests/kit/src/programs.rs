//! The kit's own programs, found from any crate of the workspace.

use std::env::consts;
use std::path::PathBuf;
use std::process::Command;

/// The path of one of the kit's programs, for example `test-ca`, built if need be.
///
/// Cargo tells a test only where the programs of its own package are, so this asks Cargo to build the kit's and
/// looks next to the running test.
pub fn program(name: &str) -> PathBuf {
    build(&["--package", "usbtoken-testkit", "--bin", name]).join(format!("{name}{}", consts::EXE_SUFFIX))
}

/// The path of the driver shim, built with its faults: a PKCS#11 module that forwards to the one that
/// `USBTOKEN_SHIM_DRIVER` names and does on the way what `USBTOKEN_SHIM_FAULT` says.
pub fn shim() -> PathBuf {
    let folder = build(&["--package", "usbtoken-shim", "--features", "usbtoken-shim/faults"]);
    folder.join(format!("{}usbtoken_shim{}", consts::DLL_PREFIX, consts::DLL_SUFFIX))
}

/// Builds into the folder that this program was built into, and returns that folder.
fn build(what: &[&str]) -> PathBuf {
    let this = std::env::current_exe().expect("the path of this program");
    let mut folder = this.parent().expect("a folder").to_path_buf();
    if folder.ends_with("deps") || folder.ends_with("examples") {
        folder.pop();
    }
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    command.args(["build", "--quiet"]).args(what).current_dir(env!("CARGO_MANIFEST_DIR"));
    if folder.ends_with("release") {
        command.arg("--release");
    }
    // The folder above the profile's is the target directory of the build that made this program.
    if let Some(target) = folder.parent() {
        command.arg("--target-dir").arg(target);
    }
    let status = command.status().expect("cargo can be started");
    assert!(status.success(), "`cargo build {}` failed", what.join(" "));
    folder
}
