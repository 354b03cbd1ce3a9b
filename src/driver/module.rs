//! A loaded driver: one per file and process, initialised once, finalised only by the one who initialised it.

use super::ckr::During as _;
use super::file::{self, CheckedFile};
use super::hosting::Loading;
use super::mutex::lock;
use crate::error::{Code, Error, Fact, Result, Step};
use std::collections::BTreeMap;
use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, TryLockError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};
use usbtoken_pkcs11::library::{self, LoadFailure};
use usbtoken_pkcs11::text::unpadded;
use usbtoken_pkcs11::types::*;
use usbtoken_pkcs11::{Failure, Functions, HostOptions, Outcome, SessionHandle, SlotId};

/// A driver (PKCS#11 module), loaded and initialised.
///
/// Clones share one initialisation. When the last goes, C_Finalize is called, but only if C_Initialize was ours:
/// a host that uses the same driver keeps it. The library itself stays loaded until the process ends.
#[derive(Clone)]
pub struct Module(Arc<Lease>);

/// What a driver says of itself (CK_INFO, PKCS#11 v3.1 §3.1).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ModuleInfo {
    /// The manufacturer.
    pub manufacturer: String,
    /// The description of the library.
    pub description: String,
    /// The library's version, major and minor.
    pub version: (u8, u8),
    /// The version of PKCS#11 that it speaks.
    pub cryptoki_version: (u8, u8),
}

/// One use of a driver; the counting makes Drop and a concurrent load agree on who finalises.
struct Lease {
    driver: &'static Driver,
    info: OnceLock<ModuleInfo>,
    /// Sessions that the last user of this lease has left to C_Finalize.
    left: Mutex<Vec<SessionHandle>>,
}

/// A library that was loaded, and stays.
struct Driver {
    path: PathBuf,
    /// Whether it has a process of its own.
    is_hosted: bool,
    functions: Functions,
    /// How many logins were tried through it.
    logins: AtomicU64,
    /// Whether it is in use and was initialised when we came: by the host, or through another driver that is the same library.
    found_initialized: AtomicBool,
    /// Whether it was not ended with its last use, because of another that is.
    left_running: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    leases: usize,
    initialized_by_us: bool,
    /// How many sessions of ours are open.
    sessions: usize,
    /// How often C_Initialize has worked, and whether it has failed since.
    starts: usize,
    start_failed: bool,
    /// The thread that has called C_Initialize last.
    started_in: Option<ThreadId>,
}

/// Whether a driver can be initialised again after C_Finalize; clients of network HSMs often cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restart {
    /// It was, in this process.
    Works,
    /// It was tried, and failed.
    Fails,
    /// It was not tried yet.
    Untried,
}

/// A session, and during which start of the driver it was opened: handles of an earlier one may be others' by now.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenSession {
    pub(super) handle: SessionHandle,
    start: usize,
}

/// A driver's file by canonical path, and the host that it runs in.
type Place = (PathBuf, Option<HostOptions>);

/// Every library that this process has loaded, or has a host for. The outer lock is held for a lookup only; a driver
/// that hangs while it loads holds up only those who want the same one.
static REGISTRY: Mutex<BTreeMap<Place, &'static Mutex<Option<&'static Driver>>>> =
    Mutex::new(BTreeMap::new());

impl Module {
    /// Checks, loads and initialises the driver at an absolute path.
    ///
    /// # Errors
    /// Those of the file check ([`Code::DriverMissing`], [`Code::DriverTruncated`], [`Code::DriverWrongBitness`]
    /// …), [`Code::DriverUnloadable`], [`Code::DriverNoEntry`], [`Code::DriverInitFailed`], [`Code::Forked`].
    pub fn load(path: &Path) -> Result<Self> {
        Self::load_with(path, &Loading::default()).map(|(module, _)| module)
    }

    /// As [`Module::load`], in this way; whether the driver was initialised by this call.
    pub(crate) fn load_with(path: &Path, loading: &Loading) -> Result<(Self, bool)> {
        let file = file::check(path, loading.trust)?;
        let driver = registered(&file, loading.host_for(&file)?)?;
        let first = driver.lease()?;
        Ok((Module(Arc::new(Lease { driver, info: OnceLock::new(), left: Mutex::default() })), first))
    }

