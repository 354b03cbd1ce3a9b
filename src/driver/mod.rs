//! Everything that speaks PKCS#11.
//!
//! A [`Finder`](crate::Finder) loads drivers and finds the one [`Token`] that is meant. Without a PIN it tells its
//! certificates, a [`Session`] is logged in and may write. What comes out are values: identifiers, bytes, owned types.
//! Handles and `CK_` types stay inside; each call goes through the crate `usbtoken-pkcs11`.
//!
//! ```
//! use usbtoken::driver::PinState;
//! use usbtoken::{Code, Finder, Login, Pin};
//! # use usbtoken_testkit::SoftToken;
//! # let soft = SoftToken::fresh();
//! # let token = Finder::new().module(soft.module()).find(&soft.uri().parse()?)?;
//!
//! // The person sees this before a PIN is asked for; a wrong one is sent once and never again.
//! assert_eq!(token.info().pin_state, PinState::Usable);
//! let error = token.login(Login::with_pin(Pin::new(b"9999".to_vec()))).unwrap_err();
//! assert_eq!(error.code(), Code::PinIncorrect);
//! # Ok::<(), usbtoken::Error>(())
//! ```
//!
//! Standards: PKCS#11 v3.1, §3 (types), §4 (objects and attributes), §5 (functions), §5.6 (sessions and login).

pub(crate) mod cancel;
mod ckr;
pub(crate) mod file;
mod hosting;
mod lock;
mod module;
mod mutex;
pub(crate) mod session;
mod shortage;
pub(crate) mod token;

pub(crate) use cancel::Cancel;
pub use file::Trust;
pub(crate) use hosting::Hosting;
pub use hosting::Loading;
pub use lock::{LoginTurn, machine_lock_files};
pub use module::{Module, ModuleInfo};
pub(crate) use module::{Restart, call_now, give_up, is_busy};
pub(crate) use mutex::lock;
pub(crate) use session::Session;
#[cfg(test)]
pub(crate) use session::made_up;
pub use session::{AskPin, Evidence, PinChange, PinDoubt, PinRequest, Proof, PublicSession, Reservation};
pub(crate) use session::{
    Category, Label, LabelIs, NewKeyPair, Objects, Present, Removal, Signed, StoredCertificate, StoredKey,
    StoredPublicKey, Verified, doubt,
};
pub(crate) use token::quirks::AttributeSet;
pub(crate) use token::{InUse, Token};
pub use token::{PinState, TokenIdentity, TokenInfo};
pub use usbtoken_pkcs11::{Confinement, Deadlines};
pub(crate) use usbtoken_pkcs11::{Watch, watched};
