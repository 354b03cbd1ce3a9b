//! `usbtoken retire`: removes a credential that has been replaced.

use serde_json::json;
use usbtoken::confirm::Confirm;
use usbtoken::error::Fact;
use usbtoken::renewal::Retire;
use usbtoken::{Code, Credential, Credentials, Error, Result};

use super::abandon;
use super::install_response;
use super::removed;
use super::ways_on::{self, Said};
use crate::args::{self, Which};
use crate::commands::chosen::{self, Access, Chosen};
use crate::commands::select;
use crate::journal::Removed;
use crate::kept::Keeper;
use crate::output::view;
use crate::output::{Outcome, notices_json, notices_text};
use crate::run::Run;
use crate::words::Words;

/// What the command line names.
enum Found {
    /// What is to go, and the one that a person says takes its place.
    Old(Credential, Option<Credential>),
    /// It was removed before, and this took its place.
    Follower(Credential, Box<Removed>),
}

/// Shows what will go before it asks for the PIN.
pub fn run(run: &Run, args: &args::Retire) -> Result<Outcome> {
    let mut policy = run.policy();
    args.subject.subject.into_iter().for_each(|rule| policy.demand_subject(rule));
    if !args.trust_anchor.is_empty() {
        policy.anchors = install_response::anchors(&args.trust_anchor)?;
    }
    let which = Which { id: args.id.clone(), serial: args.serial.clone(), nth: None };
    let is_named = which.id.is_some() || which.serial.is_some();
    let token = run.token()?;
    let named_by = token.found_by().clone();
    // The only one that is there may be the one in use: a person has to say which.
    if !is_named && !named_by.names_object() {
        return Err(Error::new(Code::BadArgument).fact(Fact::Expected, "--id, --serial"));
    }
    let removed = removed::meant(&Keeper::of_user(), token.identity(), &which, &named_by);
    // What took the place of what the URI names is another object.
    let token = if removed.is_some() { token.with_all_objects() } else { token };
    let reserved = token.reserve()?;
    // From here on the session alone has the driver, which then closes it with its own end.
    drop(token);
    let choice = |all: Credentials| {
        let successor =
            args.successor.as_ref().map(|serial| all.clone().by_serial(serial).only()).transpose()?;
        let old = all.clone().named_by(&named_by).and_then(|named| match is_named {
            true => select::credential(named, &which, true, run).map(|old| old.value),
            false => named.only(),
        });
        let old = old.and_then(|old| removed::another(removed.as_ref(), &old, &which).map_or(Ok(old), Err));
        match old {
            Ok(old)
                if let Some((removed, by)) =
                    removed::gone_but_for_copies(removed.as_ref(), &all, &old, &which) =>
            {
                Ok(Chosen { value: Found::Follower(by, removed.into()), settled: false })
            }
            Ok(old) => Ok(Chosen { value: Found::Old(old, successor), settled: true }),
            Err(error) => {
                if let Some(old) = removed::rest(removed.as_ref(), &all) {
                    return Ok(Chosen { value: Found::Old(old, successor), settled: true });
                }
                let (removed, by) = removed::follower(error, removed.as_ref(), &all, |_| true)?;
                Ok(Chosen { value: Found::Follower(by, removed.into()), settled: false })
            }
        }
    };
    let (found, access) = chosen::choose(run, reserved, true, choice)?;
    let (old, successor) = match found {
        Found::Old(old, successor) => (old, successor),
        Found::Follower(by, removed) => return removed_before(run, access, &removed, &by),
    };
    let shown = view::Credential::of(access.token().identity(), &old, None, run.when());
    abandon::confirm_removal(run, args.yes, &shown.entry(1, run.lang))?;
    let session = access.login(run)?;
    // A bank that keeps old certificates was asked whether it lets this be overridden, with the command line.
    let removal = Retire::of(&old, &policy).although_kept();
    let is_chosen = which.id.is_some() || named_by.names_object();
    let removal = match (&which.id, is_chosen) {
        (Some(_), _) => removal.named_by_id(),
        (None, true) => removal,
        (None, false) => removal.unless_copy(),
    };
    let removal = match run.bank().filter(|bank| bank.login_url.is_some()) {
        Some(bank) => {
            let records = Keeper::of_user().confirmations(session.token().identity()).into_iter();
            removal.confirmed(records.filter(|record| record.is_by(bank)), &Confirm::at_bank(bank)?.url())
        }
        None => removal,
    };
    let removal = match &successor {
        Some(successor) => removal.successor(successor.certificate()),
        None => removal,
    };
    let removal = if args.although_issuer_not_shown { removal.although_issuer_not_shown() } else { removal };
    let said = Said {
        anchors: &args.trust_anchor,
        subject: args.subject.subject,
        successor: args.successor.as_deref(),
        although_issuer_not_shown: args.although_issuer_not_shown,
        by_id: which.id.is_some(),
    };
    let named = |error| ways_on::name_successor(error, run, &old, said);
    let removed = run.job(|call| removal.run(&session, &call));
    let retired = removed.map_err(|error| named(error).unwrap_or_else(|error| error))?;
    Keeper::of_user().note_removed(&session, &old, &retired);
    let notices = install_response::what_stays(&old, &retired);
    let successor = view::Credential::of(session.token().identity(), &retired.successor, None, run.when());
    let mut text = format!("{}\n{}", Words::Retired.text(run.lang), successor.entry(1, run.lang));
    text.push_str(&notices_text(&notices, run.tongue()));
    let json = run.for_programs(|| {
        json!({
            "retired": shown,
            "successor": successor,
            "issuer_continuity": retired.issuer,
            "key_removed": retired.key_removed,
            "already_removed": retired.already_removed,
            "notices": notices_json(&notices, run.tongue()),
        })
    });
    Ok(Outcome::changed(text, json, Fact::Serial, old.certificate().serial()))
}

/// What is named was removed before: nothing is done, once what took its place has signed.
fn removed_before(run: &Run, access: Access, removed: &Removed, by: &Credential) -> Result<Outcome> {
    let session = access.login(run)?;
    let retired = removed::end(run, &session, removed, by.certificate())?;
    let successor = view::Credential::of(session.token().identity(), &retired.successor, None, run.when());
    let notices = removed::copies(&session, removed);
    let meant = removed.meant();
    let mut text = format!("{}\n{}", Words::RetiredBefore.text(run.lang), successor.entry(1, run.lang));
    text.push_str(&notices_text(&notices, run.tongue()));
    let json = run.for_programs(|| {
        json!({
            "retired": { "id": meant.id, "serial": meant.serial, "sha256": meant.fingerprint },
            "successor": successor,
            "issuer_continuity": retired.issuer,
            "key_removed": retired.key_removed,
            "already_removed": true,
            "notices": notices_json(&notices, run.tongue()),
        })
    });
    Ok(Outcome::new(text, json))
}
