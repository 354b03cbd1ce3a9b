//! Which certificate of a response is installed, and why none is.

use super::pending::PendingKey;
use crate::error::{Error, Result};
use crate::pki::{Certificate, PublicKey, Response, Skipped};

/// Of the certificates for a key the one that passes the checks; of several that pass, the one that ends last. None
/// passes: what is wrong with the likeliest. Where a certificate is on the token already, it is that one.
pub(super) fn passing<T>(
    response: &Response,
    found: Certificate,
    key: &PendingKey,
    public: &PublicKey,
    check: impl Fn(&Certificate) -> Result<T>,
) -> Result<(Certificate, T)> {
    if key.certificate.is_some() {
        return check(&found).map(|checked| (found, checked));
    }
    let mut first_error = None;
    for leaf in response.leaves_for(public) {
        match check(leaf) {
            Ok(checked) => return Ok((leaf.clone(), checked)),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    match first_error {
        Some(error) => Err(error),
        None => check(&found).map(|checked| (found, checked)),
    }
}

/// Why a response without a certificate for the key may have had one: what the CA says of its decision, or a part
/// that could not be read.
pub(super) fn what_is_missing(response: &Response) -> Option<Error> {
    let lost = || response.skipped().iter().find(|skipped| skipped.is_loss());
    response.decision().or_else(|| lost().map(Skipped::to_error))
}
