//! Where a process has no such surroundings, or they cannot be put back.

use std::ffi::OsString;
use std::io;

/// Nothing is kept.
pub fn keep() {}

/// Nothing is put back.
pub fn restore() {}

/// Does the work.
///
/// # Errors
/// Those of the work.
pub fn on_stdout<R>(work: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
    work()
}

/// A variable of the environment.
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// What a driver has changed is not known.
pub fn changed_variables() -> Vec<(OsString, Option<OsString>)> {
    Vec::new()
}
