//! `usbtoken list`: every credential on the tokens.

use std::io::{self, Write};
use std::iter;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};
use usbtoken::bank::{Bank, Delivered};
use usbtoken::discovery::each;
use usbtoken::driver::{PublicSession, TokenIdentity};
use usbtoken::error::{Fact, Family, Notice, Step, Warning};
use usbtoken::pki::{ProofLevel, Window};
use usbtoken::places::{self, OldCertificate, Place};
use usbtoken::renewal::{Renewable, Unreadable, WhyUnreadable, clock_doubt};
use usbtoken::text::{Lang, Phrase};
use usbtoken::{Certificate, Credential, Credentials, Result, Session, Token, TokenUri};

use crate::args;
use crate::kept::Keeper;
use crate::output::{Outcome, Pieces, print_notice, print_warning};
use crate::output::{json, view};
use crate::pin::Source;
use crate::run::Run;
use crate::words::{Tongue, Words};

/// How long the tokens of one driver may take to be read: a card with a hundred objects and slow calls stays far below.
const LONGEST: Duration = Duration::from_secs(180);

/// What the tokens hold, to be shown one by one: of a token with thousands of certificates nothing is made beforehand.
struct Listed {
    seen: Vec<Seen>,
    lang: Lang,
    when: (Window, SystemTime),
    bank: Option<Bank>,
    /// Whether only what is to be renewed now is shown.
    due: bool,
    /// What is on this computer, by its end, where that is wanted.
    elsewhere: Vec<OldCertificate>,
    /// Whether that is all that is known without being named, so that its numbers mean the same in another command.
    elsewhere_counts: bool,
}

/// A certificate by its number in the list, for a command that is to work on it.
pub struct Numbered {
    /// The token that it is on, or the place on this computer.
    pub at: std::result::Result<TokenUri, Place>,
    pub serial: String,
}

/// What one token holds.
struct Seen {
    token: TokenIdentity,
    uri: TokenUri,
    credentials: Credentials,
    /// The levels of proof of the credentials' keys, where someone logged in.
    levels: Option<Vec<Option<ProofLevel>>>,
}

/// One of the list for programs.
#[derive(Serialize)]
#[serde(untagged)]
enum Entry {
    Credential(Box<view::Credential>),
    Unreadable(view::Unreadable),
    Elsewhere(Box<view::Elsewhere>),
}

impl Seen {
    fn of(
        run: &Run,
        (token, uri): (&TokenIdentity, TokenUri),
        all: Credentials,
        levels: Option<Vec<Option<ProofLevel>>>,
    ) -> Self {
        if !all.unreadable().is_empty() {
            run.tell(&[Notice::CertificateUnreadable.into()]);
        }
        run.tell(all.stored_twice().as_slice());
        let certificates = all.iter().map(Credential::certificate);
        run.tell(clock_doubt(&run.policy(), certificates, run.now()).as_slice());
        let all = all.known_to(&Keeper::of_user().remembering(run.call()));
        Seen { token: token.clone(), uri, credentials: all, levels }
    }

    fn unreadable(&self) -> impl Iterator<Item = view::Unreadable> {
        self.credentials.unreadable().iter().map(|one| view::Unreadable::of(&self.token, one))
    }
}

impl Listed {
    /// The credentials of all tokens, the first to end first, with their numbers; what is left out has its number too.
    fn credentials(&self) -> impl Iterator<Item = (usize, &Seen, view::Credential)> {
        let keeper = Keeper::of_user();
        let shown = by_end(&self.seen).into_iter().zip(1..).map(move |((seen, one, level), number)| {
            let old = one.certificate();
            let there = self.said_to_replace(old, Some(&seen.token));
            let there = there.map(|(token, by)| (token.clone(), by.certificate().clone()));
            // That token need not be plugged in.
            let by = there.or_else(|| self.remembered(&keeper, Some(&seen.token), old));
            let shown = view::Credential::of(&seen.token, one, level, self.when);
            let shown = shown.reminded(self.bank.as_ref(), self.when.1);
            (number, seen, shown.renewed_by(by.as_ref().map(|(token, by)| (token, by))))
        });
        shown.filter(|(_, _, one)| !self.due || one.is_due())
    }

