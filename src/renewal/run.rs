//! How one call runs: its clock, who is told of it, what stops it, who is asked for the PIN, and for whom it is done.

use std::collections::HashMap;
mod waiting;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use super::clock::Clock;
use super::installation::{BegunRemoval, Installation, Installations, KeptInstallations, NotKept};
use crate::contents::Credentials;
use crate::contents::{Caller, KnownHere, PendingKey, Record};
use crate::driver;
use crate::driver::session::Login;
use crate::driver::{AskPin, Cancel, PinRequest, PinState, TokenIdentity, TokenInfo};
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{Certificate, PublicKey, SignatureAlgorithm};
use base16ct::lower::encode_string as hex;
use jiff::civil::Date;

/// Is told of each step as it begins; long work shows progress with it, and can be stopped by it.
pub trait Progress: Send + Sync {
    /// This step begins now.
    fn step(&self, step: Step);

    /// Whether to stop before the next step. What was begun is then withdrawn, and the error is
    /// [`Code::Cancelled`]. A call into a driver that runs in this process is not interrupted; one in a process of its own
    /// ([`Finder::driver_host`](crate::Finder::driver_host)) is ended when it does not return within two seconds,
    /// or within ten where the call may write to the token.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Shows nothing.
impl Progress for () {
    fn step(&self, _step: Step) {}
}

impl<F: Fn(Step) + Send + Sync> Progress for F {
    fn step(&self, step: Step) {
        self(step);
    }
}

/// Signs with the old key, which is not on the token: for requests in the form that the old key signs
/// ([`RequestForm::SignedByOldKey`](crate::bank::RequestForm::SignedByOldKey)). The key stays where it is.
pub trait SignByOldKey: Send + Sync {
    /// Signs this message, which it hashes itself. RSA signatures are PKCS#1 v1.5, those of ECDSA in DER (RFC 5480); each is
    /// verified with the old certificate.
    ///
    /// # Errors
    /// What keeps the key from signing, such as [`Code::Cancelled`].
    fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>>;
}

impl<F: Fn(SignatureAlgorithm, &[u8]) -> Result<Vec<u8>> + Send + Sync> SignByOldKey for F {
    fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>> {
        self(algorithm, message)
    }
}

/// How one call runs. What a renewal *demands* is its [`Policy`](crate::Policy).
///
/// ```
/// use usbtoken::error::Step;
/// use usbtoken::{Cancel, Run};
///
/// let stop = Cancel::new(); // a clone of it goes to the window with the button
/// let show = |step: Step| println!("{}", step.sentence(usbtoken::text::Lang::Ja));
/// let run = Run::default().progress(&show).cancel(&stop);
/// ```
#[derive(Clone)]
pub struct Run<'a> {
    clock: Clock,
    passed: Option<SystemTime>,
    installations: Installations,
    replaced: Vec<(String, String)>,
    requests: Vec<(PublicKey, String)>,
    not_renewed: Vec<Certificate>,
    progress: &'a dyn Progress,
    cancel: Option<&'a Cancel>,
    pin: Option<&'a dyn AskPin>,
    old_key: Option<&'a dyn SignByOldKey>,
    caller: Caller,
    any_caller: bool,
    /// Whether the present step may be stopped in the middle of a call.
    may_stop: Arc<AtomicBool>,
}

/// The computer's clock, nobody who is told or asked, and a program without a name.
impl Default for Run<'_> {
    fn default() -> Self {
        Run {
            clock: Clock::SYSTEM,
            passed: None,
            installations: Installations::default(),
            replaced: Vec::new(),
            requests: Vec::new(),
            not_renewed: Vec::new(),
            progress: &(),
            cancel: None,
            pin: None,
            old_key: None,
            caller: Caller::Program(String::new()),
            any_caller: false,
            may_stop: Arc::default(),
        }
    }
}

