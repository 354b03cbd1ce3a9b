//! Asking the CA through a program of the user's: a shell command, or a helper with operations.

#[cfg(unix)]
mod child;
#[cfg(not(unix))]
#[path = "issuer/threads.rs"]
mod child;
mod helper;
mod ran;
mod reply;
#[cfg(all(test, unix))]
mod tests;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use usbtoken::error::{Fact, Step};
use usbtoken::{Code, Error, Result};
use zeroize::Zeroizing;

pub use self::reply::{Failed, Question, Reply, first_line};

use self::ran::{End, Ran, failed};
use crate::args::{ISSUER_TIMEOUT, IssuerArgs};
use crate::reference::Reference;
use crate::run::Run;
use crate::surroundings;

/// The variable with the proxy that the bank names.
const PROXY: &str = "USBTOKEN_PROXY";
/// That one, and those that curl and its like search for.
const PROXY_VARIABLES: [&str; 5] = [PROXY, "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"];

/// How the CA is asked.
pub struct Issuer {
    program: Program,
    timeout: Duration,
    /// Whether standard error is passed on: not where a program reads JSON from ours.
    show: bool,
    /// The variables that no child gets.
    hidden: Vec<OsString>,
    /// The way to the CA that the bank names.
    proxy: Option<String>,
}

enum Program {
    /// A command for the system's shell.
    Shell(String),
    /// A program with operations, started as it is.
    Helper(PathBuf),
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
        let timeout = Duration::from_secs(args.issuer_timeout.unwrap_or(ISSUER_TIMEOUT).into());
        let hidden = run.secrets().map(OsString::from).collect();
        let proxy = run.bank().and_then(|bank| bank.issuer.as_ref()?.proxy.clone());
        Ok(Issuer { program, timeout, show: !run.global.json, hidden, proxy })
    }

    /// What tells this way to ask a CA from others.
    pub fn way(&self) -> String {
        match &self.program {
            Program::Shell(command) => format!("issuer {command}"),
            Program::Helper(path) => format!("helper {}", path.display()),
        }
    }

    /// Lets the helper show login ID and password to the CA. Returns what it printed, the cookie of the visit, and the
    /// order's reference number, where it said one.
    ///
    /// # Errors
    /// [`Code::AuthorisationRejected`], [`Code::IssuerUnreachable`], [`Code::IssuerMisconfigured`],
    /// [`Code::IssuerFailed`], [`Code::IssuerTimeout`], [`Code::Cancelled`]. The CA has no request yet.
    pub fn authorise(&self, login: &Zeroizing<Vec<u8>>) -> Result<(Option<String>, Option<Reference>)> {
        let Program::Helper(path) = &self.program else {
            return Err(Error::new(Code::BadArgument).fact(Fact::Expected, "--issuer-helper"));
        };
        let command = self.prepared(helper::authorise(path));
        let ran = self.run(command, login, &mut io::sink());
        let reply = ran.and_then(|mut ran| {
            let reference = ran.reference.take();
            helper::authorised(ran).map(|cookie| (cookie, reference)).map_err(|failed| failed.error)
        });
        reply.map_err(|error| error.during(Step::AskIssuer))
    }

    /// Asks for a certificate. What is printed is copied as it comes, to where no write fails. Beside what came of it is
    /// the order's reference number, where the program said one.
    ///
    /// # Errors
    /// As [`Issuer::authorise`]; [`Code::IssuerRejected`], [`Code::AnswerTooLarge`].
    pub fn ask(
        &self,
        question: &Question<'_>,
        copy: &mut dyn Write,
    ) -> (std::result::Result<Reply, Failed>, Option<Reference>) {
        let command = match &self.program {
            Program::Shell(command) => shell(command),
            Program::Helper(path) => helper::ask(path, question),
        };
        let mut ran = self.run(self.prepared(command), question.input, copy);
        let reference = ran.as_mut().ok().and_then(|ran| ran.reference.take());
        let reply = match (ran, &self.program) {
            (Ok(ran), Program::Shell(_)) => answered(ran),
            (Ok(ran), Program::Helper(_)) => helper::answered(ran),
            (Err(error), _) => Err(Failed { error, output: Vec::new() }),
        };
        let reply =
            reply.map_err(|Failed { error, output }| Failed { error: error.during(Step::AskIssuer), output });
        (reply, reference)
    }

    /// In the environment that this program was started with, whatever a driver did to it, without the PIN.
    fn prepared(&self, mut command: Command) -> Command {
        let own: Vec<OsString> = command.get_envs().map(|(name, _)| name.to_owned()).collect();
        for (name, value) in surroundings::changed_variables() {
            match value {
                _ if own.contains(&name) => &mut command,
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        for name in &self.hidden {
            command.env_remove(name);
        }
        // A bank's word counts for more than the environment, and of what is in that ours is only a bank's word.
        match &self.proxy {
            // What is to go past a proxy would go past the bank's.
            Some(proxy) => command
                .envs(PROXY_VARIABLES.map(|name| (name, proxy)))
                .env_remove("no_proxy")
                .env_remove("NO_PROXY"),
            None => command.env_remove(PROXY),
        };
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
