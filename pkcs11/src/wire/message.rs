//! One call of a PKCS#11 function as values: what goes in, how much room there is for what comes out, and what came.
//!
//! Every length is a bound: who serves a call gives a driver no more room than is asked for and at most [`MOST_ROOM`], and who
//! asked checks that no more came back ([`Answer::fits`]).

use super::{Bytes, Structure};
use crate::template::Template;
use crate::types::*;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::time::Duration;

/// The most bytes that one call has room for.
pub(crate) const MOST_ROOM: usize = 1 << 22;

/// What a buffer is filled with before the driver is asked: no number, flag or text of a token looks like it.
pub(crate) const UNWRITTEN: u8 = 0xA5;

/// The most entries of a list, and attributes of a call.
const MOST_ENTRIES: usize = 65_536;
const MOST_ATTRIBUTES: usize = 256;

/// The most objects of one message.
pub(crate) const MOST_OBJECTS: usize = 256;

/// How long a driver is called for one message with several calls, before the next one begins.
pub(crate) const AT_ONCE: Duration = Duration::from_millis(50);

/// A call, or the same one for several objects.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Request<'a> {
    /// C_Initialize.
    Initialize { threads: Threads },
    /// C_Initialize of NSS's softokn, with where its files are.
    InitializeNss {
        #[serde(borrow)]
        parameters: Bytes<'a>,
    },
    /// C_Finalize.
    Finalize,
    /// C_GetInfo.
    GetInfo,
    /// C_GetSlotList; without room for the count alone.
    GetSlotList { present: bool, room: Option<u32> },
    /// C_GetSlotInfo.
    GetSlotInfo { slot: CK_SLOT_ID },
    /// C_WaitForSlotEvent, without waiting.
    WaitForSlotEvent,
    /// C_GetTokenInfo.
    GetTokenInfo { slot: CK_SLOT_ID },
    /// C_GetMechanismList.
    GetMechanismList { slot: CK_SLOT_ID, room: u32 },
    /// C_GetMechanismInfo.
    GetMechanismInfo { slot: CK_SLOT_ID, mechanism: CK_MECHANISM_TYPE },
    /// C_OpenSession.
    OpenSession { slot: CK_SLOT_ID, flags: CK_FLAGS },
    /// C_GetSessionInfo.
    GetSessionInfo { session: CK_SESSION_HANDLE },
    /// C_CloseSession.
    CloseSession { session: CK_SESSION_HANDLE },
    /// C_Login; without a PIN it is entered at the token.
    Login {
        session: CK_SESSION_HANDLE,
        user: CK_USER_TYPE,
        #[serde(borrow)]
        pin: Option<Bytes<'a>>,
    },
    /// C_SetPIN; without PINs both are entered at the token.
    SetPin {
        session: CK_SESSION_HANDLE,
        #[serde(borrow)]
        old: Option<Bytes<'a>>,
        #[serde(borrow)]
        new: Option<Bytes<'a>>,
    },
    /// C_Logout.
    Logout { session: CK_SESSION_HANDLE },
    /// C_FindObjectsInit.
    FindObjectsInit { session: CK_SESSION_HANDLE, template: Cow<'a, Template> },
    /// C_FindObjects.
    FindObjects { session: CK_SESSION_HANDLE, room: u32 },
    /// C_FindObjectsFinal.
    FindObjectsFinal { session: CK_SESSION_HANDLE },
    /// C_CreateObject.
    CreateObject { session: CK_SESSION_HANDLE, template: Cow<'a, Template> },
    /// C_SetAttributeValue.
    SetAttributeValue { session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, template: Cow<'a, Template> },
    /// C_DestroyObject.
    DestroyObject { session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE },
    /// C_GenerateKeyPair, with a mechanism that has no parameter.
    GenerateKeyPair {
        session: CK_SESSION_HANDLE,
        mechanism: CK_MECHANISM_TYPE,
        public: Cow<'a, Template>,
        private: Cow<'a, Template>,
    },
    /// C_SignInit, with CK_RSA_PKCS_PSS_PARAMS or without a parameter.
    SignInit {
        session: CK_SESSION_HANDLE,
        mechanism: CK_MECHANISM_TYPE,
        pss: Option<Pss>,
        key: CK_OBJECT_HANDLE,
    },
    /// C_Sign; without room for the length alone.
    Sign {
        session: CK_SESSION_HANDLE,
        #[serde(borrow)]
        data: Bytes<'a>,
        room: Option<u32>,
    },
    /// C_SignFinal, to end an operation: its signature is nobody's.
    SignFinal { session: CK_SESSION_HANDLE },
    /// C_VerifyInit, with a mechanism that has no parameter.
    VerifyInit { session: CK_SESSION_HANDLE, mechanism: CK_MECHANISM_TYPE, key: CK_OBJECT_HANDLE },
    /// C_Verify.
    Verify {
        session: CK_SESSION_HANDLE,
        #[serde(borrow)]
        data: Bytes<'a>,
        #[serde(borrow)]
        signature: Bytes<'a>,
    },
    /// C_GetAttributeValue.
    GetAttributeValue { session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, rooms: Cow<'a, [Room]> },
    /// C_GetAttributeValue for one object after the other, as long as every value is plain ([`Filled::is_plain`]), for no longer
    /// than [`AT_ONCE`].
    GetAttributeValues {
        session: CK_SESSION_HANDLE,
        objects: Cow<'a, [CK_OBJECT_HANDLE]>,
        rooms: Cow<'a, [Room]>,
    },
}

/// What a driver is told of threads (PKCS#11 v3.1 §5.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Threads {
    /// There are several, and it locks by the system's means.
    Several,
    /// Nothing: no arguments at all.
    Untold,
    /// There is one: arguments without flags.
    One,
}

/// CK_RSA_PKCS_PSS_PARAMS (PKCS#11 v3.1 §6.1.9).
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Pss {
    pub(crate) hash: CK_MECHANISM_TYPE,
    pub(crate) mask: CK_RSA_PKCS_MGF_TYPE,
    pub(crate) salt: CK_ULONG,
}

/// Room for the value of one attribute.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Room {
    pub(crate) kind: CK_ATTRIBUTE_TYPE,
    pub(crate) what: RoomFor,
}

/// What there is room for.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RoomFor {
    /// The length alone.
    Length,
    /// One CK_ULONG.
    Number,
    /// So many bytes.
    Bytes(u32),
    /// So many bytes, which nobody gets to see.
    Secret(u32),
}

