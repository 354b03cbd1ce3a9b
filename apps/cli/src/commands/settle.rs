//! The second half of every renewal: the answer is installed, and the old credential goes if that is wanted.

use std::path::Path;
use std::time::SystemTime;

use serde_json::json;
use usbtoken::code::Notice;
use usbtoken::driver::Session;
use usbtoken::error::{Code, Fact, Result, Step};
use usbtoken::pki::{Answer, Relax};
use usbtoken::renewal::{Install, Installed};
use usbtoken::text::Phrase;

use super::select;
use crate::args::CheckArgs;
use crate::job::Job;
use crate::kept::{Keeper, Kept};
use crate::output::{Outcome, notices_json, notices_text};
use crate::{files, view};

/// How answers are taken, with the trust anchors read: a wrong file is noticed before anything else happens.
pub struct Checks<'a> {
    args: &'a CheckArgs,
    anchors: Vec<Vec<u8>>,
}

impl<'a> Checks<'a> {
    /// Reads the trust anchors.
    ///
    /// # Errors
    /// [`Code::FileUnreadable`], also when a file holds no certificate.
    pub fn read(args: &'a CheckArgs) -> Result<Self> {
        let mut anchors = Vec::new();
        for path in &args.trust_anchor {
            anchors.extend(certificates(path)?);
        }
        Ok(Checks { args, anchors })
    }

    /// An installation of this answer with these checks.
    pub fn install<'i>(&self, answer: &'i [u8], job: &'i Job) -> Install<'i> {
        let relax: Relax = self.args.relax.iter().copied().collect();
        let install = Install::new(answer)
            .relax(relax)
            .require_proof(select::level(self.args.require_proof))
            // Not when the command began: the CA stamps the certificate later than that.
            .at(SystemTime::now())
            .progress(&job.progress);
        let install = self.anchors.iter().fold(install, |install, anchor| install.anchor(anchor.clone()));
        if self.args.write_chain { install.with_ca_certificates() } else { install }
    }
}

fn certificates(path: &Path) -> Result<Vec<Vec<u8>>> {
    let unusable =
        |error: usbtoken::Error| error.with_code(Code::FileUnreadable).fact(Fact::Path, path.display());
    let answer = Answer::parse(&files::read(path)?).map_err(unusable)?;
    Ok(answer.certificates().iter().map(|certificate| certificate.der().to_vec()).collect())
}

/// Installs an answer for whichever pending key it is for.
pub fn install(
    job: &Job,
    session: &Session,
    answer: &[u8],
    checks: &Checks<'_>,
    reuse_key: bool,
) -> Result<Installed> {
    let install = checks.install(answer, job);
    if reuse_key { install.reuse_key().run(session) } else { install.run(session) }
}

/// Forgets what was kept of the job, removes the old credential if that is wanted, and tells the result.
///
/// A removal that fails does not undo the renewal: the result is shown, then the error.
pub fn finish(
    job: &Job,
    session: &Session,
    installed: &Installed,
    (keeper, received): (&Keeper, Option<&Kept>),
    retire_old: bool,
) -> Outcome {
    keeper.forget(session, installed.credential().id(), received);
    let mut notices = installed.notices().to_vec();
    let mut failed = None;
    let mut retired = false;
    match installed.replaced() {
        Some(old) if retire_old => {
            job.progress.step(Step::Retire);
            match session.retire(old, job.now) {
                Ok(_) => retired = true,
                Err(error) => failed = Some(error),
            }
        }
        Some(_) => notices.push(Notice::OldKept),
        None => {}
    }
    let token = session.token().identity();
    let level = Some(installed.proof().level);
    let credential = view::Credential::of(token, installed.credential(), level, job.now);
    let replaced = installed.replaced().map(|old| view::Credential::of(token, old, None, job.now));

    let mut text = credential.result(job.lang);
    text.push_str(&format!("\n{}", Phrase::RestartBrowsers.text(job.lang)));
    if retired {
        text.push_str(&format!("\n{}", Phrase::Retired.text(job.lang)));
    }
    text.push_str(&notices_text(&job.untold(&notices), job.lang));
    let json = json!({
        "credential": credential,
        "replaced": replaced,
        "retired": retired,
        "key_reused": installed.key_reused(),
        "proof": installed.proof(),
        "notices": notices_json(&notices, job.lang),
    });
    let serial = installed.credential().certificate().serial();
    let mut outcome = Outcome::changed(text, json, Fact::Serial, serial);
    outcome.exit = failed.as_ref().map(|error| error.code().family());
    outcome.afterwards = failed;
    outcome
}
