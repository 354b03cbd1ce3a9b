//! Runs that begin at the same minute, as lines of one scheduler do: a wrong PIN is sent by the first of them alone.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{Stage, outcome};
use serde_json::json;
use usbtoken::Finder;
use usbtoken::driver::{LoginTurn, TokenIdentity};
use usbtoken_testkit::{shim, softhsm_module};

/// A run with a trace of its own.
fn start(stage: &Stage, number: usize, more: &[&str], arguments: &[&str]) -> (Child, PathBuf) {
    let trace = stage.file(&format!("trace-{number}"));
    let _ = std::fs::remove_file(&trace);
    let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
    let module = shim();
    command.args(["--json", "--lang", "en", "--token", &stage.token.uri(), "--module"]).arg(&module);
    command.args(more).args(arguments);
    stage.at_home(&mut command).env("TEST_PIN", "654321").env("USBTOKEN_SHIM_TRACE", &trace);
    command.env("USBTOKEN_SHIM_DRIVER", softhsm_module());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    (command.spawn().unwrap(), trace)
}

fn sent(trace: &Path) -> usize {
    let trace = std::fs::read_to_string(trace).unwrap_or_default();
    trace.lines().filter(|line| line.contains("\"C_Login\"") || line.contains("\"C_SetPIN\"")).count()
}

/// The turn of this token, in this process.
fn turn(stage: &Stage) -> LoginTurn {
    let identity = json!({ "label": "", "manufacturer": "", "model": "", "serial": stage.token.serial() });
    let identity: TokenIdentity = serde_json::from_value(identity).unwrap();
    LoginTurn::take(&identity, Duration::from_secs(60)).unwrap().expect("a user with a home folder")
}

