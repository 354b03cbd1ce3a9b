//! Drivers that understate, misstate, pad and forget, as they do in the world (docs/drivers.md): what works is used, and who
//! knows better has a way on. `odd.c` plays them in front of SoftHSM.

mod alike;
mod apart;
mod closing;
#[path = "../common/mod.rs"]
mod common;
mod costs;
mod driver;
mod labels;
mod logins;
mod meanwhile;
mod misplaced;
mod moments;
mod removals;
mod starting;
mod stated;
mod taken_back;
mod texts;
mod told_alike;
mod unread;

use common::Bank;
use serde_json::Value;
use usbtoken::Code;
use usbtoken_testkit::{Kind, days_from_now, verify_with_certificate};

/// Each of these stopped a renewal that works.
#[test]
fn what_a_driver_misstates_stops_no_renewal() {
    let rows = [
        (Kind::P256, "no-flags=0x400"),
        (Kind::P256, "no-flags=0x408"),
        (Kind::P256, "no-flags=0x8"),
        (Kind::P256, "flags=0x2"),
        (Kind::P256, "flags=0x80000"),
        (Kind::P256, "largest-key=192"),
        (Kind::P256, "lists-not=0x1040"),
        (Kind::P256, "lists-not=0x1041"),
        (Kind::P256, "mechanism-info=0x70"),
        (Kind::P256, "mechanism-info=0x6"),
        (Kind::P256, "without-mechanism-info"),
        (Kind::P256, "many-slots=70"),
        (Kind::P256, "text-then-memory"),
        (Kind::P256, "latin-1"),
        (Kind::P256, "lengths-stay"),
        (Kind::P256, "lengths-of-32-bits"),
        (Kind::P256, "exact-numbers"),
        (Kind::P256, "numbers-fill-their-room"),
        (Kind::P256, "numbers-fill-their-room,lengths-stay"),
        (Kind::P256, "ec-modulus"),
        (Kind::P256, "broken-pipe"),
        (Kind::P256, "labels-end-with-nul"),
        (Kind::P256, "ecdsa-as-der"),
        (Kind::P256, "signatures-filled-up"),
        // Listed and refused: CKM_ECDSA_SHA256, which SoftHSM does not have at all, and CKM_SHA256_RSA_PKCS.
        (Kind::P256, "lists-too=0x1044"),
        (Kind::Rsa2048, "refuses=0x40"),
        (Kind::Rsa2048, "refuses=0x40,refuses-with=0x6"),
        (Kind::Rsa2048, "signatures-filled-up,lengths-stay"),
        (Kind::Rsa2048, "refuses=0x40,refuses-with=0x30"),
        (Kind::Rsa2048, "refuses-to-sign=0x40,refuses-with=0x30"),
        (Kind::Rsa2048, "signs-wrong=0x40"),
        (Kind::Rsa2048, "exact-room=256"),
        (Kind::Rsa2048, "exact-room=256,tells-room"),
        (Kind::P256, "exact-room=64"),
        (Kind::P256, "points-compressed"),
        (Kind::P256, "points-bare"),
        (Kind::P256, "untold=0xffffffff"),
        (Kind::P256, "untold=0xffffffffffffffff"),
        (Kind::P256, "count-untold=0xffffffff"),
        (Kind::P256, "count-untold=0xffffffffffffffff"),
        (Kind::P256, "points-hybrid"),
        (Kind::P256, "points-xy"),
        (Kind::P256, "without-arguments"),
        (Kind::P256, "labels-chosen"),
        (Kind::P256, "handles-twice"),
        (Kind::P256, "slots-twice"),
        (Kind::P256, "certificate-type=0x80000001"),
        (Kind::P256, "certificate-type=2"),
        (Kind::P256, "login-for=1"),
        (Kind::P256, "login-for=2"),
        (Kind::P256, "login-for=4"),
        (Kind::P256, "login-for=8"),
        (Kind::P256, "login-for=16"),
        (Kind::P256, "search-end=0x54"),
        (Kind::P256, "search-end=0x91"),
        (Kind::P256, "search-over"),
        (Kind::P256, "version=0"),
        (Kind::P256, "version=0x0928"),
        (Kind::P256, "one-thread"),
        (Kind::P256, "pair-untold=1"),
        (Kind::Rsa2048, "pair-untold=2"),
        (Kind::Rsa2048, "pair-exchanged"),
        (Kind::P256, "one-by-one=0x30"),
        (Kind::P256, "one-by-one=0xd1"),
        (Kind::P256, "busy=0x30"),
        (Kind::P256, "busy=0xe0"),
        (Kind::P256, "present-none"),
        (Kind::P256, "present-last"),
        (Kind::P256, "present-refused=0x54"),
        (Kind::Rsa2048, "asks"),
        (Kind::P256, "asks,asks-answers=0x103"),
        (Kind::Rsa2048, "asks,refuses-to-sign=0x40,refuses-with=0x6"),
        (Kind::Rsa2048, "asks,signs-wrong=0x1"),
        (Kind::Rsa2048, "asks,refuses-to-sign=0x1,refuses-with=0x30"),
        (Kind::Rsa2048, "asks,refuses-to-sign=0x1,refuses-with=0x5,stays-active"),
        (Kind::Rsa2048, "refuses-to-sign=0x40,refuses-with=0x30,stays-active"),
        (Kind::Rsa2048, "refuses-to-sign=0x40,refuses-with=0x5,stays-active,final-refused"),
        (Kind::Rsa2048, "asks,lists-not=0x1,refuses-to-sign=0x40,refuses-with=0x70"),
    ];
    for (kind, ways) in rows {
        let bank = Bank::alone(kind, days_from_now(11));
        let said = bank.renew_oddly(ways, &[]);
        assert_eq!(said.exit, 0, "{ways}: {said:?}");
        bank.assert_old_works();
        bank.assert_one_new_credential();
        assert_eq!(bank.noted("pair"), 1, "{ways}");
        assert_eq!(bank.noted("login with a PIN"), 1, "{ways}");
    }
}

