//! Ctrl-C while a driver hangs: the command says that it waits, ends the driver, and says what is on the token. A second one ends the
//! command at once.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;
use std::time::{Duration, Instant};

use usbtoken::Code;
use usbtoken_testkit::softhsm_module;

use crate::bank;
use crate::common::{Bank, Said};
use crate::ends::{is_there, said, signal, until_gone};

/// What is said at the first Ctrl-C.
const STOPPING: &str = "Stopping.";

impl Bank {
    /// The command, once its driver hangs, and that driver's process.
    fn hanging(&self, function: &str, arguments: &[&str]) -> (Child, u32) {
        let child =
            self.hosted(&format!("hang:{function}:1"), &[&["-v"], arguments].concat()).spawn().unwrap();
        (child, self.until_noted("hang"))
    }

    /// What the command says that is interrupted in this function.
    fn interrupted(&self, function: &str, arguments: &[&str]) -> Said {
        let (child, process) = self.hanging(function, arguments);
        signal("INT", child.id());
        let said = said(child);
        assert!(!is_there(process), "{function}");
        assert_eq!(said.stderr.matches(STOPPING).count(), 1, "{function}: {said:?}");
        said
    }
}

#[test]
fn a_call_that_writes_is_stopped_and_it_is_said_what_stays() {
    let bank = bank();
    let issuer = bank.issuer("");
    let renew = ["renew", "--issuer", &issuer];
    let reason = |said: &Said| said.failed(Code::Cancelled)["facts"].to_string();
    let stays = |said: &Said, reason_is: &str| assert!(reason(said).contains(reason_is), "{said:?}");

    let stopped = bank.interrupted("C_GenerateKeyPair", &renew);
    stays(&stopped, "key_may_be_there");
    bank.assert_old_works();
    bank.soft.snapshot().assert_same_as(&bank.before);

    let stopped = bank.interrupted("C_CreateObject", &renew);
    stays(&stopped, "certificate_may_be_there");
    bank.assert_old_works();
    let waits = bank.run_hosted("", &["pending"]).json();
    let id = waits[0]["id"].as_str().unwrap().to_owned();

    let stopped = bank.interrupted("C_DestroyObject", &["abandon", "--yes", "--id", &id]);
    stays(&stopped, "object_may_be_gone");
    // The token is free, and the same command goes on.
    bank.goes_on("interrupted");
}

#[test]
fn a_login_is_stopped_and_its_pin_counts_as_wrong() {
    let bank = bank();
    let issuer = bank.issuer("");
    let renew = ["renew", "--issuer", &issuer];
    bank.interrupted("C_Login", &renew).failed(Code::Cancelled);
    bank.run_hosted("", &renew).failed(Code::PinWrongBefore);
    bank.soft.snapshot().assert_same_as(&bank.before);
}

/// Who ends it at once has to know by then that either PIN may hold.
#[test]
fn the_first_says_which_pin_may_hold() {
    let bank = bank();
    let change = ["pin", "change", "--new-pin-file", "new"];
    bank.write("new", b"737373");
    let said = bank.interrupted("C_SetPIN", &change);
    said.failed(Code::PinChangeUncertain);
    let (first, _) = said.stderr.split_once('{').unwrap();
    assert!(first.contains("either PIN may hold: log in once with the new one"), "{first}");
    bank.soft.snapshot().assert_same_as(&bank.before);
}

#[test]
fn the_second_ends_the_command_at_once() {
    let bank = bank();
    let issuer = bank.issuer("");
    let (mut child, process) = bank.hanging("C_CreateObject", &["renew", "--issuer", &issuer]);
    signal("INT", child.id());
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none());
    let begun = Instant::now();
    signal("INT", child.id());
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(2), "{status}");
    // The first one alone ends the driver after two seconds.
    assert!(begun.elapsed() < Duration::from_millis(1_200), "{:?}", begun.elapsed());
    // It has ten seconds for its call.
    until_gone(process);
    bank.goes_on("ended at once");
}

/// Ctrl-C, and a caller that is killed: no host stays, but until a call that writes is done, and so long the token is taken.
#[test]
fn no_host_outlives_its_caller() {
    let bank = bank();
    for way in ["INT", "KILL"] {
        let child = bank.hosted("hang:C_GetTokenInfo:1", &["list"]).spawn().unwrap();
        let process = bank.until_noted("hang");
        signal(way, child.id());
        said(child);
        until_gone(process);
    }
    let issuer = bank.issuer("");
    let renew = ["renew", "--pin-corrected", "--issuer", &issuer];
    // A login writes as well: what counts the wrong PINs.
    for function in ["C_GenerateKeyPair", "C_Login"] {
        let child = bank.hosted(&format!("sleep:{function}:1"), &renew).spawn().unwrap();
        let process = bank.until_noted("sleep");
        signal("KILL", child.id());
        said(child);
        // The host writes still.
        if is_there(process) && function != "C_Login" {
            let busy = Said::of(bank.command(&softhsm_module(), &renew).output().unwrap());
            if is_there(process) {
                busy.failed(Code::Busy);
            }
        }
        until_gone(process);
        assert!(bank.noted().contains(&("slept".to_owned(), process)), "{function}");
        bank.goes_on(function);
    }
}
