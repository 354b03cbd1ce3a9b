//! The options that say which drivers are asked, and where they run.

use clap::Args;
use std::path::PathBuf;

/// Which drivers, and where they run.
#[derive(Args, Clone, Debug)]
pub struct Drivers {
    /// The driver (PKCS#11 module), by absolute path; may be given several times. Without it: the one that
    /// USBTOKEN_MODULE names, else every driver that is known on this computer.
    #[arg(long, value_name = "PATH", global = true)]
    pub module: Vec<PathBuf>,

    /// Loads the driver even when it is not certain that no other user of this computer can replace its file.
    #[arg(long, global = true)]
    pub trust_driver: bool,

    /// Runs drivers in a process of their own, whose program (usbtoken-driver) this is.
    #[arg(long, value_name = "FILE", global = true)]
    pub driver_host: Option<PathBuf>,
}
