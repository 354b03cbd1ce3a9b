//! What shows after the login only, and logins that are none.

use usbtoken::Code;
use usbtoken_testkit::{Kind, days_from_now};

use crate::common::Bank;

/// None that is seen without the PIN is not none: the list says so to people and to programs, whatever they asked for.
#[test]
fn a_list_without_the_pin_says_that_more_may_show() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let all = [&["list"][..], &["list", "--due"]];
    let rows = [("hides=0x01", all), ("login-for=1", all), ("login-for=4", all), ("login-for=16", all)];
    for (ways, arguments) in rows.into_iter().flat_map(|(ways, all)| all.map(|one| (ways, one))) {
        let said = bank.oddly_without_pin(ways, arguments);
        let listed = said.json();
        let is_credential = |one: &serde_json::Value| one["unreadable"].is_null();
        assert!(!listed.as_array().unwrap().iter().any(is_credential), "{ways}: {listed:#}");
        assert!(said.stderr.contains("more_after_login"), "{said:?}");
        // With the PIN everything has been examined, and what shows without it is told as ever.
        for said in [bank.odd(ways, arguments), bank.oddly_without_pin("", arguments)] {
            assert_eq!(said.json().as_array().unwrap().len(), 1, "{said:?}");
            assert!(!said.stderr.contains("more_after_login"), "{said:?}");
        }
    }
}

/// Nor is a certificate whose value is given after the login only one that nobody can read.
#[test]
fn a_certificate_that_is_given_after_the_login_only_is_not_broken() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    for ways in ["login-for=8", "login-for=16"] {
        bank.oddly_without_pin(ways, &["preflight"]).failed(Code::CredentialNotSeen);
        assert_eq!(bank.odd(ways, &["preflight"]).json()["can_renew"], true, "{ways}");
    }
}

/// A driver that opens no session that writes is read all the same, with the PIN too.
#[test]
fn a_token_that_cannot_be_written_can_be_listed_with_the_pin() {
    for ways in ["reads-only", "reads-only=0xb5"] {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        assert_eq!(bank.odd(ways, &["list"]).json()[0]["proof_level"], "proven", "{ways}");
        bank.odd(ways, &["request", "--out", "request.pem"]).failed(Code::WriteProtected);
        bank.soft.snapshot().assert_same_as(&bank.before);
    }
}

/// Nobody is logged in, and the driver answers that somebody is: that is no answer to the PIN, and no reason to run it once more.
#[test]
fn a_login_of_somebody_else_that_is_none_is_no_login() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    for (ways, code) in [("login=0x100", Code::PinUncertain), ("flags=0x100,pad=0x100", Code::PinPadRefused)]
    {
        for arguments in [&["request", "--out", "request.pem"][..], &["list"]] {
            let arguments = [arguments, &["--pin-corrected"]].concat();
            let error = bank.odd(ways, &arguments).failed(code);
            assert_eq!((&error["function"], &error["ckr_value"]), (&"C_Login".into(), &0x100.into()));
            bank.soft.snapshot().assert_same_as(&bank.before);
        }
    }
}

/// The card is reset in the middle and the driver says all the same that the user is logged in: a private key that only does not
/// show is not told removed, since the successor's does not show either.
#[test]
fn a_key_that_does_not_show_is_not_told_removed_whatever_the_driver_says_of_the_login() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.renew_oddly("", &[]).json();
    let anchor = bank.anchor();
    for at in 1..200 {
        let ways = format!("reset-at={at},says-logged-in");
        let said = bank.odd(&ways, &["retire", "--yes", "--id", "01", "--trust-anchor", &anchor]);
        let left = bank.soft.snapshot();
        if said.exit == 0 {
            assert_eq!(left.with_id(&bank.old.id).count(), 0, "{ways}: {said:?} {left:?}");
            return;
        }
    }
    panic!("no end");
}

/// The same of a key that waits: that it is no job of ours would send its owner away from it.
#[test]
fn a_waiting_key_that_does_not_show_is_not_told_a_strangers() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.odd("", &["request", "--out", "request.pem"]).json();
    for at in 1..200 {
        let ways = format!("reset-at={at},says-logged-in");
        let said = bank.odd(&ways, &["abandon", "--yes"]);
        let left = bank.soft.snapshot();
        if said.exit == 0 {
            left.assert_same_as(&bank.before);
            return;
        }
        // Where an object could not be read, which one it was is not known: then the call that was refused is told.
        let tells_call = said.stderr.contains("CKR_OBJECT_HANDLE_INVALID");
        assert!(tells_call || !said.stderr.contains("not_pending"), "{ways}: {said:?}");
        left.assert_keeps(&bank.before);
    }
    panic!("no end");
}
