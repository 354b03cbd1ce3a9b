//! Everything that speaks PKCS#11.
//!
//! A [`Finder`](crate::Finder) loads drivers and finds the one [`Token`] that is meant. A [`PublicSession`] reads it
//! without a PIN, a [`Session`] is logged in and may write. What comes out are values: identifiers, bytes, owned types.
//! Handles and `CK_` types stay inside; each call goes through the crate `usbtoken-pkcs11`.

mod cancel;
mod ckr;
mod file;
mod lock;
mod module;
mod mutex;
mod session;
mod token;

pub use cancel::Cancel;
pub use file::Trust;
pub use module::{Module, ModuleInfo};
pub(crate) use mutex::lock;
#[cfg(test)]
pub(crate) use session::made_up;
pub use session::{
    Category, Evidence, Login, NewKeyPair, Pin, Proof, ProofLevel, PublicSession, Reservation, Session,
};
pub use session::{Label, StoredCertificate, StoredKey, StoredPublicKey};
pub(crate) use session::{Objects, Present, Removal, Signed, doubt};
pub use token::quirks::Detail;
pub use token::{PinState, Token, TokenIdentity, TokenInfo};
