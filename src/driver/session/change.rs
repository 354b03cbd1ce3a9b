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

#[cfg(test)]
mod tests {
    use usbtoken_pkcs11::types::*;
    use usbtoken_testkit::SoftToken;

    use super::*;
    use crate::driver::module::Module;

    fn pin(text: &str) -> Pin {
        Pin::new(text.into())
    }

    /// A PIN that does not hold is tried on a token of its own.
    fn token() -> (SoftToken, Token) {
        let soft = SoftToken::fresh();
        let module = Module::load(&soft.module()).unwrap();
        let (tokens, _) = module.tokens(true, |_| true, |_| true).unwrap();
        let token = tokens.into_iter().find(|token| token.identity().serial == soft.serial()).unwrap();
        (soft, token)
    }

    fn takes(token: &Token, text: &str) -> bool {
        token.login(pin(text)).is_ok()
    }

    #[test]
    fn the_pin_is_another_one_after_the_change() {
        let (soft, token) = token();
        let change = |old: &str, new: &str| token.change_pin(&PinChange::to(pin(old), pin(new)));
        change(soft.pin(), "new-5309").unwrap();
        assert!(takes(&token, "new-5309") && !takes(&token, soft.pin()));
        let wrong = change(soft.pin(), "next-5309").unwrap_err();
        assert_eq!((wrong.code(), wrong.step()), (Code::PinIncorrect, Some(Step::ChangePin)));
        assert!(takes(&token, "new-5309"));
        let reserved = token.reserve().unwrap();
        reserved.change_pin(&PinChange::to(pin("new-5309"), pin("next-5309"))).unwrap();
        drop(reserved);
        assert!(takes(&token, "next-5309") && !takes(&token, "new-5309"));
    }

    /// Nothing of it is sent.
    #[test]
    fn what_is_no_new_pin_is_refused_unless_it_is_meant() {
        let (soft, token) = token();
        let (shortest, longest) = token.stated_pin_length().unwrap();
        assert!(shortest > 1);
        let to = |new: &str| PinChange::to(pin(soft.pin()), pin(new));
        let code = |change: PinChange| change.checked(&token).map(drop).unwrap_err().code();
        assert_eq!(code(to(soft.pin())), Code::NewPinSame);
        assert_eq!(code(to("")), Code::NewPinLength);
        assert_eq!(code(to("9")), Code::NewPinLength);
        assert_eq!(code(to(&"9".repeat(usize::try_from(longest).unwrap() + 1))), Code::NewPinLength);
        assert_eq!(code(to(" 482915")), Code::NewPinDoubtful);
        // What is empty, or no other PIN, is nothing that can be meant.
        assert_eq!(code(to(soft.pin()).new_pin_as_typed()), Code::NewPinSame);
        assert_eq!(code(to("").new_pin_as_typed()), Code::NewPinLength);
        for meant in ["9", " 482915"] {
            let change = to(meant).new_pin_as_typed();
            let (_, sent) = change.checked(&token).unwrap().unwrap();
            assert!(sent.is_same_as(&pin(meant)));
        }
        let change = to("482916").accept_final_try();
        let (old, new) = change.checked(&token).unwrap().unwrap();
        assert!(old.is_same_as(&pin(soft.pin())) && new.is_same_as(&pin("482916")));
        assert!(change.into_new_pin().is_some_and(|new| new.is_same_as(&pin("482916"))));
        assert!(PinChange::on_pin_pad().into_new_pin().is_none());
        // At a pad neither is sent, unless the old one is meant to be.
        let at_pad = token.with_pad();
        assert!(to("482916").checked(&at_pad).unwrap().is_none());
        let old = Login::from(pin(soft.pin())).pin_as_typed();
        assert!(PinChange::to(old, pin("482916")).checked(&at_pad).unwrap().is_some());
    }

    /// For PINs that were sent, and for those that are entered at the token.
    #[test]
    fn each_answer_says_which_pin_may_hold() {
        let returned = |rv| Failure::Returned { function: "C_SetPIN", rv };
        for (rv, sent, at_pad) in [
            (CKR_PIN_INCORRECT, Code::PinIncorrect, Code::PinIncorrect),
            (CKR_FUNCTION_CANCELED, Code::PinChangeUncertain, Code::PinCancelled),
            (CKR_ARGUMENTS_BAD, Code::PinChangeUncertain, Code::PinPadRefused),
            (CKR_PIN_LEN_RANGE, Code::NewPinRefused, Code::NewPinRefused),
            (CKR_DEVICE_ERROR, Code::PinChangeUncertain, Code::PinChangeUncertain),
        ] {
            let codes = [true, false].map(|is_sent| refused(returned(rv), is_sent));
            assert_eq!([codes[0].code(), codes[1].code()], [sent, at_pad], "{rv:x}");
            let stated = codes[1].facts().any(|(fact, value)| (fact, value) == (Fact::Stated, PIN_PAD));
            assert_eq!(stated, at_pad == Code::PinPadRefused);
        }
        let function = "C_SetPIN";
        for sent in [true, false] {
            let code = |failure| refused(failure, sent).code();
            assert_eq!(code(Failure::Missing { function }), Code::PinChangeUnsupported);
            assert_eq!(code(Failure::Crashed { function, how: String::new() }), Code::PinChangeUncertain);
        }
    }
}
