//! Asking the CA for the certificate of a key that waits: nothing that it says is lost, whatever comes after.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use base16ct::lower::encode_string as hex;
use usbtoken::bank::RequestEncoding;
use usbtoken::driver::TokenIdentity;
use usbtoken::error::{Fact, Family, Notice, Step};
use usbtoken::pki::KeyAlgorithm;
use usbtoken::places::OldCertificate;
use usbtoken::renewal::{BegunBy, PendingKey};
use usbtoken::{Code, Credential, Error, Install, Installed, Pending, Renewal, Response, Result, Session};

use super::install_response::{self, Checks};
use super::received::{Received, is_not_kept};
use crate::args::{FormArg, IssuerArgs, KeyArgs};
use crate::issuer::{Failed, Issuer, Question, Reply};
use crate::journal::JournalEntry;
use crate::kept::{Keeper, Kept};
use crate::next_command::CommandLine;
use crate::reference::Reference;
use crate::run::Run;
use crate::words::Words;
use crate::{login, pin};

/// One visit to the CA, with what the command line says about it.
pub struct Visit<'a> {
    run: &'a Run,
    args: &'a IssuerArgs,
    form: Option<FormArg>,
    pub checks: &'a Checks<'a>,
    issuer: Issuer,
    pub keeper: Keeper,
    /// What the helper gave when it showed login ID and password.
    ticket: Option<String>,
    /// The order's reference number, once it is known: from the command line, the journal or the program.
    reference: RefCell<Option<Reference>>,
}

/// The options of a command that asks the CA.
pub struct Options<'a> {
    pub issuer: &'a IssuerArgs,
    pub form: Option<FormArg>,
    pub reference: Option<&'a Reference>,
}

impl<'a> Visit<'a> {
    /// Finds a place for the answer first: a wrong folder should cost nothing.
    ///
    /// # Errors
    /// As [`Keeper::prepare`].
    pub fn prepare(run: &'a Run, options: &Options<'a>, checks: &'a Checks<'a>) -> Result<Self> {
        let Options { issuer: args, form, reference } = *options;
        if let Some(Some(login)) = &args.issuer_login {
            run.check_input(login)?;
        }
        let issuer = Issuer::of(args, run)?;
        let keeper = Keeper::prepare(args.save_answer.as_deref())?;
        let reference = RefCell::new(reference.cloned());
        Ok(Visit { run, args, form, checks, issuer, keeper, ticket: None, reference })
    }

    /// Shows login ID and password to the CA, where that is wanted: before there is a key.
    ///
    /// # Errors
    /// As [`Issuer::authorise`].
    pub fn authorise(&mut self) -> Result<()> {
        let Some(path) = &self.args.issuer_login else { return Ok(()) };
        let login = login::read(path.as_deref(), self.run.lang)?;
        let (ticket, reference) = self.issuer.authorise(&login)?;
        self.ticket = ticket;
        self.know(reference);
        Ok(())
    }

    /// What tells the CA that is asked from others.
    pub fn way(&self) -> String {
        self.issuer.way()
    }

    /// Whether to go on with this job can be no second order: its answer is here already, the CA gave something to ask
    /// again with, this very CA was given this very request before, or the request never left this computer. A request
    /// that a person carries to the CA, or that another computer made, may be on its way.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`] when what is kept of it is damaged.
    pub fn goes_on_by_itself(&self, session: &Session, key: &PendingKey) -> Result<bool> {
        let entry = self.keeper.entry(session, key.id())?;
        Ok(entry.as_ref().is_some_and(|entry| self.was_given(entry))
            || self.keeper.answer_file(session, key).is_some()
            || (entry.is_none() && self.keeper.was_never_sent(session, key)))
    }

    /// The same of an order for the key that the old certificate has.
    pub fn goes_on_with_order(&self, token: &TokenIdentity, order: &JournalEntry, old: &Credential) -> bool {
        let key = old.certificate().public_key();
        self.was_given(order) || self.keeper.has_answer(token, old.id(), key)
    }

    fn was_given(&self, order: &JournalEntry) -> bool {
        order.cookie.is_some() || order.was_asked(&self.issuer.way())
    }

    /// The order's reference number, as far as it is known.
    pub fn reference(&self) -> Option<Reference> {
        self.reference.borrow().clone()
    }

    /// Takes over a reference number that was said later.
    fn know(&self, reference: Option<Reference>) {
        if reference.is_some() {
            self.reference.replace(reference);
        }
    }

