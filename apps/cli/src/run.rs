//! What every command needs: the language, the token, the session, the time.

mod jobs;
mod pins;

use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use usbtoken::bank::{Bank, Installed, Override};
use usbtoken::driver::{Deadlines, Loading, Reservation, TokenIdentity};
use usbtoken::error::{Fact, Notice, Step, Warning};
use usbtoken::pki::Window;
use usbtoken::renewal::{Caller, PointResult, Preflight};
use usbtoken::text::Lang;
use usbtoken::{Cancel, Certificate, Code, Error, Finder, Pin, Policy, Result, Session, Token, TokenUri};

use crate::args::{Command, Drivers, Global};
use crate::kept::Keeper;
use crate::output::progress::Progress;
use crate::pin::Found;
use crate::pin::mark::Sent;
use crate::words::{Tongue, Words};
use crate::{files, output, pin};

/// One run of the command.
pub struct Run {
    pub global: Global,
    pub lang: Lang,
    pub progress: Progress,
    /// When it began.
    began: SystemTime,
    told: RefCell<Vec<Notice>>,
    /// What the owner of a PIN should know of the place that it came from.
    remarks: RefCell<Vec<Warning>>,
    /// What was found out before there is a result, for programs that read the result.
    noted: RefCell<Vec<Warning>>,
    bank: Option<Bank>,
    /// Whether this command may log in.
    pub may_log_in: bool,
    /// The variable that has the new PIN.
    pub new_pin_env: Option<String>,
    /// Whether this command goes on with what may have been begun on any token that was named.
    goes_on: bool,
    /// The PIN, where no person is asked for it, from when it was read until it is used.
    pin: RefCell<Option<Result<Pin>>>,
    pin_was_read: Cell<bool>,
    /// Whether the person wants the PIN sent although the token states that it is locked.
    lock_accepted: Cell<bool>,
    /// Whether it was said that a change of the PIN was interrupted.
    change_told: Cell<bool>,
    /// The token that was logged in to, or was to be.
    at: RefCell<Option<TokenIdentity>>,
    /// The serial number of the certificate that is renewed.
    renews: RefCell<Option<String>>,
    /// Certificates whose renewal onto another token is there no more.
    not_renewed: RefCell<Vec<Certificate>>,
}

impl Run {
    /// A run.
    pub fn new(global: Global) -> Self {
        let lang = global.lang.unwrap_or_else(Lang::from_env);
        let progress = Progress::new(lang, global.verbose);
        Run {
            global,
            lang,
            progress,
            began: SystemTime::now(),
            told: RefCell::default(),
            remarks: RefCell::default(),
            bank: None,
            may_log_in: false,
            new_pin_env: None,
            goes_on: false,
            pin: RefCell::default(),
            pin_was_read: Cell::default(),
            lock_accepted: Cell::default(),
            change_told: Cell::default(),
            at: RefCell::default(),
            renews: RefCell::default(),
            not_renewed: RefCell::default(),
            noted: RefCell::default(),
        }
    }

    /// Notes that what this computer keeps of a renewal of this certificate onto another token counts no more.
    pub fn renewal_is_gone(&self, old: &Certificate) {
        self.not_renewed.borrow_mut().push(old.clone());
    }

    /// Notes which certificate is renewed: errors name the order that waits for it.
    pub fn renews(&self, old: &Certificate) {
        self.renews.replace(Some(old.serial().to_string()));
    }

    /// Names with an error the orders that it may be about, where this command goes on with one or makes one.
    pub fn name_orders(&self, error: Error, command: &Command) -> Error {
        let (at, renews) = (self.at.borrow(), self.renews.borrow());
        let is_one = match command {
            Command::Renew(_) | Command::Request(_) => at.is_some() && renews.is_some(),
            Command::Resume(_) | Command::Install(_) | Command::Abandon(_) | Command::Pending(_) => true,
            _ => false,
        };
        let confined = self.global.drivers.confinement().is_some() && of_driver(&error);
        let error = if confined { error.fact(Fact::Reason, "driver_is_confined") } else { error };
        if is_one { Keeper::of_user().name_orders(error, at.as_ref(), renews.as_deref()) } else { error }
    }

    /// Reads the PIN before any driver runs, where it comes from no person: drivers close what they did not open.
    fn read_pin_ahead(&self) {
        if !self.may_log_in || self.pin_was_read.replace(true) {
            return;
        }
        self.pin.replace(self.read_pin(&pin::Source::of(&self.global)));
    }

    /// Reads a PIN that no person is asked for; `None` where one is.
    pub fn read_pin(&self, source: &pin::Source) -> Option<Result<Pin>> {
        source.read().map(|found| {
            let Found { pin, remarks } = found?;
            self.remark(remarks);
            Ok(pin)
        })
    }

