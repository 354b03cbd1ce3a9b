//! What the library and the driver shim both know of PKCS#11, so that it is known once. No driver is loaded here.

pub mod names;
pub mod text;
pub mod types;
