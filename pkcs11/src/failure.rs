//! Why a call gave no result.

use crate::types::CK_RV;

/// Why a call gave no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The function returned something other than CKR_OK.
    Returned {
        /// The name of the function.
        function: &'static str,
        /// What it returned.
        rv: CK_RV,
    },
    /// The driver's function list has no such function.
    Missing {
        /// The name of the function.
        function: &'static str,
    },
    /// The driver broke the specification with what it returned.
    Misbehaved {
        /// The name of the function.
        function: &'static str,
        /// What it returned.
        rv: CK_RV,
        /// What is wrong with it.
        how: String,
    },
    /// The process was forked after C_Initialize (PKCS#11 v3.1 §5.4: the child must initialise anew).
    Forked {
        /// The name of the function.
        function: &'static str,
    },
}

/// The result of one PKCS#11 call.
pub type Outcome<T> = std::result::Result<T, Failure>;

impl Failure {
    /// The return value, if the function returned one and it is all that is wrong.
    pub fn rv(&self) -> Option<CK_RV> {
        match self {
            Failure::Returned { rv, .. } => Some(*rv),
            _ => None,
        }
    }
}
