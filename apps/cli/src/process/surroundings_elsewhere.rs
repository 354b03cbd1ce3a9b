//! Where a process has no such surroundings, or they cannot be put back.

use std::ffi::OsString;
use std::io::{self, Write};

/// Nothing is kept.
pub fn keep() {}

/// Nothing is put back.
pub fn restore() {}

/// Does the work.
///
/// # Errors
/// Those of the work.
pub fn on_stdout<R>(work: impl FnOnce(&mut dyn Write) -> io::Result<R>) -> io::Result<R> {
    work(&mut io::stdout().lock())
}

/// Says this on standard error.
pub fn say(text: &str) {
    // There is no place left to complain when it is closed.
    let _ = writeln!(io::stderr(), "{text}");
}

/// A variable of the environment.
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// What a driver has changed is not known.
pub fn changed_variables() -> Vec<(OsString, Option<OsString>)> {
    Vec::new()
}
