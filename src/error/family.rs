//! The families of errors, each an exit code.

use super::code::Code;

/// The families of errors. The number is the exit code of the command `usbtoken`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Family {
    /// The call or the command line is wrong.
    Usage = 2,
    /// A driver, token, credential or pending key was not found, or not uniquely.
    NotFound = 3,
    /// The PIN.
    Pin = 4,
    /// The token refused.
    Refused = 5,
    /// The CA's answer was refused.
    Answer = 6,
    /// The device is gone or faulty.
    Gone = 7,
    /// An internal error.
    Internal = 8,
    /// A rule of renewal forbids it now: the window, a pending request, another program.
    Rule = 9,
    /// The CA has not decided yet.
    NotYet = 10,
    /// It is done, and the result could not be put out.
    Unprinted = 11,
    /// The login with the new certificate is not confirmed.
    Login = 12,
}

impl Code {
    /// The family, which decides a program's exit code.
    pub const fn family(self) -> Family {
        match self.number() / 100 {
            1 => Family::Usage,
            2 => Family::NotFound,
            3 => Family::Pin,
            4 => Family::Refused,
            5 => Family::Answer,
            6 => Family::Gone,
            8 => Family::Rule,
            9 => Family::NotYet,
            10 => Family::Unprinted,
            11 => Family::Login,
            _ => Family::Internal,
        }
    }
}
