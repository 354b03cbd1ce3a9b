//! `usbtoken pin change`: the old PIN is tried once, nothing is sent before everything is there, and whatever the driver answers
//! is told as what it means for the two PINs. Whether a PIN holds is asked of OpenSC's pkcs11-tool.

mod common;

use std::path::Path;

use common::{Outcome, Stage};
use usbtoken_testkit::{shim, softhsm_module};

const NEW: &str = "new-5309-pin";

/// Runs the change through the shim with this fault; returns the outcome and how often C_SetPIN and C_Login were called.
fn change(stage: &Stage, fault: &str, (old, new): (&str, &str), more: &[&str]) -> (Outcome, usize, usize) {
    let (trace, driver) = (stage.file("trace"), softhsm_module());
    let _ = std::fs::remove_file(&trace);
    let env = [
        ("USBTOKEN_SHIM_DRIVER", driver.as_path()),
        ("USBTOKEN_SHIM_TRACE", trace.as_path()),
        ("USBTOKEN_SHIM_FAULT", Path::new(fault)),
        ("TEST_NEW_PIN", Path::new(new)),
    ];
    let words = [&["pin", "change", "--new-pin-env", "TEST_NEW_PIN"], more].concat();
    let done = stage.run_through(&shim(), &env, old, &stage.token.uri(), &words);
    let trace = std::fs::read_to_string(&trace).unwrap_or_default();
    for pin in [old, new].into_iter().filter(|pin| pin.len() > 3) {
        for text in [&trace, &done.stdout, &done.stderr] {
            assert!(!text.contains(pin), "a PIN is shown: {text}");
        }
    }
    let calls = |name: &str| trace.matches(&format!("\"{name}\"")).count();
    (done, calls("C_SetPIN"), calls("C_Login"))
}

/// Whether the token takes this PIN, by a program that is not ours.
fn takes(stage: &Stage, pin: &str) -> bool {
    let module = softhsm_module();
    let words =
        ["--module", module.to_str().unwrap(), "--token-label", "BANK", "--login", "--pin", pin, "-O"];
    stage.tool("pkcs11-tool", &words).code == 0
}

#[track_caller]
fn holds(stage: &Stage, pin: &str, other: &str) {
    assert!(takes(stage, pin) && !takes(stage, other), "{pin:?} holds and {other:?} does not");
}

#[test]
fn the_pin_is_changed_with_one_call_and_no_login() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let (old, marked) = (stage.token.pin().to_owned(), stage.mark().exists());
    let (done, changes, logins) = change(&stage, "", (&old, NEW), &[]);
    assert_eq!(done.json()["pin_changed"], true);
    assert_eq!((changes, logins, marked), (1, 0, false));
    holds(&stage, NEW, &old);
    // What the token holds is as it was, and works with the new PIN.
    let (done, ..) = change(&stage, "", (NEW, &old), &[]);
    done.succeeded();
    stage.token.snapshot().assert_same_as(&before);
    stage.renew(&[], &[]).succeeded();
}

#[test]
fn what_is_no_change_is_refused_before_anything_is_sent() {
    let stage = Stage::new();
    let old = stage.token.pin().to_owned();
    let rows: [(&str, &str, &str, &str, i32); 7] = [
        ("", &old, &old, "new_pin_same", 4),
        ("", &old, "12", "new_pin_length", 4),
        ("", &old, "９９９９９９", "new_pin_doubtful", 4),
        ("", &old, "999999 ", "new_pin_doubtful", 4),
        ("", " 999999", NEW, "pin_doubtful", 4),
        ("C_GetTokenInfo#1:lie=final-try,sticky", &old, NEW, "pin_final_try", 4),
        ("C_GetTokenInfo#1:lie=locked,sticky", &old, NEW, "pin_locked", 4),
    ];
    for (fault, from, to, name, exit) in rows {
        let (done, changes, logins) = change(&stage, fault, (from, to), &[]);
        let error = done.failed(name, exit);
        assert_eq!(error["step"], "change_pin", "{error:#}");
        assert_eq!((changes, logins), (0, 0), "{name}");
    }
    holds(&stage, &old, NEW);
    // Lengths are hints, and a slip may be meant.
    let (done, ..) = change(&stage, "", (&old, "９９９９９９"), &["--pin-as-typed"]);
    done.succeeded();
    holds(&stage, "９９９９９９", &old);
    let final_try = "C_GetTokenInfo#1:lie=final-try,sticky";
    let (done, ..) = change(&stage, final_try, ("９９９９９９", NEW), &["--final-try", "--pin-as-typed"]);
    done.succeeded();
    holds(&stage, NEW, &old);
}

