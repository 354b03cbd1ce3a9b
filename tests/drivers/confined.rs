//! What a driver in a process of its own can get at, as it comes and where its caller has confined it.

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use usbtoken::driver::Confinement;
use usbtoken::error::Fact;
use usbtoken::{Code, Finder};
use usbtoken_testkit::softhsm_module;

use crate::bank;
use crate::common::{Bank, Said, facts, refused};
use crate::ends::{is_there, said};

impl Bank {
    /// The folder in which SoftHSM has the token and its settings.
    fn folder(&self) -> PathBuf {
        let env = self.soft.env();
        let (_, configuration) = env.iter().find(|(name, _)| *name == "SOFTHSM2_CONF").unwrap();
        Path::new(configuration).parent().unwrap().to_owned()
    }

    fn has_noted(&self) -> Vec<String> {
        let names = self.noted().into_iter().map(|(name, _)| name);
        names.filter(|name| name.starts_with(|first: char| first.is_ascii_lowercase())).collect()
    }

    /// What the driver gets at of another file, of this computer and of others.
    fn reached(&self, options: &[&str]) -> Vec<String> {
        let file = self.file("another");
        std::fs::write(&file, "").unwrap();
        let mut command = self.hosted("reach:C_GetTokenInfo:1", &[&["list"], options].concat());
        let said = Said::of(command.env("REACH", file).output().unwrap());
        assert_eq!(said.exit, 0, "{options:?}: {said:?}");
        let mut noted = self.has_noted();
        assert_eq!(noted.remove(0), "reach");
        noted
    }
}

#[test]
fn a_confined_driver_gets_at_its_token_and_at_nothing_else() {
    let bank = bank();
    let all =
        ["reads", "writes", "changes", "dates", "limits", "slows", "shares", "asks", "connects", "runs"];
    assert_eq!(bank.reached(&[]), all, "as it comes");

    let folder = bank.folder();
    let own = ["--driver-writes", folder.to_str().unwrap()];
    let nothing: [&str; 0] = [];
    assert_eq!(bank.reached(&own), nothing);
    let file = bank.file("another");
    assert_eq!(bank.reached(&[&own[..], &["--driver-reads", file.to_str().unwrap()]].concat()), ["reads"]);
    let socket = bank.file("daemon");
    let _daemon = UnixListener::bind(&socket).unwrap();
    assert_eq!(bank.reached(&[&own[..], &["--driver-writes", socket.to_str().unwrap()]].concat()), ["asks"]);

    assert_eq!(bank.reached(&[&own[..], &["--driver-writes", "/dev/shm"]].concat()), ["shares"]);

    // What is not there cannot be named, and what a driver misses is told of.
    let missing = bank.run_hosted("", &["list", "--driver-reads", "/nowhere/at/all"]);
    let error = missing.failed(Code::DriverNotConfined);
    assert!(error["facts"]["detail"][0].as_str().unwrap().starts_with("/nowhere/at/all: "), "{error:#}");
    let error = bank.run_hosted("", &["list", "--driver-writes", "/dev/null"]).failed(Code::DriverInitFailed);
    assert_eq!(error["facts"]["reason"][0], "driver_is_confined", "{error:#}");

    // Nothing runs in this process then.
    let finder = Finder::new().module(softhsm_module()).in_process().confined(Confinement::default());
    let error = refused(finder.find(&bank.soft.uri().parse().unwrap()), Code::DriverNotConfined);
    assert_eq!(facts(&error, Fact::Reason), ["driver_in_this_process"], "{error}");

    let issuer = bank.issuer("");
    let renewed = bank.run_hosted("", &[&["renew", "--issuer", &issuer], &own[..]].concat());
    assert_eq!(renewed.exit, 0, "{renewed:?}");
    bank.assert_one_new_credential();
}

/// No core dump, no other process that reads it, no rights to gain, nothing that leads its loader astray; and the PIN is wiped once the driver has had it.
#[test]
fn a_host_keeps_no_secret() {
    let bank = bank();
    let mut list = bank.hosted("state:C_GetTokenInfo:1", &["list"]);
    list.env("LD_PRELOAD", softhsm_module()).env("MALLOC_ARENA_MAX", "7");
    assert_eq!(Said::of(list.output().unwrap()).exit, 0);
    assert_eq!(bank.has_noted(), ["state"]);

    let pin = "7391046258091743";
    let backwards: String = pin.chars().rev().collect();
    bank.hosted("", &["list"]).env("TEST_PIN", pin).env("SCAN", backwards).output().unwrap();
    let noted: Vec<String> = bank.noted().into_iter().map(|(name, _)| name).collect();
    let calls: Vec<&[String]> = noted.chunks(2).collect();
    assert!(calls.len() > 10, "{noted:?}");
    for call in &calls {
        let expected = if call[0] == "C_Login" { "found" } else { "clean" };
        assert_eq!(call[1], expected, "{noted:?}");
    }
    assert!(calls.iter().any(|call| call[0] == "C_Login"), "{noted:?}");
}

/// Its host has no terminal, and is stopped by the system when it reads from the caller's.
#[test]
fn a_driver_that_asks_at_the_terminal_is_told_of_at_once() {
    let bank = bank();
    let asked = bank.run_hosted("terminal:C_Login:1", &["list"]);
    let error = asked.failed(Code::DriverAsksAtTerminal);
    assert_eq!(error["facts"]["function"][0], "C_Login", "{error:#}");
    assert_eq!(error["facts"]["reason"][0], "pin_may_have_counted", "{error:#}");
    assert!(bank.hosts().into_iter().all(|process| !is_there(process)));
    bank.goes_on("asked");
}

/// The thread that has started a host ends soon; the host does not, whatever its driver wants.
#[test]
fn a_driver_that_wants_to_end_with_its_parent_lives_on() {
    let bank = bank();
    let child =
        bank.hosted("die-with:C_Initialize:1", &["renew", "--issuer", &bank.issuer("")]).spawn().unwrap();
    let renewed = said(child);
    assert_eq!(renewed.exit, 0, "{renewed:?}");
    bank.assert_one_new_credential();
}
