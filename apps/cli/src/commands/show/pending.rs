//! `usbtoken pending`: the jobs that are not finished.

use std::path::Path;

use base16ct::lower::encode_string as hex;
use usbtoken::error::Step;
use usbtoken::renewal::{PendingKey, PendingState};
use usbtoken::{Result, Session};

use crate::args::{self, Hex};
use crate::commands::orders::{self, Meant, OrderInUse};
use crate::journal::JournalEntry;
use crate::kept::Keeper;
use crate::next_command::CommandLine;
use crate::output::Outcome;
use crate::output::view;
use crate::reference::Reference;
use crate::run::Run;
use crate::words::Words;

/// Lists them. Private keys cannot be seen without login, so the PIN is needed.
pub fn run(run: &Run, args: &args::Pending) -> Result<Outcome> {
    // To note something of a job is an act on it.
    let session = match &args.order.reference {
        Some(_) => run.login_for_job()?,
        None => run.login(run.token()?)?,
    };
    run.progress.step(Step::ReadObjects);
    let keeper = Keeper::of_user();
    if let Some(reference) = &args.order.reference {
        note(run, &keeper, &session, args.id.as_ref(), reference)?;
    }
    let keys = session.pending_known(&run.call())?;
    let mut entries: Vec<_> = keys.iter().map(|key| shown(run, &keeper, &session, key)).collect();
    let orders = orders::in_use(&keeper, &session)?;
    entries.extend(orders.iter().map(|order| shown_order(run, &keeper, &session, order)));
    let mut lines = vec![view::Token::of(session.token().identity()).heading(run.lang)];
    if entries.is_empty() {
        lines.push(format!("  {}", Words::NoPending.text(run.lang)));
    }
    lines.extend(entries.iter().zip(1..).map(|(entry, number)| entry.entry(number, run.lang)));
    Ok(Outcome::new(lines.join("\n"), run.for_programs(|| serde_json::json!(entries))))
}

/// Keeps an order's reference number that a person was told after the request was sent.
fn note(
    run: &Run,
    keeper: &Keeper,
    session: &Session,
    id: Option<&Hex>,
    reference: &Reference,
) -> Result<()> {
    let with = |entry: JournalEntry| keeper.update(&entry.with_reference(Some(reference.clone())));
    match orders::meant(run, keeper, session, id, |key| key.state() == PendingState::AwaitingAnswer)? {
        Meant::Order(order) => with(order.kept),
        Meant::Key(key) => match keeper.entry(session, key.id())? {
            Some(entry) => with(entry),
            None => keeper.keep_order(session, &key, reference),
        },
    }
}

/// What is shown of a pending key: also the answer that came for it already.
pub fn shown(run: &Run, keeper: &Keeper, session: &Session, key: &PendingKey) -> view::Pending {
    let key = &keeper.known(session, key.clone());
    let file = keeper.answer_file(session, key);
    let answer = file.as_deref().map(|file| (file, install(run, file)));
    let reference = keeper.reference(session, key.id());
    view::Pending::of(session.token().identity(), key, run.now())
        .answered(answer)
        .ordered(reference)
        .advised(advice(run, keeper, session, key))
        .kept(keeper.entry(session, key.id()).is_ok_and(|entry| entry.is_some()))
        .from(keeper.old_elsewhere(session, key))
}

/// What to do with a key of which it is not certain that it is ours.
fn advice(run: &Run, keeper: &Keeper, session: &Session, key: &PendingKey) -> Option<String> {
    let id = hex(key.id());
    let words = match key.doubt()? {
        _ if keeper.has_requested(session, key) => Words::DoubtfulOurs(&id),
        _ if key.is_request_of_another() => Words::DoubtfulOthers,
        "object_unreadable" => Words::DoubtfulUnread(&id),
        _ => Words::DoubtfulUnknown(&id),
    };
    Some(words.text(run.lang))
}

/// The same of an order for a key that is in use.
pub fn shown_order(run: &Run, keeper: &Keeper, session: &Session, order: &OrderInUse) -> view::Pending {
    let public = order.old.certificate().public_key();
    let file = keeper.answer_for(session, order.old.id(), public);
    let answer = file.as_deref().map(|file| (file, install(run, file)));
    view::Pending::of_order(&order.kept, &order.old, run.now()).answered(answer)
}

/// The command that installs the answer in this file.
pub fn install(run: &Run, file: &Path) -> String {
    CommandLine::new("install", &run.global).word(&file.to_string_lossy()).end()
}
