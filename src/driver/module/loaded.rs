//! A library that was loaded: which there are in this process, who uses each, and when it is initialised and ended.

use crate::driver::ckr::During as _;
use crate::driver::file::CheckedFile;
use crate::driver::mutex::lock;
use crate::error::{Code, Error, Fact, Result, Step};
use std::collections::BTreeMap;
use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};
use usbtoken_pkcs11::library::{self, LoadFailure};
use usbtoken_pkcs11::{Failure, Functions, HostOptions, SessionHandle};

/// A library that was loaded, and stays.
pub(super) struct Driver {
    pub path: PathBuf,
    /// Whether it has a process of its own.
    pub is_hosted: bool,
    pub functions: Functions,
    /// How many logins were tried through it.
    pub logins: AtomicU64,
    /// Whether it is in use and was initialised when we came: by the host, or through another driver that is the same library.
    pub found_initialized: AtomicBool,
    /// Whether it was not ended with its last use, because of another that is.
    pub left_running: AtomicBool,
    pub state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub leases: usize,
    pub initialized_by_us: bool,
    /// How many sessions of ours are open.
    pub sessions: usize,
    /// How often C_Initialize has worked, and whether it has failed since.
    pub starts: usize,
    pub start_failed: bool,
    /// The thread that has called C_Initialize last.
    pub started_in: Option<ThreadId>,
}

/// A driver's file by canonical path, and the host that it runs in.
type Place = (PathBuf, Option<HostOptions>);

/// Every library that this process has loaded, or has a host for. The outer lock is held for a lookup only; a driver
/// that hangs while it loads holds up only those who want the same one.
static REGISTRY: Mutex<BTreeMap<Place, &'static Mutex<Option<&'static Driver>>>> =
    Mutex::new(BTreeMap::new());

/// The driver of this path, loaded now if it was not before; one in a host is loaded when it is initialised.
pub(super) fn registered(file: &CheckedFile, host: Option<HostOptions>) -> Result<&'static Driver> {
    let path = file.path();
    let place: &'static Mutex<Option<&'static Driver>> =
        lock(&REGISTRY).entry((path.to_owned(), host.clone())).or_insert_with(|| Box::leak(Box::default()));
    let mut place = lock(place);
    if let Some(driver) = *place {
        return Ok(driver);
    }
    let driver = Driver {
        path: path.to_owned(),
        is_hosted: host.is_some(),
        functions: functions(file, host)?,
        logins: AtomicU64::new(0),
        found_initialized: AtomicBool::new(false),
        left_running: AtomicBool::new(false),
        state: Mutex::default(),
    };
    let driver: &'static Driver = Box::leak(Box::new(driver));
    *place = Some(driver);
    Ok(driver)
}