    /// What cannot be read is no one's to renew.
    fn unreadable<'a>(&'a self, seen: &'a Seen) -> impl Iterator<Item = view::Unreadable> + 'a {
        seen.unreadable().filter(|_| !self.due)
    }

    /// What is on this computer, with the credential on a token that is said to take its place, and with its number where that
    /// counts.
    fn elsewhere(&self) -> impl Iterator<Item = (Option<usize>, view::Elsewhere)> {
        let before: usize = self.seen.iter().map(|seen| seen.credentials.iter().len()).sum();
        let shown = self.elsewhere.iter().map(|old| {
            let keeper = Keeper::of_user();
            let there = self.said_to_replace(old.certificate(), None);
            let there = there.map(|(token, by)| (token.clone(), by.certificate().clone()));
            let by = there.or_else(|| self.remembered(&keeper, None, old.certificate()));
            let waiting = keeper.ordered(old.certificate());
            let by = by.as_ref().map(|(token, by)| (token, by));
            view::Elsewhere::of(old, self.when).renewed_by(by).waiting_on(&waiting)
        });
        let numbered =
            shown.zip(before + 1..).map(|(one, number)| (self.elsewhere_counts.then_some(number), one));
        numbered.filter(|(_, one)| !self.due || one.is_due())
    }

    /// What this computer keeps of its renewal onto another token, unless the list shows that it is not there any more.
    fn remembered(
        &self,
        keeper: &Keeper,
        token: Option<&TokenIdentity>,
        old: &Certificate,
    ) -> Option<(TokenIdentity, Certificate)> {
        let is_gone = |onto: &TokenIdentity| {
            let mut shown = self.seen.iter().filter(|seen| seen.token == *onto);
            shown.any(|seen| keeper.renewal_is_gone(old, onto, &seen.credentials))
        };
        keeper.renewed_beside(token, old).filter(|(onto, _)| !is_gone(onto))
    }

    /// The credential on a token, other than this one, that is said to take this certificate's place.
    fn said_to_replace(
        &self,
        old: &Certificate,
        but: Option<&TokenIdentity>,
    ) -> Option<(&TokenIdentity, &Credential)> {
        let mut others = self.seen.iter().filter(|seen| but != Some(&seen.token));
        others.find_map(|seen| Some((&seen.token, seen.credentials.said_to_replace(old)?)))
    }

    /// The first warning that something is to be renewed; of a bank that reminds no one nothing is examined.
    fn reminding(&self) -> Option<Warning> {
        self.bank.as_ref().filter(|bank| !bank.reminders.is_empty())?;
        self.credentials().find_map(|(_, _, one)| one.reminding())
    }

    /// That more may show after the login, where what shows before it has ended, or nothing shows and that is not said with the token
    /// itself: none among what is due, or in the list for programs, is not none.
    fn may_hide(&self, says_none: bool) -> Option<Warning> {
        let (window, now) = self.when;
        let may_hide = |seen: &&Seen| {
            let is_told = seen.credentials.is_empty() && (says_none || !self.may_be_hidden(seen));
            let mut all = seen.credentials.iter();
            seen.levels.is_none()
                && !is_told
                && all.all(|one| one.renewable(window, now) == Renewable::Expired)
        };
        let mut hiding = self.seen.iter().filter(may_hide).peekable();
        hiding.peek()?;
        let notice = Warning::from(Notice::MoreAfterLogin);
        Some(hiding.fold(notice, |notice, seen| notice.fact(Fact::Token, &seen.token)))
    }

    /// Whether a certificate may be there that does not show.
    fn may_be_hidden(&self, seen: &Seen) -> bool {
        let is_delivered_so =
            self.bank.as_ref().is_some_and(|bank| bank.delivered(&seen.token) == Delivered::Empty);
        let given_later = |one: &Unreadable| one.reason == WhyUnreadable::NotGiven;
        seen.credentials.unreadable().iter().all(given_later) && !is_delivered_so
    }

