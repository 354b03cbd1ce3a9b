//! `usbtoken list`: every credential on the tokens.

use usbtoken::code::Notice;
use usbtoken::driver::{ProofLevel, Session, Token};
use usbtoken::error::{Result, Step};
use usbtoken::renewal::{Credential, KeyState};
use usbtoken::text::Phrase;

use crate::job::Job;
use crate::output::{Outcome, print_warning};
use crate::pin::Source;
use crate::view;

/// Lists without login; with a source of the PIN it logs in, to one token only.
pub fn run(job: &Job) -> Result<Outcome> {
    let mut texts = Vec::new();
    let mut entries = Vec::new();
    for (token, credentials) in gather(job)? {
        texts.push(text(job, &token, &credentials));
        entries.extend(credentials);
    }
    Ok(Outcome::new(texts.join("\n\n"), serde_json::json!(entries)))
}

fn gather(job: &Job) -> Result<Vec<(Token, Vec<view::Credential>)>> {
    if !Source::of(&job.global).is_interactive() {
        // The PIN belongs to one token; tried on another it would cost that one's tries.
        let token = job.token()?;
        let session = job.login(&token)?;
        let credentials = with_proof(job, &session)?;
        return Ok(vec![(token, credentials)]);
    }
    let (tokens, mut passed_over) = job.tokens()?;
    let mut seen = Vec::new();
    for token in tokens {
        job.progress.step(Step::ReadObjects);
        match without_proof(job, &token) {
            Ok(credentials) => seen.push((token, credentials)),
            Err(error) => passed_over.push(error),
        }
    }
    // One bad token does not hide the others; if there is no other, it is the answer.
    match passed_over.pop() {
        Some(error) if seen.is_empty() => return Err(error),
        last => passed_over.extend(last),
    }
    passed_over.iter().for_each(|error| print_warning(error, job.lang, job.global.json));
    Ok(seen)
}

fn without_proof(job: &Job, token: &Token) -> Result<Vec<view::Credential>> {
    let credentials = token.credentials()?;
    if credentials.unreadable() > 0 {
        job.tell(&[Notice::CertificateUnreadable.into()]);
    }
    Ok(credentials.iter().map(|one| view::Credential::of(token.identity(), one, None, job.now())).collect())
}

fn with_proof(job: &Job, session: &Session) -> Result<Vec<view::Credential>> {
    job.progress.step(Step::ReadObjects);
    let credentials = session.credentials()?;
    if credentials.unreadable() > 0 {
        job.tell(&[Notice::CertificateUnreadable.into()]);
    }
    let view = |one: &Credential| {
        let level = level(job, session, one)?;
        Ok(view::Credential::of(session.token().identity(), one, level, job.now()))
    };
    credentials.iter().map(view).collect()
}

fn level(job: &Job, session: &Session, credential: &Credential) -> Result<Option<ProofLevel>> {
    match credential.key() {
        KeyState::Present(key) => session.prove(key, job.now()).map(|proof| Some(proof.level)),
        KeyState::NotLookedFor | KeyState::Missing => Ok(None),
    }
}

fn text(job: &Job, token: &Token, credentials: &[view::Credential]) -> String {
    let mut lines = vec![view::Token::of(token.identity()).heading(job.lang)];
    if credentials.is_empty() {
        lines.push(format!("  {}", Phrase::NoCredentials.text(job.lang)));
    }
    lines.extend(credentials.iter().zip(1..).map(|(one, number)| one.entry(number, job.lang)));
    lines.join("\n")
}
