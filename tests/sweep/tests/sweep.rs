//! The fault sweep: a representative slice. The whole is `cargo xtask sweep`; see `docs/testing.md`.

use std::path::Path;

use usbtoken_sweep::{Extent, Sweep};

/// Every scene, every call, one kind of fault in turns, and the cases that once found a defect.
#[test]
fn every_call_may_fail() {
    let report = Sweep::new(Path::new(env!("CARGO_BIN_EXE_sweep"))).run(Extent::Slice, &[], 2);
    println!("{report}");
    let failed: Vec<&str> = report.failed().iter().map(|(case, _)| case.as_str()).collect();
    assert!(failed.is_empty(), "what was found stands above; the cases: {}", failed.join(" "));
    assert!(report.runs() > 400, "the slice is too thin: {report}");
}
