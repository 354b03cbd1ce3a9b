//! An error with its texts.

use std::error::Error as _;
use std::sync::{Arc, OnceLock};

use usbtoken::Error;
use usbtoken::bank::Bank;
use usbtoken::text::Lang;

use crate::base::text::{Text, Texts};

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

/// An error with its texts, made when somebody asks.
#[derive(Clone)]
pub(crate) struct Details(Arc<Inner>);

struct Inner {
    error: Error,
    bank: Option<Arc<Bank>>,
    japanese: OnceLock<Texts>,
    english: OnceLock<Texts>,
    facts: OnceLock<Vec<Text>>,
}

impl Details {
    pub(crate) fn new(error: Error) -> Self {
        Details::of_bank(error, None)
    }

    /// The error in the words of this bank.
    pub(crate) fn of_bank(error: Error, bank: Option<Arc<Bank>>) -> Self {
        Details(Arc::new(Inner {
            error,
            bank,
            japanese: OnceLock::new(),
            english: OnceLock::new(),
            facts: OnceLock::new(),
        }))
    }

    pub(crate) fn error(&self) -> &Error {
        &self.0.error
    }

    pub(crate) fn texts(&self, lang: Lang) -> &Texts {
        let place = if lang == Lang::Ja { &self.0.japanese } else { &self.0.english };
        place.get_or_init(|| {
            let error = self.error();
            let report = match &self.0.bank {
                Some(bank) => bank.report(error, lang),
                None => error.report(lang),
            };
            let call = error.pkcs11_call();
            Texts::default()
                .with(USBTOKEN_ERROR_SENTENCE, report.sentence.as_str())
                .with(USBTOKEN_ERROR_NEXT_ACTION, report.next_action.as_str())
                .with(USBTOKEN_ERROR_REPORT, report.to_string())
                .with(USBTOKEN_ERROR_ONE_LINE, report.one_line())
                .with(USBTOKEN_ERROR_SUPPORT, report.support.as_str())
                .with(USBTOKEN_ERROR_CODE_NAME, error.code().name())
                .with_some(USBTOKEN_ERROR_STEP_NAME, error.step().map(|step| step.name()))
                .with_some(USBTOKEN_ERROR_FUNCTION, call.map(|call| call.function))
                .with_some(USBTOKEN_ERROR_RETURN_VALUE_NAME, call.map(|call| call.name))
                .with_some(USBTOKEN_ERROR_CAUSE, error.source().map(ToString::to_string))
        })
    }

    pub(crate) fn fact(&self, index: usize) -> Option<&Text> {
        let all = || self.error().facts().map(|(_, value)| Text::new(value)).collect();
        self.0.facts.get_or_init(all).get(index)
    }
}