    /// Asks the CA and installs what it answers. The key stays on the token when the CA fails.
    pub fn ask_and_install(
        &self,
        session: &Session,
        pending: &Pending,
        entry: &JournalEntry,
    ) -> Result<(Installed, Kept)> {
        let outcome = self.ask(session, pending, entry);
        outcome.map_err(|error| Reference::name(self.reference().as_ref(), error))
    }

    fn ask(&self, session: &Session, pending: &Pending, entry: &JournalEntry) -> Result<(Installed, Kept)> {
        self.run.progress.step(Step::AskIssuer);
        let way = self.issuer.way();
        let entry = &if entry.was_asked(&way) { entry.clone() } else { self.noted(entry.clone(), &way) };
        self.know(entry.reference.clone());
        let known = self.reference();
        let old = pending.old_certificate().map(|old| old.certificate().to_pem());
        let input = match self.run.bank().map(|bank| bank.request_encoding) {
            Some(RequestEncoding::Der) => entry.request_der()?,
            _ => entry.request.as_bytes().to_vec(),
        };
        let question = Question {
            request: &entry.request,
            input: &input,
            old: old.as_deref(),
            cookie: entry.cookie.as_deref().or(self.ticket.as_deref()),
            reference: known.as_ref().map(Reference::as_str),
            again: entry.cookie.is_some(),
        };
        let mut incoming = self.keeper.incoming(session.token().identity(), pending.key_id());
        let (reply, said) = self.issuer.ask(&question, &mut incoming);
        incoming.close();
        self.know(said);
        let entry = self.keeper.with_reference(entry, self.reference());
        match reply {
            Ok(Reply::Answer(answer)) => self.install(session, pending, &answer),
            Ok(Reply::NotYet { cookie, seconds }) => Err(self.not_yet(pending, &entry, cookie, seconds)),
            Err(failed) => Err(self.failed(session, pending, failed)),
        }
    }

    /// Notes, before the CA is asked, that it is: so that a later run asks it again with this request.
    fn noted(&self, entry: JournalEntry, way: &str) -> JournalEntry {
        let noted = entry.with_asked(way);
        // Without the note a person is asked some day whether to go on; that is all.
        let _ = self.keeper.update(&noted);
        noted
    }

    /// Keeps the answer, reads it, and installs it.
    fn install(&self, session: &Session, pending: &Pending, answer: &[u8]) -> Result<(Installed, Kept)> {
        let key_id = pending.key_id();
        let kept = self.keeper.answer(Some((session.token().identity(), key_id)), answer);
        let received = |response| Received { answer, response, file: kept.file(), keeper: &self.keeper };
        let response = install_response::read(self.run, answer).map_err(|error| {
            let received = received(Err(error.code()));
            self.explain(error, session, pending, &kept, &received)
        })?;
        match self.run.job(|call| Install::new(&response).run_for(session, pending, &call)) {
            Ok(installed) => Ok((installed, kept)),
            Err(error) => Err(self.explain(error, session, pending, &kept, &received(Ok(&response)))),
        }
    }

    /// Installs an answer that an earlier run kept for this key, instead of asking the CA once more.
    ///
    /// # Errors
    /// What installing returns, except that the answer itself is refused, and not for the clock: then the CA has to be
    /// asked.
    pub fn install_kept(&self, session: &Session, pending: &Pending) -> Result<Option<(Installed, Kept)>> {
        let key = pending.request().public_key();
        let mut too_late = None;
        for (path, answer) in self.keeper.answers(session, pending.key_id())? {
            let Ok(response) = Response::parse(&answer) else { continue };
            if response.leaf_for(key).is_none() {
                continue;
            }
            let kept = Kept::File(path);
            let error = match self.run.job(|call| Install::new(&response).run_for(session, pending, &call)) {
                Ok(installed) => return Ok(Some((installed, kept))),
                Err(error) => error,
            };
            let is_late = error.code() == Code::CertificateExpired;
            if !is_late && error.code().family() == Family::Answer {
                continue;
            }
            let (response, keeper) = (Ok(&response), &self.keeper);
            let received = Received { answer: &answer, response, file: kept.file(), keeper };
            let error = self.explain(error, session, pending, &kept, &received);
            if !is_late {
                return Err(error);
            }
            too_late = Some(error);
        }
        // Where the clock is wrong the certificate is right, and the CA would take the request for a second order.
        too_late.map_or(Ok(None), Err)
    }

