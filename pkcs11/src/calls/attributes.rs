//! Reading attributes (PKCS#11 v3.1 §5.7.5): every length that comes back is held against its buffer.

use super::functions::{Functions, ObjectHandle, SessionHandle, another_answer};
use crate::failure::{Failure, Outcome};
use crate::types::*;
use crate::wire::message::{Answer as Given, Filled, Request, Room, RoomFor, UNWRITTEN, as_length};
use std::borrow::Cow;
use std::collections::BTreeMap;

pub(super) const FUNCTION: &str = "C_GetAttributeValue";

/// The largest value that is fetched when the first buffer was too small.
const MAX_VALUE: usize = 1 << 20;

/// Room for a private value that is asked for in order to be refused.
const PRIVATE_VALUE: u32 = 1024;

/// An attribute to be read, with room for its value.
///
/// A number has exactly the room of one: some drivers insist on that. The others have more than a likely value needs, and
/// what the driver did not write is known by the pattern with which the buffer was filled.
#[derive(Clone, Copy)]
pub struct Wanted {
    kind: CK_ATTRIBUTE_TYPE,
    room: usize,
    length: Length,
}

/// What is known of the length of a value before it is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    /// Likely less than the room.
    Less,
    /// The room.
    Exact,
    /// The room, in which a driver may write a number of 32 bits.
    Number,
}

impl Wanted {
    /// A CK_BBOOL.
    pub const fn flag(kind: CK_ATTRIBUTE_TYPE) -> Self {
        Wanted { kind, room: 3, length: Length::Less }
    }

    /// A CK_ULONG.
    pub const fn number(kind: CK_ATTRIBUTE_TYPE) -> Self {
        Wanted { kind, room: size_of::<CK_ULONG>(), length: Length::Number }
    }

    /// Identifiers, labels, names, keys.
    pub const fn short(kind: CK_ATTRIBUTE_TYPE) -> Self {
        Wanted { kind, room: 1_027, length: Length::Less }
    }

    /// Certificates.
    pub const fn long(kind: CK_ATTRIBUTE_TYPE) -> Self {
        Wanted { kind, room: 8_191, length: Length::Less }
    }

    pub(super) fn room(&self) -> Room {
        let what = match self.length {
            Length::Number => RoomFor::Number,
            Length::Less | Length::Exact => RoomFor::Bytes(as_length(self.room)),
        };
        Room { kind: self.kind, what }
    }
}

/// The attributes that an object reported; what it did not report is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(BTreeMap<CK_ATTRIBUTE_TYPE, Vec<u8>>);

