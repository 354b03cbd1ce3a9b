//! The person before the page: consent, and the choice among keys that wait.

use std::ffi::c_void;
use std::ptr;
use std::sync::Mutex;

use usbtoken::renewal::PendingKey;
use usbtoken::{Code, Error, Result};

use super::numbers::*;
use super::refusal::{PageResult, Refusal};
use crate::base::boundary;
use crate::base::callbacks::Host;
use crate::base::handle;
use crate::base::lock::lock;
use crate::base::text::Text;
use crate::job::pending::PendingList;
use crate::values::hresult::USBTOKEN_HR_ACCESS_DENIED;

/// How the person before the page is asked, and what was answered with a no.
#[derive(Default)]
pub(crate) struct Person {
    consent: Mutex<Consent>,
    waiting: Mutex<Waiting>,
}

struct Consent {
    ask: usbtoken_consent_callback,
    user: *mut c_void,
    /// The operations to which the person said no: a page that asks again and again is not asked for again.
    refused: Vec<u32>,
}

// SAFETY: the user's pointer is only handed back to the user's function; the header says that this is called on
// whatever thread calls the library.
unsafe impl Send for Consent {}

impl Default for Consent {
    fn default() -> Self {
        Consent { ask: None, user: ptr::null_mut(), refused: Vec::new() }
    }
}

/// Asks what is to become of keys that wait.
struct Waiting {
    ask: usbtoken_waiting_callback,
    user: *mut c_void,
}

// SAFETY: as for Consent.
unsafe impl Send for Waiting {}

impl Default for Waiting {
    fn default() -> Self {
        Waiting { ask: None, user: ptr::null_mut() }
    }
}

/// The error of an operation for which the person was not asked, or said no.
fn denied() -> Error {
    Error::new(Code::ConsentDenied)
}

impl Person {
    pub(super) fn set_consent(&self, ask: usbtoken_consent_callback, user: *mut c_void) {
        *lock(&self.consent) = Consent { ask, user, refused: Vec::new() };
    }

    pub(super) fn set_waiting(&self, ask: usbtoken_waiting_callback, user: *mut c_void) {
        *lock(&self.waiting) = Waiting { ask, user };
    }

    /// No one who could be asked means no; and a no holds as long as the page's object does.
    pub(super) fn agrees(&self, origin: &str, operation: u32) -> PageResult {
        let (ask, user) = {
            let consent = lock(&self.consent);
            if consent.refused.contains(&operation) {
                return Err(denied().into());
            }
            (consent.ask, consent.user)
        };
        let Some(ask) = ask else {
            return Err(Refusal { error: denied(), hresult: Some(USBTOKEN_HR_ACCESS_DENIED) });
        };
        let origin = Text::new(origin.to_owned());
        // SAFETY: the caller promised a function of this type; the text lives until it returns.
        let yes = unsafe { ask(user, origin.utf8(), operation) } == 1;
        if yes { Ok(()) } else { Err(self.refused(operation).into()) }
    }

    /// The key that a person goes on with, of those that wait for what is asked for; `None`: a new one.
    pub(super) fn chooses(
        &self,
        origin: &str,
        host: &Host,
        same: Vec<PendingKey>,
    ) -> Result<Option<PendingKey>> {
        let (ask, user) = {
            let waiting = lock(&self.waiting);
            (waiting.ask, waiting.user)
        };
        let Some(ask) = ask.filter(|_| !same.is_empty()) else { return Ok(None) };
        let origin = Text::new(origin.to_owned());
        let mut list = handle::give(PendingList { pending: same.clone(), host: host.clone() })?;
        // SAFETY: the caller promised a function of this type; text and list live until it returns.
        let chosen = unsafe { ask(user, origin.utf8(), list) };
        boundary::free::<PendingList>(Some(&mut list));
        match usize::try_from(chosen).ok().and_then(|at| same.into_iter().nth(at)) {
            Some(key) => Ok(Some(key)),
            None if chosen == USBTOKEN_WAITING_NEW_KEY => Ok(None),
            None => Err(self.refused(USBTOKEN_ENROLL_CREATE_REQUEST)),
        }
    }

    fn refused(&self, operation: u32) -> Error {
        lock(&self.consent).refused.push(operation);
        denied()
    }
}
