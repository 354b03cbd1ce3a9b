//! `usbtoken pending`: the jobs that are not finished.

use usbtoken::error::{Result, Step};

use crate::job::Job;
use crate::output::Outcome;
use crate::view;
use crate::words::Words;

/// Lists them. Private keys cannot be seen without login, so the PIN is needed.
pub fn run(job: &Job) -> Result<Outcome> {
    let token = job.token()?;
    let session = job.login(&token)?;
    job.progress.step(Step::ReadObjects);
    let keys = session.pending()?;
    let entries: Vec<_> =
        keys.iter().map(|key| view::Pending::of(token.identity(), key, job.now())).collect();
    let mut lines = vec![view::Token::of(token.identity()).heading(job.lang)];
    if entries.is_empty() {
        lines.push(format!("  {}", Words::NoPending.text(job.lang)));
    }
    lines.extend(entries.iter().zip(1..).map(|(entry, number)| entry.entry(number, job.lang)));
    Ok(Outcome::new(lines.join("\n"), serde_json::json!(entries)))
}
