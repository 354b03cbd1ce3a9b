//! Who lets keys sign: relations are shown by signatures, and tests make up who signs.

use crate::driver::{Session, Signed, StoredKey, StoredPublicKey, Verified};
use crate::error::Result;
use crate::pki::PublicKey;

/// Lets keys sign: a session, or in tests something that pretends to be one.
pub(crate) trait Signer {
    /// Lets this key sign something fresh; the signature is verified with the public keys at hand until one fits.
    fn challenge(&self, key: &StoredKey, at_hand: &mut dyn Iterator<Item = &PublicKey>) -> Result<Signed>;

    /// What a public key object says of a signature, by that very handle.
    fn verified(&self, half: &StoredPublicKey, signed: &Signed) -> Result<Verified>;
}

impl Signer for Session {
    fn challenge(&self, key: &StoredKey, at_hand: &mut dyn Iterator<Item = &PublicKey>) -> Result<Signed> {
        Session::challenge(self, key, at_hand)
    }

    fn verified(&self, half: &StoredPublicKey, signed: &Signed) -> Result<Verified> {
        Session::verified(self, half, signed)
    }
}
