//! Whose turn it is to log in to a token, among the programs of one user.

use super::holder::Holder;
use super::place::{Refused, UserFile, UserPlace, of_user, take_user};
use super::{Here, unusable};
use crate::driver::token::TokenIdentity;
use crate::error::{Code, Error, Fact, Result, Step};
use std::time::{Duration, Instant};

/// How long one who waits sleeps before it tries again.
const PAUSE: Duration = Duration::from_millis(20);

/// The turn to log in to a token, for a program that keeps in mind what the token has said to a PIN: held from when it reads that
/// until it has noted what came of its own login, so that of several that begin at once no second one sends a wrong PIN.
///
/// Only those that take it wait for each other. The system lets go of it with the process.
#[derive(Debug)]
pub struct LoginTurn {
    _user: UserFile,
    _here: Here,
}

impl LoginTurn {
    /// Waits for the turn, at most that long. A user without a home folder has no place for one, and waits for nobody.
    ///
    /// # Errors
    /// [`Code::Busy`], with who has it where that is known; [`Code::LockUnusable`] when there is no place where it could be held.
    pub fn take(token: &TokenIdentity, at_most: Duration) -> Result<Option<Self>> {
        let Some(user) = of_user() else { return Ok(None) };
        Self::take_in(&user, token, at_most).map(Some).map_err(|error| error.during(Step::LogIn))
    }

    pub(super) fn take_in(place: &UserPlace, token: &TokenIdentity, at_most: Duration) -> Result<Self> {
        let name = format!("{}.login", token.name());
        let until = Instant::now() + at_most;
        loop {
            let holder = match Here::claim(&name).map(|here| (here, take_user(place, &name))) {
                Some((here, Ok(mut user))) => {
                    // The host of a driver has no part in it, and a driver in this process would close it.
                    drop(user.copy());
                    return Ok(LoginTurn { _user: user, _here: here });
                }
                Some((_, Err(Refused::Unusable(at, error)))) => {
                    return Err(unusable(at.as_deref().unwrap_or(place.folder()), error));
                }
                Some((_, Err(Refused::Held(holder)))) => holder,
                None => Some(Holder::ThisProgram),
            };
            if Instant::now() >= until {
                let busy = Error::new(Code::Busy).fact(Fact::Token, token);
                return Err(holder.into_iter().fold(busy, |busy, holder| busy.fact(Fact::Holder, holder)));
            }
            std::thread::sleep(PAUSE);
        }
    }
}
