//! Which drivers and devices there are, and the one token that is meant.
//!
//! A [`Finder`] asks the drivers that a program names, or those that are known on this computer, side by
//! side: one that hangs holds up none of the others. [`devices`] tells what is on the USB ports, whatever drivers say.
//!
//! ```
//! use usbtoken::{Code, Finder};
//! # use usbtoken_testkit::SoftToken;
//! # let soft = SoftToken::fresh();
//! # let (driver, label) = (soft.module(), soft.label());
//!
//! let finder = Finder::new().module(driver);
//! let token = finder.find(&format!("pkcs11:token={label}").parse()?)?;
//! assert_eq!(token.identity().label, label);
//!
//! // What is not there is an error that lists what is.
//! let error = finder.find(&"pkcs11:token=OTHER".parse()?).unwrap_err();
//! assert_eq!(error.code(), Code::TokenNotFound);
//! # Ok::<(), usbtoken::Error>(())
//! ```
//!
//! Standards: RFC 7512 (PKCS#11 URIs), PKCS#11 v3.1 §5.5 (slots and tokens), p11-kit's configuration files.

mod ask;
pub mod candidates;
pub mod devices;
mod each;
pub(crate) mod finder;
mod late;
mod left;
mod meant;
pub mod p11kit;
mod polls;
mod wait;

pub(crate) use self::ask::{DriverTask, side_by_side};
pub use self::ask::{Loaded, Probed};
pub use self::each::each;
pub(crate) use self::finder::Finder;
pub use self::finder::{Found, Survey};
pub(crate) use self::late::Late;
pub use self::left::end_left_behind;
pub(crate) use self::meant::matches;
