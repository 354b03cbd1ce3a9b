//! `usbtoken trace`: what the driver shim recorded.

use serde_json::{Value, json};
use usbtoken::error::Fact;
use usbtoken::{Code, Error, Result};
use usbtoken_shim::trace::{self, Summary};

use crate::args;
use crate::output::Outcome;
use crate::run::Run;

/// Counts calls, logins and time per function.
pub fn run(run: &Run, args: &args::Trace) -> Result<Outcome> {
    let args::Trace::Summary { file } = args;
    // A trace may be long; it is read whole, as it was written by ourselves.
    let bytes = std::fs::read(file).map_err(|error| {
        Error::new(Code::FileUnreadable)
            .fact(Fact::Path, file.display())
            .fact(Fact::Detail, &error)
            .caused_by(error)
    })?;
    let summary = trace::Trace::parse(&String::from_utf8_lossy(&bytes)).summary();
    let json = run.for_programs(|| summary_json(&summary));
    Ok(Outcome::new(summary.to_string().trim_end(), json))
}

fn summary_json(summary: &Summary) -> Value {
    let functions: Vec<Value> = summary
        .functions
        .iter()
        .map(|one| {
            json!({
                "function": one.function,
                "calls": one.calls,
                "microseconds": one.us,
                "longest_microseconds": one.longest_us,
                "failures": one.failures,
            })
        })
        .collect();
    json!({
        "processes": summary.processes,
        "calls": summary.calls,
        "logins": summary.logins,
        "failed_logins": summary.failed_logins,
        "microseconds": summary.us,
        "faults": summary.faults,
        "unreadable_lines": summary.unreadable,
        "functions": functions,
    })
}
