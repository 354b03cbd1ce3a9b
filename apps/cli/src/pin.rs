//! Where the PIN comes from. It is read once and handed to the library; it is never printed, and never retried.

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

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use usbtoken::driver::PinState;
use usbtoken::error::{Fact, Step};
use usbtoken::text::printable;
use usbtoken::{Code, Error, Login, Pin, Result, Token};
use zeroize::Zeroizing;

use self::limit::LONGEST_PIN;
use self::prompt::Typed;
use crate::args::Global;
use crate::words::{Tongue, Words};

/// How the PIN is obtained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The first line of a file.
    File(PathBuf),
    /// The first line of standard input.
    Stdin,
    /// An environment variable.
    Variable(String),
    /// The descriptor that the run before this one, which had the variable, left open; with the variable's name.
    #[cfg(unix)]
    Descriptor(PathBuf, String),
    /// A hidden prompt.
    Terminal,
}

impl Source {
    /// The source that the command line names.
    pub fn of(global: &Global) -> Self {
        match (&global.pin_file, &global.pin_env) {
            (Some(path), _) if path == Path::new("-") => Source::Stdin,
            (Some(path), _) => Source::File(path.clone()),
            #[cfg(unix)]
            (None, Some(name)) if let Some(path) = hidden::descriptor() => {
                Source::Descriptor(path, name.clone())
            }
            (None, Some(name)) => Source::Variable(name.clone()),
            (None, None) => Source::Terminal,
        }
    }

    /// Whether a person is asked.
    pub fn is_interactive(&self) -> bool {
        *self == Source::Terminal
    }
}

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
        confirm_final_try(source, &name, tongue)?;
    }
    let asks = !global.final_try && !lock_accepted && source.is_interactive() && is_terminal();
    let lock_accepted = lock_accepted
        || info.pin_state == PinState::Locked && asks && confirmed(&tongue.text(Words::ConfirmStatedLocked));
    let read = || held.unwrap_or_else(|| read(source, &name, tongue));
    let login = if info.pin_pad && !global.pin_as_typed {
        // A program that reads JSON from standard error would trip over a sentence.
        if !global.json || io::stderr().is_terminal() {
            // No one is there to be told when standard error is closed; the token shows its own prompt.
            let _ = writeln!(io::stderr(), "{}", tongue.text(Words::PinPad(&name)));
        }
        at_pad(source, read)
    } else {
        let pin = read().map_err(|error| error.during(Step::LogIn))?;
        let as_typed = global.pin_as_typed || is_confirmed(source, token, &pin, tongue);
        let login = Login::with_pin(pin);
        if as_typed { login.pin_as_typed() } else { login }
    };
    let accepted = final_try || lock_accepted || global.final_try;
    Ok(if accepted { login.accept_final_try() } else { login })
}

/// Reads the PIN that no person is asked for, to be used later: a driver may close what it would be read from. Where it cannot
/// be had is no error yet, for it may not be needed.
pub fn read_ahead(source: &Source, tongue: Tongue<'_>) -> Option<Result<Pin>> {
    (!source.is_interactive()).then(|| read(source, "", tongue))
}

/// A PIN that is at hand goes along, so that a pad that does not work can be told as what it is: the PIN was not used.
fn at_pad(source: &Source, read: impl FnOnce() -> Result<Pin>) -> Login {
    if source.is_interactive() {
        return Login::on_pin_pad();
    }
    read().map_or_else(|_| Login::on_pin_pad(), Login::with_pin)
}

/// Whether a person who was asked wants a PIN sent that is shorter or longer than the token states.
fn is_confirmed(source: &Source, token: &Token, pin: &Pin, tongue: Tongue<'_>) -> bool {
    let Some((shortest, longest)) = token.stated_pin_length() else { return false };
    if token.states_pin_length(pin.length()) || !source.is_interactive() || !is_terminal() {
        return false;
    }
    confirmed(&tongue.text(Words::ConfirmPinLength { shortest, longest, length: pin.length() }))
}

fn confirm_final_try(source: &Source, token: &str, tongue: Tongue<'_>) -> Result<()> {
    let refused = || Error::new(Code::PinFinalTry).during(Step::LogIn).fact(Fact::Token, token);
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
    let mut answer = String::new();
    let asked = write!(stderr, "{question}").and_then(|()| stderr.flush());
    asked.and_then(|()| io::stdin().read_line(&mut answer)).is_ok() && is_yes(&answer)
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "yes" | "y" | "はい")
}

fn read(source: &Source, token: &str, tongue: Tongue<'_>) -> Result<Pin> {
    crate::process::surroundings::restore();
    guard::begin();
    match source {
        Source::File(path) => {
            let unusable = |error| unusable(path.display(), error);
            first_line(File::open(path).map_err(unusable)?, path.display())
        }
        Source::Stdin => {
            let input = standard_input().map_err(|error| unusable("-", error))?;
            let pin = first_line(input, "-");
            close_input().map_err(|error| unusable("-", error))?;
            pin
        }
        #[cfg(unix)]
        Source::Descriptor(path, name) => {
            let unusable = |error| unusable(name, error);
            first_line(File::open(path).map_err(unusable)?, name)
        }
        Source::Variable(name) => match std::env::var(name).map(Zeroizing::new) {
            Ok(pin) => pin_of(pin.as_bytes(), name),
            Err(_) => Err(Error::new(Code::PinSourceUnusable).fact(Fact::Expected, name)),
        },
        Source::Terminal => prompt(token, tongue),
    }
}

