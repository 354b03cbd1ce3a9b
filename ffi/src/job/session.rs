//! A session: logged in, and able to write.

use std::mem::MaybeUninit;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use usbtoken::error::Step;
use usbtoken::renewal::Progress;
use usbtoken::{Result, Run, Session};

use crate::base::args;
use crate::base::boundary;
use crate::base::callbacks::{Host, Unstoppable, busy};
use crate::base::handle::Noun;
use crate::base::status::usbtoken_status;
use crate::job::credential::{CredentialList, usbtoken_credentials};
use crate::job::pending::{PendingList, PendingNoun, usbtoken_pending, usbtoken_pending_list};

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

/// Writes 1 when the token has checked the PIN at this login, else 0: where this process was logged in already, by itself
/// or by another part of it, no PIN is checked, and a wrong one is taken for a right one (warning
/// USBTOKEN_WARNING_PIN_NOT_CHECKED).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_session_pin_was_checked(
    session: *const usbtoken_session,
    out: Option<&mut MaybeUninit<i32>>,
) -> usbtoken_status {
    boundary::on::<SessionNoun>(session, |noun| {
        args::required("out", out)?.write(i32::from(noun.session()?.pin_was_checked()));
        Ok(())
    })
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
            let known = noun.host.knowing_installations(Run::default());
            Ok(CredentialList::new(credentials.known_to(&known), noun.host.clone()))
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
            let run = noun.host.knowing_installations(Run::default());
            let pending = run.judged(noun.during(Step::ReadObjects)?.pending_known(&run)?);
            Ok(PendingList { pending, host: noun.host.clone() })
        })
    })
}

/// Removes a pending key with all that belongs to its job, and nothing else. USBTOKEN_REMOVAL_DOUBTFUL where it is not certain
/// that the key is ours, or where it is another one than that of the job's request, which this computer made: then a person names
/// it, usbtoken_session_abandon_named. One that an earlier call has removed, whether or not that call saw it go, is done.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_session_abandon(
    session: *const usbtoken_session,
    pending: *const usbtoken_pending,
) -> usbtoken_status {
    boundary::on::<SessionNoun>(session, |noun| {
        let pending: Arc<PendingNoun> = boundary::also("pending", pending)?;
        let steps = Unstoppable(&noun.host);
        noun.session()?.abandon(&pending.key, &noun.host.run().progress(&steps))
    })
}

/// As usbtoken_session_abandon, for a key that a person has named by its identifier (USBTOKEN_PENDING_ID), having seen what
/// is odd about it (USBTOKEN_PENDING_DOUBT): it goes although it is doubtful, or does not sign; then alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_session_abandon_named(
    session: *const usbtoken_session,
    pending: *const usbtoken_pending,
) -> usbtoken_status {
    boundary::on::<SessionNoun>(session, |noun| {
        let pending: Arc<PendingNoun> = boundary::also("pending", pending)?;
        let steps = Unstoppable(&noun.host);
        noun.session()?.abandon_named(&pending.key, &noun.host.run().progress(&steps))
    })
}

/// Logs out, ends the handle and sets the pointer to NULL. Accepts NULL. A login that was there before stays.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_session_free(session: Option<&mut *mut usbtoken_session>) {
    boundary::free::<SessionNoun>(session);
}
