//! The mark that the last PIN was wrong, kept for each token in the user's state folder.
//!
//! A program that runs every day with a wrong PIN would lock the token in a few days. So after one wrong PIN no run without
//! a terminal logs in any more, until a person has logged in.

use usbtoken::driver::TokenInfo;
use usbtoken::error::{Fact, Step};
use usbtoken::{Code, Error, Result, Session};

use crate::args::Global;
use crate::journal::Journal;
use crate::kept::state_folder;

/// The mark of one token.
pub struct Mark<'a> {
    /// None where there is no folder for it: then each run is on its own.
    journal: Option<Journal>,
    token: &'a TokenInfo,
    by_person: bool,
}

impl<'a> Mark<'a> {
    /// The mark of this token. A person is there at a terminal, at a PIN pad, and where the command line says so.
    pub fn of(token: &'a TokenInfo, at_terminal: bool, global: &Global) -> Self {
        let journal = state_folder().map(Journal::at).filter(Journal::can_be_trusted);
        let at_pad = token.pin_pad && !global.pin_as_typed;
        let by_person = at_terminal || at_pad || global.pin_corrected;
        Mark { journal, token, by_person }
    }

    /// Lets nobody but a person log in after a wrong PIN.
    ///
    /// # Errors
    /// [`Code::PinWrongBefore`], before the PIN is read.
    pub fn check(&self) -> Result<()> {
        let since = self.journal.as_ref().and_then(|journal| journal.wrong_pin_since(&self.token.identity));
        match since {
            Some(day) if !self.by_person => Err(Error::new(Code::PinWrongBefore)
                .during(Step::LogIn)
                .fact(Fact::Token, &self.token.identity)
                .fact(Fact::Date, day)),
            _ => Ok(()),
        }
    }

    /// Keeps what the token said to the PIN, for the runs that follow.
    pub fn learn(&self, login: &Result<Session>) {
        let Some(journal) = &self.journal else { return };
        // What cannot be kept is no reason to fail: the person is told of the wrong PIN in any case.
        let _ = match login {
            Ok(session) if self.by_person && session.pin_was_checked() => {
                journal.forget_wrong_pin(&self.token.identity)
            }
            Err(error) if is_wrong(error) => journal.note_wrong_pin(&self.token.identity),
            _ => Ok(()),
        };
    }
}

/// Whether the token may have taken the PIN for wrong, and counted it.
fn is_wrong(error: &Error) -> bool {
    let by_the_token = error.pkcs11_call().is_some_and(|call| call.function == "C_Login");
    let code = error.code();
    let wrong = matches!(
        code,
        Code::PinIncorrect | Code::PinIncorrectFinalTry | Code::PinUncertain | Code::PinFormRefused
    );
    by_the_token && wrong
}
