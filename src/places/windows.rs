//! The current user's store of certificates of Windows (MY), where 「お使いのパソコン」 keeps them. Compiled, and tried on no
//! Windows.

use super::in_place::InPlace;
use super::place::Place;
use crate::error::{Code, Error, Fact, Result, Step};

/// Reads the certificates of the current user's store: the one with this thumbprint (SHA-1, in hexadecimal), or all where it is
/// empty. Those whose private keys are there are meant, where there are any. No key signs, and nothing in the store is changed.
///
/// # Errors
/// [`Code::PlaceUnsupported`] on another system than Windows; [`Code::StoreUnreadable`]; [`Code::OldNotFound`].
pub fn read_windows(thumbprint: &str) -> Result<InPlace> {
    let place = Place::Windows { thumbprint: thumbprint.to_ascii_lowercase() };
    store::read(&place, thumbprint).map_err(|error| error.during(Step::ReadPlace).fact(Fact::Place, &place))
}

#[cfg(windows)]
mod store {
    use base16ct::lower::encode_string as hex;
    use schannel::cert_context::CertContext;
    use schannel::cert_store::CertStore;

    use super::{Code, Error, Fact, InPlace, Place, Result};
    use crate::pki::Certificate;

    pub(super) fn read(place: &Place, thumbprint: &str) -> Result<InPlace> {
        let unreadable = |error: std::io::Error| {
            Error::new(Code::StoreUnreadable).fact(Fact::Detail, &error).caused_by(error)
        };
        let store = CertStore::open_current_user("MY").map_err(unreadable)?;
        // Another program's certificate that cannot be read hides none.
        let read = |context: CertContext| Some((Certificate::from_der(context.to_der()).ok()?, context));
        let is_meant = |one: &Certificate| {
            one.is_ca() || thumbprint.is_empty() || hex(&one.thumbprint()).eq_ignore_ascii_case(thumbprint)
        };
        let meant: Vec<_> = store.certs().filter_map(read).filter(|(one, _)| is_meant(one)).collect();
        if !thumbprint.is_empty() && meant.iter().all(|(one, _)| one.is_ca()) {
            return Err(Error::new(Code::OldNotFound));
        }
        // Silent: no provider asks a person for anything.
        let has_key = |context: &CertContext| context.private_key().silent(true).acquire().is_ok();
        let users = meant.iter().filter(|(one, _)| !one.is_ca());
        let with_key: Vec<_> =
            users.filter(|(_, context)| has_key(context)).map(|(one, _)| one.clone()).collect();
        let all = meant.into_iter().map(|(one, _)| one).collect();
        let own = |one: &Certificate| Some(Place::Windows { thumbprint: hex(&one.thumbprint()) });
        Ok(InPlace::of(place.clone(), all, &with_key)?.each_at(own))
    }
}

#[cfg(not(windows))]
mod store {
    use super::{Code, Error, Fact, InPlace, Place, Result};

    pub(super) fn read(_place: &Place, _thumbprint: &str) -> Result<InPlace> {
        Err(Error::new(Code::PlaceUnsupported).fact(Fact::Reason, "windows_only"))
    }
}
