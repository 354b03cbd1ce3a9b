//! What went wrong, in detail: the facts, and the sentences for people.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::ptr;

use usbtoken::{Code, Error};

use crate::base::args;
use crate::base::boundary;
use crate::base::details::Details;
use crate::base::handle::{self, Noun};
use crate::base::status::{UNKNOWN, language, usbtoken_status};
use crate::base::text::Text;

/// The details of a call that failed. It stays as it is, whatever becomes of the handle it was taken from.
pub struct usbtoken_error(());

/// usbtoken_error_number: the usbtoken_status.
pub const USBTOKEN_ERROR_CODE: u32 = 1;
/// usbtoken_error_number: the step, USBTOKEN_STEP_…; USBTOKEN_UNKNOWN when none is known.
pub const USBTOKEN_ERROR_STEP: u32 = 2;
/// usbtoken_error_number: the CK_RV that the PKCS#11 function returned; USBTOKEN_UNKNOWN when none failed.
pub const USBTOKEN_ERROR_RETURN_VALUE: u32 = 3;
/// usbtoken_error_number: how many facts there are.
pub const USBTOKEN_ERROR_FACT_COUNT: u32 = 4;

impl Noun for Details {
    type Opaque = usbtoken_error;
}

/// The error of the last call that failed, among those whose first argument was this handle, of whatever type.
/// Writes NULL when none did. Calls that succeed leave it as it is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_last_error(
    handle: *const c_void,
    out: Option<&mut MaybeUninit<*mut usbtoken_error>>,
) -> usbtoken_status {
    boundary::free_standing(|| {
        let out = args::required("out", out)?;
        let details = handle::last_error_of(handle).ok_or_else(|| Error::new(Code::BadHandle))?;
        out.write(details.map_or(Ok(ptr::null_mut()), handle::give)?);
        Ok(())
    })
}

/// A number of the error: `field` is USBTOKEN_ERROR_CODE, USBTOKEN_ERROR_STEP ….
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_error_number(error: *const usbtoken_error, field: u32) -> i64 {
    boundary::read::<Details, _>(error, UNKNOWN, |details| {
        let error = details.error();
        match field {
            USBTOKEN_ERROR_CODE => Some(error.code().number().into()),
            USBTOKEN_ERROR_STEP => error.step().map(|step| step.number().into()),
            USBTOKEN_ERROR_RETURN_VALUE => i64::try_from(error.pkcs11_call()?.rv).ok(),
            USBTOKEN_ERROR_FACT_COUNT => i64::try_from(error.facts().count()).ok(),
            _ => None,
        }
    })
}

/// A text of the error: `field` is USBTOKEN_ERROR_SENTENCE …, `language` is USBTOKEN_LANGUAGE_….
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_error_text(
    error: *const usbtoken_error,
    field: u32,
    language_number: u32,
) -> *const c_char {
    boundary::read::<Details, _>(error, ptr::null(), |details| {
        Some(details.texts(language(language_number)?).utf8(field))
    })
}

/// As usbtoken_error_text, in UTF-16.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_error_text_utf16(
    error: *const usbtoken_error,
    field: u32,
    language_number: u32,
) -> *const u16 {
    boundary::read::<Details, _>(error, ptr::null(), |details| {
        Some(details.texts(language(language_number)?).utf16(field))
    })
}

/// What a fact of the error means, USBTOKEN_FACT_…; 0 after the last. A kind may stand several times, as
/// candidates do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_error_fact_kind(error: *const usbtoken_error, index: usize) -> u32 {
    boundary::read::<Details, _>(error, 0, |details| {
        details.error().facts().nth(index).map(|(fact, _)| fact.number().into())
    })
}

/// The value of a fact of the error: a path, a token, a date; NULL after the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_error_fact(error: *const usbtoken_error, index: usize) -> *const c_char {
    boundary::read::<Details, _>(error, ptr::null(), |details| details.fact(index).map(Text::utf8))
}

/// As usbtoken_error_fact, in UTF-16.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_error_fact_utf16(error: *const usbtoken_error, index: usize) -> *const u16 {
    boundary::read::<Details, _>(error, ptr::null(), |details| details.fact(index).map(Text::utf16))
}

/// Ends the handle and sets the pointer to NULL. Accepts NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_error_free(error: Option<&mut *mut usbtoken_error>) {
    boundary::free::<Details>(error);
}
