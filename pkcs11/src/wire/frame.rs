//! Messages as bytes: a length of four bytes, least significant first, and the message in postcard's form.

use super::Bytes;
use super::message::{Reply, Request};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use zeroize::Zeroizing;

/// The longest message. A call has room for less ([`MOST_ROOM`](super::message::MOST_ROOM)).
pub(crate) const LONGEST: usize = 1 << 23;

/// The version of these messages. Host and program come from one installation, and tell when they do not.
pub(crate) const VERSION: u32 = 2;

/// What a program says to its driver host.
#[derive(Serialize, Deserialize)]
pub(crate) enum ToHost<'a> {
    /// The first, before there is a driver: what is wrong by then is the host's.
    Greet {
        version: u32,
        /// The program's process.
        parent: u32,
    },
    /// Load the driver at this path.
    Load {
        #[serde(borrow)]
        driver: Bytes<'a>,
    },
    /// Call a function.
    #[serde(borrow)]
    Call(Cow<'a, Request<'a>>),
    /// Keep the files that came with this open, by this name.
    Keep(u64),
    /// Close them.
    LetGo(u64),
}

impl ToHost<'_> {
    /// How many bytes of a PIN are in it.
    pub(crate) fn pin_length(&self) -> usize {
        match self {
            ToHost::Call(request) => match request.as_ref() {
                Request::Login { pin: Some(pin), .. } => pin.0.len(),
                Request::SetPin { old: Some(old), new: Some(new), .. } => old.0.len() + new.0.len(),
                _ => 0,
            },
            _ => 0,
        }
    }
}

/// What a driver host says; each is the answer to one message.
#[derive(Serialize, Deserialize)]
pub(crate) enum FromHost<'a> {
    /// Done.
    Done,
    /// Not this program's host: it speaks this version.
    OtherVersion(u32),
    /// Why the driver was not loaded.
    #[serde(borrow)]
    NotLoaded(NotLoaded<'a>),
    /// What the function returned and gave.
    #[serde(borrow)]
    Reply(Reply<'a>),
    /// The driver lacks the function.
    Missing,
}

/// Why a driver was not loaded.
#[derive(Serialize, Deserialize)]
pub(crate) enum NotLoaded<'a> {
    /// What the system's loader says.
    Unloadable(#[serde(borrow)] Bytes<'a>),
    NoEntry,
    /// C_GetFunctionList returned this.
    Returned(crate::types::CK_RV),
    /// What is wrong with its list.
    Misbehaved(#[serde(borrow)] Bytes<'a>),
}

/// A message that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A message with its length before it. Wiped when it goes: a PIN may be in it.
pub(crate) fn encode(message: &impl Serialize, room: usize) -> Result<Zeroizing<Vec<u8>>, Malformed> {
    // Long enough that nothing moves, and leaves what it held behind.
    let mut frame = Vec::with_capacity(room);
    frame.extend_from_slice(&[0; 4]);
    let mut frame = Zeroizing::new(postcard::to_extend(message, frame).map_err(|_| Malformed)?);
    let length = frame.len() - 4;
    if length > LONGEST {
        return Err(Malformed);
    }
    let length = u32::try_from(length).map_err(|_| Malformed)?;
    if let Some(head) = frame.first_chunk_mut() {
        *head = length.to_le_bytes();
    }
    Ok(frame)
}

/// How long the message behind this head is.
pub(crate) fn length(head: [u8; 4]) -> Result<usize, Malformed> {
    let length = usize::try_from(u32::from_le_bytes(head)).map_err(|_| Malformed)?;
    if length <= LONGEST { Ok(length) } else { Err(Malformed) }
}

/// The message that these bytes are, all of them.
pub(crate) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Malformed> {
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::{Answer, Filled, Room, RoomFor, UNWRITTEN};
    use super::*;
    use crate::types::*;

    /// The same numbers in every run.
    fn noise(seed: &mut u64, length: usize) -> Vec<u8> {
        let mut byte = || {
            *seed ^= *seed << 13;
            *seed ^= *seed >> 7;
            *seed ^= *seed << 17;
            *seed as u8
        };
        (0..length).map(|_| byte()).collect()
    }

    fn pin() -> ToHost<'static> {
        let pin = Some(Bytes::from(&b"1234"[..]));
        ToHost::Call(Cow::Owned(Request::Login { session: 7, user: CKU_USER, pin }))
    }

    #[test]
    fn a_pin_is_read_where_it_was_received() {
        let frame = encode(&pin(), 64).unwrap();
        assert_eq!(length(*frame.first_chunk().unwrap()), Ok(frame.len() - 4));
        let message: ToHost<'_> = decode(&frame[4..]).unwrap();
        let ToHost::Call(request) = message else { panic!("another message") };
        let Request::Login { pin: Some(pin), session: 7, .. } = request.into_owned() else {
            panic!("another call")
        };
        assert!(matches!(pin.0, Cow::Borrowed(b"1234")));
        assert!(frame.as_ptr_range().contains(&pin.0.as_ptr()));
    }

    /// Whatever comes: a message or none, in bounded time and memory, and what is left over makes it none.
    #[test]
    fn noise_is_a_message_or_none() {
        let mut seed = 27;
        let (mut to_host, mut from_host) = (0, 0);
        for round in 0..200_000_usize {
            let mut bytes = noise(&mut seed, round % 64);
            // Most of the first bytes would end it at once.
            if let Some(first) = bytes.first_mut() {
                *first %= 5;
            }
            to_host += usize::from(decode::<ToHost<'_>>(&bytes).is_ok());
            from_host += usize::from(decode::<FromHost<'_>>(&bytes).is_ok());
        }
        assert!(to_host > 0 && from_host > 0, "{to_host} {from_host}");
    }

    /// Each byte of a message that is another: nothing but an answer that fits, or none.
    #[test]
    fn an_answer_with_a_wrong_byte_fits_or_is_none() {
        let rooms = vec![
            Room { kind: CKA_ID, what: RoomFor::Bytes(8) },
            Room { kind: CKA_CLASS, what: RoomFor::Number },
        ];
        let request = Request::GetAttributeValue { session: 1, object: 2, rooms: Cow::Owned(rooms) };
        let filled = |bytes: &'static [u8]| Filled { length: 2, bytes: bytes.into(), written: false };
        let answer = || Answer::Attributes(vec![filled(&[1, 2]), filled(&[3, 0])]);
        let frame = encode(&FromHost::Reply(Reply { rv: CKR_OK, answer: answer() }), 64).unwrap();
        for at in 4..frame.len() {
            for other in 0..=u8::MAX {
                let mut bytes = frame[4..].to_vec();
                bytes[at - 4] = other;
                let Ok(FromHost::Reply(reply)) = decode::<FromHost<'_>>(&bytes) else { continue };
                if reply.answer.fits(&request, reply.rv == CKR_OK) {
                    let Answer::Attributes(filled) = reply.owned(&request).answer else { panic!("it fits") };
                    assert_eq!(
                        filled.iter().map(|one| one.bytes.0.len()).collect::<Vec<_>>(),
                        [8, size_of::<CK_ULONG>()]
                    );
                }
            }
        }
        // What was not written is whole again.
        let whole = Reply { rv: CKR_OK, answer: answer() }.owned(&request);
        let Answer::Attributes(filled) = whole.answer else { panic!("the same") };
        assert_eq!(
            filled[0].bytes.0.as_ref(),
            [1, 2, UNWRITTEN, UNWRITTEN, UNWRITTEN, UNWRITTEN, UNWRITTEN, UNWRITTEN]
        );
    }
}
