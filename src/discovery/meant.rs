//! Whether a token is the one that a URI means.

use crate::driver::{Token, TokenIdentity};
use crate::uri::TokenUri;

/// Whether a URI means this token: by what it says of itself, and of its slot and its driver where the URI names these.
pub(crate) fn matches(uri: &TokenUri, token: &Token) -> bool {
    let TokenIdentity { label, manufacturer, model, serial } = token.identity();
    uri.matches_token(label, manufacturer, model, serial, token.slot_number())
        && (!uri.names_library() || library_matches(uri, token))
        && (!uri.names_slot() || slot_matches(uri, token))
}

fn library_matches(uri: &TokenUri, token: &Token) -> bool {
    token
        .module()
        .info()
        .is_ok_and(|info| uri.matches_library(&info.manufacturer, &info.description, info.version))
}

fn slot_matches(uri: &TokenUri, token: &Token) -> bool {
    let matches = |(description, manufacturer): (String, String)| {
        uri.matches_slot(&description, &manufacturer, token.slot_number())
    };
    token.slot_texts().is_ok_and(matches)
}
