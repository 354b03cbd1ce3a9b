//! Asking the CA for the certificate of a key that waits: nothing that it says is lost, whatever comes after.

use std::cell::Cell;
use std::path::Path;

use base16ct::lower::encode_string as hex;
use usbtoken::error::{Fact, Family, Notice, Step};
use usbtoken::pki::KeyAlgorithm;
use usbtoken::renewal::{JournalEntry, PendingKey};
use usbtoken::{Code, Credential, Error, Installed, Pending, Renewal, Response, Result, Session};

use super::install_response::Checks;
use crate::args::{FormArg, IssuerArgs};
use crate::issuer::{Failed, Issuer, Question, Reply, first_line};
use crate::kept::{Keeper, Kept};
use crate::next_command::CommandLine;
use crate::run::Run;
use crate::words::Words;
use crate::{login, pin};

/// One visit to the CA, with what the command line says about it.
pub struct Visit<'a> {
    run: &'a Run,
    args: &'a IssuerArgs,
    form: FormArg,
    checks: &'a Checks<'a>,
    retire_old: bool,
    issuer: Issuer,
    pub keeper: Keeper,
    /// What the helper gave when it showed login ID and password.
    ticket: Option<String>,
}

/// The options of a command that asks the CA.
pub struct Options<'a> {
    pub issuer: &'a IssuerArgs,
    pub form: FormArg,
    pub retire_old: bool,
}

impl<'a> Visit<'a> {
    /// Finds a place for the answer first: a wrong folder should cost nothing.
    ///
    /// # Errors
    /// As [`Keeper::prepare`].
    pub fn prepare(run: &'a Run, options: &Options<'a>, checks: &'a Checks<'a>) -> Result<Self> {
        let Options { issuer: args, form, retire_old } = *options;
        if let Some(Some(login)) = &args.issuer_login {
            run.check_input(login)?;
        }
        let issuer = Issuer::of(args, run)?;
        let keeper = Keeper::prepare(args.save_answer.as_deref())?;
        Ok(Visit { run, args, form, checks, retire_old, issuer, keeper, ticket: None })
    }

    /// Shows login ID and password to the CA, where that is wanted: before there is a key.
    ///
    /// # Errors
    /// As [`Issuer::authorise`].
    pub fn authorise(&mut self) -> Result<()> {
        let Some(path) = &self.args.issuer_login else { return Ok(()) };
        let login = login::read(path.as_deref(), self.run.lang)?;
        self.ticket = self.issuer.authorise(&login)?;
        Ok(())
    }

    /// Asks the CA and installs what it answers. The key stays on the token when the CA fails.
    pub fn ask_and_install(
        &self,
        session: &Session,
        pending: &Pending,
        entry: &JournalEntry,
    ) -> Result<(Installed, Kept)> {
        self.run.progress.step(Step::AskIssuer);
        let old = pending.old().map(|old| old.certificate().to_pem());
        let question = Question {
            request: entry.request(),
            old: old.as_deref(),
            cookie: entry.cookie().or(self.ticket.as_deref()),
            again: entry.cookie().is_some(),
        };
        let mut incoming = self.keeper.incoming(session.token().identity(), pending.key().id());
        match self.issuer.ask(&question, &mut incoming) {
            Ok(Reply::Answer(answer)) => self.install(session, pending, &answer),
            Ok(Reply::NotYet { cookie, seconds }) => Err(self.not_yet(entry, cookie, seconds)),
            Err(failed) => Err(self.failed(session, pending.key(), failed)),
        }
    }

    fn install(&self, session: &Session, pending: &Pending, answer: &[u8]) -> Result<(Installed, Kept)> {
        let kept = self.keeper.answer(Some((session.token().identity(), pending.key().id())), answer);
        match self.checks.install(answer, self.run).run_for(session, pending) {
            Ok(installed) => Ok((installed, kept)),
            Err(error) => Err(self.explain(error, session, pending.key(), &kept, answer)),
        }
    }

