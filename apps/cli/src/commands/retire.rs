//! `usbtoken retire`: removes a credential that has been replaced.

use serde_json::json;
use usbtoken::Result;
use usbtoken::error::{Fact, Step};
use usbtoken::renewal::Retire;

use super::{abandon, select, settle};
use crate::args::{self, Which};
use crate::job::Job;
use crate::output::Outcome;
use crate::view;
use crate::words::Words;

/// Shows what will go before it asks for the PIN.
pub fn run(job: &Job, args: &args::Retire) -> Result<Outcome> {
    let anchors = settle::anchors(&args.trust_anchor)?;
    let token = job.token()?;
    let which = Which { id: args.id.clone(), serial: args.serial.clone() };
    let credentials = token.credentials()?;
    let successor =
        args.successor.as_ref().map(|serial| credentials.clone().by_serial(serial).only()).transpose()?;
    let old = select::credential(credentials, &which, false, job)?;
    let shown = view::Credential::of(token.identity(), &old, None, job.now());
    abandon::confirm_removal(job, args.yes, &shown.entry(1, job.lang))?;
    let session = job.login(&token)?;
    job.progress.step(Step::Retire);
    let removal = Retire::of(&old).subject(args.subject.rule());
    let removal = match &successor {
        Some(successor) => removal.successor(successor.certificate()),
        None => removal,
    };
    let retired = anchors.into_iter().fold(removal, Retire::anchor).run(&session)?;
    let successor = view::Credential::of(token.identity(), retired.successor(), None, job.now());
    let text = format!("{}\n{}", Words::Retired.text(job.lang), successor.entry(1, job.lang));
    let json = json!({
        "retired": shown,
        "successor": successor,
        "issuer_continuity": retired.issuer().name(),
        "key_removed": retired.key_removed(),
    });
    Ok(Outcome::changed(text, json, Fact::Serial, old.certificate().serial()))
}