/// A refusal by a rule of ours shows what was stated and names the option that goes on.
#[test]
fn who_knows_better_goes_on() {
    let rows = [
        ("shortest-pin=20,longest-pin=30", Code::PinLength, "20–30", "--pin-as-typed"),
        ("longest-pin=3", Code::PinLength, "–3", "--pin-as-typed"),
        ("flags=0x100", Code::PinPadRefused, "CKF_PROTECTED_AUTHENTICATION_PATH", "--pin-as-typed"),
        ("flags=0x40000", Code::PinLocked, "CKF_USER_PIN_LOCKED", "--final-try"),
        ("flags=0x20000", Code::PinFinalTry, "", "--final-try"),
    ];
    for (ways, code, stated, option) in rows {
        let ways =
            if ways.starts_with("longest") { format!("{ways},shortest-pin=1") } else { ways.to_owned() };
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        let error = bank.renew_oddly(&ways, &[]).failed(code);
        assert!(
            error["facts"]["stated"][0].as_str().unwrap_or_default().contains(stated),
            "{ways}: {error:#}"
        );
        assert!(error["hint"].as_str().unwrap_or_default().contains(option), "{ways}: {error:#}");
        bank.soft.snapshot().assert_same_as(&bank.before);
        let said = bank.renew_oddly(&ways, &[option]);
        assert_eq!(said.exit, 0, "{ways}: {said:?}");
        bank.assert_one_new_credential();
    }
}

