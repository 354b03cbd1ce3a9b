//! `cargo xtask sweep`: the whole fault sweep, or one case of it.

use crate::setup;
use crate::work::{self, Done};

/// Runs the program `sweep` with these words; `--help` shows them.
pub fn run(words: &[String]) -> Done {
    setup::ensure(setup::DEMO)?;
    let program = ["run", "--quiet", "--package", "usbtoken-sweep", "--bin", "sweep", "--"];
    work::run(work::cargo().args(program).args(words))
}