    fn failed(&self, session: &Session, pending: &Pending, failed: Failed) -> Error {
        let Failed { error, output } = failed;
        let key_id = pending.key_id();
        if output.is_empty() {
            return error.fact(Fact::GoOn, self.resume(pending)).fact(Fact::Id, hex(key_id));
        }
        let kept = self.keeper.answer(Some((session.token().identity(), key_id)), &output);
        let read = Response::parse(&output).map_err(|refused| refused.code());
        let (response, keeper) = (read.as_ref().map_err(|code| *code), &self.keeper);
        let received = Received { answer: &output, response, file: kept.file(), keeper };
        self.explain(error, session, pending, &kept, &received)
    }

    fn not_yet(
        &self,
        pending: &Pending,
        entry: &JournalEntry,
        cookie: Option<String>,
        seconds: Option<u64>,
    ) -> Error {
        let error = Error::new(Code::NotYetIssued).during(Step::AskIssuer).fact(Fact::Id, &entry.key_id);
        let error = seconds.into_iter().fold(error, |error, seconds| error.fact(Fact::Seconds, seconds));
        // A helper that gives none when it is asked again means the one that it was given.
        let cookie = cookie.or_else(|| entry.cookie.clone());
        let error = match cookie {
            Some(cookie) if entry.cookie.as_ref() != Some(&cookie) => {
                match self.keeper.update(&entry.clone().with_cookie(Some(cookie.clone()))) {
                    Ok(()) => error,
                    // No one could ask again without it.
                    Err(_) => error.fact(Fact::Detail, format_args!("cookie: {cookie}")),
                }
            }
            _ => error,
        };
        error.fact(Fact::GoOn, self.resume(pending))
    }

    /// Adds the key that waits, and the command that goes on: with the answer, where it is one.
    fn explain(
        &self,
        error: Error,
        session: &Session,
        pending: &Pending,
        kept: &Kept,
        received: &Received<'_>,
    ) -> Error {
        let id = hex(pending.key_id());
        let error = received.explain(kept.name(error, self.run.lang), self.run, session, self.checks);
        // What is too large has to be made smaller by a person, and where the key is gone nothing goes on.
        let ends_here = matches!(error.code(), Code::AnswerTooLarge | Code::PendingNotFound);
        let is_open = !ends_here && !is_not_kept(&error);
        let goes_on = error.facts().any(|(fact, _)| fact == Fact::GoOn);
        let error = if goes_on || !is_open { error } else { error.fact(Fact::GoOn, self.resume(pending)) };
        if error.facts().any(|(fact, _)| fact == Fact::Id) { error } else { error.fact(Fact::Id, id) }
    }

    fn resume(&self, pending: &Pending) -> String {
        let line = match pending.key() {
            Some(_) => CommandLine::new("resume", &self.run.global),
            None => CommandLine::new("renew", &self.run.global).flag("--resume", true),
        };
        self.go_on(line, pending.key_id())
    }

    /// The command that goes on with an order for the key that the old certificate has.
    pub fn go_on_with_order(&self, old: &Credential) -> String {
        self.go_on(CommandLine::new("renew", &self.run.global).flag("--resume", true), old.id())
    }

    /// The command that renews although another certificate seems to take this one's place.
    pub fn renew_although(&self, old: &Credential, key: &KeyArgs) -> String {
        let line = CommandLine::new("renew", &self.run.global).flag("--although-renewed", true);
        self.on(line.key(key).certificate(old, true))
    }

    /// The command that goes on with a key that waits, whoever began its job.
    pub fn resume_key(&self, key: &PendingKey) -> String {
        let line = CommandLine::new("resume", &self.run.global);
        self.go_on(line.any_caller(&self.run.global, is_of_other(key)), key.id())
    }

    fn go_on(&self, line: CommandLine, key_id: &[u8]) -> String {
        self.on(line.value("--id", Some(&hex(key_id))))
    }

    fn on(&self, line: CommandLine) -> String {
        self.checks.on(line.issuer(self.args, self.form)).end()
    }
}

/// Whether a page or another program began the job: the command goes on with it where that is said.
pub fn is_of_other(key: &PendingKey) -> bool {
    matches!(key.begun_by(), BegunBy::Page | BegunBy::Program)
}

