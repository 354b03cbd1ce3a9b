//! Return values: their names and what they mean to us. The one place where a CKR becomes a [`Code`].

mod meaning;

use self::meaning::{Meaning, by_name, is_of_pin, meaning};
use crate::error::{Call, Code, Error, Fact, Step};
use usbtoken_pkcs11::Failure;
use usbtoken_pkcs11::names;
use usbtoken_pkcs11::types::*;

/// Gives a failed call its code.
pub(super) trait During {
    /// The error for the caller, in this step.
    fn during(self, step: Step) -> Error;
}

impl During for Failure {
    fn during(self, step: Step) -> Error {
        let call = |function, rv| Call { function, rv: number(rv), name: name(rv) };
        match self {
            Failure::Returned { function, rv } => {
                let error = Error::new(code(function, rv)).call(call(function, rv));
                // The name of the value stands beside, and is not to be taken for what happened.
                if is_misplaced(function, rv) { error.fact(Fact::Reason, MISPLACED) } else { error }
            }
            Failure::Missing { function } => {
                Error::new(Code::FunctionUnsupported).fact(Fact::Detail, function)
            }
            Failure::Misbehaved { function, rv, how } => Error::new(Code::DriverMisbehaved)
                .call(call(function, rv))
                .fact(Fact::Detail, format!("{function}: {how}")),
            Failure::Forked { function } => Error::new(Code::Forked).fact(Fact::Detail, function),
            Failure::Crashed { function, how } => {
                Error::new(Code::DriverCrashed).fact(Fact::Function, function).fact(Fact::Detail, how)
            }
            Failure::TimedOut { function, limit } => Error::new(Code::DriverTimeout)
                .fact(Fact::Function, function)
                .fact(Fact::Limit, format_args!("{} s", limit.as_secs_f64())),
            Failure::AtTerminal { function } => {
                Error::new(Code::DriverAsksAtTerminal).fact(Fact::Function, function)
            }
            Failure::Cancelled { function, .. } => Error::new(Code::Cancelled).fact(Fact::Function, function),
            Failure::NotCalled(before) => before.during(step),
            Failure::InCall { function } => {
                Error::new(Code::Busy).fact(Fact::Function, function).fact(Fact::Holder, "this_program")
            }
        }
        .during(step)
    }
}

/// What is said of a return value that its function cannot mean.
const MISPLACED: &str = "value_of_another_call";

/// The name of a return value, as the specification's header spells it.
pub(super) fn name(rv: CK_RV) -> &'static str {
    names::return_value(rv).unwrap_or(if rv >= CKR_VENDOR_DEFINED {
        "CKR_VENDOR_DEFINED"
    } else {
        "CKR_unknown"
    })
}

/// A return value as 64 bits: CK_RV has 32 on Windows.
#[allow(clippy::useless_conversion, reason = "CK_RV is u32 on Windows")]
pub(super) fn number(rv: CK_RV) -> u64 {
    rv.into()
}

/// What a return value of a function means (PKCS#11 v3.1 §5.1.5–§5.1.7).
pub(super) fn code(function: &str, rv: CK_RV) -> Code {
    match function {
        "C_Login" => code_of_login(rv),
        "C_SetPIN" => code_of_change(rv),
        _ => match meaning(function, rv) {
            Meaning::Is(code) | Meaning::Misplaced(code) => code,
        },
    }
}

fn is_misplaced(function: &str, rv: CK_RV) -> bool {
    !matches!(function, "C_Login" | "C_SetPIN") && matches!(meaning(function, rv), Meaning::Misplaced(_))
}

/// What C_Sign returned of a PIN that was sent for this signature: some tokens examine it only now. The login has taken the
/// same PIN, so whether it is wrong is not known.
pub(super) fn refused_signature(failure: Failure, pin_was_sent: bool, step: Step) -> Error {
    match &failure {
        Failure::Returned { function, rv } if pin_was_sent && is_of_pin(*rv) => {
            let call = Call { function, rv: number(*rv), name: name(*rv) };
            Error::new(Code::PinUncertain).call(call).during(step)
        }
        _ => failure.during(step),
    }
}

/// What C_Login returned to a PIN that was sent. Drivers answer a wrong PIN with whatever comes to hand, a general error, a
/// token that is gone, or a vendor's own number: what is no clear answer to a PIN may have cost a try.
fn code_of_login(rv: CK_RV) -> Code {
    match rv {
        CKR_PIN_INCORRECT
        | CKR_PIN_LOCKED
        | CKR_PIN_EXPIRED
        | CKR_USER_PIN_NOT_INITIALIZED
        | CKR_USER_ANOTHER_ALREADY_LOGGED_IN
        | CKR_USER_TOO_MANY_TYPES
        | CKR_SESSION_READ_WRITE_SO_EXISTS => by_name("C_Login", rv),
        CKR_PIN_LEN_RANGE | CKR_PIN_INVALID => Code::PinFormRefused,
        _ => Code::PinUncertain,
    }
}

