//! Which tokens are the bank's.

use std::fmt;

use crate::error::Code;
use crate::uri::TokenUri;

/// A pattern of the bank's tokens: a PKCS#11 URI (RFC 7512) of label, manufacturer, model or serial number. What it
/// leaves out may be anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPattern(TokenUri);

/// Why a URI is no pattern of a token.
pub(super) enum NoPattern {
    /// It cannot be read, or has what no pattern may have.
    Bad(String),
    /// Every token matches.
    All,
}

impl TokenPattern {
    pub(super) fn read(text: &str) -> Result<Self, NoPattern> {
        let uri: TokenUri = text.parse().map_err(|error: crate::error::Error| match error.code() {
            Code::PinInUri => NoPattern::Bad("pin-value".to_owned()),
            _ => NoPattern::Bad(
                error.facts().map(|(_, value)| value.to_owned()).collect::<Vec<_>>().join("; "),
            ),
        })?;
        let parts = [uri.token(), uri.manufacturer(), uri.model(), uri.serial()];
        let plain = TokenUri::of_token(
            uri.token().unwrap_or_default(),
            uri.manufacturer().unwrap_or_default(),
            uri.model().unwrap_or_default(),
            uri.serial().unwrap_or_default(),
        );
        // However it is dressed up: a slot, a driver, an object or an asterisk leaves every token in.
        let means_all =
            |part: &Option<&str>| part.is_none_or(|part| part.bytes().all(|byte| b"*?% ".contains(&byte)));
        if parts.iter().all(means_all) && parts.iter().all(|part| part != &Some("")) {
            return Err(NoPattern::All);
        }
        // An attribute with an empty value asks for tokens without one, an asterisk was meant as a wildcard, a blank at an end
        // matches nothing since those that pad a value are no part of it, and anything else is about a slot, a driver, an
        // object or the PIN.
        let cannot_be = |part: &str| part.is_empty() || part.contains('*') || part.trim_matches(' ') != part;
        // CK_TOKEN_INFO has so much room for them, in bytes (PKCS#11 v3.1 §3.3).
        let has_room = |part: Option<&str>, room| part.is_none_or(|part| part.len() <= room);
        let fit = has_room(uri.token(), 32) && has_room(uri.manufacturer(), 32);
        let fit = fit && has_room(uri.model(), 16) && has_room(uri.serial(), 16);
        if parts.iter().flatten().any(|part| cannot_be(part)) || plain != uri || !fit {
            return Err(NoPattern::Bad(text.to_owned()));
        }
        Ok(TokenPattern(uri))
    }

    /// The URI.
    pub fn uri(&self) -> &TokenUri {
        &self.0
    }

    /// Whether a token with these values of CK_TOKEN_INFO, without the blanks that pad them, is one.
    pub fn matches(&self, label: &str, manufacturer: &str, model: &str, serial: &str) -> bool {
        self.0.matches_token(label, manufacturer, model, serial, 0)
    }

    /// Whether there could be a token that both mean: no attribute is given by both with different values.
    pub(super) fn meets(&self, other: &TokenPattern) -> bool {
        let meet = |mine: Option<&str>, theirs: Option<&str>| match (mine, theirs) {
            (Some(mine), Some(theirs)) => mine == theirs,
            _ => true,
        };
        meet(self.0.token(), other.0.token())
            && meet(self.0.manufacturer(), other.0.manufacturer())
            && meet(self.0.model(), other.0.model())
            && meet(self.0.serial(), other.0.serial())
    }
}

impl fmt::Display for TokenPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