/// What a function returned, and what it gave.
#[derive(Serialize, Deserialize)]
pub(crate) struct Reply<'a> {
    pub(crate) rv: CK_RV,
    #[serde(borrow)]
    pub(crate) answer: Answer<'a>,
}

/// What a function gave.
#[derive(Serialize, Deserialize)]
pub(crate) enum Answer<'a> {
    Nothing,
    Info(Structure<CK_INFO>),
    SlotInfo(Structure<CK_SLOT_INFO>),
    TokenInfo(Box<Structure<CK_TOKEN_INFO>>),
    MechanismInfo(Structure<CK_MECHANISM_INFO>),
    SessionInfo(Structure<CK_SESSION_INFO>),
    /// How many there are by the driver's word, and those for which there was room.
    List {
        #[serde(with = "super::flat::length")]
        count: CK_ULONG,
        entries: Vec<CK_ULONG>,
    },
    Handle(CK_ULONG),
    /// Of a public and of a private key.
    Handles(CK_ULONG, CK_ULONG),
    /// Its length by the driver's word, and the bytes.
    Signature {
        #[serde(with = "super::flat::length")]
        count: CK_ULONG,
        #[serde(borrow)]
        bytes: Bytes<'a>,
    },
    #[serde(borrow)]
    Attributes(Vec<Filled<'a>>),
    /// Of the first of the objects, at least of one: what each call but the last returned is CKR_OK, and all of it plain.
    #[serde(borrow)]
    Several(Vec<Vec<Filled<'a>>>),
}

/// What became of the room for one attribute.
#[derive(Serialize, Deserialize)]
pub(crate) struct Filled<'a> {
    /// `ulValueLen` as it came back.
    #[serde(with = "super::flat::length")]
    pub(crate) length: CK_ULONG,
    /// The whole room; of a secret nothing.
    #[serde(borrow)]
    pub(crate) bytes: Bytes<'a>,
    /// Of a secret, whether anything was written.
    pub(crate) written: bool,
}

