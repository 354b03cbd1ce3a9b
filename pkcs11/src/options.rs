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
    /// What the driver may reach; everything that its user may, where this says nothing.
    pub confined: Option<Confinement>,
}

/// What a driver in a host may reach: the system's programs and settings and its own folder, which it reads, and what is named here.
/// It starts no program, and has no way to other computers.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Confinement {
    /// Files and folders that it may read.
    pub reads: Vec<PathBuf>,
    /// Files, folders and devices that it may read and change. A socket among them allows it to speak with programs of this
    /// computer, a device to hear of what is plugged in.
    pub writes: Vec<PathBuf>,
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
