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
mod other_token;
mod place;
mod windows;

pub use file::{MAX_FILE, read_bytes, read_file};
pub use in_place::InPlace;
pub use nss::{nss_profiles, read_nss};
pub use old::OldCertificate;
pub use other_token::read_token;
pub use place::Place;
pub use windows::read_windows;

use crate::driver::Loading;
use crate::error::{Code, Error, Fact, Result, Step};
use zeroize::Zeroizing;

/// Reads a place of this computer. A password is used for PKCS#12 files alone; a browser's profile is read by a driver, which is
/// loaded in this way.
///
/// # Errors
/// As [`read_file`], [`read_nss`] and [`read_windows`]; [`Code::PlaceUnsupported`] for a token, which has to be found first
/// ([`read_token`]), and for what the calling program has given.
pub fn read(place: &Place, password: Option<&Password>, loading: &Loading) -> Result<InPlace> {
    match place {
        Place::File(path) => read_file(path, password),
        Place::Nss { profile, name } => read_nss(profile, name, loading),
        Place::Windows { thumbprint } => read_windows(thumbprint),
        Place::Token | Place::OtherToken(_) | Place::Given => {
            Err(Error::new(Code::PlaceUnsupported).during(Step::ReadPlace).fact(Fact::Place, place))
        }
    }
}

/// Whether the certificate is in its place still; `None` where that cannot be seen: on a token, which has to be found first, in a
/// file that was changed and opens with a password, in a profile that another program holds.
pub fn is_there(old: &OldCertificate, loading: &Loading) -> Option<bool> {
    if let (Place::File(path), Some(sha256)) = (old.place(), old.file_sha256())
        && file::is_same_file(path, sha256)
    {
        return Some(true);
    }
    match read(old.place(), None, loading) {
        Ok(found) => Some(found.iter().any(|one| one.certificate() == old.certificate())),
        Err(error) if error.code() == Code::OldNotFound => Some(false),
        Err(_) => is_gone(old.place()).then_some(false),
    }
}

/// Whether there is no such file any more.
fn is_gone(place: &Place) -> bool {
    let file = match place {
        Place::File(path) => path.clone(),
        Place::Nss { profile, .. } => profile.join("cert9.db"),
        _ => return false,
    };
    file.metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

/// Reads every place of this computer that is known without being named: the profiles of the user's browsers, and the user's
/// store on Windows; and these places too. No password is asked for, and nothing is changed. What is there, by its end; and why
/// places could not be read, which hide no other.
pub fn on_this_computer(also: &[Place], loading: &Loading) -> (Vec<OldCertificate>, Vec<Error>) {
    let named = also.iter().map(|place| read(place, None, loading));
    let profiles = nss_profiles().into_iter().map(|profile| read_nss(&profile, "", loading));
    let store = cfg!(windows).then(|| read_windows(""));
    let (mut all, mut unread): (Vec<OldCertificate>, Vec<Error>) = Default::default();
    for place in named.chain(profiles).chain(store) {
        match place {
            Ok(found) => {
                let new: Vec<_> = found.iter().filter(|one| !all.contains(one)).cloned().collect();
                all.extend(new);
            }
            Err(error) => unread.push(error),
        }
    }
    all.sort_by_key(|one| one.certificate().not_after());
    (all, unread)
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
