//! What the unit tests share.
/// A certificate that `openssl req -x509` made.
pub(crate) const CERTIFICATE: &[u8] = include_bytes!("../tests/data/certificate.der");
