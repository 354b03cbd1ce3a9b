//! Lies: the driver is called, and its answer changed before the application sees it.

use crate::call::Call;
use crate::call::view::{View, attributes};
use crate::functions::Function;
use crate::host::memory::read;
use std::collections::BTreeSet;
use usbtoken_pkcs11::types::*;

/// A lie that some driver has been seen to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lie {
    /// C_GetAttributeValue claims more than it wrote, beyond the room it was given.
    Longer,
    /// C_GetAttributeValue claims a length that no memory has.
    Absurd,
    /// C_GetAttributeValue says that half the value is all.
    Truncated,
    /// C_GetAttributeValue says that it cannot give any of the values (PKCS#11 v3.1 §5.7.5).
    Unavailable,
    /// C_FindObjects gives handles of nothing.
    GarbageHandles,
    /// C_FindObjects claims more objects than it had room for.
    MoreHandles,
    /// C_FindObjects always has one more.
    EndlessSearch,
    /// C_GetAttributeValue gives nothing where it cannot give all.
    AllOrNothing,
    /// A private value is asked for: CKR_OK, with this length and no bytes.
    EmptyPrivateValue(CK_ULONG),
    /// CKA_EC_POINT without its OCTET STRING.
    EcRaw,
    /// CKA_EC_POINT as a BIT STRING.
    EcBitString,
    /// CKA_EC_POINT compressed.
    EcCompressed,
    /// CKA_EC_POINT in the hybrid form of X9.62, in its OCTET STRING.
    EcHybrid,
    /// CKA_EC_POINT as X and Y alone.
    EcCoordinates,
    /// C_GetAttributeValue leaves the length of the room where the value is shorter.
    LengthsStay,
    /// A certificate is filled up with zeros.
    CertificatePadded,
    /// C_Sign returns another signature than the key's.
    SignatureWrong,
    /// CKA_LOCAL, CKA_ALWAYS_SENSITIVE and CKA_NEVER_EXTRACTABLE are false on keys made since C_Initialize.
    FreshZero,
    /// The same, and CKA_SENSITIVE too.
    FreshAllZero,
    /// A wrong PIN is a general error.
    WrongPinGeneralError,
    /// C_GetTokenInfo sets these flags.
    TokenFlags(CK_FLAGS),
    /// C_GetTokenInfo says that no memory is left.
    MemoryFull,
    /// C_GetTokenInfo forgets that the token is initialised and has a PIN.
    NothingStated,
    /// C_GetTokenInfo states that PINs have 12 to 16 bytes.
    PinLengths,
    /// The texts of C_GetTokenInfo are filled up with NUL.
    TextsEndWithNul,
    /// The label in C_GetTokenInfo is Latin-1.
    LabelLatin1,
}

/// The memory of a token that does not tell: 64 KiB.
const SMALL: CK_ULONG = 64 * 1024;
/// The label of `LabelLatin1`.
const LATIN_1: &[u8] = b"B\xE4nk";
/// How many zeros stand behind a certificate.
const PADDING: CK_ULONG = 64;
/// What `Longer` adds.
const LONGER: CK_ULONG = 4096;
/// What `Absurd` claims: more than any allocation may have, and not CK_UNAVAILABLE_INFORMATION.
const ABSURD: CK_ULONG = CK_ULONG::MAX / 2 - 0xFF;

