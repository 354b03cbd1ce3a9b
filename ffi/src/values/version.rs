//! Which version this is.

use std::ffi::c_char;

use crate::base::boundary;

/// The version of the interface: each release that adds something raises it by one, and the first release has 1. What is there stays
/// as it is while the major version of the shared library (its soname) stays.
pub const USBTOKEN_ABI_VERSION: u32 = 1;
/// The library's version: major.
pub const USBTOKEN_VERSION_MAJOR: u32 = 0;
/// The library's version: minor.
pub const USBTOKEN_VERSION_MINOR: u32 = 1;
/// The library's version: patch.
pub const USBTOKEN_VERSION_PATCH: u32 = 0;

/// The version of the interface that the loaded library has: at least the USBTOKEN_ABI_VERSION of the header
/// that a program was compiled with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_abi_version() -> u32 {
    boundary::plain(0, || Some(USBTOKEN_ABI_VERSION))
}

/// The version of the loaded library, such as "0.1.0".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_macros_say_what_cargo_says() {
        let macros = format!("{USBTOKEN_VERSION_MAJOR}.{USBTOKEN_VERSION_MINOR}.{USBTOKEN_VERSION_PATCH}");
        assert_eq!(macros, env!("CARGO_PKG_VERSION"));
    }
}
