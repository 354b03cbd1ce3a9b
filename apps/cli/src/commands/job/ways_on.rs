//! The removals that an error names to go on with. The rule for them is that of [`CommandLine`].

use std::path::PathBuf;

use usbtoken::bank::Override;
use usbtoken::error::Fact;
use usbtoken::pki::SubjectRule;
use usbtoken::{Code, Credential, Error, Result};

use crate::next_command::CommandLine;
use crate::run::Run;

/// What a command line says of the certificate that takes the place of another.
#[derive(Clone, Copy, Default)]
pub struct Said<'a> {
    pub anchors: &'a [PathBuf],
    pub subject: Option<SubjectRule>,
    pub successor: Option<&'a str>,
    pub although_issuer_not_shown: bool,
    /// Whether the old one was named by its identifier.
    pub by_id: bool,
}

impl Said<'_> {
    pub fn rule(self) -> Option<String> {
        self.subject.filter(|rule| *rule != SubjectRule::default()).map(|rule| rule.to_string())
    }

    /// The command that removes the old one, with what was said of the way to it.
    pub fn retire(self, run: &Run, old: &Credential) -> String {
        self.again(CommandLine::new("retire", &run.global).certificate(old, self.by_id))
    }

    /// Adds all that was said.
    fn again(self, line: CommandLine) -> String {
        let line = line.value("--successor", self.successor);
        self.on(line.flag("--although-issuer-not-shown", self.although_issuer_not_shown)).end()
    }

    fn on(self, line: CommandLine) -> CommandLine {
        let anchors = self.anchors.iter().map(PathBuf::as_path);
        let line = anchors.fold(line, |line, anchor| line.path("--trust-anchor", Some(anchor)));
        line.value("--subject", self.rule().as_deref())
    }
}

/// Names the command by which a person says that the new certificate is meant, where the error is that it has another user's
/// name, that the copy is, where it is one, or that removes the older one first.
///
/// # Errors
/// Any other error, as it is.
pub fn name_successor(error: Error, run: &Run, old: &Credential, said: Said<'_>) -> Result<Error> {
    let fact = |error: &Error, wanted| {
        error.facts().find(|(fact, _)| *fact == wanted).map(|(_, value)| value.to_owned())
    };
    if let Some(older) = fact(&error, Fact::Older) {
        let line = CommandLine::new("retire", &run.global).value("--serial", Some(&older));
        return Ok(error.fact(Fact::GoOn, said.again(line)));
    }
    let by_id = match (error.code(), reason(&error)) {
        (Code::OldIsCopy, _) => Some(Fact::Id),
        (_, Some("two_keys_sign")) => Some(Fact::Candidate),
        _ => None,
    };
    if let Some(wanted) = by_id {
        let name = old.naming(old.certificate());
        let line = |id| {
            let line = CommandLine::new("retire", &run.global).value("--id", Some(id));
            said.again(line.value("--serial", Some(&name)))
        };
        let ids = error.facts().filter(|(fact, id)| *fact == wanted && !id.is_empty());
        let mut lines: Vec<String> = ids.map(|(_, id)| line(id)).collect();
        lines.dedup();
        return Ok(lines.into_iter().fold(error, |error, line| error.fact(Fact::GoOn, line)));
    }
    // The certificate is on the token, so no CA is asked.
    let error = match fact(&error, Fact::KeyId) {
        Some(id) => {
            let line = CommandLine::new("resume", &run.global).value("--id", Some(&id));
            error.fact(Fact::GoOn, said.on(line.flag("--retire-old", true)).end())
        }
        None => error,
    };
    let is_of_issuer = error.code() == Code::RetireIssuerNotShown || reason(&error) == Some("another_ca");
    let is_banks = run.bank().is_some_and(|bank| bank.check_override(Override::Anchors).is_err());
    if is_of_issuer && (is_banks || !said.anchors.is_empty()) {
        return Err(error);
    }
    let Some(successor) = fact(&error, Fact::Successor) else { return Err(error) };
    let line = CommandLine::new("retire", &run.global).certificate(old, said.by_id);
    let line = line.value("--successor", Some(&successor));
    let line = said.on(line.flag("--although-issuer-not-shown", is_of_issuer));
    Ok(error.fact(Fact::GoOn, line.end()))
}

/// Names the command that removes the old certificate later, where that may work: what came before is done.
pub fn name_retire(error: Error, run: &Run, old: &Credential, said: Said<'_>) -> Error {
    let error = match name_successor(error, run, old, said) {
        Ok(named) => return named,
        Err(error) => error,
    };
    let never = matches!(
        error.code(),
        Code::RetireKept
            | Code::RetireIssuerNotShown
            | Code::RetireBeforeWindow
            | Code::RetireOlderFirst
            | Code::RetireOnlyCredential
            | Code::RetireNoSuccessor
            | Code::RetireNotOurs
            | Code::RetireNotConfirmed
            | Code::RemovalDoubtful
            | Code::SuccessorDoubtful
            | Code::SuccessorNotBesideKey
    );
    if never { error } else { error.fact(Fact::GoOn, said.retire(run, old)) }
}

/// Why, by its stable name.
pub fn reason(error: &Error) -> Option<&str> {
    error.facts().find(|(fact, _)| *fact == Fact::Reason).map(|(_, reason)| reason)
}
