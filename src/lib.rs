//! usbtoken

pub mod code;
pub mod driver;
pub mod error;
pub mod pki;
pub mod renewal;
pub mod text;
pub mod uri;
pub mod usb;

pub use error::{Error, Result};