/// Whatever a driver answers to C_Login, no words invite to another try.
#[test]
fn an_odd_answer_to_a_login_may_have_cost_a_try() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let uncertain =
        ["0x1", "0x5", "0x7", "0x20", "0x31", "0x32", "0x50", "0x54", "0xb3", "0xe0", "0x200", "0x80000384"];
    let form = ["0xa1", "0xa2"];
    let codes = [Code::PinUncertain].into_iter().cycle().take(uncertain.len());
    for (answer, code) in
        uncertain.into_iter().zip(codes).chain(form.map(|form| (form, Code::PinFormRefused)))
    {
        // What came before is kept in mind in the user's home: nothing is sent again by itself.
        let error = bank.odd(&format!("login={answer}"), &["list", "--pin-corrected"]).failed(code);
        assert!(error["sentence"].as_str().unwrap().contains("counted as"), "{answer}: {error:#}");
        let next = error["next"].as_str().unwrap().replace("do not try again", "");
        assert!(!next.contains("try again"), "{answer}: {next}");
    }
    // The driver states a pad that is not there, and no one gave a PIN: nothing was sent, and the way on is named.
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let refused = ["0x5", "0x7", "0x20", "0x32", "0x54", "0xa1", "0xb0", "0xb3", "0xe0", "0x80000384"];
    let refused = refused.map(|answer| (answer, Code::PinPadRefused));
    // What a person at the keys may have done as well.
    let others = [
        ("0x1", Code::PinCancelled),
        ("0x50", Code::PinCancelled),
        ("0x200", Code::PinCancelled),
        ("0xa0", Code::PinIncorrect),
    ];
    for (answer, code) in refused.into_iter().chain(others) {
        let error = bank.odd(&format!("flags=0x100,pad={answer}"), &["list"]).failed(code);
        let hint = error["hint"].as_str().unwrap();
        assert!(hint.contains("--pin-as-typed") && hint.contains("was used"), "{answer}: {error:#}");
    }
    assert_eq!(bank.noted("login with a PIN"), 0);
}

/// Some drivers say so, others do not know the objects any more. Whatever was reached, nothing is said to be missing or removed
/// that is there, and the next run goes on.
#[test]
fn a_login_that_another_program_has_ended_is_said_to_be_lost() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    for ways in ["logged-out-after=0", "logged-out-after-pair"] {
        let error = bank.renew_oddly(ways, &[]).failed(Code::LoginLost);
        let hint = error["hint"].as_str().unwrap_or_default();
        assert!(!hint.contains("--pin"), "no PIN is missing: {error:#}");
        // Its request was not made, so the key is named.
        for key in bank.odd("", &["pending"]).json().as_array().unwrap() {
            bank.odd("", &["abandon", "--yes", "--id", key["id"].as_str().unwrap()]).json();
        }
        bank.soft.snapshot().assert_same_as(&bank.before);
    }
    let mut lost = 0;
    for at in 1..60 {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        let said = bank.renew_oddly(&format!("reset-at={at}"), &[]);
        bank.assert_old_works();
        if bank.noted("reset") == 0 {
            assert_eq!(said.exit, 0, "{at}: {said:?}");
            break;
        }
        if said.exit != 0 {
            lost += 1;
            said.failed(Code::LoginLost);
            bank.renew_oddly("", &["--resume"]).json();
        }
        bank.assert_one_new_credential();
    }
    assert!(lost > 8, "{lost}");
}

/// What does not show is not gone.
#[test]
fn a_login_that_is_lost_hides_nothing() {
    hides_nothing("");
    hides_nothing(",state-refused");
}

fn hides_nothing(besides: &str) {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.odd("", &["request", "--out", "request.pem"]).json();
    let waiting = bank.soft.snapshot();
    for at in 1..60 {
        for arguments in [&["list"][..], &["pending"], &["abandon", "--yes"]] {
            let _ = std::fs::remove_file(bank.file("odd.log"));
            let said = bank.odd(&format!("reset-at={at}{besides}"), arguments);
            let was_reset = bank.noted("reset") > 0;
            match arguments[0] {
                "list" if said.exit == 0 => assert!(!said.stdout.contains("key_missing"), "{at}: {said:?}"),
                "pending" if said.exit == 0 => assert_eq!(said.json().as_array().unwrap().len(), 1, "{at}"),
                "abandon" if said.exit == 0 => {
                    bank.soft.snapshot().assert_same_as(&bank.before);
                    return;
                }
                _ => drop(said.failed(Code::LoginLost)),
            }
            assert!(was_reset || arguments[0] != "abandon", "{at}");
            // Of an abandoned pair the public half may be gone, never the private one alone.
            let private =
                |snapshot: &usbtoken_testkit::Snapshot| snapshot.of_class("CKO_PRIVATE_KEY").count();
            assert_eq!(private(&bank.soft.snapshot()), private(&waiting), "{at} {arguments:?}");
        }
    }
    panic!("no end");
}

