//! A loaded driver: one per file and process, initialised once, finalised only by the one who initialised it.

use super::ckr::During as _;
use super::file::{self, CheckedFile};
use super::mutex::lock;
use crate::error::{Code, Error, Fact, Result, Step};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use usbtoken_pkcs11::Functions;
use usbtoken_pkcs11::library::{self, LoadFailure};
use usbtoken_pkcs11::text::unpadded;

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
}

/// A library that was loaded, and stays.
struct Driver {
    path: PathBuf,
    functions: Functions,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    leases: usize,
    initialized_by_us: bool,
}

/// Every library that this process has loaded, by canonical path. The outer lock is held for a look only; a driver
/// that hangs while it loads holds up only those who want the same one.
static REGISTRY: Mutex<BTreeMap<PathBuf, &'static Mutex<Option<&'static Driver>>>> =
    Mutex::new(BTreeMap::new());

impl Module {
    /// Checks, loads and initialises the driver at an absolute path.
    ///
    /// # Errors
    /// Those of the file check ([`Code::DriverMissing`], [`Code::DriverTruncated`], [`Code::DriverWrongBitness`]
    /// …), [`Code::DriverUnloadable`], [`Code::DriverNoEntry`], [`Code::DriverInitFailed`], [`Code::Forked`].
    pub fn load(path: &Path) -> Result<Self> {
        Self::load_with(path, file::Trust::Owners).map(|(module, _)| module)
    }

    /// As [`Module::load`], by this rule for the file's owners; whether the driver was initialised by this call.
    pub(crate) fn load_with(path: &Path, trust: file::Trust) -> Result<(Self, bool)> {
        let file = file::check(path, trust)?;
        let driver = registered(&file)?;
        let first = driver.lease()?;
        Ok((Module(Arc::new(Lease { driver, info: OnceLock::new() })), first))
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

    /// Whether something happened in a slot since this was last asked; it never blocks.
    pub(crate) fn slot_event(&self) -> Result<bool> {
        self.functions().slot_event().map_err(|failure| failure.during(Step::FindToken))
    }

    pub(super) fn functions(&self) -> &'static Functions {
        &self.0.driver.functions
    }
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Module").field(&self.path()).finish()
    }
}

/// The driver of this path, loaded now if it was not before.
fn registered(file: &CheckedFile) -> Result<&'static Driver> {
    let path = file.path();
    let place: &'static Mutex<Option<&'static Driver>> =
        lock(&REGISTRY).entry(path.to_owned()).or_insert_with(|| Box::leak(Box::default()));
    let mut place = lock(place);
    if let Some(driver) = *place {
        return Ok(driver);
    }
    let driver = Driver { path: path.to_owned(), functions: load(file)?, state: Mutex::default() };
    let driver: &'static Driver = Box::leak(Box::new(driver));
    *place = Some(driver);
    Ok(driver)
}

/// Loads a file that was checked, and nothing else.
fn load(file: &CheckedFile) -> Result<Functions> {
    let path = file.path();
    let fail = |code| Error::new(code).during(Step::LoadDriver).fact(Fact::Path, path.display());
    library::load(path).map_err(|failure| match failure {
        LoadFailure::Unloadable(error) => fail(Code::DriverUnloadable).fact(Fact::Detail, error),
        LoadFailure::NoEntry => fail(Code::DriverNoEntry),
        LoadFailure::NoList(failure) => {
            let error = failure.during(Step::LoadDriver);
            let detail = error.to_string();
            fail(Code::DriverInitFailed).fact(Fact::Detail, detail).caused_by(error)
        }
    })
}

impl Driver {
    /// Returns whether the driver was initialised by this call.
    fn lease(&self) -> Result<bool> {
        let mut state = lock(&self.state);
        let first = state.leases == 0;
        if first {
            state.initialized_by_us = self.functions.initialize().map_err(|failure| {
                Error::new(Code::DriverInitFailed)
                    .fact(Fact::Path, self.path.display())
                    .because_of(failure.during(Step::InitializeDriver))
            })?;
        } else {
            self.functions
                .same_process("C_Initialize")
                .map_err(|failure| failure.during(Step::InitializeDriver))?;
        }
        state.leases += 1;
        Ok(first && state.initialized_by_us)
    }

    fn release(&self) {
        let mut state = lock(&self.state);
        state.leases -= 1;
        if state.leases == 0 && state.initialized_by_us {
            // No one is left to report to; in a forked child the call is refused, which is right.
            let _ = self.functions.finalize();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.driver.release();
    }
}
