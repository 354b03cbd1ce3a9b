//! Progress, on standard error: for a person at a terminal, or for whoever asks with `-v`.

use std::io::{self, IsTerminal, Write};

use usbtoken::error::Step;
use usbtoken::text::Lang;

use crate::words::Words;

/// Tells what is being done.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    lang: Lang,
    shown: bool,
}

impl usbtoken::renewal::Progress for Progress {
    fn step(&self, step: Step) {
        Progress::step(self, step);
    }
}

impl Progress {
    /// Progress that is shown on a terminal, or when `verbose`.
    pub fn new(lang: Lang, verbose: bool) -> Self {
        Progress { lang, shown: verbose || io::stderr().is_terminal() }
    }

    /// Says in these words that a driver's call is waited for, although somebody wants to stop.
    pub fn stopping(&self, words: Words<'_>) {
        if self.shown {
            let _ = writeln!(io::stderr(), "{}", words.text(self.lang));
        }
    }

    /// Says that this step begins.
    pub fn step(&self, step: Step) {
        if self.shown {
            // Progress that no one can read is no reason to stop.
            let _ = writeln!(io::stderr(), "{}…", step.sentence(self.lang));
        }
    }
}
