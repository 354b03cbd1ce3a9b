//! Numbers that go in and out everywhere: what a call returns, and languages.
//!
//! The codes themselves are those of `usbtoken::error`; the header's lists are generated from there.

use usbtoken::Code;
use usbtoken::text::Lang;

/// What a call returns: USBTOKEN_OK, or one of the codes below. The hundreds are the family: 1 the call itself,
/// 2 not found or not unique, 3 the PIN, 4 the token refused, 5 the CA's answer was refused, 6 the device is
/// gone, 7 internal, 8 a rule of renewal forbids it now.
pub type usbtoken_status = i32;

/// The call succeeded.
pub const USBTOKEN_OK: usbtoken_status = 0;

/// The language of the environment (LC_ALL, LC_MESSAGES, LANG): Japanese if that names it, else English.
pub const USBTOKEN_LANGUAGE_DEFAULT: u32 = 0;
/// Japanese.
pub const USBTOKEN_LANGUAGE_JA: u32 = 1;
/// English.
pub const USBTOKEN_LANGUAGE_EN: u32 = 2;

/// A number that is not known, or that does not exist.
pub(crate) const UNKNOWN: i64 = i64::MIN;

/// The language of that number.
pub(crate) fn language(number: u32) -> Option<Lang> {
    match number {
        USBTOKEN_LANGUAGE_DEFAULT => Some(Lang::from_env()),
        USBTOKEN_LANGUAGE_JA => Some(Lang::Ja),
        USBTOKEN_LANGUAGE_EN => Some(Lang::En),
        _ => None,
    }
}

/// The code of that number.
pub(crate) fn code(number: usbtoken_status) -> Option<Code> {
    Code::ALL.iter().copied().find(|code| i32::from(code.number()) == number)
}
