//! `usbtoken renew`: the whole job in one run.

use serde_json::json;
use usbtoken::driver::TokenIdentity;
use usbtoken::error::{Fact, Step, Warning};
use usbtoken::pki::jst_date;
use usbtoken::places::OldCertificate;
use usbtoken::renewal::{Preflight, Renewable, Renewed};
use usbtoken::text::printable;
use usbtoken::{Certificate, Code, Credential, Credentials, Error, Pending, Renewal, Result, Session};

use super::ask::{self, Options, Order, Visit};
use super::install_response::{self, Again, Checks, Job, Named};
use super::removed;
use crate::args;
use crate::commands::chosen::{self, Access, Chosen};
use crate::commands::{from, select};
use crate::journal::{JournalEntry, Removed};
use crate::output::{Outcome, notices_json, notices_text};
use crate::pin;
use crate::reference::Reference;
use crate::run::Run;
use crate::words::Words;

/// Finds the token and the credential, checks, and only then asks for the PIN.
pub fn run(run: &Run, args: &args::Renew) -> Result<Outcome> {
    let checks =
        Checks::read(run, &args.checks, args.subject.subject, select::key_rule(&args.key), args.retire_old)?;
    let checks = checks.by_id(args.which.id.is_some());
    let elsewhere = from::old(run, &args.old, &args.which)?;
    let mut visit = Visit::prepare(run, &options(args), &checks)?;
    let (old, access) = match old_and_token(run, args, elsewhere, &visit, &checks)? {
        (Found::Old(old), access) => (old, access),
        (Found::Follower(follower, removed), access) => {
            // Where no one could log in, nothing but the certificate says so.
            let session = access.login(run)?;
            if removed.only_begun {
                removed::end(run, &session, &removed, follower.certificate())?;
            }
            return Ok(removed_before(run, &follower, &checks));
        }
    };
    renew(run, args, &mut visit, &checks, (old, access), false)
}

/// Renews it; `authorised`: the CA was shown the login, and another one was chosen then.
fn renew(
    run: &Run,
    args: &args::Renew,
    visit: &mut Visit<'_>,
    checks: &Checks<'_>,
    (old, access): (OldCertificate, Access),
    authorised: bool,
) -> Result<Outcome> {
    run.renews(old.certificate());
    let token = access.token().identity().clone();
    if !args.resume
        && let Some(renewed) = from::renewed_onto_other(run, access.token(), &old, &args.key)
    {
        return renewed_before(run, &old, renewed, checks);
    }
    let ordered = order_for_old_key(args, visit, &token, &old)?;
    let policy = checks.policy_of_job(ordered.as_ref());
    let renewal = select::forced(Renewal::of(&old), &args.key).policy(&policy);
    let renewal = select::formed(renewal, args.form);
    // What was begun is finished, also when the window has closed meanwhile.
    let renewal = if ordered.is_some() { renewal.outside_window() } else { renewal };
    let call = run.call().passed(visit.keeper.passed());
    let preflight = renewal.preflight_before_login(access.token(), &call);
    run.tell(&before_login(run, preflight, args.resume)?);

    install_response::confirm_shared_id(run, &policy)?;
    // The PIN is read before any program of the issuer runs, which could read its source after us; there is no key yet.
    let session = access.login(run)?;
    if !authorised {
        session.with_pin_aside(|| visit.authorise())?;
    }
    let goes_on = ordered.is_some();
    let order = Order { way: Some(visit.way()), reference: visit.reference(), kept: ordered };
    let (pending, request) = match ask::begin(run, &visit.keeper, &session, &renewal, Some(&old), order) {
        Ok((pending, request)) if goes_on => match install_kept(run, visit, &session, &pending, checks)? {
            Some(done) => return Ok(done),
            None => (pending, request),
        },
        Ok(begun) => begun,
        Err(error) if error.code() == Code::PendingExists => {
            let waiting = Waiting { run, args, visit, checks, session: &session };
            let pending = waiting.resume(&renewal, &old, error)?;
            if let Some(done) = install_kept(run, visit, &session, &pending, checks)? {
                return Ok(done);
            }
            let request = again(run, args, visit, &session, &pending)?;
            (pending, request)
        }
        Err(error) if error.code() == Code::KeyMissing => {
            match select::another(&session, old.certificate(), &args.which, args.key.force, run)? {
                Some(another) => {
                    let chosen = (another.into(), Access::LoggedIn(session));
                    return renew(run, args, visit, checks, chosen, true);
                }
                None => return Err(error),
            }
        }
        Err(error) => match error.value::<Renewed>() {
            Some(by) => {
                // What is wrong with it stays wrong: it is renewed all the same.
                let certificate = Some(&by.by.certificate).filter(|_| by.by.apart);
                let put = certificate
                    .map(|one| install_response::put_beside(run, &session, &visit.keeper, checks, one));
                return match put {
                    Some(Ok(Some(done))) => Ok(done),
                    _ => renewed(run, args, &session, &old, by, checks),
                };
            }
            None => return Err(name_ways_on(error, run, args, visit, &old)),
        },
    };
    let (installed, kept) = visit.ask_and_install(&session, &pending, &request)?;
    let job = Job { keeper: &visit.keeper, received: Some(&kept), order: visit.reference() };
    Ok(install_response::finish(run, &session, &installed, &job, checks))
}

