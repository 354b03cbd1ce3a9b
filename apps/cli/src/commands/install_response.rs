//! The second half of every renewal: the answer is installed, and the old credential goes if that is wanted.

use std::path::{Path, PathBuf};

use serde_json::json;
use usbtoken::bank::{KeyRule, OldCredential};
use usbtoken::error::{Fact, Notice, Step};
use usbtoken::pki::{SubjectRule, read_anchors};
use usbtoken::renewal::Retire;
use usbtoken::{Certificate, Code, Error, Installed, Policy, Response, Result, Session, TokenUri};

use super::select;
use crate::args::CheckArgs;
use crate::kept::{Keeper, Kept};
use crate::next_command::CommandLine;
use crate::output::{Outcome, notices_json, notices_text};
use crate::run::Run;
use crate::words::Words;
use crate::{files, view};

/// What the command line demands of a renewal, and how it said so.
pub struct Checks<'a> {
    args: &'a CheckArgs,
    pub policy: Policy,
}

impl<'a> Checks<'a> {
    /// Reads the trust anchors: a wrong file is noticed before anything else happens.
    ///
    /// # Errors
    /// [`usbtoken::Code::FileUnreadable`]; [`usbtoken::Code::AnchorUnusable`] when a file holds none.
    pub fn read(args: &'a CheckArgs, subject: SubjectRule, key: KeyRule, retire_old: bool) -> Result<Self> {
        let mut policy = Policy::default();
        policy.key = key;
        policy.proof = select::level(args.require_proof);
        policy.subject = subject;
        policy.relax = args.relax.iter().copied().collect();
        policy.anchors = anchors(&args.trust_anchor)?;
        policy.write_ca_certificates = args.write_chain;
        policy.old = if retire_old { OldCredential::Remove } else { OldCredential::Keep };
        Ok(Checks { args, policy })
    }

    /// Adds what was asked for to a command line that goes on.
    pub fn on(&self, line: CommandLine) -> CommandLine {
        line.checks(self.args, self.policy.old == OldCredential::Remove).value("--subject", self.rule())
    }

    /// Names the command that removes the old certificate later, where that may work: the renewal itself is done.
    fn name_retire(&self, error: Error, run: &Run, installed: &Installed) -> Error {
        let later = matches!(
            error.code(),
            Code::RetireIssuerNotShown
                | Code::RetireNotBegun
                | Code::RetireDoubtful
                | Code::RetireNotProven
                | Code::RetireOlderFirst
                | Code::ClockImplausible
        );
        let Some(old) = installed.replaced().filter(|_| later) else { return error };
        let serial = old.certificate().serial().to_string();
        let line = CommandLine::new("retire", &run.global).value("--serial", Some(&serial));
        let given = self.args.trust_anchor.iter().map(PathBuf::as_path);
        // A name that stands for the file which the person has to get.
        let missing = error.code() == Code::RetireIssuerNotShown && self.policy.anchors.is_empty();
        let anchors = given.chain(missing.then_some(Path::new("CA.pem")));
        let line = anchors.fold(line, |line, anchor| line.path("--trust-anchor", Some(anchor)));
        error.fact(Fact::GoOn, line.value("--subject", self.rule()).end())
    }

    /// The rule for the subject, where it is not the usual one.
    fn rule(&self) -> Option<&'static str> {
        (self.policy.subject != SubjectRule::default()).then(|| self.policy.subject.name())
    }
}

/// The certificates in files of trust anchors.
///
/// # Errors
/// [`usbtoken::Code::FileUnreadable`]; [`usbtoken::Code::AnchorUnusable`] when a file holds none.
pub fn anchors(paths: &[PathBuf]) -> Result<Vec<Certificate>> {
    let mut anchors = Vec::new();
    for path in paths {
        let read = read_anchors(&files::read(path)?);
        anchors.extend(read.map_err(|error| error.fact(Fact::Path, path.display()))?);
    }
    Ok(anchors)
}

/// Reads what the CA has sent, once for all that is done with it.
///
/// # Errors
/// As [`Response::parse`].
pub fn read(run: &Run, answer: &[u8]) -> Result<Response> {
    run.progress.step(Step::ReadAnswer);
    Response::parse(answer)
}

/// Forgets what was kept of the job, removes the old credential if that is wanted, and tells the result.
///
/// A removal that fails does not undo the renewal: the result is shown, then the error.
pub fn finish(
    run: &Run,
    session: &Session,
    installed: &Installed,
    (keeper, received): (&Keeper, Option<&Kept>),
    checks: &Checks<'_>,
) -> Outcome {
    keeper.forget(session, installed.credential().id(), received);
    let mut notices = installed.notices().to_vec();
    let mut failed = None;
    let mut retired = false;
    match (Retire::replaced_by(installed), checks.policy.old) {
        (Some(removal), OldCredential::Remove) => match removal.run(session, &run.call()) {
            Ok(_) => retired = true,
            Err(error) => failed = Some(checks.name_retire(error, run, installed)),
        },
        (Some(_), _) => notices.push(Notice::OldKept.into()),
        (None, _) => {}
    }
    let token = session.token().identity();
    let level = Some(installed.proof().level);
    let credential = view::Credential::of(token, installed.credential(), level, run.now());
    let replaced = installed.replaced().map(|old| view::Credential::of(token, old, None, run.now()));

    // Programs that name a credential by its label need this from now on: the new one has a label of its own.
    let uri = TokenUri::of_token(&token.label, "", "", &token.serial).with_id(installed.credential().id());

    let mut text = credential.result(run.lang);
    text.push_str(&format!("\n  {} = {uri}", Fact::Uri.label(run.lang)));
    text.push_str(&format!("\n{}", Words::RestartBrowsers.text(run.lang)));
    if retired {
        text.push_str(&format!("\n{}", Words::Retired.text(run.lang)));
    }
    text.push_str(&notices_text(&run.untold(&notices), run.lang));
    let json = json!({
        "credential": credential,
        "uri": uri.to_string(),
        "replaced": replaced,
        "retired": retired,
        "already_installed": installed.was_there(),
        "issuer_continuity": installed.issuer().name(),
        "key_reused": installed.key_reused(),
        "proof": installed.proof(),
        "notices": notices_json(&notices, run.lang),
    });
    let serial = installed.credential().certificate().serial();
    let mut outcome = Outcome::changed(text, json, Fact::Serial, serial);
    outcome.exit = failed.as_ref().map(|error| error.code().family());
    outcome.afterwards = failed;
    outcome
}
