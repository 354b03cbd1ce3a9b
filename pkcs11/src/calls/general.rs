//! The driver as a whole, its slots, its sessions (PKCS#11 v3.1 §5.4–§5.6).

use super::functions::{Functions, SessionHandle, SlotId, call};
use super::once::each_once;
use super::template::length;
use crate::failure::{Failure, Outcome};
use crate::types::*;
use std::ffi::{CStr, c_char, c_void};
use std::ptr;

/// No driver has more; one that claims to is not believed.
const MAX_SLOTS: usize = 4096;
const MAX_MECHANISMS: usize = 4096;

/// What softokn takes in the place of CK_C_INITIALIZE_ARGS; NSS packs it on Windows as all its structures.
#[cfg_attr(windows, repr(C, packed))]
#[cfg_attr(not(windows), repr(C))]
struct NssArguments {
    mutexes: [*const c_void; 4],
    flags: CK_FLAGS,
    parameters: *const c_char,
    reserved: *const c_void,
}

/// Enough for nearly every driver, so that one call does where the customary two would ask for the size first.
const SLOTS_AT_ONCE: usize = 64;
const MECHANISMS_AT_ONCE: usize = 512;

impl Functions {
    /// C_Initialize for several threads with the system's locks. A driver that cannot lock is initialised for one thread
    /// (PKCS#11 v3.1 §5.4.1), and from then on each call waits until no other thread is in it. So is one that does not take
    /// the arguments at all.
    ///
    /// Returns whether this call did it: `false` when somebody in this process had done so before.
    pub fn initialize(&self) -> Outcome<bool> {
        let mut arguments = CK_C_INITIALIZE_ARGS {
            CreateMutex: None,
            DestroyMutex: None,
            LockMutex: None,
            UnlockMutex: None,
            flags: CKF_OS_LOCKING_OK,
            pReserved: ptr::null_mut(),
        };
        self.locks(true);
        let mut result = call!(anywhere self, C_Initialize(ptr::from_mut(&mut arguments).cast()));
        if matches!(&result, Err(failure) if matches!(failure.rv(), Some(CKR_CANT_LOCK | CKR_ARGUMENTS_BAD)))
        {
            self.locks(false);
            result = call!(anywhere self, C_Initialize(ptr::null_mut()));
        }
        let ours = match result {
            Ok(()) => true,
            Err(failure) if failure.rv() == Some(CKR_CRYPTOKI_ALREADY_INITIALIZED) => false,
            Err(failure) => return Err(failure),
        };
        self.belongs_here();
        Ok(ours)
    }

    /// C_Initialize of NSS's softokn, which is told by a string where its files are: in a structure of its own, with the string in
    /// front of the reserved pointer (`CK_C_INITIALIZE_ARGS` with `LibraryParameters` in NSS's pkcs11t.h).
    ///
    /// Returns whether this call did it, as [`Functions::initialize`].
    pub fn initialize_with(&self, parameters: &CStr) -> Outcome<bool> {
        let mut arguments = NssArguments {
            mutexes: [ptr::null(); 4],
            flags: CKF_OS_LOCKING_OK,
            parameters: parameters.as_ptr(),
            reserved: ptr::null(),
        };
        self.locks(true);
        let result = call!(anywhere self, C_Initialize(ptr::from_mut(&mut arguments).cast()));
        let ours = match result {
            Ok(()) => true,
            Err(failure) if failure.rv() == Some(CKR_CRYPTOKI_ALREADY_INITIALIZED) => false,
            Err(failure) => return Err(failure),
        };
        self.belongs_here();
        Ok(ours)
    }

    /// C_Finalize.
    pub fn finalize(&self) -> Outcome<()> {
        call!(self, C_Finalize(ptr::null_mut()))
    }

    /// C_GetInfo.
    pub fn info(&self) -> Outcome<CK_INFO> {
        let mut info = CK_INFO::default();
        call!(self, C_GetInfo(&mut info))?;
        Ok(info)
    }

    /// The slots, each once: all, or those with a token in them.
    pub fn slots(&self, with_token: bool) -> Outcome<Vec<SlotId>> {
        const FUNCTION: &str = "C_GetSlotList";
        let present = if with_token { CK_TRUE } else { CK_FALSE };
        let slots = growing(FUNCTION, SLOTS_AT_ONCE, MAX_SLOTS, |buffer: &mut Vec<CK_SLOT_ID>, count| {
            call!(self, C_GetSlotList(present, buffer.as_mut_ptr(), count))
        })?;
        Ok(each_once(slots).into_iter().map(SlotId).collect())
    }

    /// As [`Functions::slots`], after the driver was made to look for slots that came or went: it does so only when
    /// it is asked for the length alone (PKCS#11 v3.1 §5.5.1).
    pub fn slots_anew(&self, with_token: bool) -> Outcome<Vec<SlotId>> {
        let present = if with_token { CK_TRUE } else { CK_FALSE };
        let mut count = 0;
        // What it answers does not matter: some say that the buffer is too small. The list itself says what is wrong.
        let _ = call!(self, C_GetSlotList(present, ptr::null_mut(), &mut count));
        self.slots(with_token)
    }

    /// C_GetSlotInfo.
    pub fn slot_info(&self, slot: SlotId) -> Outcome<CK_SLOT_INFO> {
        let mut info = CK_SLOT_INFO::default();
        call!(self, C_GetSlotInfo(slot.0, &mut info))?;
        Ok(info)
    }

