//! Stands in place of the faults in a build that has none, such as one for customers.

use crate::call::Call;
use crate::functions::FunctionList;
use crate::stderr;
use pkcs11_sys::CK_RV;

/// No faults.
pub(crate) struct Faults;

impl Faults {
    /// Says that configured faults are ignored, so that nobody takes the run for one that had them.
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

    pub(crate) fn pass(
        &self,
        _: &Call,
        _: &FunctionList,
        forward: &dyn Fn() -> CK_RV,
    ) -> (CK_RV, Option<String>) {
        (forward(), None)
    }
}
