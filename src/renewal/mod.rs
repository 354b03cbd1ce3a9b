//! The renewal: a transaction whose only state is on the token.
//!
//! 1. [`Token::credentials`](crate::Token::credentials) lists what is there, without a PIN.
//! 2. [`Renewal::preflight`] says, before anyone is asked for a PIN, whether it can work.
//! 3. [`Renewal::begin`] makes a key pair, proves it and signs the request. From here on the token holds a
//!    *pending key*: a private key with our record. The program may end.
//! 4. [`Install`](crate::Install) finds the pending key that the certificate belongs to, checks the certificate, writes
//!    it, reads it back and lets the new key sign.
//! 5. [`Session::retire`](crate::Session::retire) removes the old credential, if the bank wants that, and only after its
//!    successor has signed.
//!
//! The old credential is not touched before step 5, so it works whatever happens in between.
//! [`Session::pending`](crate::Session::pending) finds what an interrupted run left, to be resumed
//! ([`Renewal::resume`]) or abandoned ([`Session::abandon`](crate::Session::abandon)).
//!
//! What is demanded in all of these steps is one [`Policy`](crate::Policy); how each call runs is a [`Run`].
//!
//! ```
//! use usbtoken::renewal::PointResult;
//! # use std::time::SystemTime;
//! # use usbtoken::{Finder, Run};
//! # use usbtoken_testkit::{Kind, SoftToken, TestCa, days_from_now};
//! # let (bank, ca) = (SoftToken::fresh(), TestCa::new());
//! # bank.first_credential(&ca, Kind::P256, days_from_now(300));
//! # let token = Finder::new().module(bank.module()).find(&bank.uri().parse()?)?;
//!
//! // Too early: the list says so before anyone is asked for a PIN.
//! let old = token.credentials()?.only()?;
//! let preflight = usbtoken::Renewal::of(&old).preflight(&token, &Run::default());
//! assert!(!preflight.can_begin());
//! for point in &preflight.points {
//!     if let PointResult::Blocker(error) = &point.state {
//!         println!("{}: {error}", point.point.sentence(usbtoken::text::Lang::Ja));
//!     }
//! }
//! # Ok::<(), usbtoken::Error>(())
//! ```
//!
//! Standards: PKCS#11 v3.1 (§5.6 sessions, §4 objects), RFC 2986 (requests), RFC 5280 (certificates), MS-WCCE §3.1.1.4.3.2.1
//! (requests signed by the old key). `docs/transaction.md` says what is promised when.

mod abandon;
mod begin;
mod clock;
mod confirmation;
pub(crate) mod install;
mod installation;
mod known;
#[cfg(test)]
mod made_up;
pub(crate) mod pending;
mod preflight;
#[expect(clippy::module_inception, reason = "the folder is the transaction, the file what is wanted of it")]
pub(crate) mod renewal;
mod retire;
pub(crate) mod run;
#[cfg(test)]
mod verified;
mod write;

pub(crate) use crate::contents::Credential;
pub use crate::contents::{
    BegunBy, Caller, HalfWritten, KeyState, PendingKey, PendingState, Renewable, Renewed, StoredCopy,
    Successor, Unreadable, WhyUnreadable,
};
pub use clock::{Clock, clock_doubt};
pub use confirmation::Confirmation;
pub use installation::{BegunAbandonment, BegunRemoval, Installation, KeptRequest};
pub use preflight::{BeforeLogin, PointResult, Preflight, PreflightPoint};
pub(crate) use renewal::Renewal;
pub use retire::{Retire, Retired};
pub(crate) use run::Run;
pub use run::{Progress, SignByOldKey};
