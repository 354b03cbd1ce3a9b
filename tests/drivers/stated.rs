//! What a token states of its PIN is told by the preflight, which forbids nothing.

use serde_json::Value;
use usbtoken::Code;
use usbtoken_testkit::{Kind, days_from_now};

use crate::common::Bank;

#[test]
fn what_is_stated_of_the_pin_is_told_before_it_is_asked_for() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let names = |preflight: &Value| -> Vec<String> {
        let points = preflight["points"].as_array().unwrap().iter();
        let mut names: Vec<String> = points.map(|one| one["point"].as_str().unwrap().to_owned()).collect();
        names.dedup();
        names
    };
    let usual = names(&bank.oddly_without_pin("", &["preflight"]).json());
    let rows = [
        ("", None),
        ("flags=0x100", Some("pin_pad_stated")),
        ("shortest-pin=12,longest-pin=16", Some("pin_length_stated")),
        ("shortest-pin=8,longest-pin=4", Some("pin_length_stated")),
        ("shortest-pin=1,longest-pin=3", Some("pin_length_stated")),
        ("shortest-pin=6,longest-pin=8", None),
    ];
    for (ways, told) in rows {
        let preflight = bank.oddly_without_pin(ways, &["preflight"]).json();
        assert_eq!(preflight["can_renew"], true, "{ways}");
        assert_eq!(of_pin(&preflight), told.into_iter().collect::<Vec<_>>(), "{ways}: {preflight:#}");
        // Nothing says beside it that all is well with the PIN.
        let points = preflight["points"].as_array().unwrap().iter();
        let fine = points.filter(|one| one["point"] == "pin_usable" && one["state"] == "ok").count();
        assert_eq!(fine, usize::from(told.is_none()), "{ways}: {preflight:#}");
        let mut others = names(&preflight);
        others.retain(|name| name != "pin_usable");
        assert!(others.iter().eq(usual.iter().filter(|name| *name != "pin_usable")), "{ways}: {preflight:#}");
    }
    // The PIN at hand is held against it, and its length is a hint that the login decides on.
    let length = bank.soft.pin().len() as u64 + 1;
    let ways = format!("shortest-pin={length},longest-pin=20");
    let preflight = bank.odd(&ways, &["preflight"]).json();
    assert!(of_pin(&preflight).contains(&"pin_length_stated"), "{preflight:#}");
    assert_eq!(preflight["stated_pin_length"], serde_json::json!([length, 20]));
    let preflight = bank.odd(&ways, &["preflight", "--pin-as-typed"]).json();
    assert!(of_pin(&preflight).iter().all(|name| *name != "pin_length_stated") || length > 8);
}

/// What a token states of its mechanisms is told with what it was held against; a refusal of the call decides.
#[test]
fn what_is_stated_of_the_mechanism_is_told() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    for (ways, name) in
        [("largest-key=192", "key_size_not_stated"), ("lists-not=0x1040", "mechanism_not_listed")]
    {
        let preflight = bank.oddly_without_pin(ways, &["preflight"]).json();
        let points = preflight["points"].as_array().unwrap().iter();
        let told: Vec<&Value> = points.filter(|one| one["point"] == "mechanism").collect();
        assert_eq!(told.len(), 1, "{ways}");
        assert_eq!(told[0]["notice"]["name"], name, "{ways}: {preflight:#}");
        let facts = &told[0]["notice"]["facts"];
        assert!(facts["token"].is_null() && facts["expected"][0] == "p256", "{ways}: {facts:#}");
    }
}

/// What was wrong at the pad was entered there: it says nothing of the PIN at hand, which is the way out where there is no pad.
#[test]
fn what_the_pad_refused_does_not_keep_the_pin_at_hand_out() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let ways = "flags=0x100,pad=0xa0";
    bank.odd(ways, &["list"]).failed(Code::PinIncorrect);
    bank.odd(ways, &["list", "--pin-as-typed"]).json();
    bank.odd("", &["list"]).json();
}

fn of_pin(preflight: &Value) -> Vec<&str> {
    let points = preflight["points"].as_array().unwrap().iter();
    points
        .filter(|one| one["point"] == "pin_usable")
        .filter_map(|one| one["notice"]["name"].as_str())
        .collect()
}

/// An error to a login that worked is no other: who is logged in says nothing of what was sent.
#[test]
fn an_error_to_a_login_is_no_login() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let answers = |more: &[&str]| bank.odd("login-answers=0x30", &[&["list"], more].concat());
    answers(&["--pin-corrected"]).failed(Code::PinUncertain);
    answers(&[]).failed(Code::PinWrongBefore);
}
