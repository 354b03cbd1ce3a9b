//! A session: logged in, and able to write.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use usbtoken::Session;
use usbtoken::code::Step;
use usbtoken::error::Result;
use usbtoken::renewal::Progress;

use crate::args;
use crate::boundary;
use crate::callbacks::{Host, busy};
use crate::credential::{CredentialList, CredentialNoun, usbtoken_credential, usbtoken_credentials};
use crate::handle::{self, Noun};
use crate::pending::{PendingList, PendingNoun, usbtoken_pending, usbtoken_pending_list};
use crate::status::usbtoken_status;

/// A session of the logged-in user. One call at a time: any thread may make it, and a second one at the same time
/// gets USBTOKEN_BUSY.
pub struct usbtoken_session(());

/// A session, and whom to tell.
pub(crate) struct SessionNoun {
    session: Mutex<Session>,
    pub(crate) host: Host,
}

impl Noun for SessionNoun {
    type Opaque = usbtoken_session;

    fn host(&self) -> Option<&Host> {
        Some(&self.host)
    }
}

impl SessionNoun {
    pub(crate) fn new(session: Session, host: &Host) -> Self {
        SessionNoun { session: Mutex::new(session), host: host.clone() }
    }

    /// The session, for one call. Waiting here could be waiting for oneself, when a callback calls.
    pub(crate) fn session(&self) -> Result<MutexGuard<'_, Session>> {
        match self.session.try_lock() {
            Ok(session) => Ok(session),
            // A panic in a call before: what the token holds is read anew by every call.
            Err(TryLockError::Poisoned(session)) => Ok(session.into_inner()),
            Err(TryLockError::WouldBlock) => Err(busy("session")),
        }
    }

    /// A call on the session that shows a step.
    pub(crate) fn during(&self, step: Step) -> Result<MutexGuard<'_, Session>> {
        let session = self.session()?;
        self.host.step(step);
        Ok(session)
    }
}

/// Lists the credentials on the token, each with its private key or without.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_session_credentials(
    session: *const usbtoken_session,
    out: Option<&mut MaybeUninit<*mut usbtoken_credentials>>,
) -> usbtoken_status {
    boundary::on::<SessionNoun>(session, |noun| {
        boundary::give::<CredentialList>(out, || {
            let credentials = noun.during(Step::ReadObjects)?.credentials()?;
            Ok(CredentialList::new(credentials, noun.host.clone()))
        })
    })
}

/// Lists the pending keys: keys of ours on the token whose job is not finished.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_session_pending(
    session: *const usbtoken_session,
    out: Option<&mut MaybeUninit<*mut usbtoken_pending_list>>,
) -> usbtoken_status {
    boundary::on::<SessionNoun>(session, |noun| {
        boundary::give::<PendingList>(out, || {
            let pending = noun.during(Step::ReadObjects)?.pending()?;
            Ok(PendingList { pending, host: noun.host.clone() })
        })
    })
}

/// Removes a pending key with all that belongs to its job, and nothing else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_session_abandon(
    session: *const usbtoken_session,
    pending: *const usbtoken_pending,
) -> usbtoken_status {
    boundary::on::<SessionNoun>(session, |noun| {
        let pending: Arc<PendingNoun> = boundary::also("pending", pending)?;
        noun.during(Step::Abandon)?.abandon(&pending.key)
    })
}

/// Removes an old credential, certificate and key pair, after its successor has signed once more. Writes the
/// successor's credential; `out` may be NULL. `now` is in seconds since 1970, 0 is the clock's time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_session_retire(
    session: *const usbtoken_session,
    credential: *const usbtoken_credential,
    now: i64,
    out: Option<&mut MaybeUninit<*mut usbtoken_credential>>,
) -> usbtoken_status {
    boundary::on::<SessionNoun>(session, |noun| {
        let old: Arc<CredentialNoun> = boundary::also("credential", credential)?;
        let now = args::moment(now)?;
        let retired = noun.during(Step::Retire)?.retire(&old.credential, now)?;
        if let Some(out) = out {
            let successor = CredentialNoun::new(retired.successor().clone());
            // What was removed cannot be taken back, so a handle that cannot be made is no failure of this call.
            out.write(handle::give(successor).unwrap_or(ptr::null_mut()));
        }
        Ok(())
    })
}

/// Logs out, ends the handle and sets the pointer to NULL. Accepts NULL. A login that was there before stays.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_session_free(session: Option<&mut *mut usbtoken_session>) {
    boundary::free::<SessionNoun>(session);
}
