//! The promises of usbtoken, on one token: the one that is named, or a throw-away one in SoftHSM.
//!
//! docs/hardware-testing.md says how a person runs them on a token of their own; `cargo xtask tokens` runs them on every
//! implementation that it can bring up, and writes docs/tokens.md from the reports.

pub mod card;
mod promises;
mod report;
mod slot;
mod target;

pub use promises::{PROMISES, Promise};
pub use report::{Kept, LoggedIn, Outcome, Renewed, Report, TokenReport};
pub use target::{Named, Target};
