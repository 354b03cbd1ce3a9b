//! Everything that speaks PKCS#11.
//!
//! A [`Finder`] loads drivers and finds the one [`Token`] that is meant. A [`PublicSession`] looks at it without
//! a PIN, a [`Session`] is logged in and may write. What comes out are values: identifiers, bytes, owned types.
//! Handles and `CK_` types stay inside, and `unsafe` stays in `raw`.

mod cancel;
pub mod candidates;
mod ckr;
mod evidence;
pub mod file;
mod finder;
mod keygen;
mod lock;
mod module;
mod object;
pub mod p11kit;
mod padded;
mod probe;
mod proof;
mod raw;
mod read;
mod session;
mod sign;
mod store;
mod token;
mod wait;

pub use crate::catalogue;
pub use cancel::Cancel;
pub use evidence::{Evidence, ProofLevel};
pub use file::Trust;
pub use finder::{Finder, Found, Survey};

pub use keygen::NewKeyPair;
pub use module::{Module, ModuleInfo};
pub use object::{StoredCertificate, StoredKey, StoredPublicKey};
pub(crate) use probe::{Job, side_by_side};
pub use probe::{Loaded, Probed};
pub use proof::Proof;
pub use session::{Login, Pin, PublicSession, Reservation, Session};
pub use store::Category;
pub use token::quirks::Detail;
pub use token::{PinState, Token, TokenIdentity, TokenInfo};
