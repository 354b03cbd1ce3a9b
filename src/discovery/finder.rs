//! Finding the one token that is meant.

use super::ask::{Limits, Probed, end, probe};
use super::candidates::{Listing, SearchPaths};
use super::meant::matches;
use crate::driver::Cancel;
use crate::driver::Confinement;
use crate::driver::Deadlines;
use crate::driver::Hosting;
use crate::driver::InUse;
use crate::driver::Loading;
use crate::driver::Module;
use crate::driver::Token;
use crate::driver::TokenIdentity;
use crate::driver::Trust;
use crate::error::{Code, Error, Fact, Result, Step, Warning};
use crate::uri::TokenUri;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// When to ask again for a token that was not seen although something was: long enough for another process to end
/// what it is writing.
const SECOND_TRY: Duration = Duration::from_millis(250);

/// Searches for tokens through one or several drivers.
///
/// Without a named driver every driver that is known on this machine is asked: those of the environment variable
/// [`VARIABLE`](super::candidates::VARIABLE), of the user's own file, of p11-kit's configuration and of the
/// catalogue. Drivers are asked side by side, each in a thread of its own and with a time limit. The thread of a
/// driver that hangs is left behind, because nothing can end it; the driver is not asked again until it is back.
#[derive(Clone, Debug)]
pub struct Finder {
    modules: Vec<PathBuf>,
    paths: Option<SearchPaths>,
    pub(super) limits: Limits,
}

impl Default for Finder {
    fn default() -> Self {
        let limits = Limits { loading: Loading::default(), time: Self::TIME_LIMIT };
        Finder { modules: Vec::new(), paths: None, limits }
    }
}

/// What a search saw: the tokens, and what it had to pass over.
#[derive(Debug, Default)]
pub struct Found {
    /// The tokens, in the order of the drivers and their slots.
    pub tokens: Vec<Token>,
    /// Why drivers or slots were passed over. One bad neighbour does not spoil the search.
    pub skipped: Vec<Error>,
    /// Why there is no token; `None` where there is one.
    pub none: Option<Error>,
}

/// What every driver on a machine had to say, for a diagnosis.
#[derive(Debug)]
pub struct Survey {
    /// Where drivers were searched for, and who named them.
    pub listing: Listing,
    /// the machine that was searched.
    pub paths: SearchPaths,
    /// The drivers, in the order of the candidates.
    pub drivers: Vec<Probed>,
}

impl Finder {
    /// So long a driver has to be initialised and to list its tokens, where [`Finder::time_limit`] says nothing else.
    pub const TIME_LIMIT: Duration = Duration::from_secs(10);

    /// A finder for every driver that is known on this machine.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the driver at this absolute path, and no other that is not named too.
    #[must_use]
    pub fn module(mut self, path: impl Into<PathBuf>) -> Self {
        self.modules.push(path.into());
        self
    }

    /// Accepts drivers that other users of the machine could replace.
    #[must_use]
    pub fn trust_any_owner(mut self) -> Self {
        self.limits.loading.trust = Trust::Anyone;
        self
    }

    /// Runs each driver in this process: for programs that have to share a driver with another part of them, or may not start
    /// any program. A driver that hangs is left behind in its thread then, and one that crashes ends this program.
    #[must_use]
    pub fn in_process(mut self) -> Self {
        self.limits.loading.hosting = Hosting::InProcess;
        self
    }

    /// Runs each driver in a process of its own, whose program is this `usbtoken-driver`, by its absolute path: a driver that
    /// hangs is ended with it ([`Code::DriverTimeout`]), one that crashes ends nothing else ([`Code::DriverCrashed`]). Linux
    /// only. Where neither this nor [`Finder::in_process`] is said, the program of that name is used that is beside the program
    /// or the shared library that this code is in; where there is none ([`Finder::remark`]), drivers run in this process.
    #[must_use]
    pub fn driver_host(mut self, program: impl Into<PathBuf>) -> Self {
        self.limits.loading.hosting = Hosting::Program(program.into());
        self
    }

    /// That drivers run in this process although nobody has asked for it ([`Notice::DriverInProcess`](crate::error::Notice::DriverInProcess)).
    pub fn remark(&self) -> Option<Warning> {
        self.limits.loading.remark()
    }

    /// Whether drivers run in this process.
    ///
    /// # Errors
    /// [`Code::DriverHostUnusable`] when the program that was named cannot be used.
    pub fn is_in_process(&self) -> Result<bool> {
        self.limits.loading.usual_host().map(|host| host.is_none())
    }

    /// How long a driver in a process of its own may take for a call, by what the call does.
    #[must_use]
    pub fn deadlines(mut self, deadlines: Deadlines) -> Self {
        self.limits.loading.deadlines = deadlines;
        self
    }

