//! Changing the PIN: one C_SetPIN (PKCS#11 v3.1 §5.5.9), in a session that is not logged in, so that the old PIN is tried once. A
//! driver that wants a login first has not examined it by then.

use super::Reservation;
use super::login::{Login, PIN_PAD, SharedLogin, check_login, explain_refusal};
use super::open::{Access, Open};
use super::pin::Pin;
use crate::driver::ckr::{self, During as _};
use crate::driver::lock::TokenLock;
use crate::driver::token::{PinState, Token};
use crate::error::{Code, Error, Fact, Result, Step};
use usbtoken_pkcs11::Failure;
use usbtoken_pkcs11::types::CKR_USER_NOT_LOGGED_IN;

/// From which PIN to which one.
///
/// What the token states of its PINs is a hint. A PIN that it contradicts is refused before anything is sent, and the caller can
/// say that it is sent all the same.
#[derive(Debug)]
pub struct PinChange {
    old: Login,
    /// None: it is entered at the token or its reader.
    new: Option<Pin>,
    new_as_typed: bool,
}

impl PinChange {
    /// From this PIN, and what the person has agreed to for it, to that one. A token that states a PIN pad is sent neither:
    /// both are then entered there.
    pub fn to(old: impl Into<Login>, new: Pin) -> Self {
        PinChange { old: old.into(), new: Some(new), new_as_typed: false }
    }

    /// Both PINs are entered at the token or its reader.
    pub fn on_pin_pad() -> Self {
        PinChange { old: Login::on_pin_pad(), new: None, new_as_typed: false }
    }

    /// The person was told that a wrong PIN now locks the token, or that it states to be locked, and said yes.
    #[must_use]
    pub fn accept_final_try(self) -> Self {
        PinChange { old: self.old.accept_final_try(), ..self }
    }

    /// Sends the new PIN as it is, whatever its length, and although it is doubtful ([`Pin::doubt`]).
    #[must_use]
    pub fn new_pin_as_typed(self) -> Self {
        PinChange { new_as_typed: true, ..self }
    }

    /// The new PIN, to log in with after the change; `None` where it was entered at the token.
    pub fn into_new_pin(self) -> Option<Pin> {
        self.new
    }

    /// The PINs that are sent; `None`: they are entered at the token.
    fn checked(&self, token: &Token) -> Result<Option<(&Pin, &Pin)>> {
        let Login { pin: old, consent } = &self.old;
        let is_sent = check_login(token, old.as_ref(), *consent, Step::ChangePin)?;
        match (old, &self.new) {
            (Some(old), Some(new)) if is_sent => {
                self.check_new(token, old, new)?;
                Ok(Some((old, new)))
            }
            _ => Ok(None),
        }
    }

    fn check_new(&self, token: &Token, old: &Pin, new: &Pin) -> Result<()> {
        let refusal =
            |code| Error::new(code).during(Step::ChangePin).fact(Fact::Token, &token.info().identity);
        if new.bytes() == old.bytes() {
            return Err(refusal(Code::NewPinSame));
        }
        if new.length() == 0 {
            return Err(refusal(Code::NewPinLength));
        }
        if self.new_as_typed {
            return Ok(());
        }
        if let Some(doubt) = new.doubt() {
            return Err(refusal(Code::NewPinDoubtful).fact(Fact::Reason, doubt.name()));
        }
        match token.stated_pin_length() {
            Some((shortest, longest)) if !token.states_pin_length(new.length()) => {
                let stated = format_args!("{shortest}–{longest}").to_string();
                Err(refusal(Code::NewPinLength).fact(Fact::Stated, stated).fact(Fact::Found, new.length()))
            }
            _ => Ok(()),
        }
    }
}