    /// Reads the profile of the bank whose rules hold: the one that is named, or the only one that is installed. The
    /// command line is held against it, and what it leaves out is filled in.
    ///
    /// # Errors
    /// What is wrong with the profile; `ProfileAmbiguous` when several are installed and none is named; `OverrideRefused`
    /// for an option that the bank forbids.
    pub fn choose_bank(&mut self, command: &mut Command) -> Result<()> {
        self.goes_on = goes_on(command);
        self.bank = match self.global.bank.as_deref() {
            Some(file) if file.contains(['/', '\\']) || file.ends_with(".toml") => {
                let bank = Bank::open(Path::new(file))?;
                self.installed().admit(&bank)?;
                Some(bank)
            }
            Some(name) => Some(self.installed().named(name)?),
            None if command.needs_bank() => self.installed().only()?,
            None => None,
        };
        if let Some(bank) = &self.bank {
            command.obey(bank)?;
        }
        command.check_issuer()
    }

    /// The language, with the bank's word for the PIN.
    pub fn tongue(&self) -> Tongue<'_> {
        Tongue { lang: self.lang, bank: self.bank() }
    }

    /// What programs read, which is made for them alone.
    pub fn for_programs(&self, make: impl FnOnce() -> Value) -> Value {
        if self.global.json { make() } else { Value::Null }
    }

    /// Says with an error what the way in which the bank delivers this token has to do with it.
    pub fn explain(&self, error: Error, token: &Token) -> Error {
        match self.bank() {
            Some(bank) => bank.explain(error, token.identity()),
            None => error,
        }
    }

    /// The bank whose rules hold.
    pub fn bank(&self) -> Option<&Bank> {
        self.bank.as_ref()
    }

    /// The rules of a renewal: the bank's, or the usual ones.
    pub fn policy(&self) -> Policy {
        self.bank.as_ref().map_or_else(Policy::default, Bank::policy)
    }

    /// The window in which certificates are renewed, and the present moment.
    pub fn when(&self) -> (Window, SystemTime) {
        (self.policy().window, self.now())
    }

    /// The profiles of this computer.
    pub fn installed(&self) -> Installed {
        self.global.banks.as_ref().map_or_else(Installed::on_this_computer, Installed::in_folder)
    }

    /// The present time, read anew: a PIN and a CA take their time.
    pub fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    /// How the library's calls run: their steps are shown, and jobs are the command's.
    pub fn call(&self) -> usbtoken::Run<'_> {
        let run = usbtoken::Run::default().by(Caller::Command).progress(&self.progress);
        let keeper = Keeper::of_user();
        let run = run.requests(keeper.requests()).not_renewed(self.not_renewed.borrow().iter().cloned());
        let run = keeper.folder().into_iter().fold(run, usbtoken::Run::installations_in);
        if self.global.any_caller { run.any_caller() } else { run }
    }

    /// Every token, or the one that `--token` names; and why others were passed over.
    ///
    /// # Errors
    /// Why there is none.
    pub fn tokens(&self) -> Result<(Vec<Token>, Vec<Error>)> {
        if self.global.token.is_some() {
            return Ok((vec![self.token()?], Vec::new()));
        }
        // What was waited for is held, so that its driver runs on while all are listed.
        let waited =
            self.global.wait.filter(|seconds| *seconds > 0).map(|seconds| self.wait_for_token(seconds));
        match waited.transpose() {
            // Several are there.
            Err(error) if error.code() != Code::TokenAmbiguous => Err(error),
            _awaited => {
                self.progress.step(Step::FindToken);
                let mut found = self.finder()?.tokens()?;
                if let Some(bank) = &self.bank {
                    found.tokens.retain(|token| bank.owns(token));
                }
                match (found.none, &self.bank) {
                    (Some(error), _) => Err(error),
                    // Why none of the tokens is the bank's.
                    (None, Some(_)) if found.tokens.is_empty() => Ok((vec![self.token()?], found.skipped)),
                    (None, _) => Ok((found.tokens.into_iter().map(knowing).collect(), found.skipped)),
                }
            }
        }
    }

    /// Whether the command line names a token.
    ///
    /// # Errors
    /// As [`Run::uri`].
    pub fn names_token(&self) -> Result<bool> {
        Ok(self.uri()? != TokenUri::default())
    }

    /// The token that the command line names, whether the bank calls it its own or not; that it does not is noted.
    ///
    /// # Errors
    /// Why there is none.
    pub fn named_token(&self) -> Result<Token> {
        let token = self.found(None)?;
        if self.bank.as_ref().is_some_and(|bank| !bank.owns(&token)) {
            self.note(Warning::from(Notice::NotTheBanksToken).fact(Fact::Token, token.identity()));
        }
        Ok(token)
    }

    /// The one token to work on, waited for if the person wants that. What a named token let begin is finished on it, also
    /// where it is not the bank's.
    pub fn token(&self) -> Result<Token> {
        match self.goes_on && self.names_token()? {
            true => self.named_token(),
            false => self.found(self.bank.as_ref()),
        }
    }

    /// The token, of this bank's where its rule is asked for.
    fn found(&self, bank: Option<&Bank>) -> Result<Token> {
        if let Some(seconds) = self.global.wait.filter(|seconds| *seconds > 0) {
            return self.awaited(seconds, bank);
        }
        self.progress.step(Step::FindToken);
        let (finder, uri) = (self.finder()?, self.uri()?);
        let found = match bank {
            Some(bank) => bank.find(&finder, &uri),
            None => finder.find(&uri),
        };
        self.not_of_another(found?)
    }

    /// Refuses a token that another bank's profile calls its own, also where it was named.
    fn not_of_another(&self, token: Token) -> Result<Token> {
        if let Some(bank) = &self.bank {
            self.installed().check_token(bank, token.identity())?;
        }
        Ok(knowing(token))
    }

    /// The one token to work on, as soon as it is there.
    pub fn wait_for_token(&self, seconds: u32) -> Result<Token> {
        self.awaited(seconds, self.bank.as_ref())
    }

    fn awaited(&self, seconds: u32, bank: Option<&Bank>) -> Result<Token> {
        self.progress.step(Step::WaitForToken);
        let deadline = Instant::now() + Duration::from_secs(seconds.into());
        let (finder, uri) = (self.finder()?, self.uri()?);
        let found = match bank {
            Some(bank) => bank.wait(&finder, &uri, deadline, &Cancel::new()),
            None => finder.wait(&uri, deadline, &Cancel::new()),
        };
        self.not_of_another(found?)
    }

    /// Asks for the PIN and logs in, once. The token goes with the session: the last one to use a driver ends it.
    pub fn login(&self, token: Token) -> Result<Session> {
        let (login, mark) = self.ask_pin(&token, None)?;
        mark.is_sent(Sent::ToLogIn)?;
        let session =
            self.or_changed(self.sent(|| token.login(login)), (&mark, &token), |login| token.login(login));
        self.logged_in(session, &token)
    }

    /// As [`Run::login`], of a token that was reserved before.
    pub fn login_reserved(&self, reserved: Reservation) -> Result<Session> {
        let token = reserved.token().clone();
        let (login, mark) = self.ask_pin(&token, Some(&reserved))?;
        let again = |login| token.reserve()?.login(login);
        mark.is_sent(Sent::ToLogIn)?;
        let session = self.or_changed(self.sent(|| reserved.login(login)), (&mark, &token), again);
        self.logged_in(session, &token)
    }

    /// That the PIN at hand has another length than the token states, which is no limit for one that was set long ago.
    pub fn doubts_of_pin(&self, token: &Token) -> Option<Warning> {
        let pin = self.pin.borrow();
        let pin = pin.as_ref().and_then(|read| read.as_ref().ok()).filter(|_| !self.global.pin_as_typed)?;
        token.doubts_pin_length(pin.length())
    }

    /// Whether there is a PIN at hand, or a person who can be asked for it.
    pub fn can_log_in(&self) -> bool {
        !pin::Source::of(&self.global).is_interactive() || pin::is_terminal()
    }

    /// Whether a person is asked for the PIN.
    pub fn asks_person(&self) -> bool {
        pin::Source::of(&self.global).is_interactive() && pin::is_terminal()
    }

    /// The preflight without what the command line says to go on with all the same.
    pub fn accepted(&self, preflight: Preflight) -> Preflight {
        if self.global.final_try { preflight.accepting(Code::PinLocked) } else { preflight }
    }

    /// As [`Run::accepted`], for who logs in next: a person at a terminal is asked whether a stated lock is right.
    pub fn accepted_or_asked(&self, preflight: Preflight) -> Preflight {
        let is_lock = |state: &PointResult| matches!(state, PointResult::Blocker(error) if error.code() == Code::PinLocked);
        let locked = preflight.points.iter().any(|finding| is_lock(&finding.state));
        if !locked || self.global.final_try || self.global.json || !self.asks_person() {
            return self.accepted(preflight);
        }
        self.lock_accepted.set(pin::confirmed(&self.tongue().text(Words::ConfirmStatedLocked)));
        if self.lock_accepted.get() { preflight.accepting(Code::PinLocked) } else { preflight }
    }

    /// Tells a person what they should know before they go on; each warning once.
    pub fn tell(&self, notices: &[Warning]) {
        for warning in self.untold(notices) {
            if !self.global.json {
                // No one is there to be told when standard error is closed.
                let text = output::notice_text(&warning, self.tongue());
                let _ = writeln!(io::stderr(), "{text}");
            }
            self.told.borrow_mut().push(warning.notice);
        }
    }

    /// Tells where the PIN came from: at once, and programs with the result.
    fn remark(&self, remarks: Vec<Warning>) {
        self.tell(&remarks);
        self.remarks.borrow_mut().extend(remarks);
    }

    /// What was remarked where the PIN came from.
    pub fn remarks(&self) -> Vec<Value> {
        output::notices_json(&self.remarks.borrow(), self.tongue())
    }

    /// Tells a person what was found out before there is a result, and keeps it for the result.
    pub fn note(&self, notice: Warning) {
        self.tell(std::slice::from_ref(&notice));
        self.noted.borrow_mut().push(notice);
    }

    /// What was found out before there is a result.
    pub fn noted(&self) -> Vec<Warning> {
        self.noted.borrow().clone()
    }

    /// Those that were not told yet.
    pub fn untold(&self, notices: &[Warning]) -> Vec<Warning> {
        let told = self.told.borrow();
        notices.iter().filter(|warning| !told.contains(&warning.notice)).cloned().collect()
    }

    /// Refuses a command line that wants both the PIN and this file from standard input.
    pub fn check_input(&self, file: &Path) -> Result<()> {
        if files::is_standard(file) && pin::Source::of(&self.global) == pin::Source::Stdin {
            let detail = "standard input (-) cannot be both the PIN and something else";
            return Err(Error::new(Code::BadArgument).fact(Fact::Detail, detail));
        }
        Ok(())
    }

    /// The URI of the token.
    ///
    /// # Errors
    /// [`Code::BadUri`] and its kin.
    pub fn uri(&self) -> Result<TokenUri> {
        self.global.token.as_deref().map_or_else(|| Ok(TokenUri::default()), str::parse)
    }

    /// The drivers that are asked: those of the command line, else the bank's, else every one that is known.
    ///
    /// # Errors
    /// `OverrideRefused` when the bank names its drivers and lets no one name others; `DriverMissing` when none of the
    /// bank's is there.
    pub fn finder(&self) -> Result<Finder> {
        self.read_pin_ahead();
        let Drivers { module: modules, trust_driver, .. } = &self.global.drivers;
        let named = modules.iter().fold(Finder::new(), |finder, path| finder.module(path));
        let finder = match &self.bank {
            None => named,
            Some(bank) => {
                if *trust_driver || bank.names_drivers() && !modules.is_empty() {
                    bank.check_override(Override::Drivers)
                        .map_err(|error| error.fact(Fact::Detail, "--module"))?;
                }
                if modules.is_empty() { bank.finder()? } else { named }
            }
        };
        Ok(self.hosted(finder))
    }

    /// How a driver is loaded that reads a place of this computer: no bank's, and none that is named.
    pub fn loading(&self) -> Loading {
        self.hosted(Finder::new()).loading().clone()
    }

    /// Where the drivers run, of which a person is told when it is not where they should.
    pub fn hosted(&self, finder: Finder) -> Finder {
        let Drivers { driver_host, in_process, trust_driver, .. } = &self.global.drivers;
        let finder = if *trust_driver { finder.trust_any_owner() } else { finder };
        let finder = match driver_host {
            Some(program) => finder.driver_host(program),
            None if *in_process => finder.in_process(),
            None => finder,
        };
        if let Some(remark) = finder.remark()
            && !self.untold(std::slice::from_ref(&remark)).is_empty()
        {
            self.note(remark);
        }
        let finder = match self.global.drivers.confinement() {
            Some(to) => finder.confined(to),
            None => finder,
        };
        let finder = match self.global.drivers.driver_limit {
            Some(seconds) => {
                let limit = Duration::from_secs(seconds.into());
                finder.deadlines(at_most(limit)).time_limit(limit.max(Finder::TIME_LIMIT))
            }
            None => finder,
        };
        self.secrets().fold(finder, Finder::without_variable)
    }
}

/// Whether it is what a driver has said or done.
fn of_driver(error: &Error) -> bool {
    error.pkcs11_call().is_some() || matches!(error.code(), Code::DriverInitFailed | Code::DriverUnloadable)
}

/// What only reads has so long.
fn at_most(limit: Duration) -> Deadlines {
    Deadlines { initialize: limit, read: limit, sign: limit, finalize: limit, ..Deadlines::default() }
}

/// Whether it goes on with a job, or shows what came of it.
fn goes_on(command: &Command) -> bool {
    matches!(
        command,
        Command::Install(_)
            | Command::Resume(_)
            | Command::Pending(_)
            | Command::Abandon(_)
            | Command::Confirm(_)
            | Command::List(_)
    )
}

/// What this computer remembers of the token's keys goes with it.
fn knowing(token: Token) -> Token {
    Keeper::of_user().knowing_labels(token)
}
