//! Values without a handle of their own, and the words for every number.

pub mod buffer;
pub mod error;
pub mod format;
pub mod hresult;
pub mod key_kind;
pub mod version;
pub mod warning;
pub(crate) mod words;
