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
        // An attribute with an empty value asks for tokens without one, an asterisk was meant as a wildcard, and anything else is about a slot, a driver, an
        // object or the PIN.
        if parts.iter().flatten().any(|part| part.is_empty() || part.contains('*'))
            || (plain != uri && uri != TokenUri::default())
        {
            return Err(NoPattern::Bad(text.to_owned()));
        }
        if parts.iter().all(Option::is_none) { Err(NoPattern::All) } else { Ok(TokenPattern(uri)) }
    }

    /// The URI.
    pub fn uri(&self) -> &TokenUri {
        &self.0
    }

    /// Whether a token with these values of CK_TOKEN_INFO, without the blanks that pad them, is one.
    pub fn matches(&self, label: &str, manufacturer: &str, model: &str, serial: &str) -> bool {
        self.0.matches_token(label, manufacturer, model, serial, 0)
    }

    /// Whether every token that the other pattern means is meant by this one too.
    pub(super) fn covers(&self, other: &TokenPattern) -> bool {
        let covers = |mine: Option<&str>, theirs: Option<&str>| mine.is_none() || mine == theirs;
        covers(self.0.token(), other.0.token())
            && covers(self.0.manufacturer(), other.0.manufacturer())
            && covers(self.0.model(), other.0.model())
            && covers(self.0.serial(), other.0.serial())
    }
}

impl fmt::Display for TokenPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
