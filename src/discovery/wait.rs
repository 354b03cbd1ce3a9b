//! Waiting for a token: to be inserted, or to be back after it was pulled.

use super::ask::{DriverTask, let_go, side_by_side, step_of_search};
use super::candidates::Candidate;
use super::finder::{Finder, Seen};
use crate::discovery::devices;
use crate::driver::Cancel;
use crate::driver::Loading;
use crate::driver::Module;
use crate::driver::Restart;
use crate::driver::Token;
use crate::error::{Code, Error, Fact, Result, Step};
use crate::uri::TokenUri;
use std::path::PathBuf;
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

/// How long drivers may take to end, once the wait is over.
const GRACE: Duration = Duration::from_secs(1);

impl Finder {
    /// Waits until a token that matches is there, and returns it; at once if it is there already.
    ///
    /// Every quarter of a second each driver is asked for slot events, where it has shown that it reports them
    /// (C_WaitForSlotEvent without blocking), and else for its slots. Every few seconds, and soon after the devices on the
    /// USB ports have changed, new drivers are searched for. Drivers that no one else in this process uses are initialised
    /// anew then, where that has worked before; of the others it is tried when a change on the USB ports, or half a minute,
    /// has brought nothing.
    ///
    /// # Errors
    /// [`Code::WaitTimedOut`] at the deadline, whatever a driver does; [`Code::Cancelled`];
    /// [`Code::TokenAmbiguous`] as soon as several match. When no driver can be used at the beginning, the
    /// driver's error: waiting would not help.
    pub fn wait(&self, uri: &TokenUri, deadline: Instant, cancel: &Cancel) -> Result<Token> {
        let mut wait = Wait { finder: self, uri, deadline, cancel, drivers: Vec::new() };
        let result = wait.run();
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
    drivers: Vec<WatchedDriver>,
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
    started: Option<Instant>,
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
            let seen = self.round()?;
            if begin >= restart_at {
                // A driver that takes long to start is not started all the time.
                restart_at = Instant::now() + RESTART.max(begin.elapsed() * 10);
            }
            let late = Instant::now() >= self.deadline;
            let reason = match seen.if_usable() {
                // One that an earlier search has left behind may be back soon.
                Err(error)
                    if error.code() == Code::DriverTimeout && begin.elapsed() < self.finder.limits.time =>
                {
                    error
                }
                // So is one that this program itself is in a call of.
                Err(error) if error.code() == Code::Busy => error,
                Err(error) if first && !late => return Err(error),
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
            first = false;
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
        for candidate in self.finder.listing(self.uri)?.candidates {
            let known = before.iter().position(|watched| watched.candidate.path == candidate.path);
            let watched = match known.map(|at| before.swap_remove(at)) {
                Some(watched) if watched.is_due(changed) => {
                    WatchedDriver { looked: None, failed: false, ..watched }
                }
                Some(watched) => watched,
                None => WatchedDriver {
                    candidate,
                    loading: loading.clone(),
                    module: None,
                    failed: false,
                    events: Events::Silent,
                    tokens: Vec::new(),
                    looked: None,
                    started: None,
                },
            };
            self.drivers.push(watched);
        }
        Ok(())
    }

    /// Asks every driver once, side by side.
    fn round(&mut self) -> Result<Seen> {
        let until = self.deadline.min(Instant::now() + self.finder.limits.time);
        let step =
            |watched: &WatchedDriver| step_of_search(watched.looked.is_some() && watched.module.is_some());
        let asked: Vec<(PathBuf, Step)> =
            self.drivers.iter().map(|watched| (watched.candidate.path.clone(), step(watched))).collect();
        let task = |mut watched: WatchedDriver| {
            let driver = watched.candidate.path.clone();
            let work = move || {
                let shown = watched.poll();
                (watched, shown)
            };
            DriverTask { driver, work: Box::new(work) }
        };
        let tasks = std::mem::take(&mut self.drivers).into_iter().map(task).collect();
        let mut seen = Seen::default();
        let limit = self.finder.limits.time;
        for ((driver, step), answer) in asked.into_iter().zip(side_by_side(tasks, until, self.cancel)?) {
            match answer {
                Ok((watched, shown)) => {
                    self.drivers.push(watched);
                    if let Some(shown) = shown {
                        seen.add(shown);
                    }
                }
                // It is not asked again before the next restart.
                Err(late) => seen.add(Err(late.error(&driver, step, limit))),
            }
        }
        Ok(seen)
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
    fn poll(&mut self) -> Option<Result<(Vec<Token>, Vec<Error>)>> {
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

    fn tokens(&mut self) -> Result<(Vec<Token>, Vec<Error>)> {
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
    fn start(&mut self) -> Result<(Vec<Token>, Vec<Error>)> {
        // The tokens hold the driver too.
        self.tokens.clear();
        self.module = None;
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
        (self.started, self.looked) = (Some(Instant::now()), Some(Instant::now()));
        self.list(!first)
    }

    fn list(&mut self, anew: bool) -> Result<(Vec<Token>, Vec<Error>)> {
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
