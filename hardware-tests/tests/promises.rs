//! The promises on throw-away tokens in SoftHSM. `cargo xtask tokens` runs them on other implementations.

use usbtoken_hardware_tests::{PROMISES, Target};
use usbtoken_testkit::Kind;

/// Keeps one promise on a fresh token.
fn keep(name: &str, kind: Kind) {
    let promise = PROMISES.iter().find(|one| one.name == name).expect("a promise of this name");
    (promise.keep)(&Target::soft(kind), &mut Vec::new());
}

#[test]
fn reading() {
    keep("reading", Kind::P256);
}

#[test]
fn renewal() {
    let mut renewed = Vec::new();
    let promise = PROMISES.iter().find(|one| one.name == "renewal").expect("the renewal");
    (promise.keep)(&Target::soft(Kind::Rsa2048), &mut renewed);
    assert_eq!((renewed.len(), renewed[0].logins, &*renewed[0].proof), (1, 1, "proven"), "{renewed:?}");
    assert!(renewed[0].calls > 20 && renewed[0].refused.is_empty(), "{renewed:?}");
}

#[test]
fn wrong_answers() {
    keep("wrong_answers", Kind::P256);
}

#[test]
fn abandoned() {
    keep("abandoned", Kind::P256);
}

#[test]
fn equal_ids() {
    keep("equal_ids", Kind::P256);
}

#[test]
fn killed() {
    keep("killed", Kind::P256);
}

#[test]
fn every_promise_is_kept_here() {
    let names: Vec<&str> = PROMISES.iter().map(|one| one.name).collect();
    assert_eq!(names, ["reading", "renewal", "wrong_answers", "abandoned", "equal_ids", "killed"]);
}
