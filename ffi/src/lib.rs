//! The C ABI of usbtoken: what `include/usbtoken.h` declares.
//!
//! One file for each noun of the C interface ([`context`], [`mod@bank`], [`driver`], [`device`], [`diagnosis`], [`token`], [`session`], [`credential`], [`renewal`],
//! [`pending`], [`installed`], [`error`], [`buffer`]), and one home for each thing that they share:
//!
//! | what | where |
//! |---|---|
//! | who owns what: handles, never addresses | `handle` |
//! | no panic and no error leaves but as a number | `boundary` |
//! | numbers, and the words that go with them | [`status`], `words` |
//! | an error with its texts | `details` |
//! | what comes in: pointers with lengths, structs with sizes | `args` |
//! | text that goes out, UTF-8 and UTF-16 | `text` |
//! | the caller's functions that we call | [`callbacks`] |
//! | the enrolment facade for pages | [`enroll`] |
//!
//! The header is generated from here by `cargo xtask header`: a documentation comment here is a comment there.
//! The rules that hold for every function stand once, at its head (`ffi/cbindgen.toml`).

#![allow(non_camel_case_types, reason = "the names are those of the C interface")]
#![allow(
    clippy::missing_safety_doc,
    reason = "what a caller has to keep to is the same for every function: the rules at the head of the header"
)]

mod args;
pub mod bank;
mod boundary;
pub mod buffer;
pub mod callbacks;
pub mod context;
pub mod credential;
mod details;
pub mod device;
pub mod diagnosis;
pub mod driver;
pub mod enroll;
pub mod error;
mod handle;
pub mod installed;
pub mod key_kind;
mod lock;
pub mod pending;
pub mod preflight;
pub mod renewal;
pub mod session;
pub mod status;
mod text;
pub mod token;
pub mod version;
pub mod warning;
mod words;