    /// Loads NSS's softokn in this way and starts it with these parameters, which say where its files are. It has one state in a
    /// process, so it must not be in use where it runs.
    ///
    /// # Errors
    /// As [`Module::load`]; [`Code::DriverInitFailed`] with a reason when it is in use; [`Code::DriverCrashed`] and
    /// [`Code::DriverTimeout`] of one in a process of its own.
    pub(crate) fn load_softokn(path: &Path, parameters: &CStr, loading: &Loading) -> Result<Self> {
        let file = file::check(path, loading.trust)?;
        let driver = registered(&file, loading.host_for(&file)?)?;
        driver.lease_alone(parameters)?;
        Ok(Module(Arc::new(Lease { driver, info: OnceLock::new(), left: Mutex::default() })))
    }

    /// The canonical path of the library.
    pub fn path(&self) -> &Path {
        &self.0.driver.path
    }

    /// What the driver says of itself; asked once, for it does not change.
    ///
    /// # Errors
    /// What C_GetInfo returns.
    pub fn info(&self) -> Result<ModuleInfo> {
        if let Some(info) = self.0.info.get() {
            return Ok(info.clone());
        }
        let info = self.ask_info()?;
        Ok(self.0.info.get_or_init(|| info).clone())
    }

    fn ask_info(&self) -> Result<ModuleInfo> {
        let info = self.functions().info().map_err(|failure| failure.during(Step::InitializeDriver))?;
        let (library, cryptoki) = (info.libraryVersion, info.cryptokiVersion);
        Ok(ModuleInfo {
            manufacturer: unpadded(&info.manufacturerID),
            description: unpadded(&info.libraryDescription),
            version: (library.major, library.minor),
            cryptoki_version: (cryptoki.major, cryptoki.minor),
        })
    }

    /// The number of slots, with a token in them or not.
    ///
    /// # Errors
    /// What C_GetSlotList returns.
    pub(crate) fn slot_count(&self) -> Result<usize> {
        let slots = self.functions().slots(false).map_err(|failure| failure.during(Step::FindToken))?;
        Ok(slots.len())
    }

    /// What is known of initialising the driver again.
    pub(crate) fn restart(&self) -> Restart {
        let state = lock(&self.0.driver.state);
        match (state.start_failed, state.starts) {
            (true, _) => Restart::Fails,
            (false, 2..) => Restart::Works,
            (false, _) => Restart::Untried,
        }
    }

    /// Whether something happened in a slot since this was last asked; it never blocks.
    pub(crate) fn slot_event(&self) -> Result<bool> {
        self.functions().slot_event().map_err(|failure| failure.during(Step::FindToken))
    }

