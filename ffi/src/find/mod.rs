//! What is there: drivers, devices, tokens, and why there is none.

pub mod bank;
pub mod context;
pub mod device;
pub mod diagnosis;
pub mod driver;
pub mod hosting;
pub(crate) mod origin;
pub mod overview;
pub mod token;
