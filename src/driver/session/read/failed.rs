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

#[cfg(test)]
mod tests {
    use super::*;

    fn returned(rv: CK_RV) -> Failure {
        Failure::Returned { function: "C_GetAttributeValue", rv }
    }

    /// How often it is read, and what comes of it.
    fn read(answers: &[Option<CK_RV>]) -> (usize, Option<CK_RV>) {
        let mut times = 0;
        let read = twice(|| {
            times += 1;
            answers[times - 1].map_or(Ok(()), |rv| Err(returned(rv)))
        });
        (times, read.err().and_then(|failure| failure.rv()))
    }

    #[test]
    fn what_may_be_the_object_is_read_once_more() {
        const FAULT: Option<CK_RV> = Some(CKR_DEVICE_ERROR);
        assert_eq!(read(&[None]), (1, None));
        assert_eq!(read(&[FAULT, None]), (2, None));
        assert_eq!(read(&[FAULT, FAULT]), (2, FAULT));
        let gone = Some(CKR_DEVICE_REMOVED);
        assert_eq!(read(&[gone]), (1, gone));
        assert_eq!(read(&[FAULT, gone]), (2, gone));
    }

    #[test]
    fn a_failure_of_the_token_is_not_the_objects() {
        for rv in
            [CKR_OBJECT_HANDLE_INVALID, CKR_GENERAL_ERROR, CKR_DEVICE_ERROR, CKR_ATTRIBUTE_VALUE_INVALID]
        {
            assert!(is_about_the_object(&returned(rv)), "{rv:x}");
        }
        for rv in [CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT, CKR_USER_NOT_LOGGED_IN, CKR_SESSION_CLOSED] {
            assert!(!is_about_the_object(&returned(rv)), "{rv:x}");
        }
        let function = "C_GetAttributeValue";
        assert!(is_about_the_object(&Failure::Misbehaved { function, rv: CKR_OK, how: String::new() }));
        assert!(!is_about_the_object(&Failure::Crashed { function, how: String::new() }));
        assert!(!is_about_the_object(&Failure::Missing { function }));
    }

    #[test]
    fn the_refusal_of_an_object_is_what_the_driver_returned() {
        let call = refusal(returned(CKR_DEVICE_ERROR)).unwrap();
        assert_eq!((call.function, call.name), ("C_GetAttributeValue", "CKR_DEVICE_ERROR"));
        assert!(refusal(Failure::Missing { function: "C_GetAttributeValue" }).is_none());
    }
}