    /// None seen before the login is not none.
    fn none(&self, seen: &Seen) -> String {
        let is_delivered_so =
            self.bank.as_ref().is_some_and(|bank| bank.delivered(&seen.token) == Delivered::Empty);
        let notice = match seen.levels {
            _ if is_delivered_so => Notice::DeliveredEmpty,
            Some(_) => return Phrase::NoCredentials.text(self.lang),
            None => Notice::NoCertificate,
        };
        let (message, tongue) =
            (notice.message(self.lang), Tongue { lang: self.lang, bank: self.bank.as_ref() });
        format!("{}\n  {}", tongue.say(message.sentence), tongue.say(message.next_action))
    }
}

impl Serialize for Listed {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let credentials = self.credentials().map(|(_, _, one)| Entry::Credential(Box::new(one)));
        let unreadable = self.seen.iter().flat_map(|seen| self.unreadable(seen)).map(Entry::Unreadable);
        let elsewhere = self.elsewhere().map(|(_, one)| Entry::Elsewhere(Box::new(one)));
        serializer.collect_seq(credentials.chain(unreadable).chain(elsewhere))
    }
}

impl Pieces for Listed {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut under: Option<&TokenIdentity> = None;
        for (number, seen, one) in self.credentials() {
            self.heading(out, &mut under, seen)?;
            writeln!(out, "{}", one.entry(number, self.lang))?;
        }
        // A token that holds nothing is shown, but not among what is to be renewed.
        for seen in self.seen.iter().filter(|_| !self.due) {
            let is_empty = seen.credentials.is_empty() && seen.credentials.unreadable().is_empty();
            if is_empty {
                self.heading(out, &mut under, seen)?;
                writeln!(out, "  {}", self.none(seen))?;
            }
            for one in self.unreadable(seen) {
                self.heading(out, &mut under, seen)?;
                writeln!(out, "{}", one.entry(self.lang))?;
            }
        }
        for (at, (number, one)) in self.elsewhere().enumerate() {
            if at == 0 {
                writeln!(out, "\n{}", Words::OnThisComputer.text(self.lang))?;
            }
            writeln!(out, "{}", one.entry(number, self.lang))?;
        }
        Ok(())
    }

    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write_pretty(out, self)
    }
}

impl Listed {
    /// The token that what follows is on, where that is another one than before.
    fn heading<'a>(
        &self,
        out: &mut dyn Write,
        under: &mut Option<&'a TokenIdentity>,
        seen: &'a Seen,
    ) -> io::Result<()> {
        match under.replace(&seen.token) {
            Some(last) if *last == seen.token => return Ok(()),
            Some(_) => writeln!(out)?,
            None => {}
        }
        writeln!(out, "{}", view::Token::of(&seen.token).heading(self.lang))
    }
}

/// The credentials of all tokens, the first to end first.
fn by_end(seen: &[Seen]) -> Vec<(&Seen, &Credential, Option<ProofLevel>)> {
    let mut all = Vec::new();
    for one in seen {
        let levels = one.levels.iter().flatten().copied().chain(iter::repeat(None));
        all.extend(one.credentials.iter().zip(levels).map(|(credential, level)| (one, credential, level)));
    }
    all.sort_by_key(|(_, one, _)| one.certificate().not_after());
    all
}

/// What has a number in the list, in its order: what is on the tokens as it shows without a PIN, then what is on this computer where
/// that is asked for.
///
/// # Errors
/// Why the tokens cannot be read.
pub fn numbered(run: &Run, everywhere: impl FnOnce(usize) -> bool) -> Result<Vec<Numbered>> {
    let seen = match before_login(run, false) {
        // What is on this computer has a number all the same; onto which token, the command says then.
        Err(error) if error.code().family() == Family::NotFound => Vec::new(),
        seen => seen?,
    };
    let on_token = |(seen, one, _): (&Seen, &Credential, _)| Numbered {
        at: Ok(seen.uri.clone()),
        serial: one.certificate().serial().to_string(),
    };
    let mut all: Vec<Numbered> = by_end(&seen).into_iter().map(on_token).collect();
    if everywhere(all.len()) {
        all.extend(on_this_computer(run, &[]).into_iter().map(|old| Numbered {
            at: Err(old.place().clone()),
            serial: old.certificate().serial().to_string(),
        }));
    }
    Ok(all)
}

