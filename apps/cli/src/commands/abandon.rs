//! `usbtoken abandon`: removes a pending key.

use std::io::{self, Write};

use serde_json::json;
use usbtoken::error::{Code, Error, Fact, Result, Step};

use super::select;
use crate::args;
use crate::job::Job;
use crate::kept::Keeper;
use crate::output::Outcome;
use crate::words::Words;
use crate::{pin, view};

/// Removes exactly one pending key, after asking a person.
pub fn run(job: &Job, args: &args::Abandon) -> Result<Outcome> {
    let token = job.token()?;
    let session = job.login(&token)?;
    let key = select::pending(&session, args.id.as_ref(), |_| true)?;
    let shown = view::Pending::of(token.identity(), &key, job.now());
    confirm_removal(job, args.yes, &shown.entry(1, job.lang))?;
    job.progress.step(Step::Abandon);
    // Who names the key's id has seen what is odd about it.
    match args.id {
        Some(_) => session.abandon_named(&key)?,
        None => session.abandon(&key)?,
    }
    Keeper::of_user().forget(&session, key.id(), None);
    let (text, json) = (Words::Abandoned.text(job.lang), json!({ "abandoned": shown }));
    Ok(Outcome::changed(text, json, Fact::Id, usbtoken::hex(key.id())))
}

/// Asks a person at a terminal. A script has said what it wants by its command line.
///
/// # Errors
/// [`Code::Cancelled`].
pub fn confirm_removal(job: &Job, yes: bool, what: &str) -> Result<()> {
    if yes || job.global.json || !pin::is_terminal() {
        return Ok(());
    }
    // The question that follows fails on its own when standard error is closed.
    let _ = writeln!(io::stderr(), "{what}");
    if pin::confirmed(&Words::ConfirmRemoval.text(job.lang)) {
        Ok(())
    } else {
        Err(Error::new(Code::Cancelled))
    }
}
