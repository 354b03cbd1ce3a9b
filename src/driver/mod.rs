//! Everything that speaks PKCS#11.
//!
//! A [`Finder`](crate::Finder) loads drivers and finds the one [`Token`] that is meant. A [`PublicSession`] reads it
//! without a PIN, a [`Session`] is logged in and may write. What comes out are values: identifiers, bytes, owned types.
//! Handles and `CK_` types stay inside, and `unsafe` stays in `raw`.

mod cancel;
mod ckr;
mod file;
mod lock;
mod module;
mod mutex;
mod raw;
mod session;
mod token;

pub use cancel::Cancel;
pub use file::Trust;
pub use module::{Module, ModuleInfo};
pub(crate) use mutex::lock;
pub use session::{
    Category, Evidence, Login, NewKeyPair, Pin, Proof, ProofLevel, PublicSession, Reservation, Session,
};
pub use session::{StoredCertificate, StoredKey, StoredPublicKey};
pub use token::quirks::Detail;
pub use token::{PinState, Token, TokenIdentity, TokenInfo};