fn wait_until_begun(trace: &Path) {
    while !std::fs::read_to_string(trace).unwrap_or_default().contains("C_GetTokenInfo") {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Starts all of them, and lets the first log in when the last has found the token; how often a PIN was sent, and the errors by
/// name.
fn at_once(stage: &Stage, more: &[&str], lines: &[&[&str]]) -> (usize, Vec<String>) {
    let held = turn(stage);
    let started: Vec<_> =
        lines.iter().enumerate().map(|(number, line)| start(stage, number, more, line)).collect();
    started.iter().for_each(|(_, trace)| wait_until_begun(trace));
    drop(held);
    let (mut pins, mut errors) = (0, Vec::new());
    for (child, trace) in started {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let error = said.find('{').and_then(|at| serde_json::from_str::<serde_json::Value>(&said[at..]).ok());
        errors.push(error.map_or_else(
            || "none".to_owned(),
            |error| error["error"]["name"].as_str().unwrap_or("?").to_owned(),
        ));
        pins += sent(&trace);
    }
    errors.sort();
    (pins, errors)
}

#[test]
fn of_runs_that_begin_at_once_one_sends_a_wrong_pin() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    stage.write("new", b"777777");
    let change = ["pin", "change", "--new-pin-file", "new"];
    let lines: [&[&str]; 6] =
        [&["list"], &["pending"], &["renew", "--issuer", "false"], &["list"], &change, &["abandon", "--yes"]];
    for more in [&["--pin-env", "TEST_PIN"][..], &["--pin-env", "TEST_PIN", "--in-process"]] {
        let (pins, errors) = at_once(&stage, more, &lines);
        assert_eq!(pins, 1, "{errors:?}");
        assert_eq!(errors.iter().filter(|name| *name == "pin_incorrect").count(), 1, "{errors:?}");
        assert!(errors.iter().all(|name| name != "none"), "{errors:?}");
        let (pins, errors) = at_once(&stage, more, &lines);
        assert_eq!((pins, errors.contains(&"pin_incorrect".to_owned())), (0, false), "{errors:?}");
        // Nor when each of them says that it is right now.
        let corrected = [more, &["--pin-corrected"]].concat();
        let (pins, errors) = at_once(&stage, &corrected, &lines);
        assert_eq!(pins, 1, "{errors:?}");
        assert_eq!(errors.iter().filter(|name| *name == "pin_incorrect").count(), 1, "{errors:?}");
        stage.run(&["list", "--pin-corrected"]).succeeded();
        stage.token.snapshot().assert_same_as(&before);
    }
}

/// Nobody is kept from working by others: with the right PIN each logs in, one after another.
#[test]
fn runs_that_begin_at_once_with_the_right_pin_all_log_in() {
    let stage = Stage::new();
    let pin = stage.file("pin").display().to_string();
    // The file is written with the first command.
    stage.run(&["list"]).succeeded();
    let (pins, errors) =
        at_once(&stage, &["--pin-file", &pin], &[&["list"], &["pending"], &["list"], &["list"]]);
    assert_eq!((pins, errors), (4, vec!["none".to_owned(); 4]));
}

/// A run that was killed while it logged in holds nobody up.
#[test]
fn a_killed_run_gives_its_turn_back() {
    let stage = Stage::new();
    let (mut child, trace) = start(&stage, 0, &["--pin-env", "TEST_PIN"], &["list"]);
    wait_until_begun(&trace);
    child.kill().unwrap();
    child.wait().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
    command.args(["--json", "list", "--pin-file", "pin"]);
    let done = outcome(stage.at_home(&mut command));
    assert!(done.stderr.is_empty() || done.error()["name"] != "busy", "{done:?}");
}

/// A run that was kept out by another one has sent nothing: where the mark was noted before, it says so as before. One that was
/// told that the PIN is right now and began earlier would else take it for wrong again.
#[test]
fn a_run_that_was_kept_out_changes_nothing_of_the_mark() {
    let stage = Stage::new();
    stage.write("new", b"777777");
    let change = ["pin", "change", "--new-pin-file", "new"];
    let wrong = |arguments: &[&str]| {
        let (child, trace) = start(&stage, 0, &["--pin-env", "TEST_PIN"], arguments);
        let output = child.wait_with_output().unwrap();
        let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        (error["error"]["name"].as_str().unwrap().to_owned(), sent(&trace))
    };
    let mark = || std::fs::metadata(stage.mark()).unwrap().modified().unwrap();
    assert_eq!(wrong(&["list"]), ("pin_incorrect".to_owned(), 1));
    let noted = mark();
    let token = Finder::new().module(stage.token.module()).find(&stage.token.uri().parse().unwrap()).unwrap();
    let held = token.reserve().unwrap();
    let corrected = [&change[..], &["--pin-corrected"]].concat();
    assert_eq!(wrong(&corrected), ("busy".to_owned(), 0));
    assert_eq!(mark(), noted);
    drop(held);
    assert_eq!(wrong(&corrected), ("pin_incorrect".to_owned(), 1));
    assert!(mark() > noted);
}

/// The clock was ahead when a wrong PIN was noted, and was put right since: a person may say that the PIN is right now, and of runs that say
/// so at once one alone sends a wrong one.
#[test]
fn a_mark_from_the_future_lets_a_person_say_that_the_pin_is_right() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let lines: [&[&str]; 4] = [&["list"], &["pending"], &["renew", "--issuer", "false"], &["list"]];
    let corrected = ["--pin-env", "TEST_PIN", "--pin-corrected"];
    for ahead in [60, 86_400] {
        let (pins, errors) = at_once(&stage, &["--pin-env", "TEST_PIN"], &lines);
        assert_eq!(pins, 1, "{errors:?}");
        let put_ahead = || {
            let mark = std::fs::OpenOptions::new().write(true).open(stage.mark()).unwrap();
            mark.set_modified(std::time::SystemTime::now() + Duration::from_secs(ahead)).unwrap();
        };
        put_ahead();
        let (pins, errors) = at_once(&stage, &["--pin-env", "TEST_PIN"], &lines);
        assert_eq!(pins, 0, "{errors:?}");
        let (pins, errors) = at_once(&stage, &corrected, &lines);
        assert_eq!(pins, 1, "{errors:?}");
        assert_eq!(errors.iter().filter(|name| *name == "pin_wrong_before").count(), 3, "{errors:?}");
        put_ahead();
        stage.run(&["list", "--pin-corrected"]).succeeded();
        assert!(!stage.mark().exists());
        stage.token.snapshot().assert_same_as(&before);
    }
}
