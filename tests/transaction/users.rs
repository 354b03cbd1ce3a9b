//! Several users of one machine at one token. They are made up for the test, and so is the folder of the installer: in a
//! mount namespace that only the test sees. That takes root, or a sudo that asks for no password; `cargo xtask test users` runs them.

#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use common::{Bank, Said, usbtoken};
use usbtoken::Code;

/// A machine with the users `utone`, `uttwo` and `utnone`, who has no home, and a token that all of them may use.
struct Machine {
    bank: Bank,
}

const USERS: [(&str, u32, Option<&str>); 3] =
    [("utone", 61_001, Some("one")), ("uttwo", 61_002, Some("two")), ("utnone", 61_003, None)];

/// What every script can use: `as USER command …` runs the command as that user, `machine` makes the installer's folder,
/// `waiting` is an issuer that creates `asked` and waits for `go`.
const PRELUDE: &str = r#"
set -eu
mount --bind "$PWD/passwd" /etc/passwd
mount --bind "$PWD/group" /etc/group
mount -t tmpfs none /var/lib
machine() {
    mkdir -p -m 755 /var/lib/usbtoken/locks
    for high in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do for low in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do
        : > /var/lib/usbtoken/locks/$high$low; chmod 444 /var/lib/usbtoken/locks/$high$low
    done; done
}
as() {
    user=$1; shift
    setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups "$@"
}
job() {
    user=$1; shift
    as "$user" env HOME=/nowhere XDG_STATE_HOME="$PWD/state-$user" "$PWD/usbtoken" --json --lang en --pin-file pin \
        --token "$URI" --module "$MODULE" "$@"
}
# The exit status and both outputs of a job, under a name.
told() {
    name=$1; shift
    status=0; job "$@" > "$name.out" 2> "$name.err" || status=$?
    echo $status > "$name.exit"
}
waiting='touch asked; while [ ! -e go ]; do sleep 0.05; done; false'
# What SoftHSM has written meanwhile is for all of them too.
asked() {
    while [ ! -e asked ]; do sleep 0.05; done
    chmod -R a+rwX "${SOFTHSM2_CONF%/*}/tokens"
}
"#;

impl Machine {
    fn new() -> Machine {
        let bank = Bank::new();
        let folder = bank.file("");
        fs::copy(usbtoken(), bank.file("usbtoken")).unwrap();
        let mut passwd = fs::read_to_string("/etc/passwd").unwrap();
        let mut group = fs::read_to_string("/etc/group").unwrap();
        for (name, number, home) in USERS {
            let home = home.map_or("/nonexistent".to_owned(), |home| bank.file(home).display().to_string());
            passwd += &format!("{name}:x:{number}:{number}::{home}:/bin/sh\n");
            group += &format!("{name}:x:{number}:\n");
        }
        group += "utboth:x:61009:utone,uttwo\n";
        bank.write("group", group.as_bytes());
        bank.write("passwd", passwd.as_bytes());
        bank.write("pin", bank.soft.pin().as_bytes());
        for place in [&folder, bank.soft.folder().path()] {
            open_to_all(place);
        }
        Machine { bank }
    }

