//! `usbtoken retire`: removes a credential that has been replaced.

use serde_json::json;
use usbtoken::error::Fact;
use usbtoken::renewal::Retire;
use usbtoken::{Credentials, Policy, Result};

use super::{abandon, chosen, install_response, select};
use crate::args::{self, Which};
use crate::output::Outcome;
use crate::run::Run;
use crate::view;
use crate::words::Words;

/// Shows what will go before it asks for the PIN.
pub fn run(run: &Run, args: &args::Retire) -> Result<Outcome> {
    let mut policy = Policy::default();
    policy.subject = args.subject.rule();
    policy.anchors = install_response::anchors(&args.trust_anchor)?;
    let reserved = run.token()?.reserve()?;
    let which = Which { id: args.id.clone(), serial: args.serial.clone() };
    let choice = |all: Credentials| {
        let successor =
            args.successor.as_ref().map(|serial| all.clone().by_serial(serial).only()).transpose()?;
        Ok((select::credential(all, &which, false, run)?, successor))
    };
    let ((old, successor), access) = chosen::choose(run, reserved, choice)?;
    let shown = view::Credential::of(access.token().identity(), &old, None, run.now());
    abandon::confirm_removal(run, args.yes, &shown.entry(1, run.lang))?;
    let session = access.login(run)?;
    let removal = Retire::of(&old, &policy);
    let removal = match &successor {
        Some(successor) => removal.successor(successor.certificate()),
        None => removal,
    };
    let retired = removal.run(&session, &run.call())?;
    let successor = view::Credential::of(session.token().identity(), retired.successor(), None, run.now());
    let text = format!("{}\n{}", Words::Retired.text(run.lang), successor.entry(1, run.lang));
    let json = json!({
        "retired": shown,
        "successor": successor,
        "issuer_continuity": retired.issuer().name(),
        "key_removed": retired.key_removed(),
    });
    Ok(Outcome::changed(text, json, Fact::Serial, old.certificate().serial()))
}
