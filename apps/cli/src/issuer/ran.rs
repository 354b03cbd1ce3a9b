//! What came of one run of the CA's program.

use std::process::ExitStatus;

use usbtoken::error::Fact;
use usbtoken::{Code, Error};

use super::reply::Failed;
use crate::journal::Journal;
use crate::reference::Reference;

/// An answer of a CA has a few KiB. What is more is refused by the library, but none of it is lost up to here.
pub(super) const LARGEST_ANSWER: usize = Journal::LARGEST_ANSWER;
/// How much of what a program said about its failure is shown.
pub(super) const TAIL: usize = 2048;

/// What came of one run of a program.
pub(super) struct Ran {
    /// What it printed, up to the largest answer that is kept.
    pub(super) output: Vec<u8>,
    /// The end of what it said on standard error.
    pub(super) said: Vec<u8>,
    /// The order's reference number, where it said one there.
    pub(super) reference: Option<Reference>,
    pub(super) end: End,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(unix), allow(dead_code, reason = "only Unix reports Ctrl-C"))]
pub(super) enum End {
    Exit(ExitStatus),
    /// It ended, and the system does not say how: somebody ignores SIGCHLD or has waited for it.
    Unknown,
    TimedOut,
    Interrupted,
    /// It prints more than any CA, perhaps for ever.
    TooMuch,
}

/// Why a run that did not succeed failed.
pub(super) fn failed(ran: Ran) -> Failed {
    let error = match ran.end {
        End::Exit(status) => Error::new(Code::IssuerFailed).fact(Fact::Found, status),
        End::Unknown => Error::new(Code::IssuerFailed),
        End::TimedOut => Error::new(Code::IssuerTimeout),
        End::Interrupted => Error::new(Code::Cancelled),
        End::TooMuch => Error::new(Code::AnswerTooLarge)
            .fact(Fact::Limit, LARGEST_ANSWER)
            .fact(Fact::Reason, "rest_cut_off"),
    };
    Failed { error: with_words(error, &ran.said), output: ran.output }
}

/// Adds what a program said about its failure.
pub(super) fn with_words(error: Error, said: &[u8]) -> Error {
    match String::from_utf8_lossy(said).trim() {
        "" => error,
        said => error.fact(Fact::Detail, said),
    }
}
