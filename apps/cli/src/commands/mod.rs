//! The subcommands, one file each, and what they share.

mod abandon;
mod ask;
mod chosen;
mod doctor;
mod install;
mod install_response;
mod list;
mod pending;
mod preflight;
mod profile;
mod renew;
mod request;
mod resume;
mod retire;
mod select;
mod trace;
mod wait;

use usbtoken::Result;

use crate::args::Command;
use crate::output::Outcome;
use crate::run::Run;

/// Runs one subcommand.
pub fn run(run: &Run, command: &Command) -> Result<Outcome> {
    match command {
        Command::List => list::run(run),
        Command::Preflight(args) => preflight::run(run, args),
        Command::Renew(args) => renew::run(run, args),
        Command::Request(args) => request::run(run, args),
        Command::Install(args) => install::run(run, args),
        Command::Pending => pending::run(run),
        Command::Resume(args) => resume::run(run, args),
        Command::Abandon(args) => abandon::run(run, args),
        Command::Retire(args) => retire::run(run, args),
        Command::Wait(args) => wait::run(run, args),
        Command::Doctor(args) => doctor::run(run, args),
        Command::Profile(args) => profile::run(run, args),
        Command::Trace(args) => trace::run(run, args),
    }
}