impl<'a> Run<'a> {
    /// Takes the time from this clock instead of the computer's; a fixed time stands still.
    #[must_use]
    pub fn at(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// A moment that has passed for certain, such as the date of a file that an earlier job left: a clock that is well
    /// behind it is doubted.
    #[must_use]
    pub fn passed(mut self, moment: Option<SystemTime>) -> Self {
        self.passed = moment;
        self
    }

    /// On which days certificates were installed, as earlier processes kept it ([`Installed::record`](crate::Installed::record)):
    /// where a bank takes a new one only later, it counts from that day too.
    #[must_use]
    pub fn installations(mut self, records: impl IntoIterator<Item = Installation>) -> Self {
        self.installations.give(records);
        self
    }

    /// Keeps in this folder, for later processes, which certificate was installed on which day, and goes by what is kept there: a
    /// private file of each certificate (`*.installed`), in a folder of this user alone. One that cannot be read or believed says that the
    /// certificate was installed, and not when: it counts as of today, and is written anew. The command and the C interface use the
    /// user's folder for state (`$XDG_STATE_HOME/usbtoken`, `~/.local/state/usbtoken`). The public key of each request that is made is kept
    /// there as well (`*.requested`): [`Session::abandon`](crate::Session::abandon) then removes no other key that has the record of the job.
    #[must_use]
    pub fn installations_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.installations.keep_in(folder.into());
        self
    }

    /// The token that this certificate was renewed onto, and by what, where that is another than it is on: as it is kept in the folder of
    /// [`Run::installations_in`] (`*.renewed`, a private file of each certificate). That token need not be plugged in.
    pub fn renewed_onto(&self, old: &Certificate) -> Option<(TokenIdentity, Certificate)> {
        if self.not_renewed.contains(old) {
            return None;
        }
        self.installations.kept()?.renewed_onto(old).map(|renewed| (renewed.token, renewed.by))
    }

    /// Whether what is kept of that renewal is shown to be so no more: these are the credentials that its token shows, without a
    /// login where nobody has logged in, and the new certificate, which showed without one when it was installed, is not among them.
    pub fn renewal_is_gone(&self, old: &Certificate, token: &TokenIdentity, shown: &Credentials) -> bool {
        let kept = self.installations.kept().and_then(|kept| kept.renewed_onto(old));
        kept.is_some_and(|kept| {
            kept.shows_without_login
                && kept.token == *token
                && shown.unreadable().is_empty()
                && shown.iter().all(|one| *one.certificate() != kept.by)
        })
    }

    /// What is kept of a renewal of these certificates onto another token counts no more: that it
    /// [is gone](Run::renewal_is_gone) was seen.
    #[must_use]
    pub fn not_renewed(mut self, olds: impl IntoIterator<Item = Certificate>) -> Self {
        self.not_renewed.extend(olds);
        self
    }

    /// Says which requests this program has made, by its own records: each by its public key and the serial number of the certificate
    /// that it renews, empty for a first one. Until the answer is [installed](Run::installations), a certificate for that key that does not
    /// continue the one that is renewed is somebody else's. What a CA issues for them takes that one's place also in another name, which the record on the token alone
    /// does not show: that may be a copy.
    #[must_use]
    pub fn requests(mut self, made: impl IntoIterator<Item = (PublicKey, String)>) -> Self {
        self.requests.extend(made);
        self
    }

    pub(super) fn has_requested(&self, key: &PublicKey, old: &Certificate) -> bool {
        let serial = old.serial().to_string();
        self.requests.iter().any(|(requested, renewed)| requested == key && *renewed == serial)
    }

    /// What this program knows of jobs, for those who read a token.
    pub(super) fn known(&self) -> Arc<dyn KnownHere> {
        Arc::new(OwnRecords { installations: self.installations.clone(), requests: self.requests.clone() })
    }

    /// Whether this program has installed the one in place of the other, by its own records ([`Run::installations`],
    /// [`Run::installations_in`]).
    pub fn has_replaced(&self, old: &Certificate, new: &Certificate) -> bool {
        self.installations.shows(old, new)
    }

    /// Says what this program has removed, and what had taken its place, by the SHA-256 of both certificates in hexadecimal. It counts for
    /// what is [shown](Credentials::known_to) beside its own records of installations.
    #[must_use]
    pub fn replaced(mut self, pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        self.replaced.extend(pairs);
        self
    }

    /// What took the place of which certificate by all that this program says.
    pub(crate) fn all_replaced(&self) -> HashMap<String, String> {
        let removed = self.replaced.iter().cloned();
        removed.chain(self.installations.replaced()).collect()
    }