/// Where what takes its place is doubtful, names the commands that go on: one if it is right and the old one is to go, one if it is
/// wrong.
fn name_ways_on(
    error: Error,
    run: &Run,
    args: &args::Renew,
    visit: &Visit<'_>,
    old: &OldCertificate,
) -> Error {
    let is_doubtful = matches!(error.code(), Code::SuccessorDoubtful | Code::RenewedForAnother);
    let Some(credential) = old.on_token().filter(|_| is_doubtful) else { return error };
    let although = visit.renew_although(credential, &args.key);
    visit.checks.name_other(error, run, old).fact(Fact::GoOn, although)
}

/// What the command line names.
enum Found {
    /// A certificate that may be renewed.
    Old(OldCertificate),
    /// It was removed, and this took its place.
    Follower(Credential, Box<Removed>),
}

/// The certificate that is renewed, and the token. Reserved before its certificates are read, so that no one renews what is about to be
/// renewed here.
fn old_and_token(
    run: &Run,
    args: &args::Renew,
    elsewhere: Option<OldCertificate>,
    visit: &Visit<'_>,
    checks: &Checks<'_>,
) -> Result<(Found, Access)> {
    if let Some(old) = elsewhere {
        let reserved = from::onto(run, &old)?.reserve()?;
        return Ok((Found::Old(old), Access::Reserved(reserved)));
    }
    let token = run.token()?;
    let (identity, found_by) = (token.identity().clone(), token.found_by().clone());
    let removed = removed::meant(&visit.keeper, &identity, &args.which, &found_by);
    // What took the place of what the URI names is another object.
    let token = if removed.is_some() { token.with_all_objects() } else { token };
    let reserved = token.reserve()?;
    drop(token);
    let waits_for_window =
        |one: &Credential| one.renewable(checks.policy.window, run.now()) == Renewable::NotYet;
    let choice = |all: Credentials| {
        let named = all.clone().named_by(&found_by);
        let error = match named.and_then(|named| select::credential(named, &args.which, args.key.force, run))
        {
            Ok(old) => match removed::another(removed.as_ref(), &old.value, &args.which) {
                Some(error) => error,
                None => return Ok(Chosen { value: Found::Old(old.value.into()), settled: old.settled }),
            },
            Err(error) => error,
        };
        if let Some(old) = removed::rest(removed.as_ref(), &all) {
            return Ok(Chosen { value: Found::Old(old.into()), settled: true });
        }
        let (removed, by) = removed::follower(error, removed.as_ref(), &all, waits_for_window)?;
        Ok(Chosen { value: Found::Follower(by, removed.into()), settled: false })
    };
    chosen::choose(run, reserved, args.which.is_given() || found_by.names_object(), choice)
}

/// Installs an answer that an earlier run kept.
fn install_kept(
    run: &Run,
    visit: &Visit<'_>,
    session: &Session,
    pending: &Pending,
    checks: &Checks<'_>,
) -> Result<Option<Outcome>> {
    let Some((installed, kept)) = visit.install_kept(session, pending)? else { return Ok(None) };
    let order = visit.reference().or_else(|| visit.keeper.reference(session, pending.key_id()));
    let job = Job { keeper: &visit.keeper, received: Some(&kept), order };
    Ok(Some(install_response::finish(run, session, &installed, &job, checks)))
}

