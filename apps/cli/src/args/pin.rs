//! `usbtoken pin`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What is done with the PIN.
#[derive(Debug, Subcommand)]
pub enum Pin {
    /// Changes the PIN. The present one is tried once; a wrong one may cost a try.
    ///
    /// The present PIN comes from --pin-file or --pin-env, else it is asked for; the new one from --new-pin-file or
    /// --new-pin-env, else it is asked for twice. Where the token has keys of its own for PINs, all are entered there.
    Change(PinChange),
}

/// `usbtoken pin change`.
#[derive(Args, Clone, Debug, Default)]
pub struct PinChange {
    /// Reads the new PIN from this file, or from standard input for `-`.
    #[arg(long, value_name = "FILE", conflicts_with = "new_pin_env")]
    pub new_pin_file: Option<PathBuf>,

    /// Reads the new PIN from this environment variable.
    #[arg(long, value_name = "NAME")]
    pub new_pin_env: Option<String>,
}
