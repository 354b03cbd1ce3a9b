//! One run of a program that asks the CA: its three pipes, its end, and what may happen meanwhile.
//!
//! Once the CA was asked nothing here may fail for want of something: no thread is started, and an exit status
//! that the system does not give is no reason to lose what was printed.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};

use super::ran::{End, LARGEST_ANSWER, Ran, TAIL};
use crate::process::signals::Signals;
use crate::reference::Listener;

/// How long a program has to end after it was asked to.
const GRACE: Duration = Duration::from_secs(2);
/// Its end is searched for this often although SIGCHLD reports it: a driver may have taken that signal for itself.
const TICK: Duration = Duration::from_millis(200);
/// How much of standard error is taken at once, so that a program that never stops is not served for ever.
const PORTION: usize = 1024 * 1024;

/// Runs the program with this input. What it prints is copied as it comes. What it says on standard error is passed on as it comes, if `show`.
///
/// # Errors
/// When it cannot be started: the CA was not asked.
pub(super) fn run(
    mut command: Command,
    input: &[u8],
    copy: &mut dyn Write,
    timeout: Duration,
    show: bool,
) -> io::Result<Ran> {
    // Before anything is opened: it would have the number of a stream that a driver has closed.
    crate::process::surroundings::restore();
    let signals = Signals::watch_child()?;
    // Drivers open files and sockets of their own; nothing but the three pipes is the program's business.
    close_fds::set_fds_cloexec_threadsafe(3, &[]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mut talk = Talk::with(&mut child, input, copy, show);
    let end = talk.until_it_ends(&mut child, &signals, Instant::now() + timeout);
    // What it printed last is still in the pipe. Who else holds the pipe open is not waited for.
    talk.serve();
    let Talk { output, mut said, listener, .. } = talk;
    let said = said.split_off(said.len().saturating_sub(TAIL));
    Ok(Ran { output, said, reference: listener.into_heard(), end })
}

/// What goes on at the child's three pipes. None of them blocks: a child that fills one while we wait at another
/// would wait for ever.
struct Talk<'a> {
    stdin: Option<std::process::ChildStdin>,
    stdout: Option<std::process::ChildStdout>,
    stderr: Option<std::process::ChildStderr>,
    input: &'a [u8],
    copy: &'a mut dyn Write,
    output: Vec<u8>,
    said: Vec<u8>,
    listener: Listener,
    show: bool,
}

impl<'a> Talk<'a> {
    fn with(child: &mut Child, input: &'a [u8], copy: &'a mut dyn Write, show: bool) -> Self {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let ends = [
            stdin.as_ref().map(AsFd::as_fd),
            stdout.as_ref().map(AsFd::as_fd),
            stderr.as_ref().map(AsFd::as_fd),
        ];
        for end in ends.into_iter().flatten() {
            // FIONBIO on a pipe of our own does not fail.
            let _ = rustix::io::ioctl_fionbio(end, true);
        }
        Talk {
            stdin,
            stdout,
            stderr,
            input,
            copy,
            output: Vec::new(),
            said: Vec::new(),
            listener: Listener::default(),
            show,
        }
    }

    fn until_it_ends(&mut self, child: &mut Child, signals: &Signals, deadline: Instant) -> End {
        loop {
            self.wait(signals, deadline);
            signals.quiet();
            self.serve();
            if let Some(end) = ended(child) {
                return end;
            }
            let end = if self.output.len() >= LARGEST_ANSWER {
                End::TooMuch
            } else if signals.caught().is_some() {
                End::Interrupted
            } else if Instant::now() >= deadline {
                End::TimedOut
            } else {
                continue;
            };
            self.stop(child, signals, end == End::Interrupted);
            return end;
        }
    }

    /// Until something can be read or written, a signal came, or it is time to check.
    fn wait(&self, signals: &Signals, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now()).min(TICK);
        let Ok(timeout) = Timespec::try_from(left) else { return };
        let reading = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let mut ready: Vec<PollFd<'_>> = vec![reading(signals.as_fd())];
        ready.extend(self.stdout.as_ref().map(AsFd::as_fd).map(reading));
        ready.extend(self.stderr.as_ref().map(AsFd::as_fd).map(reading));
        let writing = |fd| PollFd::from_borrowed_fd(fd, PollFlags::OUT);
        ready.extend(self.stdin.as_ref().map(AsFd::as_fd).map(writing));
        // A signal interrupts it; everything is examined afterwards anyway.
        let _ = poll(&mut ready, Some(&timeout));
    }

    /// Writes and reads what can be written and read now.
    fn serve(&mut self) {
        if let Some(stdin) = &mut self.stdin
            && !feed(stdin, &mut self.input)
        {
            // A program that does not read the whole request closes the pipe: its end says how it went.
            self.stdin = None;
        }
        let before = self.output.len();
        let room = LARGEST_ANSWER.saturating_sub(before);
        if let Some(stdout) = &mut self.stdout
            && !drain(stdout, &mut self.output, room)
        {
            self.stdout = None;
        }
        // It says of itself that it does not fail.
        let _ = self.copy.write_all(self.output.get(before..).unwrap_or_default());
        let mut fresh = Vec::new();
        if let Some(stderr) = &mut self.stderr
            && !drain(stderr, &mut fresh, PORTION)
        {
            self.stderr = None;
        }
        if self.show {
            // What no one can read is no reason to stop.
            let _ = io::stderr().write_all(&fresh);
        }
        self.listener.take(&fresh);
        self.said.append(&mut fresh);
        if self.said.len() > 2 * TAIL {
            self.said.drain(..self.said.len() - TAIL);
        }
    }

    /// Asks the program to end, which a terminal's Ctrl-C has done already, and ends it when it does not.
    fn stop(&mut self, child: &mut Child, signals: &Signals, asked: bool) {
        if !asked
            && let Ok(id) = i32::try_from(child.id())
            && let Some(pid) = Pid::from_raw(id)
        {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::TERM);
        }
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline {
            self.wait(signals, deadline);
            signals.quiet();
            self.serve();
            if ended(child).is_some() {
                return;
            }
            if self.output.len() >= LARGEST_ANSWER {
                break;
            }
        }
        let _ = child.kill();
        // It is dead or about to be; a zombie goes with this process.
        let _ = child.try_wait();
    }
}

/// Whether and how it has ended.
fn ended(child: &mut Child) -> Option<End> {
    match child.try_wait() {
        Ok(None) => None,
        Ok(Some(status)) => Some(End::Exit(status)),
        // ECHILD: the system has forgotten it.
        Err(_) => Some(End::Unknown),
    }
}

/// Writes as much of the input as the pipe takes; says whether there is more to write.
fn feed(stdin: &mut impl Write, input: &mut &[u8]) -> bool {
    while !input.is_empty() {
        match stdin.write(input) {
            Ok(0) => return false,
            Ok(count) => *input = input.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
        }
    }
    false
}

/// Reads what is there, up to this much; says whether more may come.
fn drain(from: &mut impl Read, into: &mut Vec<u8>, mut room: usize) -> bool {
    let mut buffer = [0; 16 * 1024];
    while room > 0 {
        let part = buffer.len().min(room);
        match from.read(buffer.get_mut(..part).unwrap_or_default()) {
            Ok(0) => return false,
            Ok(count) => {
                into.extend_from_slice(buffer.get(..count).unwrap_or_default());
                room -= count;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
        }
    }
    true
}
