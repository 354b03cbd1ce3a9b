//! Whether a chain leads from a certificate to a trust anchor, by RFC 5280 §6.
//!
//! The chains are put together here ([`build`]) and each is judged by the crate `certval` ([`validate`]): names as §7.1
//! compares them, dates, policies, name constraints, path lengths, key usages, critical extensions. Signatures are
//! verified by our own code ([`signature`]), which knows RSA, ECDSA and Ed25519 in more forms and names what it does not
//! know. Where this differs from the standard or from openssl is said in `docs/chains.md`.

mod anchors;
mod build;
mod failure;
mod link;
mod restate;
pub(in crate::pki) mod signature;
mod validate;

pub(super) mod issuer;

use std::time::SystemTime;

use self::build::Search;
use self::failure::Failure;
use self::link::{Anchor, Ca};
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::certificate::Certificate;

pub use self::anchors::{MAX_ANCHORS, read_anchors};
pub(crate) use self::build::authorities_of;

/// Builds and verifies a path (RFC 5280 §6) from a leaf to one of the anchors, for client authentication.
///
/// `anchors` are the certificates of trusted CAs; `answer` is searched for intermediates, in any order. The leaf's
/// own purposes and usages are judged apart ([`Check`](super::Check)). Revocation is not checked: the
/// certificate was issued a moment ago.
///
/// # Errors
/// [`Code::ChainUntrusted`] with the reason in `Reason`; [`Code::ChainAlgorithmUnsupported`] where everything that
/// speaks against the chain is a signature that cannot be verified here, with its name in `Algorithm`;
/// [`Code::BadArgument`] when there is no anchor.
pub fn check_chain(
    leaf: &Certificate,
    answer: &[Certificate],
    anchors: &[Certificate],
    now: SystemTime,
) -> Result<()> {
    verify(leaf, answer, anchors, now).map_err(|error| error.during(Step::CheckCertificate))
}

fn verify(
    leaf: &Certificate,
    answer: &[Certificate],
    anchors: &[Certificate],
    now: SystemTime,
) -> Result<()> {
    if anchors.is_empty() {
        return Err(Error::new(Code::BadArgument).fact(Fact::Reason, "no_anchor"));
    }
    let anchors: Vec<Anchor<'_>> = anchors.iter().filter_map(Anchor::of).collect();
    let cas: Vec<Ca<'_>> = answer.iter().filter(|ca| *ca != leaf).filter_map(Ca::of).collect();
    let found = match Ca::of(leaf) {
        Some(leaf) => Search::new(&anchors, &cas, now).find(&leaf),
        None => Err(Failure::Unreadable),
    };
    found.map_err(|failure| failure.into_error(leaf))
}

#[cfg(test)]
mod tests;
