//! PINs that are given in environment variables: neither the driver's process nor a program that a driver starts has them, nor the
//! command from when a driver is loaded. The driver starts such a program (tests/drivers/sent.c).

#![cfg(target_os = "linux")]

mod common;

use std::process::Command;

use common::{Outcome, Stage, outcome};
use usbtoken_testkit::softhsm_module;

const OLD: &str = "old-5309-unseen";
const NEW: &str = "new-7731-unseen";

struct Play(Stage);

impl Play {
    fn new() -> Self {
        let stage = Stage::with_pin(OLD);
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/drivers/sent.c");
        stage.tool("cc", &["-shared", "-fPIC", "-w", "-o", "libsent.so", source]).succeeded();
        Play(stage)
    }

    /// Runs it with both variables, and returns what was seen of environments meanwhile.
    fn run(&self, (old, new): (&str, &str), words: &[&str]) -> (Outcome, String) {
        let Play(stage) = self;
        let seen = stage.file("seen");
        let _ = std::fs::remove_file(&seen);
        let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
        command.args(["--json", "--lang", "en", "--pin-env", "OLD_PIN", "--token", &stage.token.uri()]);
        command.arg("--module").arg(stage.file("libsent.so")).args(words);
        stage.at_home(&mut command).env("OLD_PIN", old).env("NEW_PIN", new).env("SENT_ENVIRON", &seen);
        command.env("SENT_DRIVER", softhsm_module()).env("SENT_LOG", stage.file("sent.log"));
        let done = outcome(&mut command);
        let seen = String::from_utf8(std::fs::read(seen).unwrap()).unwrap();
        assert!(seen.contains("SENT_DRIVER="), "{words:?}: {seen}");
        (done, seen)
    }
}

#[test]
fn no_program_of_a_driver_has_a_pin_in_its_environment() {
    let play = Play::new();
    let change = change("NEW_PIN");
    for how in [&[][..], &["--in-process"]] {
        for (pins, words) in [((OLD, NEW), &change), ((NEW, OLD), &change)] {
            let (done, seen) = play.run(pins, &[&words[..], how].concat());
            done.succeeded();
            assert!(!seen.contains(OLD) && !seen.contains(NEW), "{words:?} {how:?}: {seen}");
        }
        for words in [&["list"][..], &["pending"], &["preflight"], &["doctor"], &["wait"]] {
            let (_, seen) = play.run((OLD, "-"), &[words, how].concat());
            assert!(!seen.contains(OLD), "{words:?} {how:?}: {seen}");
        }
    }
}

fn change(name: &str) -> [&str; 4] {
    ["pin", "change", "--new-pin-env", name]
}

/// One variable for both, and one that is not set or has no PIN, are what they were.
#[test]
fn variables_with_no_two_pins_are_refused_as_they_are() {
    let play = Play::new();
    play.run((OLD, NEW), &change("OLD_PIN")).0.failed("new_pin_same", 4);
    let refused = |pins: (&str, &str), name: &str| {
        let Play(stage) = &play;
        let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken"));
        command.args(["--json", "--pin-env", "OLD_PIN", "--module"]).arg(softhsm_module()).args(change(name));
        command.args(["--token", &stage.token.uri()]);
        stage.at_home(&mut command).env("OLD_PIN", pins.0).env("NEW_PIN", pins.1);
        outcome(&mut command).failed("pin_source_unusable", 2);
    };
    refused((OLD, NEW), "NOT_SET");
    refused((OLD, &"9".repeat(2000)), "NEW_PIN");
    refused((&"9".repeat(2000), NEW), "NEW_PIN");
    refused((OLD, "1\n2"), "NEW_PIN");
    play.run((OLD, NEW), &change("NEW_PIN")).0.succeeded();
}
