//! The PINs of a change: the present one and the new one, asked for or read.

use std::io::{self, Write};

use usbtoken::driver::{PinChange, PinState};
use usbtoken::error::{Fact, Step};
use usbtoken::text::printable;
use usbtoken::{Code, Error, Login, Pin, Result, Token};

use super::{Given, Source, confirm_final_try, prompt, say_pad, typed};
use crate::args::Global;
use crate::words::{Tongue, Words};

/// How often a person may type two new PINs that differ.
const ATTEMPTS: usize = 5;

/// Where the two PINs come from, and those of them that were read before a driver ran.
pub struct Places {
    pub old: (Source, Option<Result<Pin>>),
    pub new: (Source, Option<Result<Pin>>),
}

/// What is needed to change the PIN of that token. Until all of it is there nothing is sent.
///
/// # Errors
/// As [`login`](super::login); [`Code::PinCancelled`] too where the new PIN was never typed twice the same.
pub fn change(
    places: Places,
    token: &Token,
    global: &Global,
    (tongue, lock_accepted): (Tongue<'_>, bool),
) -> Result<PinChange> {
    let name = printable(&token.identity().label).into_owned();
    let Places { old: (old_source, old), new: (new_source, new) } = places;
    let final_try = token.info().pin_state == PinState::FinalTry;
    if final_try && !global.final_try {
        confirm_final_try(&old_source, &name, tongue, Step::ChangePin)?;
    }
    let accepted = final_try || lock_accepted || global.final_try;
    let agreed = |change: PinChange| if accepted { change.accept_final_try() } else { change };
    if token.info().pin_pad && !global.pin_as_typed {
        say_pad(Words::ChangeAtPad(&name), global, tongue);
        return Ok(agreed(PinChange::on_pin_pad()));
    }
    if old_source.is_interactive() || new_source.is_interactive() {
        // No one is there to be told when standard error is closed.
        let _ = writeln!(io::stderr(), "{}", tongue.text(Words::ChangeBegins(&name)));
    }
    let during = |error: Error| error.during(Step::ChangePin);
    let old =
        old.map_or_else(|| typed(Words::OldPinPrompt(&name), token, tongue), |pin| pin.map(Given::from));
    let old = old.map_err(during)?;
    let new = new.map_or_else(
        || typed_twice(Words::NewPinPrompt(&name), &old.pin, token, tongue),
        |pin| pin.map(Given::from),
    );
    let new = new.map_err(during)?;
    let login = Login::with_pin(old.pin);
    let login = if old.as_typed || global.pin_as_typed { login.pin_as_typed() } else { login };
    let change = PinChange::to(login, new.pin);
    let as_typed = new.as_typed || global.pin_as_typed;
    Ok(agreed(if as_typed { change.new_pin_as_typed() } else { change }))
}

/// Asks for the new PIN until it is typed twice the same; the token knows nothing of it.
fn typed_twice(words: Words<'_>, old: &Pin, token: &Token, tongue: Tongue<'_>) -> Result<Given> {
    let say = |words: Words<'_>| {
        // The prompt that follows fails on its own where there is no one.
        let _ = writeln!(io::stderr(), "{}", tongue.text(words));
    };
    for _ in 0..ATTEMPTS {
        let given = typed(words, token, tongue)?;
        if given.pin.is_same_as(old) {
            say(Words::NewPinIsOld);
            continue;
        }
        if given.pin.is_same_as(&prompt(Words::NewPinAgain, tongue)?) {
            return Ok(given);
        }
        say(Words::NewPinsDiffer);
    }
    Err(Error::new(Code::PinCancelled).fact(Fact::Limit, ATTEMPTS))
}
