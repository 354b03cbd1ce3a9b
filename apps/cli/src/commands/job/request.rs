//! `usbtoken request`: the first half of a renewal, or of a first issue.

use std::path::Path;

use base16ct::lower::{decode_vec, encode_string as hex};
use serde_json::json;
use usbtoken::bank::KeyRule;
use usbtoken::error::{Fact, Step};
use usbtoken::pki::Name;
use usbtoken::places::OldCertificate;
use usbtoken::{Code, Credential, Credentials, Error, Pending, Renewal, Result, Session};

use super::ask::{self, Order};
use crate::args::{self, FormArg, FormatArg, Hex, OutArgs};
use crate::commands::chosen::{self, Access};
use crate::commands::{from, select};
use crate::files;
use crate::journal::JournalEntry;
use crate::kept::Keeper;
use crate::next_command::CommandLine;
use crate::output::view;
use crate::output::{Outcome, notices_json, notices_text};
use crate::run::Run;
use crate::words::Words;

/// Makes the key and writes the request.
pub fn run(run: &Run, args: &args::Request) -> Result<Outcome> {
    files::check_writable(&args.out, args.file.overwrite)?;
    files::check_no_input(&args.out, run.global.pin_file.iter().chain(&args.old.from_password))?;
    Keeper::of_user().check_apart(&args.out)?;
    let subject = args.subject.as_deref().map(first_subject).transpose()?;
    let elsewhere = from::old(run, &args.old, &args.which)?;
    elsewhere.as_ref().map_or(Ok(()), |old| files::check_apart(&args.out, old))?;
    // Reserved before its certificates are read, so that no one renews what is about to be renewed here.
    let token = elsewhere.as_ref().map_or_else(|| run.token(), |old| from::onto(run, old));
    // The session is the last to hold the driver, so it ends with C_Finalize alone.
    let reserved = token?.reserve()?;
    let (base, old, access) = match (subject, &elsewhere) {
        // What is named would be ignored.
        (Some(_), _) if reserved.token().found_by().names_object() => {
            let error = Error::new(Code::BadArgument).fact(Fact::Found, reserved.token().found_by());
            return Err(error.fact(Fact::Reason, "first_names_no_object"));
        }
        (Some(subject), _) => (Renewal::first(subject), None, Access::Reserved(reserved)),
        (None, Some(old)) => {
            run.renews(old.certificate());
            (Renewal::of(old), None, Access::Reserved(reserved))
        }
        (None, None) => {
            let found_by = reserved.token().found_by().clone();
            let choice = |all: Credentials| {
                select::credential(all.named_by(&found_by)?, &args.which, args.key.force, run)
            };
            let is_named = args.which.is_given() || found_by.names_object();
            let (old, access) = chosen::choose(run, reserved, is_named, choice)?;
            run.renews(old.certificate());
            (Renewal::of(&old), Some(old), access)
        }
    };
    request(run, args, elsewhere, (base, old, access))
}

/// Makes the request for what was chosen.
fn request(
    run: &Run,
    args: &args::Request,
    elsewhere: Option<OldCertificate>,
    (base, old, access): (Renewal, Option<Credential>, Access),
) -> Result<Outcome> {
    let keeper = Keeper::of_user();
    let token = access.token().identity();
    let on_token = old.clone().map(OldCertificate::from);
    let renewed = on_token.and_then(|old| from::renewed_onto_other(run, access.token(), &old, &args.key));
    if let Some((other, by)) = renewed {
        let error = Error::new(Code::AlreadyRenewed).during(Step::Preflight).fact(Fact::Token, other);
        let error = error.fact(Fact::Candidate, format_args!("{} (serial {})", by.subject(), by.serial()));
        return Err(error.fact(Fact::Date, run.policy().window.opens_on(by.not_after())));
    }
    let old_if_waits = old.as_ref().filter(|old| old.successor().is_none());
    let kept = old_if_waits.map(|old| keeper.order_for_key_of(token, old)).transpose()?.flatten();
    let mut policy = select::policy(run, &args.key, args.require_proof);
    if let (Some(order), Some(old)) = (&kept, &old) {
        if policy.key != KeyRule::OldAgain {
            let line = again(run, args, old.id(), false);
            return Err(ask::order_waits(order, old).fact(Fact::GoOn, line.end()));
        }
        policy.proof = policy.proof.max(order.demands.proof);
    }
    let renewal = select::formed(select::forced(base, &args.key).policy(&policy), args.form);
    let call = run.call().passed(keeper.passed());
    let preflight = renewal.preflight_before_login(access.token(), &call);
    run.tell(&run.accepted_or_asked(preflight).into_notices()?);
    let session = access.login(run)?;
    let order = Order { way: None, reference: args.order.reference.clone(), kept };
    let renewed = elsewhere.clone().or_else(|| old.clone().map(OldCertificate::from));
    let begun = ask::begin(run, &keeper, &session, &renewal, renewed.as_ref(), order);
    let key_missing = |error: &Error| error.code() == Code::KeyMissing;
    if let Some(old) = old.as_ref().filter(|_| begun.as_ref().err().is_some_and(key_missing))
        && let Some(another) = select::another(&session, old.certificate(), &args.which, args.key.force, run)?
    {
        run.renews(another.certificate());
        let chosen = (Renewal::of(&another), Some(another), Access::LoggedIn(session));
        return request(run, args, elsewhere, chosen);
    }
    let named = |error| {
        let error = name_waiting(error, &session, &keeper, run, args);
        old.iter().fold(error, |error, old| name_way_on(error, run, args, old))
    };
    let (pending, request) = begun.map_err(named)?;
    write(run, &session, &pending, &request, &args.out, &args.file)
}

