//! A PIN that was sent, and no answer: however the command ends in C_Login or C_SetPIN, no run without a terminal sends a PIN
//! again before a person has logged in. The driver notes each PIN that it is given (tests/drivers/sent.c).

#![cfg(target_os = "linux")]

mod common;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::terminal::Terminal;
use common::{Outcome, Stage, outcome};
use rustix::process::{Pid, Signal, kill_process};
use usbtoken_testkit::softhsm_module;

const WRONG: &str = "654321";
/// Longer than anything here takes, on a slow machine too.
const LONG: Duration = Duration::from_secs(120);

/// How a run ends while its driver has a PIN.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Kill,
    SecondSignal(Signal),
    CrashInProcess,
    CrashOfHost,
}

const ENDS: [End; 5] = [
    End::Kill,
    End::SecondSignal(Signal::TERM),
    End::SecondSignal(Signal::INT),
    End::CrashInProcess,
    End::CrashOfHost,
];

struct Play {
    stage: Stage,
    driver: PathBuf,
}

impl Play {
    fn new() -> Play {
        let stage = Stage::new();
        let driver = stage.file("libsent.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/drivers/sent.c");
        let compile = ["-shared", "-fPIC", "-w", "-o", driver.to_str().unwrap(), source];
        stage.tool("cc", &compile).succeeded();
        Play { stage, driver }
    }

