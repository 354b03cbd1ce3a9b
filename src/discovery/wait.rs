//! Waiting for a token: to be inserted, or to be back after it was pulled.

use super::ask::{DriverTask, GRACE, PREFERRED, let_go};
use super::candidates::Candidate;
use super::finder::{Finder, Seen};
use super::late::Late;
use super::left::is_left_behind;
use super::meant::matches;
use super::polls::Polls;
use crate::discovery::devices;
use crate::driver::Cancel;
use crate::driver::Loading;
use crate::driver::Module;
use crate::driver::Restart;
use crate::driver::Token;
use crate::error::{Code, Error, Fact, Result, Step};
use crate::uri::TokenUri;
use std::path::Path;
use std::time::{Duration, Instant};

/// How often the drivers are asked.
const ROUND: Duration = Duration::from_millis(250);

/// A driver that has reported events is not asked for its slots more often than this while it reports none: events
/// are known to be missed.
const DISTRUST: Duration = Duration::from_secs(2);

/// How often new drivers are searched for, and those initialised anew of which it is known that they can be: some notice new
/// slots only then (PKCS#11 v3.1 §5.5.1 says so of older ones; SoftHSM too). Only those that no one else in this process
/// uses are.
const RESTART: Duration = Duration::from_secs(3);

/// How long a driver is asked for its slots before it is initialised anew for the first time: one that can be initialised only
/// once is lost by that.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it is asked after something was plugged in.
const AFTER_CHANGE: Duration = Duration::from_secs(2);

/// No driver has that many events waiting; one that claims to is asked no further.
const MOST_EVENTS: usize = 64;

/// How long it may take until a cancelled wait ends.
const ATTENTION: Duration = Duration::from_millis(20);

impl Finder {
    /// Waits until a token that matches is there, and returns it; at once if it is there already.
    ///
    /// Every quarter of a second each driver is asked for slot events, where it has shown that it reports them
    /// (C_WaitForSlotEvent without blocking), and else for its slots. Every few seconds, and soon after the devices on the
    /// USB ports have changed, new drivers are searched for. Drivers that no one else in this process uses are initialised
    /// anew then, where that has worked before; of the others it is tried when a change on the USB ports, or half a minute,
    /// has brought nothing.
    ///
    /// A driver that takes longer is waited for as long as [`Finder::time_limit`] says; where the token is named whole (label,
    /// manufacturer, model and serial number) not at all: the others are asked meanwhile.
    ///
    /// # Errors
    /// [`Code::WaitTimedOut`] at the deadline, whatever a driver does; [`Code::Cancelled`];
    /// [`Code::TokenAmbiguous`] as soon as several match. When no driver can be used at the beginning, the
    /// driver's error: waiting would not help.
    pub fn wait(&self, uri: &TokenUri, deadline: Instant, cancel: &Cancel) -> Result<Token> {
        let mut wait = Wait {
            finder: self,
            uri,
            deadline,
            cancel,
            drivers: Vec::new(),
            asked: Polls::new(),
            order: Vec::new(),
        };
        let result = wait.run();
        if matches!(&result, Err(error) if error.code() != Code::Cancelled) {
            wait.asked.stop();
        }
        wait.end();
        result
    }
}

/// One wait.
struct Wait<'a> {
    finder: &'a Finder,
    uri: &'a TokenUri,
    deadline: Instant,
    cancel: &'a Cancel,
    /// Those that are in no call.
    drivers: Vec<WatchedDriver>,
    /// The others.
    asked: Polls<(WatchedDriver, Option<Shown>)>,
    /// All of them, in the order in which a token counts as theirs.
    order: Vec<Candidate>,
}

/// What a driver shows: its tokens, and why it passed over some.
type Shown = Result<(Vec<Token>, Vec<Error>)>;

/// What came of asking once.
struct Round {
    seen: Seen,
    /// Whether every driver had its time.
    is_whole: bool,
}

/// A driver, as it is passed to its thread and back.
struct WatchedDriver {
    candidate: Candidate,
    loading: Loading,
    module: Option<Module>,
    failed: bool,
    events: Events,
    tokens: Vec<Token>,
    looked: Option<Instant>,
    /// When it was started, or that was tried.
    started: Option<Instant>,
    /// How long that took.
    took: Duration,
}

/// What is known of a driver's C_WaitForSlotEvent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Events {
    /// It has reported none yet, so its silence means nothing.
    Silent,
    /// It has reported one.
    Reported,
    /// It does not work.
    Broken,
}

