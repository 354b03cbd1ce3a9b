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

mod answer;
mod behaviour;
mod ca;
mod device;
mod folder;
mod inspector;
mod issue;
mod key;
mod name;
mod programs;
mod provision;
mod request;
mod snapshot;

pub use answer::Form;
pub use behaviour::{Begin, Behaviour, Naming};
pub use ca::TestCa;
pub use device::smart_card_device;
pub use folder::{Folder, SoftToken, softhsm_module, softhsm_module_at};
pub use inspector::{Inspector, inspect};
pub use issue::Issue;
pub use key::{Kind, SoftKey, verify, verify_with_certificate};
pub use name::{NameDer, Text, common_name, manual_subject, serial_hex};
pub use programs::{command, program, shim};
pub use provision::Provisioned;
pub use request::ParsedRequest;
pub use snapshot::{Object, Reading, Snapshot};

use std::time::{Duration, SystemTime};

/// This many days from now; negative for days ago.
pub fn days_from_now(days: i64) -> SystemTime {
    let span = Duration::from_secs(days.unsigned_abs() * 24 * 60 * 60);
    if days < 0 { SystemTime::now() - span } else { SystemTime::now() + span }
}
