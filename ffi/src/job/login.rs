//! Logging in: from a token to a session.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use usbtoken::error::Step;
use usbtoken::renewal::Progress;
use usbtoken::{Login, Pin, Result};
use zeroize::Zeroizing;

use crate::base::args;
use crate::base::boundary;
use crate::base::lock::lock;
use crate::base::status::usbtoken_status;
use crate::find::token::{TokenNoun, usbtoken_token};
use crate::job::session::{SessionNoun, usbtoken_session};

/// usbtoken_login: the person was told that a wrong PIN now locks the token, and said yes.
pub const USBTOKEN_LOGIN_ACCEPT_FINAL_TRY: u32 = 1;
/// usbtoken_login: send the PIN as it is, even when the token states that PINs are shorter or longer or that it has a PIN pad.
pub const USBTOKEN_LOGIN_PIN_AS_TYPED: u32 = 2;

/// Logs in, with one C_Login and never a second.
///
/// `pin` is UTF-8. NULL: the PIN callback is asked, or the token's PIN pad. `flags` is
/// USBTOKEN_LOGIN_ACCEPT_FINAL_TRY, USBTOKEN_LOGIN_PIN_AS_TYPED, both or 0. The library wipes its own copies; wipe yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_login(
    token: *const usbtoken_token,
    pin: *const c_char,
    pin_length: usize,
    flags: u32,
    out: Option<&mut MaybeUninit<*mut usbtoken_session>>,
) -> usbtoken_status {
    boundary::on::<TokenNoun>(token, |token| {
        // SAFETY: rule 4 of the header.
        let pin = unsafe { args::pin(pin, pin_length) }?.map(|pin| Zeroizing::new(pin.to_vec()));
        boundary::give::<SessionNoun>(out, || login(token, pin, flags))
    })
}

/// As usbtoken_login, with the PIN in UTF-16; the length is in code units. The token is sent it in UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_login_utf16(
    token: *const usbtoken_token,
    pin: *const u16,
    pin_length: usize,
    flags: u32,
    out: Option<&mut MaybeUninit<*mut usbtoken_session>>,
) -> usbtoken_status {
    boundary::on::<TokenNoun>(token, |token| {
        // SAFETY: rule 4 of the header.
        let pin = unsafe { args::wide_pin(pin, pin_length) }?;
        boundary::give::<SessionNoun>(out, || login(token, pin, flags))
    })
}

fn login(token: &TokenNoun, pin: Option<Zeroizing<Vec<u8>>>, flags: u32) -> Result<SessionNoun> {
    if flags & !(USBTOKEN_LOGIN_ACCEPT_FINAL_TRY | USBTOKEN_LOGIN_PIN_AS_TYPED) != 0 {
        return Err(args::bad("flags", "unknown_value"));
    }
    token.host.step(Step::LogIn);
    let login = match pin {
        Some(mut pin) => Login::with_pin(Pin::new(std::mem::take(&mut *pin))),
        // What the token says of its PIN may have changed since it was found, and the dialog must know.
        None => token.host.run().ask_pin(token.token.refreshed()?.info())?,
    };
    let has = |flag| flags & flag != 0;
    let login = if has(USBTOKEN_LOGIN_ACCEPT_FINAL_TRY) { login.accept_final_try() } else { login };
    let login = if has(USBTOKEN_LOGIN_PIN_AS_TYPED) { login.pin_as_typed() } else { login };
    let reserved = lock(&token.reserved).take();
    let session = token.host.run().watch(|| match reserved {
        Some(reserved) => reserved.login(login),
        None => token.host.knowing_requests(token.token.clone()).login(login),
    });
    let explain = |error| match token.host.bank() {
        Some(bank) => bank.explain(error, token.token.identity()),
        None => error,
    };
    Ok(SessionNoun::new(session.map_err(explain)?, &token.host))
}
