//! What is there: nothing is changed on the token.

pub mod list;
pub mod pending;
pub mod preflight;
pub mod wait;
