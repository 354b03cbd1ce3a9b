//! Kinds of keys.

use usbtoken::Result;
use usbtoken::pki::KeyKind;

use crate::base::args;

/// A kind of key: the old one's kind; for a first certificate, RSA 2048.
pub const USBTOKEN_KEY_AS_OLD: u32 = 0;
/// A kind of key: RSA, 2048 bits.
pub const USBTOKEN_KEY_RSA_2048: u32 = 1;
/// A kind of key: RSA, 3072 bits.
pub const USBTOKEN_KEY_RSA_3072: u32 = 2;
/// A kind of key: RSA, 4096 bits.
pub const USBTOKEN_KEY_RSA_4096: u32 = 3;
/// A kind of key: NIST P-256.
pub const USBTOKEN_KEY_P256: u32 = 4;
/// A kind of key: NIST P-384.
pub const USBTOKEN_KEY_P384: u32 = 5;

/// The kind of key of that number; `None` for the default.
pub(crate) fn key_kind(number: u32) -> Result<Option<KeyKind>> {
    Ok(Some(match number {
        USBTOKEN_KEY_AS_OLD => return Ok(None),
        USBTOKEN_KEY_RSA_2048 => KeyKind::Rsa2048,
        USBTOKEN_KEY_RSA_3072 => KeyKind::Rsa3072,
        USBTOKEN_KEY_RSA_4096 => KeyKind::Rsa4096,
        USBTOKEN_KEY_P256 => KeyKind::P256,
        USBTOKEN_KEY_P384 => KeyKind::P384,
        _ => return Err(args::bad("key_kind", "unknown_value")),
    }))
}
