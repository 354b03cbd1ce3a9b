//! What comes in from C: pointers with lengths, structs with sizes.

use std::ffi::c_char;
use std::mem::{MaybeUninit, size_of};
use std::time::{Duration, SystemTime};

use usbtoken::error::Fact;
use usbtoken::renewal::Clock;
use usbtoken::{Code, Error, Result};
use zeroize::Zeroizing;

/// Instead of a length: the text ends at its NUL.
pub(crate) const NUL_TERMINATED: usize = usize::MAX;

/// The longest text in code units that is taken: paths, URIs, names. What is longer is a mistake of the caller.
const TEXT_LIMIT: usize = 64 * 1024;

/// The longest PIN in bytes or code units.
pub(crate) const PIN_LIMIT: usize = 1024;

/// The error for an argument.
pub(crate) fn bad(name: &str, why: &str) -> Error {
    Error::new(Code::BadArgument).fact(Fact::Detail, name).fact(Fact::Reason, why)
}

/// An output that may not be NULL.
pub(crate) fn required<'a, T>(
    name: &str,
    out: Option<&'a mut MaybeUninit<T>>,
) -> Result<&'a mut MaybeUninit<T>> {
    out.ok_or_else(|| bad(name, "null"))
}

/// Bytes of the caller.
///
/// # Safety
/// `data` is NULL or readable for `length` bytes while `'a` lasts, which is the call.
pub(crate) unsafe fn bytes<'a>(name: &str, data: *const u8, length: usize, limit: usize) -> Result<&'a [u8]> {
    if length > limit {
        return Err(bad(name, "too_long"));
    }
    match (data.is_null(), length) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(bad(name, "null")),
        // SAFETY: not NULL, readable for `length` bytes by this function's contract, and within the limit.
        (false, _) => Ok(unsafe { std::slice::from_raw_parts(data, length) }),
    }
}

/// UTF-8 text of the caller, with its length or up to its NUL.
///
/// # Safety
/// `text` is NULL, or readable for `length` bytes or up to and with its NUL while `'a` lasts.
pub(crate) unsafe fn text<'a>(name: &str, text: *const c_char, length: usize) -> Result<&'a str> {
    // SAFETY: the same contract.
    let bytes = unsafe { units(name, text.cast::<u8>(), length, TEXT_LIMIT) }?;
    let text = std::str::from_utf8(bytes).map_err(|_| bad(name, "not_utf8"))?;
    if text.contains('\0') { Err(bad(name, "nul_inside")) } else { Ok(text) }
}

/// As [`text`], `None` for NULL.
///
/// # Safety
/// As [`text`].
pub(crate) unsafe fn optional_text<'a>(
    name: &str,
    pointer: *const c_char,
    length: usize,
) -> Result<Option<&'a str>> {
    if pointer.is_null() {
        return if matches!(length, 0 | NUL_TERMINATED) { Ok(None) } else { Err(bad(name, "null")) };
    }
    // SAFETY: the same contract.
    unsafe { text(name, pointer, length) }.map(Some)
}

/// UTF-16 text of the caller, with its length in code units or up to its NUL. Wiped when it goes: a PIN comes
/// this way too.
///
/// # Safety
/// `text` is NULL, or readable for `length` units or up to and with its NUL.
pub(crate) unsafe fn wide(name: &str, text: *const u16, length: usize) -> Result<Zeroizing<String>> {
    // SAFETY: the same contract.
    unsafe { wide_up_to(name, text, length, TEXT_LIMIT) }
}

/// As [`wide`], for texts as long as a CA's answer.
///
/// # Safety
/// As [`wide`].
pub(crate) unsafe fn wide_up_to(
    name: &str,
    text: *const u16,
    length: usize,
    limit: usize,
) -> Result<Zeroizing<String>> {
    // SAFETY: the same contract.
    from_wide(name, unsafe { units(name, text, length, limit) }?)
}

