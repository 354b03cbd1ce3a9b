//! The recorder: one line of JSON a call, one write(2) a line.
//!
//! The file is opened for appending and written without a buffer, so a process that is killed has lost at most the
//! line it was about to write, and several processes can share one trace.

use super::describe::{Describe, Fields, Seen};
use super::file::TraceFile;
use super::objects::Certificates;
use crate::call::Call;
use crate::config::{Config, Public};
use crate::host::stderr;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use std::cell::Cell;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use usbtoken_pkcs11::names;
use usbtoken_pkcs11::types::CK_RV;

/// Writes the trace.
pub(crate) struct Recorder {
    file: TraceFile,
    public: Public,
    certificates: Certificates,
    seen: Seen,
    complained: AtomicBool,
}

/// The first line of a process.
#[derive(Serialize)]
struct StartLine<'a> {
    t: String,
    pid: u32,
    shim: &'a str,
    driver: &'a Path,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    faults: &'a [String],
}

/// The line of a call.
#[derive(Serialize)]
struct CallLine<'a> {
    t: String,
    pid: u32,
    thread: u64,
    n: u64,
    #[serde(rename = "fn")]
    function: &'a str,
    #[serde(serialize_with = "in_order")]
    args: &'a Fields,
    rv: String,
    us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'a str>,
}

fn in_order<S: Serializer>(fields: &&Fields, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(fields.len()))?;
    for (name, value) in *fields {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

impl Recorder {
    /// Opens the trace, if one is configured, and writes the line that says who writes. `faults` are those in force, fit
    /// to be shown.
    ///
    /// # Errors
    /// One line when the file cannot be appended to, or is none that a trace may go to.
    pub(crate) fn open(config: &Config, faults: &[String]) -> Result<Option<Self>, String> {
        let Some(path) = &config.trace else { return Ok(None) };
        let recorder = Self {
            file: TraceFile::open(path)
                .map_err(|problem| format!("the trace {}: {problem}", path.display()))?,
            public: config.public,
            certificates: Certificates::default(),
            seen: Seen::default(),
            complained: AtomicBool::new(false),
        };
        recorder.write_line(&StartLine {
            t: now(),
            pid: std::process::id(),
            shim: env!("CARGO_PKG_VERSION"),
            driver: &config.driver,
            faults,
        });
        Ok(Some(recorder))
    }

    /// Records a call that has returned.
    pub(crate) fn write(&self, call: &Call, rv: CK_RV, took: Duration, fault: Option<&str>) {
        let certificate = self.certificates.note(call, rv);
        let described = Describe { call, rv, public: self.public, certificate, seen: &self.seen };
        self.write_line(&CallLine {
            t: now(),
            pid: std::process::id(),
            thread: thread(),
            n: call.ordinal.call,
            function: call.function.name(),
            args: &described.fields(),
            rv: names::name_or_hex(names::return_value(rv), rv),
            us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            fault,
        });
    }

    fn write_line(&self, line: &impl Serialize) {
        let written = serde_json::to_vec(line).map_err(std::io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            self.file.append(line)
        });
        if let Err(error) = written
            && !self.complained.swap(true, Ordering::Relaxed)
        {
            stderr(&format!("the trace is incomplete from here on: {error}"));
        }
    }
}

/// The time of day in UTC, to the microsecond.
fn now() -> String {
    format!("{:.6}", jiff::Timestamp::now())
}

/// This thread's number: 1 for the first that called, and so on. Unlike the system's, it is the same in every run.
fn thread() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local!(static THIS: Cell<u64> = const { Cell::new(0) });
    THIS.with(|this| {
        if this.get() == 0 {
            this.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        this.get()
    })
}
