//! `usbtoken doctor`: what is plugged in, installed and on the tokens, and what is wrong.

use usbtoken::error::Step;
use usbtoken::{Code, Finder, Result, doctor};

use crate::args;
use crate::files;
use crate::kept::Keeper;
use crate::output::Outcome;
use crate::run::Run;

/// Examines and reports. It has no PIN and wants none.
pub fn run(run: &Run, args: &args::Doctor) -> Result<Outcome> {
    if let Some(file) = &args.bundle {
        files::check_writable(file, args.overwrite)?;
    }
    run.progress.step(Step::FindDrivers);
    let banks = match run.bank() {
        Some(bank) => vec![(bank.id.clone(), Ok(bank.clone()))],
        None => run.installed().all()?,
    };
    // Where the bank's drivers are missing, what is there is examined all the same.
    let finder = match run.finder() {
        Err(error) if error.code() == Code::DriverMissing => run.hosted(Finder::new()),
        finder => finder?,
    };
    let call = Keeper::of_user().remembering(run.call().at(run.now()));
    let diagnosis = doctor::examine_by(&finder, &run.uri()?, &call)?.with_banks(banks);
    if let Some(file) = &args.bundle {
        files::write(file, diagnosis.bundle(run.lang).as_bytes(), args.overwrite)?;
    }
    Ok(Outcome::new(diagnosis.page(run.lang), run.for_programs(|| diagnosis.to_json(run.lang))))
}
