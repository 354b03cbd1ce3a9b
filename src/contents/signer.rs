//! Who lets keys sign: relations are shown by signatures, and tests make up who signs.

use crate::driver::{Session, Signed, StoredKey};
use crate::error::Result;
use crate::pki::PublicKey;

/// Lets keys sign: a session, or in tests something that pretends to be one.
pub(crate) trait Signer {
    /// Lets this key sign something fresh; the signature is verified with the public keys at hand until one fits.
    fn challenge(&self, key: &StoredKey, at_hand: &mut dyn Iterator<Item = &PublicKey>) -> Result<Signed>;
}

impl Signer for Session {
    fn challenge(&self, key: &StoredKey, at_hand: &mut dyn Iterator<Item = &PublicKey>) -> Result<Signed> {
        Session::challenge(self, key, at_hand)
    }
}