impl Wait<'_> {
    fn run(&mut self) -> Result<Token> {
        let mut devices = plugged_in();
        let (mut first, mut changed) = (true, false);
        let mut restart_at = Instant::now();
        loop {
            let begin = Instant::now();
            if begin >= restart_at {
                self.restart(changed)?;
                changed = false;
            }
            let Round { seen, is_whole } = self.round(begin)?;
            if begin >= restart_at {
                restart_at = Instant::now() + RESTART;
            }
            let late = Instant::now() >= self.deadline;
            let reason = match seen.if_usable() {
                // One that this program itself is in a call of may be back soon.
                Err(error) if first && is_whole && !late && error.code() != Code::Busy => return Err(error),
                Err(error) => error,
                Ok(seen) => match seen.only(self.uri) {
                    Ok(token) => return Ok(token),
                    Err(error) if error.code() == Code::TokenAmbiguous => return Err(error),
                    Err(error) => error,
                },
            };
            if late {
                return Err(self.timed_out(reason));
            }
            first &= !is_whole;
            self.cancel.sleep_until(self.deadline.min(begin + ROUND))?;
            if Instant::now() >= self.deadline {
                return Err(self.timed_out(reason));
            }
            let now = plugged_in();
            if now != devices {
                devices = now;
                changed = true;
                restart_at = Instant::now() + AFTER_CHANGE;
            }
        }
    }

    /// Searches for the drivers anew; those that run are ended when their turn comes, where they are to be initialised anew.
    fn restart(&mut self, changed: bool) -> Result<()> {
        let loading = &self.finder.limits.loading;
        let mut before = std::mem::take(&mut self.drivers);
        self.order = self.finder.listing(self.uri)?.candidates;
        for candidate in &self.order {
            if self.asked.running().any(|(driver, _)| driver == candidate.path) {
                continue;
            }
            let known = before.iter().position(|watched| watched.candidate.path == candidate.path);
            let watched = match known.map(|at| before.swap_remove(at)) {
                Some(watched) if watched.is_due(changed) => {
                    WatchedDriver { looked: None, failed: false, ..watched }
                }
                Some(watched) => watched,
                None => WatchedDriver {
                    candidate: candidate.clone(),
                    loading: loading.clone(),
                    module: None,
                    failed: false,
                    events: Events::Silent,
                    tokens: Vec::new(),
                    looked: None,
                    started: None,
                    took: Duration::ZERO,
                },
            };
            self.drivers.push(watched);
        }
        Ok(())
    }

    /// Asks every driver that is in no call, side by side, and waits for those and for who was asked before: as long as each may
    /// take, or, where the token is named whole, until the next round.
    fn round(&mut self, begin: Instant) -> Result<Round> {
        let limit = self.finder.limits.time;
        let mut shown = Vec::new();
        let mut is_whole = self.ask()?;
        let mut until =
            if self.uri.names_whole_token() { self.deadline.min(begin + ROUND) } else { self.deadline };
        let mut is_there = false;
        loop {
            let now = Instant::now();
            let in_time = |(_, since): (_, Instant)| since.elapsed() < limit;
            if now >= until || !self.asked.running().any(in_time) {
                break;
            }
            if let Some((watched, answer)) = self.asked.next(ATTENTION.min(until - now)) {
                if !is_there && self.is_meant(answer.as_ref()) {
                    is_there = true;
                    // Of those before it, which would be preferred, those still count that take about as long.
                    until = until.min(Instant::now() + begin.elapsed().min(PREFERRED));
                }
                shown.push((watched.candidate.path.clone(), answer));
                self.drivers.push(watched);
            }
            if self.cancel.is_cancelled() {
                return Err(Error::new(Code::Cancelled).during(Step::FindToken));
            }
        }
        let late = Instant::now() >= self.deadline;
        let late_with = |driver: &Path| Late::now(driver).error(driver, Step::InitializeDriver, limit);
        let mut seen = Seen::default();
        for candidate in &self.order {
            let asked = self.asked.running().find(|(driver, _)| *driver == candidate.path);
            let answer = shown.extract_if(.., |(driver, _)| *driver == candidate.path).next();
            match (answer, asked) {
                (Some((_, answer)), _) => answer.into_iter().for_each(|shown| seen.add(shown)),
                (None, Some((_, since))) if !late && since.elapsed() < limit => is_whole = false,
                (None, Some(_)) => seen.add(Err(late_with(&candidate.path))),
                (None, None) if is_left_behind(&candidate.path) => seen.add(Err(late_with(&candidate.path))),
                (None, None) => {}
            }
        }
        Ok(Round { seen, is_whole })
    }

    /// Asks those that are in no call. `false` where an earlier search has left one of them behind, which may be back soon.
    fn ask(&mut self) -> Result<bool> {
        let (away, here) =
            self.drivers.drain(..).partition::<Vec<_>, _>(|watched| is_left_behind(&watched.candidate.path));
        let is_whole = away.is_empty();
        self.drivers = away;
        for mut watched in here {
            let driver = watched.candidate.path.clone();
            let work = move || {
                let shown = watched.poll();
                (watched, shown)
            };
            self.asked.ask(DriverTask { driver, work: Box::new(work) })?;
        }
        Ok(is_whole)
    }

    /// Whether a driver shows the very token that is named.
    fn is_meant(&self, answer: Option<&Shown>) -> bool {
        let Some(Ok((tokens, _))) = answer else { return false };
        self.uri.names_whole_token() && tokens.iter().any(|token| matches(self.uri, token))
    }

    fn timed_out(&self, reason: Error) -> Error {
        let error = Error::new(Code::WaitTimedOut).during(Step::WaitForToken).fact(Fact::Expected, self.uri);
        let seen = reason.facts().filter(|(fact, _)| *fact == Fact::Candidate);
        seen.fold(error, |error, (fact, value)| error.fact(fact, value)).caused_by(reason)
    }

    /// Lets the drivers go, each in its own thread: C_Finalize may hang as well.
    fn end(&mut self) {
        let task = |watched: WatchedDriver| DriverTask {
            driver: watched.candidate.path.clone(),
            work: Box::new(move || drop(watched)),
        };
        let tasks = std::mem::take(&mut self.drivers).into_iter().map(task).collect();
        // What is left behind ends by itself, or never.
        let_go(tasks, Instant::now() + GRACE);
    }
}

