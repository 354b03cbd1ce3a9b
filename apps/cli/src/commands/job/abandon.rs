//! `usbtoken abandon`: removes a pending key.

use std::io::{self, Write};
use std::path::Path;

use base16ct::lower::encode_string as hex;
use serde_json::json;
use usbtoken::error::{Fact, Step};
use usbtoken::renewal::{BegunAbandonment, Caller, KeptRequest, PendingKey, PendingState};
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
    let session = run.login_for_job()?;
    let keeper = Keeper::of_user();
    let key = match select::pending(run, &session, args.id.as_ref(), |_| true) {
        Err(error) if error.code() == Code::PendingNotFound => {
            let order = order_in_use(args, &keeper, &session);
            if let Ok(Some(order)) = &order {
                return forget(run, args, &keeper, session, order);
            }
            if let Some(before) = abandoned_before(run, args, &keeper, &session)? {
                return Ok(before);
            }
            if let Some(kept) = request_without_key(run, args, &session) {
                return give_up(run, args, &keeper, session, &kept);
            }
            return session.explained(Err(order.err().unwrap_or(error)));
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
    let is_left = key.state() == PendingState::PublicKeyOnly;
    if is_left && !args.key_gone && keeper.entry(&session, key.id()).is_ok_and(|entry| entry.is_some()) {
        let error = Error::new(Code::RemovalDoubtful).during(Step::Abandon).fact(Fact::Id, hex(key.id()));
        return Err(error.fact(Fact::Reason, "request_kept_here"));
    }
    match args.id {
        Some(_) if is_left && args.key_gone => run.job(|call| session.abandon_without_key(&key, &call))?,
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
    let json = run.for_programs(|| json!({ "abandoned": shown, "already_abandoned": false }));
    let begun = run.call().begun_abandonments(session.token().identity()).into_iter();
    let begun = begun.filter(|begun| begun.id() == key.id()).collect();
    Ok(Outcome::changed(text, json, Fact::Id, hex(key.id())).then(ended(&keeper, &session, begun)))
}

/// What is meant has gone in a run that nobody has seen to end. None where no such removal has begun here, or something of it may be there.
fn abandoned_before(
    run: &Run,
    args: &args::Abandon,
    keeper: &Keeper,
    session: &Session,
) -> Result<Option<Outcome>> {
    let uri = session.token().found_by();
    let is_meant = |begun: &BegunAbandonment| match &args.id {
        Some(id) => begun.id() == id.0,
        None if uri.names_object() => uri.names_credential(begun.id(), &[begun.label().to_vec()]),
        // What a page or another program began is no one's who names nothing.
        None => begun.is_by(&Caller::Command) && !begun.is_ended(),
    };
    let call = run.call();
    let all = call.abandonments(session.token().identity()).into_iter();
    let Some(begun) = all.into_iter().find(is_meant) else { return Ok(None) };
    if !run.job(|call| session.was_abandoned(&begun, &call))? {
        return Ok(None);
    }
    let reference = keeper.reference(session, begun.id());
    keeper.forget(session, begun.id(), None);
    let text = said(run, &Words::AbandonedBefore, reference.as_ref());
    let json = run.for_programs(|| {
        let abandoned = json!({ "id": hex(begun.id()), "since": begun.since(), "reference": reference });
        json!({ "abandoned": abandoned, "already_abandoned": true })
    });
    Ok(Some(Outcome::new(text, json).then(ended(keeper, session, vec![begun]))))
}

/// Forgets the removals, which have come to their end. Last of all: a run that is killed before that is asked for again.
fn ended(keeper: &Keeper, session: &Session, begun: Vec<BegunAbandonment>) -> impl FnOnce() + use<> {
    let (folder, token) = (keeper.folder().map(Path::to_owned), session.token().identity().clone());
    move || {
        let Some(folder) = folder else { return };
        let kept = usbtoken::Run::default().installations_in(folder);
        begun.iter().for_each(|begun| kept.end_abandonment(&token, begun));
    }
}

/// The command that names the key, where that is the way on.
fn named_by_id(error: Error, run: &Run, args: &args::Abandon, id: &[u8]) -> Error {
    // It may be the key of a credential in use, or of another program, which nobody gives away by a command that is offered.
    let never = ["object_unreadable", "certificate_of_another", "request_of_another_key"];
    let never: Vec<&str> = never.into_iter().chain(args::NOT_SHOWN).collect();
    let is_never = error.facts().any(|(fact, why)| fact == Fact::Reason && never.contains(&why));
    if error.code() != Code::RemovalDoubtful || is_never {
        return error;
    }
    let line = CommandLine::new("abandon", &run.global).value("--id", Some(&hex(id)));
    error.fact(Fact::GoOn, line.flag("--yes", args.yes).end())
}

/// An order for the key of a certificate that is in use. None where there is none.
///
/// # Errors
/// [`Code::JournalUnusable`] where what may be one cannot be read.
fn order_in_use(args: &args::Abandon, keeper: &Keeper, session: &Session) -> Result<Option<JournalEntry>> {
    let Some(id) = &args.id else { return Ok(None) };
    let entry = keeper.entry(session, &id.0).map_err(|error| error.during(Step::Abandon))?;
    Ok(entry.filter(JournalEntry::reuses_key))
}

/// Forgets it: nothing of it is on the token. Last of all: a run that is ended by a driver is asked for again.
fn forget(
    run: &Run,
    args: &args::Abandon,
    keeper: &Keeper,
    session: Session,
    order: &JournalEntry,
) -> Result<Outcome> {
    let reference = order.reference.as_ref();
    let number = reference.map(|reference| line(run, reference)).unwrap_or_default();
    confirm_removal(run, args.yes, &format!("{} ({}){number}", order.key_id, order.since))?;
    drop(session);
    keeper.forget_order(order).map_err(|error| error.during(Step::Abandon))?;
    let text = said(run, &Words::OrderForgotten, reference);
    let forgotten = || json!({ "id": order.key_id, "since": order.since, "reference": reference });
    let json = || json!({ "abandoned": forgotten(), "already_abandoned": false });
    Ok(Outcome::new(text, run.for_programs(json)))
}

/// A request that was made here for the key that is named, of which nothing is on the token and nobody has said that it went.
fn request_without_key(run: &Run, args: &args::Abandon, session: &Session) -> Option<KeptRequest> {
    let Some(id) = &args.id else { return None };
    let kept = run.call().kept_requests(session.token().identity());
    kept.into_iter().find(|kept| kept.id() == id.0 && !kept.is_ended())
}

/// Gives it up where a person says that the key is gone.
fn give_up(
    run: &Run,
    args: &args::Abandon,
    keeper: &Keeper,
    session: Session,
    kept: &KeptRequest,
) -> Result<Outcome> {
    let (id, since) = (hex(kept.id()), kept.since());
    if !args.key_gone {
        let error = Error::new(Code::KeyNotShown).during(Step::Abandon);
        return Err(error.fact(Fact::Id, id).fact(Fact::Date, since));
    }
    let reference = keeper.reference(&session, kept.id());
    let number = reference.as_ref().map(|reference| line(run, reference)).unwrap_or_default();
    confirm_removal(run, args.yes, &format!("{id} ({since}){number}"))?;
    keeper.forget(&session, kept.id(), None);
    run.call().give_up_request(kept);
    let text = said(run, &Words::OrderForgotten, reference.as_ref());
    let forgotten = || json!({ "id": id, "since": since, "reference": reference });
    let json = || json!({ "abandoned": forgotten(), "already_abandoned": false });
    Ok(Outcome::new(text, run.for_programs(json)))
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
