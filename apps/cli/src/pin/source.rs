//! Where a PIN comes from when no person is asked, and what is no PIN there.
//!
//! A PIN that is not what was meant costs a try, so doubtful ones are refused, with the reason. What was read is never shown; nor
//! is a name behind which there is nothing, for it may be the PIN itself.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use usbtoken::error::{Fact, Notice, Warning};
use usbtoken::{Code, Error, Pin, Result};
use zeroize::Zeroizing;

use super::guard;
#[cfg(unix)]
use super::hidden;
use super::limit::LONGEST_PIN;
use crate::args::{Global, PinChange, is_some_place};

/// How a PIN is obtained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The only line of a file.
    File(PathBuf),
    /// The only line of standard input.
    Stdin,
    /// An environment variable.
    Variable(String),
    /// The descriptor that the run before this one, which had the variable, left open; with the variable's name.
    #[cfg(unix)]
    Descriptor(PathBuf, String),
    /// A hidden prompt.
    Terminal,
}

/// A PIN that was read, and what its owner should know of the place.
pub struct Found {
    pub pin: Pin,
    pub remarks: Vec<Warning>,
}

impl Source {
    /// The source that the command line names.
    pub fn of(global: &Global) -> Self {
        #[cfg(unix)]
        let pipe = hidden::descriptor(hidden::DESCRIPTOR);
        #[cfg(not(unix))]
        let pipe = None;
        Source::named(global.pin_file.as_deref(), global.pin_env.as_deref(), pipe)
    }

    /// The source of the new PIN.
    pub fn of_new(args: &PinChange) -> Self {
        #[cfg(unix)]
        let pipe = hidden::descriptor(hidden::NEW_DESCRIPTOR);
        #[cfg(not(unix))]
        let pipe = None;
        Source::named(args.new_pin_file.as_deref(), args.new_pin_env.as_deref(), pipe)
    }

    /// `pipe` has what the variable had.
    fn named(file: Option<&Path>, variable: Option<&str>, pipe: Option<PathBuf>) -> Self {
        match (file, variable, pipe) {
            (Some(path), ..) if path == Path::new("-") => Source::Stdin,
            (Some(path), ..) => Source::File(path.to_owned()),
            #[cfg(unix)]
            (None, Some(name), Some(pipe)) => Source::Descriptor(pipe, name.to_owned()),
            (None, Some(name), _) => Source::Variable(name.to_owned()),
            (None, None, _) => Source::Terminal,
        }
    }

    /// Whether a person is asked.
    pub fn is_interactive(&self) -> bool {
        *self == Source::Terminal
    }

    /// Reads the PIN that no person is asked for; `None` where one is.
    ///
    /// # Errors
    /// [`Code::PinSourceUnusable`].
    pub fn read(&self) -> Option<Result<Found>> {
        crate::process::surroundings::restore();
        guard::begin();
        Some(match self {
            Source::File(path) => read_file(path),
            Source::Stdin => read_input(),
            #[cfg(unix)]
            Source::Descriptor(path, name) => {
                let file = File::open(path).map_err(|error| unusable(name, error));
                file.and_then(|file| only_line(file, name))
            }
            Source::Variable(name) => match std::env::var_os(name) {
                Some(value) => {
                    let value = Zeroizing::new(value.into_encoded_bytes());
                    only_line(&value[..], name)
                }
                None => Err(nameless("variable_not_set")),
            },
            Source::Terminal => return None,
        })
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

fn read_input() -> Result<Found> {
    let input = standard_input().map_err(|error| unusable("-", error))?;
    let found = only_line(input, "-");
    close_input().map_err(|error| unusable("-", error))?;
    found
}

fn read_file(path: &Path) -> Result<Found> {
    let file = File::open(path).map_err(|error| match is_some_place(path) {
        true => unusable(path.display(), error),
        false => nameless("file_not_there").fact(Fact::Detail, &error).caused_by(error),
    })?;
    let open = is_open_to_others(&file);
    let mut found = only_line(file, path.display())?;
    let remark = || Warning::from(Notice::PinFileReadable).fact(Fact::Path, path.display());
    found.remarks.extend(open.then(remark));
    Ok(found)
}

/// Whether other users of this computer may read the file. A pipe is not theirs to open.
#[cfg(unix)]
fn is_open_to_others(file: &File) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o044 != 0)
}

/// Whether other users of this computer may read the file: its rights are not examined here.
#[cfg(not(unix))]
fn is_open_to_others(_file: &File) -> bool {
    false
}

