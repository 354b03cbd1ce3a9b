//! The mark that the last PIN was not taken, kept for each token in the home of the real user.
//!
//! A program that runs every day with a wrong PIN would lock the token in a few days. So after one wrong PIN no run without
//! a terminal logs in any more, until a person has logged in. The mark is on the disk before a PIN is sent, and goes when the
//! token has taken that: however a run ends in between, the next one finds it. From the reading of the mark until the answer to
//! the PIN is noted a run has its turn: of several that begin at the same minute the first alone sends a wrong PIN.

use std::cell::{Cell, RefCell};
use std::time::{Duration, SystemTime};

use usbtoken::driver::{LoginTurn, TokenInfo};
use usbtoken::error::{Fact, Step};
use usbtoken::{Code, Error, Result, Session};

use crate::args::Global;
use crate::journal::{Journal, WrongPin};
use crate::kept::{STATE_VARIABLES, own_folder, state_folder};

/// How long a run waits for others that log in to the same token. A login is a matter of seconds, also on slow tokens.
const OTHERS: Duration = Duration::from_secs(60);
/// Why either PIN may hold, as a value of [`Fact::Reason`].
const CHANGE_INTERRUPTED: &str = "pin_change_interrupted";

/// The mark of one token. What cannot be read or kept keeps programs out as a mark would: a person is only told.
pub struct Mark<'a> {
    /// Where it is kept, whatever the environment says: else a program with another environment would try again.
    journal: Option<Journal>,
    /// Where earlier releases kept it.
    earlier: Option<Journal>,
    token: &'a TokenInfo,
    by_person: bool,
    /// The PIN is entered at the token, by a person: it says nothing of the one that a program has.
    at_pad: bool,
    /// Since when the command line has said that the PIN is right now, where no person is there.
    corrected_since: Option<SystemTime>,
    turn: RefCell<Option<LoginTurn>>,
    /// What was there when this run noted that it sends a PIN; `None` where it has not, or what it has sent was answered.
    before: RefCell<Option<Before>>,
    /// What it was sent for.
    sent: Cell<Sent>,
}

/// What a PIN is sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// A login: the PIN is wrong or right.
    ToLogIn,
    /// A change of the PIN: without an answer the new one may hold.
    ToChange,
}

/// What a person should know before a PIN is entered.
pub enum Known {
    /// Where the mark cannot be used, and why.
    Unusable(Error),
    /// A change of the PIN had no answer: either PIN may hold.
    ChangeInterrupted,
}

/// What stood in the place of a mark.
enum Before {
    Nothing,
    /// That mark, and the moment at which it was noted.
    Noted(WrongPin, Option<SystemTime>),
    /// What cannot be read.
    Unreadable,
}

impl<'a> Mark<'a> {
    /// The mark of this token. A person is there at a terminal, at a PIN pad, and where the command line says so.
    pub fn of(token: &'a TokenInfo, at_terminal: bool, global: &Global, began: SystemTime) -> Self {
        let own = own_folder();
        let earlier = state_folder().filter(|folder| own.as_ref() != Some(folder)).map(Journal::at);
        let at_pad = token.pin_pad && !global.pin_as_typed;
        let by_person = at_terminal || at_pad || global.pin_corrected;
        let corrected_since = (global.pin_corrected && !at_terminal && !at_pad).then_some(began);
        let (journal, turn, before) = (own.map(Journal::at), RefCell::default(), RefCell::default());
        let sent = Cell::new(Sent::ToLogIn);
        Mark { journal, earlier, token, by_person, at_pad, corrected_since, turn, before, sent }
    }

    /// Lets nobody but a person log in after a wrong PIN, or where it could not be known the next time. Returns what a person
    /// should know.
    ///
    /// # Errors
    /// [`Code::PinWrongBefore`], [`Code::JournalUnusable`], before the PIN is read; [`Code::Busy`] where another run logs in all
    /// the time.
    pub fn check(&self) -> Result<Option<Known>> {
        let waits = !self.by_person || self.corrected_since.is_some();
        let turn = if waits { self.wait_for_turn() } else { Ok(()) };
        let found = self.before().and_then(|before| match before {
            Some(wrong) if !self.by_person || self.was_wrong_meanwhile() => {
                let error = Error::new(Code::PinWrongBefore).fact(Fact::Date, wrong.day);
                Err(if wrong.in_change { error.fact(Fact::Reason, CHANGE_INTERRUPTED) } else { error })
            }
            before => self.place()?.prepare_note().map(|()| before.is_some_and(|wrong| wrong.in_change)),
        });
        match found.map_err(|error| error.during(Step::LogIn).fact(Fact::Token, &self.token.identity)) {
            Ok(_) if !self.by_person => turn.map(|()| None),
            Ok(in_change) => Ok(in_change.then_some(Known::ChangeInterrupted)),
            Err(error) if error.code() == Code::PinWrongBefore => Err(error),
            Err(error) if self.by_person => Ok(Some(Known::Unusable(error))),
            Err(error) => Err(error),
        }
    }

    /// The PIN is sent next: the mark is on the disk when this returns. A person has typed the PIN by now, for whom nobody had to
    /// wait. At a PIN pad nothing is sent, and what a person types there says nothing of the PIN that programs have.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`] where there is no person, who was told and goes on without.
    pub fn is_sent(&self, to: Sent) -> Result<()> {
        self.sent.set(to);
        if self.at_pad {
            return Ok(());
        }
        if self.by_person && self.turn.borrow().is_none() {
            // Where it cannot be had the person goes on all the same.
            let _ = self.wait_for_turn();
        }
        match self.note() {
            Err(error) if !self.by_person => {
                self.turn.take();
                Err(error.during(Step::LogIn).fact(Fact::Token, &self.token.identity))
            }
            _ => Ok(()),
        }
    }

