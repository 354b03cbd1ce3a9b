//! The hidden prompt where the terminal is not a Unix one.

use std::io;

use zeroize::Zeroizing;

use super::Asides;

/// What the person did.
#[derive(Debug)]
pub enum Typed {
    /// A line, without its end; it may be empty.
    Line(Zeroizing<Vec<u8>>),
    /// The end of the input.
    Cancelled,
}

/// Shows the prompt on the console and reads a line there.
///
/// # Errors
/// When there is no console.
pub fn read(prompt: &str, _asides: &Asides) -> io::Result<Typed> {
    match rpassword::prompt_password(prompt).map(String::into_bytes).map(Zeroizing::new) {
        Ok(line) => Ok(Typed::Line(line)),
        Err(error) => match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::Interrupted => Ok(Typed::Cancelled),
            _ => Err(error),
        },
    }
}
