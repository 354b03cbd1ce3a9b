//! The C ABI of usbtoken: what `include/usbtoken.h` declares.
//!
//! One file for each noun of the C interface, in the order of a job: what is there in [`find`], what is done on a token in
//! [`job`], values without a handle in [`values`], and one home for each thing that they share in [`base`]:
//!
//! | what | where |
//! |---|---|
//! | who owns what: handles, never addresses | `base::handle` |
//! | no panic and no error leaves but as a number | `base::boundary` |
//! | numbers, and the words that go with them | [`base::status`], `values::words` |
//! | an error with its texts | `base::details` |
//! | what comes in: pointers with lengths, structs with sizes | `base::args` |
//! | text that goes out, UTF-8 and UTF-16 | `base::text` |
//! | the caller's functions that we call | [`base::callbacks`] |
//! | the enrolment facade for pages | [`enroll`] |
//!
//! The header is generated from here by `cargo xtask header`: a documentation comment here is a comment there.
//! The rules that hold for every function stand once, at its head (`ffi/cbindgen.toml`).

#![allow(non_camel_case_types, reason = "the names are those of the C interface")]
#![allow(
    clippy::missing_safety_doc,
    reason = "what a caller has to keep to is the same for every function: the rules at the head of the header"
)]

pub mod base;
pub mod find;
pub mod job;
pub mod values;

// Last, so that it stands last in the header.
pub mod enroll;
