//! The PIN: asked for or read, once, and handed to the library. It is never printed, and never tried twice.

pub mod change;
pub mod guard;
#[cfg(unix)]
pub mod hidden;
mod limit;
pub mod mark;
#[cfg(unix)]
pub mod prompt;
#[cfg(not(unix))]
#[path = "pin/prompt_elsewhere.rs"]
pub mod prompt;
mod source;

use std::io::{self, IsTerminal, Write};

use usbtoken::driver::{PinDoubt, PinState};
use usbtoken::error::{Fact, Step};
use usbtoken::text::printable;
use usbtoken::{Code, Error, Login, Pin, Result, Token};
use zeroize::Zeroizing;

use self::limit::LONGEST_PIN;
use self::prompt::Typed;
pub use self::source::{Found, Source, close_input, standard_input};
use crate::args::{Global, WITHHELD, may_be_pin};
use crate::words::{Tongue, Words};

/// What is needed to log in to that token.
///
/// # Errors
/// [`Code::PinFinalTry`] when the last try is not confirmed; [`Code::PinCancelled`], [`Code::PinRequired`] when
/// there is no terminal to ask at, [`Code::PinSourceUnusable`].
pub fn login(
    (source, held): (&Source, Option<Result<Pin>>),
    token: &Token,
    global: &Global,
    (tongue, lock_accepted): (Tongue<'_>, bool),
) -> Result<Login> {
    let info = token.info();
    let name = printable(&info.identity.label).into_owned();
    let final_try = info.pin_state == PinState::FinalTry;
    if final_try && !global.final_try {
        confirm_final_try(source, &name, tongue, Step::LogIn)?;
    }
    let asks = !global.final_try && !lock_accepted && source.is_interactive() && is_terminal();
    let lock_accepted = lock_accepted
        || info.pin_state == PinState::Locked && asks && confirmed(&tongue.text(Words::ConfirmStatedLocked));
    let login = if info.pin_pad && !global.pin_as_typed {
        say_pad(Words::PinPad(&name), global, tongue);
        at_pad(held)
    } else {
        let words = Words::PinPrompt(&name);
        let given = held.map_or_else(|| typed(words, token, tongue), |pin| pin.map(Given::from));
        let Given { pin, as_typed } = given.map_err(|error| error.during(Step::LogIn))?;
        let login = Login::with_pin(pin);
        if as_typed || global.pin_as_typed { login.pin_as_typed() } else { login }
    };
    let accepted = final_try || lock_accepted || global.final_try;
    Ok(if accepted { login.accept_final_try() } else { login })
}

/// Says that a PIN is entered at the token.
fn say_pad(words: Words<'_>, global: &Global, tongue: Tongue<'_>) {
    // A program that reads JSON from standard error would trip over a sentence.
    if !global.json || io::stderr().is_terminal() {
        // No one is there to be told when standard error is closed; the token shows its own prompt.
        let _ = writeln!(io::stderr(), "{}", tongue.text(words));
    }
}

/// A PIN that is at hand goes along, so that a pad that does not work can be told as what it is: the PIN was not used.
fn at_pad(held: Option<Result<Pin>>) -> Login {
    held.and_then(Result::ok).map_or_else(Login::on_pin_pad, Login::with_pin)
}

/// A PIN, and whether the person wants it sent although it is hardly one of this token's.
pub struct Given {
    pub pin: Pin,
    pub as_typed: bool,
}

impl From<Pin> for Given {
    fn from(pin: Pin) -> Self {
        Given { pin, as_typed: false }
    }
}

/// Asks for a PIN, and asks again where it is not what was meant: until then nothing is sent that may cost a try.
///
/// # Errors
/// As [`prompt`].
pub fn typed(words: Words<'_>, token: &Token, tongue: Tongue<'_>) -> Result<Given> {
    loop {
        let pin = prompt(words, tongue)?;
        match doubt(token, &pin) {
            Some(question) if is_terminal() => {
                if confirmed(&tongue.text(question)) {
                    return Ok(Given { pin, as_typed: true });
                }
            }
            _ => return Ok(pin.into()),
        }
    }
}

/// What a person is asked before this PIN is sent.
fn doubt(token: &Token, pin: &Pin) -> Option<Words<'static>> {
    match pin.doubt() {
        None => {}
        Some(PinDoubt::FullWidth) => return Some(Words::ConfirmFullWidth),
        Some(_) => return Some(Words::ConfirmBlank),
    }
    let (shortest, longest) = token.stated_pin_length()?;
    let length = pin.length();
    (!token.states_pin_length(length)).then_some(Words::ConfirmPinLength { shortest, longest, length })
}

fn confirm_final_try(source: &Source, token: &str, tongue: Tongue<'_>, step: Step) -> Result<()> {
    let refused = || Error::new(Code::PinFinalTry).during(step).fact(Fact::Token, token);
    if !source.is_interactive() || !is_terminal() {
        return Err(refused());
    }
    if confirmed(&tongue.text(Words::ConfirmFinalTry)) { Ok(()) } else { Err(refused()) }
}

/// Whether somebody can be asked.
pub fn is_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question that is answered by `yes`, or as people shorten that; everything else is no.
pub fn confirmed(question: &str) -> bool {
    crate::surroundings::restore();
    let mut stderr = io::stderr();
    let mut answer = Zeroizing::new(String::with_capacity(LONGEST_PIN + 1));
    let asked = write!(stderr, "{question}").and_then(|()| stderr.flush());
    let is_read = asked.and_then(|()| io::stdin().read_line(&mut answer)).is_ok();
    if may_be_pin(answer.trim()) {
        // It stays on no screen: the line above is written anew.
        let line = question.lines().next_back().unwrap_or_default();
        let _ = writeln!(stderr, "\x1b[1A\r\x1b[2K{line}{WITHHELD}");
    }
    is_read && is_yes(&answer)
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "yes" | "y" | "はい")
}

/// What is said at a hidden prompt when there is reason to.
#[cfg_attr(not(unix), allow(dead_code, reason = "the prompt is another one there"))]
pub struct Asides {
    ignored: String,
    anew: String,
}

impl Asides {
    /// In the language that this function writes.
    pub fn of(text: impl Fn(Words<'static>) -> String) -> Self {
        Asides { ignored: text(Words::KeysIgnored), anew: text(Words::TypedAnew) }
    }
}

/// Asks for a PIN at the terminal.
///
/// # Errors
/// [`Code::PinCancelled`]; [`Code::PinRequired`] where there is no terminal.
pub fn prompt(words: Words<'_>, tongue: Tongue<'_>) -> Result<Pin> {
    match prompt::read(&tongue.text(words), &Asides::of(|words| tongue.text(words))) {
        Ok(Typed::Line(line)) if !line.is_empty() => source::typed(&line),
        Ok(Typed::Line(_) | Typed::Cancelled) => Err(Error::new(Code::PinCancelled)),
        Err(error) => Err(Error::new(Code::PinRequired).fact(Fact::Detail, &error).caused_by(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for yes in ["yes\n", "Yes\n", "YES\r\n", "y\n", " はい\n"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "no\n", "yes please\n", "ye\n", "いいえ\n", "はい?\n"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}
