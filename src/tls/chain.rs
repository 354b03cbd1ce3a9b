//! The certificates that a client shows.

use rustls::pki_types::CertificateDer;

use crate::contents::Credential;
use crate::pki::{Certificate, authorities_of};

/// The certificate and the CAs above it that are known, without those that are their own issuer: a server has them
/// (RFC 8446 §4.4.2).
pub(crate) fn chain(credential: &Credential, known: &[Certificate]) -> Vec<CertificateDer<'static>> {
    let leaf = credential.certificate();
    let mut at_hand: Vec<Certificate> = Vec::new();
    for one in credential.authorities().iter().chain(known) {
        if !at_hand.contains(one) {
            at_hand.push(one.clone());
        }
    }
    let above = authorities_of(leaf, &at_hand);
    let above = above.into_iter().filter(|ca| ca.subject() != ca.issuer());
    [leaf].into_iter().chain(above).map(|one| CertificateDer::from(one.der().to_vec())).collect()
}
