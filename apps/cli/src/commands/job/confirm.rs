//! `usbtoken confirm`: logs in at the bank's server with the new certificate, and lets the old one go if that worked.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use usbtoken::bank::{OldCredential, Override};
use usbtoken::confirm::{Confirm, Confirmed, stale_copies};
use usbtoken::error::{Fact, Notice, Warning};
use usbtoken::pki::jst_date;
use usbtoken::renewal::{KeyState, Retire};
use usbtoken::text::printable;
use usbtoken::{Certificate, Code, Credential, Credentials, Error, Policy, Result, Session};

use super::ways_on::{Said, name_retire};
use super::{abandon, install_response, removed};
use crate::args::{self, Which};
use crate::commands::chosen::{self, Chosen};
use crate::kept::Keeper;
use crate::next_command::CommandLine;
use crate::output::view::{self, Moment};
use crate::output::{Outcome, notices_json, notices_text};
use crate::process::stop::Stoppable;
use crate::run::Run;
use crate::words::Words;

/// How many digits of a serial number tell two certificates apart in a browser's window.
const LAST_DIGITS: usize = 8;

/// Nothing is asked for that cannot be used: the address and the files of CAs are examined before the PIN.
pub fn run(run: &Run, args: &args::Confirm) -> Result<Outcome> {
    let mut policy = run.policy();
    if !args.trust_anchor.is_empty() {
        policy.anchors = install_response::anchors(&args.trust_anchor)?;
    }
    let confirm = wanted(run, args, &policy)?;
    let token = run.token()?;
    let named_by = token.found_by().clone();
    let keeper = Keeper::of_user();
    let records = keeper.confirmations(token.identity());
    let is_confirmed = |one: &Certificate| records.iter().any(|record| record.is_of(one));
    let choice = |all: Credentials| newest(all.named_by(&named_by)?, &args.which, run, is_confirmed);
    let reserved = token.reserve()?;
    drop(token);
    let is_named = args.which.id.is_some() || args.which.serial.is_some() || named_by.names_object();
    // Which one is the new one, what shows before the login does not prove.
    let early = |all| {
        if is_named {
            choice(all)?;
        }
        Ok(Chosen { value: (), settled: true })
    };
    let ((), access) = chosen::choose(run, reserved, true, early)?;
    let session = access.login(run)?;
    let all = session.credentials()?;
    let new = choice(all.clone()).map_err(|error| run.explain(error, session.token()))?;
    let olds = all.replaced_by(new.certificate());

    let confirmed = {
        let shown = run.progress;
        let tell = move || shown.stopping(Words::Stopping);
        let stoppable = Stoppable::new(&run.progress, &tell);
        confirm.run(&session, &new, &run.call().progress(&stoppable))
    };
    let refuses = |error: &Error| matches!(error.code(), Code::LoginRefused | Code::LoginLedOn);
    if confirmed.as_ref().is_err_and(refuses) {
        // What an earlier login has shown holds no more.
        keeper.forget_confirmation(session.token().identity(), new.certificate());
    }
    let confirmed = confirmed?;
    let mut notices = confirmed.notices().to_vec();
    // One that counts for nothing must not take the place of one that counts.
    let counts = run.bank().is_none_or(|bank| bank.login_url.is_none() || confirmed.record().is_by(bank));
    let mut recorded = false;
    if !counts {
        notices.push(Notice::LoginNotAtBank.into());
    } else if let Err(error) = keeper.keep_confirmation(confirmed.record()) {
        let facts = error.facts();
        notices.push(facts.fold(Warning::from(Notice::ConfirmationNotKept), |warning, (fact, value)| {
            warning.fact(fact, value)
        }));
    } else {
        recorded = true;
    }
    let copies = olds.iter().flat_map(|old| stale_copies(old.certificate(), new.certificate()));
    let copies: Vec<Warning> =
        copies.map(|path| Warning::from(Notice::CopyShowsOld).fact(Fact::Path, path.display())).collect();
    notices.extend(copies);
    let ended = if args.retire_old { removed::end_all(run, &session, new.certificate()) } else { Vec::new() };
    let replaces_none = olds.is_empty() && ended.is_empty();
    notices.extend((args.retire_old && replaces_none).then(|| Notice::NothingReplaced.into()));

    let mut told = tell(run, &session, (&new, &olds), &all, &confirmed, &notices);
    if !args.retire_old && may_retire(run, recorded) {
        let free = olds.iter().filter(|old| is_in_window(run, old));
        tell_removals(run, free, &mut told.text);
    }
    told.text.push_str(&notices_text(&run.untold(&notices), run.tongue()));
    told.note("recorded", || recorded.into());
    if args.retire_old {
        let ended = ended.into_iter().map(|(serial, _)| serial).collect();
        let removal = Removal { run, args, session: &session, confirmed: &confirmed, policy: &policy };
        removal.retire(&new, &olds, ended, &mut told);
    }
    Ok(told)
}