    /// What was installed in place of this certificate by this program's own records, each after the one that it replaced, by the SHA-256 in
    /// hexadecimal.
    pub(super) fn installed_in_place_of(&self, old: &Certificate) -> Vec<String> {
        let replaced = self.installations.replaced();
        let mut row: Vec<String> = Vec::new();
        let mut next = replaced.get(&hex(&old.fingerprint()));
        while let Some(name) = next.filter(|name| !row.contains(*name)) {
            row.push(name.clone());
            next = replaced.get(name);
        }
        row
    }

    /// Whether this program has seen at the installation that one CA has issued both.
    pub(super) fn has_seen_one_issuer(&self, old: &Certificate, new: &Certificate) -> bool {
        self.installations.shows_one_issuer(old, new)
    }

    /// Reports each step to this.
    #[must_use]
    pub fn progress(mut self, progress: &'a dyn Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Stops before the next step once this is cancelled, with [`Code::Cancelled`]; what was begun is withdrawn.
    #[must_use]
    pub fn cancel(mut self, cancel: &'a Cancel) -> Self {
        self.cancel = Some(cancel);
        self
    }

    /// Asks this for the PIN.
    #[must_use]
    pub fn pin(mut self, ask: &'a dyn AskPin) -> Self {
        self.pin = Some(ask);
        self
    }

    /// Lets this sign with the old key, where the old certificate is not on the token and the request is one that the old key
    /// signs too.
    #[must_use]
    pub fn old_key(mut self, signer: &'a dyn SignByOldKey) -> Self {
        self.old_key = Some(signer);
        self
    }

    /// Says for whom this is done; by default for a program without a name. The record on a new key keeps it, and a page
    /// is shown no job but its own.
    #[must_use]
    pub fn by(mut self, caller: Caller) -> Self {
        self.caller = caller;
        self
    }

    /// Acts on jobs of other callers too, because a person wants that: a page's that is gone for ever, another program's.
    /// A page never does.
    #[must_use]
    pub fn any_caller(mut self) -> Self {
        self.any_caller = true;
        self
    }

    /// The present time by the clock of this run.
    pub fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Asks for the PIN of a token. Where its state makes that useless, and where there is no one to ask, the login
    /// leaves it to the PIN pad, and says what is wrong.
    ///
    /// # Errors
    /// What is asked returns, mostly [`Code::PinCancelled`].
    pub fn ask_pin(&self, token: &TokenInfo) -> Result<Login> {
        let useless = token.pin_state == PinState::Locked;
        let Some(pin) = self.pin.filter(|_| !useless) else { return Ok(Login::on_pin_pad()) };
        // As browsers show it, without the usual port.
        let origin = match &self.caller {
            Caller::Page(origin) => Some(origin.strip_suffix(":443").unwrap_or(origin)),
            Caller::Command | Caller::Program(_) => None,
        };
        pin.ask(&PinRequest { token, origin }).map_err(|error| error.during(Step::LogIn))
    }

    /// The moment that has passed for certain, if one is known.
    pub(super) fn known_past(&self) -> Option<SystemTime> {
        self.passed
    }

    /// The day in Japan on which this certificate was installed, where that is known.
    pub(crate) fn installed_on(&self, certificate: &Certificate) -> Option<Date> {
        self.installations.day_of(certificate)
    }

    /// Whether this program has installed the certificate, as far as it was given the records of that or keeps them.
    pub fn has_installed(&self, certificate: &Certificate) -> bool {
        self.installed_on(certificate).is_some()
    }

    /// What is known of the installation of this certificate.
    pub(super) fn installation(&self, certificate: &Certificate) -> Option<Installation> {
        self.installations.of(certificate)
    }

    /// Keeps for later processes what is being installed.
    pub(super) fn begin_installation(&self, record: &Installation) {
        self.installations.begin(record);
    }

    /// Keeps for later processes what was installed.
    ///
    /// # Errors
    /// Why it could not be kept.
    pub(super) fn keep_installation(
        &self,
        record: &Installation,
        certificate: &Certificate,
    ) -> std::result::Result<(), NotKept> {
        self.installations.keep(record, certificate)
    }

    /// The removals of old credentials that have begun on this token and were not seen to end, as it is kept in the folder of
    /// [`Run::installations_in`] (`*.retiring`, a private file of each certificate). What is left of one on the token is removed by
    /// [`Retire`](super::Retire); where nothing is left, [`Session::end_removal`](crate::Session::end_removal) ends it.
    pub fn begun_removals(&self, token: &TokenIdentity) -> Vec<BegunRemoval> {
        self.installations.kept().map(|kept| kept.begun_removals(token)).unwrap_or_default()
    }

    /// Where later processes are told which removal has begun.
    pub(super) fn removals(&self) -> Option<&KeptInstallations> {
        self.installations.kept()
    }

    pub(super) fn signer_of_old(&self) -> Option<&dyn SignByOldKey> {
        self.old_key
    }

    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Whether this run is shown a job: a page only those that it began itself.
    pub(super) fn may_see(&self, key: &PendingKey) -> bool {
        !matches!(self.caller, Caller::Page(_)) || key.is_by(&self.caller)
    }

    /// Whether this run may go on with a job, install its answer or remove its key.
    ///
    /// # Errors
    /// [`Code::PendingOfOther`]; for a page [`Code::NotPending`], since it sees no job but its own.
    pub(super) fn may_act_on(&self, key: &PendingKey) -> Result<()> {
        if key.is_for(&self.caller) {
            return Ok(());
        }
        match self.caller {
            Caller::Page(_) => Err(key.error(Code::NotPending)),
            Caller::Command | Caller::Program(_) if self.any_caller => Ok(()),
            Caller::Command | Caller::Program(_) => {
                let error = key.error(Code::PendingOfOther).fact(Fact::Found, key.begun_by());
                Err(error.fact(Fact::Date, key.since()))
            }
        }
    }

    /// Whether the caller wants to stop.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.progress.is_cancelled() || self.cancel.is_some_and(Cancel::is_cancelled)
    }

