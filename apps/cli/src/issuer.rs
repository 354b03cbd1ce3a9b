//! Asking the CA through a program of the user's: a shell command, or a helper with operations.

#[cfg(unix)]
mod child;
#[cfg(not(unix))]
#[path = "issuer/threads.rs"]
mod child;
mod helper;
#[cfg(all(test, unix))]
mod tests;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use usbtoken::error::{Fact, Step};
use usbtoken::renewal::Journal;
use usbtoken::text::printable;
use usbtoken::{Code, Error, Result};
use zeroize::Zeroizing;

use crate::args::IssuerArgs;
use crate::run::Run;

/// An answer of a CA has a few KiB. What is more is refused by the library, but none of it is lost up to here.
const LARGEST_ANSWER: usize = Journal::LARGEST_ANSWER;
/// How much of what a program said about its failure is shown.
const TAIL: usize = 2048;

/// What came of one run of a program.
struct Ran {
    /// What it printed, up to the largest answer that is kept.
    output: Vec<u8>,
    /// The end of what it said on standard error.
    said: Vec<u8>,
    end: End,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(unix), allow(dead_code, reason = "only Unix reports Ctrl-C"))]
enum End {
    Exit(ExitStatus),
    /// It ended, and the system does not say how: somebody ignores SIGCHLD or has waited for it.
    Unknown,
    TimedOut,
    Interrupted,
    /// It prints more than any CA, perhaps for ever.
    TooMuch,
}

/// How the CA is asked.
pub struct Issuer {
    program: Program,
    timeout: Duration,
    /// Whether standard error is passed on: not where a program reads JSON from ours.
    show: bool,
    /// The variables that no child gets.
    hidden: Vec<OsString>,
}

enum Program {
    /// A command for the system's shell.
    Shell(String),
    /// A program with operations, started as it is.
    Helper(PathBuf),
}

/// What is asked.
pub struct Question<'a> {
    /// The request, in PEM.
    pub request: &'a str,
    /// The certificate that is renewed, in PEM.
    pub old: Option<&'a str>,
    /// What the CA gave to ask again with.
    pub cookie: Option<&'a str>,
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

impl Issuer {
    /// The one that the command line names.
    ///
    /// # Errors
    /// [`Code::BadArgument`] when it names none, or a helper that cannot be started.
    pub fn of(args: &IssuerArgs, run: &Run) -> Result<Self> {
        let program = match (&args.issuer, &args.issuer_helper) {
            (Some(command), _) => Program::Shell(command.clone()),
            (None, Some(path)) => {
                helper::check(path)?;
                Program::Helper(path.clone())
            }
            (None, None) => {
                let expected = "--issuer, --issuer-helper";
                return Err(Error::new(Code::BadArgument).fact(Fact::Expected, expected));
            }
        };
        let timeout = Duration::from_secs(args.issuer_timeout.into());
        let hidden = run.secrets().map(OsString::from).collect();
        Ok(Issuer { program, timeout, show: !run.global.json, hidden })
    }

    /// Lets the helper show login ID and password to the CA. Returns what it printed: the cookie of the visit.
    ///
    /// # Errors
    /// [`Code::AuthorisationRejected`], [`Code::IssuerUnreachable`], [`Code::IssuerMisconfigured`],
    /// [`Code::IssuerFailed`], [`Code::IssuerTimeout`], [`Code::Cancelled`]. The CA has no request yet.
    pub fn authorise(&self, login: &Zeroizing<Vec<u8>>) -> Result<Option<String>> {
        let Program::Helper(path) = &self.program else {
            return Err(Error::new(Code::BadArgument).fact(Fact::Expected, "--issuer-helper"));
        };
        let command = self.prepared(helper::authorise(path));
        let ran = self.run(command, login, &mut io::sink());
        let reply = ran.and_then(|ran| helper::authorised(ran).map_err(|failed| failed.error));
        reply.map_err(|error| error.during(Step::AskIssuer))
    }

    /// Asks for a certificate. What is printed is copied as it comes, to where no write fails.
    ///
    /// # Errors
    /// As [`Issuer::authorise`]; [`Code::IssuerRejected`], [`Code::AnswerTooLarge`].
    pub fn ask(&self, question: &Question<'_>, copy: &mut dyn Write) -> std::result::Result<Reply, Failed> {
        let command = match &self.program {
            Program::Shell(command) => shell(command),
            Program::Helper(path) => helper::ask(path, question),
        };
        let ran = self.run(self.prepared(command), question.request.as_bytes(), copy);
        let reply = match (ran, &self.program) {
            (Ok(ran), Program::Shell(_)) => answered(ran),
            (Ok(ran), Program::Helper(_)) => helper::answered(ran),
            (Err(error), _) => Err(Failed { error, output: Vec::new() }),
        };
        reply.map_err(|Failed { error, output }| Failed { error: error.during(Step::AskIssuer), output })
    }

    fn prepared(&self, mut command: Command) -> Command {
        for name in &self.hidden {
            command.env_remove(name);
        }
        command
    }

    fn run(&self, command: Command, input: &[u8], copy: &mut dyn Write) -> Result<Ran> {
        child::run(command, input, copy, self.timeout, self.show).map_err(not_started)
    }
}

fn not_started(error: io::Error) -> Error {
    Error::new(Code::IssuerFailed).fact(Fact::Detail, &error).caused_by(error)
}

/// A shell command has succeeded with exit status 0; where the system does not give one, the usual checks of the
/// answer decide.
fn answered(ran: Ran) -> std::result::Result<Reply, Failed> {
    match ran.end {
        End::Exit(status) if status.success() => Ok(Reply::Answer(ran.output)),
        End::Unknown => Ok(Reply::Answer(ran.output)),
        _ => Err(failed(ran)),
    }
}

/// Why a run that did not succeed failed.
fn failed(ran: Ran) -> Failed {
    let error = match ran.end {
        End::Exit(status) => Error::new(Code::IssuerFailed).fact(Fact::Found, status),
        End::Unknown => Error::new(Code::IssuerFailed),
        End::TimedOut => Error::new(Code::IssuerTimeout),
        End::Interrupted => Error::new(Code::Cancelled),
        End::TooMuch => Error::new(Code::AnswerTooLarge)
            .fact(Fact::Limit, LARGEST_ANSWER)
            .fact(Fact::Detail, "the rest is cut off"),
    };
    Failed { error: with_words(error, &ran.said), output: ran.output }
}

/// Adds what a program said about its failure.
fn with_words(error: Error, said: &[u8]) -> Error {
    match String::from_utf8_lossy(said).trim() {
        "" => error,
        said => error.fact(Fact::Detail, said),
    }
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

#[cfg(not(windows))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command);
    shell
}

#[cfg(windows)]
fn shell(command: &str) -> Command {
    use std::os::windows::process::CommandExt as _;
    let mut shell = Command::new("cmd");
    // cmd parses the rest of its line itself; quoting by Rust's rules would reach the command as text.
    shell.arg("/C").raw_arg(command);
    shell
}
