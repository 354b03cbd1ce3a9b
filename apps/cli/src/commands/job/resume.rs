//! `usbtoken resume`: goes on with a pending key.

use std::path::Path;

use base16ct::lower::encode_string as hex;
use usbtoken::error::Fact;
use usbtoken::places::OldCertificate;
use usbtoken::renewal::{PendingKey, PendingState};
use usbtoken::{Code, Error, Pending, Policy, Renewal, Result, Session};

use super::ask::{self, Options, Order, Visit};
use super::install_response::{self, Checks, Job};
use super::request;
use crate::args;
use crate::commands::orders::{self, Meant, OrderInUse};
use crate::commands::{from, select};
use crate::files;
use crate::journal::JournalEntry;
use crate::kept::Keeper;
use crate::next_command::CommandLine;
use crate::output::Outcome;
use crate::reference::Reference;
use crate::run::Run;

/// Sends the request again, or finishes the job when the certificate is here already.
pub fn run(run: &Run, args: &args::Resume) -> Result<Outcome> {
    let checks = Checks::read(run, &args.checks, args.rule(), None, args.retire_old)?;
    let elsewhere = from::again(run, &args.old)?;
    let mut way = match &args.out {
        Some(out) => {
            files::check_writable(out, args.file.overwrite)?;
            let read = run.global.pin_file.iter().chain(&args.old.place.from_password);
            files::check_no_input(out, read.chain(&args.checks.trust_anchor))?;
            Keeper::of_user().check_apart(out)?;
            Way::Write(out, Keeper::of_user())
        }
        None => match Visit::prepare(run, &options(args), &checks) {
            Err(_) if args.id.is_some() && args.issuer.names_none() => {
                // No CA has to be asked where its answer is on the token.
                let error = Error::new(Code::BadArgument);
                let error = error.fact(Fact::Expected, "--out, --issuer, --issuer-helper");
                let session = run.login_for_job()?;
                return put_beside(run, args, &Keeper::of_user(), &session, &checks)?.ok_or(error);
            }
            visit => Way::Ask(Box::new(visit?)),
        },
    };
    // The PIN is read before any program of the issuer runs, which could read its source after us.
    let session = run.login_for_job()?;
    if let Way::Ask(visit) = &mut way {
        session.with_pin_aside(|| visit.authorise())?;
    }
    let meant = match meant(run, way.keeper(), &session, args, elsewhere.as_ref()) {
        Err(error) if error.code() == Code::PendingNotFound && args.out.is_none() => {
            return put_beside(run, args, way.keeper(), &session, &checks)?.ok_or(error);
        }
        meant => meant?,
    };
    let said = args.order.reference.clone();
    let (order, resumed) = match meant {
        Meant::Key(key) => {
            let kept = way.keeper().old_elsewhere(&session, &key);
            if let Some(out) = &args.out {
                // Where it was then and where it is said to be now.
                kept.iter().chain(&elsewhere).try_for_each(|old| files::check_apart(out, old))?;
            }
            let elsewhere = elsewhere.or(kept);
            let key = of_job(*key, elsewhere.as_ref())?;
            let order = way.keeper().reference(&session, key.id());
            (order, go_on(run, args, &checks, &way, &session, (&key, elsewhere.as_ref())))
        }
        Meant::Order(order) => {
            (order.kept.reference.clone(), go_on_with_order(run, args, &checks, &way, &session, *order))
        }
    };
    resumed.map_err(|error| Reference::name(said.or(order).as_ref(), error))
}

/// Where another program has put the certificate for the key that is named apart from it, writes it beside the key.
fn put_beside(
    run: &Run,
    args: &args::Resume,
    keeper: &Keeper,
    session: &Session,
    checks: &Checks<'_>,
) -> Result<Option<Outcome>> {
    let Some(id) = &args.id else { return Ok(None) };
    let Some(answer) = session.answer_apart(&id.0)? else { return Ok(None) };
    install_response::put_beside(run, session, keeper, checks, &answer)
}

/// The job that is named: by the id, else by the old certificate from elsewhere, where one renews it; else the only one.
fn meant(
    run: &Run,
    keeper: &Keeper,
    session: &Session,
    args: &args::Resume,
    elsewhere: Option<&OldCertificate>,
) -> Result<Meant> {
    let waits = |key: &PendingKey| key.state() == PendingState::AwaitingAnswer;
    if let (None, Some(old)) = (&args.id, elsewhere) {
        match select::pending(run, session, None, |key| waits(key) && key.renews(old.certificate())) {
            // What is wrong with the one that waits is said by it.
            Err(error) if error.code() == Code::PendingNotFound => {}
            key => return Ok(Meant::Key(Box::new(key?))),
        }
    }
    orders::meant(run, keeper, session, args.id.as_ref(), waits)
}