/// What C_SetPIN returned (PKCS#11 v3.1 §5.5.9). After what is no clear answer to one of the PINs, or comes before both, either
/// may hold: the device may have changed the PIN and its answer been lost.
fn code_of_change(rv: CK_RV) -> Code {
    match rv {
        CKR_PIN_INCORRECT
        | CKR_PIN_LOCKED
        | CKR_USER_PIN_NOT_INITIALIZED
        | CKR_TOKEN_WRITE_PROTECTED
        | CKR_SESSION_READ_ONLY => by_name("C_SetPIN", rv),
        CKR_PIN_INVALID | CKR_PIN_LEN_RANGE | CKR_PIN_TOO_WEAK => Code::NewPinRefused,
        CKR_FUNCTION_NOT_SUPPORTED | CKR_USER_NOT_LOGGED_IN => Code::PinChangeUnsupported,
        _ => Code::PinChangeUncertain,
    }
}

/// What C_SetPIN returned where no PINs were sent: they are entered at the token's own keys, where a person can cancel.
pub(super) fn code_of_change_at_pad(rv: CK_RV) -> Code {
    match rv {
        CKR_FUNCTION_CANCELED | CKR_FUNCTION_REJECTED | CKR_CANCEL => Code::PinCancelled,
        CKR_ARGUMENTS_BAD => Code::PinPadRefused,
        _ => code_of_change(rv),
    }
}

/// What C_Login returned where no PIN was sent: it is entered at the token's own keys, where a person can cancel.
pub(super) fn code_of_pad(rv: CK_RV) -> Code {
    match rv {
        CKR_FUNCTION_CANCELED | CKR_FUNCTION_REJECTED | CKR_CANCEL => Code::PinCancelled,
        CKR_TOKEN_NOT_PRESENT | CKR_DEVICE_REMOVED | CKR_SESSION_HANDLE_INVALID | CKR_SESSION_CLOSED => {
            by_name("C_Login", rv)
        }
        _ => match code_of_login(rv) {
            Code::PinUncertain | Code::PinFormRefused => Code::PinPadRefused,
            code => code,
        },
    }
}

/// Whether the token refused the template, so that another one may be tried.
pub(super) fn is_template_refusal(rv: CK_RV) -> bool {
    matches!(
        rv,
        CKR_ATTRIBUTE_READ_ONLY
            | CKR_ATTRIBUTE_SENSITIVE
            | CKR_ATTRIBUTE_TYPE_INVALID
            | CKR_ATTRIBUTE_VALUE_INVALID
            | CKR_TEMPLATE_INCOMPLETE
            | CKR_TEMPLATE_INCONSISTENT
    )
}

/// Whether the token may have refused the template, in words that mean other things too: many drivers have one answer for all
/// that a card refuses.
pub(super) fn may_be_template_refusal(rv: CK_RV) -> bool {
    is_template_refusal(rv)
        || rv >= CKR_VENDOR_DEFINED
        || matches!(rv, CKR_GENERAL_ERROR | CKR_FUNCTION_FAILED | CKR_ARGUMENTS_BAD | CKR_DEVICE_ERROR)
}

/// Whether the token refused to sign in this way, in words that mean nothing else.
pub(super) fn is_mechanism_refusal(rv: CK_RV) -> bool {
    matches!(
        rv,
        CKR_MECHANISM_INVALID
            | CKR_MECHANISM_PARAM_INVALID
            | CKR_FUNCTION_NOT_SUPPORTED
            | CKR_KEY_TYPE_INCONSISTENT
            | CKR_KEY_FUNCTION_NOT_PERMITTED
            | CKR_KEY_SIZE_RANGE
            | CKR_DATA_INVALID
            | CKR_DATA_LEN_RANGE
    )
}

/// Whether the token may have refused to sign because of the mechanism, so that another one may be tried. That a mechanism
/// does not work shows in many ways, also in a fault of the device; what surely has another reason is not tried again.
pub(super) fn may_be_mechanism_refusal(rv: CK_RV) -> bool {
    !matches!(
        rv,
        CKR_CANCEL
            | CKR_HOST_MEMORY
            | CKR_SLOT_ID_INVALID
            | CKR_DEVICE_REMOVED
            | CKR_TOKEN_NOT_PRESENT
            | CKR_FUNCTION_CANCELED
            | CKR_FUNCTION_REJECTED
            | CKR_SESSION_HANDLE_INVALID
            | CKR_SESSION_CLOSED
            | CKR_KEY_HANDLE_INVALID
            | CKR_OBJECT_HANDLE_INVALID
            | CKR_USER_NOT_LOGGED_IN
            | CKR_CRYPTOKI_NOT_INITIALIZED
            | CKR_PIN_INCORRECT
            | CKR_PIN_INVALID
            | CKR_PIN_LEN_RANGE
            | CKR_PIN_EXPIRED
            | CKR_PIN_LOCKED
    )
}

