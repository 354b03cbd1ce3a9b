//! A PKCS#11 module that stands between any application and a token's driver.
//!
//! Loaded in place of the driver, it forwards every function to it, and on the way records each call as one line of
//! JSON (never a PIN, never key material), delays calls so that a software token feels like a USB token, and, in
//! builds with the feature `faults`, makes the driver fail in every way that tokens have been seen to fail.
//! `docs/shim.md` is its manual.
//!
//! The C functions are for the application that loads the module. For Rust there is one thing here: [`trace`], which
//! reads what was recorded.

mod call;
mod config;
mod delay;
mod driver;
#[cfg_attr(not(feature = "faults"), path = "no_fault.rs")]
mod fault;
mod functions;
mod interface;
mod names;
mod record;
mod redact;
mod table;
pub mod trace;
mod view;

pub use functions::exported;

use call::Counter;
use config::Config;
use delay::Delays;
use driver::Driver;
use fault::Faults;
use pkcs11_sys::{CK_RV, CKR_GENERAL_ERROR};
use record::Recorder;
use std::sync::OnceLock;

/// Everything that one process has of the shim.
struct Shim {
    driver: Driver,
    counter: Counter,
    recorder: Option<Recorder>,
    delays: Delays,
    faults: Faults,
}

impl Shim {
    fn start() -> Result<Self, String> {
        let config = Config::read(|name| std::env::var_os(name))?;
        let delays = Delays::new(config.delay_ms, &config.delays)?;
        let faults = Faults::parse(&config.faults)?;
        let driver = Driver::load(&config.driver)?;
        let recorder = match &config.trace {
            Some(path) => Some(Recorder::open(path, &config, &faults.texts())?),
            None => None,
        };
        Ok(Self { driver, counter: Counter::new(), recorder, delays, faults })
    }

    /// Whether anyone needs to see what the arguments point to.
    fn looks(&self) -> bool {
        self.recorder.is_some() || self.faults.any()
    }
}

/// The shim of this process, started by the first function that is called. A start that failed stays failed, and
/// has said why on stderr once.
fn shim() -> Result<&'static Shim, CK_RV> {
    static SHIM: OnceLock<Option<Shim>> = OnceLock::new();
    let started = SHIM.get_or_init(|| match Shim::start() {
        Ok(shim) => Some(shim),
        Err(reason) => {
            stderr(&reason);
            None
        }
    });
    started.as_ref().ok_or(CKR_GENERAL_ERROR)
}

/// Says one line to whoever watches. Not being heard is no reason to fail (nor to panic, as `eprintln!` would).
fn stderr(line: &str) {
    use std::io::Write;
    let _ = std::io::stderr().write_all(format!("usbtoken-shim: {line}\n").as_bytes());
}
