//! A token that states something else, for tests.

use super::{Token, TokenInfo};

impl Token {
    /// The same token, as if it had stated this.
    pub(in crate::driver) fn stating(mut self, state: impl FnOnce(&mut TokenInfo)) -> Self {
        state(&mut self.info);
        self
    }
}
