//! Files: PEM, DER, PKCS#7, PKCS#12, in whatever text they come.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use base16ct::lower::encode_string;
use sha2::{Digest, Sha256};

use super::Password;
use super::in_place::InPlace;
use super::place::Place;
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{Certificate, Pkcs12, Response, pfx_in};

/// The largest file that is read, in bytes.
pub const MAX_FILE: usize = 4 << 20;

/// Reads the certificates of a file. A password is used for PKCS#12 alone, where the certificates are meant whose private keys
/// are there; no key is opened.
///
/// # Errors
/// [`Code::FileUnreadable`], [`Code::OldFileTooLarge`]; [`Code::OldFileUnusable`] with what it is where there is no certificate
/// in it; [`Code::Pkcs12PasswordNeeded`], [`Code::Pkcs12PasswordWrong`], [`Code::Pkcs12Damaged`],
/// [`Code::Pkcs12Unsupported`].
pub fn read_file(path: &Path, password: Option<&Password>) -> Result<InPlace> {
    let place = Place::File(path.to_owned()).absolute();
    let named = |error: Error| error.during(Step::ReadPlace).fact(Fact::Path, path.display());
    let bytes = bytes(path).map_err(named)?;
    let (all, with_key) = certificates(&bytes, password).map_err(named)?;
    let found = InPlace::of(place, all, &with_key)?;
    // Without the password it is known again by its bytes.
    Ok(if password.is_some() { found.in_file(&sha256(&bytes)) } else { found })
}

/// Whether the file has these bytes still.
pub(super) fn is_same_file(path: &Path, expected_sha256: &str) -> bool {
    bytes(path).is_ok_and(|bytes| sha256(&bytes) == expected_sha256)
}

fn sha256(bytes: &[u8]) -> String {
    encode_string(&Sha256::digest(bytes))
}

/// The same of what the calling program has in its memory.
///
/// # Errors
/// As [`read_file`], but for those of the file.
pub fn read_bytes(bytes: &[u8], password: Option<&Password>) -> Result<InPlace> {
    let named = |error: Error| error.during(Step::ReadPlace).fact(Fact::Place, Place::Given);
    if bytes.len() > MAX_FILE {
        let too_large = Error::new(Code::OldFileTooLarge).fact(Fact::Limit, MAX_FILE);
        return Err(named(too_large.fact(Fact::Size, bytes.len())));
    }
    let (all, with_key) = certificates(bytes, password).map_err(named)?;
    InPlace::of(Place::Given, all, &with_key)
}

/// Every certificate, and those with a key.
fn certificates(bytes: &[u8], password: Option<&Password>) -> Result<(Vec<Certificate>, Vec<Certificate>)> {
    if let Some(pfx) = pfx_in(bytes) {
        let read = Pkcs12::read(&pfx, password.map(Password::as_str))?;
        let with_key = read.with_key().cloned().collect();
        if read.certificates().is_empty() {
            return Err(Error::new(Code::OldFileUnusable).fact(Fact::Found, "PKCS#12"));
        }
        return Ok((read.certificates().to_vec(), with_key));
    }
    match Response::parse(bytes) {
        Ok(found) => Ok((found.certificates().to_vec(), Vec::new())),
        Err(error) => {
            let unusable = Error::new(Code::OldFileUnusable);
            let facts =
                error.facts().filter(|(fact, _)| matches!(fact, Fact::Found | Fact::FirstLine | Fact::Size));
            Err(facts.fold(unusable, |unusable, (fact, value)| unusable.fact(fact, value)).caused_by(error))
        }
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    let unreadable =
        |error: io::Error| Error::new(Code::FileUnreadable).fact(Fact::Detail, &error).caused_by(error);
    let size = fs::metadata(path).map_err(unreadable)?;
    if !size.is_file() {
        // A pipe would wait for ever.
        return Err(unreadable(io::Error::new(io::ErrorKind::InvalidInput, "no regular file")));
    }
    let too_large =
        |size: u64| Error::new(Code::OldFileTooLarge).fact(Fact::Limit, MAX_FILE).fact(Fact::Size, size);
    if size.len() > MAX_FILE as u64 {
        return Err(too_large(size.len()));
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes));
    match read.map_err(unreadable)? {
        size if size > MAX_FILE => Err(too_large(size as u64)),
        _ => Ok(bytes),
    }
}