impl Token {
    /// Changes the user's PIN, with one C_SetPIN and no C_Login; where the driver wants a login for that
    /// (CKR_USER_NOT_LOGGED_IN), with one C_Login and, after that alone, once more. A wrong old PIN may cost a try, and never two.
    /// The token is reserved meanwhile; sessions that are logged in keep the old PIN, so end them before.
    ///
    /// # Errors
    /// Before anything is sent: [`Code::NewPinSame`], [`Code::NewPinLength`], [`Code::NewPinDoubtful`], and for the old PIN what
    /// [`Token::login`] refuses; [`Code::Busy`]. Of the token: [`Code::PinIncorrect`] and its kin, [`Code::NewPinRefused`],
    /// [`Code::PinChangeUnsupported`]: the old PIN holds. [`Code::PinChangeUncertain`]: the old or the new PIN holds.
    pub fn change_pin(&self, change: &PinChange) -> Result<()> {
        set_pin(self, change, &TokenLock::take(self)?)
    }
}

impl Reservation {
    /// Changes the user's PIN before the login, as [`Token::change_pin`] does.
    ///
    /// # Errors
    /// As [`Token::change_pin`]; [`Code::LockLost`].
    pub fn change_pin(&self, change: &PinChange) -> Result<()> {
        set_pin(self.token(), change, &self.lock)
    }
}

fn set_pin(token: &Token, change: &PinChange, lock: &TokenLock) -> Result<()> {
    let token = if token.is_fresh() { token.clone() } else { token.refreshed()? };
    let pins = change.checked(&token)?;
    let open = Open::new(&token, Access::Write).map_err(|error| error.during(Step::ChangePin))?;
    lock.check(&token).map_err(|error| error.during(Step::ChangePin))?;
    token.module().note_login();
    let sent = pins.map(|(old, new)| (old.bytes(), new.bytes()));
    match open.functions().set_pin(open.handle(), sent) {
        Err(failure) if failure.rv() == Some(CKR_USER_NOT_LOGGED_IN) => {
            set_pin_logged_in(&open, &token, sent)
        }
        done => done.map_err(|failure| explained(refused(failure, sent.is_some()), &token)),
    }
}

/// The login is the one try of the old PIN.
fn set_pin_logged_in(open: &Open, token: &Token, sent: Option<(&[u8], &[u8])>) -> Result<()> {
    let login = SharedLogin::share(token, || open.login(sent.map(|(old, _)| old)))?;
    let done = open.functions().set_pin(open.handle(), sent);
    if let Some(login) = login {
        login.leave(|| drop(open.functions().logout(open.handle())));
    }
    done.map_err(|failure| {
        let error = explained(refused(failure, sent.is_some()), token);
        // The login has taken it.
        if error.code() == Code::PinIncorrect { error.with_code(Code::PinChangeUncertain) } else { error }
    })
}

/// What C_SetPIN returned, to PINs that were sent or to none.
fn refused(failure: Failure, sent: bool) -> Error {
    let code = match &failure {
        Failure::Missing { .. } => Some(Code::PinChangeUnsupported),
        // Its process ended before there was an answer.
        ended if ended.has_ended_host_in_call() => Some(Code::PinChangeUncertain),
        Failure::Returned { rv, .. } if !sent => Some(ckr::code_of_change_at_pad(*rv)),
        _ => None,
    };
    let error = failure.during(Step::ChangePin);
    match code {
        // The caller should know why no PIN was sent.
        Some(Code::PinPadRefused) => error.with_code(Code::PinPadRefused).fact(Fact::Stated, PIN_PAD),
        Some(code) => error.with_code(code),
        None => error,
    }
}

/// What the token states now says whether a wrong PIN has locked it, and hints at which PIN holds.
fn explained(error: Error, token: &Token) -> Error {
    let may_be_counted = matches!(error.code(), Code::PinIncorrect | Code::PinChangeUncertain);
    let now = may_be_counted.then(|| token.refreshed().ok()).flatten().map(|token| token.info().pin_state);
    let before = token.info().pin_state;
    match (error.code(), before, now) {
        (Code::PinChangeUncertain, PinState::ToBeChanged, Some(PinState::Usable)) => {
            error.fact(Fact::Reason, "change_no_longer_wanted")
        }
        (Code::PinChangeUncertain, PinState::ToBeChanged | PinState::Usable, Some(PinState::CountLow)) => {
            error.fact(Fact::Reason, "wrong_pin_counted")
        }
        (Code::PinIncorrect, ..) => explain_refusal(error, before, now),
        _ => error,
    }
}