#[test]
fn each_answer_says_which_pin_holds() {
    let stage = Stage::new();
    let (old, before) = (stage.token.pin().to_owned(), stage.token.snapshot());
    let rows = [
        ("C_SetPIN:ckr=CKR_PIN_INVALID", "new_pin_refused", 4),
        ("C_SetPIN:ckr=CKR_PIN_LEN_RANGE", "new_pin_refused", 4),
        ("C_SetPIN:ckr=CKR_PIN_TOO_WEAK", "new_pin_refused", 4),
        ("C_SetPIN:ckr=CKR_PIN_LOCKED", "pin_locked", 4),
        ("C_SetPIN:ckr=CKR_USER_PIN_NOT_INITIALIZED", "pin_not_set", 4),
        ("C_SetPIN:ckr=CKR_TOKEN_WRITE_PROTECTED", "write_protected", 5),
        ("C_SetPIN:ckr=CKR_FUNCTION_NOT_SUPPORTED", "pin_change_unsupported", 4),
        ("C_SetPIN:ckr=CKR_DEVICE_ERROR", "pin_change_uncertain", 4),
        ("C_SetPIN:ckr=CKR_GENERAL_ERROR", "pin_change_uncertain", 4),
        ("C_SetPIN:remove", "pin_change_uncertain", 4),
        // One that passes is tried once more.
        ("C_OpenSession:ckr=CKR_DEVICE_ERROR,sticky", "device_fault", 7),
    ];
    for (fault, name, exit) in rows {
        let (done, changes, _) = change(&stage, fault, (&old, NEW), &["--pin-corrected"]);
        let error = done.failed(name, exit);
        assert!(!error["function"].is_null() && !error["ckr"].is_null(), "{fault}: {error:#}");
        assert!(changes <= 1, "{fault}");
        holds(&stage, &old, NEW);
        stage.token.snapshot().assert_same_as(&before);
    }
    // The answer is lost on the way: the new one holds, and the error says either.
    for fault in ["C_SetPIN:lose", "C_SetPIN:lose=CKR_GENERAL_ERROR", "C_SetPIN:lose=CKR_DEVICE_ERROR"] {
        let (done, changes, _) = change(&stage, fault, (&old, NEW), &["--pin-corrected"]);
        let error = done.failed("pin_change_uncertain", 4);
        assert!(error["hint"].as_str().unwrap().contains("once with the new PIN"), "{error:#}");
        assert_eq!(changes, 1);
        holds(&stage, NEW, &old);
        change(&stage, "", (NEW, &old), &["--pin-corrected"]).0.succeeded();
    }
}

/// What the token states afterwards says more than its answer.
#[test]
fn what_the_token_states_afterwards_is_shown() {
    let stage = Stage::new();
    let old = stage.token.pin().to_owned();
    let reason = |fault: &str| {
        let (done, ..) = change(&stage, fault, (&old, NEW), &["--pin-corrected"]);
        let error = done.failed("pin_change_uncertain", 4);
        error["facts"]["reason"][0].as_str().map(str::to_owned)
    };
    let answer = "C_SetPIN:ckr=CKR_DEVICE_ERROR";
    assert_eq!(reason(answer), None);
    // The state is asked once when the token is found, and once afterwards.
    let counted = reason(&format!("{answer};C_GetTokenInfo#3:lie=count-low,sticky"));
    assert_eq!(counted.as_deref(), Some("wrong_pin_counted"));
    let wanted =
        reason(&format!("C_GetTokenInfo#1:lie=to-be-changed;C_GetTokenInfo#2:lie=to-be-changed;{answer}"));
    assert_eq!(wanted.as_deref(), Some("change_no_longer_wanted"));
}

