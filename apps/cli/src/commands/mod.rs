//! The subcommands, one file each, and what they share.

mod abandon;
mod ask;
mod doctor;
mod install;
mod list;
mod pending;
mod preflight;
mod renew;
mod request;
mod resume;
mod retire;
mod select;
mod settle;
mod trace;
mod wait;

use usbtoken::Result;

use crate::args::Command;
use crate::job::Job;
use crate::output::Outcome;

/// The option that stands for a person's consent to a removal.
pub const YES: &str = "--yes";

/// Runs one subcommand.
pub fn run(job: &Job, command: &Command) -> Result<Outcome> {
    match command {
        Command::List => list::run(job),
        Command::Preflight(args) => preflight::run(job, args),
        Command::Renew(args) => renew::run(job, args),
        Command::Request(args) => request::run(job, args),
        Command::Install(args) => install::run(job, args),
        Command::Pending => pending::run(job),
        Command::Resume(args) => resume::run(job, args),
        Command::Abandon(args) => abandon::run(job, args),
        Command::Retire(args) => retire::run(job, args),
        Command::Wait(args) => wait::run(job, args),
        Command::Doctor(args) => doctor::run(job, args),
        Command::Trace(args) => trace::run(job, args),
    }
}
