//! driver

pub mod candidates;
pub mod catalogue;
pub mod image;
pub mod p11kit;