/// Beside public certificates that cannot be renewed one that shows after the login only can.
#[test]
fn what_shows_after_the_login_counts_as_what_shows_before_it() {
    // The one that is seen: expired, not yet, renewable; its number of days. The other one can be renewed.
    for (seen, ambiguous) in [(-3, false), (300, false), (11, true)] {
        let bank = Bank::alone(Kind::P256, days_from_now(seen));
        bank.another(0xa1, 9);
        let before = bank.soft.snapshot();
        for command in
            [&["renew", "--issuer", &bank.issuer("")][..], &["request", "--out", "r.pem", "--overwrite"]]
        {
            let said = bank.odd("hides=0xa1", command);
            if ambiguous {
                let error = said.failed(Code::CredentialAmbiguous);
                assert!(error["facts"]["candidate"].to_string().contains("user a1"), "{error:#}");
                assert!(error["hint"].as_str().unwrap().contains("--id"), "{error:#}");
                bank.soft.snapshot().assert_same_as(&before);
            } else {
                let done = said.json();
                assert_eq!(
                    done["replaced"]["id"].as_str().or(done["replaces"]["id"].as_str()),
                    Some("a1"),
                    "{done:#}"
                );
                let _ = bank.odd("", &["abandon", "--yes"]);
            }
            if !ambiguous && command[0] == "renew" {
                break;
            }
        }
        let named =
            bank.odd("hides=0xa1", &["request", "--out", "r.pem", "--overwrite", "--force", "--id", "a1"]);
        assert_eq!(named.json()["replaces"]["id"], "a1");
    }

    // Without the PIN nobody says that there is none.
    let bank = Bank::alone(Kind::P256, days_from_now(-3));
    bank.another(0xa1, 9);
    let preflight = bank.oddly_without_pin("hides=0xa1", &["preflight"]).json();
    assert_eq!((&preflight["can_renew"], &preflight["looked_at"]), (&Value::Null, &"without_pin".into()));
    let preflight = bank.oddly_without_pin("hides=0xa1", &["preflight", "--id", "01"]);
    assert_eq!(preflight.printed()["can_renew"], false, "of that one it is known");
    let doctor = bank.oddly_without_pin("hides=0xa1", &["doctor"]).printed();
    let problems = doctor["problems"].to_string();
    assert!(problems.contains("more_after_login") && !problems.contains("blocker"), "{problems}");

    let bank = Bank::alone(Kind::P256, days_from_now(300));
    bank.another(0xa1, 9);
    let preflight = bank.odd("hides=0xa1", &["preflight"]).json();
    assert_eq!(
        (preflight["credential"]["id"].as_str(), preflight["can_renew"].as_bool()),
        (Some("a1"), Some(true))
    );
    // Two of them: nothing is guessed.
    bank.another(0xa2, 8);
    bank.odd("hides=0xa1", &["request", "--out", "r.pem"]).failed(Code::CredentialAmbiguous);
    // None at all: said after everything was read.
    let bank = Bank::alone(Kind::P256, days_from_now(-3));
    bank.odd("", &["request", "--out", "r.pem"]).failed(Code::Expired);
    // A copy of the same certificate is no second one.
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.soft.inspect(|inspector| inspector.write_certificate(&bank.old.certificate, &[0xa1], "copy"));
    bank.odd("hides=0xa1", &["request", "--out", "r.pem"]).json();
}

/// The token makes every certificate private: the renewal says so, and the next command still knows it.
#[test]
fn certificates_that_show_after_the_login_only_are_renewed_too() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let said = bank.renew_oddly("certificates-private", &[]).json();
    assert!(said["notices"].to_string().contains("certificate_private"), "{said:#}");
    let id = said["credential"]["id"].as_str().unwrap().to_owned();
    assert!(said["uri"].as_str().unwrap().contains(";id=%"), "{said:#}");
    let after = bank.soft.snapshot();

    assert_eq!(bank.renew_oddly("", &[]).json()["already_renewed"], true);
    bank.soft.snapshot().assert_same_as(&after);
    let request = ["request", "--force", "--id", &id, "--out", "again.pem"];
    let again = bank.odd("", &request).json();
    assert_eq!(again["replaces"]["id"].as_str(), Some(id.as_str()));
    bank.odd("", &["abandon", "--yes"]).json();
    bank.odd("", &["retire", "--yes", "--id", "01", "--trust-anchor", &bank.anchor()]).json();
    // None seen without the PIN is not none.
    let seen = bank.run_without_pin(&["list"]);
    assert_eq!(seen.json(), serde_json::json!([]));
    assert_eq!(bank.odd("", &["list"]).json().as_array().unwrap().len(), 1);
    let preflight = bank.odd("", &["preflight", "--force"]).json();
    assert_eq!(preflight["credential"]["id"].as_str(), Some(id.as_str()));
}

