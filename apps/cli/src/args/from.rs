//! Where the old certificate is, when it is not on the token.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use usbtoken::Error;
use usbtoken::places::Place;

/// The old certificate that is not on the token.
#[derive(Args, Clone, Debug, Default)]
pub struct FromArgs {
    /// Where the old certificate is, when it is not on the token: `file:PATH` (PEM, DER, PKCS#7 or PKCS#12), `nss:FOLDER#NAME`,
    /// `windows:THUMBPRINT` or another token, `pkcs11:serial=…`.
    /// The new key and the new certificate go onto the token; the old ones stay where they are.
    #[arg(long, value_name = "PLACE", value_parser = OsStringValueParser::new().try_map(place))]
    pub from: Option<Place>,

    /// Reads the password of a PKCS#12 file from the first line of this file, or from standard input for `-`. Without it,
    /// it is asked for.
    #[arg(long, value_name = "FILE", requires = "from")]
    pub from_password: Option<PathBuf>,
}

/// The old certificate where a job goes on: named again, which is needed where what was kept is lost.
#[derive(Args, Clone, Debug, Default)]
pub struct AgainArgs {
    #[command(flatten)]
    pub place: FromArgs,

    /// Of several certificates in the place of --from the one with this serial number, in hexadecimal, or `sha256:` and the fingerprint.
    #[arg(long, value_name = "HEX", requires = "from", allow_hyphen_values = true, value_parser = super::shared::number)]
    pub serial: Option<String>,
}

/// A place, whose path may be in no UTF-8.
///
/// # Errors
/// As a place is read from a text.
pub fn place(text: OsString) -> Result<Place, Error> {
    match text.into_string() {
        Ok(text) => text.parse(),
        Err(text) => of_bytes(&text).map_or_else(|| text.to_string_lossy().parse(), Ok),
    }
}

#[cfg(unix)]
fn of_bytes(text: &OsString) -> Option<Place> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let path = |bytes| Path::new(OsStr::from_bytes(bytes));
    let text = text.as_bytes();
    if let Some(file) = text.strip_prefix(b"file:") {
        return Some(Place::File(path(file).to_owned()));
    }
    let rest = text.strip_prefix(b"nss:")?;
    let rest = rest.strip_prefix(b"sql:").unwrap_or(rest);
    let signs = (0..rest.len()).rev().filter(|at| rest[*at] == b'#');
    let each = signs.map(|at| (path(&rest[..at]), String::from_utf8_lossy(&rest[at + 1..]).into_owned()));
    let mut all = std::iter::once((path(rest), String::new())).chain(each);
    let (profile, name) =
        all.find(|(profile, _)| profile.join("cert9.db").exists()).unwrap_or((path(rest), String::new()));
    Some(Place::Nss { profile: profile.to_owned(), name })
}

#[cfg(not(unix))]
fn of_bytes(_text: &OsString) -> Option<Place> {
    None
}
