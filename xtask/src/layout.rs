//! `cargo xtask layout`: the C types of PKCS#11 and what stands on them, compiled for processors and systems that this
//! machine need not have. The types check their own layout while they are compiled.

use std::process::Command;

use crate::work::{self, Done};

/// Both lengths of CK_ULONG and of pointers, with and without packing.
const TARGETS: &[&str] =
    &["x86_64-unknown-linux-gnu", "i686-unknown-linux-gnu", "x86_64-pc-windows-gnu", "i686-pc-windows-gnu"];

/// Checks every target, and adds those that the compiler lacks.
///
/// # Errors
/// When a target cannot be added, or a type does not lie there as PKCS#11 says.
pub fn run() -> Done {
    work::run(Command::new("rustup").args(["target", "add"]).args(TARGETS).current_dir(work::root()))?;
    for target in TARGETS {
        println!("== {target}");
        let crates = ["--package", "usbtoken-pkcs11", "--package", "usbtoken-shim"];
        work::run(work::cargo().args(["check", "--quiet", "--target", target]).args(crates))?;
    }
    Ok(())
}
