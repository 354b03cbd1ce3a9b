//! The command `usbtoken`: list, renew, request, install, and what else a customer or their support needs.

mod args;
mod commands;
mod files;
mod issuer;
mod journal;
mod kept;
mod login;
mod next_command;
mod output;
mod pin;
mod process;
mod reference;
mod run;
mod words;

use std::process::ExitCode;

use usbtoken::Error;
use usbtoken::error::Family;

use crate::args::{Cli, Command, Global};
use crate::output::Outcome;
use crate::process::surroundings;
use crate::run::Run;

fn main() -> ExitCode {
    let Cli { global, mut command } = args::parse();
    words::name_bank(next_command::bank_options(&global));
    let hidden = hide_pin(&global, &command);
    surroundings::keep();
    let mut run = Run::new(global);
    let known = hidden.and_then(|()| run.choose_bank(&mut command));
    run.may_log_in = command.may_log_in();
    let known = known.and_then(|()| commands::nth::choose(&mut run, &mut command));
    match known.and_then(|()| commands::run(&run, &command)) {
        Ok(outcome) => exit_code(tell(&run, outcome)),
        Err(error) => exit_code(Some(fail(&run, &run.name_orders(error, &command)))),
    }
}

/// Where another program will be started, the PIN leaves this one's environment first.
#[cfg_attr(not(unix), allow(unused_variables, reason = "there a process reads no other's environment"))]
fn hide_pin(global: &Global, command: &Command) -> Result<(), Error> {
    #[cfg(unix)]
    if global.pin_env.is_some() {
        // It is in the memory of this process already.
        pin::guard::begin();
    }
    #[cfg(unix)]
    if let (Some(variable), true) = (&global.pin_env, command.starts_programs()) {
        return pin::hidden::hide(variable);
    }
    Ok(())
}

/// Prints the result. What was done on the token is said even when standard output takes nothing.
fn tell(run: &Run, mut outcome: Outcome) -> Option<Family> {
    let (lang, as_json) = (run.lang, run.global.json);
    surroundings::restore();
    outcome.remark(run.remarks());
    let printed = outcome.print(as_json);
    if let Err(error) = &printed {
        outcome.print_unprinted(error, lang, run.bank(), as_json);
    }
    if let Some(error) = &outcome.afterwards {
        output::print_afterwards(error, lang, run.bank(), as_json);
    }
    printed.err().map(|error| error.code().family()).or(outcome.exit)
}

fn fail(run: &Run, error: &Error) -> Family {
    surroundings::restore();
    output::print_error(error, run.lang, run.bank(), run.global.json);
    error.code().family()
}

fn exit_code(family: Option<Family>) -> ExitCode {
    family.map_or(ExitCode::SUCCESS, |family| ExitCode::from(family as u8))
}