impl Request<'_> {
    /// The function that is called.
    pub(crate) fn function(&self) -> &'static str {
        match self {
            Request::Initialize { .. } | Request::InitializeNss { .. } => "C_Initialize",
            Request::Finalize => "C_Finalize",
            Request::GetInfo => "C_GetInfo",
            Request::GetSlotList { .. } => "C_GetSlotList",
            Request::GetSlotInfo { .. } => "C_GetSlotInfo",
            Request::WaitForSlotEvent => "C_WaitForSlotEvent",
            Request::GetTokenInfo { .. } => "C_GetTokenInfo",
            Request::GetMechanismList { .. } => "C_GetMechanismList",
            Request::GetMechanismInfo { .. } => "C_GetMechanismInfo",
            Request::OpenSession { .. } => "C_OpenSession",
            Request::GetSessionInfo { .. } => "C_GetSessionInfo",
            Request::CloseSession { .. } => "C_CloseSession",
            Request::Login { .. } => "C_Login",
            Request::SetPin { .. } => "C_SetPIN",
            Request::Logout { .. } => "C_Logout",
            Request::FindObjectsInit { .. } => "C_FindObjectsInit",
            Request::FindObjects { .. } => "C_FindObjects",
            Request::FindObjectsFinal { .. } => "C_FindObjectsFinal",
            Request::CreateObject { .. } => "C_CreateObject",
            Request::SetAttributeValue { .. } => "C_SetAttributeValue",
            Request::DestroyObject { .. } => "C_DestroyObject",
            Request::GenerateKeyPair { .. } => "C_GenerateKeyPair",
            Request::SignInit { .. } => "C_SignInit",
            Request::Sign { .. } => "C_Sign",
            Request::SignFinal { .. } => "C_SignFinal",
            Request::VerifyInit { .. } => "C_VerifyInit",
            Request::Verify { .. } => "C_Verify",
            Request::GetAttributeValue { .. } | Request::GetAttributeValues { .. } => "C_GetAttributeValue",
        }
    }

    /// Whether it changes what is on the token, so that an end in the middle may leave half of it there.
    pub(crate) fn writes(&self) -> bool {
        matches!(
            self,
            Request::GenerateKeyPair { .. }
                | Request::CreateObject { .. }
                | Request::SetAttributeValue { .. }
                | Request::DestroyObject { .. }
                | Request::SetPin { .. }
        )
    }

    /// Whether the driver may write to the token in it: a login writes how often a PIN was wrong, where the token is a file too.
    pub(crate) fn may_write(&self) -> bool {
        self.writes() || matches!(self, Request::Login { .. })
    }

    /// Whether it may take longer than to search for a token: it writes, signs or waits for a person.
    pub(crate) fn may_last(&self) -> bool {
        self.writes()
            || matches!(self, Request::Login { .. } | Request::SignInit { .. } | Request::Sign { .. })
            || matches!(self, Request::VerifyInit { .. } | Request::Verify { .. })
    }

    /// The rooms for attributes.
    fn rooms(&self) -> &[Room] {
        match self {
            Request::GetAttributeValue { rooms, .. } | Request::GetAttributeValues { rooms, .. } => rooms,
            _ => &[],
        }
    }

    /// Whether no more room is asked for than a call is given.
    pub(crate) fn is_bounded(&self) -> bool {
        match self {
            Request::GetSlotList { room: Some(room), .. }
            | Request::GetMechanismList { room, .. }
            | Request::FindObjects { room, .. } => as_size(*room) <= MOST_ENTRIES,
            Request::Sign { room: Some(room), .. } => as_size(*room) <= MOST_ROOM,
            Request::GetAttributeValue { rooms, .. } => are_bounded(1, rooms),
            Request::GetAttributeValues { objects, rooms, .. } => {
                (1..=MOST_OBJECTS).contains(&objects.len()) && are_bounded(objects.len(), rooms)
            }
            _ => true,
        }
    }
}

