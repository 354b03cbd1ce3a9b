//! `usbtoken install`: the second half of a renewal, perhaps days later.

use usbtoken::error::{Fact, Result, Step};
use usbtoken::pki::Answer;

use super::settle;
use crate::args;
use crate::files;
use crate::job::Job;
use crate::output::Outcome;

/// Reads the answer before anybody is asked for a PIN: a wrong file should cost nothing.
pub fn run(job: &Job, args: &args::Install) -> Result<Outcome> {
    job.check_input(&args.file)?;
    let checks = settle::Checks::read(&args.checks)?;
    let answer = files::read(&args.file)?;
    Answer::parse(&answer)
        .map_err(|error| error.during(Step::ReadAnswer).fact(Fact::Path, args.file.display()))?;
    let token = job.token()?;
    let session = job.login(&token)?;
    let installed = settle::install(job, &session, &answer, &checks, args.reuse_key)?;
    Ok(settle::finish(job, &session, &installed, args.retire_old))
}
