//! `usbtoken wait`: until the token is there.

use serde_json::json;
use usbtoken::Result;

use crate::args;
use crate::output::Outcome;
use crate::output::view;
use crate::run::Run;

/// How long is waited when no one says, in seconds.
const USUAL: u32 = 60;

/// Waits for the token that `--token` names, or for any.
pub fn run(run: &Run, args: &args::Wait) -> Result<Outcome> {
    let token = run.wait_for_token(args.timeout.or(run.global.wait).unwrap_or(USUAL))?;
    let shown = view::Token::of(token.identity());
    let driver = token.module().path().display().to_string();
    let json = run.for_programs(|| json!({"token": shown, "driver": driver}));
    Ok(Outcome::new(shown.heading(run.lang), json))
}