/// The PIN as the one line of what is read.
fn only_line(from: impl Read, place: impl Display) -> Result<Found> {
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

/// Takes off what editors add: a byte order mark, which is remarked, and the end of the line.
fn pin_of(bytes: &[u8], place: impl Display) -> Result<Found> {
    match plain(bytes) {
        Ok((line, has_mark)) => {
            let remark = || Warning::from(Notice::PinFileMark).fact(Fact::Path, &place);
            let remarks = has_mark.then(remark).into_iter().collect();
            Ok(Found { pin: Pin::new(line.to_vec()), remarks })
        }
        Err(reason) => {
            Err(Error::new(Code::PinSourceUnusable).fact(Fact::Path, place).fact(Fact::Reason, reason))
        }
    }
}

/// The PIN without what editors add, and whether a byte order mark was; or why it is none, by a stable name.
fn plain(bytes: &[u8]) -> std::result::Result<(&[u8], bool), &'static str> {
    if is_utf16(bytes) {
        return Err("pin_utf16");
    }
    let unmarked = bytes.strip_prefix(b"\xef\xbb\xbf");
    let text = unmarked.unwrap_or(bytes);
    let line = text.strip_suffix(b"\n").unwrap_or(text);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        _ if line.is_empty() => Err("empty"),
        _ if line.contains(&b'\n') || line.contains(&b'\r') => Err("pin_several_lines"),
        Err(_) => Err("not_utf8"),
        Ok(text) if text.contains(char::is_control) => Err("pin_control_character"),
        Ok(_) => Ok((line, unmarked.is_some())),
    }
}

/// Whether these are characters of two bytes each: by the mark at the beginning, or because every other byte is 0.
fn is_utf16(bytes: &[u8]) -> bool {
    let marked = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    let (pairs, rest) = bytes.as_chunks::<2>();
    let zero_at = |at: usize| pairs.iter().all(|pair| pair[at] == 0);
    marked || (!pairs.is_empty() && rest.is_empty() && (zero_at(0) || zero_at(1)))
}

/// The PIN that was typed.
///
/// # Errors
/// [`Code::PinSourceUnusable`] for what no keyboard types.
pub fn typed(line: &[u8]) -> Result<Pin> {
    pin_of(line, "/dev/tty").map(|found| found.pin)
}

fn unusable(place: impl Display, error: io::Error) -> Error {
    Error::new(Code::PinSourceUnusable).fact(Fact::Path, place).fact(Fact::Detail, &error).caused_by(error)
}

/// What was named is not there, and may be no name.
fn nameless(reason: &str) -> Error {
    Error::new(Code::PinSourceUnusable).fact(Fact::Reason, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> Option<(Code, String)> {
        let error = only_line(bytes, "pin.txt").err()?;
        let reason = error.facts().find(|(fact, _)| matches!(fact, Fact::Reason | Fact::Limit));
        Some((error.code(), reason.map(|(_, reason)| reason.to_owned()).unwrap_or_default()))
    }

    fn read(source: &Source) -> Error {
        source.read().unwrap().err().unwrap()
    }

    #[test]
    fn one_line_is_a_pin_whatever_editor_wrote_it() {
        for text in ["1234", "1234\n", "1234\r\n", "\u{feff}1234\r\n", "pass phrase", "暗証"] {
            assert_eq!(refused(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(only_line(&b"\xef\xbb\xbf1234"[..], "pin.txt").unwrap().remarks.len(), 1);
        assert_eq!(only_line(&b"1234"[..], "pin.txt").unwrap().remarks.len(), 0);
    }

    #[test]
    fn what_may_cost_a_try_by_mistake_is_refused_with_the_reason() {
        let long = vec![b'1'; LONGEST_PIN + 1];
        let bad: [(&[u8], &str); 14] = [
            (b"", "empty"),
            (b"\n", "empty"),
            (b"\r\n", "empty"),
            (b"\xef\xbb\xbf", "empty"),
            (b"1234\n5678\n", "pin_several_lines"),
            (b"1234\r5678", "pin_several_lines"),
            (b"1234\n\n", "pin_several_lines"),
            (b"12\x0034", "pin_control_character"),
            (b"1234\t", "pin_control_character"),
            (b"\xff\xfe1\x002\x00", "pin_utf16"),
            (b"1\x002\x00\n\x00", "pin_utf16"),
            (b"\x001\x002", "pin_utf16"),
            (b"\x82\xa0", "not_utf8"),
            (&long, "1024"),
        ];
        for (bytes, reason) in bad {
            assert_eq!(refused(bytes), Some((Code::PinSourceUnusable, reason.to_owned())), "{bytes:?}");
        }
    }

    #[test]
    fn an_error_names_the_place_and_not_the_pin() {
        let error = only_line(&b"1234\n5678"[..], "pin.txt").err().unwrap().to_string();
        assert!(error.contains("pin.txt") && !error.contains("1234") && !error.contains("5678"), "{error}");
    }

    #[test]
    fn where_nothing_is_the_name_may_be_the_pin() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let error = read(&Source::File(missing.clone())).to_string();
        assert!(error.contains(&missing.display().to_string()), "{error}");
        for source in [
            Source::File("648219".into()),
            Source::File("64/8219".into()),
            Source::Variable("P648219".into()),
        ] {
            let error = read(&source);
            assert_eq!(error.code(), Code::PinSourceUnusable);
            assert!(!error.to_string().contains("8219"), "{error}");
            assert!(!format!("{error:?}").contains("8219"), "{error:?}");
        }
    }
}
