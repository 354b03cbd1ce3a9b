//! 「USBトークンへの更新」 every day by a scheduler: what was interrupted is gone on with, and what was renewed before is known for what
//! it is.

mod common;

use std::path::Path;

use common::Stage;
use common::elsewhere::{old, stage};
use usbtoken_testkit::{serial_hex, shim, softhsm_module};

/// Begins the renewal from the file, and ends the process at this call.
fn interrupted(fault: &str) -> (Stage, String) {
    let stage = stage();
    let serial = serial_hex(&old(&stage));
    let (driver, issuer) = (softhsm_module(), stage.issuer(&[]));
    let env = [("USBTOKEN_SHIM_DRIVER", driver.as_path()), ("USBTOKEN_SHIM_FAULT", Path::new(fault))];
    let renew = ["renew", "--in-process", "--from", "file:old.pem", "--issuer", &issuer];
    let killed = stage.run_through(&shim(), &env, stage.token.pin(), &stage.token.uri(), &renew);
    assert_eq!(killed.code, 86, "{killed:?}");
    assert_eq!(stage.token.snapshot().objects().len(), 2, "the pair waits");
    (stage, serial)
}

/// The run ends before the request is sent: no one has it, so no one is asked, as in a renewal on the token itself.
#[test]
fn a_request_that_was_never_sent_is_signed_anew() {
    for fault in ["C_GenerateKeyPair:exit-after", "C_Sign:exit-after"] {
        let (stage, _) = interrupted(fault);
        let done = stage.renew(&["--from", "file:old.pem"], &[]).json();
        assert!(done["from"]["place"].as_str().unwrap().ends_with("old.pem"), "{fault}: {done:#}");
        assert_eq!(stage.token.snapshot().objects().len(), 3);
        assert_eq!(stage.kept().iter().filter(|file| file.extension().unwrap() == "begun").count(), 0);
    }
}

/// This computer keeps which certificate it was, also where the file has gone.
#[test]
fn what_was_interrupted_is_resumed_without_the_file() {
    let (stage, serial) = interrupted("C_Sign:exit-after");
    std::fs::remove_file(stage.file("old.pem")).unwrap();
    let pending = stage.run(&["pending"]).json();
    assert_eq!(pending[0]["concerns_serial"], serial.as_str(), "{pending:#}");
    let issuer = stage.issuer(&[]);
    let resumed = stage.run(&["resume", "--issuer", &issuer]).json();
    assert_eq!(resumed["from"]["serial"], serial.as_str(), "{resumed:#}");
    assert_eq!(stage.token.snapshot().objects().len(), 3);
}
