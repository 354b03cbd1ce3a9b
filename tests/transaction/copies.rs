//! The same certificate more than once on a token: it is one credential.

#[path = "../common/mod.rs"]
mod common;

use common::Bank;
use usbtoken_testkit::serial_hex;

/// A bank whose user's certificate another program has stored once more, with this identifier and this label.
fn with_copy(id: &[u8], label: &str) -> Bank {
    let mut bank = Bank::new();
    bank.soft.inspect(|inspector| inspector.write_certificate(&bank.old.certificate, id, label));
    bank.before = bank.soft.snapshot();
    bank
}

/// Each way to name it, and none: there is nothing to choose between copies.
#[test]
fn a_certificate_that_is_stored_twice_is_renewed_and_removed_as_one() {
    for (id, label) in [(&[1][..], "bank"), (&[1], "copy"), (&[0x55], "copy")] {
        let bank = with_copy(id, label);
        let serial = serial_hex(&bank.old.certificate);
        let listed = bank.run(&["list"]).json();
        let of_this = listed.as_array().unwrap().iter().filter(|one| one["serial"] == *serial).count();
        assert_eq!(of_this, if label == "bank" { 1 } else { 2 }, "{listed}");
        for which in [&[][..], &["--id", "01"], &["--serial", &serial]] {
            bank.run(&[&["preflight"], which].concat()).json();
        }
        bank.run(&["renew", "--issuer", &bank.issuer("")]).json();
        bank.assert_one_new_credential();
        let again = bank.run(&["renew", "--issuer", &bank.issuer("")]).json();
        assert_eq!(again["already_renewed"], true, "{again}");
        let retire = ["retire", "--yes", "--trust-anchor", &bank.anchor(), "--serial", &serial];
        let retired = bank.run(&retire).json();
        assert_eq!(retired["key_removed"], true, "{retired}");
        assert_eq!(bank.soft.snapshot().with_id(&[1]).count(), 0, "{id:?} {label}");
        bank.assert_one_new_credential();
        if id != [1] {
            // What is left has no key, and goes like any other without one.
            bank.run(&retire).json();
            assert_eq!(bank.soft.snapshot().with_id(id).count(), 0);
        }
    }
}

/// A copy that its key is not beside does not stand in the way of the one that it is.
#[test]
fn the_object_of_a_uri_may_name_a_copy() {
    let bank = with_copy(&[1], "bank");
    let uri = format!("{};object=bank", bank.soft.uri());
    let issuer = bank.issuer("");
    let mut command = bank.command_for(&uri, &bank.soft.module(), &["--pin-env", "TEST_PIN"]);
    let done = common::Said::of(command.args(["renew", "--issuer", &issuer]).output().unwrap());
    done.json();
    bank.assert_one_new_credential();
}
