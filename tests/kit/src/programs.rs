//! The kit's own programs, found from any crate of the workspace.

use std::env::consts;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The path of one of the kit's programs, for example `test-ca`, built if need be.
///
/// Cargo tells a test only where the programs of its own package are, so this asks Cargo to build the kit's and
/// looks next to the running test.
pub fn program(name: &str) -> PathBuf {
    let folder = build(&["--package", "usbtoken-testkit", "--bin", name], &target());
    folder.join(format!("{name}{}", consts::EXE_SUFFIX))
}

/// The path of the command `usbtoken`, built if need be; the driver host is beside it.
pub fn command() -> PathBuf {
    let folder = build(&["--package", "usbtoken-cli", "--bins"], &target());
    folder.join(format!("usbtoken{}", consts::EXE_SUFFIX))
}

/// The path of the driver host, built if need be.
pub fn driver_host() -> PathBuf {
    let folder = build(&["--package", "usbtoken-cli", "--bins"], &target());
    folder.join(format!("usbtoken-driver{}", consts::EXE_SUFFIX))
}

/// The path of an example of the crate `usbtoken`, built if need be.
pub fn example(name: &str) -> PathBuf {
    let folder = build(&["--package", "usbtoken", "--features", "rustls", "--example", name], &target());
    folder.join("examples").join(format!("{name}{}", consts::EXE_SUFFIX))
}

/// The path of the driver shim, built with its faults: a PKCS#11 module that forwards to the one that
/// `USBTOKEN_SHIM_DRIVER` names and does on the way what `USBTOKEN_SHIM_FAULT` says.
///
/// It has a target directory of its own: Cargo names a shared library the same with and without a feature, and
/// would leave whichever was built last.
pub fn shim() -> PathBuf {
    let folder = build(&["--package", "usbtoken-shim", "--features", "faults"], &target().join("faults"));
    folder.join(format!("{}usbtoken_shim{}", consts::DLL_PREFIX, consts::DLL_SUFFIX))
}

/// The target directory of the build that made this program.
pub fn target() -> PathBuf {
    let this = std::env::current_exe().expect("the path of this program");
    let folder = this.ancestors().find(|folder| folder.ends_with("debug") || folder.ends_with("release"));
    folder.and_then(Path::parent).expect("a test in Cargo's target directory").to_path_buf()
}

/// Whether that build was optimised: what is measured is no other then.
fn is_release() -> bool {
    let this = std::env::current_exe().expect("the path of this program");
    this.ancestors().any(|folder| folder.parent() == Some(&target()) && folder.ends_with("release"))
}

/// Whether everything that tests run was built before: `cargo xtask test` says so. What a package builds alone has other
/// features of its dependencies than what the workspace builds together, so each would build the other's anew.
pub fn is_all_built() -> bool {
    std::env::var_os("USBTOKEN_TESTS_BUILT").is_some()
}

/// Builds into this target directory and returns the folder with what was built.
fn build(what: &[&str], target: &Path) -> PathBuf {
    if is_all_built() {
        return target.join(if is_release() { "release" } else { "debug" });
    }
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    command.args(["build", "--quiet"]).args(what).arg("--target-dir").arg(target);
    let folder = if is_release() { "release" } else { "debug" };
    command.args(is_release().then_some("--release"));
    let status = command.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo can be started");
    assert!(status.success(), "`cargo build {}` failed", what.join(" "));
    target.join(folder)
}