/// UTF-16 as UTF-8, wiped when it goes.
pub(crate) fn from_wide(name: &str, units: &[u16]) -> Result<Zeroizing<String>> {
    // Room for the longest outcome, so that no copy is left behind by growing.
    let mut utf8 = Zeroizing::new(String::with_capacity(units.len() * 3));
    for c in char::decode_utf16(units.iter().copied()) {
        match c {
            Ok('\0') => return Err(bad(name, "nul_inside")),
            Ok(c) => utf8.push(c),
            Err(_) => return Err(bad(name, "not_utf16")),
        }
    }
    Ok(utf8)
}

/// A PIN in UTF-8; `None` for NULL.
///
/// # Safety
/// As [`text`].
pub(crate) unsafe fn pin<'a>(text: *const c_char, length: usize) -> Result<Option<&'a [u8]>> {
    if text.is_null() {
        return if matches!(length, 0 | NUL_TERMINATED) { Ok(None) } else { Err(bad("pin", "null")) };
    }
    // SAFETY: the same contract.
    unsafe { units("pin", text.cast::<u8>(), length, PIN_LIMIT) }.map(Some)
}

/// A PIN in UTF-16, as [`pin`] takes one in UTF-8.
///
/// # Safety
/// As [`wide`].
pub(crate) unsafe fn wide_pin(text: *const u16, length: usize) -> Result<Option<Zeroizing<Vec<u8>>>> {
    if text.is_null() && matches!(length, 0 | NUL_TERMINATED) {
        return Ok(None);
    }
    // SAFETY: the same contract.
    let pin = unsafe { wide("pin", text, length) }?;
    Ok(Some(Zeroizing::new(pin.as_bytes().to_vec())))
}

/// # Safety
/// `data` is NULL, or readable for `length` units or up to and with a unit that is 0.
unsafe fn units<'a, U: Copy + Default + PartialEq>(
    name: &str,
    data: *const U,
    length: usize,
    limit: usize,
) -> Result<&'a [U]> {
    if data.is_null() {
        return if length == 0 { Ok(&[]) } else { Err(bad(name, "null")) };
    }
    if !data.is_aligned() {
        return Err(bad(name, "misaligned"));
    }
    let length = match length {
        // SAFETY: every unit up to the first 0 is readable, and the search stops there.
        NUL_TERMINATED => (0..=limit).find(|at| unsafe { *data.add(*at) } == U::default()),
        length => Some(length),
    };
    match length.filter(|length| *length <= limit) {
        // SAFETY: not NULL, aligned, readable for this many units by this function's contract.
        Some(length) => Ok(unsafe { std::slice::from_raw_parts(data, length) }),
        None => Err(bad(name, "too_long")),
    }
}

/// A struct that C fills in, which begins with its size as the caller's header knew it.
///
/// # Safety
/// `repr(C)`, its first field the `u32` size, and valid when all its bytes are 0.
pub(crate) unsafe trait Sized32: Copy {}

/// Reads such a struct. Fields that the caller's header did not have are 0; fields that this library does not
/// have must be 0, else the caller wants what we cannot do.
///
/// # Safety
/// `place` is NULL, or readable for as many bytes as its first four say.
pub(crate) unsafe fn sized<T: Sized32>(name: &str, place: *const T) -> Result<Option<T>> {
    if place.is_null() {
        return Ok(None);
    }
    if !place.is_aligned() {
        return Err(bad(name, "misaligned"));
    }
    // SAFETY: not NULL; the first field is readable by this function's contract.
    let size = usize::try_from(unsafe { place.cast::<u32>().read() }).unwrap_or(usize::MAX);
    if !(size_of::<u32>()..=4096).contains(&size) {
        return Err(bad(name, "struct_size_unset"));
    }
    // SAFETY: readable for `size` bytes by this function's contract.
    let given = unsafe { std::slice::from_raw_parts(place.cast::<u8>(), size) };
    let (known, more) = given.split_at(size.min(size_of::<T>()));
    if more.iter().any(|byte| *byte != 0) {
        return Err(bad(name, "unknown_fields"));
    }
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: `known` is at most as long as a T; the rest stays 0, for which T is valid.
    unsafe {
        std::ptr::copy_nonoverlapping(known.as_ptr(), value.as_mut_ptr().cast::<u8>(), known.len());
        Ok(Some(value.assume_init()))
    }
}