/// What is to be done, by the bank and the command line.
fn wanted(run: &Run, args: &args::Confirm, policy: &Policy) -> Result<Confirm> {
    let confirm = match (&args.url, run.bank()) {
        (Some(url), Some(bank)) => Confirm::at(url)?.for_bank(bank)?,
        (Some(url), None) => Confirm::at(url)?,
        (None, Some(bank)) => Confirm::at_bank(bank)?,
        (None, None) => return Err(Error::new(Code::LoginUrlUnusable).fact(Fact::Expected, "--url, --bank")),
    };
    let confirm = match &args.proxy {
        Some(proxy) => confirm.proxy(proxy)?,
        None => confirm,
    };
    let confirm = match &args.after_login {
        Some(page) => confirm.after_login(page)?,
        None => confirm,
    };
    let confirm = match args.server_ca.is_empty() {
        true => confirm,
        false => confirm.server_anchors(install_response::anchors(&args.server_ca)?),
    };
    Ok(confirm.issuers(&policy.anchors).timeout(Duration::from_secs(args.timeout.into())))
}

/// The credential that is named. Without a name the only one with a key that has not ended and that no other follows; of
/// several the only one that was installed here and is not confirmed yet, else the only one that has replaced another, or was installed here.
fn newest(
    all: Credentials,
    which: &Which,
    run: &Run,
    is_confirmed: impl Fn(&Certificate) -> bool,
) -> Result<Credential> {
    match (&which.id, &which.serial) {
        (Some(id), _) => return all.by_id(&id.0).only(),
        (None, Some(serial)) => return all.by_serial(&serial.replace(':', "")).only(),
        (None, None) => {}
    }
    let now = run.now();
    let last = all.clone().without_successor();
    let usable = |one: &&Credential| one.key() != KeyState::Missing && one.certificate().not_after() >= now;
    let usable: Vec<&Credential> = last.iter().filter(usable).collect();
    let has_replaced = |one: &&&Credential| !all.replaced_by(one.certificate()).is_empty();
    let replacing: Vec<&Credential> = usable.iter().filter(has_replaced).copied().collect();
    let call = run.call();
    let is_installed = |one: &&&Credential| call.has_installed(one.certificate());
    let installed: Vec<&Credential> = usable.iter().filter(is_installed).copied().collect();
    let is_new = |one: &&&Credential| !is_confirmed(one.certificate());
    let new: Vec<&Credential> = installed.iter().filter(is_new).copied().collect();
    match (new.as_slice(), replacing.as_slice(), installed.as_slice(), usable.as_slice()) {
        ([one], ..) | (_, [one], ..) | (_, [], [one], _) | (_, [], [], [one]) => Ok((*one).clone()),
        _ => last.only(),
    }
}

