//! The fence around C: the only place in the crate with `unsafe`.
//!
//! Every PKCS#11 function that the crate uses has one safe wrapper here. Lengths that come back from a driver are
//! held against the buffers that we gave it, counts are bounded, missing functions and forked processes become
//! failures. Nothing here retries anything but a read into a buffer that was too small.

mod calls;
mod library;
mod objects;
mod template;

pub(super) use calls::{Functions, RawTokenInfo};
pub(super) use library::load;
pub(super) use objects::{Attributes, PrivateValue, Wanted};
pub(super) use template::Template;

use crate::error::{Call, Code, Error, Fact, Step};
use usbtoken_pkcs11::types::CK_RV;

/// The number of a slot: valid until the next look at the slot list, never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SlotId(pub(super) usbtoken_pkcs11::types::CK_SLOT_ID);

/// The handle of an open session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SessionHandle(usbtoken_pkcs11::types::CK_SESSION_HANDLE);

/// The handle of an object, valid within the driver's present initialisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ObjectHandle(usbtoken_pkcs11::types::CK_OBJECT_HANDLE);

#[cfg(test)]
impl ObjectHandle {
    pub(super) fn made_up(number: u32) -> Self {
        ObjectHandle(number.into())
    }
}

/// Why a call gave no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The function returned something other than CKR_OK.
    Returned { function: &'static str, rv: CK_RV },
    /// The driver's function list has no such function.
    Missing { function: &'static str },
    /// The driver broke the specification with what it returned; the text says how.
    Misbehaved { function: &'static str, rv: CK_RV, how: String },
    /// The process was forked after C_Initialize (PKCS#11 v3.1 §5.4: the child must initialise anew).
    Forked { function: &'static str },
}

/// The result of one PKCS#11 call.
pub(super) type Outcome<T> = std::result::Result<T, Failure>;

impl Failure {
    /// The return value, if the function returned one.
    pub(super) fn rv(&self) -> Option<CK_RV> {
        match self {
            Failure::Returned { rv, .. } => Some(*rv),
            _ => None,
        }
    }

    /// The error for the caller: the one place where a failure gets its code.
    pub(super) fn during(self, step: Step) -> Error {
        let call = |function, rv| Call { function, rv: super::ckr::number(rv), name: super::ckr::name(rv) };
        match self {
            Failure::Returned { function, rv } => {
                Error::new(super::ckr::code(function, rv)).call(call(function, rv))
            }
            Failure::Missing { function } => {
                Error::new(Code::FunctionUnsupported).fact(Fact::Detail, function)
            }
            Failure::Misbehaved { function, rv, how } => Error::new(Code::DriverMisbehaved)
                .call(call(function, rv))
                .fact(Fact::Detail, format!("{function}: {how}")),
            Failure::Forked { function } => Error::new(Code::Forked).fact(Fact::Detail, function),
        }
        .during(step)
    }
}