/// Whether these rooms for each of so many objects are no more than a message has.
fn are_bounded(objects: usize, rooms: &[Room]) -> bool {
    let each = rooms.iter().map(Room::size).fold(0_usize, usize::saturating_add);
    rooms.len() <= MOST_ATTRIBUTES && each.saturating_mul(objects) <= MOST_ROOM
}

impl Room {
    /// In bytes, on the side of the driver.
    pub(crate) fn size(&self) -> usize {
        match self.what {
            RoomFor::Length => 0,
            RoomFor::Number => size_of::<CK_ULONG>(),
            RoomFor::Bytes(room) | RoomFor::Secret(room) => as_size(room),
        }
    }
}

impl Answer<'_> {
    /// Whether this is an answer to that request, and no more came back than there was room for.
    pub(crate) fn fits(&self, request: &Request<'_>, is_ok: bool) -> bool {
        let listed = |room: u32, count: CK_ULONG, entries: &[CK_ULONG]| {
            let claimed = usize::try_from(count).unwrap_or(usize::MAX);
            let expected = if is_ok { claimed.min(as_size(room)) } else { 0 };
            entries.len() == expected
        };
        match (request, self) {
            (Request::GetInfo, Answer::Info(_))
            | (Request::GetSlotInfo { .. }, Answer::SlotInfo(_))
            | (Request::GetTokenInfo { .. }, Answer::TokenInfo(_))
            | (Request::GetMechanismInfo { .. }, Answer::MechanismInfo(_))
            | (Request::GetSessionInfo { .. }, Answer::SessionInfo(_))
            | (Request::OpenSession { .. } | Request::CreateObject { .. }, Answer::Handle(_))
            | (Request::GenerateKeyPair { .. }, Answer::Handles(..)) => true,
            (Request::GetSlotList { room, .. }, Answer::List { count, entries }) => {
                listed(room.unwrap_or(0), *count, entries)
            }
            (
                Request::GetMechanismList { room, .. } | Request::FindObjects { room, .. },
                Answer::List { count, entries },
            ) => listed(*room, *count, entries),
            (Request::Sign { room, .. }, Answer::Signature { bytes, .. }) => {
                bytes.0.len() <= as_size(room.unwrap_or(0))
            }
            (Request::GetAttributeValue { rooms, .. }, Answer::Attributes(filled)) => fit_into(rooms, filled),
            (Request::GetAttributeValues { objects, rooms, .. }, Answer::Several(several)) => {
                let Some((_, before)) = several.split_last() else { return false };
                several.len() <= objects.len()
                    && several.iter().all(|filled| fit_into(rooms, filled))
                    && before.iter().all(|filled| are_plain(rooms, filled))
            }
            (
                Request::GetInfo
                | Request::GetSlotInfo { .. }
                | Request::GetTokenInfo { .. }
                | Request::GetMechanismInfo { .. }
                | Request::GetSessionInfo { .. }
                | Request::OpenSession { .. }
                | Request::CreateObject { .. }
                | Request::GenerateKeyPair { .. }
                | Request::GetSlotList { .. }
                | Request::GetMechanismList { .. }
                | Request::FindObjects { .. }
                | Request::Sign { .. }
                | Request::GetAttributeValue { .. }
                | Request::GetAttributeValues { .. },
                _,
            ) => false,
            (_, answer) => matches!(answer, Answer::Nothing),
        }
    }
}