/// The request of a job that is resumed: the one that was made first, or one that cannot be told from it. A CA takes
/// any other for a second order, so a person has to want it.
///
/// # Errors
/// [`Code::RequestWouldDiffer`]; [`Code::JournalUnusable`] when what is kept is damaged.
pub fn request_again(
    run: &Run,
    keeper: &Keeper,
    session: &Session,
    pending: &Pending,
    sign_again: bool,
    reference: Option<Reference>,
) -> Result<JournalEntry> {
    let key = pending.request().public_key();
    let by_old_key = pending.renewal_request().is_some();
    if let Some(entry) = keeper.entry(session, pending.key_id())?
        && entry.is_for(key)
        && entry.signed_by_old_key == by_old_key
    {
        return Ok(keeper.with_reference(&entry, reference));
    }
    // RSASSA-PKCS1-v1_5 (RFC 8017 §8.2) has one signature for one content; ECDSA draws a new one each time.
    let same_bytes = matches!(key.algorithm(), KeyAlgorithm::Rsa { .. }) && !by_old_key;
    let ask = || {
        let interactive = !run.global.json && pin::is_terminal();
        interactive && pin::confirmed(&Words::ConfirmSignAgain.text(run.lang))
    };
    let unsent = || pending.key().is_some_and(|key| keeper.was_never_sent(session, key));
    if same_bytes || sign_again || unsent() || ask() {
        let request = keep_request(run, keeper, session, pending, Order { way: None, reference, kept: None });
        let old = pending.old_certificate().map(OldCertificate::certificate);
        keeper.forget_begin(session.token().identity(), old);
        return Ok(request);
    }
    let id = hex(pending.key_id());
    Err(Error::new(Code::RequestWouldDiffer).during(Step::SignRequest).fact(Fact::Id, id))
}

/// That an order for the key of the old certificate waits: a second one would be paid for twice.
pub fn order_waits(order: &JournalEntry, old: &Credential) -> Error {
    let error = Error::new(Code::PendingExists).during(Step::Preflight).fact(Fact::Id, hex(old.id()));
    Reference::name(order.reference.as_ref(), error.fact(Fact::Date, &order.since))
}

/// What is kept of an order beside its request.
pub struct Order {
    /// The CA that is given it; none where that is left to a person.
    pub way: Option<String>,
    /// The number under which the CA knows it, where that is known.
    pub reference: Option<Reference>,
    /// What an earlier run kept of it, where it is for the key that the old certificate has: that request goes out again.
    pub kept: Option<JournalEntry>,
}

/// Makes the key and keeps its request, with the CA that will be given it, where that is not left to a person.
///
/// # Errors
/// As [`Renewal::begin`].
pub fn begin(
    run: &Run,
    keeper: &Keeper,
    session: &Session,
    renewal: &Renewal,
    old: Option<&OldCertificate>,
    order: Order,
) -> Result<(Pending, JournalEntry)> {
    let token = session.token().identity();
    let (noted, shown) = (AtomicBool::new(false), &run.progress);
    let progress = |step| {
        // Not before: an older note may be about a key that waits already.
        if step == Step::GenerateKeyPair {
            keeper.note_begin(token, old, SystemTime::now());
            noted.store(true, Ordering::Relaxed);
        }
        shown.step(step);
    };
    let begun = run.job_telling(&progress, |call| renewal.begin(session, &call.passed(keeper.passed())));
    let begun = begun.map(|pending| {
        // What the token shows is known without.
        let has_failed = keeper.keep_label(token, &pending).is_err();
        if has_failed && pending.label_not_taken().is_some() {
            run.tell(&[Notice::RequestNotKept.into()]);
        }
        let request = match &order.kept {
            Some(kept) if pending.key().is_none() => keeper.with_reference(kept, order.reference),
            _ => keep_request(run, keeper, session, &pending, order),
        };
        (pending, request)
    });
    let key_stays = matches!(&begun, Err(error) if may_leave_key(error));
    if noted.into_inner() && !key_stays {
        keeper.forget_begin(token, old.map(OldCertificate::certificate));
    }
    begun
}

/// Whether a key may be there all the same, whose request was not sent: token, login or driver are lost, so that it could not be
/// removed again.
fn may_leave_key(error: &Error) -> bool {
    let is_in_call = || error.facts().any(|(fact, _)| fact == Fact::Function);
    match error.code() {
        Code::DriverCrashed | Code::DriverTimeout | Code::DriverAsksAtTerminal => true,
        Code::Cancelled => is_in_call(),
        code => code.family() == Family::Gone,
    }
}

/// Keeps a request that was just signed; where that cannot be, the person should know.
fn keep_request(
    run: &Run,
    keeper: &Keeper,
    session: &Session,
    pending: &Pending,
    order: Order,
) -> JournalEntry {
    let entry = JournalEntry::of(session.token().identity(), pending).with_reference(order.reference);
    let entry = order.way.iter().fold(entry, |entry, way| entry.with_asked(way));
    if keeper.update(&entry).is_err() {
        run.tell(&[Notice::RequestNotKept.into()]);
    }
    entry
}
