//! `usbtoken abandon`: removes a pending key.

use std::io::{self, Write};

use base16ct::lower::encode_string as hex;
use serde_json::json;
use usbtoken::error::{Fact, Step};
use usbtoken::{Code, Error, Result};

use super::{pending, select};
use crate::args;
use crate::job::Job;
use crate::kept::Keeper;
use crate::output::Outcome;
use crate::pin;
use crate::words::Words;

/// Removes exactly one pending key, after asking a person.
pub fn run(job: &Job, args: &args::Abandon) -> Result<Outcome> {
    let token = job.token()?;
    let session = job.login(&token)?;
    let key = select::pending(&session, args.id.as_ref(), |_| true)?;
    let keeper = Keeper::of_user();
    let shown = pending::shown(job, &keeper, &session, &key);
    confirm_removal(job, args.yes, &shown.entry(1, job.lang))?;
    job.progress.step(Step::Abandon);
    // Who names the key's id has seen what is odd about it.
    match args.id {
        Some(_) => session.abandon_named(&key)?,
        None => session.abandon(&key)?,
    }
    keeper.forget(&session, key.id(), None);
    let (text, json) = (Words::Abandoned.text(job.lang), json!({ "abandoned": shown }));
    Ok(Outcome::changed(text, json, Fact::Id, hex(key.id())))
}

/// Asks a person at a terminal. Where nobody can be asked, `--yes` has to say it.
///
/// # Errors
/// [`Code::BadArgument`] without `--yes` and a person; [`Code::Cancelled`].
pub fn confirm_removal(job: &Job, yes: bool, what: &str) -> Result<()> {
    if yes {
        return Ok(());
    }
    if job.global.json || !pin::is_terminal() {
        return Err(Error::new(Code::BadArgument).fact(Fact::Expected, super::YES));
    }
    // The question that follows fails on its own when standard error is closed.
    let _ = writeln!(io::stderr(), "{what}");
    if pin::confirmed(&Words::ConfirmRemoval.text(job.lang)) {
        Ok(())
    } else {
        Err(Error::new(Code::Cancelled))
    }
}
