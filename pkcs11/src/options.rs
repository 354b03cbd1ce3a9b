//! How a driver host is started, and how long it is waited for.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// How a driver's host is started.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostOptions {
    /// The program `usbtoken-driver`, by its absolute path.
    pub program: PathBuf,
    /// How long the driver may take for a call.
    pub deadlines: Deadlines,
    /// Variables of the environment that the host is not given: a PIN may be in one.
    pub without: Vec<OsString>,
}

/// How long a driver in a host may take for a call. Past that its host is ended, but in the middle of a call that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadlines {
    /// To load, and for C_Initialize.
    pub initialize: Duration,
    /// For a call that only reads.
    pub read: Duration,
    /// For C_Login with a PIN, and to sign. A PIN pad has as long as the person needs.
    pub sign: Duration,
    /// For a call that writes an object, until the caller is told that it still works.
    pub write: Duration,
    /// For C_GenerateKeyPair, until the caller is told that it still works.
    pub generate: Duration,
    /// For C_Finalize.
    pub finalize: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Deadlines {
            initialize: Duration::from_secs(30),
            read: Duration::from_secs(10),
            sign: Duration::from_secs(60),
            write: Duration::from_secs(60),
            generate: Duration::from_secs(180),
            finalize: Duration::from_secs(5),
        }
    }
}