impl Lie {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "longer" => Self::Longer,
            "absurd" => Self::Absurd,
            "truncated" => Self::Truncated,
            "unavailable" => Self::Unavailable,
            "garbage-handles" => Self::GarbageHandles,
            "more-handles" => Self::MoreHandles,
            "endless-search" => Self::EndlessSearch,
            "all-or-nothing" => Self::AllOrNothing,
            "private-value-empty" => Self::EmptyPrivateValue(0),
            "private-value-unavailable" => Self::EmptyPrivateValue(CK_UNAVAILABLE_INFORMATION),
            "ec-raw" => Self::EcRaw,
            "ec-bit-string" => Self::EcBitString,
            "ec-compressed" => Self::EcCompressed,
            "ec-hybrid" => Self::EcHybrid,
            "ec-coordinates" => Self::EcCoordinates,
            "lengths-stay" => Self::LengthsStay,
            "certificate-padded" => Self::CertificatePadded,
            "signature-wrong" => Self::SignatureWrong,
            "fresh-zero" => Self::FreshZero,
            "fresh-all-zero" => Self::FreshAllZero,
            "wrong-pin-general-error" => Self::WrongPinGeneralError,
            "pin-pad" => Self::TokenFlags(CKF_PROTECTED_AUTHENTICATION_PATH),
            "count-low" => Self::TokenFlags(CKF_USER_PIN_COUNT_LOW),
            "final-try" => Self::TokenFlags(CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY),
            "locked" => Self::TokenFlags(CKF_USER_PIN_LOCKED),
            "to-be-changed" => Self::TokenFlags(CKF_USER_PIN_TO_BE_CHANGED),
            "write-protected" => Self::TokenFlags(CKF_WRITE_PROTECTED),
            "memory-full" => Self::MemoryFull,
            "nothing-stated" => Self::NothingStated,
            "pin-lengths" => Self::PinLengths,
            "texts-end-with-nul" => Self::TextsEndWithNul,
            "label-latin-1" => Self::LabelLatin1,
            _ => return None,
        })
    }

    /// Changes the answer of this call. `None`: there was nothing to lie about.
    pub(super) fn tell(self, call: &Call, rv: CK_RV, fresh: &Fresh) -> Option<CK_RV> {
        match (self, rv) {
            (Self::WrongPinGeneralError, CKR_PIN_INCORRECT) => Some(CKR_GENERAL_ERROR),
            (Self::Longer | Self::Absurd | Self::Truncated | Self::LengthsStay, rv) if in_part(rv) => {
                self.about_lengths(call, rv)
            }
            (Self::Unavailable, rv) if in_part(rv) => unavailable(call),
            (
                Self::EcRaw | Self::EcBitString | Self::EcCompressed | Self::EcHybrid | Self::EcCoordinates,
                rv,
            ) if in_part(rv) => self.about_points(call, rv),
            (Self::CertificatePadded, rv) if in_part(rv) => padded_certificate(call, rv),
            (Self::SignatureWrong, CKR_OK) => wrong_signature(call),
            (Self::AllOrNothing, CKR_ATTRIBUTE_TYPE_INVALID | CKR_ATTRIBUTE_SENSITIVE) => {
                let several = asked(call).count() > 1;
                asked(call).for_each(|(at, attribute)| set_length(at, attribute, CK_UNAVAILABLE_INFORMATION));
                several.then_some(rv)
            }
            (Self::EmptyPrivateValue(length), CKR_ATTRIBUTE_SENSITIVE) => empty_private_value(call, length),
            (Self::FreshZero, rv) if in_part(rv) => fresh.deny(call, rv, &ORIGIN),
            (Self::FreshAllZero, rv) if in_part(rv) => {
                fresh.deny(call, rv, &[&ORIGIN[..], &[CKA_SENSITIVE]].concat())
            }
            (Self::GarbageHandles | Self::MoreHandles | Self::EndlessSearch, CKR_OK) => {
                self.about_handles(call)
            }
            (
                Self::TokenFlags(_)
                | Self::MemoryFull
                | Self::NothingStated
                | Self::PinLengths
                | Self::TextsEndWithNul
                | Self::LabelLatin1,
                CKR_OK,
            ) => self.about_the_token(call),
            _ => None,
        }
    }

    fn about_lengths(self, call: &Call, rv: CK_RV) -> Option<CK_RV> {
        let mut lied = false;
        for ((at, attribute), room) in asked(call).zip(rooms(call)) {
            let (pointer, length) = (attribute.pValue, attribute.ulValueLen);
            if length == CK_UNAVAILABLE_INFORMATION {
                continue;
            }
            let claim = match self {
                // Beyond the room, or it would be no lie that hurts; the question for the length is answered truly.
                Self::Longer if !pointer.is_null() => length.saturating_add(LONGER),
                Self::Absurd => ABSURD,
                // A length that is asked for is true: else the driver would refuse the room that follows from it.
                Self::Truncated if !pointer.is_null() && length > 1 => length / 2,
                Self::LengthsStay if !pointer.is_null() && length < room => room,
                _ => continue,
            };
            set_length(at, attribute, claim);
            lied = true;
        }
        lied.then_some(rv)
    }

    fn about_points(self, call: &Call, rv: CK_RV) -> Option<CK_RV> {
        let mut told = None;
        for ((at, attribute), room) in asked(call).zip(rooms(call)) {
            if attribute.type_ != CKA_EC_POINT || attribute.ulValueLen == CK_UNAVAILABLE_INFORMATION {
                continue;
            }
            let (pointer, length) = (attribute.pValue.cast::<u8>(), attribute.ulValueLen);
            let (claim, answer) = if pointer.is_null() {
                // The length of a point that is not seen: that of the curves in use, less than 128 bytes.
                let claim = match self {
                    Self::EcRaw => length.saturating_sub(2),
                    Self::EcCoordinates => length.saturating_sub(3),
                    Self::EcHybrid => length,
                    Self::EcCompressed => length.saturating_sub(3) / 2 + 3,
                    _ => length.saturating_add(1),
                };
                (claim, rv)
            } else {
                // SAFETY: the driver has written `length` bytes there.
                let octets = unsafe { std::slice::from_raw_parts(pointer, length as usize) };
                let Some(point) = contents(octets) else { continue };
                let lie = match self {
                    Self::EcRaw => point.to_vec(),
                    Self::EcCompressed => compressed(point),
                    Self::EcCoordinates => point.get(1..).unwrap_or_default().to_vec(),
                    Self::EcHybrid => hybrid(point),
                    _ => bit_string(point),
                };
                if lie.len() as CK_ULONG > room {
                    (CK_UNAVAILABLE_INFORMATION, CKR_BUFFER_TOO_SMALL)
                } else {
                    // SAFETY: within the caller's room; `lie` is memory of our own.
                    unsafe { std::ptr::copy_nonoverlapping(lie.as_ptr(), pointer, lie.len()) };
                    (lie.len() as CK_ULONG, rv)
                }
            };
            set_length(at, attribute, claim);
            told = Some(if told == Some(CKR_BUFFER_TOO_SMALL) { CKR_BUFFER_TOO_SMALL } else { answer });
        }
        told
    }

    fn about_handles(self, call: &Call) -> Option<CK_RV> {
        let (handles, room, count) = call.args.iter().find_map(|(_, view)| match *view {
            View::Found(handles, room, count) => Some((handles, room, count)),
            _ => None,
        })?;
        let found = read(count)?.min(room);
        if handles.is_null() || room == 0 {
            return None;
        }
        if self == Self::MoreHandles {
            // SAFETY: read from before.
            unsafe { count.write_unaligned(room.saturating_add(LONGER)) };
            return Some(CKR_OK);
        }
        if self == Self::EndlessSearch {
            if found == 0 {
                // SAFETY: the caller has room for one handle at least.
                unsafe { handles.write_unaligned(1) };
                // SAFETY: read from before.
                unsafe { count.write_unaligned(1) };
            }
            return (found == 0).then_some(CKR_OK);
        }
        for i in 0..found as usize {
            // SAFETY: within what the driver has written.
            unsafe {
                let at = handles.add(i);
                at.write_unaligned(at.read_unaligned() ^ 0x5A5A_5A00);
            }
        }
        (found > 0).then_some(CKR_OK)
    }

    fn about_the_token(self, call: &Call) -> Option<CK_RV> {
        let pointer = call.args.iter().find_map(|(_, view)| match *view {
            View::TokenInfo(pointer) => Some(pointer),
            _ => None,
        })?;
        let mut info = read(pointer)?;
        match self {
            Self::TokenFlags(flags) => info.flags |= flags,
            Self::NothingStated => info.flags &= !(CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED),
            Self::PinLengths => (info.ulMinPinLen, info.ulMaxPinLen) = (12, 16),
            Self::TextsEndWithNul => {
                let texts: [&mut [u8]; 4] =
                    [&mut info.label, &mut info.manufacturerID, &mut info.model, &mut info.serialNumber];
                texts.into_iter().for_each(end_with_nul);
            }
            Self::LabelLatin1 => {
                let label = LATIN_1.iter().chain(std::iter::repeat(&b' '));
                info.label.iter_mut().zip(label).for_each(|(byte, letter)| *byte = *letter);
            }
            // A driver that does not know how much there is would not be believed.
            _ => {
                let known = |total| if total == CK_UNAVAILABLE_INFORMATION { SMALL } else { total };
                info.ulTotalPublicMemory = known(info.ulTotalPublicMemory);
                info.ulTotalPrivateMemory = known(info.ulTotalPrivateMemory);
                (info.ulFreePublicMemory, info.ulFreePrivateMemory) = (0, 0);
            }
        }
        // SAFETY: read from before.
        unsafe { pointer.write_unaligned(info) };
        Some(CKR_OK)
    }
}