fn fit_into(rooms: &[Room], filled: &[Filled<'_>]) -> bool {
    let fits = |(room, filled): (&Room, &Filled<'_>)| match room.what {
        RoomFor::Length | RoomFor::Secret(_) => filled.bytes.0.is_empty(),
        RoomFor::Number | RoomFor::Bytes(_) => filled.bytes.0.len() <= room.size(),
    };
    filled.len() == rooms.len() && rooms.iter().zip(filled).all(fits)
}

/// Whether every value is there, and the object need not be asked again.
pub(crate) fn are_plain(rooms: &[Room], filled: &[Filled<'_>]) -> bool {
    rooms.iter().zip(filled).all(|(room, filled)| filled.is_plain(room))
}

impl Filled<'_> {
    /// Whether it is a value that fits with certainty: a number, or one with room behind it.
    pub(crate) fn is_plain(&self, room: &Room) -> bool {
        match room.what {
            RoomFor::Bytes(_) => self.told() < room.size(),
            // Of the driver's bitness.
            RoomFor::Number => {
                (1..=room.size()).contains(&self.told()) && self.bytes.0.iter().any(|byte| *byte != UNWRITTEN)
            }
            RoomFor::Length | RoomFor::Secret(_) => false,
        }
    }

    /// With its own memory, and as much of the room as is examined, as a driver in this process leaves it.
    fn owned(self, room: &Room) -> Filled<'static> {
        let told = self.told();
        let mut bytes = self.bytes.0.into_owned();
        if !matches!(room.what, RoomFor::Secret(_)) {
            bytes.resize(told.min(room.size()), UNWRITTEN);
        }
        Filled { length: self.length, bytes: bytes.into(), written: self.written }
    }

    /// Without what nothing was written in, or what the driver says is no part of the value.
    pub(crate) fn trim(&mut self) {
        let told = self.told();
        if let Cow::Owned(bytes) = &mut self.bytes.0 {
            bytes.truncate(told);
            let end = bytes.iter().rposition(|byte| *byte != UNWRITTEN).map_or(0, |last| last + 1);
            bytes.truncate(end);
            bytes.shrink_to_fit();
        }
    }

    /// How long the value is by the driver's word.
    fn told(&self) -> usize {
        usize::try_from(self.length).unwrap_or(usize::MAX)
    }
}

impl Reply<'_> {
    /// The same with its own memory, and what was trimmed, as a driver in this process leaves it.
    pub(crate) fn owned(self, request: &Request<'_>) -> Reply<'static> {
        let own = |bytes: Bytes<'_>| Bytes(Cow::Owned(bytes.0.into_owned()));
        let answer = match self.answer {
            Answer::Nothing => Answer::Nothing,
            Answer::Info(info) => Answer::Info(info),
            Answer::SlotInfo(info) => Answer::SlotInfo(info),
            Answer::TokenInfo(info) => Answer::TokenInfo(info),
            Answer::MechanismInfo(info) => Answer::MechanismInfo(info),
            Answer::SessionInfo(info) => Answer::SessionInfo(info),
            Answer::List { count, entries } => Answer::List { count, entries },
            Answer::Handle(handle) => Answer::Handle(handle),
            Answer::Handles(public, private) => Answer::Handles(public, private),
            Answer::Signature { count, bytes } => Answer::Signature { count, bytes: own(bytes) },
            Answer::Attributes(filled) => Answer::Attributes(owned(request.rooms(), filled)),
            Answer::Several(several) => {
                Answer::Several(several.into_iter().map(|filled| owned(request.rooms(), filled)).collect())
            }
        };
        Reply { rv: self.rv, answer }
    }

    /// Without what nothing was written in; of several objects that is done already.
    pub(crate) fn trimmed(mut self) -> Self {
        if let Answer::Attributes(filled) = &mut self.answer {
            filled.iter_mut().for_each(Filled::trim);
        }
        self
    }
}

fn owned(rooms: &[Room], filled: Vec<Filled<'_>>) -> Vec<Filled<'static>> {
    rooms.iter().zip(filled).map(|(room, filled)| filled.owned(room)).collect()
}

/// A length of a message in memory.
pub(crate) fn as_size(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// A length in memory for a message. Ours are far below the bound.
pub(crate) fn as_length(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}
