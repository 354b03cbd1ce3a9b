//! The example of a bank's profile, for a throw-away token and a CA of the tests.

use std::path::Path;

use crate::softhsm_module;

/// The profile of the bank of the manual, as `examples/banks/manual-bank.toml` has it.
pub const MANUAL_BANK: &str = include_str!("../../../examples/banks/manual-bank.toml");

/// The same with the driver of this machine and, in place of its anchors, those in this file (PEM).
pub fn manual_bank(anchors: &Path) -> String {
    let (before, rest) = MANUAL_BANK.split_once("anchors = [").expect("the example has anchors");
    let (_, after) = rest.split_once("\n]\n").expect("the list of anchors ends");
    let anchor = std::fs::read_to_string(anchors).expect("the anchor can be read");
    let text = format!("{before}anchors = ['''\n{anchor}''']\n{after}");
    let driver = format!("path = {:?}", softhsm_module());
    text.replacen("path = \"/usr/lib/softhsm/libsofthsm2.so\"", &driver, 1)
}
