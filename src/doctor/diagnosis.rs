//! What a diagnosis holds.

use super::problem::Problem;
use super::report::{BankReport, DeviceReport, DriverReport, Platform, TokenReport};
use crate::discovery::p11kit::Skipped;
use std::time::SystemTime;

/// Everything that was seen, and what is wrong with it.
#[derive(Debug)]
pub struct Diagnosis {
    /// The version of this library.
    pub version: &'static str,
    /// The computer.
    pub platform: Platform,
    /// When it was looked.
    pub taken: SystemTime,
    /// The problems, the weightiest first.
    pub problems: Vec<Problem>,
    /// The drivers, in the order in which they are asked.
    pub drivers: Vec<DriverReport>,
    /// Files of p11-kit's configuration that give no driver.
    pub skipped: Vec<Skipped>,
    /// The devices that are, or may be, tokens.
    pub devices: Vec<DeviceReport>,
    /// The initialised tokens.
    pub tokens: Vec<TokenReport>,
    /// The banks whose profiles were given to [`Diagnosis::with_banks`].
    pub banks: Vec<BankReport>,
}
