//! The command on a pseudo-terminal.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use usbtoken_testkit::softhsm_module;

use super::Stage;

/// Longer than anything here takes, on a slow machine too.
const LONG: Duration = Duration::from_secs(120);

/// The command on a terminal of its own.
pub struct Terminal {
    keyboard: File,
    line: File,
    child: Child,
    pub shown: Vec<u8>,
}

impl Terminal {
    /// At its prompt for the PIN.
    pub fn at_the_prompt(stage: &Stage) -> Terminal {
        let mut terminal = Terminal::of(stage, &softhsm_module(), &[], &["request", "--out", "request.pem"]);
        terminal.asked_for("PIN");
        terminal
    }

    /// With this driver and these variables.
    pub fn of(stage: &Stage, driver: &Path, env: &[(&str, &Path)], words: &[&str]) -> Terminal {
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
        command.arg(driver).args(["--token", &stage.token.uri()]).args(words);
        let end = || OwnedFd::from(line.try_clone().unwrap());
        let command = stage.at_home(&mut command).envs(env.iter().copied());
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        Terminal { keyboard: File::from(keyboard), line, child, shown: Vec::new() }
    }

    /// Waits until it asks for a PIN with these words; what was shown before is forgotten.
    #[track_caller]
    pub fn asked_for(&mut self, words: &str) {
        self.wait(|terminal| terminal.sees(words) && !terminal.echoes());
        self.shown.clear();
    }

    /// Waits until it asks a question with these words, which is answered visibly.
    #[track_caller]
    pub fn questioned(&mut self, words: &str) {
        self.wait(|terminal| terminal.sees(words) && terminal.echoes());
        self.shown.clear();
    }

    /// What was shown so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown).into_owned()
    }

    pub fn echoes(&self) -> bool {
        tcgetattr(&self.line).unwrap().local_modes.contains(LocalModes::ECHO | LocalModes::ICANON)
    }

    pub fn sees(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.shown).contains(text)
    }

    #[track_caller]
    pub fn wait(&mut self, until: impl Fn(&Terminal) -> bool) {
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

    /// What is left for whoever reads the terminal next.
    pub fn left(&self) -> Vec<u8> {
        // What was typed without a line end would not be given in lines.
        let mut modes = tcgetattr(&self.line).unwrap();
        modes.local_modes.remove(LocalModes::ICANON);
        rustix::termios::tcsetattr(&self.line, rustix::termios::OptionalActions::Now, &modes).unwrap();
        rustix::io::ioctl_fionbio(&self.line, true).unwrap();
        let mut left = vec![0; 4096];
        let count = (&self.line).read(&mut left).unwrap_or(0);
        left.truncate(count);
        left
    }

    pub fn type_in(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).unwrap();
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// `T` when it is stopped.
    pub fn state(&self) -> char {
        let status = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let (_, after) = status.rsplit_once(')').unwrap();
        after.trim().chars().next().unwrap()
    }

    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        let begin = Instant::now();
        loop {
            self.wait(|_| true);
            if let Some(status) = self.child.try_wait().unwrap() {
                // What it said at its end.
                self.wait(|_| true);
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
