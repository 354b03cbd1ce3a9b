//! The subcommands, one file each, in three groups, and the choice of the credential and the order that they share.

pub mod chosen;
mod from;
pub mod job;
pub mod nth;
pub mod orders;
pub mod select;
pub mod show;
pub mod support;

use usbtoken::Result;

use crate::args::Command;
use crate::output::Outcome;
use crate::run::Run;

/// Runs one subcommand.
pub fn run(run: &Run, command: &Command) -> Result<Outcome> {
    match command {
        Command::List(args) => show::list::run(run, args),
        Command::Preflight(args) => show::preflight::run(run, args),
        Command::Renew(args) => job::renew::run(run, args),
        Command::Request(args) => job::request::run(run, args),
        Command::Install(args) => job::install::run(run, args),
        Command::Pending(args) => show::pending::run(run, args),
        Command::Resume(args) => job::resume::run(run, args),
        Command::Abandon(args) => job::abandon::run(run, args),
        Command::Retire(args) => job::retire::run(run, args),
        Command::Confirm(args) => job::confirm::run(run, args),
        Command::Wait(args) => show::wait::run(run, args),
        Command::Doctor(args) => support::doctor::run(run, args),
        Command::Pin(args) => support::pin::run(run, args),
        Command::Profile(args) => support::profile::run(run, args),
        Command::Trace(args) => support::trace::run(run, args),
    }
}
