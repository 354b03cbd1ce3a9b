//! A loaded driver: one per file and process, initialised once, finalised only by the one who initialised it.

use super::ckr::During as _;
use super::file;
use super::hosting::Loading;
use super::mutex::lock;
#[cfg(doc)]
use crate::error::Code;
use crate::error::{Result, Step};
use std::ffi::CStr;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use usbtoken_pkcs11::text::unpadded;
use usbtoken_pkcs11::types::*;
use usbtoken_pkcs11::{Functions, Outcome, SessionHandle, SlotId};

mod loaded;

use self::loaded::{Driver, close, registered};
pub(crate) use self::loaded::{call_now, give_up, is_busy};

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

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Module").field(&self.path()).finish()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.driver.release(std::mem::take(&mut lock(&self.left)));
    }
}
