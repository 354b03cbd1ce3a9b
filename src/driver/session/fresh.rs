//! A session on a token of its own, for tests of what only a token answers.

use usbtoken_testkit::SoftToken;

use super::{Pin, Session};
use crate::driver::module::Module;
use crate::driver::token::Token;

/// What is dropped first comes first.
pub(super) struct Fresh {
    pub(super) session: Session,
    pub(super) token: Token,
    pub(super) soft: SoftToken,
}

impl Fresh {
    /// Logged in on an empty token.
    pub(super) fn token() -> Self {
        Fresh::with(|_| ())
    }

    /// Logged in on a token on which this was done.
    pub(super) fn with(prepare: impl FnOnce(&SoftToken)) -> Self {
        let soft = SoftToken::fresh();
        prepare(&soft);
        let module = Module::load(&soft.module()).unwrap();
        let (tokens, _) = module.tokens(true, |_| true, |_| true).unwrap();
        let ours = |token: &Token| token.identity().serial == soft.serial();
        let token = tokens.into_iter().find(ours).unwrap();
        let session = token.login(Pin::new(soft.pin().into())).unwrap();
        Fresh { session, token, soft }
    }
}
