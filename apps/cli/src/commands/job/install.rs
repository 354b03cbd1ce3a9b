//! `usbtoken install`: the second half of a renewal, perhaps days later.

use base16ct::lower::encode_string as hex;
use usbtoken::bank::KeyRule;
use usbtoken::error::Fact;
use usbtoken::places::OldCertificate;
use usbtoken::{Code, Error, Install, Result, Session};

use super::install_response::{self, Job};
use super::received::{Received, described};
use crate::args;
use crate::commands::from;
use crate::files;
use crate::journal::JournalEntry;
use crate::kept::{self, Keeper, Kept};
use crate::output::Outcome;
use crate::run::Run;

/// Reads the answer before anyone is asked for a PIN: a wrong file should cost nothing.
pub fn run(run: &Run, args: &args::Install) -> Result<Outcome> {
    run.check_input(&args.file)?;
    let from_stdin = files::is_standard(&args.file);
    if args.save_answer.is_some() && !from_stdin {
        let detail = "--save-answer goes with an answer from standard input (-)";
        return Err(Error::new(Code::BadArgument).fact(Fact::Detail, detail));
    }
    let key = args.reuse_key.then_some(KeyRule::OldAgain);
    let checks =
        install_response::Checks::read(run, &args.checks, args.subject.subject, key, args.retire_old)?;
    let elsewhere = from::again(run, &args.old)?;
    // What comes on standard input cannot be read twice.
    let keeper = if from_stdin { Keeper::prepare(args.save_answer.as_deref())? } else { Keeper::of_user() };
    let answer = kept::read_shown(files::read(&args.file)?);
    let kept = from_stdin.then(|| keeper.answer(None, &answer));
    let response = install_response::read(run, &answer).map_err(|error| {
        let error = described(error.fact(Fact::Path, args.file.display()), &answer);
        kept.iter().fold(error, |error, kept| kept.name(error, run.lang))
    })?;
    let jobs = keeper
        .jobs_of(&response)
        .map_err(|error| kept.iter().fold(error, |error, kept| kept.name(error, run.lang)))?;
    let kept = kept.map(|kept| keeper.assign(kept, &response));
    install_response::confirm_shared_id(run, &checks.policy_of_job(jobs.first()))?;
    let name = |error: Error| kept.iter().fold(error, |error, kept| kept.name(error, run.lang));
    let installed = run.login_for_job().map_err(&name).and_then(|session| {
        let (job, is_only) = meant(run, &jobs, &session, elsewhere.as_ref())?;
        let policy = checks.policy_of_job(job.as_ref());
        let old_kept = job.as_ref().filter(|_| is_only).and_then(|job| job.old.as_ref());
        let elsewhere = elsewhere.as_ref().or(old_kept);
        let install = Install::new(&response).policy(&policy);
        let install = elsewhere.iter().fold(install, |install, old| install.old(old));
        let file = kept.as_ref().map_or(Some(args.file.as_path()), Kept::file);
        let received = Received { answer: &answer, response: Ok(&response), file, keeper: &keeper };
        let explain = |error| received.explain(error, run, &session, &checks);
        let installed = run.job(|call| install.run(&session, &call));
        installed.map_err(|error| name(explain(error))).map(|installed| (session, installed))
    });
    let (session, installed) = installed?;
    let order = keeper.reference(&session, installed.credential.id());
    let job = Job { keeper: &keeper, received: kept.as_ref(), order };
    Ok(install_response::finish(run, &session, &installed, &job, &checks))
}

/// The job of an answer, and whether it is the only one. One with the certificates of several users belongs to the job that the
/// token's URI names, or whose old certificate from elsewhere is named.
fn meant(
    run: &Run,
    jobs: &[JournalEntry],
    session: &Session,
    elsewhere: Option<&OldCertificate>,
) -> Result<(Option<JournalEntry>, bool)> {
    if jobs.len() < 2 {
        return Ok((jobs.first().cloned(), true));
    }
    let waiting = session.pending_known(&run.call())?;
    let here = |job: &&JournalEntry| {
        job.token.is_same_token(session.token().identity())
            && waiting.iter().any(|key| hex(key.id()) == job.key_id)
    };
    let renews = |job: &&JournalEntry| {
        let renewed = job.old.as_ref().map(OldCertificate::certificate);
        elsewhere.is_none_or(|old| renewed == Some(old.certificate()))
    };
    let found: Vec<&JournalEntry> = jobs.iter().filter(here).filter(renews).collect();
    // Where several are left, which one it is is asked before anything is written.
    Ok((found.first().copied().cloned(), found.len() < 2))
}
