//! Whether a certificate's signature was made with a CA's key: the one place that decides it.

use crate::pki::certificate::Certificate;
use crate::pki::key::public::PublicKey;
pub(in crate::pki) use crate::pki::key::verify::Unverified;

/// Verifies a certificate's signature with a CA's key, by the algorithm that stands beside the signature. Names, dates
/// and extensions are not examined.
pub(in crate::pki) fn verify_signed_by(certificate: &Certificate, ca: &PublicKey) -> Result<(), Unverified> {
    let signed = certificate.signed().ok_or(Unverified::Invalid)?;
    ca.verify_by(&signed.algorithm, signed.message, signed.signature)
}
