//! What one process has of the shim, from the first function that is called until the module is unloaded.

use crate::call::Counter;
use crate::config::{Config, OnTraceFailure};
use crate::delay::Delays;
use crate::driver::{Driver, Entries};
use crate::fault::Faults;
use crate::host::{self, own_work, stderr};
use crate::trace::Recorder;
use std::cell::Cell;
use std::ffi::OsString;
use std::ptr::NonNull;
use std::sync::OnceLock;
use usbtoken_pkcs11::types::{CK_RV, CKR_GENERAL_ERROR};

/// Everything that one process has of the shim.
pub(crate) struct Shim {
    pub(crate) counter: Counter,
    pub(crate) recorder: Option<Recorder>,
    pub(crate) delays: Delays,
    pub(crate) faults: Faults,
    /// Last, so that the trace is closed when the driver is.
    pub(crate) driver: Driver,
}

impl Shim {
    /// The application's stack may be small, and the loader needs its share: each step leaves it before the next.
    fn start(entries: &'static Entries) -> Result<Box<Self>, String> {
        let config = configuration()?;
        let (delays, faults) = plan(&config)?;
        let driver = Driver::load(&config.driver, entries)?;
        let recorder = open_trace(&config, &faults)?;
        Ok(Box::new(Self { counter: Counter::new(), recorder, delays, faults, driver }))
    }

    /// Whether a call has anything to do here but to be forwarded.
    pub(crate) fn watches(&self) -> bool {
        self.reads_arguments() || self.delays.any()
    }

    /// Whether anyone needs to see what the arguments point to.
    pub(crate) fn reads_arguments(&self) -> bool {
        self.recorder.is_some() || self.faults.any()
    }
}

#[inline(never)]
fn configuration() -> Result<Box<Config>, String> {
    Config::read(environment).map(Box::new)
}

#[inline(never)]
fn plan(config: &Config) -> Result<(Delays, Faults), String> {
    Ok((Delays::new(config.delay_ms, &config.delays)?, Faults::parse(&config.faults)?))
}

#[inline(never)]
fn open_trace(config: &Config, faults: &Faults) -> Result<Option<Recorder>, String> {
    match Recorder::open(config, &faults.texts()) {
        Err(problem) if config.on_trace_failure == OnTraceFailure::Continue => {
            stderr(&format!("{problem}; nothing is recorded"));
            Ok(None)
        }
        opened => opened,
    }
}

/// A variable of the environment; none where the environment is that of someone with fewer rights than this process has.
fn environment(name: &str) -> Option<OsString> {
    if host::borrowed_rights() { None } else { std::env::var_os(name) }
}

/// Where the shim is once it has started; `None` when that failed.
struct Place(Option<NonNull<Shim>>);

// SAFETY: a shim is `Sync` (see below), and is freed by `end` alone.
unsafe impl Send for Place {}
// SAFETY: as above.
unsafe impl Sync for Place {}

const _: () = {
    const fn is_sync<T: Sync>() {}
    is_sync::<Shim>();
};

static SHIM: OnceLock<Place> = OnceLock::new();

pub(crate) fn shim_if_started() -> Option<&'static Shim> {
    match SHIM.get() {
        // SAFETY: it lives until the module is unloaded, when no one may be in its functions.
        Some(Place(Some(shim))) => Some(unsafe { shim.as_ref() }),
        _ => None,
    }
}

/// The shim of this process, started by the first function that is called. A start that failed stays failed, and
/// has said why on stderr once.
#[inline(never)]
pub(crate) fn shim(entries: &'static Entries) -> Result<&'static Shim, CK_RV> {
    thread_local!(static STARTING: Cell<bool> = const { Cell::new(false) });
    if SHIM.get().is_none() {
        if STARTING.replace(true) {
            stderr(
                "the driver leads back to this module: it asks for our functions while it is asked for its own",
            );
            return Err(CKR_GENERAL_ERROR);
        }
        SHIM.get_or_init(|| {
            host::remember_stderr();
            host::unload_with(|| own_work((), end));
            let started = Shim::start(entries).inspect_err(|reason| stderr(reason)).ok();
            Place(started.map(|shim| NonNull::from(Box::leak(shim))))
        });
        STARTING.set(false);
    }
    shim_if_started().ok_or(CKR_GENERAL_ERROR)
}

/// Gives back everything, the driver too: the module is being unloaded.
fn end() {
    if let Some(Place(Some(shim))) = SHIM.get() {
        // SAFETY: it came out of a box, and the one caller calls once, when no one may be in our functions.
        drop(unsafe { Box::from_raw(shim.as_ptr()) });
    }
}