/// Handles change when an object goes, or the driver calls what it has just removed invalid: what was to go goes, and nothing
/// else.
#[test]
fn an_object_whose_handle_became_invalid_is_looked_for_again() {
    for ways in ["handles-change", "gone-is-invalid", "handles-change,gone-is-invalid"] {
        let bank = Bank::new();
        bank.odd(ways, &["renew", "--issuer", &bank.issuer("")]).json();
        bank.assert_one_new_credential();
        let retired = bank.odd(ways, &["retire", "--yes", "--id", "01", "--trust-anchor", &bank.anchor()]);
        assert_eq!(retired.exit, 0, "{ways}: {retired:?}");
        let now = bank.soft.snapshot();
        assert_eq!(now.with_id(&bank.old.id).count(), 0, "{ways}: {now:?}");
        assert_eq!(now.added_since(&bank.before).len(), 3);
        bank.assert_others_unchanged();

        let bank = Bank::new();
        bank.odd(ways, &["request", "--out", "request.pem"]).json();
        bank.odd(ways, &["abandon", "--yes"]).json();
        bank.soft.snapshot().assert_same_as(&bank.before);
    }
}

/// A denial that stays when the driver was started anew is believed, before anybody certifies the key.
#[test]
fn a_denial_that_lasts_does_not_pass_for_proof() {
    let bank = Bank::new();
    let renew = ["renew", "--require-proof", "proven", "--issuer", &bank.issuer("")];
    bank.odd("never-local", &renew).failed(Code::ProofInsufficient);
    bank.soft.snapshot().assert_same_as(&bank.before);
    // A key that can leave is refused as such.
    bank.odd("extractable", &renew).failed(Code::KeyExportable);
    bank.soft.snapshot().assert_same_as(&bank.before);
}

/// The process ended inside C_CreateObject: each command knows what is left, and goes on.
#[test]
fn half_a_certificate_is_cleared_and_written_again() {
    for half in ["dies-in-create=40", "dies-in-create=0"] {
        let stopped = || {
            let bank = Bank::new();
            let said = bank.odd(half, &["renew", "--issuer", &bank.issuer("")]);
            assert_eq!(said.exit, 86, "{said:?}");
            assert_eq!(bank.soft.snapshot().added_since(&bank.before).len(), 3, "with half a certificate");
            let pending = bank.run(&["pending"]).json();
            assert_eq!(pending[0]["state"], "awaiting_answer", "{pending:#}");
            assert_eq!(pending[0]["half_written"]["certificate"], true, "{pending:#}");
            bank
        };
        let bank = stopped();
        bank.run(&["resume", "--issuer", "false"]).json();
        bank.assert_one_new_credential();
        bank.assert_old_works();

        // On a token that takes no second certificate for a key, too, by overwriting or by refusing.
        for ways in ["one-certificate-per-key", "second-refused=0x31"] {
            let bank = stopped();
            let answer = bank.run(&["pending"]).json()[0]["answer_file"].as_str().unwrap().to_owned();
            bank.odd(ways, &["install", &answer]).json();
            bank.assert_one_new_credential();
        }

        let bank = stopped();
        bank.run(&["abandon", "--yes"]).json();
        bank.soft.snapshot().assert_same_as(&bank.before);
    }
}

