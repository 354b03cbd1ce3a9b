//! `usbtoken profile`: a bank's profile, before and after it is installed.

use std::path::Path;

use serde_json::{Value, json};
use usbtoken::Result;
use usbtoken::bank::Bank;
use usbtoken::pki::jst_date;
use usbtoken::text::printable;

use crate::args::{self, withhold};
use crate::output::{Outcome, error_json, error_text, notices_json, notices_text};
use crate::run::Run;
use crate::words::Words;

/// Checks a file, or lists what is installed.
pub fn run(run: &Run, args: &args::Profile) -> Result<Outcome> {
    match args {
        args::Profile::Check { file } => Ok(check(run, file)),
        args::Profile::List => list(run),
    }
}

/// Says all that is wrong. That a file is wrong is no error of this command, but decides its exit code.
fn check(run: &Run, file: &Path) -> Outcome {
    // It need not be a path.
    let name = withhold(&file.display().to_string()).into_owned();
    match Bank::open(file) {
        Ok(bank) => {
            let fine = Words::ProfileFine(&printable(&name)).text(run.lang);
            let remarks = bank.remarks(run.now());
            let text = format!("{fine}\n{}{}", summary(run, &bank), notices_text(&remarks, run.tongue()));
            let notices = || notices_json(&remarks, run.tongue());
            let json = run.for_programs(|| json!({
                "file": name, "valid": true, "problems": [], "profile": values(&bank), "notices": notices(),
            }));
            Outcome::new(text, json)
        }
        Err(first) => {
            let all = Bank::problems(file);
            let problems = if all.is_empty() { vec![first] } else { all };
            let texts: Vec<String> = problems.iter().map(|one| error_text(one, run.lang, None)).collect();
            let value = |one: &usbtoken::Error| error_json(one, run.lang, None)["error"].take();
            let values = || problems.iter().map(value).collect::<Vec<Value>>();
            let json = run.for_programs(
                || json!({"file": name, "valid": false, "problems": values(), "profile": null}),
            );
            let mut outcome = Outcome::new(texts.join("\n\n"), json);
            outcome.exit = problems.first().map(|one| one.code().family());
            outcome
        }
    }
}

/// A profile that cannot be used is shown with the reason, and decides the exit code.
fn list(run: &Run) -> Result<Outcome> {
    let installed = run.installed();
    let all = installed.all()?;
    let mut outcome = Outcome::new("", Value::Null);
    let mut texts = Vec::new();
    let mut entries = Vec::new();
    for (name, bank) in &all {
        match bank {
            Ok(bank) => {
                texts.push(format!("{name}\n{}", summary(run, bank)));
                entries.push(run.for_programs(
                    || json!({"name": name, "valid": true, "profile": values(bank), "problem": null}),
                ));
            }
            Err(error) => {
                texts.push(format!("{name}\n  {}", error.report(run.lang).to_string().replace('\n', "\n  ")));
                let problem = || error_json(error, run.lang, None)["error"].take();
                entries.push(run.for_programs(
                    || json!({"name": name, "valid": false, "profile": null, "problem": problem()}),
                ));
                outcome.exit = outcome.exit.or(Some(error.code().family()));
            }
        }
    }
    if all.is_empty() {
        let folder = installed.folder().map(|folder| folder.display().to_string()).unwrap_or_default();
        texts.push(Words::NoProfiles(&printable(&folder)).text(run.lang));
    }
    outcome.text = texts.join("\n");
    outcome.json = run.for_programs(|| json!(entries));
    Ok(outcome)
}

/// What a person compares with what they wanted to write.
fn summary(run: &Run, bank: &Bank) -> String {
    let lang = run.lang;
    let mut lines = vec![(Words::ProfileBank, bank.name.text(lang).to_owned())];
    let patterns = bank.tokens.iter().flat_map(|token| &token.patterns);
    lines.extend(patterns.map(|pattern| (Words::Token, pattern.to_string())));
    for anchor in &bank.anchors {
        let until = jst_date(anchor.not_after());
        lines.push((Words::ProfileAnchor, format!("{} (–{until})", anchor.subject())));
    }
    lines.push((Words::ProfileOpens, bank.window().days.to_string()));
    let allowed: Vec<String> = bank.may_override().iter().map(ToString::to_string).collect();
    lines.push((
        Words::ProfileOverrides,
        if allowed.is_empty() { "-".to_owned() } else { allowed.join(", ") },
    ));
    lines.extend(bank.contacts.iter().map(|contact| (Words::ProfileContact, contact.line(lang))));
    let line = |(label, value): (Words<'_>, String)| format!("  {}: {}", label.text(lang), printable(&value));
    lines.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

fn values(bank: &Bank) -> Value {
    let patterns = bank.tokens.iter().flat_map(|token| &token.patterns);
    json!({
        "name": {"ja": bank.name.text(usbtoken::text::Lang::Ja), "en": bank.name.text(usbtoken::text::Lang::En)},
        "tokens": patterns.map(ToString::to_string).collect::<Vec<_>>(),
        "anchors": bank.anchors.iter().map(|anchor| json!({
            "subject": anchor.subject().to_string(),
            "not_after": usbtoken::pki::jst_rfc3339(anchor.not_after()),
        })).collect::<Vec<_>>(),
        "opens_days_before": bank.window().days,
        "origins": bank.origins.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "login_url": bank.login_url,
        "may_override": bank.may_override().iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
