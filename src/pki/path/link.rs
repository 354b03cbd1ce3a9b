//! The links of a chain.

use certval::{PDVCertificate, PDVTrustAnchorChoice, compare_names, get_trust_anchor_name};
use x509_cert::name::Name;

use super::restate::{restated, restated_anchor};
use crate::pki::certificate::Certificate;

/// A certificate as it came, and as `certval` reads it.
pub(super) struct Ca<'a> {
    pub certificate: &'a Certificate,
    pub decoded: PDVCertificate,
}

/// A trust anchor as it came, and as `certval` reads it.
pub(super) struct Anchor<'a> {
    pub certificate: &'a Certificate,
    pub decoded: PDVTrustAnchorChoice,
}

impl<'a> Ca<'a> {
    /// `None` for a certificate that `certval` does not read: it cannot be a link of a chain.
    pub(super) fn of(certificate: &'a Certificate) -> Option<Self> {
        let der = restated(certificate.der()).ok()?;
        let decoded = PDVCertificate::try_from(&der[..]).ok()?;
        Some(Ca { certificate, decoded })
    }

    pub(super) fn subject(&self) -> &Name {
        self.decoded.decoded().tbs_certificate().subject()
    }

    pub(super) fn issuer(&self) -> &Name {
        self.decoded.decoded().tbs_certificate().issuer()
    }
}

impl<'a> Anchor<'a> {
    /// `None` for a certificate that `certval` does not read.
    pub(super) fn of(certificate: &'a Certificate) -> Option<Self> {
        let der = restated_anchor(certificate.der()).ok()?;
        let decoded = PDVTrustAnchorChoice::try_from(&der[..]).ok()?;
        Some(Anchor { certificate, decoded })
    }

    pub(super) fn is_named(&self, name: &Name) -> bool {
        get_trust_anchor_name(self.decoded.decoded()).is_ok_and(|own| compare_names(own, name))
    }
}
