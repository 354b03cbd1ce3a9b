//! Whether a public key object is the other half of a private key: what its attributes tell may be another object's value, so the token
//! verifies a signature with that very handle.

use super::Session;
use super::object::StoredPublicKey;
use super::sign::Signed;
use crate::driver::ckr::During as _;
use crate::error::{Result, Step};
use usbtoken_pkcs11::types::*;
use usbtoken_pkcs11::{Failure, ObjectHandle, Outcome};

/// What the token says of a signature with a public key object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verified {
    /// It takes the signature, and refuses one that was changed.
    Yes,
    /// It refuses the signature.
    No,
    /// It verifies nothing with this object, or takes everything.
    Unknown,
}

impl Session {
    /// Lets a public key object verify what a private key has signed.
    ///
    /// # Errors
    /// What C_VerifyInit and C_Verify return when it is the token that failed.
    pub(crate) fn verified(&self, half: &StoredPublicKey, signed: &Signed) -> Result<Verified> {
        self.verified_by(self.open_session().handle_of(half.place)?, signed)
    }

    pub(super) fn verified_by(&self, handle: ObjectHandle, signed: &Signed) -> Result<Verified> {
        let Some(made) = signed.made() else { return Ok(Verified::Unknown) };
        let open = self.open_session();
        let verify = |signature: &[u8]| {
            let (functions, session) = (open.functions(), open.handle());
            judged(functions.verify(session, made.mechanism, handle, &made.data, signature))
        };
        let mut changed = made.signature.clone();
        let middle = changed.len() / 2;
        changed.iter_mut().skip(middle).take(1).for_each(|byte| *byte ^= 1);
        match verify(&made.signature)? {
            Verified::Yes if verify(&changed)? != Verified::No => Ok(Verified::Unknown),
            said => Ok(said),
        }
    }
}

/// What an answer says; one that says nothing of the object is an error.
fn judged(answer: Outcome<()>) -> Result<Verified> {
    match answer {
        Ok(()) => Ok(Verified::Yes),
        // A key of another kind or size is another one.
        Err(Failure::Returned {
            rv:
                CKR_SIGNATURE_INVALID | CKR_SIGNATURE_LEN_RANGE | CKR_KEY_TYPE_INCONSISTENT | CKR_KEY_SIZE_RANGE,
            ..
        }) => Ok(Verified::No),
        Err(failure) => {
            let error = failure.during(Step::SignChallenge);
            if error.is_refusal() { Ok(Verified::Unknown) } else { Err(error) }
        }
    }
}