    /// Keeps drivers from everything but the system's programs and settings, their own folder, and what is named here, where they
    /// run in processes of their own; elsewhere nothing is loaded ([`Code::DriverNotConfined`]). What a driver needs,
    /// docs/driver-host.md says: a token in files its folder, one in a reader the daemon's socket or the device.
    #[must_use]
    pub fn confined(mut self, to: Confinement) -> Self {
        self.limits.loading.confined = Some(to);
        self
    }

    /// Keeps a variable of the environment from drivers that run in processes of their own: a PIN may be in it.
    #[must_use]
    pub fn without_variable(mut self, name: impl Into<OsString>) -> Self {
        self.limits.loading.without.push(name.into());
        self
    }

    /// How this loads drivers, for reading places of this computer in the same way ([`places`](crate::places)).
    pub fn loading(&self) -> &Loading {
        &self.limits.loading
    }

    /// Gives each driver this long to be initialised and to list its tokens; [`Finder::TIME_LIMIT`] by default.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.limits.time = limit;
        self
    }

    /// Searches for drivers there instead of in the usual places.
    #[must_use]
    pub fn search_paths(mut self, paths: SearchPaths) -> Self {
        self.paths = Some(paths);
        self
    }

    /// Every token that the drivers see and that states to be initialised, or that its PIN is; where none does, those with a
    /// label or a serial number.
    ///
    /// # Errors
    /// [`Code::DriverMissing`] when there is no driver; the first driver's error when none of them could be used,
    /// [`Code::DriverTimeout`] among them.
    pub fn tokens(&self) -> Result<Found> {
        let any = TokenUri::default();
        let mut seen = self.ask(&any)?;
        let tokens = seen.matching(&any);
        let drivers = std::mem::take(&mut seen.drivers);
        let found = if tokens.is_empty() {
            Found { tokens, skipped: Vec::new(), none: Some(seen.why_none(&any)) }
        } else {
            Found { tokens, skipped: seen.skipped, none: None }
        };
        end(drivers);
        Ok(found)
    }

    /// The one token that matches.
    ///
    /// # Errors
    /// [`Code::TokenNotPresent`] when no slot holds a token, [`Code::TokenNotInitialized`] when only blank ones
    /// are there, [`Code::TokenNotFound`] when none matches, [`Code::TokenAmbiguous`] when several do; the last
    /// two list the candidates. Also what [`Finder::tokens`] returns.
    pub fn find(&self, uri: &TokenUri) -> Result<Token> {
        let mut seen = self.ask_for(uri)?;
        // They run on meanwhile: some drivers can be initialised only once.
        let running = std::mem::take(&mut seen.drivers);
        match seen.only(uri) {
            Err(error) if may_pass(error.code()) => {
                std::thread::sleep(SECOND_TRY);
                self.find_again(uri, running)
            }
            found => {
                end(running);
                found
            }
        }
    }

    /// Asks the drivers that run for their slots anew, and initialises them anew where that does not help.
    fn find_again(&self, uri: &TokenUri, running: Vec<Module>) -> Result<Token> {
        match self.ask(uri)?.only(uri) {
            Err(error) if may_pass(error.code()) => {
                end(running);
                self.ask(uri).map_or(Err(error), |seen| seen.only(uri))
            }
            found => found,
        }
    }

    /// Asks every driver and tells all that came out, for a diagnosis.
    ///
    /// # Errors
    /// [`Code::OutOfMemory`] when the system gives no thread. A driver's own failure is in its outcome.
    pub fn survey(&self) -> Result<Survey> {
        let (mut listing, paths) = self.listing_of_all();
        let candidates = std::mem::take(&mut listing.candidates);
        let drivers = probe(candidates, &self.limits, None, &Cancel::new())?;
        Ok(Survey { listing, paths, drivers })
    }

    /// Every driver that would be asked, and the machine that was searched. Nothing is loaded.
    pub(crate) fn listing_of_all(&self) -> (Listing, SearchPaths) {
        let paths = self.known_search_paths();
        (paths.list(&self.modules), paths)
    }

    /// Where it searches for drivers: [`Finder::search_paths`], or the usual ones.
    pub fn known_search_paths(&self) -> SearchPaths {
        self.paths.clone().unwrap_or_else(SearchPaths::usual)
    }

    /// What is to be asked for this URI.
    pub(super) fn listing(&self, uri: &TokenUri) -> Result<Listing> {
        if !self.modules.is_empty() {
            return Listing::named(&self.modules).narrowed(uri);
        }
        let paths = match &self.paths {
            Some(paths) => paths,
            None => &SearchPaths::usual(),
        };
        paths.list(&[]).narrowed(uri)
    }

    /// Everything that the drivers show, of which one may be meant or none.
    fn ask(&self, uri: &TokenUri) -> Result<Seen> {
        self.seen(uri, None)
    }

    /// What the drivers show in the slots that are meant; as soon as the very token is there, the other drivers are not waited
    /// for.
    fn ask_for(&self, uri: &TokenUri) -> Result<Seen> {
        self.seen(uri, Some(uri))
    }

    fn seen(&self, uri: &TokenUri, meant: Option<&TokenUri>) -> Result<Seen> {
        let listing = self.listing(uri)?;
        let probed = probe(listing.candidates, &self.limits, meant, &Cancel::new())?;
        let mut seen = Seen { skipped: listing.user_file_error.into_iter().collect(), ..Seen::default() };
        for one in probed {
            let outcome = one.outcome.map(|loaded| {
                seen.drivers.push(loaded.module);
                (loaded.tokens, loaded.skipped)
            });
            seen.add(outcome);
        }
        seen.if_usable()
    }
}

