//! What a person chose, before the login where it shows itself, else after it.

use usbtoken::driver::Reservation;
use usbtoken::error::Notice;
use usbtoken::{Code, Credentials, Error, Result, Session, Token};

use crate::run::Run;

/// A token that is taken for a job: not logged in yet, or already, because some tokens show certificates only then.
pub enum Access {
    Reserved(Reservation),
    LoggedIn(Session),
}

/// What was chosen of a list.
pub struct Chosen<T> {
    pub value: T,
    /// Whether it is the one that is meant whatever shows after the login: a person has named it, or it can be renewed now, of
    /// which the renewal itself makes sure that there is no second one.
    pub settled: bool,
}

/// Chooses from what shows without the PIN; where that settles nothing, from what shows after the login. None seen before the
/// login, or none that can be renewed, is not none. Where nothing `is_named`, several may be one by then: the keys of copies are
/// not there.
///
/// # Errors
/// What choosing returns: of the first choice where no one can log in, or no one does, else of the second.
pub fn choose<T>(
    run: &Run,
    reserved: Reservation,
    is_named: bool,
    choice: impl Fn(Credentials) -> Result<Chosen<T>>,
) -> Result<(T, Access)> {
    let token = reserved.token().clone();
    let explain = |error| run.explain(error, &token);
    match reserved.public_session()?.credentials().and_then(&choice) {
        Ok(chosen) if chosen.settled || !run.can_log_in() => Ok((chosen.value, Access::Reserved(reserved))),
        Err(error) if !(may_change(&error, is_named) && run.can_log_in()) => Err(explain(error)),
        found => {
            if run.asks_person() {
                // Whoever is asked for the PIN should know what for.
                run.tell(&[Notice::MoreAfterLogin.into()]);
            }
            let session = run.login_reserved(reserved).map_err(|error| match found {
                // No one wanted to search further.
                Err(first) if error.code() == Code::PinCancelled => first,
                _ => error,
            })?;
            let chosen = choice(session.credentials()?).map_err(explain)?;
            Ok((chosen.value, Access::LoggedIn(session)))
        }
    }
}

/// Whether the choice may be another one after the login.
pub fn may_change(error: &Error, is_named: bool) -> bool {
    may_be_private(error) || !is_named && error.code() == Code::CredentialAmbiguous
}

/// Whether another one may show after the login.
pub fn may_be_private(error: &Error) -> bool {
    matches!(
        error.code(),
        Code::CredentialNotSeen
            | Code::CredentialUnreadable
            | Code::NotYetRenewable
            | Code::Expired
            | Code::RenewalClosed
            | Code::ServiceEnded
            | Code::AlreadyRenewed
    )
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