    /// How often the driver was given a PIN so far.
    fn sent(&self) -> usize {
        self.log().lines().count()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.stage.file("sent.log")).unwrap_or_default()
    }

    /// Ends the driver's process, which outlives the command in the middle of a call.
    fn end_host(&self) {
        let log = self.log();
        let process = log.lines().last().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        while let Some(process) = process.and_then(Pid::from_raw) {
            if kill_process(process, Signal::KILL).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn env(&self) -> [(&'static str, PathBuf); 2] {
        [("SENT_DRIVER", softhsm_module()), ("SENT_LOG", self.stage.file("sent.log"))]
    }

    fn command(&self, pin: &str, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
        command.args(["--json", "--lang", "en", "--pin-env", "TEST_PIN"]);
        command.args(["--token", &self.stage.token.uri(), "--module"]).arg(&self.driver).args(words);
        self.stage.at_home(&mut command).env("TEST_PIN", pin).env("NEW_PIN", "737373").envs(self.env());
        command
    }

    /// A run to which nothing happens.
    fn run(&self, pin: &str, words: &[&str]) -> Outcome {
        outcome(&mut self.command(pin, words))
    }

    /// A run that ends so in this function; one that does not come so far ends by itself.
    fn ends(&self, end: End, function: &str, pin: &str, words: &[&str]) {
        let mut command = self.command(pin, words);
        let crashes = matches!(end, End::CrashInProcess | End::CrashOfHost);
        command.env("SENT_IN", function).env("SENT_THEN", if crashes { "crash" } else { "hang" });
        if end == End::CrashInProcess {
            command.arg("--in-process");
        }
        let before = self.sent();
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while self.sent() == before && child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < LONG);
            std::thread::sleep(Duration::from_millis(5));
        }
        match end {
            End::Kill => child.kill().unwrap(),
            End::SecondSignal(signal) => {
                while child.try_wait().unwrap().is_none() && begun.elapsed() < LONG {
                    let _ = kill_process(Pid::from_child(&child), signal);
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
            End::CrashInProcess | End::CrashOfHost => {}
        }
        child.wait().unwrap();
        if self.sent() > before {
            self.end_host();
        }
    }

    /// A person at a terminal, with the right PIN.
    fn person_logs_in(&self) {
        let env = self.env();
        let env = env.each_ref().map(|(name, value)| (*name, value.as_path()));
        let mut terminal = Terminal::of(&self.stage, &self.driver, &env, &["pending"]);
        terminal.asked_for("PIN");
        terminal.type_in(format!("{}\r", self.stage.token.pin()).as_bytes());
        assert!(terminal.ended().success(), "{}", terminal.text());
    }
}

/// Three daily runs, of which each is ended in C_Login.
#[test]
fn a_run_that_ended_in_a_login_is_the_only_one() {
    let play = Play::new();
    let right = play.stage.token.pin();
    for end in ENDS {
        let before = play.sent();
        for _ in 0..3 {
            play.ends(end, "C_Login", WRONG, &["renew", "--issuer", "false"]);
        }
        assert_eq!(play.sent() - before, 1, "{end:?}");
        for pin in [WRONG, right] {
            play.run(pin, &["pending"]).failed("pin_wrong_before", 4);
        }
        assert_eq!(play.sent() - before, 1, "{end:?}");
        play.person_logs_in();
        assert!(!play.stage.mark().exists(), "{end:?}");
        play.run(right, &["pending"]).succeeded();
    }
}

/// The same of a change of the PIN, which the token may have made.
#[test]
fn a_run_that_ended_in_a_change_of_the_pin_is_the_only_one() {
    let play = Play::new();
    for end in ENDS {
        let before = play.sent();
        for _ in 0..3 {
            play.ends(end, "C_SetPIN", WRONG, &["pin", "change", "--new-pin-env", "NEW_PIN"]);
        }
        play.ends(end, "C_Login", WRONG, &["list"]);
        assert_eq!(play.sent() - before, 1, "{end:?}");
        play.person_logs_in();
        play.run(play.stage.token.pin(), &["pending"]).succeeded();
    }
    // The token took the new one, and the files hold the old one still.
    let (right, before) = (play.stage.token.pin(), play.sent());
    play.ends(End::Kill, "C_SetPIN", right, &["pin", "change", "--new-pin-env", "NEW_PIN"]);
    for _ in 0..3 {
        play.run(right, &["pending"]).failed("pin_wrong_before", 4);
    }
    assert_eq!(play.sent() - before, 1);
    play.run("737373", &["pending", "--pin-corrected"]).succeeded();
    assert!(!play.stage.mark().exists());
}

/// A change that had no answer is said as such until a PIN is right: the new one may hold, and is the first to try.
#[test]
fn a_change_that_was_interrupted_is_said_with_which_pin_to_try() {
    let change = ["pin", "change", "--new-pin-env", "NEW_PIN"];
    for end in [End::Kill, End::CrashOfHost] {
        let play = Play::new();
        let right = play.stage.token.pin();
        // A wrong old PIN has changed nothing.
        play.run(WRONG, &change).failed("pin_incorrect", 4);
        let error = play.run(right, &["pending"]).failed("pin_wrong_before", 4);
        assert!(error["facts"]["reason"].is_null(), "{error:#}");
        play.run(right, &["pending", "--pin-corrected"]).succeeded();
        play.ends(end, "C_SetPIN", right, &change);
        let is_said = || {
            let error = play.run(right, &["pending"]).failed("pin_wrong_before", 4);
            assert_eq!(error["facts"]["reason"][0], "pin_change_interrupted", "{end:?}: {error:#}");
            assert!(error["hint"].as_str().unwrap().contains("once with the new PIN"), "{error:#}");
        };
        is_said();
        // Of an earlier day, which what is not sent leaves as it is.
        let earlier = b"2026-01-05 pin-change";
        std::fs::write(play.stage.mark(), earlier).unwrap();
        play.run("1", &["pending", "--pin-corrected"]).failed("pin_length", 4);
        assert_eq!(std::fs::read(play.stage.mark()).unwrap(), earlier);
        // Nor is it forgotten over another wrong one, or one without an answer.
        play.run(WRONG, &["pending", "--pin-corrected"]).failed("pin_incorrect", 4);
        is_said();
        play.ends(End::Kill, "C_Login", WRONG, &["pending", "--pin-corrected"]);
        is_said();
        let env = play.env();
        let env = env.each_ref().map(|(name, value)| (*name, value.as_path()));
        let mut terminal = Terminal::of(&play.stage, &play.driver, &env, &["pending"]);
        terminal.asked_for("the NEW PIN may hold. Enter the new one first");
        terminal.type_in(b"737373\r");
        assert!(terminal.ended().success(), "{}", terminal.text());
        assert!(!play.stage.mark().exists(), "{end:?}");
    }
}

/// It is taken away by what is no answer to the PIN, unless it stood there before.
#[test]
fn what_is_no_answer_leaves_the_mark_as_it_was() {
    let play = Play::new();
    let right = play.stage.token.pin();
    play.run(right, &["pending"]).succeeded();
    assert!(!play.stage.mark().exists());
    play.run("1", &["pending"]).failed("pin_length", 4);
    assert!(!play.stage.mark().exists());
    play.run(WRONG, &["pending"]).failed("pin_incorrect", 4);
    let yesterday = b"2026-01-05";
    std::fs::write(play.stage.mark(), yesterday).unwrap();
    play.run("1", &["pending", "--pin-corrected"]).failed("pin_length", 4);
    assert_eq!(std::fs::read(play.stage.mark()).unwrap(), yesterday);
    // Nor does a PIN that ended with a run of a person's let programs in.
    play.ends(End::Kill, "C_Login", WRONG, &["pending", "--pin-corrected"]);
    play.run(right, &["pending"]).failed("pin_wrong_before", 4);
    play.run(right, &["pending", "--pin-corrected"]).succeeded();
    assert!(!play.stage.mark().exists());
}