/// Where what takes its place is doubtful, names the command that goes on if it is wrong.
fn name_way_on(error: Error, run: &Run, args: &args::Request, old: &Credential) -> Error {
    if !matches!(error.code(), Code::SuccessorDoubtful | Code::RenewedForAnother) {
        return error;
    }
    let line = CommandLine::new("request", &run.global).flag("--although-renewed", true).key(&args.key);
    error.fact(Fact::GoOn, to_file(line.certificate(old, true), &args.out, &args.file, args.form).end())
}

/// The command that writes the request of a key that waits, or of an order for the key in use.
fn again(run: &Run, args: &args::Request, id: &[u8], of_other: bool) -> CommandLine {
    let line = CommandLine::new("resume", &run.global).any_caller(&run.global, of_other);
    to_file(line.value("--id", Some(&hex(id))), &args.out, &args.file, args.form)
}

/// Where the request of this job, or its beginning, waits for its answer: names the command that writes that request again. A first
/// certificate's is named where it is for the same name.
fn name_waiting(error: Error, session: &Session, keeper: &Keeper, run: &Run, args: &args::Request) -> Error {
    let id = error.facts().find(|(fact, _)| *fact == Fact::Id).and_then(|(_, id)| decode_vec(id).ok());
    let key = id.and_then(|id| select::pending(run, session, Some(&Hex(id)), |_| true).ok());
    let Some(key) = key.filter(|_| error.code() == Code::PendingExists) else { return error };
    if !select::may_be_offered(session, keeper, &key) {
        return error;
    }
    let line = again(run, args, key.id(), ask::is_of_other(&key));
    let Some(subject) = &args.subject else { return error.fact(Fact::GoOn, line.end()) };
    let kept = keeper.entry(session, key.id()).ok().flatten();
    match kept.and_then(|entry| entry.subject()) {
        Some(name) if first_subject(subject).is_ok_and(|subject| subject == name) => {
            error.fact(Fact::GoOn, line.value("--subject", Some(subject)).end())
        }
        Some(other) => error.fact(Fact::Subject, other),
        None => error,
    }
}

/// Adds the file for the request, and what was said of its form.
pub fn to_file(line: CommandLine, out: &Path, file: &OutArgs, form: Option<FormArg>) -> CommandLine {
    let line = line.path("--out", Some(out)).flag("--overwrite", file.overwrite);
    let format = file.format.map(|format| match format {
        FormatArg::Pem => "pem",
        FormatArg::Der => "der",
    });
    line.value("--format", format).form(form)
}

/// The name for a first certificate, within the bounds of X.520: a CA would refuse it after the key was made.
fn first_subject(text: &str) -> Result<Name> {
    let name: Name = text.parse()?;
    name.check_bounds()?;
    Ok(name)
}

/// Writes the request of a pending key to a file or to standard output.
pub fn write(
    run: &Run,
    session: &Session,
    pending: &Pending,
    request: &JournalEntry,
    out: &Path,
    file: &OutArgs,
) -> Result<Outcome> {
    let pem = &request.request;
    let bytes = match file.format {
        Some(FormatArg::Der) => request.request_der()?,
        Some(FormatArg::Pem) | None => pem.as_bytes().to_vec(),
    };
    let to_stdout = files::is_standard(out);
    if !to_stdout {
        files::write(out, &bytes, file.overwrite).map_err(|error| {
            let unwritten = error
                .facts()
                .fold(unwritten(run, pending, file), |unwritten, (fact, value)| unwritten.fact(fact, value));
            unwritten.caused_by(error)
        })?;
    }
    let mut notices = run.noted();
    notices.extend(pending.notices().iter().cloned());
    let token = session.token().identity();
    let old = pending.old().map(|old| view::Credential::of(token, old, None, run.when()));
    let elsewhere = pending.old_certificate().filter(|old| old.on_token().is_none());
    let json = run.for_programs(|| {
        json!({
            "file": (!to_stdout).then(|| out.display().to_string()),
            "request_pem": pem,
            "pending_id": hex(pending.key_id()),
            "replaces": old,
            "from": elsewhere.as_ref().map(|old| view::Elsewhere::of(old, run.when())),
            "key_reused": pending.key().is_none(),
            "proof": pending.proof(),
            "reference": request.reference,
            "notices": notices_json(&notices, run.tongue()),
        })
    });
    let name = out.display().to_string();
    let order = request.reference.as_ref();
    let order = order.map(|order| format!("\n  {} = {order}", Fact::Reference.label(run.lang)));
    let text = format!(
        "{}{}\n{}{}",
        Words::RequestWritten(&usbtoken::text::printable(&name)).text(run.lang),
        order.unwrap_or_default(),
        Words::SendRequest.text(run.lang),
        notices_text(&run.untold(&notices), run.tongue())
    );
    let mut outcome = Outcome::new(text, json);
    outcome.raw = (to_stdout && !run.global.json).then_some(bytes);
    outcome.if_unprinted = Some(if to_stdout {
        unwritten(run, pending, file)
    } else {
        Error::new(Code::ResultNotPrinted).fact(Fact::Id, hex(pending.key_id()))
    });
    Ok(outcome)
}

/// The key is on the token, its request is nowhere: which key it is, and the command that writes its request.
fn unwritten(run: &Run, pending: &Pending, file: &OutArgs) -> Error {
    let id = hex(pending.key_id());
    let line = CommandLine::new("resume", &run.global)
        .value("--id", Some(&id))
        .value("--out", Some("request.pem"))
        .value("--format", (file.format == Some(FormatArg::Der)).then_some("der"))
        .value("--form", pending.renewal_request().map(|_| "cms"));
    Error::new(Code::RequestNotWritten)
        .during(Step::SignRequest)
        .fact(Fact::Id, id)
        .fact(Fact::GoOn, line.end())
}
