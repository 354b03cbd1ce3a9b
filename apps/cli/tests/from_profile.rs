//! An old certificate in a browser's profile, which a driver in a process of its own reads: what goes wrong there stays there.
#![cfg(target_os = "linux")]

mod common;

use std::fs::{self, OpenOptions};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use common::{Outcome, Stage, outcome};
use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::process::{Pid, Signal, kill_process};
use usbtoken_testkit::{Kind, days_from_now, serial_hex};

/// A token with a certificate, and a profile with a copy of that.
fn stage() -> Stage {
    let stage = Stage::alone(Kind::P256, days_from_now(11));
    stage.write("old.der", &stage.old.certificate);
    fs::create_dir(stage.file("profile")).unwrap();
    stage.tool("certutil", &["-N", "-d", "sql:profile", "--empty-password"]).succeeded();
    let import = ["-A", "-n", "x", "-t", ",,", "-i", "old.der", "-d", "sql:profile"];
    stage.tool("certutil", &import).succeeded();
    stage
}

fn listing<'c>(stage: &Stage, limit: &str, command: &'c mut Command) -> &'c mut Command {
    let words = ["--json", "--lang", "en", "--driver-limit", limit, "list", "--everywhere"];
    let also = ["--also", "nss:profile", "--also", "file:old.der"];
    command.args(words).args(also);
    stage.at_home(command).env("HOME", stage.file("home"))
}

/// What the list says of the profile, beside what it could read.
fn skipped(said: &Outcome) -> serde_json::Value {
    assert_eq!(said.json().as_array().unwrap().len(), 2, "the token's and the file's: {said:?}");
    serde_json::from_str::<serde_json::Value>(&said.stderr).unwrap()["warning"].clone()
}

#[test]
fn a_profile_that_cannot_be_read_hides_nothing_else() {
    let stage = stage();
    let list = || outcome(listing(&stage, "1", &mut Command::new(env!("CARGO_BIN_EXE_usbtoken"))));
    let all = list().json();
    let places: Vec<&str> = all.as_array().unwrap().iter().filter_map(|one| one["place"].as_str()).collect();
    assert!(places.iter().any(|place| place.ends_with("/profile#x")), "{all:#}");
    let from = |more: &[&str]| stage.run(&[&["preflight", "--from", "nss:profile"], more].concat());
    assert_eq!(from(&[]).json()["from"]["serial"], serial_hex(&stage.old.certificate));

    // Another program is writing to it, as SQLite does that.
    for name in ["profile/cert9.db", "profile/key4.db"] {
        let held = OpenOptions::new().read(true).write(true).open(stage.file(name)).unwrap();
        fcntl_lock(&held, FlockOperation::NonBlockingLockExclusive).unwrap();
        from(&[]).failed("nss_profile_busy", 9);
    }

    // What hangs in the driver, and what ends it.
    let key = stage.read("profile/key4.db");
    fs::remove_file(stage.file("profile/key4.db")).unwrap();
    stage.tool("mkfifo", &["profile/key4.db"]).succeeded();
    let hanging = from(&["--driver-limit", "1"]).failed("nss_profile_unusable", 2);
    assert_eq!(hanging["facts"]["reason"][0], "nss_hangs", "{hanging:#}");
    assert_eq!(skipped(&list())["name"], "nss_profile_unusable");
    // On a machine that is slow just then, it is killed before it has begun to read.
    let crash = || skipped(&killed_while_it_waits(&stage))["facts"]["reason"][0] == "nss_crashed";
    assert!((0..9).any(|_| crash()));

    // A pipe in the place of the certificates themselves is not waited for.
    stage.write("profile/saved", &key);
    fs::rename(stage.file("profile/saved"), stage.file("profile/key4.db")).unwrap();
    fs::remove_file(stage.file("profile/cert9.db")).unwrap();
    stage.tool("mkfifo", &["profile/cert9.db"]).succeeded();
    from(&[]).failed("nss_profile_unusable", 2);
}

/// The list, whose driver is killed once it waits for the pipe to be opened for writing, which nobody does.
fn killed_while_it_waits(stage: &Stage) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
    let running = listing(stage, "60", &mut command).stdout(Stdio::piped()).stderr(Stdio::piped());
    let running = running.spawn().unwrap();
    let mut calm = 0;
    while calm < 10 {
        let hosts = children(&running);
        calm = if !hosts.is_empty() && hosts.iter().all(|host| is_asleep(*host)) { calm + 1 } else { 0 };
        thread::sleep(Duration::from_millis(10));
    }
    for host in children(&running) {
        kill_process(host, Signal::KILL).unwrap();
    }
    let output = running.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Outcome { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn is_asleep(process: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('S'))
}

fn children(of: &Child) -> Vec<Pid> {
    let tasks = fs::read_dir(format!("/proc/{}/task", of.id())).unwrap().flatten();
    let listed = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let all: Vec<String> = listed.collect();
    all.iter()
        .flat_map(|line| line.split_whitespace())
        .filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
        .collect()
}
