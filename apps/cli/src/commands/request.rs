//! `usbtoken request`: the first half of a renewal, or of a first issue.

use std::path::Path;

use serde_json::json;
use usbtoken::driver::{Session, Token};
use usbtoken::error::{Fact, Result};
use usbtoken::pki::Name;
use usbtoken::renewal::{Credential, Pending, Renewal};
use usbtoken::text::Phrase;

use super::select;
use crate::args::{self, FormatArg, OutArgs};
use crate::job::Job;
use crate::output::{Outcome, notices_json, notices_text};
use crate::{files, view};

/// Makes the key and writes the request.
pub fn run(job: &Job, args: &args::Request) -> Result<Outcome> {
    files::check_writable(&args.out, args.file.overwrite)?;
    let subject = args.subject.as_deref().map(first_subject).transpose()?;
    let token = job.token()?;
    // Reserved before the look, so that nobody renews what is about to be renewed here.
    let reservation = token.reserve()?;
    let base = match subject {
        Some(subject) => Renewal::first(subject),
        None => Renewal::of(&old(job, args, &token)?),
    };
    let renewal = select::renewal(base, &args.key, job)
        .form(args.form.into())
        .require_proof(select::level(args.require_proof));
    job.tell(&renewal.glance(&token).into_notices()?);
    let session = job.login_holding(&token, reservation)?;
    let pending = renewal.begin(&session)?;
    write(job, &session, &pending, &args.out, &args.file)
}

/// The name for a first certificate, within the bounds of X.520: a CA would refuse it after the key was made.
fn first_subject(text: &str) -> Result<Name> {
    let name: Name = text.parse()?;
    name.check_bounds()?;
    Ok(name)
}

fn old(job: &Job, args: &args::Request, token: &Token) -> Result<Credential> {
    select::credential(token.credentials()?, &args.which, args.key.force, job)
}

/// Writes the request of a pending key to a file or to standard output.
pub fn write(job: &Job, session: &Session, pending: &Pending, out: &Path, file: &OutArgs) -> Result<Outcome> {
    let (pem, der) = match pending.renewal_request() {
        Some(cms) => (cms.to_pem(), cms.to_der()),
        None => (pending.request().to_pem(), pending.request().to_der()),
    };
    let bytes = match file.format {
        FormatArg::Pem => pem.as_bytes(),
        FormatArg::Der => der,
    };
    let to_stdout = files::is_standard(out);
    if !to_stdout {
        // The key is on the token already: its id lets the person resume when the disk is full.
        files::write(out, bytes, file.overwrite)
            .map_err(|error| error.fact(Fact::Id, usbtoken::hex(pending.key().id())))?;
    }
    let token = session.token().identity();
    let old = pending.old().map(|old| view::Credential::of(token, old, None, job.now));
    let json = json!({
        "file": (!to_stdout).then(|| out.display().to_string()),
        "request_pem": pem,
        "pending_id": usbtoken::hex(pending.key().id()),
        "replaces": old,
        "key_reused": pending.key_reused(),
        "proof": pending.proof(),
        "notices": notices_json(pending.notices(), job.lang),
    });
    let name = out.display().to_string();
    let text = format!(
        "{}\n{}{}",
        Phrase::RequestWritten(&usbtoken::text::printable(&name)).text(job.lang),
        Phrase::SendRequest.text(job.lang),
        notices_text(&job.untold(pending.notices()), job.lang)
    );
    let mut outcome = Outcome::new(text, json);
    outcome.raw = (to_stdout && !job.global.json).then(|| bytes.to_vec());
    Ok(outcome)
}
