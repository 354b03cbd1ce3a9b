//! The number under which the bank or its CA knows an order: a person types it, or the program that asks the CA says it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use usbtoken::Error;
use usbtoken::error::Fact;
use usbtoken::text::printable;

/// What begins the line of standard error by which a program says it.
const SAID: &[u8] = b"USBTOKEN_REFERENCE=";
/// No order's number is longer, in characters.
const LONGEST: usize = 100;
/// How much of a line is kept until its end comes.
const LONGEST_LINE: usize = 1024;

/// An order's reference number: one line that can be shown as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reference(String);

impl FromStr for Reference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > LONGEST {
            return Err(format!("1 to {LONGEST} characters are needed"));
        }
        if printable(text) != text {
            return Err("control characters are not allowed".to_owned());
        }
        Ok(Reference(text.to_owned()))
    }
}

impl TryFrom<String> for Reference {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.0
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Reference {
    /// The number as it stands.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Names the order with an error, once.
    pub fn name(reference: Option<&Reference>, error: Error) -> Error {
        let is_named = error.facts().any(|(fact, _)| fact == Fact::Reference);
        match reference.filter(|_| !is_named) {
            Some(reference) => error.fact(Fact::Reference, reference),
            None => error,
        }
    }
}

/// Listens to standard error for the number, as it comes in pieces. The last one counts; one that cannot be is none, since
/// the CA may have issued meanwhile.
#[derive(Debug, Default)]
pub struct Listener {
    line: Vec<u8>,
    heard: Option<Reference>,
}

impl Listener {
    /// Takes the next piece.
    pub fn take(&mut self, piece: &[u8]) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let room = LONGEST_LINE.saturating_sub(self.line.len());
            self.line.extend_from_slice(part.get(..room).unwrap_or(part));
            if part.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    /// What was said; the last line need not end.
    pub fn into_heard(mut self) -> Option<Reference> {
        self.end_line();
        self.heard
    }

    fn end_line(&mut self) {
        let said = self.line.strip_prefix(SAID).and_then(|rest| std::str::from_utf8(rest).ok()?.parse().ok());
        self.heard = said.or(self.heard.take());
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(pieces: &[&[u8]]) -> Option<String> {
        let mut listener = Listener::default();
        pieces.iter().for_each(|piece| listener.take(piece));
        listener.into_heard().map(String::from)
    }

    #[test]
    fn a_number_is_heard_however_it_comes() {
        assert_eq!(heard(&[b"sending\nUSBTOKEN_REFERENCE=A-12\r\ndone\n"]).unwrap(), "A-12");
        assert_eq!(
            heard(&[b"USBTOKEN_", b"REFERENCE=", b"7", b"7"]).unwrap(),
            "77",
            "in pieces, without an end"
        );
        assert_eq!(heard(&[b"USBTOKEN_REFERENCE=1\nUSBTOKEN_REFERENCE=2\n"]).unwrap(), "2");
        assert_eq!(heard(&["USBTOKEN_REFERENCE=受付 第5号\n".as_bytes()]).unwrap(), "受付 第5号");
        let noisy =
            [b"x".repeat(1 << 20), b"\nUSBTOKEN_REFERENCE=3\n".to_vec(), b"y".repeat(1 << 20)].concat();
        assert_eq!(heard(&[&noisy]).unwrap(), "3");
    }

    #[test]
    fn what_is_no_number_is_not_heard() {
        let long = format!("USBTOKEN_REFERENCE={}\n", "9".repeat(101));
        for said in [
            &b""[..],
            b"USBTOKEN_REFERENCE=\n",
            b"USBTOKEN_REFERENCE=   \n",
            b" USBTOKEN_REFERENCE=1\n",
            b"export USBTOKEN_REFERENCE=1\n",
            b"USBTOKEN_REFERENCE=\x1b[2J\n",
            "USBTOKEN_REFERENCE=1\u{202e}2\n".as_bytes(),
            b"USBTOKEN_REFERENCE=\xff\n",
            long.as_bytes(),
        ] {
            assert_eq!(heard(&[said]), None, "{said:?}");
        }
        assert_eq!(heard(&[b"USBTOKEN_REFERENCE=1\nUSBTOKEN_REFERENCE=\n"]).unwrap(), "1");
    }

    #[test]
    fn what_is_kept_is_read_as_strictly() {
        let read = |text: &str| serde_json::from_str::<Reference>(text);
        assert_eq!(read("\" A-12 \"").unwrap().as_str(), "A-12");
        for bad in ["\"\"", "\"a\\nb\"", "\"\\u001b\"", "7"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
