//! usbtoken renews the certificate on the USB token that a bank gave its customer.

pub mod catalogue;
pub mod discovery;
pub mod doctor;
pub mod driver;
pub mod error;
pub mod pki;
pub mod renewal;
pub mod text;
pub mod uri;

pub use discovery::Finder;
pub use driver::{Login, Module, Pin, Proof, ProofLevel, Session, Token};
pub use error::code;
pub use error::{Error, Result};
pub use pki::{KeyKind, Name, Request, Window};
pub use renewal::{Credential, Credentials, Install, Installed, Pending, PendingKey, Renewal, Retired};
pub use uri::TokenUri;

/// Lower-case hexadecimal, two digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}
