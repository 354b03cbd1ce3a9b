//! Which slot the named token is in. The PIN goes to no other: label, serial number and manufacturer have to agree, as far as
//! the URI gives them, and there has to be exactly one such token.

use std::fmt;
use std::path::Path;

use usbtoken::TokenUri;
use usbtoken_pkcs11::text::unpadded;
use usbtoken_pkcs11::types::{CKM_RSA_PKCS_PSS, CKM_RSA_X_509};
use usbtoken_pkcs11::{Functions, library};

/// What a token says of itself, from CK_TOKEN_INFO as it is: a clock that makes no sense hides no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) slot: u64,
    pub(crate) label: String,
    pub(crate) manufacturer: String,
    pub(crate) model: String,
    pub(crate) serial: String,
    /// Whether one of the mechanisms is listed that an RSA key needs for TLS 1.3.
    pub(crate) signs_pss: bool,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Seen { label, manufacturer, model, serial, .. } = self;
        write!(f, "\"{label}\" ({manufacturer} {model}, serial number {serial})")
    }
}

/// The token that the URI names, and the driver's description of itself. No one logs in, and no session is opened.
///
/// # Errors
/// A sentence when it is not there, is not the only one of that name, or the driver fails.
pub(crate) fn find(module: &Path, uri: &TokenUri) -> Result<(Seen, String), String> {
    let failed = |what: &str, error: &dyn fmt::Debug| format!("{}: {what}: {error:?}", module.display());
    let driver = library::load(module).map_err(|error| failed("loading", &error))?;
    let ours = driver.initialize().map_err(|error| failed("C_Initialize", &error))?;
    let found = among(&driver, uri);
    if ours {
        driver.finalize().map_err(|error| failed("C_Finalize", &error))?;
    }
    found
}

fn among(driver: &Functions, uri: &TokenUri) -> Result<(Seen, String), String> {
    let info = driver.info().map_err(|error| format!("C_GetInfo: {error:?}"))?;
    let (major, minor) = (info.libraryVersion.major, info.libraryVersion.minor);
    let about = format!("{} {major}.{minor}", unpadded(&info.libraryDescription));
    let slots = driver.slots(true).map_err(|error| format!("C_GetSlotList: {error:?}"))?;
    let seen = slots.into_iter().filter_map(|slot| {
        let info = driver.token_info(slot).ok()?;
        let mechanisms = driver.mechanisms(slot).unwrap_or_default();
        Some(Seen {
            slot: slot.0,
            label: unpadded(&info.label),
            manufacturer: unpadded(&info.manufacturerID),
            model: unpadded(&info.model),
            serial: unpadded(&info.serialNumber),
            signs_pss: mechanisms.contains(&CKM_RSA_PKCS_PSS) || mechanisms.contains(&CKM_RSA_X_509),
        })
    });
    let seen: Vec<Seen> = seen.collect();
    Ok((chosen(&seen, uri)?.clone(), about))
}

fn chosen<'a>(seen: &'a [Seen], uri: &TokenUri) -> Result<&'a Seen, String> {
    let agrees = |wanted: Option<&str>, value: &str| wanted.is_none_or(|wanted| wanted == value);
    let is_named = |one: &&Seen| {
        agrees(uri.serial(), &one.serial)
            && agrees(uri.token(), &one.label)
            && agrees(uri.manufacturer(), &one.manufacturer)
            && agrees(uri.model(), &one.model)
    };
    let named: Vec<&Seen> = seen.iter().filter(is_named).collect();
    match named.as_slice() {
        [one] => Ok(one),
        [] => Err(format!("{uri} names none of the tokens that are there: {}", listed(seen.iter()))),
        [..] => {
            let named = listed(named.into_iter());
            Err(format!("{uri} names several tokens, and the PIN may be one's alone: {named}"))
        }
    }
}

fn listed<'a>(tokens: impl Iterator<Item = &'a Seen>) -> String {
    tokens.map(Seen::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(slot: u64, label: &str, manufacturer: &str, serial: &str) -> Seen {
        let text = str::to_owned;
        Seen {
            slot,
            label: text(label),
            manufacturer: text(manufacturer),
            model: text(""),
            serial: text(serial),
            signs_pss: true,
        }
    }

    /// NSS shows two tokens with one serial number.
    #[test]
    fn a_serial_number_alone_names_no_token_where_two_have_it() {
        let both = [seen(1, "Generic", "Mozilla", "00"), seen(2, "Certificate DB", "Mozilla", "00")];
        let named = |uri: &str| chosen(&both, &uri.parse().unwrap()).map(|one| one.slot);
        assert!(named("pkcs11:serial=00").unwrap_err().contains("several"));
        assert_eq!(named("pkcs11:serial=00;token=Certificate%20DB"), Ok(2));
        assert!(
            named("pkcs11:serial=00;token=Certificate%20DB;manufacturer=Other").unwrap_err().contains("none")
        );
        assert!(named("pkcs11:serial=01").is_err());
    }
}
