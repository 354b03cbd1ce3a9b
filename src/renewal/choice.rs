//! Which certificate of a response is installed.

use crate::error::Result;
use crate::pki::{Certificate, PublicKey, Response};

/// Of the certificates for a key the one that passes the checks; of several that pass, the one that ends last. None
/// passes: what is wrong with the likeliest.
pub(super) fn passing<T>(
    response: &Response,
    found: Certificate,
    public: &PublicKey,
    check: impl Fn(&Certificate) -> Result<T>,
) -> Result<(Certificate, T)> {
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