/// An order that was made for the key of the old certificate, and that is gone on with: no second one is made, with that key
/// or with another.
fn order_for_old_key(
    args: &args::Renew,
    visit: &Visit<'_>,
    token: &TokenIdentity,
    old: &OldCertificate,
) -> Result<Option<JournalEntry>> {
    let Some(old) = old.on_token() else { return Ok(None) };
    let waits = old.successor().is_none();
    let kept = if waits { visit.keeper.order_for_key_of(token, old)? } else { None };
    match kept {
        Some(order) if args.resume || visit.goes_on_with_order(token, &order, old) => Ok(Some(order)),
        Some(order) => {
            let error = ask::order_waits(&order, old);
            Err(error.fact(Fact::GoOn, visit.go_on_with_order(old)))
        }
        None => Ok(None),
    }
}

/// The certificate that follows is on the token and its key has signed: there is nothing to do, and nothing was written. A
/// run every day is right until the next window opens.
///
/// A removal of the old one that was asked for and stopped is ended.
fn renewed(
    run: &Run,
    args: &args::Renew,
    session: &Session,
    old: &OldCertificate,
    renewed: &Renewed,
    checks: &Checks<'_>,
) -> Result<Outcome> {
    let (follower, from) = (renewed.by.to_string(), renewed.renewable_from.to_string());
    let mut text = Words::AlreadyRenewed { follower: &printable(&follower), from: &from }.text(run.lang);
    let named = |old: &Credential| match &args.which {
        which if which.id.is_some() || select::names(session.token().found_by(), old.id()) => Named::ById,
        which if which.is_given() || session.token().found_by().names_object() => Named::BySerial,
        _ => Named::Not,
    };
    let again = |old: &Credential| checks.retire_again(run, session, old, named(old));
    let (mut notices, mut failed, mut removed) = (Vec::new(), None, Vec::new());
    match old.on_token().map_or(Again::Nothing, again) {
        Again::Nothing if jst_date(run.now()) >= renewed.renewable_from => {
            return Err(due(old, &follower, &from));
        }
        Again::Nothing => {}
        Again::Removed(with_key, stays) => {
            text = format!("{text}\n{}", Words::Retired.text(run.lang));
            removed.extend([("retired", true), ("key_removed", with_key)]);
            notices.extend(stays);
        }
        Again::Kept(kept) => {
            removed.push(("retired", false));
            notices.push(kept);
        }
        Again::Failed(error) => {
            removed.push(("retired", false));
            failed = Some(error);
        }
    }
    text.push_str(&notices_text(&notices, run.tongue()));
    let json = run.for_programs(|| {
        let mut json = json!({ "already_renewed": true, "successor": follower, "renewable_from": from });
        removed.iter().for_each(|(what, done)| json[what] = (*done).into());
        json["notices"] = notices_json(&notices, run.tongue()).into();
        json
    });
    let mut outcome = Outcome::new(text, json);
    outcome.afterwards = failed;
    outcome.exit = outcome.afterwards.as_ref().map(|error| error.code().family());
    Ok(outcome)
}

/// The command has to name the new one from then on: with the old one nobody would learn that this one ends.
fn due(old: &OldCertificate, follower: &str, from: &str) -> Error {
    let error = Error::new(Code::SuccessorDue).during(Step::Preflight);
    let error = error.fact(Fact::Serial, old.certificate().serial());
    error.fact(Fact::Candidate, follower).fact(Fact::Date, from)
}

/// What is named was removed here, as it was asked for, and what took its place cannot be renewed yet: a run every day that names
/// it is right until then.
fn removed_before(run: &Run, follower: &Credential, checks: &Checks<'_>) -> Outcome {
    let certificate = follower.certificate();
    let name = format!("{} (serial {})", follower.subject(), certificate.serial());
    let from = checks.policy.window.opens_on(certificate.not_after()).to_string();
    let text = Words::AlreadyRenewed { follower: &printable(&name), from: &from }.text(run.lang);
    let json = run.for_programs(
        || json!({ "already_renewed": true, "successor": name, "renewable_from": from, "retired": true }),
    );
    Outcome::new(text, json)
}

