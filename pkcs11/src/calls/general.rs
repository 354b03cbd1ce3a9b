//! The driver as a whole, its slots, its sessions (PKCS#11 v3.1 §5.4–§5.6).

use super::functions::{Functions, SessionHandle, SlotId, another_answer, checked};
use super::once::each_once;
use crate::failure::{Failure, Outcome};
use crate::types::*;
use crate::wire::Bytes;
use crate::wire::message::{Answer, Request, Threads, as_length};
use std::ffi::CStr;

/// No driver has more; one that claims to is not believed.
const MAX_SLOTS: usize = 4096;
const MAX_MECHANISMS: usize = 4096;

/// Enough for nearly every driver, so that one call does where the customary two would ask for the size first.
const SLOTS_AT_ONCE: usize = 64;
const MECHANISMS_AT_ONCE: usize = 512;

impl Functions {
    /// C_Initialize for several threads with the system's locks. A driver that refuses that, in whatever words, is initialised
    /// without arguments, as for one thread (PKCS#11 v3.1 §5.4.1), and from then on each call waits until no other thread is in
    /// it; one that wants arguments gets some that ask for nothing.
    ///
    /// Returns whether this call did it: `false` when somebody in this process had done so before.
    ///
    /// # Errors
    /// Also [`Failure::Forked`] where the driver was initialised before the process was forked, and not ended: what it has open
    /// then, a login too, is the parent's.
    pub fn initialize(&self) -> Outcome<bool> {
        self.not_inherited("C_Initialize")?;
        let done = self.initialize_for(Threads::Several).or_else(|failure| match failure.rv() {
            None | Some(CKR_CRYPTOKI_ALREADY_INITIALIZED) => Err(failure),
            Some(_) => self.initialize_gently().map_err(|gentler| more_telling(failure, gentler)),
        });
        let ours = match done {
            Ok(()) => true,
            Err(failure) if failure.rv() == Some(CKR_CRYPTOKI_ALREADY_INITIALIZED) => false,
            Err(failure) => {
                // The next one begins anew.
                self.end_host();
                return Err(failure);
            }
        };
        self.belongs_here();
        Ok(ours)
    }

    fn initialize_gently(&self) -> Outcome<()> {
        let gently = self.initialize_for(Threads::Untold).or_else(|failure| match failure.rv() {
            Some(CKR_ARGUMENTS_BAD) => self.initialize_for(Threads::One),
            _ => Err(failure),
        });
        match gently {
            // The call before has done it, whatever it answered.
            Err(failure) if failure.rv() == Some(CKR_CRYPTOKI_ALREADY_INITIALIZED) => Ok(()),
            gently => gently,
        }
    }

    fn initialize_for(&self, threads: Threads) -> Outcome<()> {
        let request = Request::Initialize { threads };
        checked(request.function(), self.perform_anywhere(&request)?.rv)
    }

    /// C_Initialize of NSS's softokn, which is told by a string where its files are: in a structure of its own, with the string in
    /// front of the reserved pointer (`CK_C_INITIALIZE_ARGS` with `LibraryParameters` in NSS's pkcs11t.h).
    ///
    /// Returns whether this call did it, as [`Functions::initialize`].
    pub fn initialize_with(&self, parameters: &CStr) -> Outcome<bool> {
        self.not_inherited("C_Initialize")?;
        let request = Request::InitializeNss { parameters: parameters.to_bytes().into() };
        let result = self.perform_anywhere(&request).and_then(|reply| checked(request.function(), reply.rv));
        let ours = match result {
            Ok(()) => true,
            Err(failure) if failure.rv() == Some(CKR_CRYPTOKI_ALREADY_INITIALIZED) => false,
            Err(failure) => {
                self.end_host();
                return Err(failure);
            }
        };
        self.belongs_here();
        Ok(ours)
    }

    /// C_Finalize. A process that is forked afterwards initialises the driver for itself.
    pub fn finalize(&self) -> Outcome<()> {
        self.call(&Request::Finalize).map(|_| self.belongs_to_none())
    }

    /// C_GetInfo.
    pub fn info(&self) -> Outcome<CK_INFO> {
        match self.call(&Request::GetInfo)? {
            Answer::Info(info) => Ok(info.0),
            _ => Err(another_answer("C_GetInfo")),
        }
    }

    /// The slots, each once: all, or those with a token in them.
    pub fn slots(&self, with_token: bool) -> Outcome<Vec<SlotId>> {
        let ask = |room| Request::GetSlotList { present: with_token, room: Some(room) };
        let slots = self.growing(SLOTS_AT_ONCE, MAX_SLOTS, ask)?;
        Ok(each_once(slots).into_iter().map(SlotId).collect())
    }

    /// As [`Functions::slots`], after the driver was made to search for slots that came or went: it does so only when
    /// it is asked for the length alone (PKCS#11 v3.1 §5.5.1).
    pub fn slots_anew(&self, with_token: bool) -> Outcome<Vec<SlotId>> {
        // What it answers does not matter: some say that the buffer is too small. The list itself says what is wrong.
        let _ = self.perform(&Request::GetSlotList { present: with_token, room: None });
        self.slots(with_token)
    }

    /// C_GetSlotInfo.
    pub fn slot_info(&self, slot: SlotId) -> Outcome<CK_SLOT_INFO> {
        match self.call(&Request::GetSlotInfo { slot: slot.0 })? {
            Answer::SlotInfo(info) => Ok(info.0),
            _ => Err(another_answer("C_GetSlotInfo")),
        }
    }

