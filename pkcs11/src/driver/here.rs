//! The one place where PKCS#11 functions are called: a driver in this process.

use super::broken_pipe::BrokenPipe;
use crate::failure::{Failure, Outcome};
use crate::template::{Template, length};
use crate::types::*;
use crate::wire::message::{
    AT_ONCE, Answer, Filled, Pss, Reply, Request, Room, RoomFor, Threads, UNWRITTEN, are_plain, as_size,
};
use crate::wire::{Bytes, Structure};
use std::ffi::{CString, c_char, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use zeroize::Zeroizing;

/// What softokn takes in the place of CK_C_INITIALIZE_ARGS; NSS packs it on Windows as all its structures.
#[cfg_attr(windows, repr(C, packed))]
#[cfg_attr(not(windows), repr(C))]
struct NssArguments {
    mutexes: [*const c_void; 4],
    flags: CK_FLAGS,
    parameters: *const c_char,
    reserved: *const c_void,
}

/// Room for a signature that nobody gets: RSA 4096 needs 512 bytes.
const LARGEST_SIGNATURE: usize = 1024;

/// A driver's function list, and whose turn it is.
pub(crate) struct Here {
    list: CK_FUNCTION_LIST,
    /// Whether the driver cannot lock, so that only one thread may be in it at a time.
    one_thread: AtomicBool,
    turn: Mutex<()>,
}

/// Calls a function of the list, where the driver has it, and gives what it returned.
macro_rules! call {
    ($here:expr, $name:ident ( $($argument:expr),* $(,)? )) => {{
        let _turn = $here.turn();
        let _caught = BrokenPipe::caught();
        match $here.list.$name {
            // SAFETY: the function comes from the driver's own list. The pointers among the arguments point to
            // live buffers whose lengths stand beside them, or are null where PKCS#11 allows it; each is
            // borrowed only for this call.
            Some(entry) => Ok(unsafe { entry($($argument),*) }),
            None => Err(Failure::Missing { function: stringify!($name) }),
        }
    }};
}

impl Here {
    pub(crate) fn new(list: CK_FUNCTION_LIST) -> Self {
        Here { list, one_thread: AtomicBool::new(false), turn: Mutex::new(()) }
    }

    /// The turn of this thread in a driver that cannot lock, kept for one call.
    fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        let alone = self.one_thread.load(Ordering::SeqCst);
        alone.then(|| self.turn.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn perform(&self, request: &Request<'_>) -> Outcome<Reply<'static>> {
        let nothing = |rv: Outcome<CK_RV>| rv.map(|rv| Reply { rv, answer: Answer::Nothing });
        match request {
            Request::Initialize { threads } => nothing(self.initialize(*threads)),
            Request::InitializeNss { parameters } => nothing(self.initialize_nss(&parameters.0)),
            Request::Finalize => nothing(call!(self, C_Finalize(ptr::null_mut()))),
            Request::GetInfo => {
                let mut info = CK_INFO::default();
                let rv = call!(self, C_GetInfo(&mut info))?;
                Ok(Reply { rv, answer: Answer::Info(Structure(info)) })
            }
            Request::GetSlotList { present, room } => {
                let present = if *present { CK_TRUE } else { CK_FALSE };
                list(*room, |entries, count| call!(self, C_GetSlotList(present, entries, count)))
            }
            Request::GetSlotInfo { slot } => {
                let mut info = CK_SLOT_INFO::default();
                let rv = call!(self, C_GetSlotInfo(*slot, &mut info))?;
                Ok(Reply { rv, answer: Answer::SlotInfo(Structure(info)) })
            }
            Request::WaitForSlotEvent => {
                let mut slot: CK_SLOT_ID = 0;
                nothing(call!(self, C_WaitForSlotEvent(CKF_DONT_BLOCK, &mut slot, ptr::null_mut())))
            }
            Request::GetTokenInfo { slot } => {
                let mut info = CK_TOKEN_INFO::default();
                let rv = call!(self, C_GetTokenInfo(*slot, &mut info))?;
                Ok(Reply { rv, answer: Answer::TokenInfo(Box::new(Structure(info))) })
            }
            Request::GetMechanismList { slot, room } => {
                list(Some(*room), |entries, count| call!(self, C_GetMechanismList(*slot, entries, count)))
            }
            Request::GetMechanismInfo { slot, mechanism } => {
                let mut info = CK_MECHANISM_INFO::default();
                let rv = call!(self, C_GetMechanismInfo(*slot, *mechanism, &mut info))?;
                Ok(Reply { rv, answer: Answer::MechanismInfo(Structure(info)) })
            }
            Request::OpenSession { slot, flags } => {
                let mut session = CK_INVALID_HANDLE;
                let rv = call!(self, C_OpenSession(*slot, *flags, ptr::null_mut(), None, &mut session))?;
                Ok(Reply { rv, answer: Answer::Handle(session) })
            }
            Request::GetSessionInfo { session } => {
                let mut info = CK_SESSION_INFO::default();
                let rv = call!(self, C_GetSessionInfo(*session, &mut info))?;
                Ok(Reply { rv, answer: Answer::SessionInfo(Structure(info)) })
            }
            Request::CloseSession { session } => nothing(call!(self, C_CloseSession(*session))),
            Request::Login { session, user, pin } => {
                let (pin, count) = secret(pin.as_ref());
                nothing(call!(self, C_Login(*session, *user, pin, count)))
            }
            Request::SetPin { session, old, new } => {
                let ((old, old_count), (new, new_count)) = (secret(old.as_ref()), secret(new.as_ref()));
                nothing(call!(self, C_SetPIN(*session, old, old_count, new, new_count)))
            }
            Request::Logout { session } => nothing(call!(self, C_Logout(*session))),
            Request::FindObjectsInit { session, template } => nothing(lent(template, |attributes, count| {
                call!(self, C_FindObjectsInit(*session, attributes, count))
            })),
            Request::FindObjects { session, room } => {
                // Only what is counted is there; the count itself comes back as it is, room or not.
                let mut entries = vec![CK_INVALID_HANDLE; as_size(*room)];
                let mut count = 0;
                let room = length(&entries);
                let rv = call!(self, C_FindObjects(*session, entries.as_mut_ptr(), room, &mut count))?;
                Ok(Reply { rv, answer: counted(rv, count, entries) })
            }
            Request::FindObjectsFinal { session } => nothing(call!(self, C_FindObjectsFinal(*session))),
            Request::CreateObject { session, template } => {
                let mut object = CK_INVALID_HANDLE;
                let rv = lent(template, |attributes, count| {
                    call!(self, C_CreateObject(*session, attributes, count, &mut object))
                })?;
                Ok(Reply { rv, answer: Answer::Handle(object) })
            }
            Request::SetAttributeValue { session, object, template } => {
                nothing(lent(template, |attributes, count| {
                    call!(self, C_SetAttributeValue(*session, *object, attributes, count))
                }))
            }
            Request::DestroyObject { session, object } => {
                nothing(call!(self, C_DestroyObject(*session, *object)))
            }
            Request::GenerateKeyPair { session, mechanism, public, private } => {
                self.generate_key_pair(*session, *mechanism, public, private)
            }
            Request::SignInit { session, mechanism, pss, key } => {
                nothing(self.sign_init(*session, *mechanism, *pss, *key))
            }
            Request::Sign { session, data, room } => self.sign(*session, &data.0, *room),
            Request::SignFinal { session } => {
                let mut signature = vec![0; LARGEST_SIGNATURE];
                let mut count = length(&signature);
                nothing(call!(self, C_SignFinal(*session, signature.as_mut_ptr(), &mut count)))
            }
            Request::VerifyInit { session, mechanism, key } => {
                let mut mechanism =
                    CK_MECHANISM { mechanism: *mechanism, pParameter: ptr::null_mut(), ulParameterLen: 0 };
                nothing(call!(self, C_VerifyInit(*session, &mut mechanism, *key)))
            }
            Request::Verify { session, data, signature } => {
                let (mut data, mut signature) = (data.0.to_vec(), signature.0.to_vec());
                let (length, of_signature) = (length(&data), length(&signature));
                let (data, signature) = (data.as_mut_ptr(), signature.as_mut_ptr());
                nothing(call!(self, C_Verify(*session, data, length, signature, of_signature)))
            }
            Request::GetAttributeValue { session, object, rooms } => {
                let (rv, filled) = self.attributes(*session, *object, rooms)?;
                Ok(Reply { rv, answer: Answer::Attributes(filled) })
            }
            Request::GetAttributeValues { session, objects, rooms } => {
                self.attributes_of_each(*session, objects, rooms)
            }
        }
    }

    /// Without locks of its own a driver is called from one thread at a time.
    fn initialize(&self, threads: Threads) -> Outcome<CK_RV> {
        self.one_thread.store(threads != Threads::Several, Ordering::SeqCst);
        let flags = match threads {
            Threads::Several => CKF_OS_LOCKING_OK,
            Threads::One => 0,
            Threads::Untold => return call!(self, C_Initialize(ptr::null_mut())),
        };
        let mut arguments = CK_C_INITIALIZE_ARGS {
            CreateMutex: None,
            DestroyMutex: None,
            LockMutex: None,
            UnlockMutex: None,
            flags,
            pReserved: ptr::null_mut(),
        };
        call!(self, C_Initialize(ptr::from_mut(&mut arguments).cast()))
    }

    /// NSS's softokn locks by itself.
    fn initialize_nss(&self, parameters: &[u8]) -> Outcome<CK_RV> {
        let Ok(parameters) = CString::new(parameters) else { return Ok(CKR_ARGUMENTS_BAD) };
        let mut arguments = NssArguments {
            mutexes: [ptr::null(); 4],
            flags: CKF_OS_LOCKING_OK,
            parameters: parameters.as_ptr(),
            reserved: ptr::null(),
        };
        self.one_thread.store(false, Ordering::SeqCst);
        call!(self, C_Initialize(ptr::from_mut(&mut arguments).cast()))
    }

    fn generate_key_pair(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: CK_MECHANISM_TYPE,
        public: &Template,
        private: &Template,
    ) -> Outcome<Reply<'static>> {
        let mut mechanism = CK_MECHANISM { mechanism, pParameter: ptr::null_mut(), ulParameterLen: 0 };
        let (mut public_key, mut private_key) = (CK_INVALID_HANDLE, CK_INVALID_HANDLE);
        let rv = lent(public, |public, public_count| {
            lent(private, |private, private_count| {
                call!(
                    self,
                    C_GenerateKeyPair(
                        session,
                        &mut mechanism,
                        public,
                        public_count,
                        private,
                        private_count,
                        &mut public_key,
                        &mut private_key,
                    )
                )
            })
        })?;
        Ok(Reply { rv, answer: Answer::Handles(public_key, private_key) })
    }

    fn sign_init(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: CK_MECHANISM_TYPE,
        pss: Option<Pss>,
        key: CK_OBJECT_HANDLE,
    ) -> Outcome<CK_RV> {
        let mut parameters =
            pss.map(|pss| CK_RSA_PKCS_PSS_PARAMS { hashAlg: pss.hash, mgf: pss.mask, sLen: pss.salt });
        let (parameter, count) = match &mut parameters {
            // Three numbers: no length that a CK_ULONG has not.
            Some(parameters) => {
                (ptr::from_mut(parameters).cast(), size_of::<CK_RSA_PKCS_PSS_PARAMS>() as CK_ULONG)
            }
            None => (ptr::null_mut(), 0),
        };
        let mut mechanism = CK_MECHANISM { mechanism, pParameter: parameter, ulParameterLen: count };
        call!(self, C_SignInit(session, &mut mechanism, key))
    }

    fn sign(&self, session: CK_SESSION_HANDLE, data: &[u8], room: Option<u32>) -> Outcome<Reply<'static>> {
        let mut data = data.to_vec();
        let mut signature = vec![0; room.map_or(0, as_size)];
        let mut count = length(&signature);
        let place = if room.is_some() { signature.as_mut_ptr() } else { ptr::null_mut() };
        let rv = call!(self, C_Sign(session, data.as_mut_ptr(), length(&data), place, &mut count))?;
        signature.truncate(if rv == CKR_OK { usize::try_from(count).unwrap_or(usize::MAX) } else { 0 });
        Ok(Reply { rv, answer: Answer::Signature { count, bytes: signature.into() } })
    }

    fn attributes(
        &self,
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
        rooms: &[Room],
    ) -> Outcome<(CK_RV, Vec<Filled<'static>>)> {
        let empty = |room: &Room| match room.what {
            RoomFor::Secret(_) => 0,
            _ => UNWRITTEN,
        };
        let mut buffers: Vec<Zeroizing<Vec<u8>>> =
            rooms.iter().map(|room| vec![empty(room); room.size()].into()).collect();
        let mut attributes: Vec<CK_ATTRIBUTE> = rooms
            .iter()
            .zip(&mut buffers)
            .map(|(room, buffer)| CK_ATTRIBUTE {
                type_: room.kind,
                pValue: if buffer.is_empty() { ptr::null_mut() } else { buffer.as_mut_ptr().cast() },
                ulValueLen: length(buffer),
            })
            .collect();
        let count = length(&attributes);
        let rv = call!(self, C_GetAttributeValue(session, object, attributes.as_mut_ptr(), count))?;
        let filled = rooms.iter().zip(buffers).zip(attributes).map(|((room, mut buffer), attribute)| {
            let is_secret = matches!(room.what, RoomFor::Secret(_));
            Filled {
                length: attribute.ulValueLen,
                written: is_secret && buffer.iter().any(|byte| *byte != 0),
                // A secret goes no further, and is wiped.
                bytes: if is_secret { Vec::new() } else { std::mem::take(&mut *buffer) }.into(),
            }
        });
        Ok((rv, filled.collect()))
    }

    /// One object after the other, until one has to be asked again: what is asked of it next, the caller decides.
    fn attributes_of_each(
        &self,
        session: CK_SESSION_HANDLE,
        objects: &[CK_OBJECT_HANDLE],
        rooms: &[Room],
    ) -> Outcome<Reply<'static>> {
        let begun = Instant::now();
        let (mut rv, mut several) = (CKR_OK, Vec::with_capacity(objects.len()));
        for object in objects {
            let mut filled;
            (rv, filled) = self.attributes(session, *object, rooms)?;
            let goes_on = rv == CKR_OK && are_plain(rooms, &filled) && begun.elapsed() < AT_ONCE;
            // Before the next one: the rooms are ten times what is in them.
            filled.iter_mut().for_each(Filled::trim);
            several.push(filled);
            if !goes_on {
                break;
            }
        }
        Ok(Reply { rv, answer: Answer::Several(several) })
    }
}

