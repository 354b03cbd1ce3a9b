//! `cargo xtask sanitize`: the C tests on a library whose Rust code has AddressSanitizer.

use std::process::Command;

use crate::work::{self, Done};

/// The test programs that call the library from C. What runs under valgrind is left out: the two do not go together.
const TESTS: &[&str] = &["discovery", "enroll", "fuzz", "hosts", "pin", "whole"];

/// Builds the library and runs the tests.
///
/// # Errors
/// When the build or a test fails.
pub fn run() -> Done {
    let host = host()?;
    let target = work::root().join("target/sanitized");
    let mut build = work::cargo();
    build.args(["build", "--quiet", "--package", "usbtoken-ffi", "--lib", "--target", &host]);
    // The flag is for nightly compilers. The variable lets every compiler take it, so that the one that is here will do:
    // the sanitizer's runtime is that of the C compiler, which builds the programs.
    build.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Zsanitizer=address");
    work::run(build.arg("--target-dir").arg(&target))?;

    let mut test = work::cargo();
    test.args(["test", "--package", "usbtoken-ffi"]);
    TESTS.iter().for_each(|name| {
        test.args(["--test", name]);
    });
    test.env("USBTOKEN_SANITIZED_LIBRARY", target.join(&host).join("debug"));
    work::run(test.args(["--", "--skip", "valgrind"]))
}

/// The target that the compiler builds for by itself. Named explicitly, it keeps the flags away from build scripts.
fn host() -> Done<String> {
    let said = work::output(Command::new("rustc").arg("-vV"))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or("`rustc -vV` does not tell the host".to_owned())
}