    /// Begins a step, unless the caller wants to stop.
    pub(crate) fn enter(&self, step: Step) -> Result<()> {
        if self.is_cancelled() {
            return Err(Error::new(Code::Cancelled).during(step));
        }
        self.may_stop.store(true, Ordering::Relaxed);
        self.progress.step(step);
        Ok(())
    }

    /// Reports a step before which nothing may stop any more.
    pub(super) fn report(&self, step: Step) {
        self.may_stop.store(false, Ordering::Relaxed);
        self.progress.step(step);
    }

    /// Does something with a token that is no job of its own, such as a login: while a driver in a process of its own has not
    /// returned, [`Progress::is_cancelled`] and [`Run::cancel`] can stop it ([`Code::Cancelled`]).
    pub fn watch<R>(&self, work: impl FnOnce() -> R) -> R {
        self.may_stop.store(true, Ordering::Relaxed);
        self.watching(work)
    }

    /// Does a job on a token; what drivers in processes of their own take long for, this run is told of and can stop.
    pub(super) fn watching<R>(&self, job: impl FnOnce() -> R) -> R {
        driver::watched(&Watching(self), job)
    }
}

/// What a program knows of jobs by its own records.
struct OwnRecords {
    installations: Installations,
    requests: Vec<(PublicKey, String)>,
}

impl KnownHere for OwnRecords {
    fn has_installed(&self, certificate: &Certificate) -> bool {
        self.installations.day_of(certificate).is_some()
    }

    fn requested_for(&self, key: &PublicKey) -> Vec<String> {
        let of_key = self.requests.iter().filter(|(requested, _)| requested == key);
        of_key.map(|(_, renewed)| renewed.clone()).collect()
    }

    fn request_of(&self, record: &Record) -> Option<PublicKey> {
        self.installations.kept()?.requested(record.label())
    }
}

/// A run, as a driver sees it.
struct Watching<'a>(&'a Run<'a>);

impl driver::Watch for Watching<'_> {
    fn is_cancelled(&self) -> bool {
        self.0.may_stop.load(Ordering::Relaxed) && self.0.is_cancelled()
    }

    fn still_working(&self, _function: &'static str) {
        self.0.progress.step(Step::StillWorking);
    }
}

impl fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("clock", &self.clock)
            .field("passed", &self.passed)
            .field("cancel", &self.cancel)
            .field("asks_for_pin", &self.pin.is_some())
            .field("caller", &self.caller)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