    /// Whether something happened in a slot since this was last asked. It never blocks: a blocked call could be
    /// ended by C_Finalize only, for everyone in this process.
    pub fn slot_event(&self) -> Outcome<bool> {
        let mut slot: CK_SLOT_ID = 0;
        match call!(self, C_WaitForSlotEvent(CKF_DONT_BLOCK, &mut slot, ptr::null_mut())) {
            Ok(()) => Ok(true),
            Err(failure) if failure.rv() == Some(CKR_NO_EVENT) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// C_GetTokenInfo; the texts are still padded.
    pub fn token_info(&self, slot: SlotId) -> Outcome<CK_TOKEN_INFO> {
        let mut info = CK_TOKEN_INFO::default();
        call!(self, C_GetTokenInfo(slot.0, &mut info))?;
        Ok(info)
    }

    /// C_GetMechanismList.
    pub fn mechanisms(&self, slot: SlotId) -> Outcome<Vec<CK_MECHANISM_TYPE>> {
        const FUNCTION: &str = "C_GetMechanismList";
        growing(FUNCTION, MECHANISMS_AT_ONCE, MAX_MECHANISMS, |buffer: &mut Vec<CK_MECHANISM_TYPE>, count| {
            call!(self, C_GetMechanismList(slot.0, buffer.as_mut_ptr(), count))
        })
    }

    /// C_GetMechanismInfo.
    pub fn mechanism_info(&self, slot: SlotId, mechanism: CK_MECHANISM_TYPE) -> Outcome<CK_MECHANISM_INFO> {
        let mut info = CK_MECHANISM_INFO { ulMinKeySize: 0, ulMaxKeySize: 0, flags: 0 };
        call!(self, C_GetMechanismInfo(slot.0, mechanism, &mut info))?;
        Ok(info)
    }

    /// C_OpenSession; without callbacks.
    pub fn open_session(&self, slot: SlotId, read_write: bool) -> Outcome<SessionHandle> {
        let flags = if read_write { CKF_SERIAL_SESSION | CKF_RW_SESSION } else { CKF_SERIAL_SESSION };
        let mut handle: CK_SESSION_HANDLE = CK_INVALID_HANDLE;
        call!(self, C_OpenSession(slot.0, flags, ptr::null_mut(), None, &mut handle))?;
        Ok(SessionHandle(handle))
    }

    /// C_GetSessionInfo.
    pub fn session_info(&self, session: SessionHandle) -> Outcome<CK_SESSION_INFO> {
        let mut info = CK_SESSION_INFO::default();
        call!(self, C_GetSessionInfo(session.0, &mut info))?;
        Ok(info)
    }

    /// C_CloseSession.
    pub fn close_session(&self, session: SessionHandle) -> Outcome<()> {
        call!(self, C_CloseSession(session.0))
    }

    /// One C_Login, never a second. No PIN means a null pointer: the token has a PIN pad of its own.
    pub fn login(&self, session: SessionHandle, user: CK_USER_TYPE, pin: Option<&[u8]>) -> Outcome<()> {
        let (pointer, count) = match pin {
            // The specification lacks a `const`; no driver writes to the PIN.
            Some(pin) => (pin.as_ptr().cast_mut(), length(pin)),
            None => (ptr::null_mut(), 0),
        };
        call!(self, C_Login(session.0, user, pointer, count))
    }

    /// One C_SetPIN, from the old PIN to the new one. No PINs mean null pointers: the token has a PIN pad of its own.
    pub fn set_pin(&self, session: SessionHandle, pins: Option<(&[u8], &[u8])>) -> Outcome<()> {
        let ((old, old_length), (new, new_length)) = match pins {
            // The specification lacks a `const`; no driver writes to the PINs.
            Some((old, new)) => {
                ((old.as_ptr().cast_mut(), length(old)), (new.as_ptr().cast_mut(), length(new)))
            }
            None => ((ptr::null_mut(), 0), (ptr::null_mut(), 0)),
        };
        call!(self, C_SetPIN(session.0, old, old_length, new, new_length))
    }

    /// C_Logout.
    pub fn logout(&self, session: SessionHandle) -> Outcome<()> {
        call!(self, C_Logout(session.0))
    }
}

/// Reads a list into a buffer that is nearly always large enough, and again when it was not.
fn growing<T: Copy + Default>(
    function: &'static str,
    at_once: usize,
    most: usize,
    mut read: impl FnMut(&mut Vec<T>, *mut CK_ULONG) -> Outcome<()>,
) -> Outcome<Vec<T>> {
    let mut room = at_once;
    loop {
        let mut buffer = vec![T::default(); room];
        let mut count = length(&buffer);
        let result = read(&mut buffer, &mut count);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        match result {
            Ok(()) if count <= room => {
                buffer.truncate(count);
                return Ok(buffer);
            }
            Ok(()) => {
                let how = format!("pulCount {count} > {room}");
                return Err(Failure::Misbehaved { function, rv: CKR_OK, how });
            }
            Err(failure) if failure.rv() == Some(CKR_BUFFER_TOO_SMALL) && room < count && count <= most => {
                room = count;
            }
            // Some drivers do not tell how many there are.
            Err(failure) if failure.rv() == Some(CKR_BUFFER_TOO_SMALL) && count <= room && room < most => {
                room = (room * 4).min(most);
            }
            Err(failure) => return Err(failure),
        }
    }
}
