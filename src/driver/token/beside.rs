//! What the search that found a token has seen beside it.

use super::{InUse, PinState, Token, TokenIdentity, TokenInfo};

impl Token {
    /// The same token, beside which the search has seen these.
    pub(crate) fn seen_with(self, others: impl Iterator<Item = TokenIdentity>) -> Self {
        Token { beside: others.collect(), ..self }
    }

    /// The other tokens that the search which found this one has seen, and that state that they are initialised, have a PIN and take writes. A search for a token that its URI names whole does not wait
    /// for all drivers.
    pub fn seen_beside(&self) -> &[TokenIdentity] {
        &self.beside
    }
}

impl TokenInfo {
    /// Whether it states nothing against credentials of a person on it: it is initialised, has a PIN and takes writes.
    pub(crate) fn may_hold_credentials(&self) -> bool {
        self.in_use() == InUse::Stated && self.pin_state != PinState::NotSet && !self.write_protected
    }
}
