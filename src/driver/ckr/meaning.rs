//! What a return value means where a function can return it at all.
//!
//! Drivers return values that the function cannot mean: that the PIN is wrong when an object is to be removed, that the token is
//! full when it is to sign. A person who is told so does something about the PIN or the certificates, in vain or worse. So a
//! value counts for what its name says only from the functions that can return it (the lists of PKCS#11 v3.1 §5).

use crate::error::Code;
use usbtoken_pkcs11::types::*;

/// What came of a call, by its function and what it returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// What the name of the value says.
    Is(Code),
    /// The function cannot mean what the name says.
    Misplaced(Code),
}

/// What a return value of a function means. C_Login and C_SetPIN are answered by PINs and have lists of their own.
pub(super) fn meaning(function: &str, rv: CK_RV) -> Meaning {
    if can_return(function, rv) {
        return Meaning::Is(by_name(function, rv));
    }
    // A driver may have sent a PIN that it keeps by itself: nothing is tried in another way then.
    Meaning::Misplaced(if is_of_pin(rv) { Code::DeviceFault } else { Code::TokenRefused })
}

/// Whether the value is an answer to a PIN.
pub(super) fn is_of_pin(rv: CK_RV) -> bool {
    matches!(
        rv,
        CKR_PIN_INCORRECT
            | CKR_PIN_LOCKED
            | CKR_PIN_LEN_RANGE
            | CKR_PIN_INVALID
            | CKR_PIN_EXPIRED
            | CKR_USER_PIN_NOT_INITIALIZED
    )
}

/// What the name of a return value says.
pub(super) fn by_name(function: &str, rv: CK_RV) -> Code {
    match rv {
        CKR_PIN_INCORRECT => Code::PinIncorrect,
        CKR_PIN_LOCKED => Code::PinLocked,
        CKR_PIN_EXPIRED => Code::PinExpired,
        CKR_PIN_LEN_RANGE => Code::PinLength,
        CKR_PIN_INVALID => Code::PinCharacters,
        CKR_USER_PIN_NOT_INITIALIZED => Code::PinNotSet,
        CKR_USER_NOT_LOGGED_IN if needs_login(function) => Code::LoginLost,
        CKR_USER_NOT_LOGGED_IN => Code::PinRequired,
        CKR_USER_ANOTHER_ALREADY_LOGGED_IN | CKR_USER_TOO_MANY_TYPES | CKR_SESSION_READ_WRITE_SO_EXISTS => {
            Code::LoggedInElsewhere
        }
        CKR_FUNCTION_CANCELED | CKR_FUNCTION_REJECTED | CKR_CANCEL => Code::OperationCancelled,

        CKR_TOKEN_NOT_PRESENT | CKR_SLOT_ID_INVALID => Code::TokenNotPresent,
        CKR_TOKEN_NOT_RECOGNIZED => Code::TokenNotRecognized,
        CKR_DEVICE_REMOVED => Code::TokenRemoved,
        CKR_SESSION_HANDLE_INVALID
        | CKR_SESSION_CLOSED
        | CKR_OBJECT_HANDLE_INVALID
        | CKR_KEY_HANDLE_INVALID => Code::SessionLost,
        CKR_GENERAL_ERROR | CKR_FUNCTION_FAILED | CKR_DEVICE_ERROR | CKR_CRYPTOKI_NOT_INITIALIZED => {
            Code::DeviceFault
        }

        CKR_DEVICE_MEMORY | CKR_TOKEN_RESOURCE_EXCEEDED => Code::TokenFull,
        CKR_TOKEN_WRITE_PROTECTED | CKR_SESSION_READ_ONLY | CKR_SESSION_READ_ONLY_EXISTS => {
            Code::WriteProtected
        }
        CKR_MECHANISM_INVALID
        | CKR_MECHANISM_PARAM_INVALID
        | CKR_CURVE_NOT_SUPPORTED
        | CKR_DOMAIN_PARAMS_INVALID => Code::MechanismUnsupported,
        CKR_KEY_SIZE_RANGE => Code::KeySizeUnsupported,
        CKR_FUNCTION_NOT_SUPPORTED => Code::FunctionUnsupported,
        CKR_SESSION_COUNT => Code::SessionLimit,
        CKR_HOST_MEMORY => Code::OutOfMemory,
        rv if super::is_template_refusal(rv) => match function {
            "C_CreateObject" => Code::CertificateRefused,
            _ => Code::TemplateRefused,
        },
        _ => Code::TokenRefused,
    }
}

/// Whether a function is called after the login only, so that a login that is missing has ended.
fn needs_login(function: &str) -> bool {
    matches!(
        function,
        "C_GenerateKeyPair"
            | "C_CreateObject"
            | "C_DestroyObject"
            | "C_SignInit"
            | "C_Sign"
            | "C_VerifyInit"
            | "C_Verify"
    )
}

