//! What is said of a driver that was not done in time.

use crate::driver::{call_now, is_busy};
use crate::error::{Code, Error, Fact, Step};
use std::path::Path;
use std::time::Duration;

/// A driver was not done in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Late {
    /// The function in which it was, where that is known: in a process of its own.
    pub(super) function: Option<&'static str>,
}

impl Late {
    /// With the function in which it is now.
    pub(super) fn now(driver: &Path) -> Self {
        Late { function: call_now(driver, None) }
    }

    /// The error for who has asked for this to be done, within this time: this program is in a call of the driver, or the driver takes
    /// its time.
    pub(crate) fn error(self, driver: &Path, step: Step, limit: Duration) -> Error {
        if let Some(busy) = is_busy(driver, false) {
            return busy;
        }
        let step = match self.function {
            Some("C_GetFunctionList") => Step::LoadDriver,
            Some("C_Initialize") => Step::InitializeDriver,
            // It was started meanwhile.
            Some(_) if step == Step::InitializeDriver => Step::FindToken,
            _ => step,
        };
        let error = Error::new(Code::DriverTimeout).during(step);
        let error =
            self.function.into_iter().fold(error, |error, function| error.fact(Fact::Function, function));
        error.fact(Fact::Path, driver.display()).fact(Fact::Limit, format_args!("{} s", limit.as_secs_f64()))
    }
}
