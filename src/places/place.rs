//! The places, and how they are written.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Code, Error, Fact, Result};
use crate::uri::TokenUri;

/// Where a certificate is. As text: `file:/home/user/old.p12`, `nss:/home/user/.mozilla/firefox/x.default#name`,
/// `windows:THUMBPRINT`, `pkcs11:token=OLD;serial=0123`. A path that is not in UTF-8 is percent-encoded: `file:///home/%E3%81/old.p12`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Place {
    /// On the token that the renewal is made on.
    Token,
    /// On another token than that, which this URI means.
    OtherToken(Box<TokenUri>),
    /// In a file: PEM, DER, PKCS#7 or PKCS#12.
    File(PathBuf),
    /// In a profile of Firefox, Thunderbird or another program with NSS.
    Nss {
        /// The folder with `cert9.db`.
        profile: PathBuf,
        /// The certificate's name (nickname) there; whichever is renewable where it is empty.
        name: String,
    },
    /// In the current user's store MY of Windows.
    Windows {
        /// The SHA-1 of the certificate, in hexadecimal; whichever is renewable where it is empty.
        thumbprint: String,
    },
    /// Bytes that the calling program gave.
    Given,
}

impl Place {
    /// The same place by an absolute path, so that another process finds it.
    #[must_use]
    pub fn absolute(self) -> Self {
        let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        match self {
            Place::File(path) => Place::File(whole(&path)),
            Place::Nss { profile, name } => Place::Nss { profile: whole(&profile), name },
            other => other,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Token => f.write_str("token"),
            Place::OtherToken(uri) => uri.fmt(f),
            Place::File(path) => write!(f, "file:{}", written(path)),
            Place::Nss { profile, name } if name.is_empty() => write!(f, "nss:{}", written(profile)),
            Place::Nss { profile, name } => write!(f, "nss:{}#{name}", written(profile)),
            Place::Windows { thumbprint } => write!(f, "windows:{thumbprint}"),
            Place::Given => f.write_str("given"),
        }
    }
}

impl FromStr for Place {
    type Err = Error;

    /// # Errors
    /// [`Code::BadArgument`] for another beginning, and for a file or a profile without a path; [`Code::BadUri`] and
    /// [`Code::PinInUri`].
    fn from_str(text: &str) -> Result<Self> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        match (kind, rest) {
            ("token", "") => Ok(Place::Token),
            ("given", "") => Ok(Place::Given),
            ("pkcs11", _) => Ok(Place::OtherToken(Box::new(text.parse()?))),
            ("file", path) if !path.is_empty() => {
                Ok(Place::File(unwritten(path).unwrap_or_else(|| PathBuf::from(path))))
            }
            ("nss", rest) if let Some(place) = of_encoded_profile(rest) => Ok(place),
            ("nss", rest) if !rest.is_empty() && !rest.starts_with('#') => {
                let rest = rest.strip_prefix("sql:").unwrap_or(rest);
                // A folder may have the sign in its name as a name of a certificate may: the longest that is a profile, else the first.
                let signs = rest.rmatch_indices('#').map(|(at, _)| (&rest[..at], &rest[at + 1..]));
                let all = std::iter::once((rest, "")).chain(signs);
                let there = all.clone().find(|(profile, _)| Path::new(profile).join("cert9.db").exists());
                let (profile, name) = there.or_else(|| rest.split_once('#')).unwrap_or((rest, ""));
                Ok(Place::Nss { profile: PathBuf::from(profile), name: name.to_owned() })
            }
            ("windows", thumbprint) => {
                let plain: String =
                    thumbprint.chars().filter(|c| !matches!(c, ':' | ' ' | '\u{200e}')).collect();
                let is_one =
                    plain.is_empty() || plain.len() == 40 && plain.chars().all(|c| c.is_ascii_hexdigit());
                match is_one {
                    true => Ok(Place::Windows { thumbprint: plain.to_ascii_lowercase() }),
                    false => Err(malformed(text, "windows:THUMBPRINT")),
                }
            }
            _ => Err(malformed(text, "file:PATH, nss:FOLDER#NAME, windows:THUMBPRINT, pkcs11:token=LABEL")),
        }
    }
}

/// A path as the text of a place has it: one that is not in UTF-8 is percent-encoded and begins with three slashes, as in RFC 8089.
fn written(path: &Path) -> Cow<'_, str> {
    match path.to_str() {
        None if path.is_absolute() => {
            let bytes = percent_encode(path.as_os_str().as_encoded_bytes(), ENCODED);
            Cow::Owned(format!("//{bytes}"))
        }
        _ => path.to_string_lossy(),
    }
}

/// What is encoded in such a path: what is not ASCII too.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'#').add(b'%').add(b'?');

/// The path that was written so. One in UTF-8 is never encoded, so that any sign in it means itself.
fn unwritten(text: &str) -> Option<PathBuf> {
    let encoded = text.strip_prefix("//").filter(|path| path.starts_with('/'))?;
    let bytes: Vec<u8> = percent_decode_str(encoded).collect();
    std::str::from_utf8(&bytes).is_err().then_some(bytes).and_then(path_of)
}

#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "elsewhere not any bytes are a path")]
fn path_of(bytes: Vec<u8>) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;
    Some(PathBuf::from(std::ffi::OsString::from_vec(bytes)))
}

#[cfg(not(unix))]
fn path_of(_bytes: Vec<u8>) -> Option<PathBuf> {
    None
}

fn of_encoded_profile(rest: &str) -> Option<Place> {
    let (profile, name) = rest.split_once('#').unwrap_or((rest, ""));
    Some(Place::Nss { profile: unwritten(profile)?, name: name.to_owned() })
}

/// What has no kind may be anything, such as a PIN: it is not shown.
fn malformed(text: &str, expected: &str) -> Error {
    let error = Error::new(Code::BadArgument);
    let error = if text.contains(':') { error.fact(Fact::Found, text) } else { error };
    error.fact(Fact::Expected, expected)
}

/// As the text.
impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_written_as_they_are_read() {
        for text in [
            "file:/home/山田/旧 証明書.p12",
            "file:C:\\Users\\yamada\\old.pfx",
            "nss:/home/yamada/.mozilla/firefox/x.default",
            "nss:/home/yamada/.mozilla/firefox/x.default#山田#1",
            "windows:a94a8fe5ccb19ba61c4c0873d391e987982fbbd3",
            "windows:",
            "pkcs11:token=OLD;serial=0123",
            "token",
            "given",
        ] {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        // A path that is not in UTF-8; one that is, whatever signs are in it, means itself.
        for text in
            ["file:///home/%E3%81/a%23b.p12", "nss:///home/%FF%20x#山田#1", "file:///home/%E3%81%82%20"]
        {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        let copied = "windows:\u{200e}A9 4A 8F E5 CC B1 9B A6 1C 4C 08 73 D3 91 E9 87 98 2F BB D3";
        let plain = Place::Windows { thumbprint: "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3".to_owned() };
        assert_eq!(copied.parse::<Place>().unwrap(), plain);
        for wrong in
            ["", "old.p12", "/old.p12", "file:", "nss:", "nss:#name", "windows:a94a", "token:x", "http://x"]
        {
            assert_eq!(wrong.parse::<Place>().unwrap_err().code(), Code::BadArgument, "{wrong}");
        }
    }
}
