//! What a person chose, before the login where it shows itself, else after it.

use usbtoken::driver::Reservation;
use usbtoken::{Code, Credentials, Error, Result, Session, Token};

use crate::run::Run;

/// A token that is taken for a job: not logged in yet, or already, because some tokens show certificates only then.
pub enum Access {
    Reserved(Reservation),
    LoggedIn(Session),
}

/// Chooses from what shows without the PIN; where the chosen is not among that, from what shows after the login. None seen
/// before the login is not none.
///
/// # Errors
/// What choosing returns: of the first choice where no one can log in, else of the second.
pub fn choose<T>(
    run: &Run,
    reserved: Reservation,
    choice: impl Fn(Credentials) -> Result<T>,
) -> Result<(T, Access)> {
    let token = reserved.token().clone();
    let explain = |error| run.explain(error, &token);
    match reserved.public_session()?.credentials().and_then(&choice) {
        Ok(chosen) => Ok((chosen, Access::Reserved(reserved))),
        Err(error) if may_be_private(&error) && run.can_log_in() => {
            let session = run.login_reserved(reserved)?;
            let chosen = choice(session.credentials()?).map_err(explain)?;
            Ok((chosen, Access::LoggedIn(session)))
        }
        Err(error) => Err(explain(error)),
    }
}

/// Whether another one may show after the login.
pub fn may_be_private(error: &Error) -> bool {
    matches!(error.code(), Code::CredentialNotFound | Code::CredentialUnreadable)
}

impl Access {
    /// The token.
    pub fn token(&self) -> &Token {
        match self {
            Access::Reserved(reserved) => reserved.token(),
            Access::LoggedIn(session) => session.token(),
        }
    }

    /// The session, after the login, which is done now where it was not before.
    pub fn login(self, run: &Run) -> Result<Session> {
        match self {
            Access::Reserved(reserved) => run.login_reserved(reserved),
            Access::LoggedIn(session) => Ok(session),
        }
    }
}
