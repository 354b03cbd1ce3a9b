//! What an error says of its cause.

use std::io;

use usbtoken::Error;
use usbtoken::error::Fact;

pub fn expects(error: &Error, option: &str) -> bool {
    error.facts().any(|(fact, value)| fact == Fact::Expected && value == option)
}

pub fn is_because(error: &Error, reason: &str) -> bool {
    error.facts().any(|(fact, value)| fact == Fact::Reason && value == reason)
}

pub fn is_stated(error: &Error, flag: &str) -> bool {
    error.facts().any(|(fact, value)| fact == Fact::Stated && value == flag)
}

pub fn is_there_already(error: &Error) -> bool {
    use std::error::Error as _;
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|source| source.kind() == io::ErrorKind::AlreadyExists)
}