/// Where a PIN is and how long it is; none is a null pointer.
fn secret(pin: Option<&Bytes<'_>>) -> (*mut CK_UTF8CHAR, CK_ULONG) {
    match pin {
        // The specification lacks a `const`; no driver writes to the PIN.
        Some(Bytes(pin)) => (pin.as_ptr().cast_mut(), length(pin)),
        None => (ptr::null_mut(), 0),
    }
}

/// Lends a template to the driver for one call.
fn lent(
    template: &Template,
    work: impl FnOnce(*mut CK_ATTRIBUTE, CK_ULONG) -> Outcome<CK_RV>,
) -> Outcome<CK_RV> {
    let mut template = template.clone();
    let mut attributes = template.lend();
    let count = length(&attributes);
    work(attributes.as_mut_ptr(), count)
}

/// A list for which there is so much room, or its length alone.
fn list(
    room: Option<u32>,
    read: impl FnOnce(*mut CK_ULONG, &mut CK_ULONG) -> Outcome<CK_RV>,
) -> Outcome<Reply<'static>> {
    let mut entries: Vec<CK_ULONG> = vec![0; room.map_or(0, as_size)];
    let mut count = length(&entries);
    let place = if room.is_some() { entries.as_mut_ptr() } else { ptr::null_mut() };
    let rv = read(place, &mut count)?;
    Ok(Reply { rv, answer: counted(rv, count, entries) })
}

/// So many of the entries as the driver says that it wrote, where it wrote any.
fn counted(rv: CK_RV, count: CK_ULONG, mut entries: Vec<CK_ULONG>) -> Answer<'static> {
    entries.truncate(if rv == CKR_OK { usize::try_from(count).unwrap_or(usize::MAX) } else { 0 });
    Answer::List { count, entries }
}
