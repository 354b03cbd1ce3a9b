//! An answer that was not installed: what it is, and how to go on with it.

use std::path::Path;

use base16ct::lower::decode_vec;
use usbtoken::error::{Fact, Step};
use usbtoken::{Code, Error, Response, Session};

use super::install_response::Checks;
use crate::issuer::first_line;
use crate::kept::Keeper;
use crate::next_command::CommandLine;
use crate::reference::Reference;
use crate::run::Run;

/// An answer that was refused, and where it is.
pub struct Received<'a> {
    pub answer: &'a [u8],
    /// What was read in it, or why nothing was.
    pub response: std::result::Result<&'a Response, Code>,
    pub file: Option<&'a Path>,
    pub keeper: &'a Keeper,
}

impl Received<'_> {
    /// Says more about the refusal: what the answer looks like when it is none, whose it is when it is another
    /// token's, and the command that goes on with it.
    pub fn explain(&self, error: Error, run: &Run, session: &Session, checks: &Checks<'_>) -> Error {
        let response = match self.response {
            Ok(response) => response,
            Err(_) => return described(error, self.answer),
        };
        let order = self.keeper.job_of(response).and_then(|entry| entry.reference);
        let error = Reference::name(order.as_ref(), error);
        let other = self.keeper.other_token(&error, session, response);
        let line = match &other {
            Some(entry) => CommandLine::on_token("install", &run.global, &entry.token),
            None => CommandLine::new("install", &run.global),
        };
        let line = line.any_caller(&run.global, error.code() == Code::PendingOfOther);
        let error = match &other {
            Some(entry) => {
                let other = Error::new(Code::AnswerForOtherToken)
                    .during(Step::CheckCertificate)
                    .fact(Fact::Token, &entry.token)
                    .fact(Fact::Id, &entry.key_id)
                    .fact(Fact::Date, &entry.since);
                Reference::name(order.as_ref(), other).caused_by(error)
            }
            None => error,
        };
        match self.file {
            _ if is_refused_for_good(error.code()) || is_not_kept(&error) => error,
            // What is only on standard error is given back on standard input.
            file => {
                let file = file.map_or("-".into(), Path::to_string_lossy);
                let lines = match each_meant(&error, run, session) {
                    lines if lines.is_empty() => vec![line],
                    lines => lines,
                };
                let go_on = |line| checks.on(line).word(&file).end();
                lines.into_iter().fold(error, |error, line| error.fact(Fact::GoOn, go_on(line)))
            }
        }
    }
}

/// Where an answer is for several that wait, a command line for each of them, which names it.
fn each_meant(error: &Error, run: &Run, session: &Session) -> Vec<CommandLine> {
    let candidates = error.facts().filter(|(fact, _)| *fact == Fact::Candidate);
    let mut ids: Vec<Vec<u8>> = candidates.filter_map(|(_, id)| decode_vec(id).ok()).collect();
    ids.sort_unstable();
    ids.dedup();
    if error.code() != Code::PendingAmbiguous || ids.len() < 2 {
        return Vec::new();
    }
    let uri = session.token().uri().of_label_and_serial();
    ids.iter().map(|id| CommandLine::on_object("install", &run.global, &uri.clone().with_id(id))).collect()
}

/// Whether the same file would be refused in the same way each time.
const fn is_refused_for_good(code: Code) -> bool {
    matches!(
        code,
        Code::AlreadyInstalled
            | Code::PendingNotFound
            | Code::CertificateNotAwaited
            | Code::RequestFinished
            | Code::IssuerUnexpected
            | Code::AnswerFormUnexpected
            | Code::AnswerNoLeaf
            | Code::KeyMismatch
            | Code::IsCaCertificate
            | Code::NotLaterThanOld
            | Code::SerialSame
            | Code::PurposeMissing
            | Code::UsageMissing
    )
}

/// Whether the driver keeps nothing of what it says that it has written: so it would each time.
pub fn is_not_kept(error: &Error) -> bool {
    error.facts().any(|(fact, reason)| fact == Fact::Reason && reason == "not_kept")
}

/// Adds what a person recognises something by that is no answer: a page of a web server, a word of a program.
pub fn described(error: Error, answer: &[u8]) -> Error {
    if error.facts().any(|(fact, _)| fact == Fact::Size) {
        return error;
    }
    let error = error.fact(Fact::Size, answer.len());
    match first_line(answer) {
        line if line.is_empty() => error,
        line => error.fact(Fact::FirstLine, line),
    }
}
