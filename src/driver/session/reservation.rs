//! A token taken for a job that writes.

use super::{Login, PublicSession, Session};
use crate::driver::lock::TokenLock;
use crate::driver::token::Token;
use crate::error::Result;
use std::cell::OnceCell;

/// A token taken for a job that writes: until this and the session that comes of it go, no other process or thread of this
/// user that asks the same gets it.
///
/// What is read before the login is read in the session that is logged in then, so that a job opens one session and not two,
/// and so that nothing changes in between.
#[derive(Debug)]
pub struct Reservation {
    token: Token,
    lock: TokenLock,
    session: OnceCell<PublicSession>,
}

impl Token {
    /// Takes the token for a job that writes.
    ///
    /// # Errors
    /// [`Code::Busy`](crate::Code::Busy) when another has it, [`Code::FileUnwritable`](crate::Code::FileUnwritable).
    pub fn reserve(&self) -> Result<Reservation> {
        let lock = TokenLock::take(self.identity())?;
        Ok(Reservation { token: self.clone(), lock, session: OnceCell::new() })
    }
}

impl Reservation {
    /// The token.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// The session without login, opened when it is asked for first.
    ///
    /// # Errors
    /// What C_OpenSession returns, mostly that the token is gone.
    pub fn public_session(&self) -> Result<&PublicSession> {
        if let Some(session) = self.session.get() {
            return Ok(session);
        }
        let session = PublicSession::open_to_log_in(&self.token)?;
        Ok(self.session.get_or_init(|| session))
    }

    /// Logs in, as [`Token::login`] does.
    ///
    /// # Errors
    /// As [`Token::login`].
    pub fn login(self, login: impl Into<Login>) -> Result<Session> {
        let Reservation { token, lock, session } = self;
        Session::log_in(&token, session.into_inner(), login.into(), Some(lock))
    }
}
