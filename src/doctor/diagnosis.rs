//! What a diagnosis holds.

use super::problem::Problem;
use super::report::{BankReport, DeviceReport, DriverReport, Platform, TokenReport};
use crate::bank::{Words, call_pin};
use crate::discovery::p11kit::Skipped;
use crate::text::Lang;
use std::borrow::Cow;
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
    /// What the PIN is called where one bank alone has a profile.
    pub(super) pin: Option<Words>,
}

impl Diagnosis {
    /// A text of ours with that word for the PIN.
    pub(super) fn say<'t>(&self, text: &'t str, lang: Lang) -> Cow<'t, str> {
        self.pin.as_ref().map_or(text.into(), |name| call_pin(text, name.text(lang)).into())
    }
}