/// Standard input without the buffer of the standard library, which nobody could wipe.
///
/// # Errors
/// When it is closed.
pub fn standard_input() -> io::Result<File> {
    #[cfg(unix)]
    let input = std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned()?;
    #[cfg(windows)]
    let input = std::os::windows::io::AsHandle::as_handle(&io::stdin()).try_clone_to_owned()?;
    Ok(File::from(input))
}

/// Puts nothing in the place of standard input when a secret was read from it: on Unix every program of the user can
/// open it anew through `/proc/PID/fd/0`.
///
/// # Errors
/// When the system has no `/dev/null`.
#[cfg_attr(not(unix), allow(clippy::unnecessary_wraps, reason = "on Unix it can fail"))]
pub fn close_input() -> io::Result<()> {
    #[cfg(unix)]
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    Ok(())
}

fn prompt(token: &str, tongue: Tongue<'_>) -> Result<Pin> {
    match prompt::read(&tongue.text(Words::PinPrompt(token))) {
        Ok(Typed::Line(line)) if !line.is_empty() => pin_of(&line, "/dev/tty"),
        Ok(Typed::Line(_) | Typed::Cancelled) => Err(Error::new(Code::PinCancelled)),
        Err(error) => Err(Error::new(Code::PinRequired).fact(Fact::Detail, &error).caused_by(error)),
    }
}

/// The PIN as the one line of what is read.
fn first_line(from: impl Read, place: impl std::fmt::Display) -> Result<Pin> {
    // The capacity is given beforehand: a buffer that grew would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_PIN + 1));
    let limit = LONGEST_PIN as u64 + 1;
    from.take(limit).read_to_end(&mut bytes).map_err(|error| unusable(&place, error))?;
    if bytes.len() > LONGEST_PIN {
        return Err(Error::new(Code::PinSourceUnusable)
            .fact(Fact::Path, place)
            .fact(Fact::Limit, LONGEST_PIN));
    }
    pin_of(&bytes, place)
}

/// Takes off what editors add: a byte order mark and the end of the line. More than one line is no PIN.
///
/// A PIN that is not what the person meant costs a try, so doubtful ones are refused here.
fn pin_of(bytes: &[u8], place: impl std::fmt::Display) -> Result<Pin> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let plain =
        std::str::from_utf8(line).is_ok_and(|text| !text.is_empty() && !text.contains(char::is_control));
    if plain {
        Ok(Pin::new(line.to_vec()))
    } else {
        Err(Error::new(Code::PinSourceUnusable).fact(Fact::Path, place))
    }
}

fn unusable(place: impl std::fmt::Display, error: io::Error) -> Error {
    Error::new(Code::PinSourceUnusable).fact(Fact::Path, place).fact(Fact::Detail, &error).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use usbtoken::text::Lang;

    fn code_of(bytes: &[u8]) -> Option<Code> {
        first_line(bytes, "pin.txt").err().map(|error| error.code())
    }

    #[test]
    fn one_line_is_a_pin_whatever_editor_wrote_it() {
        for text in ["1234", "1234\n", "1234\r\n", "\u{feff}1234\r\n", "pass phrase", "暗証"] {
            assert_eq!(code_of(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn what_may_cost_a_try_by_mistake_is_refused() {
        let long = vec![b'1'; LONGEST_PIN + 1];
        let bad: [&[u8]; 7] =
            [b"", b"\n", b"\r\n", b"1234\n5678\n", b"12\x0034", b"\xff\xfe1\x002\x00", &long];
        for bytes in bad {
            assert_eq!(code_of(bytes), Some(Code::PinSourceUnusable), "{bytes:?}");
        }
    }

    #[test]
    fn only_yes_is_yes() {
        for yes in ["yes\n", "Yes\n", "YES\r\n", "y\n", " はい\n"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "no\n", "yes please\n", "ye\n", "いいえ\n", "はい?\n"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }

    #[test]
    fn an_error_names_the_place_and_not_the_pin() {
        let error = first_line(&b"1234\n5678"[..], "pin.txt").err().unwrap().to_string();
        assert!(error.contains("pin.txt") && !error.contains("1234") && !error.contains("5678"), "{error}");
        let missing =
            read(&Source::File("/nonexistent/pin".into()), "BANK", Tongue { lang: Lang::En, bank: None })
                .err()
                .unwrap();
        assert_eq!(missing.code(), Code::PinSourceUnusable);
        let unset = read(
            &Source::Variable("USBTOKEN_SURELY_UNSET".into()),
            "BANK",
            Tongue { lang: Lang::En, bank: None },
        )
        .err()
        .unwrap();
        assert_eq!(unset.code(), Code::PinSourceUnusable);
    }
}
