//! The command `usbtoken`: list, renew, request, install, and what else a customer or their support needs.

mod args;
mod commands;
mod files;
mod go_on;
mod issuer;
mod job;
mod kept;
mod login;
mod output;
mod pin;
mod progress;
mod stdout;
mod view;
mod words;

use std::process::ExitCode;

use clap::Parser as _;
use usbtoken::Error;
use usbtoken::error::Family;

use crate::args::{Cli, Command, Global};
use crate::job::Job;
use crate::output::Outcome;

fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    let hidden = hide_pin(&global, &command);
    let job = Job::new(global);
    match hidden.and_then(|()| commands::run(&job, &command)) {
        Ok(outcome) => exit_code(tell(&job, outcome)),
        Err(error) => exit_code(Some(fail(&job, &error))),
    }
}

/// Where another program will be started, the PIN leaves this one's environment first.
#[cfg_attr(not(unix), allow(unused_variables, reason = "there a process reads no other's environment"))]
fn hide_pin(global: &Global, command: &Command) -> Result<(), Error> {
    #[cfg(unix)]
    if let (Some(variable), true) = (&global.pin_env, command.starts_programs()) {
        return pin::hidden::hide(variable);
    }
    Ok(())
}

/// Prints the result. What was done on the token is said even when standard output takes nothing.
fn tell(job: &Job, mut outcome: Outcome) -> Option<Family> {
    let (lang, as_json) = (job.lang, job.global.json);
    let printed = outcome.print(as_json);
    if let Err(error) = &printed {
        outcome.print_unprinted(error, lang, as_json);
    }
    if let Some(error) = &outcome.afterwards {
        output::print_afterwards(error, lang, as_json);
    }
    printed.err().map(|error| error.code().family()).or(outcome.exit)
}

fn fail(job: &Job, error: &Error) -> Family {
    output::print_error(error, job.lang, job.global.json);
    error.code().family()
}

fn exit_code(family: Option<Family>) -> ExitCode {
    family.map_or(ExitCode::SUCCESS, |family| ExitCode::from(family as u8))
}
