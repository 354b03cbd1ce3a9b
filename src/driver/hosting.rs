//! Where a driver runs: in this process, or in a driver host (`usbtoken-driver`), a process of its own.

use super::file::{Trust, trust};
use crate::error::{Code, Error, Fact, Result, Step};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use usbtoken_pkcs11::{Deadlines, HostOptions};

/// How a driver is loaded: who may own its file, and where it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Loading {
    pub(crate) trust: Trust,
    pub(crate) hosting: Hosting,
    pub(crate) deadlines: Deadlines,
    /// Variables of the environment that a host is not given.
    pub(crate) without: Vec<OsString>,
}

/// Where a driver runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Hosting {
    #[default]
    InProcess,
    /// In a host, whose program is this one.
    Program(PathBuf),
}

impl Loading {
    /// How the host is started; `None` where the driver runs in this process.
    ///
    /// # Errors
    /// [`Code::DriverHostUnusable`] when the program is not there, or others could replace it; on systems for which there is
    /// none yet.
    pub(crate) fn host(&self) -> Result<Option<HostOptions>> {
        let Hosting::Program(program) = &self.hosting else { return Ok(None) };
        let program = checked(program, self.trust)?;
        Ok(Some(HostOptions { program, deadlines: self.deadlines, without: self.without.clone() }))
    }
}

/// The program that would be started, which is given the PIN: it is as hard to replace as a driver has to be.
fn checked(program: &Path, trusted: Trust) -> Result<PathBuf> {
    let fail =
        || Error::new(Code::DriverHostUnusable).during(Step::LoadDriver).fact(Fact::Path, program.display());
    let unreadable = |error: io::Error| fail().fact(Fact::Detail, &error).caused_by(error);
    if !cfg!(target_os = "linux") {
        return Err(unreadable(io::ErrorKind::Unsupported.into()));
    }
    if !program.is_absolute() {
        return Err(fail().fact(Fact::Expected, "/…"));
    }
    let real = program.canonicalize().map_err(unreadable)?;
    if !real.metadata().map_err(unreadable)?.is_file() {
        return Err(unreadable(io::ErrorKind::NotFound.into()));
    }
    if trusted == Trust::Owners
        && let Some(weak) = trust::weakness(&real).map_err(unreadable)?
    {
        let found = format!("{}: {}", weak.path.display(), weak.found);
        return Err(fail().fact(Fact::Found, found).fact(Fact::Expected, weak.expected));
    }
    Ok(real)
}
