//! The PIN: tried once, never at all when the token says that it would be the last, never shown. The states that
//! SoftHSM does not have are played by the driver shim.

mod common;

use std::path::Path;

use common::{Outcome, Stage};
use usbtoken_testkit::{shim, softhsm_module};

/// Runs `renew` through the shim with this fault; returns the outcome and how often C_Login was called.
fn renew_with(stage: &Stage, fault: &str, pin: &str, more: &[&str]) -> (Outcome, usize) {
    let (trace, driver) = (stage.file("trace"), softhsm_module());
    let _ = std::fs::remove_file(&trace);
    let env = [
        ("USBTOKEN_SHIM_DRIVER", driver.as_path()),
        ("USBTOKEN_SHIM_TRACE", trace.as_path()),
        ("USBTOKEN_SHIM_FAULT", Path::new(fault)),
    ];
    let issuer = stage.issuer(&[]);
    let arguments = [&["renew", "--issuer", &issuer], more].concat();
    let done = stage.run_through(&shim(), &env, pin, &stage.token.uri(), &arguments);
    let trace = String::from_utf8(std::fs::read(&trace).unwrap()).unwrap();
    assert!(!trace.contains(pin), "the PIN is in the trace");
    assert!(!done.stderr.contains(pin) && !done.stdout.contains(pin), "the PIN is in the output");
    let logins = trace.lines().filter(|line| line.contains("\"C_Login\"")).count();
    (done, logins)
}

#[test]
fn each_state_of_the_pin_is_an_error_of_its_own() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let right = stage.token.pin();
    let rows = [
        ("C_GetTokenInfo#1:lie=locked,sticky", right, "pin_locked", 0),
        ("C_Login:ckr=CKR_PIN_LOCKED", right, "pin_locked", 1),
        ("C_GetTokenInfo#1:lie=final-try,sticky", right, "pin_final_try", 0),
        ("C_Login:ckr=CKR_PIN_EXPIRED", right, "pin_expired", 1),
        ("C_Login:lie=wrong-pin-general-error", "654321", "pin_uncertain", 1),
        ("C_GetTokenInfo#1:lie=count-low,sticky", "654321", "pin_incorrect", 1),
        ("C_Login:ckr=CKR_USER_PIN_NOT_INITIALIZED", right, "pin_not_set", 1),
    ];
    for (fault, pin, name, tries) in rows {
        let (done, logins) = renew_with(&stage, fault, pin, &["--pin-corrected"]);
        done.failed(name, 4);
        assert_eq!(logins, tries, "{fault}");
        stage.token.snapshot().assert_same_as(&before);
    }
}

#[test]
fn the_last_try_is_taken_when_it_is_confirmed() {
    let stage = Stage::new();
    let fault = "C_GetTokenInfo#1:lie=final-try,sticky";
    renew_with(&stage, fault, stage.token.pin(), &[]).0.failed("pin_final_try", 4);
    let (done, logins) = renew_with(&stage, fault, stage.token.pin(), &["--final-try"]);
    done.succeeded();
    assert_eq!(logins, 1);
}

/// The shim plays a token with a PIN pad, on which somebody enters the right PIN: C_Login without one logs in.
#[test]
fn a_pin_pad_is_not_sent_the_pin() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let fault = format!("C_GetTokenInfo#1:lie=pin-pad,sticky;C_Login:pin-pad={}", stage.token.pin());
    let (done, logins) = renew_with(&stage, &fault, "wrong-pin-not-sent", &[]);
    done.succeeded();
    assert_eq!(logins, 1);
    stage.token.snapshot().assert_keeps(&before);

    // Whoever reads JSON gets JSON alone, also when it fails.
    let fault = "C_GetTokenInfo#1:lie=pin-pad,sticky;C_Login:ckr=CKR_PIN_LOCKED";
    let (done, _) = renew_with(&stage, fault, "wrong-pin-not-sent", &[]);
    serde_json::from_str::<serde_json::Value>(&done.stderr).unwrap();
    done.failed("pin_locked", 4);
}

#[test]
fn no_pin_at_all_is_said_before_the_token_is_asked() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_usbtoken"));
    command.args(["--json", "--lang", "en", "--token", &stage.token.uri(), "--module"]).arg(softhsm_module());
    command.args(["renew", "--issuer", "false"]).envs(stage.token.env()).stdin(std::process::Stdio::null());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("pin_required"));
    stage.token.snapshot().assert_same_as(&before);
}

