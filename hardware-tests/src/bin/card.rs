//! A card in software in a reader of the vsmartcard project, for `hardware-tests/tokens/opensc.sh`.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use usbtoken_hardware_tests::card::{Card, serve};

/// Puts an empty card into a reader: it answers as a SmartCard-HSM does, as far as OpenSC asks
#[derive(Parser)]
struct Arguments {
    /// The port on this computer at which vpcd waits for its card
    #[arg(long)]
    port: u16,
    /// A file whose first line is the user PIN
    #[arg(long)]
    pin_file: PathBuf,
    /// The serial number
    #[arg(long, default_value = "USBTOKEN001")]
    serial: String,
    /// One line for each APDU is appended to this file
    #[arg(long)]
    trace: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let pin = std::fs::read_to_string(&arguments.pin_file)?;
    let mut trace = OpenOptions::new().create(true).append(true).open(&arguments.trace)?;
    let mut card = Card::new(pin.lines().next().unwrap_or_default(), &arguments.serial);
    serve(&mut card, arguments.port, &mut trace)?;
    Ok(())
}
