//! What is told of a driver that ended: what it was in, once, and nothing that did not happen.

use std::error::Error as _;
use std::time::{Duration, Instant};

use usbtoken::error::{Fact, Step};
use usbtoken::{Cancel, Code, Error, Finder};
use usbtoken_testkit::softhsm_module;

use crate::bank;
use crate::common::facts;
use crate::ends::{driver, host, is_there};

/// A driver that ends before C_Login has had no PIN.
#[test]
fn a_pin_that_was_not_sent_has_not_counted() {
    for function in ["C_GetMechanismList", "C_GetMechanismInfo"] {
        for (way, code) in [("crash", Code::DriverCrashed), ("hang", Code::DriverTimeout)] {
            let bank = bank();
            let issuer = bank.issuer("");
            let renew = ["renew", "--driver-limit", "1", "--issuer", &issuer];
            let error = bank.run_hosted(&format!("{way}:{function}:1"), &renew).failed(code);
            assert_eq!(error["facts"]["function"][0], function, "{error:#}");
            assert!(!error.to_string().contains("pin_may_have_counted"), "{error:#}");
            assert!(!error.to_string().contains("--pin-corrected"), "{error:#}");
            assert!(bank.noted().iter().all(|(name, _)| name != "C_Login"), "{way} {function}");
            bank.soft.snapshot().assert_same_as(&bank.before);
            let said = bank.run_hosted("", &renew);
            assert_eq!(said.exit, 0, "{way} {function}: {said:?}");
            bank.assert_one_new_credential();
        }
    }
}

/// What hangs in a search is told with its function and its step, although the time of the search is over before that of the call; and
/// its process is ended then.
#[test]
fn a_search_names_the_function_that_hangs() {
    let hanging = [
        ("load", "C_GetFunctionList", Step::LoadDriver),
        ("C_GetFunctionList", "C_GetFunctionList", Step::LoadDriver),
        ("C_Initialize", "C_Initialize", Step::InitializeDriver),
        ("C_GetSlotList", "C_GetSlotList", Step::FindToken),
        ("C_GetTokenInfo", "C_GetTokenInfo", Step::FindToken),
    ];
    let bank = bank();
    let uri = bank.soft.uri().parse().unwrap();
    let finder = Finder::new().module(driver()).driver_host(host()).time_limit(Duration::from_secs(1));
    for (place, function, step) in hanging {
        let ways: [&dyn Fn() -> Error; 2] =
            [&|| finder.find(&uri).unwrap_err(), &|| finder.tokens().unwrap_err()];
        for way in ways {
            bank.ends(&format!("hang:{place}:1"));
            let begun = Instant::now();
            let error = way();
            assert_eq!((error.code(), error.step()), (Code::DriverTimeout, Some(step)), "{place}: {error}");
            assert_eq!(facts(&error, Fact::Function), [function], "{place}: {error}");
            assert_eq!(facts(&error, Fact::Limit), ["1 s"], "{place}: {error}");
            assert!(begun.elapsed() < Duration::from_secs(3), "{place}: {:?}", begun.elapsed());
            assert!(bank.hosts().into_iter().all(|process| !is_there(process)), "{place}");
        }
        bank.ends(&format!("hang:{place}:1"));
        let soon = Instant::now() + Duration::from_secs(1);
        let error = finder.wait(&uri, soon, &Cancel::new()).unwrap_err();
        let because = error.source().unwrap().to_string();
        assert!(because.contains(function) && because.contains(step.name()), "{place}: {because}");
        assert!(bank.hosts().into_iter().all(|process| !is_there(process)), "{place}");
    }
    // It is asked again, and not taken for one that hangs still.
    bank.ends("");
    finder.find(&uri).unwrap();
}

/// A crash is told once, with its function where programs search for it, and with no detail that is the library's own.
#[test]
fn a_crash_is_told_once() {
    let bank = bank();
    let error = bank.run_hosted("crash:C_GetTokenInfo:1", &["list"]).failed(Code::DriverCrashed);
    assert_eq!(error["function"], "C_GetTokenInfo", "{error:#}");
    // Beside one that works, and not for each of its slots.
    bank.ends("crash:C_GetTokenInfo:1");
    let found = bank.finder().module(softhsm_module()).tokens().unwrap();
    let skipped: Vec<Code> = found.skipped.iter().map(Error::code).collect();
    assert_eq!((found.tokens.len(), skipped), (1, vec![Code::DriverCrashed]));

    let issuer = bank.issuer("");
    for function in ["C_GenerateKeyPair", "C_CreateObject"] {
        let renew = ["renew", "--pin-corrected", "--issuer", &issuer];
        let error = bank.run_hosted(&format!("crash:{function}:1"), &renew).failed(Code::DriverCrashed);
        assert_eq!(error["function"], function, "{error:#}");
        assert_eq!(error["facts"]["detail"], serde_json::json!(["signal 11"]), "{error:#}");
    }
}
