//! The words for every number: names, sentences, what to do next.

use std::collections::BTreeMap;
use std::ffi::c_char;
use std::ptr;
use std::sync::Mutex;

use usbtoken::error::{Notice, Point, Step};
use usbtoken::text::Lang;

use crate::base::boundary;
use crate::base::lock::lock;
use crate::base::status::{USBTOKEN_OK, code, language};
use crate::base::text::Text;
use crate::values::hresult;

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
            let message = code.message(lang);
            select(part, code.name(), message.sentence, Some(message.next_action))?
        }
        USBTOKEN_TEXT_STEP => {
            let step = Step::ALL.iter().find(|step| i32::from(step.number()) == number)?;
            select(part, step.name(), step.sentence(lang), None)?
        }
        USBTOKEN_TEXT_NOTICE => {
            let notice = Notice::ALL.iter().find(|notice| i32::from(notice.number()) == number)?;
            let message = notice.message(lang);
            select(part, notice.name(), message.sentence, Some(message.next_action))?
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
