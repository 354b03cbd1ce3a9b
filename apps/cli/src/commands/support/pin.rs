//! `usbtoken pin change`: the PIN of a token.

use serde_json::json;
use usbtoken::error::Fact;
use usbtoken::{Code, Error, Result};

use crate::args;
use crate::output::Outcome;
use crate::output::view;
use crate::pin::Source;
use crate::run::Run;
use crate::words::Words;

/// Changes it, with one try of the present one.
///
/// # Errors
/// As [`Run::change_pin`]; [`Code::BadArgument`] where both PINs would come from standard input.
pub fn run(run: &Run, args: &args::Pin) -> Result<Outcome> {
    let args::Pin::Change(args) = args;
    let (old, new) = (Source::of(&run.global), Source::of_new(args));
    if (&old, &new) == (&Source::Stdin, &Source::Stdin) {
        let detail = "standard input (-) cannot be both the present and the new PIN";
        return Err(Error::new(Code::BadArgument).fact(Fact::Detail, detail));
    }
    // Before a driver runs, which may close what it would be read from.
    let held = run.read_pin(&new);
    let token = run.token()?;
    run.change_pin(&token, None, old, (new, held))?;
    let (text, shown) = (run.tongue().text(Words::PinChanged), view::Token::of(token.identity()));
    let json = run.for_programs(|| json!({ "pin_changed": true, "token": shown }));
    Ok(Outcome::changed(text, json, Fact::Token, token.identity()))
}