/// Lists without login; with a source of the PIN it logs in, to one token only.
pub fn run(run: &Run, args: &args::List) -> Result<Outcome> {
    let seen = match gather(run, args.due) {
        // What is on this computer is shown all the same.
        Err(error) if args.everywhere && error.code().family() == Family::NotFound => {
            print_warning(&error, run.lang, run.bank(), run.global.json);
            Vec::new()
        }
        seen => seen?,
    };
    let elsewhere = if args.everywhere { on_this_computer(run, &args.also) } else { Vec::new() };
    let bank = run.bank().cloned();
    let elsewhere_counts = args.also.is_empty();
    let when = run.when();
    let listed = Listed { seen, lang: run.lang, when, bank, due: args.due, elsewhere, elsewhere_counts };
    run.tell(listed.reminding().as_slice());
    if let Some(notice) = listed.may_hide(!args.due && !run.global.json) {
        match run.global.json {
            true => print_notice(&notice, run.tongue()),
            false => run.tell(&[notice]),
        }
    }
    Ok(Outcome::in_pieces(listed))
}

/// The certificates of this computer, by their end. What cannot be read is told and hides no other.
fn on_this_computer(run: &Run, also: &[Place]) -> Vec<OldCertificate> {
    run.progress.step(Step::ReadPlace);
    let (all, unread) = places::on_this_computer(also, &run.loading());
    unread.iter().for_each(|error| print_warning(error, run.lang, run.bank(), run.global.json));
    all
}

fn gather(run: &Run, due: bool) -> Result<Vec<Seen>> {
    if !Source::of(&run.global).is_interactive() {
        // The PIN belongs to one token; tried on another it would cost that one's tries.
        let session = run.login(run.token()?)?;
        return Ok(vec![with_proof(run, &session)?]);
    }
    before_login(run, due)
}

/// Where it matters whether a renewal was begun, the public keys are read too.
fn before_login(run: &Run, due: bool) -> Result<Vec<Seen>> {
    let (tokens, mut skipped) = run.tokens()?;
    run.progress.step(Step::ReadObjects);
    let mut seen = Vec::new();
    let when = run.when();
    for one in each(tokens, LONGEST, move |token| without_proof(token, when, due))? {
        match one {
            Ok((token, uri, all)) => seen.push(Seen::of(run, (&token, uri), all, None)),
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

fn without_proof(
    token: Token,
    when: (Window, SystemTime),
    due: bool,
) -> Result<(TokenIdentity, TokenUri, Credentials)> {
    let session = token.open_public_session()?;
    // The session is the last to use the driver: what ends it then closes the session too.
    drop(token);
    let all = with_renewals(&session, session.credentials()?, when, due);
    let all = all.named_by(session.token().found_by())?;
    Ok((session.token().identity().clone(), session.token().uri(), all))
}

/// What has ended may be renewed all the same, where that was begun, and what was begun is not due: public keys tell.
fn with_renewals(
    session: &PublicSession,
    all: Credentials,
    (window, now): (Window, SystemTime),
    due: bool,
) -> Credentials {
    let tells = |one: &Credential| match one.renewable(window, now) {
        Renewable::Expired => true,
        renewable => due && renewable == Renewable::Yes,
    };
    let more = if all.iter().any(tells) { session.credentials_and_renewals().ok() } else { None };
    more.unwrap_or(all)
}

fn with_proof(run: &Run, session: &Session) -> Result<Seen> {
    run.progress.step(Step::ReadObjects);
    let (token, all) = (session.token().identity(), session.credentials()?);
    let level = |one: &Credential| Ok(session.proof(one, &run.call())?.map(|proof| proof.level));
    let levels = all.iter().map(level).collect::<Result<_>>()?;
    Ok(Seen::of(run, (token, session.token().uri()), all, Some(levels)))
}
