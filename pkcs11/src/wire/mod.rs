//! What travels between a program and its driver host: one message for each call, its bounds, and how it lies in bytes.

mod bytes;
mod flat;
#[cfg(target_os = "linux")]
pub(crate) mod frame;
pub(crate) mod message;

pub(crate) use bytes::Bytes;
pub(crate) use flat::Structure;
