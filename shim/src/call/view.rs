//! How the arguments of a call are examined, and what is kept of them while the driver works.

use crate::call::redact;
use crate::host::memory::{array, buffers, read};
use std::hash::{DefaultHasher, Hasher};
use std::mem::offset_of;
use usbtoken_pkcs11::types::*;

/// An argument: the specification's name for it, and what it is.
pub(crate) type Arg = (&'static str, View);

/// What an argument is. Lengths are the caller's.
#[derive(Clone, Copy)]
pub(crate) enum View {
    InitArgs(CK_VOID_PTR),
    Session(CK_SESSION_HANDLE),
    Object(CK_OBJECT_HANDLE),
    Slot(CK_SLOT_ID),
    Flags(CK_FLAGS),
    SessionFlags(CK_FLAGS),
    Bool(CK_BBOOL),
    Ulong(CK_ULONG),
    User(CK_USER_TYPE),
    Version(CK_VERSION_PTR),
    FunctionName(CK_UTF8CHAR_PTR),
    TokenLabel(CK_UTF8CHAR_PTR),
    Mechanism(CK_MECHANISM_PTR),
    MechanismType(CK_MECHANISM_TYPE),
    /// Never read, and its length not shown.
    Pin(CK_UTF8CHAR_PTR),
    /// Data that goes in, or random bytes that come out: shown by length, never read.
    Bytes(CK_BYTE_PTR, CK_ULONG),
    /// The parameter of a message: as `Bytes`.
    Parameter(CK_VOID_PTR, CK_ULONG),
    /// Data that comes out: shown by length, never read.
    Output(CK_BYTE_PTR, CK_ULONG_PTR),
    /// Attributes that go in.
    Template(CK_ATTRIBUTE_PTR, CK_ULONG),
    /// Attributes that are asked for.
    Answer(CK_ATTRIBUTE_PTR, CK_ULONG),
    NewSession(CK_SESSION_HANDLE_PTR),
    NewObject(CK_OBJECT_HANDLE_PTR),
    Found(CK_OBJECT_HANDLE_PTR, CK_ULONG, CK_ULONG_PTR),
    SlotList(CK_SLOT_ID_PTR, CK_ULONG_PTR),
    MechanismList(CK_MECHANISM_TYPE_PTR, CK_ULONG_PTR),
    SlotEvent(CK_SLOT_ID_PTR),
    Number(CK_ULONG_PTR),
    LibraryInfo(CK_INFO_PTR),
    SlotInfo(CK_SLOT_INFO_PTR),
    TokenInfo(CK_TOKEN_INFO_PTR),
    MechanismInfo(CK_MECHANISM_INFO_PTR),
    SessionInfo(CK_SESSION_INFO_PTR),
}

/// No template is longer than this; a longer one is a mistake that is left for the driver to find.
const MOST_ATTRIBUTES: CK_ULONG = 1024;
/// No attribute longer than this is examined.
pub(crate) const LONGEST_VALUE: CK_ULONG = 64 * 1024;

/// The attributes of a caller's array, with their addresses; none when they cannot be read.
pub(crate) fn attributes(
    pointer: CK_ATTRIBUTE_PTR,
    count: CK_ULONG,
) -> impl Iterator<Item = (CK_ATTRIBUTE_PTR, CK_ATTRIBUTE)> {
    let count = if count > MOST_ATTRIBUTES { 0 } else { count as usize };
    let read = array(pointer.cast_const(), count).unwrap_or_default();
    read.into_iter().enumerate().map(move |(i, attribute)| (pointer.wrapping_add(i), attribute))
}

/// Where one thing stands that the driver is about to write, and what stood there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The caller's room.
    pub(crate) room: CK_ULONG,
    /// The caller's buffer.
    pub(crate) at: *const u8,
    /// A digest of what was in it; 0 when that could not be read or was not examined.
    digest: u64,
}

impl Asked {
    const NOTHING: Self = Self { room: 0, at: std::ptr::null(), digest: 0 };

    fn of_field(at: *const u8, length: usize) -> Self {
        Self { room: length as CK_ULONG, at, digest: 0 }
    }

    /// And whether what stands there can be anything, and so has to be compared.
    fn of_attribute(attribute: CK_ATTRIBUTE) -> (Self, bool) {
        let (room, at) = (attribute.ulValueLen, attribute.pValue.cast_const().cast::<u8>());
        let compared = redact::has_free_length(attribute.type_) && room <= LONGEST_VALUE && !at.is_null();
        (Self { room, at, digest: 0 }, compared)
    }

