//! The fence around C: what the library and the driver shim both know of PKCS#11, so that it is known once.
//!
//! A driver is foreign code, in this process or in a host of its own ([`Functions::hosted`]). Every function of it that is used has one safe method of [`Functions`].
//! What that promises: lengths that come back from a driver are held against the buffers that it was given, counts
//! are bounded, functions that are missing and processes that were forked become a [`Failure`]. Nothing is tried
//! again but a read into a buffer that was too small. What it cannot promise is that a driver's own code is sound.
//!
//! ```no_run
//! use std::path::Path;
//! use usbtoken_pkcs11::{library, text::unpadded};
//!
//! let driver = library::load(Path::new("/usr/lib/softhsm/libsofthsm2.so")).expect("a driver");
//! let first = driver.initialize().expect("C_Initialize");
//! for slot in driver.slots(true).expect("C_GetSlotList") {
//!     println!("{}", unpadded(&driver.token_info(slot).expect("C_GetTokenInfo").label));
//! }
//! if first {
//!     driver.finalize().expect("C_Finalize");
//! }
//! ```
//!
//! The standard is PKCS#11 v3.1; the numbers and the function lists are those of v3.2 too.

#[cfg(target_os = "linux")]
mod awake;
mod calls;
#[cfg(target_os = "linux")]
mod client;
mod driver;
mod failure;
#[cfg(target_os = "linux")]
pub mod host;
mod kept;
mod kept_open;
pub mod library;
pub mod names;
mod options;
mod template;
pub mod text;
pub mod types;
mod watch;
mod wire;

pub use calls::{Ahead, Attributes, Functions, ObjectHandle, PrivateValue, SessionHandle, SlotId, Wanted};
pub use failure::{Failure, LoadFailure, Outcome};
pub use kept::KeptFiles;
pub use kept_open::KeptOpen;
pub use options::{Confinement, Deadlines, HostOptions};
pub use template::Template;
pub use watch::{Watch, watched};
