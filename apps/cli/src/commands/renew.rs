//! `usbtoken renew`: the whole job in one run.

use usbtoken::driver::Session;
use usbtoken::error::{Code, Error, Result};
use usbtoken::renewal::{Credential, Pending, PendingState, Renewal};
use usbtoken::text::Phrase;

use super::{select, settle};
use crate::args;
use crate::job::Job;
use crate::output::Outcome;
use crate::pin;

/// Finds the token and the credential, checks, and only then asks for the PIN.
pub fn run(job: &Job, args: &args::Renew) -> Result<Outcome> {
    let checks = settle::Checks::read(&args.checks)?;
    let token = job.token()?;
    // Reserved before the look, so that nobody renews what is about to be renewed here.
    let reservation = token.reserve()?;
    let old = select::credential(token.credentials()?, &args.which, args.key.force, job)?;
    let renewal = select::renewal(Renewal::of(&old), &args.key, job)
        .form(args.form.into())
        .require_proof(select::level(args.checks.require_proof));
    job.tell(&renewal.glance(&token).into_notices()?);

    let session = job.login_holding(&token, reservation)?;
    let pending = match renewal.begin(&session) {
        Err(error) if error.code() == Code::PendingExists => {
            go_on(job, args, &session, &renewal, &old, error)?
        }
        pending => pending?,
    };
    let installed = settle::ask_and_install(job, &session, &pending, &args.issuer, &checks)?;
    Ok(settle::finish(job, &session, &installed, args.retire_old))
}

/// Offers to go on with the key that is pending, instead of making a second one.
fn go_on(
    job: &Job,
    args: &args::Renew,
    session: &Session,
    renewal: &Renewal<'_>,
    old: &Credential,
    error: Error,
) -> Result<Pending> {
    let ask =
        || !job.global.json && pin::is_terminal() && pin::confirmed(&Phrase::ConfirmResume.text(job.lang));
    if !(args.resume || ask()) {
        return Err(error);
    }
    let serial = old.certificate().serial().to_string();
    let key = select::pending(session, None, |key| {
        key.concerns() == Some(&serial) && key.state() == PendingState::AwaitingAnswer
    })?;
    renewal.resume(session, &key)
}
