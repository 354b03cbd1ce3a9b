//! `usbtoken pending`: the jobs that are not finished.

use std::path::Path;

use usbtoken::error::Step;
use usbtoken::renewal::PendingKey;
use usbtoken::{Result, Session};

use crate::go_on::CommandLine;
use crate::job::Job;
use crate::kept::Keeper;
use crate::output::Outcome;
use crate::view;
use crate::words::Words;

/// Lists them. Private keys cannot be seen without login, so the PIN is needed.
pub fn run(job: &Job) -> Result<Outcome> {
    let token = job.token()?;
    let session = job.login(&token)?;
    job.progress.step(Step::ReadObjects);
    let keys = session.pending()?;
    let keeper = Keeper::of_user();
    let entries: Vec<_> = keys.iter().map(|key| shown(job, &keeper, &session, key)).collect();
    let mut lines = vec![view::Token::of(token.identity()).heading(job.lang)];
    if entries.is_empty() {
        lines.push(format!("  {}", Words::NoPending.text(job.lang)));
    }
    lines.extend(entries.iter().zip(1..).map(|(entry, number)| entry.entry(number, job.lang)));
    Ok(Outcome::new(lines.join("\n"), serde_json::json!(entries)))
}

/// What is shown of a pending key: also the answer that came for it already.
pub fn shown(job: &Job, keeper: &Keeper, session: &Session, key: &PendingKey) -> view::Pending {
    let file = keeper.answer_file(session, key);
    let answer = file.as_deref().map(|file| (file, install(job, file)));
    view::Pending::of(session.token().identity(), key, job.now()).answered(answer)
}

/// The command that installs the answer in this file.
pub fn install(job: &Job, file: &Path) -> String {
    CommandLine::new("install", &job.global).word(&file.to_string_lossy()).end()
}