/// The driver has not examined the old PIN by then: the login tries it, once, and only then it is changed.
#[test]
fn a_driver_that_wants_a_login_first_is_given_one() {
    let stage = Stage::new();
    let (old, before) = (stage.token.pin().to_owned(), stage.token.snapshot());
    let wanted = "C_SetPIN#1:ckr=CKR_USER_NOT_LOGGED_IN";
    let (done, changes, logins) = change(&stage, wanted, (&old, NEW), &[]);
    done.succeeded();
    assert_eq!((changes, logins), (2, 1));
    holds(&stage, NEW, &old);
    change(&stage, "", (NEW, &old), &[]).0.succeeded();
    stage.token.snapshot().assert_same_as(&before);

    // One that has nothing of it does not change PINs; what it says of the new one is said of that.
    for (answer, name) in [
        ("C_SetPIN:ckr=CKR_USER_NOT_LOGGED_IN,sticky".to_owned(), "pin_change_unsupported"),
        (format!("{wanted};C_SetPIN#2:ckr=CKR_PIN_LEN_RANGE"), "new_pin_refused"),
        (format!("{wanted};C_SetPIN#2:ckr=CKR_PIN_INCORRECT"), "pin_change_uncertain"),
    ] {
        let (done, changes, logins) = change(&stage, &answer, (&old, NEW), &["--pin-corrected"]);
        done.failed(name, 4);
        assert_eq!((changes, logins), (2, 1), "{answer}");
        holds(&stage, &old, NEW);
    }

    // A wrong one is tried once, and kept in mind.
    let (done, changes, logins) = change(&stage, wanted, ("654321", NEW), &["--pin-corrected"]);
    let error = done.failed("pin_incorrect", 4);
    assert_eq!((error["function"].as_str(), changes, logins), (Some("C_Login"), 1, 1));
    change(&stage, wanted, ("654321", NEW), &[]).0.failed("pin_wrong_before", 4);
    holds(&stage, &old, NEW);
}

/// Where it is not known which PIN holds, the way to find out leads on without a terminal, too.
#[test]
fn the_way_to_find_out_which_pin_holds_can_be_gone_without_a_terminal() {
    let stage = Stage::new();
    let old = stage.token.pin().to_owned();
    let (done, ..) = change(&stage, "C_SetPIN:ckr=CKR_DEVICE_ERROR", (&old, NEW), &[]);
    let error = done.failed("pin_change_uncertain", 4);
    assert!(error["hint"].as_str().unwrap().contains("--pin-corrected"), "{error:#}");
    let (driver, uri) = (softhsm_module(), stage.token.uri());
    let log_in = |pin: &str| stage.run_through(&driver, &[], pin, &uri, &["pending", "--pin-corrected"]);
    log_in(NEW).failed("pin_incorrect", 4);
    log_in(&old).succeeded();
}

/// One try of a wrong old PIN; then no program tries again until a person has logged in.
#[test]
fn a_wrong_old_pin_is_tried_once_and_kept_in_mind() {
    let stage = Stage::new();
    let old = stage.token.pin().to_owned();
    let (done, changes, logins) = change(&stage, "", ("654321", NEW), &[]);
    let error = done.failed("pin_incorrect", 4);
    assert_eq!((error["function"].as_str(), changes, logins), (Some("C_SetPIN"), 1, 0));
    for pin in ["654321", &old] {
        let (done, changes, _) = change(&stage, "", (pin, NEW), &[]);
        done.failed("pin_wrong_before", 4);
        assert_eq!(changes, 0);
    }
    stage.shell("usbtoken list --json --pin-file pin").failed("pin_wrong_before", 4);
    holds(&stage, &old, NEW);
    change(&stage, "", (&old, NEW), &["--pin-corrected"]).0.succeeded();
    assert!(!stage.mark().exists());
    holds(&stage, NEW, &old);
    // The last try but one, by what the token states afterwards.
    let fault = "C_GetTokenInfo#3:lie=final-try,sticky";
    change(&stage, fault, ("654321", "111111"), &["--pin-corrected"]).0.failed("pin_incorrect_final_try", 4);
    let fault = "C_GetTokenInfo#3:lie=locked,sticky";
    change(&stage, fault, ("654321", "111111"), &["--pin-corrected"]).0.failed("pin_locked", 4);
}

