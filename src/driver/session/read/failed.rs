//! What is made of an object that cannot be read.

use crate::driver::ckr::During as _;
use crate::error::{Call, Step};
use usbtoken_pkcs11::types::*;
use usbtoken_pkcs11::{Failure, Outcome};

/// A driver that fails once at one object is asked once more.
pub(super) fn twice<T>(mut read: impl FnMut() -> Outcome<T>) -> Outcome<T> {
    match read() {
        Err(failure) if is_about_the_object(&failure) => read(),
        done => done,
    }
}

pub(super) fn refusal(failure: Failure) -> Option<Call> {
    failure.during(Step::ReadObjects).pkcs11_call()
}

/// Whether a failure may be that of one object, and not of the token or the session.
pub(super) fn is_about_the_object(failure: &Failure) -> bool {
    match failure {
        Failure::Misbehaved { .. } => true,
        Failure::Returned { rv, .. } => matches!(
            *rv,
            CKR_OBJECT_HANDLE_INVALID
                | CKR_GENERAL_ERROR
                | CKR_FUNCTION_FAILED
                | CKR_DEVICE_ERROR
                | CKR_ARGUMENTS_BAD
                | CKR_DATA_INVALID
                | CKR_DATA_LEN_RANGE
                | CKR_ATTRIBUTE_VALUE_INVALID
        ),
        Failure::Missing { .. }
        | Failure::Forked { .. }
        | Failure::Crashed { .. }
        | Failure::TimedOut { .. }
        | Failure::AtTerminal { .. }
        | Failure::Cancelled { .. }
        | Failure::NotCalled(_)
        | Failure::InCall { .. } => false,
    }
}