/// What a key was made as.
const ORIGIN: [CK_ATTRIBUTE_TYPE; 3] = [CKA_LOCAL, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE];

fn unavailable(call: &Call) -> Option<CK_RV> {
    let mut lied = false;
    for (at, attribute) in asked(call) {
        set_length(at, attribute, CK_UNAVAILABLE_INFORMATION);
        lied = true;
    }
    lied.then_some(CKR_ATTRIBUTE_TYPE_INVALID)
}

/// The private keys that were made since C_Initialize.
#[derive(Debug, Default)]
pub(super) struct Fresh(BTreeSet<CK_OBJECT_HANDLE>);

impl Fresh {
    pub(super) fn note(&mut self, call: &Call, rv: CK_RV) {
        match (call.function, call.args.last()) {
            (Function::C_GenerateKeyPair, Some((_, View::NewObject(private)))) if rv == CKR_OK => {
                self.0.extend(read(*private));
            }
            (Function::C_Initialize | Function::C_Finalize, _) => self.0.clear(),
            _ => {}
        }
    }

    fn deny(&self, call: &Call, rv: CK_RV, denied: &[CK_ATTRIBUTE_TYPE]) -> Option<CK_RV> {
        call.args.iter().find(|(_, view)| matches!(view, View::Object(key) if self.0.contains(key)))?;
        let mut lied = false;
        for (_, attribute) in asked(call) {
            let (kind, pointer, length) =
                (attribute.type_, attribute.pValue.cast::<u8>(), attribute.ulValueLen);
            if denied.contains(&kind) && length == 1 && !pointer.is_null() {
                // SAFETY: the driver has written one byte there.
                unsafe { pointer.write(0) };
                lied = true;
            }
        }
        lied.then_some(rv)
    }
}

