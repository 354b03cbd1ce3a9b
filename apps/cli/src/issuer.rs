//! Asking the CA through a command of the user's: the request goes to its standard input, the answer comes from
//! its standard output.

use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

use usbtoken::error::{Code, Error, Fact, Result, Step};

/// An answer of a CA has a few KiB; the library refuses what is over 1 MiB, so one byte more is enough to see it.
const LARGEST_ANSWER: u64 = 1024 * 1024 + 1;
/// How much of what the command said about its failure is shown.
const TAIL: usize = 2048;

/// Runs `command` in the system's shell.
///
/// The child does not inherit the environment variable `secret`, which holds the PIN.
///
/// # Errors
/// [`Code::IssuerFailed`] when the command cannot be started or ends with a status other than 0,
/// [`Code::AnswerTooLarge`] when it does not stop printing.
pub fn ask(command: &str, request_pem: &str, secret: Option<&str>) -> Result<Vec<u8>> {
    run(command, request_pem, secret).map_err(|error| error.during(Step::AskIssuer))
}

fn run(command: &str, request_pem: &str, secret: Option<&str>) -> Result<Vec<u8>> {
    let mut shell = shell(command);
    if let Some(name) = secret {
        shell.env_remove(name);
    }
    shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = shell.spawn().map_err(failed_to_run)?;
    let talk = Talk::with(&mut child, request_pem.to_owned());
    if talk.answer.as_ref().is_ok_and(|answer| answer.len() as u64 >= LARGEST_ANSWER) {
        // It may print for ever; its exit status no longer matters.
        let _ = child.kill();
        let _ = child.wait();
        return Err(Error::new(Code::AnswerTooLarge).fact(Fact::Limit, LARGEST_ANSWER - 1));
    }
    let status = child.wait().map_err(failed_to_run)?;
    let said = talk.said.join().unwrap_or_default();
    if !status.success() {
        return Err(failed_with(status, &said));
    }
    talk.answer.map_err(failed_to_run)
}

/// What goes on at the child's three pipes. Each is served by a thread of its own: a child that fills one while
/// we wait at another would block for ever.
struct Talk {
    answer: io::Result<Vec<u8>>,
    said: thread::JoinHandle<Vec<u8>>,
}

impl Talk {
    fn with(child: &mut Child, request: String) -> Self {
        if let Some(mut stdin) = child.stdin.take() {
            // A command that does not read the whole request closes the pipe: its exit status says how it went.
            thread::spawn(move || stdin.write_all(request.as_bytes()));
        }
        let stderr = child.stderr.take();
        let said = thread::spawn(move || stderr.map(tail).unwrap_or_default());
        let mut answer = Vec::new();
        let read = child.stdout.take().map_or(Ok(0), |out| out.take(LARGEST_ANSWER).read_to_end(&mut answer));
        Talk { answer: read.map(|_| answer), said }
    }
}

/// The last bytes of what can be read.
fn tail(mut from: impl Read) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        kept.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if kept.len() > 2 * TAIL {
            kept.drain(..kept.len() - TAIL);
        }
    }
    kept.split_off(kept.len().saturating_sub(TAIL))
}

fn failed_to_run(error: io::Error) -> Error {
    Error::new(Code::IssuerFailed).fact(Fact::Detail, &error).caused_by(error)
}

fn failed_with(status: ExitStatus, said: &[u8]) -> Error {
    let error = Error::new(Code::IssuerFailed).fact(Fact::Found, status);
    let said = String::from_utf8_lossy(said);
    match said.trim() {
        "" => error,
        said => error.fact(Fact::Detail, said),
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn fact(error: &Error, wanted: Fact) -> String {
        error.facts().filter(|(fact, _)| *fact == wanted).map(|(_, value)| value).collect()
    }

    #[test]
    fn the_request_goes_in_and_the_answer_comes_out() {
        assert_eq!(ask("tr a-z A-Z", "request\n", None).unwrap(), b"REQUEST\n");
    }

    #[test]
    fn a_command_need_not_read_the_request() {
        let long = "x".repeat(1 << 20);
        assert_eq!(ask("printf answer", &long, None).unwrap(), b"answer");
    }

    #[test]
    fn a_failure_shows_status_and_the_end_of_what_was_said() {
        let error = ask("seq 1 100000 >&2; echo 'curl: (22) 403' >&2; exit 22", "r", None).unwrap_err();
        assert_eq!((error.code(), error.step()), (Code::IssuerFailed, Some(Step::AskIssuer)));
        assert_eq!(fact(&error, Fact::Found), "exit status: 22");
        let said = fact(&error, Fact::Detail);
        assert!(said.ends_with("100000\ncurl: (22) 403") && said.len() <= TAIL, "{said}");
    }

    #[test]
    fn a_silent_failure_and_a_signal_are_failures() {
        assert_eq!(fact(&ask("exit 3", "r", None).unwrap_err(), Fact::Detail), "");
        assert_eq!(ask("kill -9 $$", "r", None).unwrap_err().code(), Code::IssuerFailed);
        assert_eq!(ask("/nonexistent/issuer", "r", None).unwrap_err().code(), Code::IssuerFailed);
    }

    #[test]
    fn an_endless_answer_ends() {
        assert_eq!(ask("yes", "r", None).unwrap_err().code(), Code::AnswerTooLarge);
    }

    #[test]
    fn an_answer_of_the_largest_size_is_left_to_the_library() {
        assert_eq!(ask("head -c 1048576 /dev/zero", "r", None).unwrap().len(), 1 << 20);
    }

    /// The variable stands for the one that holds the PIN; HOME is one that is surely set here.
    #[test]
    fn the_variable_with_the_pin_is_not_inherited() {
        assert_eq!(ask("echo ${HOME-unset}", "r", Some("HOME")).unwrap(), b"unset\n");
        assert_ne!(ask("echo ${HOME-unset}", "r", None).unwrap(), b"unset\n");
    }
}
