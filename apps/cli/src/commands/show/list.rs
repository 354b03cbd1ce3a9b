//! `usbtoken list`: every credential on the tokens.

use std::time::SystemTime;

use usbtoken::bank::Delivered;
use usbtoken::driver::{PublicSession, TokenIdentity};
use usbtoken::error::{Notice, Step};
use usbtoken::pki::Window;
use usbtoken::renewal::{Renewable, clock_doubt};
use usbtoken::text::Phrase;
use usbtoken::{Credential, Credentials, Result, Session, Token};

use crate::args;
use crate::output::view;
use crate::output::{Outcome, print_warning};
use crate::pin::Source;
use crate::run::Run;

/// What one token holds.
struct Seen {
    token: view::Token,
    credentials: Vec<view::Credential>,
    unreadable: Vec<view::Unreadable>,
    logged_in: bool,
    /// Whether the bank delivers it without a certificate.
    comes_empty: bool,
}

impl Seen {
    fn of(
        run: &Run,
        token: &TokenIdentity,
        all: &Credentials,
        credentials: Vec<view::Credential>,
        logged_in: bool,
    ) -> Self {
        let named = all.unreadable().iter();
        let unreadable = named.map(|one| view::Unreadable::of(token, one)).collect();
        if !all.unreadable().is_empty() {
            run.tell(&[Notice::CertificateUnreadable.into()]);
        }
        let certificates = all.iter().map(Credential::certificate);
        run.tell(clock_doubt(&run.policy(), certificates, run.now()).as_slice());
        let (bank, now) = (run.bank(), run.now());
        let credentials = credentials.into_iter().map(|one| one.reminded(bank, now)).collect();
        let comes_empty = bank.is_some_and(|bank| bank.delivered(token) == Delivered::Empty);
        Seen { token: view::Token::of(token), credentials, unreadable, logged_in, comes_empty }
    }

    /// Keeps what is to be renewed now; what cannot be read is no one's to renew.
    fn keep_due(&mut self) {
        self.credentials.retain(view::Credential::is_due);
        self.unreadable.clear();
    }
}

/// Lists without login; with a source of the PIN it logs in, to one token only.
pub fn run(run: &Run, args: &args::List) -> Result<Outcome> {
    let mut seen = gather(run)?;
    if args.due {
        seen.iter_mut().for_each(Seen::keep_due);
        seen.retain(|seen| !seen.credentials.is_empty());
    }
    seen.iter().flat_map(|seen| &seen.credentials).for_each(|one| run.tell(one.reminding().as_slice()));
    // Of a token with thousands of certificates only what is shown is made.
    if run.global.json {
        let of_token = |seen: &Seen| {
            let credentials = seen.credentials.iter().map(|one| serde_json::json!(one));
            credentials.chain(seen.unreadable.iter().map(|one| serde_json::json!(one))).collect::<Vec<_>>()
        };
        return Ok(Outcome::new("", seen.iter().flat_map(of_token).collect()));
    }
    let texts: Vec<String> = seen.iter().map(|seen| text(run, seen)).collect();
    let mut outcome = Outcome::new(texts.join("\n\n"), serde_json::Value::Null);
    // Not even an empty line, of which a scheduler would send a mail.
    outcome.raw = texts.is_empty().then(Vec::new);
    Ok(outcome)
}

fn gather(run: &Run) -> Result<Vec<Seen>> {
    if !Source::of(&run.global).is_interactive() {
        // The PIN belongs to one token; tried on another it would cost that one's tries.
        let session = run.login(run.token()?)?;
        return Ok(vec![with_proof(run, &session)?]);
    }
    let (tokens, mut skipped) = run.tokens()?;
    let mut seen = Vec::new();
    for token in tokens {
        run.progress.step(Step::ReadObjects);
        match without_proof(run, token) {
            Ok(one) => seen.push(one),
            Err(error) => skipped.push(error),
        }
    }
    // One bad token does not hide the others; if there is no other, it is the answer.
    match skipped.pop() {
        Some(error) if seen.is_empty() => return Err(error),
        last => skipped.extend(last),
    }
    skipped.iter().for_each(|error| print_warning(error, run.lang, run.bank(), run.global.json));
    Ok(seen)
}

fn without_proof(run: &Run, token: Token) -> Result<Seen> {
    let session = token.open_public_session()?;
    // The session is the last to use the driver: what ends it then closes the session too.
    drop(token);
    let all = with_renewals(&session, session.credentials()?, run.when());
    let all = all.named_by(session.token().found_by())?;
    let token = session.token().identity();
    let shown = all.iter().map(|one| view::Credential::of(token, one, None, run.when())).collect();
    Ok(Seen::of(run, token, &all, shown, false))
}

/// What has ended may be renewed all the same, where that was begun: public keys tell.
fn with_renewals(
    session: &PublicSession,
    all: Credentials,
    (window, now): (Window, SystemTime),
) -> Credentials {
    let ended = all.iter().any(|one| one.renewable(window, now) == Renewable::Expired);
    let more = if ended { session.credentials_and_renewals().ok() } else { None };
    more.unwrap_or(all)
}

fn with_proof(run: &Run, session: &Session) -> Result<Seen> {
    run.progress.step(Step::ReadObjects);
    let (token, all) = (session.token().identity(), session.credentials()?);
    let view = |one: &Credential| {
        let level = session.proof(one, &run.call())?.map(|proof| proof.level);
        Ok(view::Credential::of(token, one, level, run.when()))
    };
    let shown = all.iter().map(view).collect::<Result<_>>()?;
    Ok(Seen::of(run, token, &all, shown, true))
}

fn text(run: &Run, seen: &Seen) -> String {
    let mut lines = vec![seen.token.heading(run.lang)];
    if seen.credentials.is_empty() && seen.unreadable.is_empty() {
        // None seen before the login is not none.
        let none = if seen.comes_empty {
            let message = Notice::DeliveredEmpty.message(run.lang);
            format!("{}\n  {}", message.sentence, message.next_action)
        } else if seen.logged_in {
            Phrase::NoCredentials.text(run.lang)
        } else {
            let message = Notice::NoCertificate.message(run.lang);
            format!("{}\n  {}", message.sentence, message.next_action)
        };
        lines.push(format!("  {none}"));
    }
    lines.extend(seen.credentials.iter().zip(1..).map(|(one, number)| one.entry(number, run.lang)));
    lines.extend(seen.unreadable.iter().map(|one| one.entry(run.lang)));
    lines.join("\n")
}
