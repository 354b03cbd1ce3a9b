//! What the process was started into: ignored signals, full and closed descriptors, impatient people. After each the
//! token is compared with before, and what was done on it is said.

mod common;

use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Outcome, Stage, hex};
use serde_json::Value;
use usbtoken_testkit::{Form, softhsm_module};

/// Longer than anything here takes, on a slow machine too.
const LONG: Duration = Duration::from_secs(120);

fn fact<'v>(error: &'v Value, name: &str) -> &'v str {
    error["facts"][name][0].as_str().unwrap_or_else(|| panic!("no {name}: {error:#}"))
}

fn certificates(stage: &Stage) -> usize {
    stage.token.snapshot().of_class("CKO_CERTIFICATE").count()
}

/// `exec` hands an ignored SIGCHLD on; the system then tells no exit status.
#[test]
fn a_parent_that_ignores_its_children_loses_nothing() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let issuer = stage.issuer(&[]);
    let command = format!("usbtoken renew --json --pin-file pin --issuer \"{issuer}\"");
    stage.shell(&format!("trap '' CHLD; exec {command}")).succeeded();
    stage.token.snapshot().assert_keeps(&before);
    assert_eq!(stage.token.snapshot().added_since(&before).len(), 3);
}

#[test]
fn the_issuer_sees_neither_the_pin_nor_a_descriptor_of_ours() {
    let stage = Stage::new();
    let pin = stage.token.pin();
    let spy = "cat /proc/$PPID/environ /proc/self/environ > environ; cat /proc/$PPID/cmdline > cmdline; \
               ls /proc/self/fd > descriptors; ls /proc/$PPID/task > threads; false";
    stage.run(&["renew", "--issuer", spy]).failed("issuer_failed", 6);
    for place in ["environ", "cmdline"] {
        let seen = stage.read(place);
        assert!(!seen.is_empty());
        let found = seen.windows(pin.len()).any(|window| window == pin.as_bytes());
        assert!(!found, "{place}: {}", String::from_utf8_lossy(&seen));
    }
    // The fourth is the folder that ls reads.
    assert_eq!(String::from_utf8(stage.read("descriptors")).unwrap(), "0\n1\n2\n3\n");
    let threads = String::from_utf8(stage.read("threads")).unwrap();
    let most = if cfg!(target_os = "linux") { 2 } else { 1 };
    assert!(threads.lines().count() <= most, "none but the one that keeps the streams: {threads}");

    // Descriptors that the caller left open, as a driver does with its sockets.
    let command = "exec 7</dev/null 9>open; exec usbtoken renew --resume --json --pin-file pin --issuer \
                   'ls /proc/self/fd > descriptors; false'";
    stage.shell(command).failed("issuer_failed", 6);
    assert_eq!(String::from_utf8(stage.read("descriptors")).unwrap(), "0\n1\n2\n3\n");
}

#[test]
fn an_issuer_that_takes_too_long_is_ended_and_the_key_waits() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let slow = ["renew", "--issuer-timeout", "1", "--issuer", "echo half; exec sleep 600"];
    let error = stage.run(&slow).failed("issuer_timeout", 6);
    assert_eq!(std::fs::read(fact(&error, "saved_answer")).unwrap(), b"half\n");
    let again = fact(&error, "go_on");
    assert!(again.contains(" resume ") && again.contains(fact(&error, "id")), "{again}");
    assert!(again.contains("--issuer-timeout 1"), "{again}");
    stage.token.snapshot().assert_keeps(&before);
    stage.run(&["resume", "--issuer", &stage.issuer(&[])]).succeeded();
}

