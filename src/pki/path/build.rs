//! Putting chains together: from the leaf upwards, by names and by signatures.

use std::time::SystemTime;

use certval::compare_names;

use super::failure::Failure;
use super::link::{Anchor, Ca};
use super::signature::{Unverified, verify_signed_by};
use super::validate;
use crate::pki::certificate::Certificate;

/// How many CAs may stand between leaf and anchor. Real chains have one or two.
const MAX_CAS: usize = 8;

/// How many signatures are verified for one leaf: CAs that certify each other can be combined in very many ways.
const MAX_SIGNATURES: usize = 200;

/// A search for a chain that holds.
pub(super) struct Search<'s> {
    anchors: &'s [Anchor<'s>],
    cas: &'s [Ca<'s>],
    now: SystemTime,
    signatures_left: usize,
    failure: Option<Failure>,
}

impl<'s> Search<'s> {
    pub(super) fn new(anchors: &'s [Anchor<'s>], cas: &'s [Ca<'s>], now: SystemTime) -> Self {
        Search { anchors, cas, now, signatures_left: MAX_SIGNATURES, failure: None }
    }

    /// Whether a chain holds; if not, what says most about why.
    pub(super) fn find(mut self, leaf: &'s Ca<'s>) -> Result<(), Failure> {
        if self.reaches_anchor(&mut vec![leaf]) {
            return Ok(());
        }
        Err(self.failure.unwrap_or_else(|| Failure::NoIssuer(leaf.certificate.issuer().to_string())))
    }

    /// `chain` begins with the leaf.
    fn reaches_anchor(&mut self, chain: &mut Vec<&'s Ca<'s>>) -> bool {
        let Some(last) = chain.last().copied() else { return false };
        let mut known = false;
        for anchor in self.anchors {
            // What is to be trusted cannot be what makes it trusted.
            if !anchor.is_named(last.issuer()) || anchor.certificate == last.certificate {
                continue;
            }
            known = true;
            if self.signed(last, anchor.certificate) && self.holds(chain, anchor) {
                return true;
            }
        }
        for ca in self.cas {
            let seen = chain.iter().any(|link| link.certificate == ca.certificate);
            if seen || !compare_names(ca.subject(), last.issuer()) {
                continue;
            }
            known = true;
            if chain.len() > MAX_CAS {
                self.note(Failure::TooMany);
            } else if self.signed(last, ca.certificate) {
                chain.push(ca);
                if self.reaches_anchor(chain) {
                    return true;
                }
                chain.pop();
            }
        }
        if !known {
            self.note(Failure::NoIssuer(last.certificate.issuer().to_string()));
        }
        false
    }

    /// Whether a CA's key made the signature: a name alone is followed nowhere.
    fn signed(&mut self, link: &Ca<'_>, ca: &Certificate) -> bool {
        let Some(left) = self.signatures_left.checked_sub(1) else {
            self.note(Failure::TooMany);
            return false;
        };
        self.signatures_left = left;
        let subject = || link.certificate.subject().to_string();
        match verify_signed_by(link.certificate, ca.public_key()) {
            Ok(()) => return true,
            Err(Unverified::Invalid) => self.note(Failure::Signature(subject())),
            Err(Unverified::Unsupported(name)) => self.note(Failure::Unsupported(subject(), name)),
        }
        false
    }

    fn holds(&mut self, chain: &[&Ca<'_>], anchor: &Anchor<'_>) -> bool {
        validate::chain(chain, anchor, self.now).map_err(|failure| self.note(failure)).is_ok()
    }

    fn note(&mut self, failure: Failure) {
        self.failure = Some(match self.failure.take() {
            Some(earlier) => earlier.or(failure),
            None => failure,
        });
    }
}

/// The CAs above a certificate, as far as they are among these: each is named as the issuer of one below and its key made
/// that one's signature, or it may have, where the algorithm is not known here.
pub(crate) fn authorities_of<'a>(leaf: &Certificate, at_hand: &'a [Certificate]) -> Vec<&'a Certificate> {
    let Some(leaf) = Ca::of(leaf) else { return Vec::new() };
    let mut others: Vec<Ca<'a>> = at_hand.iter().filter(|one| one.is_ca()).filter_map(Ca::of).collect();
    let (mut above, mut signatures_left) = (Vec::new(), MAX_SIGNATURES);
    let mut below = vec![leaf];
    while let Some(one) = below.pop() {
        let mut issued = |ca: &mut Ca<'_>| {
            if !compare_names(ca.subject(), one.issuer()) || signatures_left == 0 {
                return false;
            }
            signatures_left -= 1;
            verify_signed_by(one.certificate, ca.certificate.public_key()) != Err(Unverified::Invalid)
        };
        let issuers: Vec<Ca<'a>> = others.extract_if(.., &mut issued).collect();
        above.extend(issuers.iter().map(|ca| ca.certificate));
        below.extend(issuers);
    }
    above
}