/// Whether a function can return a value in the sense of its name: what the lists say, and besides what drivers return in that
/// sense and nothing else. Values that any function can return, and those that are read as no more than a refusal, are let through.
fn can_return(function: &str, rv: CK_RV) -> bool {
    let takes_slot = matches!(
        function,
        "C_GetSlotInfo" | "C_GetTokenInfo" | "C_GetMechanismList" | "C_GetMechanismInfo" | "C_OpenSession"
    );
    let makes_key = function == "C_GenerateKeyPair";
    let writes = matches!(function, "C_CreateObject" | "C_SetAttributeValue") || makes_key;
    let begins_signing = function == "C_SignInit";
    let signs = begins_signing || matches!(function, "C_Sign" | "C_SignFinal");
    let begins_verifying = function == "C_VerifyInit";
    let uses_key = signs || begins_verifying || function == "C_Verify";
    match rv {
        CKR_PIN_INCORRECT
        | CKR_PIN_LOCKED
        | CKR_PIN_LEN_RANGE
        | CKR_PIN_INVALID
        | CKR_USER_PIN_NOT_INITIALIZED
        | CKR_USER_ANOTHER_ALREADY_LOGGED_IN
        | CKR_USER_TOO_MANY_TYPES => false,
        CKR_PIN_EXPIRED => {
            begins_signing
                || begins_verifying
                || makes_key
                || matches!(function, "C_CreateObject" | "C_DestroyObject" | "C_FindObjectsInit")
        }
        CKR_USER_NOT_LOGGED_IN | CKR_SESSION_HANDLE_INVALID | CKR_SESSION_CLOSED => takes_session(function),
        CKR_SESSION_READ_WRITE_SO_EXISTS | CKR_SESSION_COUNT => function == "C_OpenSession",
        CKR_FUNCTION_CANCELED | CKR_FUNCTION_REJECTED | CKR_CANCEL => uses_key || makes_key,
        CKR_SLOT_ID_INVALID | CKR_TOKEN_NOT_RECOGNIZED => takes_slot,
        CKR_TOKEN_NOT_PRESENT | CKR_DEVICE_REMOVED => takes_slot || takes_session(function),
        CKR_OBJECT_HANDLE_INVALID | CKR_KEY_HANDLE_INVALID => {
            uses_key || matches!(function, "C_DestroyObject" | "C_GetAttributeValue" | "C_SetAttributeValue")
        }
        CKR_DEVICE_MEMORY | CKR_TOKEN_RESOURCE_EXCEEDED => writes,
        // Where a session that writes is refused so, one that reads is opened.
        CKR_TOKEN_WRITE_PROTECTED | CKR_SESSION_READ_ONLY | CKR_SESSION_READ_ONLY_EXISTS => {
            writes || matches!(function, "C_DestroyObject" | "C_OpenSession")
        }
        // Some examine the mechanism when they sign.
        CKR_MECHANISM_INVALID | CKR_MECHANISM_PARAM_INVALID => {
            uses_key || makes_key || function == "C_GetMechanismInfo"
        }
        CKR_CURVE_NOT_SUPPORTED | CKR_DOMAIN_PARAMS_INVALID => makes_key,
        CKR_KEY_SIZE_RANGE => begins_signing || begins_verifying || makes_key,
        rv if super::is_template_refusal(rv) => writes,
        _ => true,
    }
}

