//! The prompt for the PIN on a terminal: nothing of it is shown, no key is taken for another, nothing is sent that was hardly
//! meant, and whatever ends it the terminal shows again.

#![cfg(target_os = "linux")]

mod common;

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use common::Stage;
use common::terminal::Terminal;
use rustix::process::Signal;

const PIN: &str = "pin-5309-unseen";

#[test]
fn what_is_typed_is_not_shown_and_logs_in() {
    let stage = Stage::with_pin(PIN);
    let mut terminal = Terminal::at_the_prompt(&stage);
    // An arrow, a mistake, and a key of the keypad without NumLock on the way.
    terminal.type_in(format!("\x1b[Dx\x7f{PIN}\x1b[5~\r").as_bytes());
    assert_eq!(terminal.ended().code(), Some(0), "{}", terminal.text());
    assert!(terminal.echoes());
    assert!(!terminal.sees(PIN) && !terminal.sees("5309"), "{}", terminal.text());
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
    // Nor does one that somebody sends by hand go nowhere, or leave the terminal silent.
    for signal in [
        Signal::SEGV,
        Signal::BUS,
        Signal::FPE,
        Signal::ILL,
        Signal::ABORT,
        Signal::SYS,
        Signal::TRAP,
        Signal::USR1,
        Signal::USR2,
        Signal::ALARM,
        Signal::VTALARM,
        Signal::PROF,
        Signal::XCPU,
        Signal::XFSZ,
    ] {
        let mut terminal = Terminal::at_the_prompt(&stage);
        terminal.type_in(b"half a p");
        terminal.signal(signal);
        let status = terminal.ended();
        assert_eq!(status.signal(), Some(signal.as_raw()), "{signal:?}: {status:?}");
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
    terminal.asked_for("Start from the first character.)\r\nPIN of");
    terminal.type_in(format!("{PIN}\r").as_bytes());
    assert_eq!(terminal.ended().code(), Some(0), "{}", terminal.text());
    assert!(terminal.echoes());
}

/// Where an arrow was taken for a way back, or a keypad without NumLock for digits, the person is told.
#[test]
fn keys_that_enter_nothing_say_so_once() {
    let stage = Stage::with_pin(PIN);
    for keys in ["\x1b[D", "\x1bOp\x1bOq", "\x1b[2~", "\t"] {
        let mut terminal = Terminal::at_the_prompt(&stage);
        terminal.type_in(keys.as_bytes());
        terminal.wait(|terminal| terminal.sees("keypad without NumLock"));
        terminal.shown.clear();
        terminal.type_in(format!("{keys}{PIN}\r").as_bytes());
        assert_eq!(terminal.ended().code(), Some(0), "{keys:?}: {}", terminal.text());
        assert!(!terminal.sees("NumLock") && !terminal.sees(PIN), "{}", terminal.text());
        std::fs::remove_file(stage.file("request.pem")).unwrap();
        stage.run(&["abandon", "--yes"]).succeeded();
    }
}

/// Esc and then the PIN: nothing of it is sent, shown, or left for the shell.
#[test]
fn what_is_typed_after_esc_goes_nowhere() {
    let stage = Stage::with_pin(PIN);
    let before = stage.token.snapshot();
    for keys in [format!("\x1b{PIN}\r"), format!("12\x1b\x1b{PIN}\r"), format!("\x1b{PIN}")] {
        let mut terminal = Terminal::at_the_prompt(&stage);
        terminal.type_in(keys.as_bytes());
        assert_eq!(terminal.ended().code(), Some(4), "{}", terminal.text());
        assert!(terminal.sees("cancelled") && terminal.echoes());
        assert!(!terminal.sees("5309"), "{}", terminal.text());
        assert_eq!(terminal.left(), b"", "{keys:?}");
    }
    assert!(!stage.mark().exists());
    stage.token.snapshot().assert_same_as(&before);
}

/// A slip is asked about; then the right PIN is the first try.
#[test]
fn a_slip_is_asked_about_and_no_try() {
    let stage = Stage::with_pin("648219");
    let driver = usbtoken_testkit::softhsm_module();
    let trace = stage.file("trace");
    let env = [("USBTOKEN_SHIM_DRIVER", driver.as_path()), ("USBTOKEN_SHIM_TRACE", trace.as_path())];
    let words = ["request", "--out", "request.pem"];
    let mut terminal = Terminal::of(&stage, &usbtoken_testkit::shim(), &env, &words);
    for (slip, question) in [
        ("６４８２１９", "full-width"),
        ("64８219", "full-width"),
        (" 648219", "blank"),
        ("648219 ", "blank"),
        ("648219\u{3000}", "blank"),
        ("64", "type yes"),
    ] {
        terminal.asked_for("PIN of");
        terminal.type_in(format!("{slip}\r").as_bytes());
        terminal.questioned(question);
        terminal.type_in(b"\r");
    }
    // The PIN once more, where a yes was expected: no try, and the line is taken off the screen.
    terminal.asked_for("PIN of");
    terminal.type_in(b"64\r");
    terminal.questioned("type yes");
    terminal.type_in(b"648219\r");
    terminal.wait(|terminal| terminal.sees("\x1b[1A\r\x1b[2K"));
    terminal.asked_for("PIN of");
    terminal.type_in(b"648219\r");
    assert_eq!(terminal.ended().code(), Some(0), "{}", terminal.text());
    let trace = String::from_utf8(stage.read("trace")).unwrap();
    assert_eq!(trace.matches("\"C_Login\"").count(), 1);
}

/// A token's PIN may be what looks like a slip.
#[test]
fn what_looks_like_a_slip_is_sent_when_it_is_meant() {
    let stage = Stage::with_pin("６４８２１９");
    let mut terminal = Terminal::at_the_prompt(&stage);
    terminal.type_in("６４８２１９\r".as_bytes());
    terminal.questioned("full-width");
    terminal.type_in(b"yes\r");
    assert_eq!(terminal.ended().code(), Some(0), "{}", terminal.text());

    let stage = Stage::with_pin(" 648219");
    let error = stage.run(&["pending"]).failed("pin_doubtful", 4);
    assert_eq!(error["facts"]["reason"][0], "blank_at_edge");
    assert!(error["hint"].as_str().unwrap().contains("--pin-as-typed"), "{error:#}");
    stage.run(&["pending", "--pin-as-typed"]).succeeded();
}

/// The CA has given the new certificate another common name: a person sees both, and says whether the old one goes.
#[test]
fn a_person_says_whether_another_common_name_is_meant() {
    for (answer, code, left) in [("no", 9, 3), ("yes", 0, 0)] {
        let stage = Stage::with_pin(PIN);
        let issuer = stage.issuer(&["--form", "p7", "--naming", "own-common-name"]);
        let words = ["renew", "--retire-old", "--issuer", &issuer];
        let mut terminal = Terminal::of(&stage, &usbtoken_testkit::softhsm_module(), &[], &words);
        terminal.asked_for("PIN of");
        terminal.type_in(format!("{PIN}\r").as_bytes());
        terminal.wait(|terminal| terminal.sees("in another name"));
        terminal.questioned("type yes");
        terminal.type_in(format!("{answer}\r").as_bytes());
        assert_eq!(terminal.ended().code(), Some(code), "{answer}: {}", terminal.text());
        assert_eq!(stage.token.snapshot().with_id(&stage.old.id).count(), left, "{answer}");
    }
}
