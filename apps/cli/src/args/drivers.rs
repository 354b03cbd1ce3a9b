//! The options that say which drivers are asked, and where they run.

use clap::Args;
use std::path::PathBuf;
use usbtoken::driver::Confinement;

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

    /// Runs drivers in a process of their own, whose program this is, by absolute path. Without it: usbtoken-driver in
    /// the folder of this program.
    #[arg(long, value_name = "FILE", global = true, conflicts_with = "in_process")]
    pub driver_host: Option<PathBuf>,

    /// Runs drivers inside this program: one that hangs or crashes takes it along.
    #[arg(long, global = true)]
    pub in_process: bool,

    /// Confines drivers: beside the system's programs and settings and their own folder they read this file or folder, and
    /// what --driver-writes names, and nothing else; they start no program and reach no other computer. May be given several
    /// times. Linux 6.2 or later.
    #[arg(long, value_name = "PATH", global = true, conflicts_with = "in_process")]
    pub driver_reads: Vec<PathBuf>,

    /// Confines drivers as --driver-reads does: this file, folder or device they may change too, and through this socket
    /// they may ask a program of this computer, such as /run/pcscd/pcscd.comm. May be given several times.
    #[arg(long, value_name = "PATH", global = true, conflicts_with = "in_process")]
    pub driver_writes: Vec<PathBuf>,

    /// Ends a driver that takes longer than so many seconds for a call, unless that writes to the token or waits for a
    /// person at a PIN pad; without it 5 to 60 seconds, by what the call does. A driver that is searched for has so long to be
    /// started and to list its tokens, at least 10 seconds; with --in-process that is all.
    #[arg(long, value_name = "SECONDS", global = true,
        value_parser = clap::value_parser!(u16).range(1..))]
    pub driver_limit: Option<u16>,
}

impl Drivers {
    /// What drivers may reach, where that is said.
    pub fn confinement(&self) -> Option<Confinement> {
        let to = Confinement { reads: self.driver_reads.clone(), writes: self.driver_writes.clone() };
        (to != Confinement::default()).then_some(to)
    }
}