/// The PINs come from files, or one of them from standard input; both cannot.
#[test]
fn programs_give_the_pins_in_files() {
    let stage = Stage::new();
    let old = stage.token.pin().to_owned();
    stage.write("new", format!("{NEW}\n").as_bytes());
    stage.shell("usbtoken pin change --pin-file pin --new-pin-file -  --json < new").succeeded();
    holds(&stage, NEW, &old);
    stage.shell("usbtoken pin change --pin-file - --new-pin-file pin < new").succeeded();
    holds(&stage, &old, NEW);
    stage.shell("usbtoken pin change --json --pin-file - --new-pin-file - < new").failed("bad_argument", 2);
    for place in ["--new-pin-file 648219", "--new-pin-env 648219"] {
        let done = stage.shell(&format!("usbtoken pin change --json --pin-file pin {place}"));
        done.failed("pin_source_unusable", 2);
        assert!(!done.stderr.contains("648219"), "{done:?}");
    }
    stage.write("two", b"111111\n222222\n");
    let done = stage.shell("usbtoken pin change --json --pin-file pin --new-pin-file two");
    assert_eq!(done.failed("pin_source_unusable", 2)["facts"]["reason"][0], "pin_several_lines");
    // No one is there to type it.
    let done = stage.shell("setsid usbtoken pin change --json --pin-file pin");
    done.failed("pin_required", 4);
    holds(&stage, &old, NEW);
}

/// The shim plays a token with keys of its own, on which somebody enters both PINs.
#[test]
fn at_a_pin_pad_neither_pin_is_sent() {
    let stage = Stage::new();
    let old = stage.token.pin().to_owned();
    let pad = "C_GetTokenInfo#1:lie=pin-pad,sticky";
    let entered = format!("{pad};C_SetPIN:pin-pad-change={old}/{NEW}");
    let (done, changes, _) = change(&stage, &entered, ("not-sent-1", "not-sent-2"), &[]);
    done.succeeded();
    assert_eq!(changes, 1);
    holds(&stage, NEW, &old);
    for (answer, name) in [
        ("CKR_FUNCTION_CANCELED", "pin_cancelled"),
        ("CKR_PIN_INVALID", "new_pin_refused"),
        ("CKR_ARGUMENTS_BAD", "pin_pad_refused"),
        ("CKR_PIN_INCORRECT", "pin_incorrect"),
        ("CKR_DEVICE_ERROR", "pin_change_uncertain"),
    ] {
        let fault = format!("{pad};C_SetPIN:ckr={answer}");
        change(&stage, &fault, ("not-sent-1", "not-sent-2"), &["--pin-corrected"]).0.failed(name, 4);
    }
    // There is none: the PINs of this computer are sent when that is said.
    change(&stage, pad, (NEW, &old), &["--pin-as-typed", "--pin-corrected"]).0.succeeded();
    holds(&stage, &old, NEW);
}

#[cfg(target_os = "linux")]
mod at_a_terminal {
    use super::*;
    use common::terminal::Terminal;

    fn through_shim(stage: &Stage, fault: &str, words: &[&str]) -> Terminal {
        let (driver, trace) = (softhsm_module(), stage.file("trace"));
        let _ = std::fs::remove_file(&trace);
        let env = [
            ("USBTOKEN_SHIM_DRIVER", driver.as_path()),
            ("USBTOKEN_SHIM_TRACE", trace.as_path()),
            ("USBTOKEN_SHIM_FAULT", Path::new(fault)),
        ];
        Terminal::of(stage, &shim(), &env, words)
    }

    fn calls(stage: &Stage, name: &str) -> usize {
        let trace = String::from_utf8(stage.read("trace")).unwrap_or_default();
        trace.matches(&format!("\"{name}\"")).count()
    }

