//! What the CA is asked, and what it says.

use usbtoken::Error;
use usbtoken::text::printable;

/// What is asked.
pub struct Question<'a> {
    /// The request, in PEM.
    pub request: &'a str,
    /// The same in the encoding that the bank names, for standard input.
    pub input: &'a [u8],
    /// The certificate that is renewed, in PEM.
    pub old: Option<&'a str>,
    /// What the CA gave to ask again with.
    pub cookie: Option<&'a str>,
    /// The order's reference number, where one is known.
    pub reference: Option<&'a str>,
    /// Whether the CA has the request already.
    pub again: bool,
}

/// What the CA says.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// Its answer, to be checked.
    Answer(Vec<u8>),
    /// It has not decided.
    NotYet {
        /// What to ask again with.
        cookie: Option<String>,
        /// When to ask again.
        seconds: Option<u64>,
    },
}

/// No answer, and what was printed all the same: it may be all that the CA ever says.
#[derive(Debug)]
pub struct Failed {
    pub error: Error,
    pub output: Vec<u8>,
}

/// The first line of what is no answer, harmless and short; empty where it is no text.
pub fn first_line(output: &[u8]) -> String {
    const LONGEST: usize = 120;
    let start = output.get(..4 * LONGEST).unwrap_or(output);
    if start.iter().any(|byte| matches!(byte, 0..=8 | 14..=26)) {
        return String::new();
    }
    let text = String::from_utf8_lossy(start);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let line = printable(line);
    let mut short: String = line.chars().take(LONGEST).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}