/// Whether a function is called in a session.
fn takes_session(function: &str) -> bool {
    matches!(
        function,
        "C_GetSessionInfo"
            | "C_CloseSession"
            | "C_Logout"
            | "C_CreateObject"
            | "C_DestroyObject"
            | "C_GetAttributeValue"
            | "C_SetAttributeValue"
            | "C_FindObjectsInit"
            | "C_FindObjects"
            | "C_FindObjectsFinal"
            | "C_SignInit"
            | "C_Sign"
            | "C_SignFinal"
            | "C_VerifyInit"
            | "C_Verify"
            | "C_GenerateKeyPair"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Family;

    const FUNCTIONS: [&str; 20] = [
        "C_Initialize",
        "C_GetInfo",
        "C_GetSlotList",
        "C_GetSlotInfo",
        "C_GetTokenInfo",
        "C_WaitForSlotEvent",
        "C_GetMechanismList",
        "C_GetMechanismInfo",
        "C_OpenSession",
        "C_GetSessionInfo",
        "C_CreateObject",
        "C_DestroyObject",
        "C_GetAttributeValue",
        "C_SetAttributeValue",
        "C_FindObjectsInit",
        "C_FindObjects",
        "C_SignInit",
        "C_Sign",
        "C_SignFinal",
        "C_GenerateKeyPair",
    ];

    /// The functions for which a value has the meaning of its name.
    fn that_mean(rv: CK_RV, code: Code) -> Vec<&'static str> {
        FUNCTIONS.into_iter().filter(|function| meaning(function, rv) == Meaning::Is(code)).collect()
    }

    #[test]
    fn no_function_but_those_that_take_a_pin_says_that_it_is_wrong() {
        for function in FUNCTIONS {
            for rv in [
                CKR_PIN_INCORRECT,
                CKR_PIN_LOCKED,
                CKR_PIN_LEN_RANGE,
                CKR_PIN_INVALID,
                CKR_USER_PIN_NOT_INITIALIZED,
            ] {
                assert_eq!(
                    meaning(function, rv),
                    Meaning::Misplaced(Code::DeviceFault),
                    "{function} 0x{rv:x}"
                );
            }
        }
        let expired = that_mean(CKR_PIN_EXPIRED, Code::PinExpired);
        let listed =
            ["C_CreateObject", "C_DestroyObject", "C_FindObjectsInit", "C_SignInit", "C_GenerateKeyPair"];
        assert_eq!(expired, listed);
    }

    #[test]
    fn a_token_is_full_only_where_something_is_written() {
        for rv in [CKR_DEVICE_MEMORY, CKR_TOKEN_RESOURCE_EXCEEDED] {
            let writing = ["C_CreateObject", "C_SetAttributeValue", "C_GenerateKeyPair"];
            assert_eq!(that_mean(rv, Code::TokenFull), writing, "0x{rv:x}");
        }
    }

    #[test]
    fn a_template_is_refused_only_where_one_makes_an_object() {
        for rv in [CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_TYPE_INVALID, CKR_TEMPLATE_INCONSISTENT] {
            assert_eq!(meaning("C_GenerateKeyPair", rv), Meaning::Is(Code::TemplateRefused));
            assert_eq!(meaning("C_CreateObject", rv), Meaning::Is(Code::CertificateRefused));
            for function in ["C_DestroyObject", "C_FindObjectsInit", "C_GetAttributeValue", "C_Sign"] {
                assert_eq!(meaning(function, rv), Meaning::Misplaced(Code::TokenRefused), "{function}");
            }
        }
    }

    /// A function of the driver or of a slot knows no session, no login and no key.
    #[test]
    fn what_has_no_session_loses_none() {
        for function in ["C_Initialize", "C_GetSlotList", "C_GetTokenInfo", "C_OpenSession"] {
            for rv in [CKR_USER_NOT_LOGGED_IN, CKR_SESSION_HANDLE_INVALID, CKR_KEY_HANDLE_INVALID] {
                assert_eq!(meaning(function, rv), Meaning::Misplaced(Code::TokenRefused), "{function}");
            }
        }
        assert_eq!(that_mean(CKR_SESSION_COUNT, Code::SessionLimit), ["C_OpenSession"]);
        assert_eq!(
            that_mean(CKR_FUNCTION_REJECTED, Code::OperationCancelled),
            ["C_SignInit", "C_Sign", "C_SignFinal", "C_GenerateKeyPair"]
        );
    }

    /// A token that has gone is no word on the key that was to verify.
    #[test]
    fn a_verification_says_what_a_signature_says() {
        for (verifies, signs) in [("C_VerifyInit", "C_SignInit"), ("C_Verify", "C_Sign")] {
            for rv in [
                CKR_DEVICE_REMOVED,
                CKR_TOKEN_NOT_PRESENT,
                CKR_SESSION_HANDLE_INVALID,
                CKR_KEY_HANDLE_INVALID,
                CKR_MECHANISM_INVALID,
                CKR_PIN_INCORRECT,
                CKR_DEVICE_MEMORY,
            ] {
                assert_eq!(meaning(verifies, rv), meaning(signs, rv), "{verifies} 0x{rv:x}");
            }
        }
        assert_eq!(meaning("C_VerifyInit", CKR_DEVICE_REMOVED), meaning("C_FindObjects", CKR_DEVICE_REMOVED));
    }

    /// What any function can return stays what it was.
    #[test]
    fn what_every_function_can_return_means_the_same_everywhere() {
        for function in FUNCTIONS {
            for (rv, code) in [
                (CKR_GENERAL_ERROR, Code::DeviceFault),
                (CKR_FUNCTION_FAILED, Code::DeviceFault),
                (CKR_DEVICE_ERROR, Code::DeviceFault),
                (CKR_HOST_MEMORY, Code::OutOfMemory),
                (CKR_FUNCTION_NOT_SUPPORTED, Code::FunctionUnsupported),
                (CKR_ARGUMENTS_BAD, Code::TokenRefused),
                (CKR_VENDOR_DEFINED + 1, Code::TokenRefused),
            ] {
                assert_eq!(meaning(function, rv), Meaning::Is(code), "{function} 0x{rv:x}");
            }
        }
    }

    /// Nobody is told of a PIN, whatever a function returns that takes none; but that one has to be changed, or is missing.
    #[test]
    fn of_the_pins_family_a_call_tells_an_end_of_the_login_alone() {
        for function in FUNCTIONS {
            for rv in 0..0x300 {
                let (Meaning::Is(code) | Meaning::Misplaced(code)) = meaning(function, rv);
                let allowed = [Code::PinExpired, Code::PinRequired, Code::OperationCancelled];
                assert!(
                    code.family() != Family::Pin || allowed.contains(&code),
                    "{function} 0x{rv:x} {code:?}"
                );
            }
        }
    }
}