/// Lets drivers be initialised one after the other, for two of them may be one library that does not expect that. One that takes
/// its time is not waited for.
fn alone() -> Option<MutexGuard<'static, ()>> {
    /// How long the one before is waited for.
    const PATIENCE: Duration = Duration::from_millis(100);
    static STARTING: Mutex<()> = Mutex::new(());
    let until = Instant::now() + PATIENCE;
    loop {
        match STARTING.try_lock() {
            Ok(alone) => return Some(alone),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if Instant::now() > until => return None,
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// Loads a file that was checked, and nothing else.
fn functions(file: &CheckedFile, host: Option<HostOptions>) -> Result<Functions> {
    match host {
        None => library::load(file.path()).map_err(|failure| unloaded(file.path(), failure)),
        #[cfg(target_os = "linux")]
        Some(host) => Ok(Functions::hosted(host, file.path())),
        // `Loading::host` has refused before.
        #[cfg(not(target_os = "linux"))]
        Some(_) => Err(Error::new(Code::DriverHostUnusable).during(Step::LoadDriver)),
    }
}

/// Why a file gave no functions.
fn unloaded(path: &Path, failure: LoadFailure) -> Error {
    let fail = |code| Error::new(code).during(Step::LoadDriver).fact(Fact::Path, path.display());
    match failure {
        LoadFailure::Unloadable(why) => fail(Code::DriverUnloadable).fact(Fact::Detail, why),
        LoadFailure::NoEntry => fail(Code::DriverNoEntry),
        LoadFailure::NoHost(why) => fail(Code::DriverHostUnusable).fact(Fact::Detail, why),
        LoadFailure::NotConfined(why) => fail(Code::DriverNotConfined).fact(Fact::Detail, why),
        LoadFailure::Exhausted(why) => fail(Code::OutOfMemory).fact(Fact::Detail, why),
        LoadFailure::NoList(failure) if says_more(&failure) => {
            failure.during(Step::LoadDriver).fact(Fact::Path, path.display())
        }
        LoadFailure::NoList(failure) => {
            let error = failure.during(Step::LoadDriver);
            let detail = error.to_string();
            fail(Code::DriverInitFailed).fact(Fact::Detail, detail).caused_by(error)
        }
    }
}

/// Whether a failure says more than that the driver could not be initialised.
fn says_more(failure: &Failure) -> bool {
    failure.has_ended_host() || matches!(failure, Failure::Forked { .. })
}

/// That this program itself is in a call of the driver at this path, which may take minutes; of this thread alone, or of any.
pub(crate) fn is_busy(path: &Path, with_this_thread: bool) -> Option<Error> {
    let drivers = drivers_at(path).into_iter();
    let mut calls = drivers.filter_map(|driver| driver.functions.lasting_call());
    let this = std::thread::current().id();
    let (function, _) = calls.find(|(_, thread)| !with_this_thread || *thread == this)?;
    Some(Failure::InCall { function }.during(Step::FindToken).fact(Fact::Path, path.display()))
}

/// The function that this program is in of the driver at this path, where that has a process of its own: the one of this thread, or of
/// another, for which this thread waits.
pub(crate) fn call_now(path: &Path, thread: Option<ThreadId>) -> Option<&'static str> {
    let calls: Vec<_> =
        drivers_at(path).into_iter().filter_map(|driver| driver.functions.call_now()).collect();
    let own = calls.iter().find(|(_, caller)| Some(*caller) == thread);
    own.or(calls.first()).map(|(function, _)| *function)
}

/// Ends the process of the driver at this path, where this thread is in a call of it that only reads. Returns whether it is in one.
pub(crate) fn give_up(path: &Path, thread: ThreadId) -> bool {
    drivers_at(path).into_iter().any(|driver| driver.functions.give_up(thread))
}

/// What is loaded from this file: here, or in processes. Not what is being loaded here.
fn drivers_at(path: &Path) -> Vec<&'static Driver> {
    let Ok(path) = path.canonicalize() else { return Vec::new() };
    let registry = lock(&REGISTRY);
    let places = registry.iter().filter(|((file, _), _)| *file == path);
    places.filter_map(|(_, place)| *place.try_lock().ok()?).collect()
}

impl Driver {
    /// Returns whether the driver was initialised by this call.
    pub(super) fn lease(&self) -> Result<bool> {
        let mut state = lock(&self.state);
        // Who still holds a driver whose host has ended has nothing of it. One that was not ended because another used its
        // library is still ours.
        let first = self.functions.has_ended() || state.leases == 0 && !state.initialized_by_us;
        if first {
            self.start(&mut state)?;
        } else {
            self.functions
                .same_process("C_Initialize")
                .map_err(|failure| failure.during(Step::InitializeDriver))?;
        }
        state.leases += 1;
        Ok(first && state.initialized_by_us)
    }

    /// The only lease, of a driver that is started with parameters.
    pub(super) fn lease_alone(&self, parameters: &CStr) -> Result<()> {
        let mut state = lock(&self.state);
        let failed = || Error::new(Code::DriverInitFailed).fact(Fact::Path, self.path.display());
        let in_use = || failed().during(Step::InitializeDriver).fact(Fact::Reason, "softokn_in_use");
        if state.leases > 0 {
            return Err(in_use());
        }
        self.functions.load().map_err(|failure| unloaded(&self.path, failure))?;
        let ours = self.functions.initialize_with(parameters).map_err(|failure| self.not_started(failure))?;
        if !ours {
            return Err(in_use());
        }
        state.initialized_by_us = true;
        state.starts += 1;
        state.leases = 1;
        Ok(())
    }

