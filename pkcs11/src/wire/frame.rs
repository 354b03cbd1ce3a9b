//! Messages as bytes: a length of four bytes, least significant first, and the message in postcard's form.

use super::Bytes;
use super::message::{Reply, Request};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use zeroize::Zeroizing;

/// The longest message. A call has room for less ([`MOST_ROOM`](super::message::MOST_ROOM)).
pub(crate) const LONGEST: usize = 1 << 23;

/// The version of these messages. Host and program come from one installation, and tell when they do not.
pub(crate) const VERSION: u32 = 5;

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
    /// Before the greeting: reach nothing from now on but the system, and these files and folders.
    Confine { reads: Vec<Bytes<'a>>, writes: Vec<Bytes<'a>> },
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
    /// The system gives no thread.
    Exhausted,
    /// Why the driver would reach more.
    NotConfined(#[serde(borrow)] Bytes<'a>),
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
                *first %= 7;
            }
            to_host += usize::from(decode::<ToHost<'_>>(&bytes).is_ok());
            from_host += usize::from(decode::<FromHost<'_>>(&bytes).is_ok());
        }
        assert!(to_host > 0 && from_host > 0, "{to_host} {from_host}");
    }

    /// Of several objects: what is odd is the last, and there are no more than were asked for.
    #[test]
    fn an_answer_for_several_ends_with_what_is_odd() {
        let rooms = vec![
            Room { kind: CKA_ID, what: RoomFor::Bytes(8) },
            Room { kind: CKA_CLASS, what: RoomFor::Number },
        ];
        let request = |objects: usize| Request::GetAttributeValues {
            session: 1,
            objects: vec![2; objects].into(),
            rooms: Cow::Borrowed(&rooms),
        };
        let filled = |length| Filled { length, bytes: vec![1, 2].into(), written: false };
        let plain = || vec![filled(2), filled(2)];
        let full = || vec![filled(8), filled(2)];
        let fits = |several: Vec<Vec<Filled<'static>>>, objects| {
            let reply = Reply { rv: CKR_OK, answer: Answer::Several(several) };
            let frame = encode(&FromHost::Reply(reply), 64).unwrap();
            let Ok(FromHost::Reply(reply)) = decode::<FromHost<'_>>(&frame[4..]) else { panic!("a reply") };
            reply.answer.fits(&request(objects), true)
        };
        assert!(fits(vec![plain(), plain()], 2) && fits(vec![plain()], 2) && fits(vec![plain(), full()], 3));
        assert!(!fits(vec![], 2), "none at all");
        assert!(!fits(vec![plain(), plain()], 1), "more than were asked for");
        assert!(!fits(vec![full(), plain()], 2), "what follows something odd");
        assert!(!fits(vec![plain(), vec![filled(2)]], 2), "fewer attributes");
        let too_many = Answer::Several(vec![vec![
            Filled { length: 2, bytes: vec![0; 9].into(), written: false },
            filled(2),
        ]]);
        assert!(!too_many.fits(&request(1), true), "more than there was room for");
        assert!(request(256).is_bounded() && !request(257).is_bounded() && !request(0).is_bounded());
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
                    let rooms = [8, size_of::<CK_ULONG>()];
                    let told = filled.iter().map(|one| usize::try_from(one.length).unwrap_or(usize::MAX));
                    let expected: Vec<usize> = told.zip(rooms).map(|(told, room)| told.min(room)).collect();
                    assert_eq!(filled.iter().map(|one| one.bytes.0.len()).collect::<Vec<_>>(), expected);
                }
            }
        }
        // What was not written comes back, as far as the driver says that it is a value; what is behind that does not.
        let wide = vec![1, 2, UNWRITTEN, 3, UNWRITTEN, UNWRITTEN, UNWRITTEN, UNWRITTEN];
        for (length, sent, whole) in [(8, 4, 8), (3, 2, 3), (1, 1, 1), (CK_UNAVAILABLE_INFORMATION, 4, 8)] {
            let filled = |bytes: &[u8]| Filled { length, bytes: bytes.to_vec().into(), written: false };
            let answer = Answer::Attributes(vec![filled(&wide), filled(&[])]);
            let trimmed = Reply { rv: CKR_OK, answer }.trimmed();
            let Answer::Attributes(attributes) = &trimmed.answer else { panic!("the same") };
            assert_eq!(attributes[0].bytes.0.as_ref(), &wide[..sent], "{length}");
            let Answer::Attributes(attributes) = trimmed.owned(&request).answer else { panic!("the same") };
            assert_eq!(attributes[0].bytes.0.as_ref(), &wide[..whole], "{length}");
        }
    }
}
