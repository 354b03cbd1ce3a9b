//! The promises on throw-away tokens in SoftHSM. `cargo xtask tokens` runs them on other implementations.

use usbtoken_hardware_tests::{LoggedIn, PROMISES, Report, Target};
use usbtoken_testkit::Kind;

/// Keeps one promise on a fresh token.
fn keep(name: &str, kind: Kind) -> Report {
    let promise = PROMISES.iter().find(|one| one.name == name).expect("a promise of this name");
    let mut report = Report::default();
    (promise.keep)(&Target::soft(kind), &mut report);
    report
}

#[test]
fn reading() {
    keep("reading", Kind::P256);
}

#[test]
fn renewal() {
    let renewed = keep("renewal", Kind::Rsa2048).renewed;
    assert_eq!((renewed.len(), renewed[0].logins, &*renewed[0].proof), (1, 1, "proven"), "{renewed:?}");
    assert!(renewed[0].calls > 20 && renewed[0].refused.is_empty(), "{renewed:?}");
}

#[test]
fn login() {
    let text = str::to_owned;
    for (kind, tls12, tls13) in [
        (Kind::P256, "CKM_ECDSA", "CKM_ECDSA"),
        (Kind::Rsa2048, "CKM_SHA256_RSA_PKCS", "CKM_SHA256_RSA_PKCS_PSS"),
    ] {
        let signed = LoggedIn { kind: kind.to_string(), tls12: text(tls12), tls13: text(tls13) };
        assert_eq!(keep("login", kind).logins, [signed]);
    }
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
fn equal_ids_removed() {
    for kind in [Kind::P256, Kind::Rsa2048] {
        keep("equal_ids_removed", kind);
    }
}

#[test]
fn alike() {
    for kind in [Kind::P256, Kind::Rsa2048] {
        keep("alike", kind);
    }
}

#[test]
fn killed() {
    keep("killed", Kind::P256);
}

#[test]
fn every_promise_is_kept_here() {
    let names: Vec<&str> = PROMISES.iter().map(|one| one.name).collect();
    assert_eq!(
        names,
        [
            "reading",
            "renewal",
            "login",
            "wrong_answers",
            "abandoned",
            "equal_ids",
            "equal_ids_removed",
            "alike",
            "killed"
        ]
    );
}
