//! Why a call gave no result.

use crate::types::CK_RV;
use std::time::Duration;

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
    /// The driver's host ended during the call: the driver crashed, or something ended the process.
    Crashed {
        /// The name of the function.
        function: &'static str,
        /// How the process ended, such as `signal 11`.
        how: String,
    },
    /// The function did not return in time, and the driver's host was ended.
    TimedOut {
        /// The name of the function.
        function: &'static str,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The driver asks at the terminal, which its host does not have: the system has stopped it, and the host was ended.
    AtTerminal {
        /// The name of the function.
        function: &'static str,
    },
    /// The caller wanted to stop while the function had not returned for a while, and the driver's host was ended.
    Cancelled {
        /// The name of the function.
        function: &'static str,
        /// Whether it writes to the token, where half of what it does may be now.
        writes: bool,
    },
    /// The function was not called, because the driver's host had ended before: in another call, or in none.
    NotCalled(Box<Failure>),
    /// The driver is in a call of this very thread, which is told of it: no second one can be made.
    InCall {
        /// The name of the function.
        function: &'static str,
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
    /// Whether the driver's host has ended, in the call or before it.
    pub fn has_ended_host(&self) -> bool {
        matches!(self, Failure::NotCalled(_)) || self.has_ended_host_in_call()
    }

    /// Whether the driver's host has ended after the function was asked for, which may have done its work by then.
    pub fn has_ended_host_in_call(&self) -> bool {
        use Failure::{AtTerminal, Cancelled, Crashed, TimedOut};
        matches!(self, Crashed { .. } | TimedOut { .. } | AtTerminal { .. } | Cancelled { .. })
    }

    /// Why another function cannot be called after this.
    #[cfg(target_os = "linux")]
    pub(crate) fn not_called(self) -> Self {
        match self {
            Failure::NotCalled(_) => self,
            before => Failure::NotCalled(Box::new(before)),
        }
    }

    /// The return value, if the function returned one and it is all that is wrong.
    pub fn rv(&self) -> Option<CK_RV> {
        match self {
            Failure::Returned { rv, .. } => Some(*rv),
            _ => None,
        }
    }

    /// The name of the function; of one that was not called, that of the call in which the driver's host had ended.
    pub fn function(&self) -> &'static str {
        match self {
            Failure::NotCalled(before) => before.function(),
            Failure::Returned { function, .. }
            | Failure::Missing { function }
            | Failure::Misbehaved { function, .. }
            | Failure::Crashed { function, .. }
            | Failure::TimedOut { function, .. }
            | Failure::AtTerminal { function }
            | Failure::Cancelled { function, .. }
            | Failure::InCall { function }
            | Failure::Forked { function } => function,
        }
    }
}

/// Why a file gave no functions.
#[derive(Debug)]
pub enum LoadFailure {
    /// The system's loader does not take it, and says why.
    Unloadable(String),
    /// It has no C_GetFunctionList.
    NoEntry,
    /// C_GetFunctionList gave no list that can be used.
    NoList(Failure),
    /// The driver's host cannot be started, or is none.
    NoHost(String),
    /// The host cannot keep the driver from what its caller has not named.
    NotConfined(String),
    /// The system has no process, descriptor or memory left for the driver's host.
    Exhausted(String),
}
