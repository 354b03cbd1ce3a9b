//! Files of trust anchors.

use crate::error::{Code, Error, Fact, Result};
use crate::pki::asn1::pem;
use crate::pki::certificate::Certificate;
use crate::pki::response::Response;

/// The largest file of anchors: the bundle of all public CAs has a quarter of a MiB.
pub const MAX_ANCHORS: usize = 4 * 1024 * 1024;

/// Reads a file of trust anchors: one certificate in DER or PEM, a PKCS#7 file, or a bundle of PEM blocks such as
/// `ca-certificates.crt`. CRLs, keys and text between the blocks are passed over, and so is a certificate that cannot be
/// read.
///
/// # Errors
/// [`Code::AnchorUnusable`] when there is no certificate in it or it is larger than 4 MiB.
pub fn read_anchors(bytes: &[u8]) -> Result<Vec<Certificate>> {
    if bytes.len() > MAX_ANCHORS {
        let unusable = Error::new(Code::AnchorUnusable).fact(Fact::Limit, MAX_ANCHORS);
        return Err(unusable.fact(Fact::Found, bytes.len()));
    }
    let bundle = in_pem(&String::from_utf8_lossy(bytes));
    if !bundle.is_empty() {
        return Ok(bundle);
    }
    if let Ok(certificate) = Certificate::from_der(bytes) {
        return Ok(vec![certificate]);
    }
    match Response::parse(bytes) {
        Ok(answer) => Ok(answer.certificates().to_vec()),
        Err(error) => Err(Error::new(Code::AnchorUnusable).because_of(error)),
    }
}

fn in_pem(text: &str) -> Vec<Certificate> {
    // openssl's TRUSTED CERTIFICATE has settings behind the certificate.
    let certificate = |der: Vec<u8>| Certificate::from_der(Certificate::without_padding(&der)).ok();
    pem::decoded(text).filter_map(certificate).collect()
}
