//! What a renewal through C costs over the same from Rust, and over the least that a C program by hand can do, in PKCS#11
//! calls and logins. Time is for `cargo bench -p usbtoken-ffi`.

mod common;

use common::ways::{Programs, Way, renew_when_told_to};

/// Not a test by itself: the child that renews from Rust.
#[test]
fn renews_when_told_to() {
    renew_when_told_to();
}

#[test]
fn c_makes_the_same_pkcs11_calls_as_rust() {
    let programs = Programs::compile();
    let [limit, rust, c] = Way::ALL.map(|way| programs.calls(way));
    assert_eq!(c, rust);
    for calls in [&limit, &rust, &c] {
        assert_eq!(calls.iter().filter(|name| *name == "C_Login").count(), 1);
    }
    // docs/calls.md says what the others are for.
    assert_eq!(limit.len(), 17, "{limit:?}");
    println!("PKCS#11 calls: {} from C and Rust, {} at least; one login each", c.len(), limit.len());
}