/// How a person tells a certificate from another of the same name in a browser's window.
fn marks(one: &Certificate) -> (String, String) {
    let serial = one.serial().to_string().to_uppercase();
    let from = serial.len().saturating_sub(LAST_DIGITS);
    let last = serial.get(from..).unwrap_or(&serial).to_owned();
    (last, jst_date(one.not_after()).to_string())
}

/// The last of the row of renewals that this one is in.
fn last_of_row(all: &Credentials, one: &Credential) -> Certificate {
    let mut last = one;
    // A successor ends later, so the row has an end.
    while let Some(successor) = last.successor() {
        match all.iter().find(|next| *next.certificate() == successor.certificate) {
            Some(next) => last = next,
            None => return successor.certificate.clone(),
        }
    }
    last.certificate().clone()
}

/// Whether `retire` would let those go that were replaced, as far as the bank and this login decide.
fn may_retire(run: &Run, recorded: bool) -> bool {
    run.bank().is_none_or(|bank| match bank.old {
        OldCredential::Keep => bank.check_override(Override::Old).is_ok(),
        OldCredential::RemoveAfterConfirmation => recorded,
        _ => true,
    })
}

/// Whether the bank's window for this one has opened, where that binds its removal: what was ordered before has to wait.
fn is_in_window(run: &Run, old: &Credential) -> bool {
    let policy = run.policy();
    !policy.window_binds_removal
        || policy.window.opens_on(old.certificate().not_after()) <= jst_date(run.now())
}

fn tell_removals<'c>(run: &Run, olds: impl Iterator<Item = &'c Credential>, text: &mut String) {
    for old in olds {
        let line = CommandLine::new("retire", &run.global).certificate(old, false).end();
        text.push_str(&format!("\n{}", Words::MayRetire(&line).text(run.lang)));
    }
}

fn tell(
    run: &Run,
    session: &Session,
    (new, olds): (&Credential, &[Credential]),
    all: &Credentials,
    confirmed: &Confirmed,
    notices: &[Warning],
) -> Outcome {
    let token = session.token().identity();
    let shown = |one| view::Credential::of(token, one, None, run.when());
    // Who tries an old one is told to choose the last of the row all the same.
    let last = last_of_row(all, new);
    let (serial, ends) = marks(&last);
    let others: Vec<(String, String)> =
        all.replaced_by(&last).iter().map(|one| marks(one.certificate())).collect();
    let record = confirmed.record();

    let mut text = format!("{}\n{}", Words::Confirmed.text(run.lang), shown(new).entry(1, run.lang));
    for (fact, value) in [(Fact::Url, record.url()), (Fact::HttpStatus, record.http_status())] {
        text.push_str(&format!("\n  {} = {}", fact.label(run.lang), printable(value)));
    }
    for page in confirmed.redirections() {
        text.push_str(&format!("\n    → {}", printable(page)));
    }
    text.push_str(&format!("\n  TLS = {}", confirmed.tls()));
    let choose = Words::ChooseInBrowser { serial: &serial, ends: &ends };
    text.push_str(&format!("\n{}", choose.text(run.lang)));
    for (serial, ends) in &others {
        let words = Words::OldInBrowser { serial, ends };
        text.push_str(&format!("\n{}", words.text(run.lang)));
    }
    text.push_str(&format!("\n{}", Words::CopiesElsewhere.text(run.lang)));
    let mark = |(serial, ends): &(String, String)| json!({ "serial_ends": serial, "not_after": ends });
    let json = run.for_programs(|| {
        json!({
            "confirmed": true,
            "credential": shown(new),
            "url": record.url(),
            "http_status": record.http_status(),
            "tls": confirmed.tls(),
            "at": Moment(record.at()),
            "redirections": confirmed.redirections(),
            "accepted_issuers": confirmed.accepted_issuers(),
            "choose": { "serial_ends": serial, "not_after": ends },
            "do_not_choose": others.iter().map(mark).collect::<Vec<Value>>(),
            "replaced": olds.iter().map(shown).collect::<Vec<_>>(),
            "retired": [],
            "notices": notices_json(notices, run.tongue()),
        })
    });
    Outcome::new(text, json)
}