impl WatchedDriver {
    /// Whether it is to be initialised anew.
    fn is_due(&self, changed: bool) -> bool {
        // One that takes long to start is not started all the time.
        let is_slow = |started: Instant| started.elapsed() < self.took * 10;
        if !changed && self.started.is_some_and(is_slow) {
            return false;
        }
        match (&self.module, self.started) {
            (Some(module), Some(started)) => match module.restart() {
                Restart::Works => true,
                Restart::Fails => false,
                Restart::Untried => changed || started.elapsed() >= PATIENCE,
            },
            _ => true,
        }
    }

    /// What the driver shows now; `None` when it failed before and is not started again yet.
    fn poll(&mut self) -> Option<Shown> {
        if self.failed {
            return None;
        }
        let shown = self.tokens();
        if shown.is_err() {
            self.tokens.clear();
            // One that may not be initialised a second time runs on, and is asked again.
            let restart = self.module.as_ref().map_or(Restart::Works, Module::restart);
            if restart == Restart::Works {
                self.failed = true;
                self.module = None;
            }
        }
        Some(shown)
    }

    fn tokens(&mut self) -> Shown {
        let Some(looked) = self.looked else { return self.start() };
        let Some(module) = &self.module else { return self.start() };
        let happened = match self.events {
            Events::Broken => true,
            before => match module.slot_event() {
                Ok(true) => {
                    self.events = Events::Reported;
                    true
                }
                Ok(false) => before == Events::Silent || looked.elapsed() >= DISTRUST,
                Err(_) => {
                    self.events = Events::Broken;
                    true
                }
            },
        };
        if happened { self.list(true) } else { Ok((self.tokens.clone(), Vec::new())) }
    }

    /// Starts the driver, anew if it runs and no one else uses it.
    fn start(&mut self) -> Shown {
        // The tokens hold the driver too.
        self.tokens.clear();
        self.module = None;
        let begin = Instant::now();
        self.started = Some(begin);
        let shown = self.start_anew();
        self.took = begin.elapsed();
        shown
    }

    fn start_anew(&mut self) -> Shown {
        let (module, first) = Module::load_with(&self.candidate.path, &self.loading)?;
        // Drivers report the tokens that were there from the beginning as if they had just come.
        for _ in 0..MOST_EVENTS {
            match module.slot_event() {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => {
                    self.events = Events::Broken;
                    break;
                }
            }
        }
        self.module = Some(module);
        self.looked = Some(Instant::now());
        self.list(!first)
    }

    fn list(&mut self, anew: bool) -> Shown {
        let Some(module) = &self.module else { return Ok(Default::default()) };
        let (tokens, skipped) = module.tokens(anew, |_| true, |_| true)?;
        self.tokens.clone_from(&tokens);
        self.looked = Some(Instant::now());
        Ok((tokens, skipped))
    }
}

/// What is on the USB ports, where the system tells.
fn plugged_in() -> Option<Vec<devices::Device>> {
    devices::usb_devices().ok()
}
