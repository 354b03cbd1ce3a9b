//! `usbtoken abandon`: removes a pending key.

use std::io::{self, Write};

use base16ct::lower::encode_string as hex;
use serde_json::json;
use usbtoken::error::Fact;
use usbtoken::renewal::PendingKey;
use usbtoken::{Code, Error, Result, Session};

use crate::args;
use crate::commands::select;
use crate::commands::show::pending;
use crate::journal::JournalEntry;
use crate::kept::Keeper;
use crate::next_command::CommandLine;
use crate::output::Outcome;
use crate::pin;
use crate::reference::Reference;
use crate::run::Run;
use crate::words::Words;

/// Removes exactly one pending key, after asking a person.
pub fn run(run: &Run, args: &args::Abandon) -> Result<Outcome> {
    let session = run.login(run.token()?)?;
    let keeper = Keeper::of_user();
    let key = match select::pending(run, &session, args.id.as_ref(), |_| true) {
        Err(error) if error.code() == Code::PendingNotFound => {
            let forgotten = forget_order(run, args, &keeper, &session);
            return forgotten.unwrap_or_else(|| session.explained(Err(error)));
        }
        // Their signatures may tell them apart when one is removed.
        Err(error) if error.code() == Code::KeysAlike => {
            let is_meant = |key: &PendingKey| args.id.as_ref().is_some_and(|id| key.id() == id.0);
            session.pending_known(&run.call())?.into_iter().find(is_meant).ok_or(error)?
        }
        key => keeper.known(&session, key?),
    };
    let shown = pending::shown(run, &keeper, &session, &key);
    confirm_removal(run, args.yes, &shown.entry(1, run.lang))?;
    // Who names the key's id has seen what is odd about it, and a URI with it chooses. Without that only the key of a request
    // that went out here goes.
    match args.id {
        Some(_) => run.job(|call| session.abandon_named(&key, &call))?,
        None if select::names(session.token().found_by(), key.id()) => {
            let gone = run.job(|call| session.abandon(&key, &call));
            gone.map_err(|error| named_by_id(error, run, args, key.id()))?;
        }
        None => {
            let requested = keeper.request_key(&session, &key);
            let gone = run.job(|call| session.abandon_requested(&key, requested.as_ref(), &call));
            gone.map_err(|error| named_by_id(error, run, args, key.id()))?;
        }
    }
    keeper.forget(&session, key.id(), None);
    let text = said(run, &Words::Abandoned, shown.reference.as_ref());
    let json = run.for_programs(|| json!({ "abandoned": shown }));
    Ok(Outcome::changed(text, json, Fact::Id, hex(key.id())))
}

/// The command that names the key, where that is the way on.
fn named_by_id(error: Error, run: &Run, args: &args::Abandon, id: &[u8]) -> Error {
    // It may be the key of a credential in use, which nobody gives away by a command that is offered.
    let in_use = ["object_unreadable", "certificate_of_another"];
    let may_be_in_use = error.facts().any(|(fact, why)| fact == Fact::Reason && in_use.contains(&why));
    if error.code() != Code::RemovalDoubtful || may_be_in_use {
        return error;
    }
    let line = CommandLine::new("abandon", &run.global).value("--id", Some(&hex(id)));
    error.fact(Fact::GoOn, line.flag("--yes", args.yes).end())
}

/// Forgets an order for the key of a certificate that is in use: nothing of it is on the token. None where there is none.
fn forget_order(
    run: &Run,
    args: &args::Abandon,
    keeper: &Keeper,
    session: &Session,
) -> Option<Result<Outcome>> {
    let id = &args.id.as_ref()?.0;
    let order = keeper.entry(session, id).ok().flatten().filter(JournalEntry::reuses_key)?;
    let forget = || {
        let number = order.reference.as_ref().map(|reference| line(run, reference)).unwrap_or_default();
        confirm_removal(run, args.yes, &format!("{} ({}){number}", order.key_id, order.since))?;
        keeper.forget(session, id, None);
        let reference = order.reference.as_ref();
        let text = said(run, &Words::OrderForgotten, reference);
        let forgotten = || json!({ "id": order.key_id, "since": order.since, "reference": reference });
        Ok(Outcome::new(text, run.for_programs(|| json!({ "abandoned": forgotten() }))))
    };
    Some(forget())
}

/// What was done, with the number under which the CA still knows the order.
fn said(run: &Run, words: &Words<'_>, reference: Option<&Reference>) -> String {
    words.text(run.lang) + &reference.map(|reference| line(run, reference)).unwrap_or_default()
}

fn line(run: &Run, reference: &Reference) -> String {
    format!("\n  {} = {reference}", Fact::Reference.label(run.lang))
}

/// Asks a person at a terminal. Where no one can be asked, `--yes` has to say it.
///
/// # Errors
/// [`Code::BadArgument`] without `--yes` and a person; [`Code::Cancelled`].
pub fn confirm_removal(run: &Run, yes: bool, what: &str) -> Result<()> {
    if yes {
        return Ok(());
    }
    if run.global.json || !pin::is_terminal() {
        return Err(Error::new(Code::BadArgument).fact(Fact::Expected, args::YES));
    }
    // The question that follows fails on its own when standard error is closed.
    let _ = writeln!(io::stderr(), "{what}");
    if pin::confirmed(&Words::ConfirmRemoval.text(run.lang)) {
        Ok(())
    } else {
        Err(Error::new(Code::Cancelled))
    }
}