/// The removal that comes after a confirmed login.
struct Removal<'a> {
    run: &'a Run,
    args: &'a args::Confirm,
    session: &'a Session,
    confirmed: &'a Confirmed,
    policy: &'a Policy,
}

impl Removal<'_> {
    /// Removes those that the new one has replaced, beside those that `ended` names. What fails does not undo the confirmation: that is
    /// shown, then the error.
    fn retire(&self, new: &Credential, olds: &[Credential], ended: Vec<String>, told: &mut Outcome) {
        let mut retired = ended;
        let mut gone: Vec<&Certificate> = Vec::new();
        for old in olds {
            let stays = match self.remove(new, old) {
                Ok(stays) => stays,
                Err(error) => {
                    // What it is a copy of has gone, or it has gone with that.
                    let went_along =
                        || error.code() == Code::CredentialNotFound && gone.contains(&old.certificate());
                    if error.code() == Code::OldIsCopy || went_along() {
                        continue;
                    }
                    told.exit = Some(error.code().family());
                    told.afterwards = Some(error);
                    break;
                }
            };
            if gone.contains(&old.certificate()) {
                continue;
            }
            gone.push(old.certificate());
            retired.push(old.certificate().serial().to_string());
            told.text.push_str(&format!("\n{}", Words::Retired.text(self.run.lang)));
            told.text.push_str(&notices_text(&stays, self.run.tongue()));
            told.remark(notices_json(&stays, self.run.tongue()));
        }
        if let Some(first) = retired.first() {
            told.if_unprinted = Some(Error::new(Code::ResultNotPrinted).fact(Fact::Serial, first));
        }
        told.note("retired", || retired.into());
    }

    /// What stays.
    fn remove(&self, new: &Credential, old: &Credential) -> Result<Vec<Warning>> {
        let Removal { run, args, session, confirmed, policy } = *self;
        let shown = view::Credential::of(session.token().identity(), old, None, run.when());
        abandon::confirm_removal(run, args.yes, &shown.entry(1, run.lang))?;
        // Whether a bank that keeps old certificates lets this be overridden was asked with the command line.
        let removal = Retire::of(old, policy).although_kept().unless_copy().successor(new.certificate());
        let removal = match run.bank().filter(|bank| bank.login_url.is_some()) {
            // What the bank waits for is a login where its customers log in, at a server that its CAs vouch for.
            Some(bank) => {
                let record = Some(confirmed.record().clone()).filter(|record| record.is_by(bank));
                removal.confirmed(record, &Confirm::at_bank(bank)?.url())
            }
            None => removal,
        };
        let done =
            run.job(|call| removal.run(session, &call)).map_err(|error| self.named(error, new, old))?;
        Keeper::of_user().note_removed(session, old, &done);
        Ok(install_response::what_stays(old, &done))
    }

    /// Names the command that goes on: to the removal, or where the bank waits for a login at its own server to that.
    fn named(&self, error: Error, new: &Credential, old: &Credential) -> Error {
        let (run, successor) = (self.run, new.naming(new.certificate()));
        if error.code() == Code::RetireNotConfirmed {
            if run.bank().is_none_or(|bank| bank.login_url.is_none()) {
                return error;
            }
            let line =
                CommandLine::new("confirm", &run.global).certificate(new, self.args.which.id.is_some());
            let anchors = self.args.trust_anchor.iter().map(PathBuf::as_path);
            let line = anchors.fold(line, |line, anchor| line.path("--trust-anchor", Some(anchor)));
            let line = line.path("--proxy", self.args.proxy.as_deref().map(Path::new));
            return error
                .fact(Fact::GoOn, line.flag("--retire-old", true).flag("--yes", self.args.yes).end());
        }
        let said = Said { anchors: &self.args.trust_anchor, successor: Some(&successor), ..Said::default() };
        name_retire(error, run, old, said)
    }
}