    /// Runs a script as root in a mount namespace of its own.
    fn play(&self, script: &str) {
        let homes =
            "for user in one two; do mkdir -p -m 755 $user; chown ut$user $user; chmod 755 $user; done\n";
        let script = format!("{PRELUDE}{homes}{script}");
        let mut command = as_root();
        command.args(["unshare", "--mount", "--propagation", "private", "env"]);
        command.args(self.bank.soft.env().iter().map(|(name, value)| format!("{name}={value}")));
        command.arg(format!("URI={}", self.bank.soft.uri()));
        command.arg(format!("MODULE={}", self.bank.soft.module().display()));
        let output = command.args(["sh", "-c", &script]).current_dir(self.bank.file("")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// What a job has told under this name.
    fn told(&self, name: &str) -> Said {
        let read = |what: &str| {
            let bytes = self.bank.read(&format!("{name}.{what}"));
            String::from_utf8(bytes).unwrap()
        };
        Said { exit: read("exit").trim().parse().unwrap(), stdout: read("out"), stderr: read("err") }
    }

    #[track_caller]
    fn assert_busy(&self, name: &str) {
        let error = self.told(name).failed(Code::Busy);
        let holder = error["facts"]["holder"][0].as_str().unwrap_or_default();
        let first = String::from_utf8(self.bank.read("first.pid")).unwrap();
        assert!(holder.contains(first.trim()), "{holder} is not {first}");
    }
}

fn as_root() -> Command {
    let id = Command::new("id").arg("-u").output().unwrap();
    if id.stdout.trim_ascii() == b"0" {
        return Command::new("env");
    }
    let may = Command::new("sudo").args(["-n", "true"]).output().is_ok_and(|output| output.status.success());
    assert!(
        may,
        "several users can only be played by root: run this test as root, or let sudo ask no password"
    );
    let mut command = Command::new("sudo");
    command.args(["-n", "env"]);
    command
}

/// Everything in it can be read and written by everybody.
fn open_to_all(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            open_to_all(&path);
        } else {
            let mode = if path.ends_with("usbtoken") { 0o755 } else { 0o666 };
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
}

/// One job waits for the CA, another user comes; then the first is killed.
#[test]
#[ignore = "several users are played by root: `cargo xtask test users`"]
fn two_users_exclude_each_other_where_the_installer_was() {
    let machine = Machine::new();
    machine.play(
        r#"machine
        job utone renew --issuer "$waiting" > first.out 2> first.err & asked
        pgrep -n -u utone -x usbtoken > first.pid
        told second uttwo abandon --yes
        told root root abandon --yes
        kill -9 "$(cat first.pid)"; touch go; wait || true
        id=$(job uttwo pending | sed -n 's/.*"id": "\([0-9a-f]*\)".*/\1/p')
        told after uttwo abandon --yes --id "$id""#,
    );
    machine.assert_busy("second");
    machine.assert_busy("root");
    machine.told("after").json();
    machine.bank.soft.snapshot().assert_same_as(&machine.bank.before);
}

/// That is what the documents say; whoever wants more runs the installer.
#[test]
#[ignore = "several users are played by root: `cargo xtask test users`"]
fn without_the_installers_folder_only_jobs_of_one_user_do() {
    let machine = Machine::new();
    machine.play(
        r#"job utone renew --issuer "$waiting" > first.out 2> first.err & asked
        pgrep -n -u utone -x usbtoken > first.pid
        told same utone abandon --yes
        told other uttwo renew --issuer false
        touch go; wait || true"#,
    );
    machine.assert_busy("same");
    machine.told("other").failed(Code::PendingExists);
}

/// Nobody can put anything where the lock of another user is, or take it away.
#[test]
#[ignore = "several users are played by root: `cargo xtask test users`"]
fn a_squatter_keeps_nobody_out() {
    let machine = Machine::new();
    machine.play(
        r#"machine
        place=one/.local/state/usbtoken/lock
        as uttwo sh -c "mkdir -p $place" 2> /dev/null && exit 1
        for file in /var/lib/usbtoken/locks/*; do
            as uttwo sh -c "rm -f $file || mv $file $file.away || : > $file" 2> /dev/null && exit 1
        done
        as uttwo sh -c ': > /var/lib/usbtoken/locks/mine' 2> /dev/null && exit 1
        # The places of the previous release, and what they would be called today.
        for folder in /tmp /var/tmp /dev/shm state-utone; do
            as uttwo sh -c "mkdir -p $folder && mkdir -p $folder/usbtoken-61001 && chmod 700 $folder/usbtoken-61001" || true
        done
        chown utone state-utone
        told first utone request --out request.pem
        rmdir /tmp/usbtoken-61001 /var/tmp/usbtoken-61001 /dev/shm/usbtoken-61001"#,
    );
    machine.told("first").json();
}

/// A home that others may write to: what they put there is not used, and nothing else is used instead.
#[test]
#[ignore = "several users are played by root: `cargo xtask test users`"]
fn a_folder_of_somebody_else_is_not_used() {
    let machine = Machine::new();
    machine.play(
        r#"chmod 777 one
        as uttwo mkdir -p one/.local/state/usbtoken/lock
        told first utone request --out request.pem
        chown root one; rm -r one/.local
        told second utone request --out request.pem"#,
    );
    for name in ["first", "second"] {
        machine.told(name).failed(Code::LockUnusable);
    }
    machine.bank.soft.snapshot().assert_same_as(&machine.bank.before);
}

/// Who may write to a folder on the way can put another in place of what is below. A group that is the user's alone is nobody else.
#[test]
#[ignore = "several users are played by root: `cargo xtask test users`"]
fn a_folder_on_the_way_that_others_may_write_to_is_not_used() {
    let machine = Machine::new();
    let list =
        "02000000 01000700ffffffff 020007004aee0000 04000500ffffffff 10000700ffffffff 20000500ffffffff";
    let set = format!(
        "import os, sys; os.setxattr(sys.argv[1], 'system.posix_acl_access', bytes.fromhex('{list}'))"
    );
    machine.play(&format!(
        r#"as utone mkdir -p one/.local/state; chmod 777 one/.local
        told others utone request --out request.pem
        chmod 1777 one/.local
        told sticky utone request --out request.pem
        chmod 775 one/.local; chgrp utboth one/.local
        told group utone request --out request.pem
        chgrp utone one/.local; chmod 755 one/.local; python3 -c "{set}" one/.local
        told list utone request --out request.pem
        rm -r one/.local; as utone mkdir one/.local
        mkdir -m 777 shared; as uttwo mkdir -m 777 shared/state; ln -s "$PWD/shared/state" one/.local/state
        told link utone request --out request.pem
        rm one/.local/state; as utone mkdir one/.local/state
        chmod 775 one one/.local one/.local/state; chgrp utone one
        told own utone pending"#,
    ));
    for (name, folder) in [
        ("others", "one/.local"),
        ("sticky", "one/.local"),
        ("group", "one/.local"),
        ("list", "one/.local"),
        ("link", "shared"),
    ] {
        let error = machine.told(name).failed(Code::LockUnusable);
        let path = error["facts"]["path"][0].as_str().unwrap();
        assert!(path.ends_with(folder) || name == "link", "{name}: {error:#}");
    }
    machine.bank.soft.snapshot().assert_same_as(&machine.bank.before);
    machine.told("own").json();
}

/// Given to a user, as somebody may who misreads an error, it would keep the others out; the error sends to the installer.
#[test]
#[ignore = "several users are played by root: `cargo xtask test users`"]
fn the_installers_folder_is_the_administrators_alone() {
    let machine = Machine::new();
    machine.play(
        r#"machine; chown utone /var/lib/usbtoken/locks
        told owner utone request --out request.pem
        told other uttwo request --out request.pem
        chown root /var/lib/usbtoken/locks; chown utone /var/lib/usbtoken
        told above utone request --out request.pem"#,
    );
    for (name, folder) in [("owner", "usbtoken/locks"), ("other", "usbtoken/locks"), ("above", "usbtoken")] {
        let error = machine.told(name).failed(Code::LockUnusable);
        assert_eq!(error["facts"]["detail"][0], "not_the_administrators", "{name}: {error:#}");
        assert_eq!(error["facts"]["path"][0], format!("/var/lib/{folder}"), "{name}");
        let next = error["next"].as_str().unwrap();
        assert!(next.contains("the administrator runs the installer again"), "{next}");
    }
    machine.bank.soft.snapshot().assert_same_as(&machine.bank.before);
}

#[test]
#[ignore = "several users are played by root: `cargo xtask test users`"]
fn a_user_without_a_home_needs_the_installers_folder() {
    let machine = Machine::new();
    machine.play(
        r#"told without utnone request --out request.pem
        machine
        told with utnone request --out request.pem"#,
    );
    let error = machine.told("without").failed(Code::LockUnusable);
    assert_eq!(error["facts"]["path"][0], "/var/lib/usbtoken/locks");
    assert_eq!(error["facts"]["reason"][0], "no_home");
    machine.told("with").json();
}

/// As of a job that root starts for another user, with root's variables: what is kept is in the home of the user's own.
#[test]
#[ignore = "several users are played by root: `cargo xtask test users`"]
fn variables_that_lead_to_somebody_else_stop_nothing() {
    let machine = Machine::new();
    machine.play(&format!(
        r#"{LED}
        mkdir -m 700 roots; printf 999999 > wrong
        led utone first "HOME=$PWD/roots" renew --pin-file pin --issuer 'cat > sent; false'
        mv sent sent1
        led utone second "HOME=$PWD/one XDG_STATE_HOME=$PWD/roots/s" renew --pin-file pin --issuer 'cat > sent; false'
        cmp sent sent1; rm sent
        mkdir -p -m 700 roots/.local/state/usbtoken; chmod 755 roots roots/.local roots/.local/state
        led utone third "HOME=$PWD/roots" renew --pin-file pin --issuer 'cat > sent; false'
        cmp sent sent1
        led utone fourth "HOME=$PWD/two" pending --pin-file pin
        led utone wrong "HOME=$PWD/roots" pending --pin-file wrong
        led utone before "HOME=$PWD/two" pending --pin-file wrong
        ls one/.local/state/usbtoken/*.job
        ls two/.local 2> /dev/null && exit 1
        # Nor does root keep anything in the home of another.
        mount -t tmpfs -o mode=700 none "$(getent passwd 0 | cut -d: -f6)"
        led root root "HOME=$PWD/two" renew --pin-file pin --issuer false
        ls two/.local 2> /dev/null && exit 1
        true"#
    ));
    for name in ["first", "second", "third"] {
        machine.told(name).failed(Code::IssuerFailed);
    }
    assert_eq!(machine.told("fourth").json().as_array().unwrap().len(), 1);
    machine.told("wrong").failed(Code::PinIncorrect);
    machine.told("before").failed(Code::PinWrongBefore);
    machine.told("root").failed(Code::PendingExists);
}

/// A command under a name, with these variables.
const LED: &str = r#"led() {
    user=$1; name=$2; variables=$3; shift 3; status=0
    as "$user" env -u XDG_STATE_HOME $variables "$PWD/usbtoken" --json --lang en --token "$URI" --module "$MODULE" "$@" \
        > "$name.out" 2> "$name.err" || status=$?
    echo $status > "$name.exit"
}"#;

/// Where there is no home either, the error says what is to be set.
#[test]
#[ignore = "several users are played by root: `cargo xtask test users`"]
fn a_user_without_a_home_names_a_folder() {
    let machine = Machine::new();
    machine.play(&format!(
        r#"{LED}
        machine; mkdir -m 700 roots
        led utnone without "HOME=$PWD/roots" renew --pin-file pin --issuer false
        led utnone with "HOME=$PWD/roots XDG_STATE_HOME=$PWD/state" renew --pin-file pin --issuer false"#
    ));
    let error = machine.told("without").failed(Code::JournalUnusable);
    assert_eq!(error["facts"]["expected"][0], "XDG_STATE_HOME, HOME", "{error:#}");
    assert!(error["hint"].as_str().unwrap().contains("XDG_STATE_HOME"), "{error:#}");
    machine.told("with").failed(Code::IssuerFailed);
}

/// The same user, another program, while the command holds a PIN.
#[test]
#[ignore = "several users are played by root: `cargo xtask test users`"]
fn programs_of_the_same_user_do_not_look_into_one_that_holds_a_pin() {
    let machine = Machine::new();
    machine.play(
        r#"spy='touch asked; cat /proc/$PPID/limits > limits
            cat /proc/$PPID/mem > /dev/null 2> denied || echo "$?" > status; false'
        told first utone renew --issuer "$spy""#,
    );
    machine.told("first").failed(Code::IssuerFailed);
    let text = |name: &str| String::from_utf8(machine.bank.read(name)).unwrap();
    assert!(text("denied").contains("Permission denied"), "{}", text("denied"));
    let limits = text("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_ascii_whitespace().nth(4), Some("0"), "{core}");
}