/// An order for the key of a certificate that is in use: its request goes out again, byte for byte.
fn go_on_with_order(
    run: &Run,
    args: &args::Resume,
    checks: &Checks<'_>,
    way: &Way<'_>,
    session: &Session,
    order: OrderInUse,
) -> Result<Outcome> {
    let OrderInUse { kept, old } = order;
    let policy = checks.policy_of_job(Some(&kept));
    // What was begun is finished, also when the window has closed meanwhile.
    let renewal = Renewal::of(&old).policy(&policy).outside_window().beside_pending();
    let renewal = select::formed(renewal, args.form);
    let again = |way, reference| Order { way, reference, kept: Some(kept) };
    match way {
        Way::Write(out, keeper) => {
            let order = again(None, args.order.reference.clone());
            let (pending, request) =
                ask::begin(run, keeper, session, &renewal, Some(&OldCertificate::from(&old)), order)?;
            request::write(run, session, &pending, &request, out, &args.file)
        }
        Way::Ask(visit) => {
            install_response::confirm_shared_id(run, &policy)?;
            let order = again(Some(visit.way()), visit.reference());
            let (pending, request) =
                ask::begin(run, &visit.keeper, session, &renewal, Some(&OldCertificate::from(&old)), order)?;
            finish(run, checks, visit, session, &pending, || Ok(request))
        }
    }
}

/// Installs the answer that came already, or asks for it.
fn finish(
    run: &Run,
    checks: &Checks<'_>,
    visit: &Visit<'_>,
    session: &Session,
    pending: &Pending,
    request: impl FnOnce() -> Result<JournalEntry>,
) -> Result<Outcome> {
    let (installed, kept) = match visit.install_kept(session, pending)? {
        Some(installed) => installed,
        None => visit.ask_and_install(session, pending, &request()?)?,
    };
    let order = visit.reference().or_else(|| visit.keeper.reference(session, pending.key_id()));
    let job = Job { keeper: &visit.keeper, received: Some(&kept), order };
    Ok(install_response::finish(run, session, &installed, &job, checks))
}

fn go_on(
    run: &Run,
    args: &args::Resume,
    checks: &Checks<'_>,
    way: &Way<'_>,
    session: &Session,
    (key, elsewhere): (&PendingKey, Option<&OldCertificate>),
) -> Result<Outcome> {
    let keeper = way.keeper();
    let entry = keeper.entry(session, key.id())?;
    let renewal = session.explained(renewal(args, &checks.policy_of_job(entry.as_ref()), key, elsewhere))?;
    let renewal = match keeper.requested_key(session, key) {
        Some(kept) => renewal.requested_key(&kept),
        None => renewal,
    };
    let resumed = run.job(|call| renewal.resume(session, key, &call));
    let pending = resumed.map_err(|error| name_way_on(error, run, args, way, key))?;
    let reference = match way {
        Way::Write(..) => args.order.reference.clone(),
        Way::Ask(visit) => visit.reference(),
    };
    let again = || ask::request_again(run, keeper, session, &pending, args.sign_again, reference.clone());
    match way {
        Way::Write(out, _) => request::write(run, session, &pending, &again()?, out, &args.file),
        Way::Ask(visit) => finish(run, checks, visit, session, &pending, again),
    }
}

/// Where another caller began the job, names the command that goes on with it all the same: nothing is lost by it.
fn name_way_on(error: Error, run: &Run, args: &args::Resume, way: &Way<'_>, key: &PendingKey) -> Error {
    if error.code() != Code::PendingOfOther {
        return error;
    }
    let line = match way {
        Way::Ask(visit) => visit.resume_key(key),
        Way::Write(out, _) => {
            let line = CommandLine::new("resume", &run.global).any_caller(&run.global, true);
            request::to_file(line.value("--id", Some(&hex(key.id()))), out, &args.file, args.form).end()
        }
    };
    error.fact(Fact::GoOn, line)
}

/// What is done with the request.
enum Way<'a> {
    Write(&'a Path, Keeper),
    Ask(Box<Visit<'a>>),
}

impl Way<'_> {
    fn keeper(&self) -> &Keeper {
        match self {
            Way::Write(_, keeper) => keeper,
            Way::Ask(visit) => &visit.keeper,
        }
    }
}

fn options(args: &args::Resume) -> Options<'_> {
    Options { issuer: &args.issuer, form: args.form, reference: args.order.reference.as_ref() }
}

/// The key, of which it is known which certificate from elsewhere it renews, where one is at hand.
///
/// # Errors
/// [`Code::OldNotOfJob`].
fn of_job(key: PendingKey, elsewhere: Option<&OldCertificate>) -> Result<PendingKey> {
    match elsewhere {
        Some(old) if !key.renews(old.certificate()) => {
            let error = Error::new(Code::OldNotOfJob).fact(Fact::Id, hex(key.id()));
            let error = error.fact(Fact::Serial, old.certificate().serial()).fact(Fact::Place, old.place());
            Err(match key.concerns() {
                Some(serial) => error.fact(Fact::Expected, serial),
                None if key.is_from_elsewhere() => error,
                None => error.fact(Fact::Reason, "first_issue"),
            })
        }
        Some(old) => Ok(key.renewing(old.certificate())),
        None => Ok(key),
    }
}

fn renewal(
    args: &args::Resume,
    policy: &Policy,
    key: &PendingKey,
    elsewhere: Option<&OldCertificate>,
) -> Result<Renewal> {
    let base = match (key.old_credential()?, elsewhere, args.first_subject()) {
        (Some(old), ..) => Renewal::of(&old),
        (None, Some(old), _) => Renewal::of(old),
        (None, None, Some(subject)) => Renewal::first(subject.parse()?),
        (None, None, None) => {
            let error = Error::new(Code::BadArgument).fact(Fact::Expected, "--subject");
            return Err(error.fact(Fact::Id, hex(key.id())));
        }
    };
    Ok(select::formed(base.policy(policy), args.form))
}