    pub(super) fn start(&self, state: &mut State) -> Result<()> {
        self.functions.load().map_err(|failure| unloaded(&self.path, failure))?;
        // In a process of its own no other has its library.
        let _alone = if self.is_hosted { None } else { alone() };
        let initialized = self.functions.initialize();
        state.start_failed = initialized.is_err();
        state.initialized_by_us = initialized.map_err(|failure| self.not_started(failure))?;
        self.found_initialized.store(!state.initialized_by_us, Ordering::SeqCst);
        state.starts += usize::from(state.initialized_by_us);
        state.started_in = Some(std::thread::current().id());
        Ok(())
    }

    /// Why it did not start.
    fn not_started(&self, failure: Failure) -> Error {
        let says_more = says_more(&failure);
        let error = failure.during(Step::InitializeDriver);
        if says_more {
            return error.fact(Fact::Path, self.path.display());
        }
        Error::new(Code::DriverInitFailed).fact(Fact::Path, self.path.display()).because_of(error)
    }

    /// Whether another thread than this one has called C_Initialize; in a process of its own a driver knows one thread only.
    pub(super) fn is_strange_to_this_thread(&self) -> bool {
        let started_in = lock(&self.state).started_in;
        !self.is_hosted && started_in.is_some_and(|thread| thread != std::thread::current().id())
    }

    /// C_Initialize once more, where it was ours and the driver denies it. Returns whether the driver has taken it.
    pub(super) fn start_in_this_thread(&self) -> bool {
        let mut state = lock(&self.state);
        if !state.initialized_by_us {
            return false;
        }
        let started = self.functions.initialize();
        state.started_in = Some(std::thread::current().id());
        // Then every session of before is dead.
        state.starts += usize::from(matches!(started, Ok(true)));
        started.is_ok()
    }

    pub(super) fn release(&self, open: Vec<SessionHandle>) {
        let ours = {
            let mut state = lock(&self.state);
            let ours = state.leases == 1 && state.initialized_by_us;
            if !ours {
                open.iter().for_each(|session| close(&self.functions, *session));
            }
            state.leases -= 1;
            if state.leases == 0 {
                self.found_initialized.store(false, Ordering::SeqCst);
            }
            ours.then_some(state.starts)
        };
        end_unused(self);
        let state = lock(&self.state);
        // Else C_Finalize has closed them.
        if state.initialized_by_us && ours == Some(state.starts) {
            open.iter().for_each(|session| close(&self.functions, *session));
        }
    }

    /// C_Finalize, where no one uses the driver any more and it was ours to initialise.
    fn end_if_unused(&self) {
        let mut state = lock(&self.state);
        if state.leases == 0 && state.initialized_by_us {
            // No one is left to report to; in a forked child the call is refused, which is right.
            let _ = self.functions.finalize();
            state.initialized_by_us = false;
        }
    }
}

/// Ends this driver where no one uses it, and those that were left to it. While one is in use that was found initialised, none is
/// ended: two files may be one library behind them (p11-kit's proxy and the driver that it loads), and C_Finalize of one
/// would end the other.
fn end_unused(own: &Driver) {
    let places: Vec<_> = lock(&REGISTRY).values().copied().collect();
    // A place that is locked has a driver that is being loaded.
    let drivers = || places.iter().filter_map(|place| place.try_lock().ok().and_then(|place| *place));
    if drivers().any(|driver| driver.found_initialized.load(Ordering::SeqCst)) {
        own.left_running.store(true, Ordering::SeqCst);
        return;
    }
    own.end_if_unused();
    let left = drivers().filter(|driver| driver.left_running.swap(false, Ordering::SeqCst));
    left.for_each(Driver::end_if_unused);
}

pub(super) fn close(functions: &Functions, session: SessionHandle) {
    // The session may be dead already, with the token pulled; there is nothing left to do then.
    let _ = functions.close_session(session);
}
