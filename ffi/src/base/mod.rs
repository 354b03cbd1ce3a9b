//! What every noun of the interface stands on: handles, the boundary, what comes in, texts that go out.

pub(crate) mod args;
pub(crate) mod boundary;
pub mod callbacks;
mod cancellation;
pub(crate) mod details;
pub(crate) mod handle;
pub(crate) mod lock;
pub(crate) mod orders;
pub mod status;
pub(crate) mod text;
