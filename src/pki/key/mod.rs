//! Keys: of which kind they are, the public half, and what a certificate allows them.

pub(super) mod kind;
pub(super) mod proof_level;
pub(super) mod public;
mod recovery;
mod same;
mod specified;
mod token_form;
pub(super) mod usage;
pub(super) mod verify;
mod within;
