//! Starting the driver anew in the middle of a job: some drivers think other things of a key than the token says, until then.

use super::Session;
use super::open::{Access, Open};
use crate::error::{Code, Error, Fact, Result, Step};

impl Session {
    /// Ends the driver, starts it again, finds the token and logs in once more. What was read before is not to be used
    /// then: it is of a session that is no more.
    ///
    /// `false`, and nothing has changed: somebody else has initialised the driver or has a session open, the PIN is not kept
    /// any more, or it was done in this session before.
    ///
    /// # Errors
    /// [`Code::DriverInitFailed`]; [`Code::TokenNotPresent`] where the token is not there any more; what C_OpenSession and
    /// C_Login return.
    pub(crate) fn start_driver_anew(&self) -> Result<bool> {
        let open = self.open_session();
        let is_kept = self.pin.with(|pin| pin.is_some()) || open.token().info().pin_pad;
        if self.reopened.get().is_some() || self.login.is_none() || !is_kept {
            return Ok(false);
        }
        let (module, identity) = (open.token().module(), open.token().identity());
        let log_out = || {
            let _ = open.functions().logout(open.handle());
        };
        if !module.start_anew(log_out)? {
            return Ok(false);
        }
        let (tokens, _) = module.tokens(false, |_| true, |_| true)?;
        let found = tokens.into_iter().find(|token| token.identity() == identity).ok_or_else(|| {
            Error::new(Code::TokenNotPresent).during(Step::FindToken).fact(Fact::Expected, identity)
        })?;
        let again = Open::new(&open.token().moved_to(found), Access::Write)?;
        self.pin.with(|pin| again.login(pin))?;
        // No one else can have set it: the session belongs to this thread.
        let _ = self.reopened.set(Box::new(again));
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fresh::Fresh;
    use super::*;

    /// Other sessions of this process may live on it.
    #[test]
    fn a_driver_goes_on_where_its_end_would_lose_a_login() {
        let mut fresh = Fresh::token();
        // Somebody else has logged in.
        let login = fresh.session.login.take();
        assert!(login.is_some() && !fresh.session.start_driver_anew().unwrap());
        fresh.session.login = login;
        // It was done before.
        let again = Open::new(&fresh.token, Access::Write).unwrap();
        assert!(fresh.session.reopened.set(Box::new(again)).is_ok());
        assert!(!fresh.session.start_driver_anew().unwrap());
        // The PIN is gone.
        fresh.session.reopened.take();
        fresh.session.pin.drop_unless_wanted();
        assert!(!fresh.session.start_driver_anew().unwrap());
    }
}