    /// What stands there now, given all that is in the caller's room: so much of it.
    pub(crate) fn now(&self, mut room: Vec<u8>, length: CK_ULONG) -> Now {
        let is_new = self.digest != 0 && self.digest != digest(&room);
        room.truncate(length as usize);
        Now { bytes: room, is_new }
    }
}

/// What stands in the caller's buffer after the driver.
pub(crate) struct Now {
    pub(crate) bytes: Vec<u8>,
    /// Whether it is not what it was before. Where all is as it was nothing tells that the driver wrote it, and it may be
    /// anything of the caller's, a PIN as well.
    pub(crate) is_new: bool,
}

/// Never 0.
pub(crate) fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish().max(1)
}

/// How many attributes of an answer can be followed. Programs ask for about ten at once.
const FOLLOWED: usize = 32;

/// What the caller's memory held that the driver is about to overwrite. Plain values: see [`pass`](crate::pass).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Before {
    asked: [Asked; FOLLOWED],
    count: usize,
}

impl Before {
    pub(crate) const NOTHING: Self = Self { asked: [Asked::NOTHING; FOLLOWED], count: 0 };

    pub(crate) fn read(args: &[Arg]) -> Self {
        let mut before = Self::NOTHING;
        for (_, view) in args {
            match *view {
                View::Answer(pointer, count) => {
                    before.keep(attributes(pointer, count).map(|(_, a)| Asked::of_attribute(a)));
                }
                View::Output(_, length) | View::SlotList(_, length) | View::MechanismList(_, length) => {
                    before.keep(read(length).map(|room| (Asked { room, ..Asked::NOTHING }, false)));
                }
                _ => before.keep(text_fields(view).map(|(at, length)| (Asked::of_field(at, length), true))),
            }
        }
        before
    }

    /// Keeps what is asked for, and of what has to be compared what is there.
    fn keep(&mut self, asked: impl IntoIterator<Item = (Asked, bool)>) {
        let mut compared = Vec::new();
        for (asked, is_compared) in asked {
            let Some(place) = self.asked.get_mut(self.count) else { break };
            *place = asked;
            if is_compared {
                compared.push((self.count, (asked.at, asked.room as usize)));
            }
            self.count += 1;
        }
        let wanted: Vec<_> = compared.iter().map(|(_, wanted)| *wanted).collect();
        for ((place, _), bytes) in compared.iter().zip(buffers(&wanted)) {
            if let (Some(asked), Some(bytes)) = (self.asked.get_mut(*place), bytes) {
                asked.digest = digest(&bytes);
            }
        }
    }

    /// Of an answer: one for each attribute. Of a structure: one for each text field. Of everything else with a length:
    /// that one.
    pub(crate) fn asked(&self) -> &[Asked] {
        self.asked.get(..self.count).unwrap_or_default()
    }

    /// The one length that the caller gave.
    pub(crate) fn room(&self) -> CK_ULONG {
        self.asked().first().map_or(0, |asked| asked.room)
    }
}

/// A text field of a structure: where it begins, and how long it is.
type Field = (usize, usize);

const LIBRARY_FIELDS: &[Field] =
    &[(offset_of!(CK_INFO, manufacturerID), 32), (offset_of!(CK_INFO, libraryDescription), 32)];
const SLOT_FIELDS: &[Field] =
    &[(offset_of!(CK_SLOT_INFO, slotDescription), 64), (offset_of!(CK_SLOT_INFO, manufacturerID), 32)];
const TOKEN_FIELDS: &[Field] = &[
    (offset_of!(CK_TOKEN_INFO, label), 32),
    (offset_of!(CK_TOKEN_INFO, manufacturerID), 32),
    (offset_of!(CK_TOKEN_INFO, model), 16),
    (offset_of!(CK_TOKEN_INFO, serialNumber), 16),
];

/// The text fields of a structure that the driver fills: their addresses and lengths.
fn text_fields(view: &View) -> impl Iterator<Item = (*const u8, usize)> {
    let (base, fields): (*const u8, &[Field]) = match *view {
        View::LibraryInfo(at) => (at.cast_const().cast(), LIBRARY_FIELDS),
        View::SlotInfo(at) => (at.cast_const().cast(), SLOT_FIELDS),
        View::TokenInfo(at) => (at.cast_const().cast(), TOKEN_FIELDS),
        _ => (std::ptr::null(), &[]),
    };
    fields.iter().map(move |(offset, length)| (base.wrapping_add(*offset), *length))
}
