//! The kit's own programs, found from any crate of the workspace.

use std::path::PathBuf;
use std::process::Command;

/// The path of one of the kit's programs, for example `test-ca`, built if need be.
///
/// Cargo tells a test only where the programs of its own package are, so this asks Cargo to build the kit's and
/// looks next to the running test.
pub fn program(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("the path of this program");
    let mut folder = this.parent().expect("a folder").to_path_buf();
    if folder.ends_with("deps") || folder.ends_with("examples") {
        folder.pop();
    }
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--package", "usbtoken-testkit", "--bin", name]);
    build.current_dir(env!("CARGO_MANIFEST_DIR"));
    if folder.ends_with("release") {
        build.arg("--release");
    }
    // The folder above the profile's is the target directory of the build that made this program.
    if let Some(target) = folder.parent() {
        build.arg("--target-dir").arg(target);
    }
    let status = build.status().expect("cargo can be started");
    assert!(status.success(), "the test kit's {name} cannot be built");
    folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}
