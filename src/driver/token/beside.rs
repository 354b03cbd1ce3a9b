//! What the search that found a token has seen beside it.

use super::{Token, TokenIdentity};

impl Token {
    /// The same token, beside which the search has seen these.
    pub(crate) fn seen_with(self, others: impl Iterator<Item = TokenIdentity>) -> Self {
        Token { beside: others.collect(), ..self }
    }

    /// The other tokens that the search which found this one has seen. A search for a token that its URI names whole does not wait
    /// for all drivers.
    pub fn seen_beside(&self) -> &[TokenIdentity] {
        &self.beside
    }
}
