//! Throw-away tokens, a test CA and object-by-object views of a token.
//!
//! This crate knows nothing of `usbtoken`: it reaches tokens through the crate cryptoki and makes certificates
//! with RustCrypto, so that what it sees and says is a second opinion on what the library did.
//!
//! ```no_run
//! use usbtoken_testkit::{Kind, SoftToken, TestCa, days_from_now};
//!
//! let token = SoftToken::fresh();
//! let ca = TestCa::new();
//! let old = token.first_credential(&ca, Kind::Rsa2048, days_from_now(11));
//! let before = token.snapshot();
//! // … what is tested …
//! token.snapshot().assert_same_as(&before);
//! # let _ = old;
//! ```
//!
//! Everything here panics with a sentence when it fails: it is for tests, where a failure is a finding.

mod bank;
mod ca;
mod clock;
mod device;
mod key;
mod programs;
mod server;
mod token;

pub use bank::{MANUAL_BANK, manual_bank};
pub use ca::{Begin, Behaviour, Form, Issue, NameDer, Naming, ParsedRequest, TestCa, Text};
pub use ca::{common_name, manual_subject, serial_hex};
pub use clock::days_from_now;
pub use device::smart_card_device;
pub use key::{Kind, SoftKey, verify, verify_with_certificate};
pub use programs::{command, driver_host, example, is_all_built, program, shim, target};
pub use server::{Server, nginx};
pub use token::{Folder, Inspector, Object, Provisioned, Reading, Snapshot, SoftToken};
pub use token::{inspect, inspect_slot, softhsm_module, softhsm_module_at};
