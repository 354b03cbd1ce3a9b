//! The helper: a program with operations, after the convention of certmonger's enrolment helpers.
//!
//! `docs/issuer-helper.md` is the contract. A helper that was written for certmonger (operations SUBMIT and POLL)
//! finds its own variables here too.

#[cfg(unix)]
use std::io;
#[cfg(unix)]
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

use usbtoken::error::Fact;
use usbtoken::{Code, Error, Response};

use super::ran::{End, Ran, failed, with_words};
use super::reply::{Failed, Question, Reply, first_line};

/// A cookie is handed on in the environment, whose size systems limit.
const LONGEST_COOKIE: usize = 64 * 1024;

/// The exit statuses that the contract knows.
mod exit {
    pub const ISSUED: i32 = 0;
    pub const WAIT: i32 = 1;
    pub const REJECTED: i32 = 2;
    pub const UNREACHABLE: i32 = 3;
    pub const UNCONFIGURED: i32 = 4;
    pub const WAIT_WITH_DELAY: i32 = 5;
    pub const UNSUPPORTED: i32 = 6;
}

/// Makes sure, before there is a key, that the helper can be started. A name without a folder is found in `PATH`.
///
/// # Errors
/// [`Code::BadArgument`].
#[cfg(unix)]
pub fn check(path: &Path) -> Result<(), Error> {
    use rustix::fs::{Access, access};
    let startable = |path: &Path| -> io::Result<()> {
        if !path.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no regular file"));
        }
        access(path, Access::EXEC_OK).map_err(io::Error::from)
    };
    let started = if path.as_os_str().as_bytes().contains(&b'/') {
        startable(path)
    } else {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&folders).any(|folder| startable(&folder.join(path)).is_ok());
        if found { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    };
    started.map_err(|error| {
        let bad = Error::new(Code::BadArgument).fact(Fact::Expected, "--issuer-helper");
        bad.fact(Fact::Path, path.display()).fact(Fact::Detail, &error).caused_by(error)
    })
}

/// Windows searches for a program in more places and under more names than can be told beforehand.
#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub fn check(_path: &Path) -> Result<(), Error> {
    Ok(())
}

/// The operation before there is a key: login ID and password, a line each, on standard input.
pub fn authorise(path: &Path) -> Command {
    let mut command = Command::new(path);
    command.env("USBTOKEN_OPERATION", "AUTHORISE");
    command
}

/// The operation that sends the request, or the one that asks for it again.
pub fn ask(path: &Path, question: &Question<'_>) -> Command {
    let mut command = Command::new(path);
    let operation = if question.again && question.cookie.is_some() { "POLL" } else { "SUBMIT" };
    let values = [
        ("OPERATION", Some(operation)),
        ("CSR", Some(question.request)),
        ("CA_COOKIE", question.cookie),
        ("CERTIFICATE", question.old),
    ];
    for (name, value) in values {
        for prefix in ["USBTOKEN_", "CERTMONGER_"] {
            let variable = format!("{prefix}{name}");
            match value {
                Some(value) => command.env(variable, value),
                None => command.env_remove(variable),
            };
        }
    }
    match question.reference {
        Some(reference) => command.env("USBTOKEN_REFERENCE", reference),
        None => command.env_remove("USBTOKEN_REFERENCE"),
    };
    command
}

/// What came of SUBMIT or POLL.
pub(super) fn answered(ran: Ran) -> Result<Reply, Failed> {
    let status = match ran.end {
        End::Exit(status) => status.code(),
        // Without a status only a certificate tells itself from a cookie or a word.
        End::Unknown if Response::parse(&ran.output).is_ok() => Some(exit::ISSUED),
        _ => None,
    };
    match status {
        Some(exit::ISSUED) => Ok(Reply::Answer(ran.output)),
        Some(exit::WAIT) => {
            let cookie = cookie(&ran.output).map_err(|error| kept(error, &ran))?;
            Ok(Reply::NotYet { cookie, seconds: None })
        }
        Some(exit::WAIT_WITH_DELAY) => {
            let (seconds, rest) = delay(&ran.output).map_err(|error| kept(error, &ran))?;
            let cookie = cookie(rest).map_err(|error| kept(error, &ran))?;
            Ok(Reply::NotYet { cookie, seconds: Some(seconds) })
        }
        Some(exit::REJECTED) => Err(refused(Code::IssuerRejected, &ran)),
        _ => Err(unavailable(status, ran)),
    }
}

/// What came of AUTHORISE.
pub(super) fn authorised(ran: Ran) -> Result<Option<String>, Failed> {
    let status = match ran.end {
        End::Exit(status) => status.code(),
        _ => None,
    };
    match status {
        Some(exit::ISSUED) => cookie(&ran.output).map_err(|error| kept(error, &ran)),
        Some(exit::REJECTED) => Err(refused(Code::AuthorisationRejected, &ran)),
        _ => Err(unavailable(status, ran)),
    }
}

fn unavailable(status: Option<i32>, ran: Ran) -> Failed {
    match status {
        Some(exit::UNREACHABLE) => refused(Code::IssuerUnreachable, &ran),
        Some(exit::UNCONFIGURED | exit::UNSUPPORTED) => refused(Code::IssuerMisconfigured, &ran),
        _ => failed(ran),
    }
}

/// A helper says why on standard output (certmonger's convention) or on standard error.
fn refused(code: Code, ran: &Ran) -> Failed {
    let error = with_words(Error::new(code), &ran.said);
    kept(if ran.output.is_empty() { error } else { error.fact(Fact::Detail, first_line(&ran.output)) }, ran)
}

fn kept(error: Error, ran: &Ran) -> Failed {
    Failed { error, output: ran.output.clone() }
}

/// What stands before the last line end. It must fit into a variable of the environment.
fn cookie(output: &[u8]) -> Result<Option<String>, Error> {
    let bad = |expected: &str| {
        let error = Error::new(Code::IssuerFailed).fact(Fact::Expected, expected);
        error.fact(Fact::Size, output.len()).fact(Fact::FirstLine, first_line(output))
    };
    if output.len() > LONGEST_COOKIE {
        return Err(bad("cookie_64_kib"));
    }
    let text = std::str::from_utf8(output).map_err(|_| bad("cookie_utf8"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.contains('\0') {
        return Err(bad("cookie_without_nul"));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// The number of seconds in the first line, and what follows it.
fn delay(output: &[u8]) -> Result<(u64, &[u8]), Error> {
    let end = output.iter().position(|byte| *byte == b'\n');
    let (line, rest) = match end {
        Some(end) => (output.get(..end).unwrap_or_default(), output.get(end + 1..).unwrap_or_default()),
        None => (output, &[][..]),
    };
    let seconds = std::str::from_utf8(line).ok().and_then(|line| line.trim().parse().ok());
    let seconds = seconds.ok_or_else(|| {
        Error::new(Code::IssuerFailed)
            .fact(Fact::Expected, "seconds_first")
            .fact(Fact::FirstLine, first_line(output))
    })?;
    Ok((seconds, rest))
}
