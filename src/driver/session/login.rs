//! Logging in: how, whether what is given may be sent at all, and the one login of a process on a token.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::pin::Pin;
use crate::driver::ckr;
use crate::driver::ckr::During as _;
use crate::driver::mutex::lock;
use crate::driver::token::{PinState, Token};
use crate::error::{Code, Error, Fact, Result, Step};
use usbtoken_pkcs11::Failure;

/// How to log in.
#[derive(Debug)]
pub struct Login {
    pin: Option<Pin>,
    accept_final_try: bool,
    as_typed: bool,
}

impl Login {
    /// With this PIN. A token that states a PIN pad is not sent it: the PIN is then entered there.
    pub fn with_pin(pin: Pin) -> Self {
        Login { pin: Some(pin), accept_final_try: false, as_typed: false }
    }

    /// The PIN is entered at the token or its reader.
    pub fn on_pin_pad() -> Self {
        Login { pin: None, accept_final_try: false, as_typed: false }
    }

    /// Sends the PIN as it is, whatever the token states: a length outside its limits, or a PIN pad. Both may be wrong, and the
    /// person who has the PIN knows better.
    #[must_use]
    pub fn pin_as_typed(mut self) -> Self {
        self.as_typed = true;
        self
    }

    /// The person was told that a wrong PIN now locks the token, or that it states to be locked, and said yes.
    #[must_use]
    pub fn accept_final_try(mut self) -> Self {
        self.accept_final_try = true;
        self
    }
}

impl From<Pin> for Login {
    fn from(pin: Pin) -> Self {
        Login::with_pin(pin)
    }
}

/// How many sessions of this process live on one login, which a token has only one of for all of them
/// (PKCS#11 v3.1 §5.6): the last one to go logs out, or a thread would log out another in the middle of its job.
pub(super) struct SharedLogin(Arc<Mutex<usize>>);

/// The logins of this process, by driver and slot.
type Logins = BTreeMap<(PathBuf, u64), Arc<Mutex<usize>>>;

impl SharedLogin {
    /// Logs in, or takes part in a login that is ours already; `None` when it is somebody else's. `log_in` says
    /// whether no one was logged in. The others wait meanwhile: so does a PIN pad.
    pub(super) fn share(token: &Token, log_in: impl FnOnce() -> Result<bool>) -> Result<Option<Self>> {
        static LOGINS: Mutex<Logins> = Mutex::new(BTreeMap::new());
        let place = (token.module().path().to_owned(), token.slot_number());
        let shared = {
            let mut logins = lock(&LOGINS);
            Arc::clone(logins.entry(place).or_default())
        };
        let mut sessions = lock(&shared);
        if !log_in()? && *sessions == 0 {
            return Ok(None);
        }
        *sessions += 1;
        drop(sessions);
        Ok(Some(SharedLogin(shared)))
    }

    pub(super) fn leave(self, log_out: impl FnOnce()) {
        let mut sessions = lock(&self.0);
        *sessions = sessions.saturating_sub(1);
        if *sessions == 0 {
            log_out();
        }
    }
}

/// What the token states when the PIN is entered at its own keys.
const PIN_PAD: &str = "CKF_PROTECTED_AUTHENTICATION_PATH";

/// Decides, before anything is sent, whether this PIN may be tried. What the token states is a hint: a refusal shows it, and
/// the caller can say that the PIN is sent all the same. Returns what goes into C_Login.
pub(super) fn check_login(token: &Token, login: Login) -> Result<Option<Pin>> {
    let info = token.info();
    let Login { pin, accept_final_try, as_typed } = login;
    let refusal = |code| Error::new(code).during(Step::LogIn).fact(Fact::Token, &info.identity);
    match info.pin_state {
        PinState::Locked if !accept_final_try => return Err(info.locked_as_stated().during(Step::LogIn)),
        PinState::FinalTry if !accept_final_try => return Err(refusal(Code::PinFinalTry)),
        _ => {}
    }
    match pin {
        Some(pin) if pin.length() == 0 => Err(refusal(Code::PinLength)),
        Some(pin) if as_typed => Ok(Some(pin)),
        _ if info.pin_pad => Ok(None),
        // No one is asked for a PIN that is stated to be locked: who knows better gives it at once.
        None if info.pin_state == PinState::Locked => Err(info.locked_as_stated().during(Step::LogIn)),
        None => Err(refusal(Code::PinRequired)),
        Some(pin) => match token.stated_pin_length() {
            Some((shortest, longest)) if !token.states_pin_length(pin.length()) => {
                let stated = format_args!("{shortest}–{longest}").to_string();
                Err(refusal(Code::PinLength).fact(Fact::Stated, stated).fact(Fact::Found, pin.length()))
            }
            _ => Ok(Some(pin)),
        },
    }
}

/// What C_Login returned, to a PIN that was sent or to none.
pub(super) fn refused(failure: Failure, sent: bool, step: Step) -> Error {
    let at_pad = failure.rv().filter(|_| !sent).map(ckr::code_of_pad);
    let error = failure.during(step);
    match at_pad {
        // The caller should know why the PIN was not sent.
        Some(Code::PinPadRefused) => error.with_code(Code::PinPadRefused).fact(Fact::Stated, PIN_PAD),
        Some(code) => error.with_code(code),
        None => error,
    }
}
