//! The command `usbtoken`: list, renew, request, install, and what else a customer or their support needs.

mod args;
mod commands;
mod files;
mod issuer;
mod job;
mod output;
mod pin;
mod progress;
mod view;

use std::process::ExitCode;

use clap::Parser as _;
use usbtoken::error::Family;

use crate::args::Cli;
use crate::job::Job;

fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    let job = Job::new(global);
    let (lang, as_json) = (job.lang, job.global.json);
    let done = commands::run(&job, &command).and_then(|outcome| outcome.print(as_json).map(|()| outcome));
    match done {
        Ok(outcome) => {
            if let Some(error) = &outcome.afterwards {
                output::print_error(error, lang, as_json);
            }
            outcome.exit.map_or(ExitCode::SUCCESS, exit_code)
        }
        Err(error) => {
            output::print_error(&error, lang, as_json);
            exit_code(error.code().family())
        }
    }
}

fn exit_code(family: Family) -> ExitCode {
    ExitCode::from(family as u8)
}
