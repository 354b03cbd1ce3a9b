//! Return values that a function cannot mean: no one is told of a wrong PIN, a full token or an expired certificate for them.

use serde_json::Value;
use usbtoken::Code;
use usbtoken_testkit::{Kind, days_from_now};

use crate::common::Bank;

/// In each a function returns, from then on, what belongs to another.
#[test]
fn a_value_counts_for_its_name_only_where_the_function_can_return_it() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let issuer = bank.issuer("");
    let renew = &["renew", "--issuer", &issuer][..];
    let request = &["request", "--out", "request.pem", "--overwrite"][..];
    let list = &["list"][..];
    let rows = [
        (renew, "C_Sign", "CKR_DEVICE_MEMORY", Code::TokenRefused),
        (renew, "C_Sign", "CKR_PIN_INCORRECT", Code::DeviceFault),
        (renew, "C_Sign", "CKR_PIN_LOCKED", Code::DeviceFault),
        (request, "C_SignInit", "CKR_ATTRIBUTE_TYPE_INVALID", Code::TokenRefused),
        (request, "C_SignInit", "CKR_TOKEN_WRITE_PROTECTED", Code::TokenRefused),
        (request, "C_GenerateKeyPair", "CKR_PIN_INCORRECT", Code::DeviceFault),
        (request, "C_GenerateKeyPair", "CKR_PIN_LEN_RANGE", Code::DeviceFault),
        (request, "C_GenerateKeyPair", "CKR_TOKEN_NOT_RECOGNIZED", Code::TokenRefused),
        (request, "C_GenerateKeyPair", "CKR_SESSION_COUNT", Code::TokenRefused),
        (list, "C_OpenSession", "CKR_PIN_INCORRECT", Code::DeviceFault),
        (list, "C_OpenSession", "CKR_DEVICE_MEMORY", Code::TokenRefused),
        (list, "C_OpenSession", "CKR_USER_NOT_LOGGED_IN", Code::TokenRefused),
        (list, "C_OpenSession", "CKR_KEY_SIZE_RANGE", Code::TokenRefused),
        (list, "C_FindObjectsInit", "CKR_ATTRIBUTE_TYPE_INVALID", Code::TokenRefused),
        (list, "C_FindObjectsInit", "CKR_DEVICE_MEMORY", Code::TokenRefused),
        (list, "C_FindObjectsInit", "CKR_PIN_LOCKED", Code::DeviceFault),
    ];
    for (command, function, value, code) in rows {
        let fault = format!("{function}:ckr={value},sticky");
        let error = bank.run_with_faults(&fault, command).failed(code);
        assert_misplaced(&error, function, value);
        bank.soft.snapshot().assert_same_as(&bank.before);
        // No wrong PIN was noted for it.
        bank.run(&["list"]).json();
    }
}

/// The old credential or what waits stays, and what is said is not of a key pair that nobody wanted to make.
#[test]
fn what_is_not_removed_says_nothing_of_templates_or_pins() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.run(&["request", "--out", "request.pem"]).json();
    let waiting = bank.soft.snapshot();
    for (value, code) in [
        ("CKR_ATTRIBUTE_READ_ONLY", Code::TokenRefused),
        ("CKR_TEMPLATE_INCONSISTENT", Code::TokenRefused),
        ("CKR_TOKEN_RESOURCE_EXCEEDED", Code::TokenRefused),
        ("CKR_USER_PIN_NOT_INITIALIZED", Code::DeviceFault),
        ("CKR_PIN_INCORRECT", Code::DeviceFault),
    ] {
        let fault = format!("C_DestroyObject:ckr={value},sticky");
        let error = bank.run_with_faults(&fault, &["abandon", "--yes"]).failed(code);
        assert_misplaced(&error, "C_DestroyObject", value);
        bank.soft.snapshot().assert_same_as(&waiting);
    }
    bank.run(&["abandon", "--yes"]).json();
    bank.soft.snapshot().assert_same_as(&bank.before);
}

/// The certificate is written on, with the answer that is at hand.
#[test]
fn what_is_not_written_for_another_reason_is_written_later() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.run(&["request", "--out", "request.pem"]).json();
    let waiting = bank.soft.snapshot();
    bank.write("answer.der", &bank.ca.issue_for(&bank.read("request.pem")).der());
    for (value, code) in [
        ("CKR_KEY_SIZE_RANGE", Code::TokenRefused),
        ("CKR_PIN_INCORRECT", Code::DeviceFault),
        ("CKR_USER_ANOTHER_ALREADY_LOGGED_IN", Code::TokenRefused),
        ("CKR_FUNCTION_REJECTED", Code::TokenRefused),
    ] {
        let fault = format!("C_CreateObject:ckr={value},sticky");
        let error = bank.run_with_faults(&fault, &["install", "answer.der"]).failed(code);
        assert_misplaced(&error, "C_CreateObject", value);
        bank.soft.snapshot().assert_same_as(&waiting);
    }
    bank.run(&["install", "answer.der"]).json();
    bank.assert_one_new_credential();
}

/// Where the PIN is sent for the signature, a token may examine it only when it signs: it was right at the login, so it is not
/// said to be wrong, and it is not sent again.
#[test]
fn a_pin_that_is_looked_at_when_the_token_signs_may_have_counted() {
    let bank = Bank::alone(Kind::Rsa2048, days_from_now(11));
    let request = ["request", "--out", "request.pem"];
    let error = bank.odd("asks,refuses-to-sign=0x1,refuses-with=0xa0", &request).failed(Code::PinUncertain);
    assert_eq!((&error["function"], &error["ckr"]), (&"C_Sign".into(), &"CKR_PIN_INCORRECT".into()));
    assert_eq!(bank.noted("login for a signature"), 1);
    bank.soft.snapshot().assert_same_as(&bank.before);
}

/// Function and value are named, and the words say that the name is no diagnosis.
fn assert_misplaced(error: &Value, function: &str, value: &str) {
    assert_eq!((&error["function"], &error["ckr"]), (&function.into(), &value.into()), "{error:#}");
    assert!(error["facts"]["reason"].to_string().contains("value_of_another_call"), "{error:#}");
    let next = error["next"].as_str().unwrap();
    for word in ["PIN", "expired", "emove", "protection", "size"] {
        assert!(!next.contains(word), "{error:#}");
    }
}

/// The pair is made, and the handles are those of keys that were there: these are neither relabelled, used nor destroyed. Ours is found
/// by its names, and where it has none, nothing is touched.
#[test]
fn a_key_that_was_there_is_not_taken_for_the_new_one() {
    let bank = Bank::new();
    for half in 1..=3 {
        let ways = format!("pair-of-others={half},others-id=1,never-local");
        let proven = ["request", "--require-proof", "proven", "--out", "request.pem", "--overwrite"];
        bank.odd(&ways, &proven).failed(Code::ProofInsufficient);
        bank.soft.snapshot().assert_same_as(&bank.before);
    }
    bank.odd("pair-of-others=3,others-id=1", &["renew", "--issuer", &bank.issuer("")]).json();
    bank.assert_old_works();
    bank.assert_others_unchanged();
    bank.assert_one_new_credential();

    let bank = Bank::new();
    let ways = "pair-of-others=3,others-id=240,pair-without=3:0x102";
    let error = bank.odd(ways, &["renew", "--issuer", "false"]).failed(Code::DriverMisbehaved);
    assert_eq!(error["facts"]["reason"][0], "handle_of_another_object", "{error:#}");
    bank.soft.snapshot().assert_keeps(&bank.before);
}
