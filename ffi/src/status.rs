//! Numbers, and the sentences that go with them.
//!
//! The numbers themselves are those of `usbtoken::code`; the header's lists are generated from there.

use std::collections::BTreeMap;
use std::ffi::c_char;
use std::ptr;
use std::sync::Mutex;

use usbtoken::code::{Code, Notice, Point, Step};
use usbtoken::text::Lang;

use crate::boundary;
use crate::enroll::hresult;
use crate::handle::lock;
use crate::text::Text;

/// What a call returns: USBTOKEN_OK, or one of the codes below. The hundreds are the family: 1 the call itself,
/// 2 not found or not unique, 3 the PIN, 4 the token refused, 5 the CA's answer was refused, 6 the device is
/// gone, 7 internal, 8 a rule of renewal forbids it now.
pub type usbtoken_status = i32;

/// The call succeeded.
pub const USBTOKEN_OK: usbtoken_status = 0;

/// The language of the environment (LC_ALL, LC_MESSAGES, LANG): Japanese if that names it, else English.
pub const USBTOKEN_LANGUAGE_DEFAULT: u32 = 0;
/// Japanese.
pub const USBTOKEN_LANGUAGE_JA: u32 = 1;
/// English.
pub const USBTOKEN_LANGUAGE_EN: u32 = 2;

/// usbtoken_text: a usbtoken_status.
pub const USBTOKEN_TEXT_STATUS: u32 = 1;
/// usbtoken_text: a step of the job, USBTOKEN_STEP_….
pub const USBTOKEN_TEXT_STEP: u32 = 2;
/// usbtoken_text: a warning, USBTOKEN_NOTICE_….
pub const USBTOKEN_TEXT_NOTICE: u32 = 3;
/// usbtoken_text: a point of the preflight, USBTOKEN_POINT_….
pub const USBTOKEN_TEXT_POINT: u32 = 4;
/// usbtoken_text: a usbtoken_hresult of the enrolment facade.
pub const USBTOKEN_TEXT_HRESULT: u32 = 5;

/// usbtoken_text: the stable name, the same in every language.
pub const USBTOKEN_TEXT_NAME: u32 = 1;
/// usbtoken_text: one sentence.
pub const USBTOKEN_TEXT_SENTENCE: u32 = 2;
/// usbtoken_text: what the person should do next; statuses and warnings have it.
pub const USBTOKEN_TEXT_NEXT_ACTION: u32 = 3;

/// The words for a number: `kind` is USBTOKEN_TEXT_STATUS …, `part` is USBTOKEN_TEXT_NAME …, `language` is
/// USBTOKEN_LANGUAGE_…. NULL for what does not exist. The text lives as long as the library is loaded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_text(kind: u32, number: i32, part: u32, language: u32) -> *const c_char {
    boundary::plain(ptr::null(), || Some(words(kind, number, part, language)?.utf8()))
}

/// As usbtoken_text, in UTF-16.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_text_utf16(kind: u32, number: i32, part: u32, language: u32) -> *const u16 {
    boundary::plain(ptr::null(), || Some(words(kind, number, part, language)?.utf16()))
}

/// The language of that number.
pub(crate) fn language(number: u32) -> Option<Lang> {
    match number {
        USBTOKEN_LANGUAGE_DEFAULT => Some(Lang::from_env()),
        USBTOKEN_LANGUAGE_JA => Some(Lang::Ja),
        USBTOKEN_LANGUAGE_EN => Some(Lang::En),
        _ => None,
    }
}

/// The code of that number.
pub(crate) fn code(number: usbtoken_status) -> Option<Code> {
    Code::ALL.iter().copied().find(|code| i32::from(code.number()) == number)
}

/// Texts that were asked for, kept because C holds pointers into them.
static WORDS: Mutex<BTreeMap<Key, &'static Text>> = Mutex::new(BTreeMap::new());

/// Kind, number, part, and whether it is Japanese.
type Key = (u32, i32, u32, bool);

fn words(kind: u32, number: i32, part: u32, lang: u32) -> Option<&'static Text> {
    let lang = language(lang)?;
    let text = match kind {
        USBTOKEN_TEXT_STATUS if number == USBTOKEN_OK => (part == USBTOKEN_TEXT_NAME).then_some("ok")?,
        USBTOKEN_TEXT_STATUS => {
            let code = code(number)?;
            select(part, code.name(), code.sentence(lang), Some(code.next_action(lang)))?
        }
        USBTOKEN_TEXT_STEP => {
            let step = Step::ALL.iter().find(|step| i32::from(step.number()) == number)?;
            select(part, step.name(), step.sentence(lang), None)?
        }
        USBTOKEN_TEXT_NOTICE => {
            let notice = Notice::ALL.iter().find(|notice| i32::from(notice.number()) == number)?;
            select(part, notice.name(), notice.sentence(lang), Some(notice.next_action(lang)))?
        }
        USBTOKEN_TEXT_POINT => {
            let point = Point::ALL.iter().find(|point| i32::from(point.number()) == number)?;
            select(part, point.name(), point.sentence(lang), None)?
        }
        USBTOKEN_TEXT_HRESULT => {
            let row = hresult::row_of(number)?;
            select(part, row.name, row.sentence(lang), None)?
        }
        _ => return None,
    };
    let mut words = lock(&WORDS);
    let key = (kind, number, part, lang == Lang::Ja);
    Some(words.entry(key).or_insert_with(|| Box::leak(Box::new(Text::new(text)))))
}

fn select(
    part: u32,
    name: &'static str,
    sentence: &'static str,
    next: Option<&'static str>,
) -> Option<&'static str> {
    match part {
        USBTOKEN_TEXT_NAME => Some(name),
        USBTOKEN_TEXT_SENTENCE => Some(sentence),
        USBTOKEN_TEXT_NEXT_ACTION => next,
        _ => None,
    }
}
