//! Asking a person for the PIN.

use super::login::Login;
use crate::driver::token::TokenInfo;
use crate::error::Result;

/// What the person who is asked for a PIN should see.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PinRequest<'a> {
    /// Which token, and what it says of its PIN. Where `pin_pad` is set the PIN is entered at the token or its reader:
    /// say so, and answer [`Login::on_pin_pad`].
    pub token: &'a TokenInfo,
    /// The origin of the page for which this is done.
    pub origin: Option<&'a str>,
}

/// Asks a person for the PIN of a token, just before the one login.
pub trait AskPin: Send + Sync {
    /// The PIN, and what the person has agreed to: with a state of
    /// [`PinState::FinalTry`](crate::driver::PinState::FinalTry) a wrong PIN locks the token, and without
    /// [`Login::accept_final_try`] it is not sent.
    ///
    /// # Errors
    /// [`Code::PinCancelled`](crate::Code::PinCancelled) when there will be none.
    fn ask(&self, request: &PinRequest<'_>) -> Result<Login>;
}

impl<F: Fn(&PinRequest<'_>) -> Result<Login> + Send + Sync> AskPin for F {
    fn ask(&self, request: &PinRequest<'_>) -> Result<Login> {
        self(request)
    }
}
