//! What went wrong, in detail: the facts, and the sentences for people.

use std::error::Error as _;
use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::{Arc, OnceLock};

use usbtoken::Error;
use usbtoken::error::Code;
use usbtoken::text::Lang;

use crate::args;
use crate::boundary;
use crate::handle::{self, Noun};
use crate::status::{language, usbtoken_status};
use crate::text::{Text, Texts};

/// The details of a call that failed. It stays as it is, whatever becomes of the handle it was taken from.
pub struct usbtoken_error(());

/// usbtoken_error_text: what went wrong, as one sentence.
pub const USBTOKEN_ERROR_SENTENCE: u32 = 1;
/// usbtoken_error_text: what the person should do next.
pub const USBTOKEN_ERROR_NEXT_ACTION: u32 = 2;
/// usbtoken_error_text: all of it, in several lines.
pub const USBTOKEN_ERROR_REPORT: u32 = 3;
/// usbtoken_error_text: all of it on one line.
pub const USBTOKEN_ERROR_ONE_LINE: u32 = 4;
/// usbtoken_error_text: what support wants to know, the same in every language.
pub const USBTOKEN_ERROR_SUPPORT: u32 = 5;
/// usbtoken_error_text: the name of the code, such as "pin_locked".
pub const USBTOKEN_ERROR_CODE_NAME: u32 = 6;
/// usbtoken_error_text: the name of the step, such as "log_in"; NULL when none is known.
pub const USBTOKEN_ERROR_STEP_NAME: u32 = 7;
/// usbtoken_error_text: the PKCS#11 function that failed, such as "C_Login"; NULL when none did.
pub const USBTOKEN_ERROR_FUNCTION: u32 = 8;
/// usbtoken_error_text: the name of what it returned, such as "CKR_PIN_LOCKED"; NULL when none failed.
pub const USBTOKEN_ERROR_RETURN_VALUE_NAME: u32 = 9;
/// usbtoken_error_text: what the library beneath said; NULL when nothing.
pub const USBTOKEN_ERROR_CAUSE: u32 = 10;

/// usbtoken_error_number: the usbtoken_status.
pub const USBTOKEN_ERROR_CODE: u32 = 1;
/// usbtoken_error_number: the step, USBTOKEN_STEP_…; USBTOKEN_UNKNOWN when none is known.
pub const USBTOKEN_ERROR_STEP: u32 = 2;
/// usbtoken_error_number: the CK_RV that the PKCS#11 function returned; USBTOKEN_UNKNOWN when none failed.
pub const USBTOKEN_ERROR_RETURN_VALUE: u32 = 3;
/// usbtoken_error_number: how many facts there are.
pub const USBTOKEN_ERROR_FACT_COUNT: u32 = 4;

/// A number that is not known, or that does not exist.
pub(crate) const UNKNOWN: i64 = i64::MIN;

/// An error with its texts, made when somebody asks.
#[derive(Clone)]
pub(crate) struct Details(Arc<Inner>);

struct Inner {
    error: Error,
    japanese: OnceLock<Texts>,
    english: OnceLock<Texts>,
    facts: OnceLock<Vec<Text>>,
}

impl Noun for Details {
    type Opaque = usbtoken_error;
}

impl Details {
    pub(crate) fn new(error: Error) -> Self {
        Details(Arc::new(Inner {
            error,
            japanese: OnceLock::new(),
            english: OnceLock::new(),
            facts: OnceLock::new(),
        }))
    }

    pub(crate) fn error(&self) -> &Error {
        &self.0.error
    }

    fn texts(&self, lang: Lang) -> &Texts {
        let place = if lang == Lang::Ja { &self.0.japanese } else { &self.0.english };
        place.get_or_init(|| {
            let error = self.error();
            let report = error.report(lang);
            let call = error.pkcs11_call();
            Texts::default()
                .with(USBTOKEN_ERROR_SENTENCE, report.sentence())
                .with(USBTOKEN_ERROR_NEXT_ACTION, report.next_action())
                .with(USBTOKEN_ERROR_REPORT, report.to_string())
                .with(USBTOKEN_ERROR_ONE_LINE, report.one_line())
                .with(USBTOKEN_ERROR_SUPPORT, report.support())
                .with(USBTOKEN_ERROR_CODE_NAME, error.code().name())
                .with_some(USBTOKEN_ERROR_STEP_NAME, error.step().map(|step| step.name()))
                .with_some(USBTOKEN_ERROR_FUNCTION, call.map(|call| call.function))
                .with_some(USBTOKEN_ERROR_RETURN_VALUE_NAME, call.map(|call| call.name))
                .with_some(USBTOKEN_ERROR_CAUSE, error.source().map(ToString::to_string))
        })
    }

    fn fact(&self, index: usize) -> Option<&Text> {
        let all = || self.error().facts().map(|(_, value)| Text::new(value)).collect();
        self.0.facts.get_or_init(all).get(index)
    }
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
