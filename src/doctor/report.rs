//! The parts of a diagnosis.

use super::presence::DeviceState;
use crate::discovery::candidates::Origin;
use crate::discovery::devices::Device;
use crate::driver::{ModuleInfo, TokenInfo};
use crate::error::Error;
use crate::pki::KeyKind;
use crate::renewal::{Renewable, Successor, Unreadable};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The computer and this program on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// The operating system, as Rust names it.
    pub os: &'static str,
    /// The system's own name for itself, where it has a file that tells.
    pub system: Option<String>,
    /// The processor that this program is built for.
    pub processor: &'static str,
    /// The bitness of this program, which is the one that drivers must have.
    pub bits: u32,
}

/// A driver that was found.
#[derive(Debug)]
pub struct DriverReport {
    /// Its path, as it was named.
    pub path: PathBuf,
    /// Who named it.
    pub origin: Origin,
    /// What it says of itself, or why it cannot be used.
    pub outcome: Result<DriverWorks, Arc<Error>>,
}

/// A driver that works.
#[derive(Clone, Debug)]
pub struct DriverWorks {
    /// Manufacturer, description, versions; none if it does not tell.
    pub info: Option<ModuleInfo>,
    /// How long it took to check, load and initialise it.
    pub took: Duration,
    /// The number of its slots.
    pub slots: usize,
    /// The number of tokens in them, blank ones too.
    pub tokens: usize,
}

/// A device that is, or may be, a token.
#[derive(Clone, Debug)]
pub struct DeviceReport {
    /// The device.
    pub device: Device,
    /// Its name for people.
    pub name: String,
    /// The stable names of the families that it may belong to.
    pub families: Vec<String>,
    /// What is to be said about it.
    pub state: DeviceState,
}

/// A token, as it shows itself without login.
#[derive(Debug)]
pub struct TokenReport {
    /// The driver through which it was seen.
    pub driver: PathBuf,
    /// Label, serial number, state of the PIN, memory and so on.
    pub info: TokenInfo,
    /// The name of its quirk profile.
    pub profile: String,
    /// The mechanisms that a renewal may use; none if the token does not list any.
    pub mechanisms: Option<Vec<&'static str>>,
    /// The kinds of key, and whether the token makes them and signs with them.
    pub kinds: Vec<KindReport>,
    /// Whether one more key pair and certificate fit.
    pub free_space: FreeSpace,
    /// The certificates.
    pub credentials: Vec<CredentialReport>,
    /// The certificate objects that cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// A kind of key on a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindReport {
    /// The kind.
    pub kind: KeyKind,
    /// Whether the token supports it; none if it does not tell.
    pub supported: Option<bool>,
}

/// Whether one more key pair and certificate fit on a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreeSpace {
    /// They do, as far as the token tells.
    Fits,
    /// They may not.
    MayNotFit,
    /// The token does not tell.
    NotTold,
}

/// A certificate on a token, as it shows itself without login.
#[derive(Clone, Debug)]
pub struct CredentialReport {
    /// The subject.
    pub subject: String,
    /// The common name in it.
    pub common_name: Option<String>,
    /// The serial number, in hexadecimal.
    pub serial: String,
    /// CKA_ID, in hexadecimal.
    pub id: String,
    /// The kind of key.
    pub key: String,
    /// The end of validity.
    pub not_after: SystemTime,
    /// The days until then, by calendar date in Japan; none for a certificate without an end.
    pub days_left: Option<i64>,
    /// Whether it can be renewed now.
    pub renewable: Renewable,
    /// The date in Japan from which it can be renewed, `YYYY-MM-DD`; none for a certificate without an end.
    pub renewable_from: Option<String>,
    /// The one that seems to take its place.
    pub successor: Option<Successor>,
    /// Whether a renewal of it seems to wait for its certificate.
    pub has_pending_renewal: bool,
}

impl Platform {
    /// This one.
    pub(crate) fn current() -> Self {
        Platform {
            os: std::env::consts::OS,
            system: system(),
            processor: std::env::consts::ARCH,
            bits: usize::BITS,
        }
    }
}

/// PRETTY_NAME of os-release(5).
fn system() -> Option<String> {
    let text = std::fs::read_to_string("/etc/os-release").ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim_matches('"').to_owned())
}

/// A bank's profile on this computer, and what is there of it.
#[derive(Clone, Debug)]
pub struct BankReport {
    /// The name under which it is installed.
    pub id: String,
    /// What is there; or why the profile cannot be used.
    pub outcome: Result<BankPresence, Arc<Error>>,
}

/// What is there of a bank.
#[derive(Clone, Debug)]
pub struct BankPresence {
    /// The bank's tokens, by label and serial number.
    pub tokens: Vec<String>,
    /// What is plugged in that has the USB numbers of a token of the bank's: a hint, no proof.
    pub devices: Vec<String>,
    /// The drivers that the profile names for this machine, and whether each file is there.
    pub drivers: Vec<(PathBuf, bool)>,
    /// The trust anchors: subject and end.
    pub anchors: Vec<(String, SystemTime)>,
}
