//! driver

pub mod image;