/// A time in seconds since 1970-01-01 00:00:00 UTC; 0 is now.
pub(crate) fn moment(seconds: i64) -> Result<SystemTime> {
    clock(seconds).map(Clock::now)
}

/// The clock that stands still at so many seconds since 1970-01-01 00:00:00 UTC; for 0 the computer's, which is read
/// when something is compared with it.
pub(crate) fn clock(seconds: i64) -> Result<Clock> {
    if seconds == 0 {
        return Ok(Clock::SYSTEM);
    }
    let span = Duration::from_secs(seconds.unsigned_abs());
    let time = if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(span)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(span)
    };
    // The year 9999 is the last that certificates and calendars know.
    time.filter(|_| (-62_135_596_800..=253_402_300_799).contains(&seconds))
        .map(Clock::from)
        .ok_or_else(|| bad("now", "out_of_range"))
}

/// Seconds since 1970-01-01 00:00:00 UTC.
pub(crate) fn seconds(time: SystemTime) -> Option<i64> {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).ok(),
        Err(before) => i64::try_from(before.duration().as_secs()).ok().map(|seconds| -seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Two {
        struct_size: u32,
        one: u32,
        two: u64,
    }
    // SAFETY: repr(C), begins with its size, integers only.
    unsafe impl Sized32 for Two {}

    #[test]
    fn an_older_and_a_newer_caller_are_understood() {
        let older = [8_u32, 5, 99, 99];
        // SAFETY: eight bytes are readable, as the first field says.
        let read =
            unsafe { sized("two", older.as_ptr().cast::<u64>().cast::<Two>().cast_mut().cast_const()) };
        // A u32 array may not be aligned for a u64; then it is refused, never read.
        if let Ok(read) = read {
            assert_eq!(read, Some(Two { struct_size: 8, one: 5, two: 0 }));
        }
        let newer = [Two { struct_size: 32, one: 5, two: 6 }, Two { struct_size: 0, one: 0, two: 0 }];
        // SAFETY: 32 bytes are readable.
        assert_eq!(unsafe { sized("two", newer.as_ptr()) }.unwrap().unwrap().two, 6);
        let wants_more = [newer[0], Two { struct_size: 0, one: 1, two: 0 }];
        // SAFETY: 32 bytes are readable.
        assert!(unsafe { sized("two", wants_more.as_ptr()) }.is_err());
        let unset = Two { struct_size: 0, one: 0, two: 0 };
        // SAFETY: readable.
        assert!(unsafe { sized("two", &raw const unset) }.is_err());
    }

    #[test]
    fn times_that_no_calendar_has_are_refused() {
        assert!(moment(i64::MAX).is_err());
        assert!(moment(i64::MIN).is_err());
        assert_eq!(seconds(moment(-5).unwrap()), Some(-5));
        assert_eq!(seconds(moment(1_800_000_000).unwrap()), Some(1_800_000_000));
    }

    #[test]
    fn utf16_is_read_strictly() {
        let good: Vec<u16> = "暗証番号".encode_utf16().chain([0]).collect();
        // SAFETY: NUL-terminated.
        assert_eq!(unsafe { wide("text", good.as_ptr(), NUL_TERMINATED) }.unwrap().as_str(), "暗証番号");
        let lone = [0xd800_u16];
        // SAFETY: one unit is readable.
        assert!(unsafe { wide("text", lone.as_ptr(), 1) }.is_err());
    }
}
