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
    run.new_pin_env = command.new_pin_env().map(str::to_owned);
    let known = known.and_then(|()| commands::nth::choose(&mut run, &mut command));
    match known.and_then(|()| commands::run(&run, &command)) {
        Ok(outcome) => exit_code(tell(&run, outcome)),
        Err(error) => exit_code(Some(fail(&run, &run.name_orders(error, &command)))),
    }
}

/// The PINs leave this process's environment before a driver runs in it, or another program is started.
#[cfg_attr(not(unix), allow(unused_variables, reason = "there a process reads no other's environment"))]
fn hide_pin(global: &Global, command: &Command) -> Result<(), Error> {
    #[cfg(unix)]
    {
        use pin::hidden::{DESCRIPTOR, NEW_DESCRIPTOR, hide};
        let (pin, new) = (global.pin_env.as_deref(), command.new_pin_env());
        let variables = [(pin, DESCRIPTOR), (new, NEW_DESCRIPTOR)];
        let variables: Vec<_> =
            variables.into_iter().filter_map(|(variable, named_by)| Some((variable?, named_by))).collect();
        if !variables.is_empty() {
            // They are in the memory of this process already.
            pin::guard::begin();
        }
        let hidden = hide(&variables, command.may_log_in());
        // Where the system lets nobody start a program, a driver runs all the same; a program of ours does not.
        if command.starts_programs() {
            return hidden;
        }
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