/// The file stays open at descriptor 0 unless something else is put there.
#[test]
fn the_issuer_finds_no_pin_on_standard_input() {
    let stage = Stage::new();
    stage.write("issuer", stage.issuer(&[]).as_bytes());
    // Nobody but root may read it at all.
    let issuer = "cat /proc/$PPID/fd/0 > seen || : > seen; . ./issuer";
    stage.shell(&format!("usbtoken renew --json --pin-file - --issuer '{issuer}' < pin")).succeeded();
    assert_eq!(stage.read("seen"), b"");
}

/// The program that logs in to the CA runs first of all; the PIN is read before it does.
#[test]
fn the_helper_that_logs_in_finds_no_pin_on_standard_input() {
    let stage = Stage::new();
    stage.write("login", b"user1031\nS3cret!word\n");
    let helper = format!(
        "#!/bin/sh\ncat /proc/$PPID/fd/0 >> seen || : >> seen\n\
         case $USBTOKEN_OPERATION in AUTHORISE) exit 0;; *) {};; esac\n",
        stage.issuer(&[])
    );
    stage.write("helper", helper.as_bytes());
    stage.tool("chmod", &["+x", "helper"]).succeeded();
    let renew =
        "usbtoken renew --json --pin-file - --issuer-login=login --issuer-helper \"$PWD/helper\" < pin";
    stage.shell(renew).succeeded();
    assert_eq!(stage.read("seen"), b"");
}

/// A scheduler that has the wrong PIN tries it once; then a person has to log in.
#[test]
fn after_a_wrong_pin_no_program_tries_again_before_a_person_has_logged_in() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let right = stage.token.pin();
    assert_eq!(renew_with(&stage, "", "654321", &[]).1, 1);
    for pin in ["654321", right] {
        let (done, logins) = renew_with(&stage, "", pin, &[]);
        let error = done.failed("pin_wrong_before", 4);
        assert!(error["facts"]["token"].to_string().contains(stage.token.serial()), "{error:#}");
        assert!(error["hint"].as_str().unwrap().contains("--pin-corrected"), "{error:#}");
        assert_eq!(logins, 0);
    }
    // Another command, and another source of the PIN, are the same token's.
    stage.shell("usbtoken list --json --pin-file pin").failed("pin_wrong_before", 4);
    // Without a PIN there is nothing to be afraid of.
    stage.shell("usbtoken list --json").succeeded();
    // Another token has a mark of its own.
    let other = stage.token.sibling("OTHER");
    stage.run_with(other.pin(), &other.uri(), &["pending"]).succeeded();
    stage.token.snapshot().assert_same_as(&before);

    // A person at a terminal, with the right PIN in the file; then the scheduler goes on.
    let at_terminal = "script -qec 'usbtoken --token pkcs11:token=BANK --lang en list --pin-file pin' /dev/null < /dev/null";
    stage.shell(at_terminal).succeeded();
    assert!(!stage.mark().exists());
    let (done, logins) = renew_with(&stage, "", right, &[]);
    done.succeeded();
    assert_eq!(logins, 1);
}

#[test]
fn the_mark_of_a_wrong_pin_holds_no_pin_and_goes_with_the_right_one() {
    let stage = Stage::new();
    // A general error may have been a wrong PIN, too.
    renew_with(&stage, "C_Login:lie=wrong-pin-general-error", "654321", &[]).0.failed("pin_uncertain", 4);
    let mark = std::fs::read(stage.mark()).unwrap();
    assert!(!String::from_utf8(mark.clone()).unwrap().contains("654321"));
    renew_with(&stage, "", "999999", &["--pin-corrected"]).0.failed("pin_incorrect", 4);
    assert_eq!(std::fs::read(stage.mark()).unwrap(), mark, "still wrong");
    stage.run(&["list", "--pin-corrected"]).succeeded();
    assert!(!stage.mark().exists());
}

/// The mark is the user's, whatever the environment of a program says.
#[test]
fn the_mark_of_a_wrong_pin_holds_in_every_environment() {
    let stage = Stage::new();
    renew_with(&stage, "", "654321", &[]).0.failed("pin_incorrect", 4);
    let list = "usbtoken list --json --pin-file pin";
    for environment in ["XDG_STATE_HOME=$PWD/other", "XDG_STATE_HOME=$PWD/pin", "HOME=$PWD XDG_STATE_HOME="] {
        stage.shell(&format!("{environment} {list}")).failed("pin_wrong_before", 4);
    }
    // Earlier releases kept it in the state folder.
    let name = stage.mark().file_name().unwrap().to_owned();
    std::fs::create_dir_all(stage.file("state/usbtoken")).unwrap();
    std::fs::rename(stage.mark(), stage.file("state/usbtoken").join(name)).unwrap();
    stage.shell(list).failed("pin_wrong_before", 4);
    stage.run(&["list", "--pin-corrected"]).succeeded();
    assert_eq!(stage.kept(), Vec::<std::path::PathBuf>::new());
    stage.shell(list).succeeded();
}

