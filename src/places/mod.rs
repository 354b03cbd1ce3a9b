//! Where the certificate is that is renewed: on the token, or elsewhere on this computer, from where the renewal goes onto the
//! token that the bank has sent (「USBトークンへの更新」).
//!
//! A place is read and never changed. The old private key is not needed, and is never opened.
//!
//! ```no_run
//! use usbtoken::places::{self, Password};
//! # use usbtoken::{Policy, Run, Session};
//! # fn onto(session: &Session) -> Result<(), usbtoken::Error> {
//! let password = Password::new("決めたパスワード");
//! let old = places::read_file("/home/user/旧証明書.p12".as_ref(), Some(&password))?.only()?;
//! let pending = usbtoken::Renewal::of(&old).begin(session, &Run::default())?;
//! # Ok(())
//! # }
//! ```
//!
//! Standards: RFC 7292 (PKCS#12), RFC 7468 (PEM).

mod file;
mod in_place;
mod nss;
mod old;
mod place;

pub use file::{MAX_FILE, read_bytes, read_file};
pub use in_place::InPlace;
pub use nss::{nss_profiles, read_nss};
pub use old::OldCertificate;
pub use place::Place;

use crate::error::Result;
use zeroize::Zeroizing;

/// Reads every place of this computer that is known without being named: the profiles of the user's browsers. No password is
/// asked for, and nothing is changed. A place that cannot be read is an error among the others.
pub fn on_this_computer() -> Vec<Result<InPlace>> {
    nss_profiles().iter().map(|profile| read_nss(profile, "")).collect()
}

/// The password of a file with a certificate. It is wiped when it goes, and is not shown.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// A password.
    pub fn new(password: impl Into<String>) -> Self {
        Password(Zeroizing::new(password.into()))
    }

    fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}