/// Takes the token out of the slot's description.
pub(super) fn empty_slot(call: &Call) {
    for (_, view) in call.args {
        if let View::SlotInfo(pointer) = *view
            && let Some(mut info) = read(pointer)
        {
            info.flags &= !CKF_TOKEN_PRESENT;
            // SAFETY: read from before.
            unsafe { pointer.write_unaligned(info) };
        }
    }
}

/// Gives the attributes of a lost answer the lengths that they had.
pub(super) fn restore_lengths(call: &Call) {
    for ((at, attribute), length) in asked(call).zip(rooms(call)) {
        set_length(at, attribute, length);
    }
}

/// Whether the values that were asked for are there, or those of them that the object has and shows (PKCS#11 v3.1
/// §5.7.5).
const fn in_part(rv: CK_RV) -> bool {
    matches!(rv, CKR_OK | CKR_ATTRIBUTE_TYPE_INVALID | CKR_ATTRIBUTE_SENSITIVE)
}

/// Takes the refusal of a private value back.
fn empty_private_value(call: &Call, length: CK_ULONG) -> Option<CK_RV> {
    let mut refused = asked(call).filter(|(_, attribute)| {
        matches!(attribute.type_, CKA_VALUE | CKA_PRIVATE_EXPONENT)
            && attribute.ulValueLen == CK_UNAVAILABLE_INFORMATION
    });
    let (at, attribute) = refused.next()?;
    set_length(at, attribute, length);
    Some(CKR_OK)
}

