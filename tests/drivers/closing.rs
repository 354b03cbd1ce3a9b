//! Drivers that close what they did not open.

use usbtoken_testkit::{Kind, days_from_now};

use crate::common::{Bank, usbtoken};
use crate::driver::odd_driver;
use usbtoken::Code;

/// A driver that closes every descriptor, at any call, closes neither our lock nor the way to the result.
#[cfg(target_os = "linux")]
#[test]
fn a_driver_that_closes_everything_closes_neither_lock_nor_result() {
    let ways = [
        "closes-at=init",
        "closes-at=login",
        "closes-at=pair",
        "closes-at=sign",
        "closes-at=create",
        "closes-at=finalize",
        "closes-at=login,closes-from=0,closes-to=2",
        "closes-at=login,closes-from=1,closes-to=1,own-file",
        "closes-at=init,closes-from=0",
        "closes-at=login,closes-from=0,own-file",
        "closes-at=create,closes-from=0,own-file",
        "closes-at=finalize,closes-from=0",
    ];
    for ways in ways {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        // While the CA is asked, nobody else gets at the token.
        let other = format!(
            "'{}' --json --module '{}' --token '{}' --pin-env OTHER_PIN request --force --out other.pem",
            usbtoken().display(),
            bank.soft.module().display(),
            bank.soft.uri()
        );
        let other = format!("OTHER_PIN={} {other} > other.out 2> other.err", bank.soft.pin());
        let issuer = format!("{other}; {}", bank.issuer(""));
        let said = bank.odd(ways, &["renew", "--issuer", &issuer]).json();
        assert!(said["certificate"].is_object() || said["credential"].is_object(), "{ways}: {said:#}");
        bank.assert_one_new_credential();
        let refused = String::from_utf8(bank.read("other.err")).unwrap();
        assert!(refused.contains("\"busy\""), "{ways}: {refused}");
        assert!(!bank.file("other.pem").exists());
        if !ways.contains("closes-from=0") {
            continue;
        }
        let shown = bank.odd(ways, &["list"]).json();
        assert_eq!(shown.as_array().unwrap().len(), 2, "{ways}");
        // What is refused is said on standard error.
        bank.odd(ways, &["request", "--out", "r.pem", "--id", "ff"]).failed(Code::CredentialNotFound);
    }
}

/// Two files that are one library behind them, as p11-kit's proxy and the driver that it loads: the one that goes first does not end
/// the other.
#[test]
fn two_drivers_that_are_one_library_do_not_end_each_other() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let (one, other) = (bank.file("one.so"), bank.file("other.so"));
    for copy in [&one, &other] {
        std::fs::copy(odd_driver(), copy).unwrap();
    }
    let second = ["--module", other.to_str().unwrap()];
    for command in [
        &["list"][..],
        &["preflight"],
        &["renew", "--issuer", &bank.issuer("")],
        &["retire", "--yes", "--id", "01", "--trust-anchor", &bank.anchor()],
    ] {
        bank.oddly_through(&one, "", &[&second[..], command].concat()).json();
    }
    assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 0);
}

/// What is opened is closed by such a driver, and what is in the environment changed.
#[test]
fn what_a_driver_closes_and_changes_is_not_missed() {
    for ways in ["closes-descriptors", "closes-streams", "other-environment", "takes-signals"] {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        assert_eq!(bank.odd(ways, &["list"]).json().as_array().unwrap().len(), 1, "{ways}");
        let said = bank.odd(ways, &["renew", "--issuer", &format!("env > environment; {}", bank.issuer(""))]);
        assert_eq!(said.exit, 0, "{ways}: {said:?}");
        bank.assert_one_new_credential();
        let environment = String::from_utf8(bank.read("environment")).unwrap();
        assert!(
            !environment.contains("/nowhere") && !environment.contains("TEST_PIN"),
            "{ways}: {environment}"
        );
        let error = bank.odd(ways, &["preflight", "--id", "ff"]);
        error.failed(Code::CredentialNotFound);
    }
}

/// The result is alone on standard output, and files are where and how they were asked for.
#[test]
fn what_a_driver_does_to_the_process_changes_no_result() {
    use std::os::unix::fs::PermissionsExt;

    let bank = Bank::alone(Kind::P256, days_from_now(11));
    assert_eq!(bank.odd("untidy", &["list"]).json().as_array().unwrap().len(), 1);
    bank.odd("untidy", &["request", "--out", "request.pem"]).json();
    let written = std::fs::metadata(bank.file("request.pem")).unwrap();
    assert_eq!(written.permissions().mode() & 0o002, 0);
    bank.odd("untidy", &["abandon", "--yes"]).json();
    bank.renew_oddly("untidy", &[]).json();
    bank.assert_one_new_credential();
}
