//! The PIN in a run of the command: asked for, sent, kept in mind when it was wrong, changed where the token wants that.

use std::io::{self, IsTerminal as _, Write};

use usbtoken::bank::Delivered;
use usbtoken::driver::{PinState, Reservation};
use usbtoken::error::{Fact, Notice, Step, Warning};
use usbtoken::text::printable;
use usbtoken::{Code, Error, Login, Pin, Result, Session, Token};

use super::Run;
use crate::pin;
use crate::pin::change::{Places, change};
use crate::pin::mark::{Known, Mark, Sent};
use crate::words::Words;

impl Run {
    /// The names of the variables that lead to a PIN: no other program gets them.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        #[cfg(unix)]
        let descriptors = [pin::hidden::DESCRIPTOR, pin::hidden::NEW_DESCRIPTOR];
        #[cfg(not(unix))]
        let descriptors: [&str; 0] = [];
        let named = [self.global.pin_env.as_deref(), self.new_pin_env.as_deref()];
        named.into_iter().flatten().chain(descriptors)
    }

    /// Changes the PIN of a token, which may be reserved, and returns the new one where it was not entered at the token.
    pub fn change_pin(
        &self,
        token: &Token,
        reserved: Option<&Reservation>,
        old: pin::Source,
        new: (pin::Source, Option<Result<Pin>>),
    ) -> Result<Option<Pin>> {
        let at_terminal = old.is_interactive() || pin::is_terminal();
        let mark = self.checked_mark(token, at_terminal)?;
        let held = self.pin.take().or_else(|| self.read_pin(&old));
        let places = Places { old: (old, held), new };
        let change = change(places, token, &self.global, (self.tongue(), self.lock_accepted.get()))?;
        self.progress.step(Step::ChangePin);
        mark.is_sent(Sent::ToChange)?;
        let change_it = || match reserved {
            Some(reserved) => reserved.change_pin(&change),
            None => token.change_pin(&change),
        };
        // Ctrl-C ends a driver in a process of its own, and it is said which PIN may hold then.
        let done = self.change(|call| call.watch(change_it));
        mark.learn_of(done.as_ref().map(|()| true));
        done.map_err(|error| self.explain(name_token(error, token), token))?;
        Ok(change.into_new_pin())
    }

    /// Whether an earlier wrong PIN lets anybody log in.
    fn checked_mark<'t>(&self, token: &'t Token, at_terminal: bool) -> Result<Mark<'t>> {
        let mark = Mark::of(token.info(), at_terminal, &self.global, self.began);
        let known = mark.check()?;
        // A program that reads JSON from standard error would trip over a sentence.
        if self.global.json && !(at_terminal && io::stderr().is_terminal()) {
            return Ok(mark);
        }
        let text = known.and_then(|known| match known {
            Known::Unusable(error) => {
                let place =
                    error.facts().find(|(fact, _)| *fact == Fact::Path).map(|(_, path)| printable(path));
                Some(self.tongue().text(Words::PinMarkUnusable(&place.unwrap_or_default())))
            }
            Known::ChangeInterrupted if self.change_told.replace(true) => None,
            Known::ChangeInterrupted => Some(self.tongue().text(Words::ChangeInterrupted)),
        });
        if let Some(text) = text {
            // No one is there to be told when standard error is closed.
            let _ = writeln!(io::stderr(), "{text}");
        }
        Ok(mark)
    }

    /// The session; where the token wants its PIN changed first, a person is asked whether that is done now.
    pub(super) fn or_changed(
        &self,
        session: Result<Session>,
        (mark, token): (&Mark<'_>, &Token),
        log_in: impl FnOnce(Login) -> Result<Session>,
    ) -> Result<Session> {
        mark.learn(&session);
        match session {
            Err(error) if error.code() == Code::PinExpired => {
                self.tell(&[Notice::PinToBeChanged.into()]);
                let Some(login) = self.changed_first(token, None)? else { return Err(error) };
                mark.is_sent(Sent::ToLogIn)?;
                let session = log_in(login);
                mark.learn(&session);
                session
            }
            session => session,
        }
    }

    /// What to log in with after the change that the token wants, if a person wants it now.
    fn changed_first(&self, token: &Token, reserved: Option<&Reservation>) -> Result<Option<Login>> {
        let asks = self.asks_person() && !self.global.json;
        if !asks || !pin::confirmed(&self.tongue().text(Words::ConfirmChange)) {
            return Ok(None);
        }
        let (old, new) = (pin::Source::Terminal, (pin::Source::Terminal, None));
        let pin = self.change_pin(token, reserved, old, new)?;
        // No one is there to be told when standard error is closed.
        let _ = writeln!(io::stderr(), "{}", self.tongue().text(Words::PinChanged));
        // The token took it, whatever it states of its length.
        Ok(Some(pin.map_or_else(Login::on_pin_pad, |pin| Login::with_pin(pin).pin_as_typed())))
    }

    pub(super) fn ask_pin<'t>(
        &self,
        token: &'t Token,
        reserved: Option<&Reservation>,
    ) -> Result<(Login, Mark<'t>)> {
        self.at.replace(Some(token.identity().clone()));
        let source = pin::Source::of(&self.global);
        let at_terminal = source.is_interactive() || pin::is_terminal();
        let mark = self.checked_mark(token, at_terminal)?;
        if source.is_interactive() || token.info().pin_pad {
            self.tell(pin_notice(token.info().pin_state).map(Warning::from).as_slice());
            let is_initial = token.info().pin_state == PinState::ToBeChanged
                && self.bank().is_some_and(|bank| bank.delivered(token.identity()) == Delivered::InitialPin);
            self.tell(is_initial.then(|| Warning::from(Notice::InitialPin)).as_slice());
        }
        if token.info().pin_state == PinState::ToBeChanged
            && let Some(login) = self.changed_first(token, reserved)?
        {
            self.progress.step(Step::LogIn);
            return Ok((login, mark));
        }
        let held = self.pin.take().or_else(|| self.read_pin(&source));
        let login =
            pin::login((&source, held), token, &self.global, (self.tongue(), self.lock_accepted.get()))?;
        self.progress.step(Step::LogIn);
        Ok((login, mark))
    }

    pub(super) fn logged_in(&self, session: Result<Session>, token: &Token) -> Result<Session> {
        let session = session.map_err(|error| self.explain(name_token(error, token), token))?;
        if !session.pin_was_checked() {
            self.tell(&[Notice::PinNotChecked.into()]);
        }
        Ok(session)
    }
}

/// A person with several tokens should see which PIN was wrong.
fn name_token(error: Error, token: &Token) -> Error {
    let named = error.facts().any(|(fact, _)| fact == Fact::Token);
    if named { error } else { error.fact(Fact::Token, token.identity()) }
}

const fn pin_notice(state: PinState) -> Option<Notice> {
    match state {
        PinState::FinalTry => Some(Notice::PinFinalTry),
        PinState::CountLow => Some(Notice::PinCountLow),
        PinState::ToBeChanged => Some(Notice::PinToBeChanged),
        _ => None,
    }
}
