//! What a renewal through C costs over the same from Rust, in PKCS#11 calls and logins. Time is for
//! `cargo bench -p usbtoken-ffi`.

mod common;

use common::both::{Both, renew_when_told_to};

/// Not a test by itself: the child that renews from Rust.
#[test]
fn renews_when_told_to() {
    renew_when_told_to();
}

#[test]
fn c_makes_the_same_pkcs11_calls_as_rust() {
    let rust = Both::set().calls("Rust");
    let c = Both::set().calls("C");
    assert_eq!(c, rust);
    assert_eq!(c.iter().filter(|name| *name == "C_Login").count(), 1);
    println!("PKCS#11 calls: {} from C, {} from Rust; one login each", c.len(), rust.len());
}
