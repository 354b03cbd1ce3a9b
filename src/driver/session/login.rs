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
    /// None: it is entered at the token or its reader.
    pub(super) pin: Option<Pin>,
    pub(super) consent: Consent,
}

/// What the person has agreed to before a PIN is sent. It decides whether one is, and goes no further.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Consent {
    /// To the final try, and to one where the PIN is stated to be locked.
    final_try: bool,
    /// To a PIN that is sent as it is, whatever the token states.
    as_typed: bool,
}

impl Login {
    /// With this PIN. A token that states a PIN pad is not sent it: the PIN is then entered there.
    pub fn with_pin(pin: Pin) -> Self {
        Login { pin: Some(pin), consent: Consent::default() }
    }

    /// The PIN is entered at the token or its reader.
    pub fn on_pin_pad() -> Self {
        Login { pin: None, consent: Consent::default() }
    }

    /// Sends the PIN as it is, whatever the token states: a length outside its limits, or a PIN pad. Both may be wrong, and the
    /// person who has the PIN knows better. So is one that is doubtful in itself ([`Pin::doubt`]).
    #[must_use]
    pub fn pin_as_typed(mut self) -> Self {
        self.consent.as_typed = true;
        self
    }

    /// The person was told that a wrong PIN now locks the token, or that it states to be locked, and said yes.
    #[must_use]
    pub fn accept_final_try(mut self) -> Self {
        self.consent.final_try = true;
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
pub(super) const PIN_PAD: &str = "CKF_PROTECTED_AUTHENTICATION_PATH";

/// Decides, before anything is sent, whether this PIN may be tried. What the token states is a hint: a refusal shows it, and
/// the caller can say that the PIN is sent all the same. Returns whether it is sent, and not entered at the token.
pub(super) fn check_login(token: &Token, pin: Option<&Pin>, consent: Consent, step: Step) -> Result<bool> {
    let info = token.info();
    let refusal = |code| Error::new(code).during(step).fact(Fact::Token, &info.identity);
    match info.pin_state {
        PinState::Locked if !consent.final_try => return Err(info.locked_as_stated().during(step)),
        PinState::FinalTry if !consent.final_try => return Err(refusal(Code::PinFinalTry)),
        _ => {}
    }
    match pin {
        Some(pin) if pin.length() == 0 => Err(refusal(Code::PinLength)),
        Some(_) if consent.as_typed => Ok(true),
        _ if info.pin_pad => Ok(false),
        // No one is asked for a PIN that is stated to be locked: who knows better gives it at once.
        None if info.pin_state == PinState::Locked => Err(info.locked_as_stated().during(step)),
        None => Err(refusal(Code::PinRequired)),
        Some(pin) if let Some(doubt) = pin.doubt() => {
            Err(refusal(Code::PinDoubtful).fact(Fact::Reason, doubt.name()))
        }
        Some(pin) => match token.stated_pin_length() {
            Some((shortest, longest)) if !token.states_pin_length(pin.length()) => {
                let stated = format_args!("{shortest}–{longest}").to_string();
                Err(refusal(Code::PinLength).fact(Fact::Stated, stated).fact(Fact::Found, pin.length()))
            }
            _ => Ok(true),
        },
    }
}

/// What C_Login returned, to a PIN that was sent or to none.
pub(super) fn refused(failure: Failure, sent: bool, step: Step) -> Error {
    let at_pad = failure.rv().filter(|_| !sent).map(ckr::code_of_pad);
    // A PIN that no function was given counts nowhere.
    let ended = failure.has_ended_host_in_call();
    let error = failure.during(step);
    if ended && sent {
        return error.fact(Fact::Reason, "pin_may_have_counted");
    }
    match at_pad {
        // The caller should know why the PIN was not sent.
        Some(code) => error.with_code(code).fact(Fact::Stated, PIN_PAD),
        None => error,
    }
}

/// The same where a pad says that the token is gone: one that still answers is not, so there is no pad.
pub(super) fn refused_on(token: &Token, failure: Failure, sent: bool, step: Step) -> Error {
    let error = refused(failure, sent, step);
    let is_gone = matches!(error.code(), Code::TokenNotPresent | Code::TokenRemoved | Code::SessionLost);
    if !sent && is_gone && token.refreshed().is_ok() { error.with_code(Code::PinPadRefused) } else { error }
}

/// What a refused PIN was refused for, by what the token stated before and states now (`None`: it was not asked, or did not
/// say): it may be locked, or nearly.
pub(super) fn explain_refusal(error: Error, before: PinState, now: Option<PinState>) -> Error {
    match now {
        // What it stated before the login, too, says nothing of this one.
        Some(now) if now == before && error.code() != Code::PinIncorrect => error,
        Some(PinState::Locked) => error.with_code(Code::PinLocked),
        Some(PinState::FinalTry) => error.with_code(Code::PinIncorrectFinalTry),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fresh::Fresh;
    use super::*;
    use usbtoken_pkcs11::types::CKR_PIN_INCORRECT;

    /// What may be sent is decided before anything is: each token state beside each way to give a PIN.
    #[test]
    fn what_a_token_states_decides_whether_a_pin_is_sent() {
        let fresh = Fresh::token();
        let usable = fresh.token.clone().stating(|info| info.pin_length = (4, 8));
        let locked = usable.clone().stating(|info| info.pin_state = PinState::Locked);
        let pad = usable.clone().stating(|info| info.pin_pad = true);
        let (typed, agreed) = (
            Consent { as_typed: true, ..Consent::default() },
            Consent { final_try: true, ..Consent::default() },
        );
        let check = |token: &Token, pin: Option<&str>, consent| {
            let pin = pin.map(|pin| Pin::new(pin.into()));
            check_login(token, pin.as_ref(), consent, Step::LogIn).map_err(|error| {
                assert_eq!(error.step(), Some(Step::LogIn), "{error:?}");
                error.code()
            })
        };
        let none = Consent::default();
        assert_eq!(check(&usable, Some("123456"), none), Ok(true));
        // None has no PIN of no bytes, whatever is said beside it.
        for (token, consent) in [(&usable, none), (&usable, typed), (&pad, none), (&pad, typed)] {
            assert_eq!(check(token, Some(""), consent), Err(Code::PinLength));
        }
        for pin in ["123", "123456789"] {
            assert_eq!(check(&usable, Some(pin), none), Err(Code::PinLength));
            assert_eq!(check(&usable, Some(pin), typed), Ok(true));
        }
        assert_eq!(check(&usable, Some("\u{feff}123456"), none), Err(Code::PinDoubtful));
        assert_eq!(check(&usable, Some("\u{feff}123"), typed), Ok(true));
        assert_eq!(check(&usable, None, none), Err(Code::PinRequired));
        assert_eq!(check(&locked, Some("123456"), none), Err(Code::PinLocked));
        assert_eq!(check(&locked, Some("123456"), agreed), Ok(true));
        // No one is asked for it: who knows better gives it at once.
        assert_eq!(check(&locked, None, agreed), Err(Code::PinLocked));
        assert_eq!(check(&usable, None, agreed), Err(Code::PinRequired));
        for given in [Some("123456"), None] {
            assert_eq!(check(&pad, given, none), Ok(false));
        }
        assert_eq!(check(&pad, Some("123456"), typed), Ok(true));
    }

    /// A token that states lengths that make no sense states none.
    #[test]
    fn a_stated_length_is_told_with_what_was_found() {
        let token = Fresh::token().token.clone().stating(|info| info.pin_length = (4, 8));
        let error = check_login(&token, Some(&Pin::new(b"123".to_vec())), Consent::default(), Step::LogIn);
        let error = error.unwrap_err();
        let told = |fact| error.facts().find(|(one, _)| *one == fact).map(|(_, value)| value.to_owned());
        assert_eq!((told(Fact::Stated).as_deref(), told(Fact::Found).as_deref()), (Some("4–8"), Some("3")));
        let token = token.stating(|info| info.pin_length = (8, 4));
        assert!(
            check_login(&token, Some(&Pin::new(b"123".to_vec())), Consent::default(), Step::LogIn).unwrap()
        );
    }

    /// Between C_SignInit and C_Sign, and only there: outside of that the token refuses it, and that is told.
    #[test]
    fn a_login_for_one_signature_needs_the_pin_or_a_pad() {
        let mut fresh = Fresh::token();
        let refused =
            |fresh: &Fresh| fresh.session.login_for_operation(Step::SignChallenge).unwrap_err().code();
        assert_ne!(refused(&fresh), Code::PinRequired);
        fresh.session.pin.drop_unless_wanted();
        assert_eq!(refused(&fresh), Code::PinRequired);
        fresh.session.open.token = fresh.token.clone().stating(|info| info.pin_pad = true);
        assert_ne!(refused(&fresh), Code::PinRequired);
    }

    /// Only what was sent, to a driver whose process ended in that very call, may have counted.
    #[test]
    fn a_pin_may_have_counted_where_it_was_sent_and_not_answered() {
        let function = "C_Login";
        let ended = || Failure::Crashed { function, how: "signal 11".to_owned() };
        let answered = || Failure::Returned { function, rv: CKR_PIN_INCORRECT };
        let counted = |failure, sent| {
            let error = refused(failure, sent, Step::LogIn);
            error.facts().any(|(fact, value)| fact == Fact::Reason && value == "pin_may_have_counted")
        };
        assert!(counted(ended(), true));
        assert!(!counted(ended(), false) && !counted(answered(), true) && !counted(answered(), false));
        let before = Failure::NotCalled(Box::new(ended()));
        assert!(!counted(before, true));
    }

    #[test]
    fn only_what_a_token_states_anew_explains_an_unclear_refusal() {
        let code = |code, before, now| explain_refusal(Error::new(code), before, now).code();
        let (wrong, unclear) = (Code::PinIncorrect, Code::PinUncertain);
        assert_eq!(code(wrong, PinState::Usable, Some(PinState::Locked)), Code::PinLocked);
        assert_eq!(code(wrong, PinState::FinalTry, Some(PinState::FinalTry)), Code::PinIncorrectFinalTry);
        assert_eq!(code(unclear, PinState::Usable, Some(PinState::FinalTry)), Code::PinIncorrectFinalTry);
        assert_eq!(code(unclear, PinState::Locked, Some(PinState::Locked)), unclear);
        let form = Code::PinFormRefused;
        assert_eq!(code(form, PinState::FinalTry, Some(PinState::FinalTry)), form);
        assert_eq!(code(wrong, PinState::Usable, Some(PinState::CountLow)), wrong);
        assert_eq!(code(wrong, PinState::Usable, None), wrong);
    }
}