    #[test]
    fn the_new_pin_is_typed_twice() {
        let stage = Stage::new();
        let old = stage.token.pin().to_owned();
        let mut terminal = through_shim(&stage, "", &["pin", "change"]);
        terminal.wait(|terminal| terminal.sees("may cost a try"));
        terminal.asked_for("Present PIN");
        terminal.type_in(format!("{old}\r").as_bytes());
        for (first, second) in [(NEW, Some("new-5309-pim")), (old.as_str(), None), (NEW, Some(NEW))] {
            terminal.asked_for("New PIN of");
            terminal.type_in(format!("{first}\r").as_bytes());
            if let Some(second) = second {
                terminal.asked_for("once more");
                terminal.type_in(format!("{second}\r").as_bytes());
            }
        }
        assert_eq!(terminal.ended().code(), Some(0), "{}", terminal.text());
        assert!(terminal.sees("The PIN was changed") && !terminal.sees(NEW) && !terminal.sees(&old));
        assert_eq!((calls(&stage, "C_SetPIN"), calls(&stage, "C_Login")), (1, 0));
        holds(&stage, NEW, &old);
    }

    #[test]
    fn until_everything_is_typed_esc_leaves_the_token_alone() {
        let stage = Stage::new();
        let old = stage.token.pin().to_owned();
        let typed: [&[&str]; 3] = [&["\x1b"], &[&old, "\x1b"], &[&old, NEW, "\x1b"]];
        for lines in typed {
            let mut terminal = through_shim(&stage, "", &["pin", "change"]);
            let prompts = ["Present PIN", "New PIN of", "once more"];
            for (line, prompt) in lines.iter().zip(prompts) {
                terminal.asked_for(prompt);
                let end = if line.starts_with('\x1b') { "" } else { "\r" };
                terminal.type_in(format!("{line}{end}").as_bytes());
            }
            assert_eq!(terminal.ended().code(), Some(4), "{}", terminal.text());
            assert!(terminal.sees("cancelled") && terminal.echoes());
            assert_eq!(calls(&stage, "C_SetPIN"), 0);
        }
        holds(&stage, &old, NEW);
    }

    #[test]
    fn a_new_pin_that_is_a_slip_is_asked_about() {
        let stage = Stage::new();
        let old = stage.token.pin().to_owned();
        let mut terminal = through_shim(&stage, "", &["pin", "change"]);
        terminal.asked_for("Present PIN");
        terminal.type_in(format!("{old}\r").as_bytes());
        for (slip, question) in [("９９９９９９", "full-width"), ("12", "states that PINs have")] {
            terminal.asked_for("New PIN of");
            terminal.type_in(format!("{slip}\r").as_bytes());
            terminal.questioned(question);
            terminal.type_in(b"\r");
        }
        terminal.asked_for("New PIN of");
        terminal.type_in("９９９９９９\r".as_bytes());
        terminal.questioned("full-width");
        terminal.type_in(b"yes\r");
        terminal.asked_for("once more");
        terminal.type_in("９９９９９９\r".as_bytes());
        assert_eq!(terminal.ended().code(), Some(0), "{}", terminal.text());
        holds(&stage, "９９９９９９", &old);
    }

    /// A token as the bank hands it out: its PIN is to be changed, by what it states or by what it answers.
    #[test]
    fn a_change_that_the_token_wants_is_offered_before_the_renewal() {
        for fault in ["C_GetTokenInfo#1:lie=to-be-changed,sticky", "C_Login:ckr=CKR_PIN_EXPIRED"] {
            let stage = Stage::new();
            let (old, issuer) = (stage.token.pin().to_owned(), stage.issuer(&[]));
            let mut terminal = through_shim(&stage, fault, &["renew", "--issuer", &issuer]);
            if fault.starts_with("C_Login") {
                terminal.asked_for("PIN of");
                terminal.type_in(format!("{old}\r").as_bytes());
            }
            terminal.questioned("To change the PIN now");
            terminal.type_in(b"yes\r");
            for (prompt, pin) in [("Present PIN", old.as_str()), ("New PIN of", NEW), ("once more", NEW)] {
                terminal.asked_for(prompt);
                terminal.type_in(format!("{pin}\r").as_bytes());
            }
            assert_eq!(terminal.ended().code(), Some(0), "{fault}: {}", terminal.text());
            assert!(terminal.sees("issued and installed"), "{}", terminal.text());
            assert_eq!(calls(&stage, "C_SetPIN"), 1);
            holds(&stage, NEW, &old);
        }
    }