    /// Whether something happened in a slot since this was last asked. It never blocks: a blocked call could be
    /// ended by C_Finalize only, for everyone in this process.
    pub fn slot_event(&self) -> Outcome<bool> {
        match self.call(&Request::WaitForSlotEvent) {
            Ok(_) => Ok(true),
            Err(failure) if failure.rv() == Some(CKR_NO_EVENT) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// C_GetTokenInfo; the texts are still padded.
    pub fn token_info(&self, slot: SlotId) -> Outcome<CK_TOKEN_INFO> {
        match self.call(&Request::GetTokenInfo { slot: slot.0 })? {
            Answer::TokenInfo(info) => Ok(info.0),
            _ => Err(another_answer("C_GetTokenInfo")),
        }
    }

    /// C_GetMechanismList.
    pub fn mechanisms(&self, slot: SlotId) -> Outcome<Vec<CK_MECHANISM_TYPE>> {
        self.growing(MECHANISMS_AT_ONCE, MAX_MECHANISMS, |room| Request::GetMechanismList {
            slot: slot.0,
            room,
        })
    }

    /// C_GetMechanismInfo.
    pub fn mechanism_info(&self, slot: SlotId, mechanism: CK_MECHANISM_TYPE) -> Outcome<CK_MECHANISM_INFO> {
        match self.call(&Request::GetMechanismInfo { slot: slot.0, mechanism })? {
            Answer::MechanismInfo(info) => Ok(info.0),
            _ => Err(another_answer("C_GetMechanismInfo")),
        }
    }

    /// C_OpenSession; without callbacks.
    pub fn open_session(&self, slot: SlotId, read_write: bool) -> Outcome<SessionHandle> {
        let flags = if read_write { CKF_SERIAL_SESSION | CKF_RW_SESSION } else { CKF_SERIAL_SESSION };
        match self.call(&Request::OpenSession { slot: slot.0, flags })? {
            Answer::Handle(session) => Ok(self.opened(session)),
            _ => Err(another_answer("C_OpenSession")),
        }
    }

    /// C_GetSessionInfo.
    pub fn session_info(&self, session: SessionHandle) -> Outcome<CK_SESSION_INFO> {
        let session = self.session("C_GetSessionInfo", session)?;
        match self.call(&Request::GetSessionInfo { session })? {
            Answer::SessionInfo(info) => Ok(info.0),
            _ => Err(another_answer("C_GetSessionInfo")),
        }
    }

    /// C_CloseSession.
    pub fn close_session(&self, session: SessionHandle) -> Outcome<()> {
        let session = self.session("C_CloseSession", session)?;
        self.call(&Request::CloseSession { session }).map(drop)
    }

    /// One C_Login, never a second. No PIN means a null pointer: the token has a PIN pad of its own.
    pub fn login(&self, session: SessionHandle, user: CK_USER_TYPE, pin: Option<&[u8]>) -> Outcome<()> {
        let session = self.session("C_Login", session)?;
        self.call(&Request::Login { session, user, pin: pin.map(Bytes::from) }).map(drop)
    }

    /// One C_SetPIN, from the old PIN to the new one. No PINs mean null pointers: the token has a PIN pad of its own.
    pub fn set_pin(&self, session: SessionHandle, pins: Option<(&[u8], &[u8])>) -> Outcome<()> {
        let session = self.session("C_SetPIN", session)?;
        let (old, new) =
            pins.map_or((None, None), |(old, new)| (Some(Bytes::from(old)), Some(Bytes::from(new))));
        self.call(&Request::SetPin { session, old, new }).map(drop)
    }

    /// C_Logout.
    pub fn logout(&self, session: SessionHandle) -> Outcome<()> {
        let session = self.session("C_Logout", session)?;
        self.call(&Request::Logout { session }).map(drop)
    }

    /// Reads a list into a buffer that is nearly always large enough, and again when it was not.
    fn growing<'a>(
        &self,
        at_once: usize,
        most: usize,
        ask: impl Fn(u32) -> Request<'a>,
    ) -> Outcome<Vec<CK_ULONG>> {
        let mut room = at_once;
        loop {
            let request = ask(as_length(room));
            let function = request.function();
            let reply = self.perform(&request)?;
            let Answer::List { count, entries } = reply.answer else { return Err(another_answer(function)) };
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            match reply.rv {
                CKR_OK if count <= room => return Ok(entries),
                CKR_OK => {
                    let how = format!("pulCount {count} > {room}");
                    return Err(Failure::Misbehaved { function, rv: CKR_OK, how });
                }
                CKR_BUFFER_TOO_SMALL if room < count && count <= most => room = count,
                // Some drivers do not tell how many there are.
                CKR_BUFFER_TOO_SMALL if count <= room && room < most => room = (room * 4).min(most),
                rv => return Err(Failure::Returned { function, rv }),
            }
        }
    }
}

/// Of two refusals of C_Initialize, one with the usual arguments and one with gentler ones: where the first is about the arguments,
/// or the second is no answer, that says more.
fn more_telling(usual: Failure, gentler: Failure) -> Failure {
    let of_arguments = [CKR_CANT_LOCK, CKR_ARGUMENTS_BAD, CKR_NEED_TO_CREATE_THREADS];
    let is_of_arguments = usual.rv().is_some_and(|rv| of_arguments.contains(&rv));
    if is_of_arguments || gentler.rv().is_none() { gentler } else { usual }
}