/// What is named was renewed onto another token here: nothing is written to this one.
fn renewed_before(
    run: &Run,
    old: &OldCertificate,
    (token, by): (TokenIdentity, Certificate),
    checks: &Checks<'_>,
) -> Result<Outcome> {
    let name = format!("{} (serial {}, {})", by.subject(), by.serial(), token.label);
    let from = checks.policy.window.opens_on(by.not_after());
    let is_due = jst_date(run.now()) >= from;
    let from = from.to_string();
    if is_due {
        return Err(due(old, &name, &from).fact(Fact::Token, token));
    }
    let text = Words::AlreadyRenewed { follower: &printable(&name), from: &from }.text(run.lang);
    let notices = || notices_json(&run.noted(), run.tongue());
    let json = run.for_programs(|| json!({ "already_renewed": true, "successor": name, "renewable_from": from, "notices": notices() }));
    Ok(Outcome::new(text, json))
}

fn options(args: &args::Renew) -> Options<'_> {
    Options { issuer: &args.issuer, form: args.form, reference: args.order.reference.as_ref() }
}

fn again(
    run: &Run,
    args: &args::Renew,
    visit: &Visit<'_>,
    session: &Session,
    pending: &Pending,
) -> Result<JournalEntry> {
    let again = ask::request_again(run, &visit.keeper, session, pending, args.sign_again, visit.reference());
    again.map_err(|error| Reference::name(visit.keeper.reference(session, pending.key_id()).as_ref(), error))
}

/// The warnings of a first reading. A renewal that was begun is finished although the certificate has ended meanwhile, and
/// not every token shows before the login that one was begun.
fn before_login(run: &Run, preflight: Preflight, resume: bool) -> Result<Vec<Warning>> {
    match run.accepted_or_asked(preflight).into_notices() {
        Err(error) if resume && error.code() == Code::Expired => Ok(Vec::new()),
        notices => notices,
    }
}

/// A job that waits for the certificate that is to be renewed.
struct Waiting<'a> {
    run: &'a Run,
    args: &'a args::Renew,
    visit: &'a Visit<'a>,
    checks: &'a Checks<'a>,
    session: &'a Session,
}

impl Waiting<'_> {
    /// Goes on with it instead of making a second key: by itself where that can be no second order, else where a person
    /// wants it. It is held to what its beginning demanded.
    fn resume(&self, renewal: &Renewal, old: &OldCertificate, error: Error) -> Result<Pending> {
        let Waiting { run, args, visit, checks, session } = self;
        let key = select::awaiting(run, session, &visit.keeper, |key| key.renews(old.certificate()));
        // What is kept of a job is found by the certificate, which a record names by a digest alone.
        let key = key.map(|key| key.renewing(old.certificate()));
        // The error says so.
        if key.as_ref().is_ok_and(|key| !select::may_be_offered(session, &visit.keeper, key)) {
            return Err(error);
        }
        let ask =
            || !run.global.json && pin::is_terminal() && pin::confirmed(&Words::ConfirmResume.text(run.lang));
        let by_itself = match &key {
            Ok(key) => visit.goes_on_by_itself(session, key)?,
            Err(_) => false,
        };
        if !(args.resume || by_itself || ask()) {
            let Ok(key) = key else { return Err(error) };
            let order = visit.keeper.reference(session, key.id());
            return Err(Reference::name(order.as_ref(), error.fact(Fact::GoOn, visit.resume_key(&key))));
        }
        let key = key?;
        let entry = visit.keeper.entry(session, key.id())?;
        let policy = checks.policy_of_job(entry.as_ref());
        let renewal = renewal.clone().policy(&policy);
        let renewal = match visit.keeper.requested_key(session, &key) {
            Some(kept) => renewal.requested_key(&kept),
            None => renewal,
        };
        let resumed = run.job(|call| renewal.resume(session, &key, &call));
        resumed.map_err(|error| match error.code() {
            Code::PendingOfOther => error.fact(Fact::GoOn, visit.resume_key(&key)),
            _ => error,
        })
    }
}
