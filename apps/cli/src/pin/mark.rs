//! The mark that the last PIN was wrong, kept for each token in the home of the real user.
//!
//! A program that runs every day with a wrong PIN would lock the token in a few days. So after one wrong PIN no run without
//! a terminal logs in any more, until a person has logged in.

use usbtoken::driver::TokenInfo;
use usbtoken::error::{Fact, Step};
use usbtoken::{Code, Error, Result, Session};

use crate::args::Global;
use crate::journal::Journal;
use crate::kept::{own_folder, state_folder};

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
}

impl<'a> Mark<'a> {
    /// The mark of this token. A person is there at a terminal, at a PIN pad, and where the command line says so.
    pub fn of(token: &'a TokenInfo, at_terminal: bool, global: &Global) -> Self {
        let own = own_folder();
        let earlier = state_folder().filter(|folder| own.as_ref() != Some(folder)).map(Journal::at);
        let at_pad = token.pin_pad && !global.pin_as_typed;
        let by_person = at_terminal || at_pad || global.pin_corrected;
        Mark { journal: own.map(Journal::at), earlier, token, by_person, at_pad }
    }

    /// Lets nobody but a person log in after a wrong PIN, or where it could not be known the next time. Returns why not,
    /// for a person.
    ///
    /// # Errors
    /// [`Code::PinWrongBefore`], [`Code::JournalUnusable`], before the PIN is read.
    pub fn check(&self) -> Result<Option<Error>> {
        let found = self.since().and_then(|since| match since {
            Some(day) if !self.by_person => Err(Error::new(Code::PinWrongBefore).fact(Fact::Date, day)),
            _ => self.place()?.prepare_note(),
        });
        match found.map_err(|error| error.during(Step::LogIn).fact(Fact::Token, &self.token.identity)) {
            Ok(()) => Ok(None),
            Err(error) if self.by_person => Ok(Some(error)),
            Err(error) => Err(error),
        }
    }

    /// Keeps what the token said to the PIN, for the runs that follow.
    pub fn learn(&self, login: &Result<Session>) {
        self.learn_of(login.as_ref().map(Session::pin_was_checked));
    }

    /// The same of whatever the PIN was sent with: whether it was checked, and found right.
    pub fn learn_of(&self, checked: std::result::Result<bool, &Error>) {
        let token = &self.token.identity;
        match checked {
            Ok(true) if self.by_person => {
                for journal in self.journals() {
                    // What stays keeps programs out until it is removed; it names its file.
                    let _ = journal.forget_wrong_pin(token);
                }
            }
            Err(error) if is_wrong(error) && !self.at_pad => {
                // The place was tried; where a person went on without it, they are told of the wrong PIN.
                let _ = self.place().and_then(|journal| journal.note_wrong_pin(token));
            }
            _ => {}
        }
    }

    fn since(&self) -> Result<Option<String>> {
        for journal in self.journals() {
            if let Some(day) = journal.wrong_pin_since(&self.token.identity)? {
                return Ok(Some(day));
            }
        }
        Ok(None)
    }

    fn place(&self) -> Result<&Journal> {
        self.journal.as_ref().ok_or_else(|| Error::new(Code::JournalUnusable).fact(Fact::Expected, "HOME"))
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
    );
    by_the_token && wrong || has_no_answer(error)
}

/// Whether the driver was gone before it had an answer to the PIN: the token may have counted it.
fn has_no_answer(error: &Error) -> bool {
    let ended = matches!(
        error.code(),
        Code::DriverCrashed | Code::DriverTimeout | Code::Cancelled | Code::PinChangeUncertain
    );
    let in_login = |(fact, value)| fact == Fact::Function && matches!(value, "C_Login" | "C_SetPIN");
    ended && error.facts().any(in_login)
}
