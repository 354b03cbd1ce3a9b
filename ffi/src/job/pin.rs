//! Changing the PIN of a token.

use std::ffi::c_char;

use usbtoken::driver::PinChange;
use usbtoken::error::Step;
use usbtoken::renewal::Progress;
use usbtoken::{Login, Pin, Result};
use zeroize::Zeroizing;

use crate::base::args;
use crate::base::boundary;
use crate::base::lock::lock;
use crate::base::status::usbtoken_status;
use crate::find::token::{TokenNoun, usbtoken_token};
use crate::job::login::{USBTOKEN_LOGIN_ACCEPT_FINAL_TRY, USBTOKEN_LOGIN_PIN_AS_TYPED};

/// usbtoken_change_pin: send the new PIN as it is, even when the token states that PINs are shorter or longer, or it looks like a slip.
pub const USBTOKEN_CHANGE_NEW_PIN_AS_TYPED: u32 = 4;

/// A PIN of the caller's, which is wiped when it goes.
type Given = Option<Zeroizing<Vec<u8>>>;

/// Changes the PIN, with one C_SetPIN and never a second, and no login: a wrong old PIN costs one try. End sessions of this token
/// before; they keep the old PIN.
///
/// `old_pin` and `new_pin` are UTF-8; have the person type the new one twice. Both NULL: they are entered at the token's PIN pad.
/// `flags` is USBTOKEN_LOGIN_ACCEPT_FINAL_TRY and USBTOKEN_LOGIN_PIN_AS_TYPED for the old PIN, USBTOKEN_CHANGE_NEW_PIN_AS_TYPED for the
/// new one, or 0. USBTOKEN_PIN_CHANGE_UNCERTAIN: the old or the new PIN holds; after every other error the old one. The library wipes
/// its own copies; wipe yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_change_pin(
    token: *const usbtoken_token,
    old_pin: *const c_char,
    old_pin_length: usize,
    new_pin: *const c_char,
    new_pin_length: usize,
    flags: u32,
) -> usbtoken_status {
    boundary::on::<TokenNoun>(token, |token| {
        let given = |pin: Option<&[u8]>| pin.map(|pin| Zeroizing::new(pin.to_vec()));
        // SAFETY: rule 4 of the header.
        let old = given(unsafe { args::pin(old_pin, old_pin_length) }?);
        // SAFETY: rule 4 of the header.
        let new = given(unsafe { args::pin(new_pin, new_pin_length) }?);
        change_pin(token, old, new, flags)
    })
}

/// As usbtoken_change_pin, with the PINs in UTF-16; lengths are in code units. The token is sent them in UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_change_pin_utf16(
    token: *const usbtoken_token,
    old_pin: *const u16,
    old_pin_length: usize,
    new_pin: *const u16,
    new_pin_length: usize,
    flags: u32,
) -> usbtoken_status {
    boundary::on::<TokenNoun>(token, |token| {
        // SAFETY: rule 4 of the header.
        let old = unsafe { args::wide_pin(old_pin, old_pin_length) }?;
        // SAFETY: rule 4 of the header.
        let new = unsafe { args::wide_pin(new_pin, new_pin_length) }?;
        change_pin(token, old, new, flags)
    })
}

fn change_pin(token: &TokenNoun, old: Given, new: Given, flags: u32) -> Result<()> {
    const KNOWN: u32 =
        USBTOKEN_LOGIN_ACCEPT_FINAL_TRY | USBTOKEN_LOGIN_PIN_AS_TYPED | USBTOKEN_CHANGE_NEW_PIN_AS_TYPED;
    if flags & !KNOWN != 0 {
        return Err(args::bad("flags", "unknown_value"));
    }
    let has = |flag| flags & flag != 0;
    let taken = |mut pin: Zeroizing<Vec<u8>>| Pin::new(std::mem::take(&mut *pin));
    let change = match (old, new) {
        (None, None) => PinChange::on_pin_pad(),
        (Some(old), Some(new)) => {
            let old = Login::with_pin(taken(old));
            let old = if has(USBTOKEN_LOGIN_PIN_AS_TYPED) { old.pin_as_typed() } else { old };
            PinChange::to(old, taken(new))
        }
        (None, Some(_)) => return Err(args::bad("old_pin", "null")),
        (Some(_), None) => return Err(args::bad("new_pin", "null")),
    };
    let change = if has(USBTOKEN_LOGIN_ACCEPT_FINAL_TRY) { change.accept_final_try() } else { change };
    let change = if has(USBTOKEN_CHANGE_NEW_PIN_AS_TYPED) { change.new_pin_as_typed() } else { change };
    token.host.step(Step::ChangePin);
    let done = match &*lock(&token.reserved) {
        Some(reserved) => reserved.change_pin(&change),
        None => token.token.change_pin(&change),
    };
    done.map_err(|error| match token.host.bank() {
        Some(bank) => bank.explain(error, token.token.identity()),
        None => error,
    })
}
