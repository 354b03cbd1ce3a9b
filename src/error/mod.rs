//! What went wrong: one error type for the whole crate.
//!
//! An [`Error`] holds facts, no sentences: a stable [`Code`], the [`Step`] of the job during which it happened,
//! the PKCS#11 function with its return value, and values such as a path or the two sides of a comparison.
//! The sentences, in Japanese and English, and what the person should do next are in [`crate::text`].
//!
//! ```
//! use usbtoken::error::{Fact, Family};
//! use usbtoken::{Code, TokenUri};
//!
//! let error = "pkcs11:colour=red;token".parse::<TokenUri>().unwrap_err();
//! assert_eq!((error.code(), error.code().number(), error.code().family()), (Code::BadUri, 102, Family::Usage));
//! assert!(error.facts().any(|(fact, _)| fact == Fact::Found || fact == Fact::Detail));
//! ```
//!
//! Standards: the names of return values are those of PKCS#11 v3.1 §5.1.

pub(crate) mod code;
mod fact;
mod family;
mod notice;
mod numbered;
mod step;
pub(crate) mod value;
mod warning;

pub(crate) use self::code::Code;
pub use self::fact::Fact;
pub use self::family::Family;
pub use self::notice::{Notice, Point};
pub use self::step::Step;
pub use self::value::Call;
pub(crate) use self::value::{Error, Result};
pub use self::warning::Warning;
