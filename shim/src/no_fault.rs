//! Stands in place of the faults in a build that has none, such as one for customers.

use crate::call::Call;
use crate::functions::FunctionList;
use crate::host::stderr;
use usbtoken_pkcs11::types::CK_RV;

/// No faults.
pub(crate) struct Faults;

/// What a call carries past the driver: nothing.
#[derive(Clone, Copy)]
pub(crate) struct Passing;

impl Passing {
    pub(crate) const NONE: Self = Self;
}

impl Faults {
    /// Says that configured faults are ignored, so that no one takes the run for one that had them.
    #[expect(clippy::unnecessary_wraps, reason = "the build with faults can refuse one")]
    pub(crate) fn parse(specs: &[String]) -> Result<Self, String> {
        if !specs.is_empty() {
            let number = specs.len();
            stderr(&format!(
                "this build cannot inject faults (feature `faults`); {number} configured, all ignored"
            ));
        }
        Ok(Self)
    }

    pub(crate) fn any(&self) -> bool {
        false
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        Vec::new()
    }

    pub(crate) fn before(&self, _: &Call, _: &FunctionList) -> (Option<CK_RV>, Passing) {
        (None, Passing)
    }

    pub(crate) fn after(&self, _: &Call, _: Passing, rv: CK_RV) -> (CK_RV, Passing) {
        (rv, Passing)
    }

    pub(crate) fn text(&self, _: Passing) -> Option<String> {
        None
    }
}
