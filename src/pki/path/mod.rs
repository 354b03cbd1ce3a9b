//! Whether a chain leads from a certificate to a trust anchor.

pub mod issuer;

use std::time::SystemTime;

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::certificate::Certificate;

/// Builds and verifies a path (RFC 5280 §6) from a leaf to one of the anchors, for client authentication.
///
/// `anchors` are the certificates of trusted CAs in DER; `answer` is searched for intermediates, in any order.
/// Revocation is not checked: the certificate was issued a moment ago.
///
/// # Errors
/// [`Code::ChainUntrusted`] with the reason in `Detail`; [`Code::CertificateUnreadable`] for an anchor that
/// cannot be read, [`Code::BadArgument`] when there is no anchor.
pub fn check_chain(
    leaf: &Certificate,
    answer: &[Certificate],
    anchors: &[impl AsRef<[u8]>],
    now: SystemTime,
) -> Result<()> {
    verify(leaf, answer, anchors, now).map_err(|error| error.during(Step::CheckCertificate))
}

fn verify(
    leaf: &Certificate,
    answer: &[Certificate],
    anchors: &[impl AsRef<[u8]>],
    now: SystemTime,
) -> Result<()> {
    let anchors: Vec<CertificateDer<'_>> =
        anchors.iter().map(|der| CertificateDer::from(der.as_ref())).collect();
    let anchors = anchors.iter().map(|der| {
        anchor_from_trusted_cert(der).map_err(|cause| {
            Error::new(Code::CertificateUnreadable).fact(Fact::Detail, &cause).caused_by(cause)
        })
    });
    let anchors = anchors.collect::<Result<Vec<_>>>()?;
    if anchors.is_empty() {
        return Err(Error::new(Code::BadArgument).fact(Fact::Detail, "no trust anchor"));
    }
    let intermediates: Vec<CertificateDer<'_>> = answer
        .iter()
        .filter(|certificate| *certificate != leaf)
        .map(|certificate| CertificateDer::from(certificate.der()))
        .collect();
    let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();

    let untrusted = |cause: webpki::Error| {
        let error = Error::new(Code::ChainUntrusted).fact(Fact::Subject, leaf.subject());
        error.fact(Fact::Candidate, leaf.issuer()).fact(Fact::Detail, &cause).caused_by(cause)
    };
    let der = CertificateDer::from(leaf.der());
    let certificate = EndEntityCert::try_from(&der).map_err(untrusted)?;
    certificate
        .verify_for_usage(
            ALL_VERIFICATION_ALGS,
            &anchors,
            &intermediates,
            UnixTime::since_unix_epoch(since_epoch),
            KeyUsage::client_auth(),
            None,
            None,
        )
        .map(|_| ())
        .map_err(untrusted)
}

#[cfg(test)]
mod tests;