impl Attributes {
    /// The value as the driver gave it.
    pub fn bytes(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<&[u8]> {
        self.0.get(&kind).map(Vec::as_slice)
    }

    /// A CK_BBOOL. Some drivers report one as long as a number.
    pub fn flag(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<bool> {
        match self.bytes(kind) {
            Some([value, rest @ ..]) if is_padding(rest) => Some(*value != CK_FALSE),
            _ => None,
        }
    }

    /// A CK_ULONG. Some drivers report one of 32 bits, or zeros behind it.
    pub fn number(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<CK_ULONG> {
        let bytes = self.bytes(kind)?;
        if let Some((number, rest)) = bytes.split_first_chunk() {
            return is_padding(rest).then(|| CK_ULONG::from_ne_bytes(*number));
        }
        let short: [u8; 4] = bytes.try_into().ok()?;
        Some(CK_ULONG::from(u32::from_ne_bytes(short)))
    }
}

impl Functions {
    /// Reads attributes in one call, where the driver allows; what it refuses or lacks is left out.
    ///
    /// CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID and CKR_BUFFER_TOO_SMALL are no failures of the call
    /// (PKCS#11 v3.1 §5.7.5): they speak of single attributes. Some drivers stop at the first such attribute, so
    /// those left untouched are asked for one by one; others then give none, so all are. That is done only where it makes
    /// sense by what is known of the object so far.
    pub fn attributes_where(
        &self,
        session: SessionHandle,
        object: ObjectHandle,
        wanted: &[Wanted],
        makes_sense: impl Fn(&Attributes, CK_ATTRIBUTE_TYPE) -> bool,
    ) -> Outcome<Attributes> {
        self.gone_on_with(session, object, wanted, makes_sense, self.read(session, object, wanted))
    }

    /// The same where the first call has been made.
    pub(super) fn gone_on_with(
        &self,
        session: SessionHandle,
        object: ObjectHandle,
        wanted: &[Wanted],
        makes_sense: impl Fn(&Attributes, CK_ATTRIBUTE_TYPE) -> bool,
        read: Outcome<Vec<(Wanted, Answer)>>,
    ) -> Outcome<Attributes> {
        let mut values = Attributes::default();
        let mut again = Vec::new();
        let mut unavailable = Vec::new();
        let several = wanted.len() > 1;
        let read = match read {
            // Some drivers insist on the exact length of a number, or on one attribute at a time.
            Err(Failure::Returned { rv, .. }) if several && may_be_of_several(rv) => {
                wanted.iter().map(|want| (*want, Answer::Untouched)).collect()
            }
            read => read?,
        };
        for (want, answer) in read {
            match answer {
                Answer::Value(value) => {
                    values.0.insert(want.kind, value);
                }
                Answer::Unavailable => unavailable.push(want),
                Answer::TooSmall(_) | Answer::Full(_) => again.push(want),
                Answer::Untouched if several => again.push(want),
                Answer::Untouched => {}
            }
        }
        if values.0.is_empty() && again.is_empty() && several {
            again = unavailable;
        }
        for want in again {
            if makes_sense(&values, want.kind)
                && let Some(value) = self.attribute(session, object, want)?
            {
                values.0.insert(want.kind, value);
            }
        }
        Ok(values)
    }

    /// One attribute, with one more try in a buffer of another size.
    fn attribute(
        &self,
        session: SessionHandle,
        object: ObjectHandle,
        want: Wanted,
    ) -> Outcome<Option<Vec<u8>>> {
        let answer = |want: Wanted| -> Outcome<Answer> {
            let answers = self.read(session, object, &[want])?;
            Ok(answers.into_iter().next().map_or(Answer::Unavailable, |(_, answer)| answer))
        };
        match answer(want)? {
            Answer::Value(value) => Ok(Some(value)),
            // A driver that never tells less than the room may tell the length alone.
            Answer::Full(value) => match self.length_of(session, object, want.kind)? {
                None => Ok(Some(written(value))),
                Some(0) => Ok(None),
                Some(room) => match answer(Wanted { room, length: Length::Exact, ..want })? {
                    Answer::Value(value) => Ok(Some(value)),
                    _ => Ok(None),
                },
            },
            Answer::TooSmall(needed) => {
                let room = needed.unwrap_or(MAX_VALUE);
                if room > MAX_VALUE {
                    let how = format!("0x{:x}: ulValueLen {room}", want.kind);
                    return Err(Failure::Misbehaved { function: FUNCTION, rv: CKR_BUFFER_TOO_SMALL, how });
                }
                let length = if needed.is_some() { Length::Exact } else { Length::Less };
                match answer(Wanted { room, length, ..want })? {
                    Answer::Value(value) | Answer::Full(value) => Ok(Some(value)),
                    _ => Ok(None),
                }
            }
            Answer::Unavailable | Answer::Untouched => Ok(None),
        }
    }

    /// The length of an attribute, asked for without a buffer; 0: there is no value. `None` where the driver does not tell.
    fn length_of(
        &self,
        session: SessionHandle,
        object: ObjectHandle,
        kind: CK_ATTRIBUTE_TYPE,
    ) -> Outcome<Option<usize>> {
        let (rv, filled) = self.fill_one(session, object, Room { kind, what: RoomFor::Length })?;
        Ok(match rv {
            CKR_OK if is_unavailable(filled.length) => Some(0),
            CKR_OK => usize::try_from(filled.length).ok().filter(|length| *length <= MAX_VALUE),
            CKR_ATTRIBUTE_SENSITIVE | CKR_ATTRIBUTE_TYPE_INVALID => Some(0),
            _ => None,
        })
    }

    /// What the driver does when it is asked for a private value. Bytes that it gives out are wiped at once.
    ///
    /// CKR_OK with no length or with none available is not a value; it is asked once more, and told as what it is.
    pub fn private_value(
        &self,
        session: SessionHandle,
        object: ObjectHandle,
        kind: CK_ATTRIBUTE_TYPE,
    ) -> Outcome<PrivateValue> {
        match self.ask_private_value(session, object, kind)? {
            PrivateValue::Empty => self.ask_private_value(session, object, kind),
            answer => Ok(answer),
        }
    }

    /// Reads attributes of a private key and asks for its private value in the same call, as the last; with them comes whether it was
    /// refused as sensitive. Bytes that the driver gives out are wiped at once.
    ///
    /// `None` unless there is no private value in the answer, and of the others at least one. After CKR_ATTRIBUTE_SENSITIVE it is the
    /// private value that was refused, since the others cannot be sensitive (PKCS#11 v3.1 §4.9). After CKR_ATTRIBUTE_TYPE_INVALID
    /// any of them may be what the object lacks: they are known, and the private value is to be asked for apart.
    pub fn attributes_and_refusal(
        &self,
        session: SessionHandle,
        key: ObjectHandle,
        wanted: &[Wanted],
        private_value: CK_ATTRIBUTE_TYPE,
    ) -> Outcome<Option<(Attributes, bool)>> {
        let secret = Room { kind: private_value, what: RoomFor::Secret(PRIVATE_VALUE) };
        let rooms = wanted.iter().map(Wanted::room).chain([secret]).collect();
        let (rv, mut filled) = self.fill(session, key, rooms)?;
        if !matches!(rv, CKR_ATTRIBUTE_SENSITIVE | CKR_ATTRIBUTE_TYPE_INVALID) {
            // What is wrong with it shows when it is asked for apart.
            return Ok(None);
        }
        let kept_back = filled.pop().is_some_and(|last| is_unavailable(last.length));
        let mut values = Attributes::default();
        for (want, filled) in wanted.iter().zip(filled) {
            match judge(*want, filled.bytes.0.into_owned(), filled.length, Extent::SomeMissing)? {
                Answer::Value(value) => drop(values.0.insert(want.kind, value)),
                Answer::Unavailable => {}
                Answer::TooSmall(_) | Answer::Untouched | Answer::Full(_) => return Ok(None),
            }
        }
        let is_usable = kept_back && !values.0.is_empty();
        Ok(is_usable.then_some((values, rv == CKR_ATTRIBUTE_SENSITIVE)))
    }

    fn ask_private_value(
        &self,
        session: SessionHandle,
        object: ObjectHandle,
        kind: CK_ATTRIBUTE_TYPE,
    ) -> Outcome<PrivateValue> {
        let room = Room { kind, what: RoomFor::Secret(PRIVATE_VALUE) };
        let (rv, filled) = self.fill_one(session, object, room)?;
        match rv {
            CKR_OK if filled.length == 0 || is_unavailable(filled.length) => Ok(PrivateValue::Empty),
            // A driver that leaves the length as it was, and writes nothing, gives nothing out.
            CKR_OK if !filled.written => Ok(PrivateValue::Empty),
            CKR_OK => Ok(PrivateValue::Readable),
            // Too small a buffer would mean that a larger one is filled: that is no refusal.
            CKR_BUFFER_TOO_SMALL => Ok(PrivateValue::Readable),
            CKR_ATTRIBUTE_SENSITIVE | CKR_ATTRIBUTE_TYPE_INVALID => Ok(PrivateValue::Refused(rv)),
            rv => Err(Failure::Returned { function: FUNCTION, rv }),
        }
    }

    /// One C_GetAttributeValue, each length that comes back held against its buffer.
    fn read(
        &self,
        session: SessionHandle,
        object: ObjectHandle,
        wanted: &[Wanted],
    ) -> Outcome<Vec<(Wanted, Answer)>> {
        let (rv, filled) = self.fill(session, object, wanted.iter().map(Wanted::room).collect())?;
        judged(wanted, rv, filled)
    }

    /// One C_GetAttributeValue: what it returned, and what became of each room.
    fn fill(
        &self,
        session: SessionHandle,
        object: ObjectHandle,
        rooms: Vec<Room>,
    ) -> Outcome<(CK_RV, Vec<Filled<'static>>)> {
        let session = self.session(FUNCTION, session)?;
        let request = Request::GetAttributeValue { session, object: object.0, rooms: Cow::Owned(rooms) };
        let reply = self.perform(&request)?;
        match reply.answer {
            Given::Attributes(filled) => Ok((reply.rv, filled)),
            _ => Err(another_answer(FUNCTION)),
        }
    }

    /// The same with room for one.
    fn fill_one(
        &self,
        session: SessionHandle,
        object: ObjectHandle,
        room: Room,
    ) -> Outcome<(CK_RV, Filled<'static>)> {
        let (rv, filled) = self.fill(session, object, vec![room])?;
        let only = filled.into_iter().next().ok_or_else(|| another_answer(FUNCTION))?;
        Ok((rv, only))
    }
}

/// Whether drivers answer so where they take one attribute in a call and not several.
fn may_be_of_several(rv: CK_RV) -> bool {
    matches!(
        rv,
        CKR_ARGUMENTS_BAD
            | CKR_ATTRIBUTE_VALUE_INVALID
            | CKR_TEMPLATE_INCOMPLETE
            | CKR_TEMPLATE_INCONSISTENT
            | CKR_GENERAL_ERROR
            | CKR_FUNCTION_FAILED
            | CKR_DEVICE_ERROR
    )
}

/// What a driver answers when it is asked for a private value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivateValue {
    /// With this return value.
    Refused(CK_RV),
    /// With CKR_OK, and no bytes.
    Empty,
    /// With bytes.
    Readable,
}

/// What one C_GetAttributeValue said of its attributes as a whole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    All,
    SomeTooLong,
    SomeMissing,
}

/// What became of one attribute in one call.
pub(super) enum Answer {
    Value(Vec<u8>),
    /// Sensitive, or unknown to the object.
    Unavailable,
    /// The buffer was too small; the length, where the driver tells it.
    TooSmall(Option<usize>),
    /// The driver gave up before it came to this one.
    Untouched,
    /// The buffer is full to the last byte: a value of that length, or a driver that does not tell it.
    Full(Vec<u8>),
}

/// What was written in a buffer whose length the driver does not tell.
fn written(mut buffer: Vec<u8>) -> Vec<u8> {
    let end = buffer.iter().rposition(|byte| *byte != UNWRITTEN).map_or(0, |last| last + 1);
    buffer.truncate(end);
    buffer
}

fn is_padding(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// What one C_GetAttributeValue gave, each length held against its buffer.
pub(super) fn judged(
    wanted: &[Wanted],
    rv: CK_RV,
    filled: Vec<Filled<'static>>,
) -> Outcome<Vec<(Wanted, Answer)>> {
    let extent = match rv {
        CKR_OK => Extent::All,
        CKR_BUFFER_TOO_SMALL => Extent::SomeTooLong,
        CKR_ATTRIBUTE_SENSITIVE | CKR_ATTRIBUTE_TYPE_INVALID => Extent::SomeMissing,
        rv => return Err(Failure::Returned { function: FUNCTION, rv }),
    };
    let judged = wanted.iter().zip(filled);
    let judged = judged
        .map(|(want, filled)| Ok((*want, judge(*want, filled.bytes.0.into_owned(), filled.length, extent)?)));
    judged.collect()
}

fn judge(want: Wanted, mut buffer: Vec<u8>, reported: CK_ULONG, extent: Extent) -> Outcome<Answer> {
    if is_unavailable(reported) {
        return Ok(match extent {
            Extent::SomeTooLong => Answer::TooSmall(None),
            Extent::All | Extent::SomeMissing => Answer::Unavailable,
        });
    }
    let reported = usize::try_from(reported).unwrap_or(usize::MAX);
    if reported > want.room {
        if extent == Extent::All {
            let how = format!("0x{:x}: ulValueLen {reported} > {}", want.kind, want.room);
            return Err(Failure::Misbehaved { function: FUNCTION, rv: CKR_OK, how });
        }
        return Ok(Answer::TooSmall(Some(reported)));
    }
    if reported == want.room && is_unwritten(&buffer) {
        return Ok(Answer::Untouched);
    }
    if reported == want.room && want.length == Length::Less {
        return Ok(Answer::Full(buffer));
    }
    buffer.truncate(reported);
    if want.length == Length::Number && buffer.get(size_of::<u32>()..).is_some_and(is_unwritten) {
        buffer.truncate(size_of::<u32>());
    }
    Ok(Answer::Value(buffer))
}

fn is_unwritten(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == UNWRITTEN)
}
