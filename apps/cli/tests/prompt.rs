//! The prompt for the PIN on a terminal: nothing of it is shown, and whatever ends it the terminal shows again.

#![cfg(target_os = "linux")]

mod common;

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use common::Stage;
use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use usbtoken_testkit::softhsm_module;

const PIN: &str = "pin-5309-unseen";

/// Longer than anything here takes, on a slow machine too.
const LONG: Duration = Duration::from_secs(120);

/// The command on a terminal of its own, at its prompt.
struct Terminal {
    keyboard: File,
    line: File,
    child: Child,
    shown: Vec<u8>,
}

impl Terminal {
    fn at_the_prompt(stage: &Stage) -> Terminal {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap().into_string().unwrap();
        let no_tty = OFlags::NOCTTY.bits().cast_signed();
        let line = OpenOptions::new().read(true).write(true).custom_flags(no_tty).open(name).unwrap();
        rustix::io::ioctl_fionbio(&keyboard, true).unwrap();
        // It makes the terminal the one of the new session, and then is the command.
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(env!("CARGO_BIN_EXE_usbtoken")).args(["--lang", "en", "--module"]);
        command.arg(softhsm_module()).args([
            "--token",
            &stage.token.uri(),
            "request",
            "--out",
            "request.pem",
        ]);
        let end = || OwnedFd::from(line.try_clone().unwrap());
        let child = stage.at_home(&mut command).stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let mut terminal = Terminal { keyboard: File::from(keyboard), line, child, shown: Vec::new() };
        terminal.wait(|terminal| terminal.sees("PIN") && !terminal.echoes());
        terminal
    }

    fn echoes(&self) -> bool {
        tcgetattr(&self.line).unwrap().local_modes.contains(LocalModes::ECHO | LocalModes::ICANON)
    }

    fn sees(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.shown).contains(text)
    }

    #[track_caller]
    fn wait(&mut self, until: impl Fn(&Terminal) -> bool) {
        let begin = Instant::now();
        loop {
            let mut buffer = [0; 4096];
            match self.keyboard.read(&mut buffer) {
                Ok(count) => self.shown.extend_from_slice(&buffer[..count]),
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
            }
            if until(self) {
                return;
            }
            assert!(begin.elapsed() < LONG, "shown so far: {}", String::from_utf8_lossy(&self.shown));
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn type_in(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).unwrap();
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// `T` when it is stopped.
    fn state(&self) -> char {
        let status = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let (_, after) = status.rsplit_once(')').unwrap();
        after.trim().chars().next().unwrap()
    }

    #[track_caller]
    fn ended(&mut self) -> ExitStatus {
        let begin = Instant::now();
        loop {
            self.wait(|_| true);
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begin.elapsed() < LONG, "it does not end: {}", String::from_utf8_lossy(&self.shown));
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_is_typed_is_not_shown_and_logs_in() {
    let stage = Stage::with_pin(PIN);
    let mut terminal = Terminal::at_the_prompt(&stage);
    // An arrow, a mistake, and a key of the keypad without NumLock on the way.
    terminal.type_in(format!("\x1b[Dx\x7f{PIN}\x1b[5~\r").as_bytes());
    assert_eq!(terminal.ended().code(), Some(0), "{}", String::from_utf8_lossy(&terminal.shown));
    assert!(terminal.echoes());
    assert!(!terminal.sees(PIN) && !terminal.sees("5309"), "{}", String::from_utf8_lossy(&terminal.shown));
    assert!(Path::new(&stage.file("request.pem")).exists());
}

#[test]
fn whatever_ends_the_program_the_terminal_shows_again() {
    let stage = Stage::with_pin(PIN);
    let before = stage.token.snapshot();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        let mut terminal = Terminal::at_the_prompt(&stage);
        terminal.type_in(b"half a p");
        terminal.signal(signal);
        let status = terminal.ended();
        assert_eq!(status.signal(), Some(signal.as_raw()), "as without us: {status:?}");
        assert!(terminal.echoes(), "{signal:?}");
    }
    let mut terminal = Terminal::at_the_prompt(&stage);
    terminal.type_in(b"\x03");
    assert_eq!(terminal.ended().signal(), Some(Signal::INT.as_raw()), "Ctrl-C");
    assert!(terminal.echoes());
    stage.token.snapshot().assert_same_as(&before);
}

#[test]
fn esc_and_the_end_of_input_cancel() {
    let stage = Stage::with_pin(PIN);
    let before = stage.token.snapshot();
    for keys in [&b"\x1b"[..], b"12\x1b", b"\x04", b"\r"] {
        let mut terminal = Terminal::at_the_prompt(&stage);
        terminal.type_in(keys);
        assert_eq!(terminal.ended().code(), Some(4), "{keys:?}");
        assert!(terminal.sees("pin_cancelled") || terminal.sees("cancelled"), "{keys:?}");
        assert!(terminal.echoes());
    }
    stage.token.snapshot().assert_same_as(&before);
}

/// Ctrl-Z, something else on the terminal, and back.
#[test]
fn a_stopped_program_leaves_the_terminal_as_it_was_and_asks_again() {
    let stage = Stage::with_pin(PIN);
    let mut terminal = Terminal::at_the_prompt(&stage);
    terminal.type_in(b"half a p");
    terminal.signal(Signal::TSTP);
    terminal.wait(|terminal| terminal.state() == 'T');
    assert!(terminal.echoes());
    terminal.shown.clear();
    terminal.signal(Signal::CONT);
    terminal.wait(|terminal| terminal.sees("PIN") && !terminal.echoes());
    terminal.type_in(format!("{PIN}\r").as_bytes());
    assert_eq!(terminal.ended().code(), Some(0), "{}", String::from_utf8_lossy(&terminal.shown));
    assert!(terminal.echoes());
}