    /// Installs an answer that an earlier run kept for this key, instead of asking the CA once more.
    ///
    /// # Errors
    /// What installing returns, except that the answer itself is refused, and not for the clock: then the CA has to be
    /// asked.
    pub fn install_kept(&self, session: &Session, pending: &Pending) -> Result<Option<(Installed, Kept)>> {
        let key = pending.request().public_key();
        let is_for_key = |answer: &[u8]| Response::parse(answer).is_ok_and(|it| it.leaf_for(key).is_some());
        let mut too_late = None;
        for (path, answer) in self.keeper.answers(session, pending.key())? {
            if !is_for_key(&answer) {
                continue;
            }
            let kept = Kept::File(path);
            match self.checks.install(&answer, self.run).run_for(session, pending) {
                Ok(installed) => return Ok(Some((installed, kept))),
                Err(error) if error.code() == Code::CertificateExpired => {
                    too_late = Some(self.explain(error, session, pending.key(), &kept, &answer));
                }
                Err(error) if error.code().family() == Family::Answer => {}
                Err(error) => return Err(self.explain(error, session, pending.key(), &kept, &answer)),
            }
        }
        // Where the clock is wrong the certificate is right, and the CA would take the request for a second order.
        too_late.map_or(Ok(None), Err)
    }

    fn failed(&self, session: &Session, key: &PendingKey, failed: Failed) -> Error {
        let Failed { error, output } = failed;
        if output.is_empty() {
            let id = hex(key.id());
            return error.fact(Fact::GoOn, self.resume(&id)).fact(Fact::Id, id);
        }
        let kept = self.keeper.answer(Some((session.token().identity(), key.id())), &output);
        self.explain(error, session, key, &kept, &output)
    }

    fn not_yet(&self, entry: &JournalEntry, cookie: Option<String>, seconds: Option<u64>) -> Error {
        let error = Error::new(Code::NotYetIssued).during(Step::AskIssuer).fact(Fact::Id, entry.key_id());
        let error = seconds.into_iter().fold(error, |error, seconds| error.fact(Fact::Seconds, seconds));
        // A helper that gives none when it is asked again means the one that it was given.
        let cookie = cookie.or_else(|| entry.cookie().map(str::to_owned));
        let error = match cookie {
            Some(cookie) if entry.cookie() != Some(&cookie) => {
                match self.keeper.update(&entry.clone().with_cookie(Some(cookie.clone()))) {
                    Ok(()) => error,
                    // No one could ask again without it.
                    Err(_) => error.fact(Fact::Detail, format_args!("cookie: {cookie}")),
                }
            }
            _ => error,
        };
        error.fact(Fact::GoOn, self.resume(entry.key_id()))
    }

    /// Adds the key that waits, and the command that goes on: with the answer, where it is one.
    fn explain(
        &self,
        error: Error,
        session: &Session,
        key: &PendingKey,
        kept: &Kept,
        answer: &[u8],
    ) -> Error {
        let id = hex(key.id());
        let received = Received { answer, file: kept.file(), keeper: &self.keeper };
        let error = received.explain(
            kept.name(error, self.run.lang),
            self.run,
            session,
            self.checks,
            self.retire_old,
        );
        let goes_on = error.facts().any(|(fact, _)| fact == Fact::GoOn);
        let error = if goes_on { error } else { error.fact(Fact::GoOn, self.resume(&id)) };
        if error.facts().any(|(fact, _)| fact == Fact::Id) { error } else { error.fact(Fact::Id, id) }
    }

    fn resume(&self, key_id: &str) -> String {
        let line = CommandLine::new("resume", &self.run.global).value("--id", Some(key_id));
        self.checks.on(line.issuer(self.args, self.form), self.retire_old).end()
    }
}

/// An answer that was refused, and where it is.
pub struct Received<'a> {
    pub answer: &'a [u8],
    pub file: Option<&'a Path>,
    pub keeper: &'a Keeper,
}