    #[test]
    fn a_change_that_is_declined_is_none() {
        let stage = Stage::new();
        let (old, issuer) = (stage.token.pin().to_owned(), stage.issuer(&[]));
        let fault = "C_GetTokenInfo#1:lie=to-be-changed,sticky";
        let mut terminal = through_shim(&stage, fault, &["renew", "--issuer", &issuer]);
        terminal.questioned("To change the PIN now");
        terminal.type_in(b"\r");
        terminal.asked_for("PIN of");
        terminal.type_in(format!("{old}\r").as_bytes());
        assert_eq!(terminal.ended().code(), Some(0), "{}", terminal.text());
        let mut terminal = through_shim(&stage, "C_Login:ckr=CKR_PIN_EXPIRED,sticky", &["pending"]);
        terminal.asked_for("PIN of");
        terminal.type_in(format!("{old}\r").as_bytes());
        terminal.questioned("To change the PIN now");
        terminal.type_in(b"no\r");
        assert_eq!(terminal.ended().code(), Some(4), "{}", terminal.text());
        assert!(terminal.sees("usbtoken pin change"), "{}", terminal.text());
        assert_eq!(calls(&stage, "C_SetPIN"), 0);
        holds(&stage, &old, NEW);
    }
}

/// Without a person the change is the next step that is named.
#[test]
fn a_change_that_the_token_wants_is_named() {
    let stage = Stage::new();
    let (driver, issuer) = (softhsm_module(), stage.issuer(&[]));
    let env = |fault: &'static str| {
        [("USBTOKEN_SHIM_DRIVER", driver.clone()), ("USBTOKEN_SHIM_FAULT", Path::new(fault).to_owned())]
    };
    let expired = env("C_Login:ckr=CKR_PIN_EXPIRED");
    let expired = expired.each_ref().map(|(name, value)| (*name, value.as_path()));
    let (pin, uri) = (stage.token.pin(), stage.token.uri());
    let done = stage.run_through(&shim(), &expired, pin, &uri, &["renew", "--issuer", &issuer]);
    let error = done.failed("pin_expired", 4);
    assert!(error["hint"].as_str().unwrap().contains("usbtoken pin change"), "{error:#}");
    assert!(!stage.mark().exists(), "the PIN was not wrong");
    // So it is where a token takes the PIN and makes no key.
    let before = stage.token.snapshot();
    let later = env("C_GenerateKeyPair:ckr=CKR_PIN_EXPIRED,sticky");
    let later = later.each_ref().map(|(name, value)| (*name, value.as_path()));
    let done = stage.run_through(&shim(), &later, pin, &uri, &["renew", "--issuer", &issuer]);
    let error = done.failed("pin_expired", 4);
    assert!(error["hint"].as_str().unwrap().contains("usbtoken pin change"), "{error:#}");
    stage.token.snapshot().assert_same_as(&before);
    let wanted = env("C_GetTokenInfo#1:lie=to-be-changed,sticky");
    let wanted = wanted.each_ref().map(|(name, value)| (*name, value.as_path()));
    let mut preflight = std::process::Command::new(env!("CARGO_BIN_EXE_usbtoken"));
    preflight.args(["--lang", "en", "--token", &uri, "--module"]).arg(shim()).arg("preflight").envs(wanted);
    let done = common::outcome(stage.at_home(&mut preflight));
    assert!(done.succeeded().stdout.contains("usbtoken pin change"), "{done:?}");
    let mut doctor = std::process::Command::new(env!("CARGO_BIN_EXE_usbtoken"));
    doctor.args(["--lang", "en", "--token", &uri, "--module"]).arg(shim()).arg("doctor").envs(wanted);
    let done = common::outcome(stage.at_home(&mut doctor));
    assert!(done.stdout.contains("Change the PIN before you renew"), "{done:?}");
    // What a token merely states is said, and stops nothing.
    let done = stage.run_through(&shim(), &wanted, pin, &uri, &["renew", "--issuer", &issuer]);
    assert!(done.succeeded().notices().contains(&"pin_to_be_changed".to_owned()), "{done:?}");
}