/// The process ended inside C_GenerateKeyPair: the public half is lost, or half written. Two signatures tell it.
#[test]
fn a_key_without_its_public_half_goes_on_or_goes() {
    for kind in [Kind::P256, Kind::P384] {
        for (half, written) in [("dies-in-generate=1", false), ("dies-in-generate=2", true)] {
            let stopped = || {
                let bank = Bank::of(kind, days_from_now(11));
                assert_eq!(bank.odd(half, &["request", "--out", "request.pem"]).exit, 86);
                let pending = bank.run(&["pending"]).json();
                assert_eq!(pending[0]["state"], "awaiting_answer", "{pending:#}");
                assert_eq!(pending[0]["half_written"]["public_key"], written, "{pending:#}");
                bank
            };
            let bank = stopped();
            bank.run(&["resume", "--issuer", &bank.issuer("")]).json();
            bank.assert_old_works();
            let now = bank.soft.snapshot();
            let new: Vec<_> = now.added_since(&bank.before);
            let certificate = new.iter().find(|object| object.class == "CKO_CERTIFICATE").unwrap();
            let signature = bank.soft.sign(&certificate.id, b"new");
            assert!(verify_with_certificate(certificate.bytes("Value").unwrap(), b"new", &signature));

            let bank = stopped();
            let pending = bank.run(&["pending"]).json();
            bank.run(&["abandon", "--yes", "--id", pending[0]["id"].as_str().unwrap()]).json();
            bank.soft.snapshot().assert_same_as(&bank.before);
        }
    }
}

/// The token holds one certificate for a key: nobody is told that the old one was kept.
#[test]
fn a_certificate_that_was_overwritten_is_not_said_to_be_kept() {
    for (ways, replaced) in [("one-certificate-per-key", true), ("", false)] {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        let said = bank.odd(ways, &["renew", "--reuse-key", "--issuer", &bank.issuer("")]).json();
        let notices = said["notices"].to_string();
        assert_eq!(notices.contains("old_certificate_replaced"), replaced, "{notices}");
        assert_eq!(notices.contains("old_kept"), !replaced, "{notices}");
        let there = bank.soft.snapshot().of_class("CKO_CERTIFICATE").count();
        assert_eq!(there, if replaced { 1 } else { 2 });
    }
    // To remove the old one as well is no error then: it is gone.
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let renew = ["renew", "--reuse-key", "--retire-old", "--trust-anchor", &bank.anchor(), "--issuer"];
    let said = bank.odd("one-certificate-per-key", &[&renew[..], &[&bank.issuer("")]].concat()).json();
    assert_eq!(bank.soft.snapshot().of_class("CKO_CERTIFICATE").count(), 1, "{said:#}");
}

/// Software looks certificates up by issuer and serial number: a token that refuses something else is given these.
#[test]
fn a_token_that_takes_no_category_takes_issuer_and_serial_number() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.renew_oddly("category-refused", &[]).json();
    let now = bank.soft.snapshot();
    let new = now.added_since(&bank.before);
    let certificate = new.iter().find(|object| object.class == "CKO_CERTIFICATE").unwrap();
    for attribute in ["Issuer", "SerialNumber"] {
        assert!(certificate.bytes(attribute).is_some_and(|value| !value.is_empty()), "{certificate:?}");
    }
}

/// Key and certificate have one label: the key is known all the same.
#[test]
fn a_label_that_key_and_certificate_share_loses_no_job() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.renew_oddly("one-label-per-key", &[]).json();
    bank.assert_one_new_credential();
    assert_eq!(bank.odd("", &["pending"]).json(), serde_json::json!([]));
    let retire = ["retire", "--yes", "--id", "01", "--trust-anchor", &bank.anchor()];
    bank.odd("one-label-per-key", &retire).json();
    assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 0);
}

/// A driver that can be initialised once is not lost by a second search.
#[test]
fn a_driver_that_starts_once_is_asked_again() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.odd("starts-once", &["list"]).json();
    bank.odd("starts-once", &["wait", "--timeout", "5"]).json();
    // It waits first and lists then: the driver runs on in between.
    bank.odd("starts-once", &["list", "--wait", "5"]).json();
    let unseen = bank.odd("starts-once,no-flags=0x408,text-then-memory", &["preflight", "--id", "ff"]);
    unseen.failed(Code::CredentialNotFound);
}