/// The attributes that the call asks for, as they are by now.
fn asked(call: &Call) -> impl Iterator<Item = (CK_ATTRIBUTE_PTR, CK_ATTRIBUTE)> {
    call.args
        .iter()
        .filter_map(|(_, view)| match *view {
            View::Answer(pointer, count) => Some(attributes(pointer, count)),
            _ => None,
        })
        .flatten()
}

/// The lengths that the caller gave for them.
fn rooms(call: &Call) -> impl Iterator<Item = CK_ULONG> {
    call.before.asked().iter().map(|asked| asked.room)
}

fn set_length(at: CK_ATTRIBUTE_PTR, attribute: CK_ATTRIBUTE, length: CK_ULONG) {
    // SAFETY: the caller's attribute, read from before.
    unsafe { at.write_unaligned(CK_ATTRIBUTE { ulValueLen: length, ..attribute }) };
}

/// Changes a byte of a signature that came.
fn wrong_signature(call: &Call) -> Option<CK_RV> {
    let (Function::C_Sign, Some((_, View::Output(signature, count)))) = (call.function, call.args.last())
    else {
        return None;
    };
    if signature.is_null() || read(*count)? == 0 {
        return None;
    }
    // SAFETY: the driver has written at least one byte there.
    unsafe { signature.write(signature.read() ^ 1) };
    Some(CKR_OK)
}

/// Fills up a certificate where there is room.
fn padded_certificate(call: &Call, rv: CK_RV) -> Option<CK_RV> {
    let mut lied = None;
    for ((at, attribute), room) in asked(call).zip(rooms(call)) {
        let (pointer, length) = (attribute.pValue.cast::<u8>(), attribute.ulValueLen);
        if attribute.type_ != CKA_VALUE || length == CK_UNAVAILABLE_INFORMATION || pointer.is_null() {
            continue;
        }
        // SAFETY: the driver has written `length` bytes there.
        let written = unsafe { std::slice::from_raw_parts(pointer, length as usize) };
        if !written.starts_with(&[0x30, 0x82]) || room < length + PADDING {
            continue;
        }
        // SAFETY: within the caller's room, behind what the driver has written.
        unsafe { std::ptr::write_bytes(pointer.add(length as usize), 0, PADDING as usize) };
        set_length(at, attribute, length + PADDING);
        lied = Some(rv);
    }
    lied
}

fn end_with_nul(text: &mut [u8]) {
    text.iter_mut().rev().take_while(|byte| **byte == b' ').for_each(|byte| *byte = 0);
}

/// An uncompressed point in the hybrid form (06 or 07 by the last bit of Y), in its OCTET STRING.
fn hybrid(point: &[u8]) -> Vec<u8> {
    let parity = point.last().map_or(0, |last| last & 1);
    let header = [0x04, point.len() as u8, 6 + parity];
    header.into_iter().chain(point.iter().skip(1).copied()).collect()
}

/// An uncompressed point with one coordinate (SEC 1 §2.3.3), in its OCTET STRING.
fn compressed(point: &[u8]) -> Vec<u8> {
    let half = point.len() / 2;
    let parity = point.last().map_or(0, |last| last & 1);
    let header = [0x04, half as u8 + 1, 2 + parity];
    header.into_iter().chain(point.iter().skip(1).take(half).copied()).collect()
}

/// The contents of an OCTET STRING shorter than 256 bytes.
fn contents(der: &[u8]) -> Option<&[u8]> {
    match der {
        [0x04, 0x81, length, rest @ ..] | [0x04, length @ 0..=0x7F, rest @ ..] => {
            (usize::from(*length) == rest.len()).then_some(rest)
        }
        _ => None,
    }
}

/// A BIT STRING of whole bytes; `point` is shorter than 255 bytes.
fn bit_string(point: &[u8]) -> Vec<u8> {
    let length = point.len() as u8 + 1;
    let header: &[u8] = if length < 0x80 { &[0x03, length, 0] } else { &[0x03, 0x81, length, 0] };
    [header, point].concat()
}
