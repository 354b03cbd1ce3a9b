//! The formats of a request.

/// usbtoken_renewal_request: PKCS#10 (RFC 2986), DER.
pub const USBTOKEN_FORMAT_DER: u32 = 1;
/// usbtoken_renewal_request: PKCS#10, PEM.
pub const USBTOKEN_FORMAT_PEM: u32 = 2;
/// usbtoken_renewal_request: CMS SignedData by the old key around the PKCS#10, DER. Needs
/// USBTOKEN_RENEW_SIGNED_BY_OLD_KEY.
pub const USBTOKEN_FORMAT_CMS_DER: u32 = 3;
/// usbtoken_renewal_request: the same, PEM.
pub const USBTOKEN_FORMAT_CMS_PEM: u32 = 4;
