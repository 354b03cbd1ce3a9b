//! A session: logged in, and able to write.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use usbtoken::bank::{OldCredential, Override};
use usbtoken::error::Step;
use usbtoken::renewal::{Clock, Progress, Retire};
use usbtoken::{Code, Error, Result, Run, Session};

use crate::base::args::{self, Sized32};
use crate::base::boundary;
use crate::base::callbacks::{Host, Unstoppable, busy};
use crate::base::handle::{self, Noun};
use crate::base::status::usbtoken_status;
use crate::job::credential::{CredentialList, CredentialNoun, usbtoken_credential, usbtoken_credentials};
use crate::job::installed::{
    InstalledNoun, USBTOKEN_SUBJECT_DEFAULT, anchor_certificates, subject_rule, usbtoken_bytes,
    usbtoken_installed,
};
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
        let steps = Unstoppable(&noun.host);
        noun.session()?.abandon(&pending.key, &noun.host.run().progress(&steps))
    })
}

/// Removes an old credential, certificate and key pair, after its successor has signed once more. The token must hold
/// the certificate of the CA that issued both; usbtoken_session_retire_with takes it as an anchor. Writes the
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
        check_keep(&noun.host)?;
        remove(noun, &Retire::of(&old.credential, &noun.host.policy()), args::clock(now)?, out)
    })
}

/// How to remove an old credential. Set struct_size to sizeof(usbtoken_retire_params) and the rest to 0 or what you
/// want.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct usbtoken_retire_params {
    /// The size of this struct in bytes.
    pub struct_size: u32,
    /// USBTOKEN_SUBJECT_….
    pub subject_rule: u32,
    /// Seconds since 1970; 0 is the clock's time.
    pub now: i64,
    /// CA certificates (DER). A valid chain from the successor to one of them shows that it comes from the right CA.
    pub anchors: *const usbtoken_bytes,
    /// How many anchors there are.
    pub anchor_count: usize,
}

// SAFETY: repr(C), begins with its size; integers and a pointer may all be 0.
unsafe impl Sized32 for usbtoken_retire_params {}

/// As usbtoken_session_retire, with anchors by which the successor's CA is known. `params` and `out` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_session_retire_with(
    session: *const usbtoken_session,
    credential: *const usbtoken_credential,
    params: *const usbtoken_retire_params,
    out: Option<&mut MaybeUninit<*mut usbtoken_credential>>,
) -> usbtoken_status {
    boundary::on::<SessionNoun>(session, |noun| {
        let old: Arc<CredentialNoun> = boundary::also("credential", credential)?;
        // SAFETY: rule 4 of the header.
        let params = unsafe { args::sized("params", params) }?;
        let (mut policy, mut clock) = (noun.host.policy(), Clock::SYSTEM);
        check_keep(&noun.host)?;
        if let Some(params) = params {
            let params: usbtoken_retire_params = params;
            noun.host.check_override(params.subject_rule != USBTOKEN_SUBJECT_DEFAULT, Override::Subject)?;
            noun.host.check_override(params.anchor_count != 0, Override::Anchors)?;
            if params.subject_rule != USBTOKEN_SUBJECT_DEFAULT {
                policy.subject = subject_rule(params.subject_rule)?;
            }
            // SAFETY: rule 4 of the header.
            let anchors = unsafe { anchor_certificates(params.anchors, params.anchor_count) }?;
            if !anchors.is_empty() {
                policy.anchors = anchors;
            }
            clock = args::clock(params.now)?;
        }
        remove(noun, &Retire::of(&old.credential, &policy), clock, out)
    })
}

/// Removes the credential that an installation has replaced, by what the installation was given: the rule for the
/// subject, the anchors, the CA certificates of the answer. `out` may be NULL.
///
/// USBTOKEN_CREDENTIAL_NOT_FOUND when it has replaced none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_session_retire_replaced(
    session: *const usbtoken_session,
    installed: *const usbtoken_installed,
    out: Option<&mut MaybeUninit<*mut usbtoken_credential>>,
) -> usbtoken_status {
    boundary::on::<SessionNoun>(session, |noun| {
        let installed: Arc<InstalledNoun> = boundary::also("installed", installed)?;
        let removal = Retire::replaced_by(&installed.installed)
            .ok_or_else(|| Error::new(Code::CredentialNotFound).during(Step::Retire))?;
        remove(noun, &removal, Clock::SYSTEM, out)
    })
}

/// A bank whose old certificates stay lets no one remove them.
fn check_keep(host: &Host) -> Result<()> {
    let keeps = host.bank().is_some_and(|bank| bank.old == OldCredential::Keep);
    host.check_override(keeps, Override::Old)
}

fn remove(
    noun: &SessionNoun,
    removal: &Retire,
    clock: Clock,
    out: Option<&mut MaybeUninit<*mut usbtoken_credential>>,
) -> Result<()> {
    let steps = Unstoppable(&noun.host);
    let retired = removal.run(&*noun.session()?, &Run::default().at(clock).progress(&steps))?;
    if let Some(out) = out {
        let successor = CredentialNoun::new(retired.successor().clone());
        // What was removed cannot be taken back, so a handle that cannot be made is no failure of this call.
        out.write(handle::give(successor).unwrap_or(ptr::null_mut()));
    }
    Ok(())
}

/// Logs out, ends the handle and sets the pointer to NULL. Accepts NULL. A login that was there before stays.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_session_free(session: Option<&mut *mut usbtoken_session>) {
    boundary::free::<SessionNoun>(session);
}
