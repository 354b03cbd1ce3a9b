//! The C types and numbers of PKCS#11.

pub use pkcs11_sys::*;