    pub(super) fn functions(&self) -> &'static Functions {
        &self.0.driver.functions
    }

    /// Opens a session. What may pass is tried once more: readers are busy for a moment after they were used, and some
    /// drivers know only the thread that has initialised them.
    pub(super) fn open(&self, slot: SlotId, to_write: bool) -> Outcome<OpenSession> {
        /// How long a reader may be busy.
        const MOMENT: Duration = Duration::from_millis(300);
        let open = || self.functions().open_session(slot, to_write);
        let opened = open().or_else(|failure| match failure.rv() {
            Some(CKR_CRYPTOKI_NOT_INITIALIZED) if self.0.driver.start_in_this_thread() => open(),
            Some(
                CKR_GENERAL_ERROR
                | CKR_FUNCTION_FAILED
                | CKR_DEVICE_ERROR
                | CKR_SESSION_HANDLE_INVALID
                | CKR_TOKEN_NOT_PRESENT
                | CKR_TOKEN_NOT_RECOGNIZED,
            ) => {
                let is_strange = self.0.driver.is_strange_to_this_thread();
                if !(is_strange && self.0.driver.start_in_this_thread()) {
                    std::thread::sleep(MOMENT);
                }
                open().map_err(|_| failure)
            }
            _ => Err(failure),
        });
        let handle = opened?;
        let mut state = lock(&self.0.driver.state);
        state.sessions += 1;
        Ok(OpenSession { handle, start: state.starts })
    }

    /// Closes a session. What the last one to use the driver has open, C_Finalize closes, which comes next; one of before
    /// the driver was started anew is closed already.
    pub(super) fn close(&self, session: OpenSession) {
        let is_dead = {
            let mut state = lock(&self.0.driver.state);
            state.sessions = state.sessions.saturating_sub(1);
            session.start != state.starts
        };
        if is_dead {
            return;
        }
        if Arc::strong_count(&self.0) == 1 {
            lock(&self.0.left).push(session.handle);
        } else {
            close(self.functions(), session.handle);
        }
    }

    /// Ends the driver and starts it again, so that it forgets what it thinks of a token; every session is dead then.
    /// `false`, and nothing is done, where the driver is not ours to end, or this process has another session open.
    ///
    /// `before` is done first, where it is done at all.
    ///
    /// # Errors
    /// [`Code::DriverInitFailed`].
    pub(super) fn start_anew(&self, before: impl FnOnce()) -> Result<bool> {
        let driver = self.0.driver;
        let mut state = lock(&driver.state);
        if !state.initialized_by_us || state.sessions != 1 {
            return Ok(false);
        }
        before();
        // What a driver says to that changes nothing: whether it starts is what counts.
        let _ = driver.functions.finalize();
        state.initialized_by_us = false;
        driver.start(&mut state)?;
        Ok(true)
    }

    /// Notes that a login is tried: what the tokens said of their PIN before that is old.
    pub(super) fn note_login(&self) {
        self.0.driver.logins.fetch_add(1, Ordering::Relaxed);
    }

    /// How many logins were tried through this driver, by anybody in this process.
    pub(super) fn logins(&self) -> u64 {
        self.0.driver.logins.load(Ordering::Relaxed)
    }
}

fn close(functions: &Functions, session: SessionHandle) {
    // The session may be dead already, with the token pulled; there is nothing left to do then.
    let _ = functions.close_session(session);
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Module").field(&self.path()).finish()
    }
}

/// The driver of this path, loaded now if it was not before; one in a host is loaded when it is initialised.
fn registered(file: &CheckedFile, host: Option<HostOptions>) -> Result<&'static Driver> {
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
        LoadFailure::NoList(failure) if failure.has_ended_host() => {
            failure.during(Step::LoadDriver).fact(Fact::Path, path.display())
        }
        LoadFailure::NoList(failure) => {
            let error = failure.during(Step::LoadDriver);
            let detail = error.to_string();
            fail(Code::DriverInitFailed).fact(Fact::Detail, detail).caused_by(error)
        }
    }
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
    fn lease(&self) -> Result<bool> {
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
    fn lease_alone(&self, parameters: &CStr) -> Result<()> {
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

    fn start(&self, state: &mut State) -> Result<()> {
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
        // That says more than that it could not be initialised.
        let has_ended = failure.has_ended_host();
        let error = failure.during(Step::InitializeDriver);
        if has_ended {
            return error.fact(Fact::Path, self.path.display());
        }
        Error::new(Code::DriverInitFailed).fact(Fact::Path, self.path.display()).because_of(error)
    }

    /// Whether another thread than this one has called C_Initialize; in a process of its own a driver knows one thread only.
    fn is_strange_to_this_thread(&self) -> bool {
        let started_in = lock(&self.state).started_in;
        !self.is_hosted && started_in.is_some_and(|thread| thread != std::thread::current().id())
    }

    /// C_Initialize once more, where it was ours and the driver denies it. Returns whether the driver has taken it.
    fn start_in_this_thread(&self) -> bool {
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

    fn release(&self, open: Vec<SessionHandle>) {
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

impl Drop for Lease {
    fn drop(&mut self) {
        self.driver.release(std::mem::take(&mut lock(&self.left)));
    }
}