/// A mark that cannot be read may be one: programs stay out, a person is told.
#[test]
fn a_mark_that_cannot_be_read_keeps_programs_out() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    type Damage = fn(&Path);
    let damages: [Damage; 4] = [
        |mark| std::fs::write(mark, b"").unwrap(),
        |mark| std::fs::write(mark, b"\x80garbage").unwrap(),
        |mark| std::fs::set_permissions(mark, std::fs::Permissions::from_mode(0o644)).unwrap(),
        |mark| {
            std::fs::remove_file(mark).unwrap();
            symlink("/nonexistent/mark", mark).unwrap();
        },
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        let stage = Stage::new();
        renew_with(&stage, "", "654321", &[]).0.failed("pin_incorrect", 4);
        damage(stage.mark());
        for pin in ["654321", stage.token.pin()] {
            let (done, logins) = renew_with(&stage, "", pin, &[]);
            let error = done.failed("journal_unusable", 2);
            assert_eq!(error["facts"]["path"][0], stage.mark().display().to_string(), "{number}: {error:#}");
            assert_eq!(logins, 0, "{number}");
        }
        assert!(std::fs::symlink_metadata(stage.mark()).is_ok(), "{number}: it stays");
        let at_terminal = "script -qec 'usbtoken --token pkcs11:token=BANK --lang en list --pin-file pin' /dev/null < /dev/null";
        let done = stage.shell(at_terminal);
        assert!(done.succeeded().stdout.contains("Warning: the place that keeps"), "{number}: {done:?}");
        assert!(std::fs::symlink_metadata(stage.mark()).is_err(), "{number}: a person has logged in");
        renew_with(&stage, "", stage.token.pin(), &[]).0.succeeded();
    }
}

/// Where a wrong PIN could not be kept in mind, no program tries one. The home is one of this mount namespace alone.
#[test]
fn without_a_place_for_the_mark_no_program_logs_in() {
    let stage = Stage::new();
    let list = "usbtoken list --json --pin-file wrong";
    stage.write("wrong", b"654321");
    let home = |script: &str| in_home_of_its_own(&stage, "mode=700", script);
    for place in [
        "mkdir -p -m 700 $state/usbtoken; chmod 777 $state/usbtoken",
        "mkdir -p -m 700 $state/usbtoken; chmod 755 $state/usbtoken",
        "mkdir -p $state; touch $state/usbtoken",
        "mkdir -p $home/.local; touch $state",
        "mkdir -p $state; ln -s $PWD $state/usbtoken",
        "mkdir -p -m 700 $state/usbtoken; mount -o remount,ro none $home",
    ] {
        let script = format!("{place}; {list}");
        let error = home(&script).failed("journal_unusable", 2);
        assert_eq!(error["step"], "log_in", "{place}: {error:#}");
        let done = home(&script.replace("--json", "--lang en --pin-corrected"));
        assert!(done.code == 4 && done.stderr.contains("Warning: the place that keeps"), "{place}: {done:?}");
    }
}

/// A full disk takes an empty mark, and that is enough.
#[test]
fn a_full_disk_keeps_a_wrong_pin_in_mind() {
    let stage = Stage::new();
    stage.write("wrong", b"654321");
    let list = "usbtoken list --json --pin-file";
    let script = format!("head -c 4096 /dev/zero > $home/full; {list} wrong 2> first; {list} pin");
    in_home_of_its_own(&stage, "mode=700,size=4k", &script).failed("journal_unusable", 2);
    assert!(String::from_utf8(stage.read("first")).unwrap().contains("pin_incorrect"));
}

/// Runs a script as root, in whose home is a file system of this script alone.
fn in_home_of_its_own(stage: &Stage, options: &str, script: &str) -> Outcome {
    let root = if rustix::process::geteuid().is_root() { "" } else { "sudo -n" };
    let names = ["PATH", "SOFTHSM2_CONF", "USBTOKEN_MODULE", "XDG_STATE_HOME"];
    let env = names.map(|name| format!("{name}=\"${name}\"")).join(" ");
    let home = format!("home=$(getent passwd 0 | cut -d: -f6); mount -t tmpfs -o {options} none $home");
    let namespace = "unshare --mount --propagation private sh -c";
    stage.shell(&format!("{root} env {env} {namespace} '{home}; state=$home/.local/state; {script}'"))
}