impl Received<'_> {
    /// Says more about the refusal: what the answer looks like when it is none, whose it is when it is another
    /// token's, and the command that goes on with it.
    pub fn explain(
        &self,
        error: Error,
        run: &Run,
        session: &Session,
        checks: &Checks<'_>,
        retire_old: bool,
    ) -> Error {
        if let Err(refused) = Response::parse(self.answer) {
            let error = described(error, self.answer);
            return match self.file {
                // What was wanted may be in it: the CA is not to be asked again for that.
                Some(file) if refused.code() == Code::AnswerTooLarge => {
                    let line = checks.on(CommandLine::new("install", &run.global), retire_old);
                    error.fact(Fact::GoOn, line.word(&file.to_string_lossy()).end())
                }
                _ => error,
            };
        }
        let other = self.keeper.other_token(&error, session, self.answer);
        let line = match &other {
            Some(entry) => CommandLine::on_token("install", &run.global, entry.token()),
            None => CommandLine::new("install", &run.global),
        };
        let error = match &other {
            Some(entry) => Error::new(Code::AnswerForOtherToken)
                .during(Step::CheckCertificate)
                .fact(Fact::Token, entry.token())
                .fact(Fact::Id, entry.key_id())
                .fact(Fact::Date, entry.since())
                .caused_by(error),
            None => error,
        };
        match self.file {
            // The same file again would be no help.
            _ if matches!(error.code(), Code::AlreadyInstalled | Code::CertificateNotAwaited) => error,
            // What is only on standard error is given back on standard input.
            file => {
                let file = file.map_or("-".into(), Path::to_string_lossy);
                error.fact(Fact::GoOn, checks.on(line, retire_old).word(&file).end())
            }
        }
    }
}

/// Adds what a person recognises something by that is no answer: a page of a web server, a word of a program.
pub fn described(error: Error, answer: &[u8]) -> Error {
    if error.facts().any(|(fact, _)| fact == Fact::Size) {
        return error;
    }
    let error = error.fact(Fact::Size, answer.len());
    match first_line(answer) {
        line if line.is_empty() => error,
        line => error.fact(Fact::FirstLine, line),
    }
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
    form: FormArg,
    sign_again: bool,
) -> Result<JournalEntry> {
    let key = pending.request().public_key();
    if let Some(entry) = keeper.entry(session, pending.key())?
        && entry.is_for(key)
        && entry.signed_by_old_key() == (form == FormArg::Cms)
    {
        return Ok(entry);
    }
    // RSASSA-PKCS1-v1_5 (RFC 8017 §8.2) has one signature for one content; ECDSA draws a new one each time.
    let same_bytes = matches!(key.algorithm(), KeyAlgorithm::Rsa { .. }) && form == FormArg::Pkcs10;
    let ask = || {
        let interactive = !run.global.json && pin::is_terminal();
        interactive && pin::confirmed(&Words::ConfirmSignAgain.text(run.lang))
    };
    let unsent = || keeper.was_never_sent(session, pending.key());
    if same_bytes || sign_again || unsent() || ask() {
        let request = keep_request(run, keeper, session, pending);
        keeper.forget_begin(session.token().identity(), pending.old());
        return Ok(request);
    }
    let id = hex(pending.key().id());
    Err(Error::new(Code::RequestWouldDiffer).during(Step::SignRequest).fact(Fact::Id, id))
}

/// Makes the key and keeps its request.
///
/// # Errors
/// As [`Renewal::begin`].
pub fn begin(
    run: &Run,
    keeper: &Keeper,
    session: &Session,
    renewal: &Renewal<'_>,
    old: Option<&Credential>,
) -> Result<(Pending, JournalEntry)> {
    let token = session.token().identity();
    let noted = Cell::new(false);
    let progress = |step| {
        // Not before: an older note may be about a key that waits already.
        if step == Step::GenerateKeyPair {
            keeper.note_begin(token, old, run.now());
            noted.set(true);
        }
        run.progress.step(step);
    };
    let begun = renewal.clone().progress(&progress).begin(session);
    let begun = begun.map(|pending| {
        let request = keep_request(run, keeper, session, &pending);
        (pending, request)
    });
    if noted.get() {
        keeper.forget_begin(token, old);
    }
    begun
}

/// Keeps a request that was just signed; where that cannot be, the person should know.
fn keep_request(run: &Run, keeper: &Keeper, session: &Session, pending: &Pending) -> JournalEntry {
    let entry = JournalEntry::of(session.token().identity(), pending);
    if keeper.update(&entry).is_err() {
        run.tell(&[Notice::RequestNotKept.into()]);
    }
    entry
}
