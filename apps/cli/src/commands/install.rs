//! `usbtoken install`: the second half of a renewal, perhaps days later.

use usbtoken::error::{Fact, Step};
use usbtoken::{Code, Error, Response, Result};

use super::ask::{Received, described};
use super::settle;
use crate::args;
use crate::files;
use crate::job::Job;
use crate::kept::{self, Keeper, Kept};
use crate::output::Outcome;

/// Reads the answer before anybody is asked for a PIN: a wrong file should cost nothing.
pub fn run(job: &Job, args: &args::Install) -> Result<Outcome> {
    job.check_input(&args.file)?;
    let from_stdin = files::is_standard(&args.file);
    if args.save_answer.is_some() && !from_stdin {
        let detail = "--save-answer goes with an answer from standard input (-)";
        return Err(Error::new(Code::BadArgument).fact(Fact::Detail, detail));
    }
    let checks = settle::Checks::read(&args.checks, args.subject.rule())?;
    // What comes on standard input cannot be read twice.
    let keeper = if from_stdin { Keeper::prepare(args.save_answer.as_deref())? } else { Keeper::of_user() };
    let answer = kept::read_shown(files::read(&args.file)?);
    let kept = from_stdin.then(|| keeper.answer(None, &answer));
    let name = |error: Error| match &kept {
        Some(kept) => kept.name(error, job.lang),
        None => error,
    };
    Response::parse(&answer).map_err(|error| {
        let error = error.during(Step::ReadAnswer).fact(Fact::Path, args.file.display());
        name(described(error, &answer))
    })?;
    let installed = job.token().and_then(|token| job.login(&token)).map_err(&name).and_then(|session| {
        let installed = settle::install(job, &session, &answer, &checks, args.reuse_key);
        let file = kept.as_ref().map_or(Some(args.file.as_path()), Kept::file);
        let received = Received { answer: &answer, file, keeper: &keeper };
        let explain = |error| received.explain(error, job, &session, &checks, args.retire_old);
        installed.map_err(|error| name(explain(error))).map(|installed| (session, installed))
    });
    let (session, installed) = installed?;
    Ok(settle::finish(
        job,
        &session,
        &installed,
        (&keeper, kept.as_ref()),
        args.retire_old.then_some(&checks),
    ))
}
