//! What went wrong: one error type for the whole crate.
//!
//! An [`Error`] holds facts, no sentences: a stable [`Code`], the [`Step`] of the job during which it happened,
//! the PKCS#11 function with its return value, and values such as a path or the two sides of a comparison.
//! The sentences, in Japanese and English, and what the person should do next are in [`crate::text`].

pub(crate) mod code;
mod fact;
mod notice;
mod numbered;
mod step;
pub(crate) mod value;
mod warning;

pub(crate) use self::code::Code;
pub use self::code::Family;
pub use self::fact::Fact;
pub use self::notice::{Notice, Point};
pub use self::step::Step;
pub use self::value::Call;
pub(crate) use self::value::{Error, Result};
pub use self::warning::Warning;
