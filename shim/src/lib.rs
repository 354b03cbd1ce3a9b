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
mod entry;
#[cfg_attr(not(feature = "faults"), path = "no_fault.rs")]
mod fault;
mod functions;
mod host;
mod interface;
mod pass;
mod process;
#[cfg(test)]
mod testing;
pub mod trace;

pub use entry::exported;
