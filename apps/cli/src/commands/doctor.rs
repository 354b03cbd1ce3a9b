//! `usbtoken doctor`: what is plugged in, installed and on the tokens, and what is wrong.

use usbtoken::error::Step;
use usbtoken::{Result, doctor};

use crate::args;
use crate::files;
use crate::job::Job;
use crate::output::Outcome;

/// Looks and tells. It has no PIN and wants none.
pub fn run(job: &Job, args: &args::Doctor) -> Result<Outcome> {
    if let Some(file) = &args.bundle {
        files::check_writable(file, args.overwrite)?;
    }
    job.progress.step(Step::FindDrivers);
    let diagnosis = doctor::examine(&job.finder(), job.now())?;
    if let Some(file) = &args.bundle {
        files::write(file, diagnosis.bundle(job.lang).as_bytes(), args.overwrite)?;
    }
    Ok(Outcome::new(diagnosis.page(job.lang), diagnosis.to_json(job.lang)))
}
