//! Whether a new certificate comes from the CA that issued the old one.
//!
//! A name proves nothing: any CA can write any issuer. What is compared are keys, as far as CA certificates are at
//! hand. That is less than a path (RFC 5280 §6), which [`check_chain`](super::check_chain) follows to an anchor.

use std::fmt;

use serde::Serialize;

use super::signature::{Unverified, verify_signed_by};
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::certificate::Certificate;

/// Who issued a certificate, compared with the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IssuerContinuity {
    /// A valid chain leads from the new one to an anchor that was given.
    VerifiedByAnchor,
    /// One CA key verifies the signatures of both.
    SameIssuer,
    /// It could not be told: a CA certificate is not at hand, or the CA has a new key under its old name.
    NotChecked,
    /// The new one comes from a CA of another name, with another key.
    AnotherIssuer,
}

impl IssuerContinuity {
    /// Every value.
    pub const ALL: &'static [IssuerContinuity] = &[
        IssuerContinuity::VerifiedByAnchor,
        IssuerContinuity::SameIssuer,
        IssuerContinuity::NotChecked,
        IssuerContinuity::AnotherIssuer,
    ];

    /// Whether it is shown that the new certificate comes from where it should. Nothing old is removed otherwise.
    pub(crate) const fn is_shown(self) -> bool {
        matches!(self, IssuerContinuity::VerifiedByAnchor | IssuerContinuity::SameIssuer)
    }
}

/// The stable snake_case name, as it is serialized.
impl fmt::Display for IssuerContinuity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IssuerContinuity::VerifiedByAnchor => "verified_by_anchor",
            IssuerContinuity::SameIssuer => "same_issuer",
            IssuerContinuity::NotChecked => "not_checked",
            IssuerContinuity::AnotherIssuer => "another_issuer",
        })
    }
}

/// Compares the issuers of two certificates by the keys of the CA certificates that are at hand, in any order and
/// from wherever: a key counts only when it verifies the old one's signature.
///
/// # Errors
/// [`Code::IssuerSignatureInvalid`] when the CA certificate that the new one names by issuer and key identifier
/// (RFC 5280 §4.2.1.1) is at hand and its key does not verify the signature.
pub(crate) fn issuer_continuity<'a>(
    new: &Certificate,
    old: Option<&Certificate>,
    at_hand: impl IntoIterator<Item = &'a Certificate>,
) -> Result<IssuerContinuity> {
    let others = |one: &&Certificate| *one != new && Some(*one) != old;
    let at_hand: Vec<&Certificate> = at_hand.into_iter().filter(others).collect();
    if is_forged(new, &at_hand) {
        return Err(Error::new(Code::IssuerSignatureInvalid)
            .during(Step::CheckCertificate)
            .fact(Fact::Subject, new.subject())
            .fact(Fact::Candidate, new.issuer()));
    }
    let Some(old) = old else { return Ok(IssuerContinuity::NotChecked) };
    let signed_both = |ca: &&&Certificate| verifies(old, ca) == Some(true) && verifies(new, ca) == Some(true);
    Ok(if at_hand.iter().any(|ca| signed_both(&ca)) {
        IssuerContinuity::SameIssuer
    } else if old.issuer().matches(new.issuer()) {
        IssuerContinuity::NotChecked
    } else {
        IssuerContinuity::AnotherIssuer
    })
}

/// Whether the CA certificate whose key verifies the old one is at hand, and no such key verifies the new one: whatever
/// the names say, the new one comes from elsewhere.
pub(crate) fn another_key_issued<'a>(
    new: &Certificate,
    old: &Certificate,
    at_hand: impl IntoIterator<Item = &'a Certificate>,
) -> bool {
    let mut issued_old = at_hand.into_iter().filter(|ca| verifies(old, ca) == Some(true)).peekable();
    issued_old.peek().is_some() && issued_old.all(|ca| verifies(new, ca) == Some(false))
}

/// Whether the CA certificate that a certificate names is at hand and did not sign it. Of several of that name and
/// key identifier one that did is enough.
fn is_forged(certificate: &Certificate, at_hand: &[&Certificate]) -> bool {
    let Some(key_id) = certificate.authority_key_id() else { return false };
    let named = at_hand
        .iter()
        .filter(|ca| ca.subject_key_id() == Some(key_id) && ca.subject().matches(certificate.issuer()));
    let verdicts: Vec<Option<bool>> = named.map(|ca| verifies(certificate, ca)).collect();
    !verdicts.is_empty() && verdicts.iter().all(|verdict| *verdict == Some(false))
}

/// Whether the signature of a certificate verifies with a CA's key; `None` for algorithms that are not known here.
fn verifies(certificate: &Certificate, ca: &Certificate) -> Option<bool> {
    match verify_signed_by(certificate, ca.public_key()) {
        Ok(()) => Some(true),
        Err(Unverified::Invalid) => Some(false),
        Err(Unverified::Unsupported(_)) => None,
    }
}

#[cfg(test)]
mod tests;