/// What the drivers show at one moment.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Every token, blank ones too, each once, with the driver that showed it first.
    tokens: Vec<Token>,
    skipped: Vec<Error>,
    failed: Vec<Error>,
    usable: usize,
    /// The drivers that were asked: as long as this is there, they run.
    drivers: Vec<Module>,
}

impl Seen {
    /// Adds what one driver shows. A token that an earlier driver shows too is the same one seen twice; two alike
    /// in one driver are two.
    pub(super) fn add(&mut self, outcome: Result<(Vec<Token>, Vec<Error>)>) {
        let (tokens, skipped) = match outcome {
            Ok(shown) => shown,
            Err(error) => return self.failed.push(error),
        };
        self.usable += 1;
        let known: Vec<TokenIdentity> = self.tokens.iter().map(|token| token.identity().clone()).collect();
        let new = |token: &Token| token.identity().serial.is_empty() || !known.contains(token.identity());
        self.tokens.extend(tokens.into_iter().filter(new));
        self.skipped.extend(skipped);
    }

    /// # Errors
    /// The first driver's when none could be used.
    pub(super) fn if_usable(mut self) -> Result<Self> {
        if self.usable == 0 && !self.failed.is_empty() {
            return Err(self.failed.remove(0));
        }
        self.skipped.append(&mut self.failed);
        Ok(self)
    }

    /// Takes the tokens that match out: those for which most speaks that they are in use. What a token states of itself is a
    /// hint: one that does not state that it is initialised is meant where no other one is.
    fn matching(&mut self, uri: &TokenUri) -> Vec<Token> {
        let matching = self.tokens.iter().filter(|token| matches(uri, token));
        let most = matching.map(|token| token.info().in_use()).max().unwrap_or(InUse::Blank);
        let is_meant = |token: &mut Token| {
            let in_use = token.info().in_use();
            in_use > InUse::Blank && in_use == most && matches(uri, token)
        };
        self.tokens.extract_if(.., is_meant).collect()
    }

    /// The one that matches, or why there is not exactly one.
    pub(super) fn only(mut self, uri: &TokenUri) -> Result<Token> {
        let mut matching = self.matching(uri);
        match (matching.pop(), matching.is_empty()) {
            (Some(token), true) => {
                let others = self.tokens.iter().filter(|other| other.info().may_hold_credentials());
                Ok(token.with_uri(uri).seen_with(others.map(|other| other.identity().clone())))
            }
            (Some(last), false) => {
                let all = matching.iter().chain([&last]).map(Token::identity);
                Err(candidates(Error::new(Code::TokenAmbiguous).fact(Fact::Expected, uri), all))
            }
            (None, _) => Err(self.why_none(uri)),
        }
    }

    fn why_none(mut self, uri: &TokenUri) -> Error {
        let error = |code| Error::new(code).during(Step::FindToken).fact(Fact::Expected, uri);
        let in_use = || self.tokens.iter().filter(|token| token.info().in_use() > InUse::Blank);
        if in_use().next().is_some() {
            let others = candidates(error(Code::TokenNotFound), in_use().map(Token::identity));
            // The one that is meant may be the one that could not be read.
            return match self.skipped.pop() {
                Some(unreadable) => others.because_of(unreadable),
                None => others,
            };
        }
        // A slot that holds something unreadable, or a driver that failed, explains more than "no token".
        if let Some(reason) = self.skipped.pop() {
            return reason;
        }
        if self.tokens.is_empty() { error(Code::TokenNotPresent) } else { error(Code::TokenNotInitialized) }
    }
}

/// A token that another process is writing to may show itself blank, broken or not at all for a moment (SoftHSM does);
/// "not initialised" would then be an alarm about nothing.
fn may_pass(code: Code) -> bool {
    matches!(code, Code::TokenNotFound | Code::TokenNotInitialized | Code::DeviceFault)
}

fn candidates<'a>(error: Error, identities: impl Iterator<Item = &'a TokenIdentity>) -> Error {
    identities.fold(error.during(Step::FindToken), |error, identity| error.fact(Fact::Candidate, identity))
}