/// Whether the token may have refused an object because of its attributes. SoftHSM 2.6 answers an attribute that it
/// does not take with a general error.
pub(super) fn is_object_refusal(rv: CK_RV) -> bool {
    is_template_refusal(rv) || matches!(rv, CKR_GENERAL_ERROR | CKR_FUNCTION_FAILED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_headers() {
        assert_eq!(name(0xA0), "CKR_PIN_INCORRECT");
        assert_eq!(name(0xE0), "CKR_TOKEN_NOT_PRESENT");
        assert_eq!(name(CKR_VENDOR_DEFINED + 7), "CKR_VENDOR_DEFINED");
        assert_eq!(name(0x7777), "CKR_unknown");
    }

    #[test]
    fn what_is_no_answer_to_a_login_may_be_a_wrong_pin() {
        for rv in [
            CKR_GENERAL_ERROR,
            CKR_FUNCTION_FAILED,
            CKR_DEVICE_ERROR,
            CKR_DEVICE_MEMORY,
            CKR_ARGUMENTS_BAD,
            CKR_DATA_INVALID,
            CKR_FUNCTION_NOT_SUPPORTED,
            CKR_MECHANISM_INVALID,
            CKR_TOKEN_WRITE_PROTECTED,
            CKR_USER_NOT_LOGGED_IN,
            CKR_USER_TYPE_INVALID,
            CKR_HOST_MEMORY,
            CKR_TOKEN_NOT_PRESENT,
            CKR_DEVICE_REMOVED,
            CKR_SESSION_HANDLE_INVALID,
            CKR_FUNCTION_CANCELED,
            CKR_FUNCTION_REJECTED,
            CKR_CANCEL,
            CKR_VENDOR_DEFINED + 0x384,
            0x7777,
        ] {
            assert_eq!(code("C_Login", rv), Code::PinUncertain, "0x{rv:x}");
        }
        for rv in [CKR_PIN_LEN_RANGE, CKR_PIN_INVALID] {
            assert_eq!(code("C_Login", rv), Code::PinFormRefused, "0x{rv:x}");
        }
        assert_eq!(code("C_Login", CKR_PIN_INCORRECT), Code::PinIncorrect);
        assert_eq!(code("C_Sign", CKR_GENERAL_ERROR), Code::DeviceFault);
    }

    #[test]
    fn what_is_no_answer_to_a_change_leaves_either_pin() {
        for rv in [
            CKR_GENERAL_ERROR,
            CKR_FUNCTION_FAILED,
            CKR_DEVICE_ERROR,
            CKR_DEVICE_REMOVED,
            CKR_TOKEN_NOT_PRESENT,
            CKR_SESSION_HANDLE_INVALID,
            CKR_ARGUMENTS_BAD,
            CKR_FUNCTION_CANCELED,
            CKR_PIN_EXPIRED,
            CKR_ATTRIBUTE_VALUE_INVALID,
            CKR_VENDOR_DEFINED + 0x384,
        ] {
            assert_eq!(code("C_SetPIN", rv), Code::PinChangeUncertain, "0x{rv:x}");
        }
        for rv in [CKR_PIN_INVALID, CKR_PIN_LEN_RANGE, CKR_PIN_TOO_WEAK] {
            assert_eq!(code("C_SetPIN", rv), Code::NewPinRefused, "0x{rv:x}");
        }
        assert_eq!(code("C_SetPIN", CKR_PIN_INCORRECT), Code::PinIncorrect);
        assert_eq!(code_of_change_at_pad(CKR_FUNCTION_CANCELED), Code::PinCancelled);
        assert_eq!(code_of_change_at_pad(CKR_DEVICE_REMOVED), Code::PinChangeUncertain);
    }

    #[test]
    fn only_at_a_pad_a_person_cancels() {
        assert_eq!(code_of_pad(CKR_FUNCTION_CANCELED), Code::PinCancelled);
        assert_eq!(code_of_pad(CKR_DEVICE_REMOVED), Code::TokenRemoved);
        assert_eq!(code_of_pad(CKR_PIN_INCORRECT), Code::PinIncorrect);
        for rv in
            [CKR_ARGUMENTS_BAD, CKR_GENERAL_ERROR, CKR_PIN_LEN_RANGE, CKR_FUNCTION_NOT_SUPPORTED, 0x7777]
        {
            assert_eq!(code_of_pad(rv), Code::PinPadRefused, "0x{rv:x}");
        }
    }

    #[test]
    fn a_login_that_is_missing_in_the_middle_was_lost() {
        assert_eq!(code("C_Sign", CKR_USER_NOT_LOGGED_IN), Code::LoginLost);
        assert_eq!(code("C_FindObjectsInit", CKR_USER_NOT_LOGGED_IN), Code::PinRequired);
    }
}