#[test]
fn ctrl_c_while_the_ca_works_says_that_the_key_waits() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    for signal in ["INT", "TERM"] {
        let mut command = Command::new("usbtoken");
        command.args(["renew", "--resume", "--json", "--lang", "en", "--pin-file", "pin", "--issuer"]);
        command.arg("echo answer; touch started; exec sleep 600");
        let child =
            stage.at_home(&mut command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = child.spawn().unwrap();
        wait_for(|| stage.file("started").exists());
        std::fs::remove_file(stage.file("started")).unwrap();
        stage.tool("kill", &["-s", signal, &child.id().to_string()]).succeeded();
        let output = child.wait_with_output().unwrap();
        let said = Outcome {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        let error = said.failed("cancelled", 9);
        assert!(fact(&error, "go_on").contains(fact(&error, "id")), "{error:#}");
        assert_eq!(std::fs::read(fact(&error, "saved_answer")).unwrap(), b"answer\n");
    }
    stage.token.snapshot().assert_keeps(&before);
    stage.run(&["resume", "--issuer", &stage.issuer(&[])]).succeeded();
}

fn wait_for(what: impl Fn() -> bool) {
    let deadline = Instant::now() + LONG;
    while !what() {
        assert!(Instant::now() < deadline, "it never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_the_issuer_says_is_shown_as_it_comes_except_to_programs() {
    let stage = Stage::new();
    let issuer = "--issuer 'echo progress >&2; exit 9'";
    let people = stage.shell(&format!("usbtoken renew --lang en --pin-file pin {issuer}"));
    assert!(people.stderr.starts_with("progress\n"), "{}", people.stderr);
    let programs = stage.shell(&format!("usbtoken renew --json --resume --pin-file pin {issuer}"));
    assert!(serde_json::from_str::<Value>(&programs.stderr).is_ok(), "{}", programs.stderr);
    assert_eq!(fact(&programs.error(), "detail"), "progress");
}

/// Places that take nothing: a full disk, no standard output at all, a reader that went away.
const NOWHERE: [&str; 3] = ["> /dev/full", ">&-", "| gone"];

/// A command whose reader has closed the pipe before it begins.
fn with_reader_gone(command: &str) -> String {
    format!(
        "rm -f gone; {{ while [ ! -e gone ]; do sleep 0.02; done; {command}; }} | {{ exec <&-; touch gone; }}"
    )
}

/// Runs a command whose result goes nowhere. Its exit code is in the file `code`.
fn unprinted(stage: &Stage, command: &str, nowhere: &str) -> Value {
    let command = format!("usbtoken {command} --json --lang en --pin-file pin");
    let script = match nowhere {
        "| gone" => with_reader_gone(&format!("{command}; echo $? > code")),
        _ => format!("{command} {nowhere}; echo $? > code"),
    };
    let said = stage.shell(&script);
    let code = String::from_utf8(stage.read("code")).unwrap();
    assert_eq!(code, "11\n", "{command} {nowhere}: {said:?}");
    said.error()
}

#[test]
fn a_renewal_whose_result_cannot_be_printed_is_said_to_be_done() {
    for nowhere in NOWHERE {
        let stage = Stage::new();
        let before = stage.token.snapshot();
        let issuer = format!("\"{}\"", stage.issuer(&["--form p7"]));
        let error = unprinted(&stage, &format!("renew --retire-old --issuer {issuer}"), nowhere);
        assert_eq!(
            (error["name"].as_str(), error["code"].as_u64()),
            (Some("result_not_printed"), Some(1001))
        );
        let now = stage.token.snapshot();
        assert_eq!(now.with_id(&stage.old.id).count(), 0, "it is done");
        assert_eq!(error["result"]["retired"], true, "{error:#}");
        assert_eq!(error["result"]["credential"]["serial"].as_str(), Some(fact(&error, "serial")));
        assert_eq!(now.objects().len(), before.objects().len());
    }
}

#[test]
fn the_other_commands_that_change_the_token_say_it_too() {
    for nowhere in NOWHERE {
        let stage = Stage::new();
        let error = unprinted(&stage, "request --out -", nowhere);
        assert_eq!(error["name"], "request_not_written");
        let id = fact(&error, "id").to_owned();
        assert!(fact(&error, "go_on").contains(&format!("resume --pin-file pin --id {id} --out")));
        let again = fact(&error, "go_on").to_owned();
        stage.shell(&again).succeeded();
        let answer = stage.ca.answer(Form::Pem, &stage.ca.issue_for(&stage.read("request.pem")).der());
        stage.write("answer", &answer);

        let count = certificates(&stage);
        let error = unprinted(&stage, "install answer", nowhere);
        assert_eq!(error["name"], "result_not_printed");
        assert_eq!(certificates(&stage), count + 1);

        let error = unprinted(&stage, "retire --yes --id 01 --trust-anchor ca/ca.pem", nowhere);
        assert_eq!(error["name"], "result_not_printed");
        assert_eq!(stage.token.snapshot().with_id(&stage.old.id).count(), 0);

        let before = stage.token.snapshot();
        stage.run(&["request", "--force", "--id", &id, "--out", "other.pem"]).succeeded();
        let error = unprinted(&stage, "abandon --yes", nowhere);
        assert_eq!(error["name"], "result_not_printed");
        stage.token.snapshot().assert_same_as(&before);
    }
}

#[test]
fn people_are_told_what_was_done_and_not_to_do_it_again() {
    let stage = Stage::new();
    let issuer = format!("\"{}\"", stage.issuer(&[]));
    let said = stage.shell(&format!("usbtoken renew --lang en --pin-file pin --issuer {issuer} > /dev/full"));
    assert_eq!(said.code, 11);
    for words in
        ["issued and installed", "Certificate serial number", "1001 result_not_printed", "Do not run"]
    {
        assert!(said.stderr.contains(words), "{words}: {}", said.stderr);
    }
}

#[test]
fn where_nothing_was_changed_a_reader_may_go_away() {
    let stage = Stage::new();
    assert_eq!(stage.shell(&with_reader_gone("usbtoken list; echo $? >&2")).stderr, "0\n");
    assert_eq!(stage.shell("usbtoken list > /dev/full").code, 2);
    assert_eq!(stage.shell("usbtoken list >&-").code, 2);
}

/// The folder is writable when the command checks it, and gone when the key is made.
#[test]
fn a_request_that_cannot_be_written_leaves_a_key_that_is_named() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    std::fs::create_dir(stage.file("out")).unwrap();
    stage.tool("mkfifo", &["pin.fifo"]).succeeded();
    let mut command = Command::new("usbtoken");
    let arguments = ["request", "--json", "--pin-file", "pin.fifo", "--out", "out/request.pem"];
    command.args(arguments).arg("--module").arg(softhsm_module());
    let command = stage.at_home(&mut command).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    // Opening the pipe waits until the command reads the PIN, which is after it examined the folder.
    let mut pipe = std::fs::OpenOptions::new().write(true).mode(0o600).open(stage.file("pin.fifo")).unwrap();
    std::fs::remove_dir(stage.file("out")).unwrap();
    pipe.write_all(stage.token.pin().as_bytes()).unwrap();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(11), "{}", String::from_utf8_lossy(&output.stderr));
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    let error = &error["error"];
    assert_eq!(error["name"], "request_not_written");
    let added: Vec<String> =
        stage.token.snapshot().added_since(&before).iter().map(|object| hex(&object.id)).collect();
    assert!(added.contains(&fact(error, "id").to_owned()), "{added:?} {error:#}");
    let again = fact(error, "go_on").replace("--pin-file pin.fifo", "--pin-file pin");
    stage.shell(&again).succeeded();
    stage.tool("openssl", &["req", "-in", "request.pem", "-verify", "-noout"]).succeeded();
}

/// A file that an earlier run left is younger than the clock: the clock is what is doubted, before anything is done.
#[test]
fn a_clock_that_is_behind_what_is_kept_is_told() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let doubted = || stage.run(&["preflight"]).stdout.contains("clock_uncertain");
    assert!(!doubted());
    let folder = stage.file("state/usbtoken");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    stage.tool("touch", &["-d", "+30 days", "state/usbtoken/kept.job"]).succeeded();
    assert!(doubted());
    stage.token.snapshot().assert_same_as(&before);
}