    fn note(&self) -> Result<()> {
        let (journal, token) = (self.place()?, &self.token.identity);
        let before = match journal.wrong_pin_before(token) {
            Ok(Some(wrong)) => Before::Noted(wrong, journal.wrong_pin_noted(token)),
            Ok(None) => Before::Nothing,
            Err(_) => Before::Unreadable,
        };
        let in_change = self.sent.get() == Sent::ToChange || self.was_interrupted();
        journal.note_wrong_pin(token, &WrongPin::today(in_change))?;
        self.before.replace(Some(before));
        Ok(())
    }

    /// Whether a change of the PIN had no answer, and no login since then: until a PIN is right, either may hold.
    fn was_interrupted(&self) -> bool {
        matches!(self.before(), Ok(Some(WrongPin { in_change: true, .. })))
    }

    fn wait_for_turn(&self) -> Result<()> {
        let turn = LoginTurn::take(&self.token.identity, OTHERS)?;
        self.turn.replace(turn);
        Ok(())
    }

    /// Keeps what the token said to the PIN, for the runs that follow.
    pub fn learn(&self, login: &Result<Session>) {
        self.learn_of(login.as_ref().map(Session::pin_was_checked));
    }

    /// The same of whatever the PIN was sent with: whether it was checked, and found right.
    pub fn learn_of(&self, checked: std::result::Result<bool, &Error>) {
        let (token, before) = (&self.token.identity, self.before.take());
        match checked {
            // Without a person there was none before this run's.
            Ok(true) if self.by_person || before.is_some() => {
                for journal in self.journals() {
                    // What stays keeps programs out until a person has logged in.
                    let _ = journal.forget_wrong_pin(token);
                }
            }
            Err(error) if is_wrong(error) && !self.at_pad => {
                // The place was tried; where a person went on without it, they are told of the wrong PIN.
                let was_interrupted = match before {
                    Some(Before::Noted(wrong, _)) => wrong.in_change,
                    _ => false,
                };
                let in_change = was_interrupted || self.sent.get() == Sent::ToChange && may_be_changed(error);
                let _ = self
                    .place()
                    .and_then(|journal| journal.note_wrong_pin(token, &WrongPin::today(in_change)));
            }
            // It was not sent, or the answer is none to the PIN.
            _ => {
                let _ = self.place().and_then(|journal| match before {
                    Some(Before::Nothing) => journal.forget_wrong_pin(token),
                    // Of its moment too: a later one would say to a run that began meanwhile that the PIN was wrong again.
                    Some(Before::Noted(wrong, Some(noted))) => {
                        journal.restore_wrong_pin(token, &wrong, noted)
                    }
                    Some(Before::Noted(_, None) | Before::Unreadable) | None => Ok(()),
                });
            }
        }
        self.turn.take();
    }

    /// Whether another run has sent a wrong PIN since this one was told that it is right now: it was the same one.
    fn was_wrong_meanwhile(&self) -> bool {
        let noted = self.journal.as_ref().and_then(|journal| journal.wrong_pin_noted(&self.token.identity));
        let (Some(since), Some(noted)) = (self.corrected_since, noted) else { return false };
        noted >= since && !self.is_from_the_future(noted, since)
    }

    /// Whether it was noted while the clock was ahead of what it is now: then no run of this moment has noted it.
    fn is_from_the_future(&self, noted: SystemTime, since: SystemTime) -> bool {
        let now = self.journal.as_ref().and_then(Journal::now);
        now.is_some_and(|now| since <= now && now < noted)
    }

    fn before(&self) -> Result<Option<WrongPin>> {
        for journal in self.journals() {
            if let Some(wrong) = journal.wrong_pin_before(&self.token.identity)? {
                return Ok(Some(wrong));
            }
        }
        Ok(None)
    }

    fn place(&self) -> Result<&Journal> {
        self.journal
            .as_ref()
            .ok_or_else(|| Error::new(Code::JournalUnusable).fact(Fact::Expected, STATE_VARIABLES))
    }

    fn journals(&self) -> impl Iterator<Item = &Journal> {
        self.journal.iter().chain(&self.earlier)
    }
}

/// Whether the token may have taken the PIN for wrong, and counted it.
fn is_wrong(error: &Error) -> bool {
    let by_the_token =
        error.pkcs11_call().is_some_and(|call| matches!(call.function, "C_Login" | "C_SetPIN"));
    let code = error.code();
    let wrong = matches!(
        code,
        Code::PinIncorrect
            | Code::PinIncorrectFinalTry
            | Code::PinUncertain
            | Code::PinFormRefused
            | Code::PinChangeUncertain
            | Code::DriverMisbehaved
    );
    by_the_token && wrong || has_no_answer(error)
}

/// Whether the token may have changed the PIN: what it says of the present one says that it has not, and so does a login
/// that it wanted first.
fn may_be_changed(error: &Error) -> bool {
    let in_login = error.pkcs11_call().is_some_and(|call| call.function == "C_Login")
        || error.facts().any(|(fact, value)| fact == Fact::Function && value == "C_Login");
    let is_answer = matches!(
        error.code(),
        Code::PinIncorrect | Code::PinIncorrectFinalTry | Code::PinUncertain | Code::PinFormRefused
    );
    !in_login && !is_answer
}

/// Whether the driver was gone before it had an answer to the PIN: the token may have counted it.
fn has_no_answer(error: &Error) -> bool {
    let has = |what, is: &str| error.facts().any(|(fact, value)| fact == what && value == is);
    let in_login = has(Fact::Reason, "pin_may_have_counted");
    in_login || error.code() == Code::PinChangeUncertain && has(Fact::Function, "C_SetPIN")
}
