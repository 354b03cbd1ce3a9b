//! Numbers to names and back.

pub(crate) use usbtoken_pkcs11::names::*;
