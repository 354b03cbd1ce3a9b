//! Everything that speaks PKCS#11.
//!
//! A [`Finder`] loads drivers and finds the one [`Token`] that is meant. A [`PublicSession`] looks at it without
//! a PIN, a [`Session`] is logged in and may write. What comes out are values: identifiers, bytes, owned types.
//! Handles and `CK_` types stay inside, and `unsafe` stays in `raw`.

mod cancel;
pub mod candidates;
mod ckr;
pub mod file;
mod finder;
mod lock;
mod module;
pub mod p11kit;
mod padded;
mod probe;
mod raw;
mod session;
mod token;
mod wait;

pub use crate::catalogue;
pub use cancel::Cancel;
pub use file::Trust;
pub use finder::{Finder, Found, Survey};
pub use module::{Module, ModuleInfo};
pub(crate) use probe::{Job, side_by_side};
pub use probe::{Loaded, Probed};
pub use session::{
    Category, Evidence, Login, NewKeyPair, Pin, Proof, ProofLevel, PublicSession, Reservation, Session,
};
pub use session::{StoredCertificate, StoredKey, StoredPublicKey};
pub use token::quirks::Detail;
pub use token::{PinState, Token, TokenIdentity, TokenInfo};
