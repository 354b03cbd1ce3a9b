//! An old certificate in a browser's profile, which a driver in a process of its own reads: what goes wrong there stays there.
//! Nor is anything written over an old certificate.
#![cfg(target_os = "linux")]

mod common;

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use common::elsewhere::{self, P12, old, old_until};
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

/// No file of a profile is written over, there or not, by whatever name. Its folder may have the sign of a nickname in its name.
#[test]
fn nothing_is_written_into_the_profile_of_the_old_certificate() {
    let stage = stage();
    fs::rename(stage.file("profile"), stage.file("a#b")).unwrap();
    std::os::unix::fs::symlink(stage.file("a#b/key4.db"), stage.file("key")).unwrap();
    let (keys, before) = (stage.read("a#b/key4.db"), stage.token.snapshot());
    for out in ["a#b/key4.db", "a#b/cert9.db", "a#b/new.pem", "key"] {
        let words = ["request", "--out", out, "--overwrite", "--from", "nss:a#b#x"];
        stage.run(&words).failed("file_unwritable", 2);
    }
    assert_eq!(stage.read("a#b/key4.db"), keys);
    stage.token.snapshot().assert_same_as(&before);

    // Nor need its name be UTF-8; the place that is said then can be given again.
    let folder = OsStr::from_bytes(b"\xe3\x81#b");
    fs::rename(stage.file("a#b"), Path::new(&stage.file("")).join(folder)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
    command.args(["--json", "--token", &stage.token.uri(), "preflight", "--from"]);
    command.arg(OsStr::from_bytes(b"nss:\xe3\x81#b#x"));
    let seen = outcome(stage.at_home(&mut command)).json();
    let place = seen["from"]["place"].as_str().unwrap();
    assert!(place.starts_with("nss:///") && place.ends_with("/%E3%81%23b#x"), "{place}");
    assert_eq!(stage.run(&["preflight", "--from", place]).json()["from"]["place"], place);
}

/// What is written takes the place of no old certificate: its key may be nowhere else.
#[test]
fn a_request_is_not_written_over_the_old_certificate() {
    let stage = elsewhere::stage();
    let der = old(&stage);
    stage.write("old.der", &der);
    old_until(&stage, "second", days_from_now(12));
    std::os::unix::fs::symlink(stage.file("old.p12"), stage.file("link")).unwrap();
    let file = stage.read("old.p12");
    for out in ["old.p12", "link"] {
        let words = [&["request", "--out", out, "--overwrite"], &P12[..]].concat();
        stage.run(&words).failed("file_unwritable", 2);
    }
    assert!(stage.token.snapshot().objects().is_empty());
    stage.run(&[&["request", "--out", "request.pem"], &P12[..]].concat()).succeeded();
    // The job knows where the old certificate was.
    stage.run(&["resume", "--out", "old.p12", "--overwrite"]).failed("file_unwritable", 2);
    stage
        .run(&["resume", "--out", "old.p12", "--overwrite", "--from", "file:old.pem"])
        .failed("file_unwritable", 2);
    // Nor is another job's, nor what this command reads, nor a browser's.
    stage.write("cert9.db", b"another browser's");
    let waiting = stage.token.snapshot();
    for (out, more) in [
        ("old.p12", &["--from", "file:old.pem"][..]),
        ("cert9.db", &["--from", "file:old.pem"]),
        ("password", &P12),
    ] {
        stage.run(&[&["request", "--out", out, "--overwrite"], more].concat()).failed("file_unwritable", 2);
    }
    stage.token.snapshot().assert_same_as(&waiting);
    assert_eq!(stage.read("old.p12"), file);

    // Of several in a file the one of the job is named by its serial number where what was kept is lost.
    let first = serial_hex(&stage.read("old.der"));
    stage.write("two.pem", &[stage.read("old.pem"), stage.read("second.pem")].concat());
    std::fs::remove_dir_all(stage.file("state")).unwrap();
    let again = ["resume", "--out", "again.pem", "--from", "file:two.pem"];
    stage.run(&again).failed("old_ambiguous", 3);
    stage.run(&[&again[..], &["--sign-again", "--serial", &first]].concat()).succeeded();
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
    stage.tool("python3", &["-c", ENDLESS]).succeeded();
    let hanging = from(&["--driver-limit", "1"]).failed("nss_profile_unusable", 2);
    assert_eq!(hanging["facts"]["reason"][0], "nss_hangs", "{hanging:#}");
    assert_eq!(skipped(&list())["name"], "nss_profile_unusable");
    let killed = skipped(&killed_while_it_computes(&stage));
    assert_eq!(killed["facts"]["reason"][0], "nss_crashed", "{killed:#}");
}

/// Makes the certificates of a profile a view of SQLite's whose rows never come.
const ENDLESS: &str = "import sqlite3; sqlite3.connect('profile/cert9.db').executescript('alter table nssPublic rename to \
    kept; create view nssPublic as with recursive n(x) as (select 1 union all select x + 1 from n) select kept.* from kept, n \
    where x < 0')";

/// The list, whose driver is killed once it has computed for longer than anything else takes.
fn killed_while_it_computes(stage: &Stage) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
    let running = listing(stage, "60", &mut command).stdout(Stdio::piped()).stderr(Stdio::piped());
    let running = running.spawn().unwrap();
    while !children(&running).iter().any(|host| ticks(*host) >= 100) {
        thread::sleep(Duration::from_millis(20));
    }
    for host in children(&running) {
        kill_process(host, Signal::KILL).unwrap();
    }
    let output = running.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Outcome { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The time for which a process has computed, in hundredths of a second (utime of proc(5)).
fn ticks(process: Pid) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    fields.split(' ').nth(11).and_then(|ticks| ticks.parse().ok()).unwrap_or_default()
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

/// A place of another user's says that it may not be read.
#[test]
fn what_may_not_be_read_is_said() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    let stage = stage();
    let theirs = tempfile::tempdir().unwrap();
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(theirs.path(), 0o755);
    fs::create_dir(theirs.path().join("profile")).unwrap();
    for (from, to) in [("old.der", "old.der"), ("profile/cert9.db", "profile/cert9.db")] {
        fs::copy(stage.file(from), theirs.path().join(to)).unwrap();
        mode(&theirs.path().join(to), 0);
    }
    let before = stage.token.snapshot();
    let file = format!("file:{}", theirs.path().join("old.der").display());
    let profile = format!("nss:{}", theirs.path().join("profile").display());
    for (place, name) in [(&file, "file_unreadable"), (&profile, "nss_profile_unusable")] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
        command.args(["--json", "--token", &stage.token.uri(), "preflight", "--from", place]);
        let command = stage.at_home(&mut command).current_dir("/");
        // Root may read everything.
        if rustix::process::geteuid().is_root() {
            command.uid(65534).gid(65534);
        }
        let refused = outcome(command).failed(name, 2);
        let facts = &refused["facts"];
        match name {
            "file_unreadable" => {
                assert!(facts["detail"][0].as_str().unwrap().contains("denied"), "{refused:#}")
            }
            _ => assert_eq!(facts["reason"][0], "nss_not_permitted", "{refused:#}"),
        }
    }
    stage.token.snapshot().assert_same_as(&before);
}

/// Where drivers are confined, softokn gets at the copy all the same, and at the profile as little as ever.
#[test]
fn a_confined_softokn_reads_the_copy() {
    let stage = stage();
    let env = stage.token.env();
    let (_, settings) = env.iter().find(|(name, _)| *name == "SOFTHSM2_CONF").unwrap();
    let tokens = Path::new(settings).parent().unwrap().to_str().unwrap().to_owned();
    let confined = stage.run(&["preflight", "--from", "nss:profile", "--driver-writes", &tokens]).json();
    assert_eq!(confined["from"]["serial"], serial_hex(&stage.old.certificate), "{confined:#}");
}
