//! Keys that a page gives up. What was removed in a run that nobody has seen to end is done.

use usbtoken::error::Step;
use usbtoken::renewal::{BegunAbandonment, Caller, PendingKey};
use usbtoken::{Code, Error, Result, Run, Session};

use super::numbers::USBTOKEN_ENROLL_ABANDON;
use super::page::{Page, PageState};
use super::refusal::PageResult;
use crate::base::callbacks::Unstoppable;

impl Page {
    pub(crate) fn abandon(&self) -> PageResult {
        let mut state = self.state()?;
        self.abandon_one(&state, |session, run| {
            let (mut waiting, credentials) = self.waiting(session)?;
            let asked = match &state.created {
                Some(_) => None,
                // Another user of this origin may have made it.
                None => self.asked(&state, session, credentials)?,
            };
            waiting.retain(|key| match &state.created {
                Some(id) => key.id() == *id,
                None => key.for_whom().is_some() && asked.as_ref().is_some_and(|asked| asked.is_of(key)),
            });
            let was_meant = |begun: &BegunAbandonment| match &state.created {
                Some(id) => begun.id() == *id,
                None => !begun.is_ended() && asked.as_ref().is_some_and(|asked| asked.was_of(begun)),
            };
            let of_page = (session, run, &self.origin.caller());
            end_or_remove(of_page, only(waiting), was_meant, |key| session.abandon(key, run))
        })?;
        state.created = None;
        Ok(())
    }

    /// For a key that the person has named, having seen what is odd about it.
    pub(crate) fn abandon_named(&self, id: &[u8]) -> PageResult {
        let mut state = self.state()?;
        self.abandon_one(&state, |session, run| {
            let (mut waiting, _) = self.waiting(session)?;
            waiting.retain(|key| key.id() == id);
            let (of_page, was_meant) =
                ((session, run, &self.origin.caller()), |begun: &BegunAbandonment| begun.id() == id);
            end_or_remove(of_page, only(waiting), was_meant, |key| session.abandon_named(key, run))
        })?;
        state.created.take_if(|created| created == id);
        Ok(())
    }

    fn abandon_one(
        &self,
        state: &PageState,
        abandon: impl FnOnce(&Session, &Run<'_>) -> Result<()>,
    ) -> PageResult {
        self.ask(USBTOKEN_ENROLL_ABANDON)?;
        let session = self.login(state)?;
        let steps = Unstoppable(&self.shared.host);
        let run = self.shared.host.knowing_installations(Run::default());
        Ok(abandon(&session, &run.progress(&steps).by(self.origin.caller()))?)
    }
}

/// Removes the key that was found; where none was, and the removal of the one that is meant has begun here and left nothing, it is done.
///
/// # Errors
/// Why none was found; what removing it returns.
fn end_or_remove(
    (session, run, caller): (&Session, &Run<'_>, &Caller),
    found: Result<PendingKey>,
    is_meant: impl Fn(&BegunAbandonment) -> bool,
    remove: impl FnOnce(&PendingKey) -> Result<()>,
) -> Result<()> {
    let error = match found {
        Err(error) if error.code() == Code::PendingNotFound => error,
        found => return remove(&session.explained(found)?),
    };
    let begun = run.abandonments(session.token().identity());
    let begun = begun.iter().find(|begun| begun.is_by(caller) && is_meant(begun));
    match begun {
        Some(begun) if session.was_abandoned(begun, run)? => Ok(()),
        _ => session.explained(Err(error)),
    }
}

fn only(mut waiting: Vec<PendingKey>) -> Result<PendingKey> {
    let error = |code| Error::new(code).during(Step::Abandon);
    match (waiting.pop(), waiting.is_empty()) {
        (Some(key), true) => Ok(key),
        (Some(_), false) => Err(error(Code::PendingAmbiguous)),
        (None, _) => Err(error(Code::PendingNotFound)),
    }
}
