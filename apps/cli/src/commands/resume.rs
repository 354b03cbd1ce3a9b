//! `usbtoken resume`: goes on with a pending key.

use usbtoken::driver::Session;
use usbtoken::error::{Code, Error, Fact, Result};
use usbtoken::renewal::{PendingKey, PendingState, Renewal};

use super::{request, select, settle};
use crate::args;
use crate::files;
use crate::job::Job;
use crate::output::Outcome;

/// Signs the request again, or finishes the job when the certificate is on the token already.
pub fn run(job: &Job, args: &args::Resume) -> Result<Outcome> {
    let checks = settle::Checks::read(&args.checks)?;
    if let Some(out) = &args.out {
        files::check_writable(out, args.file.overwrite)?;
    }
    let token = job.token()?;
    let session = job.login(&token)?;
    let key = select::pending(&session, args.id.as_ref(), |key| {
        matches!(key.state(), PendingState::AwaitingAnswer | PendingState::CertificateWritten)
    })?;
    if let (PendingState::CertificateWritten, Some(written)) = (key.state(), key.written_certificate()) {
        let installed = settle::install(job, &session, written, &checks, false)?;
        return Ok(settle::finish(job, &session, &installed, args.retire_old));
    }
    let renewal = renewal(job, args, &session, &key)?;
    let pending = renewal.resume(&session, &key)?;
    match (&args.out, &args.issuer) {
        (Some(out), _) => request::write(job, &session, &pending, out, &args.file),
        (None, Some(command)) => {
            let installed = settle::ask_and_install(job, &session, &pending, command, &checks)?;
            Ok(settle::finish(job, &session, &installed, args.retire_old))
        }
        (None, None) => Err(Error::new(Code::BadArgument).fact(Fact::Expected, "--out, --issuer")),
    }
}

fn renewal<'a>(
    job: &'a Job,
    args: &args::Resume,
    session: &Session,
    key: &PendingKey,
) -> Result<Renewal<'a>> {
    let base = match (key.old_credential(session)?, &args.subject) {
        (Some(old), _) => Renewal::of(&old),
        (None, Some(subject)) => Renewal::first(subject.parse()?),
        (None, None) => {
            let error = Error::new(Code::BadArgument).fact(Fact::Expected, "--subject");
            return Err(error.fact(Fact::Id, usbtoken::hex(key.id())));
        }
    };
    let level = select::level(args.checks.require_proof);
    Ok(base.at(job.now).progress(&job.progress).form(args.form.into()).require_proof(level))
}
