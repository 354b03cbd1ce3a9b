//! What is wrong on this computer: one page for a support desk, and the problems one by one.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;

use usbtoken::doctor::{self, Diagnosis, Problem, ProblemKind, Severity};
use usbtoken::error::Step;
use usbtoken::renewal::Progress;
use usbtoken::text::Lang;

use crate::base::args;
use crate::base::boundary;
use crate::base::callbacks::Host;
use crate::base::handle::Noun;
use crate::base::status::{UNKNOWN, language, usbtoken_status};
use crate::base::text::Texts;
use crate::find::context::{Context, usbtoken_context};
use crate::find::device::{DeviceList, usbtoken_devices};

/// What was seen on this computer, and what is wrong with it.
pub struct usbtoken_diagnosis(());

/// usbtoken_diagnosis_text: a page to read, the problems first.
pub const USBTOKEN_DIAGNOSIS_PAGE: u32 = 1;
/// usbtoken_diagnosis_text: the same as JSON.
pub const USBTOKEN_DIAGNOSIS_JSON: u32 = 2;
/// usbtoken_diagnosis_text: everything in one text for a support desk: the page in both languages, and the JSON.
/// Names and serial numbers of tokens and certificates are in it, and paths of this computer; nothing secret is.
pub const USBTOKEN_DIAGNOSIS_BUNDLE: u32 = 3;

/// usbtoken_diagnosis_problem_number: how much it weighs, USBTOKEN_WEIGHT_….
pub const USBTOKEN_PROBLEM_WEIGHT: u32 = 1;
/// usbtoken_diagnosis_problem_number: the usbtoken_status; USBTOKEN_UNKNOWN for a warning.
pub const USBTOKEN_PROBLEM_STATUS: u32 = 2;
/// usbtoken_diagnosis_problem_number: the warning, USBTOKEN_NOTICE_…; USBTOKEN_UNKNOWN for an error.
pub const USBTOKEN_PROBLEM_NOTICE: u32 = 3;

/// usbtoken_diagnosis_problem_text: the stable name, such as "driver_missing".
pub const USBTOKEN_PROBLEM_NAME: u32 = 1;
/// usbtoken_diagnosis_problem_text: what is wrong, as one sentence.
pub const USBTOKEN_PROBLEM_SENTENCE: u32 = 2;
/// usbtoken_diagnosis_problem_text: what the person should do next.
pub const USBTOKEN_PROBLEM_NEXT_ACTION: u32 = 3;
/// usbtoken_diagnosis_problem_text: what goes with it: devices, drivers, tokens; one a line.
pub const USBTOKEN_PROBLEM_FACTS: u32 = 4;

/// A problem's severity: nothing works before it is solved.
pub const USBTOKEN_WEIGHT_BLOCKS: u32 = 1;
/// A problem's severity: it may be what is searched for.
pub const USBTOKEN_WEIGHT_WARNS: u32 = 2;
/// A problem's severity: good to know.
pub const USBTOKEN_WEIGHT_REMARKS: u32 = 3;

/// A diagnosis with its texts, made when somebody asks.
pub(crate) struct Doctor {
    diagnosis: Diagnosis,
    japanese: OnceLock<Words>,
    english: OnceLock<Words>,
    host: Host,
}

/// All texts in one language.
struct Words {
    whole: Texts,
    problems: Vec<Texts>,
}

impl Noun for Doctor {
    type Opaque = usbtoken_diagnosis;

    fn host(&self) -> Option<&Host> {
        Some(&self.host)
    }
}

impl Doctor {
    fn words(&self, lang: Lang) -> &Words {
        let place = if lang == Lang::Ja { &self.japanese } else { &self.english };
        place.get_or_init(|| Words {
            whole: Texts::default()
                .with(USBTOKEN_DIAGNOSIS_PAGE, self.diagnosis.page(lang))
                .with(USBTOKEN_DIAGNOSIS_JSON, self.diagnosis.to_json(lang).to_string())
                .with(USBTOKEN_DIAGNOSIS_BUNDLE, self.diagnosis.bundle(lang)),
            problems: self.diagnosis.problems.iter().map(|problem| texts(problem, lang)).collect(),
        })
    }

    fn problem_texts(&self, index: usize, language_number: u32) -> Option<&Texts> {
        self.words(language(language_number)?).problems.get(index)
    }
}

fn texts(problem: &Problem, lang: Lang) -> Texts {
    let kind = &problem.kind;
    let message = kind.message(lang);
    let facts = kind.facts().into_iter().map(|(fact, value)| format!("{}: {value}", fact.label(lang)));
    Texts::default()
        .with(USBTOKEN_PROBLEM_NAME, kind.code().1)
        .with(USBTOKEN_PROBLEM_SENTENCE, message.sentence)
        .with(USBTOKEN_PROBLEM_NEXT_ACTION, message.next_action)
        .with(USBTOKEN_PROBLEM_FACTS, facts.collect::<Vec<_>>().join("\n"))
}

fn severity(severity: Severity) -> u32 {
    match severity {
        Severity::Blocks => USBTOKEN_WEIGHT_BLOCKS,
        Severity::Warns => USBTOKEN_WEIGHT_WARNS,
        Severity::Remarks => USBTOKEN_WEIGHT_REMARKS,
    }
}

/// Examines devices, drivers, tokens and certificates, and says what is wrong. No one is asked for a PIN, nothing is
/// written to a token. Problems are what is searched for, not a failure of the call. `now` is in seconds since 1970, 0
/// is the clock's time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_diagnose(
    context: *const usbtoken_context,
    now: i64,
    out: Option<&mut MaybeUninit<*mut usbtoken_diagnosis>>,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        boundary::give::<Doctor>(out, || {
            let shared = &context.0;
            shared.host.step(Step::FindDrivers);
            let diagnosis = doctor::examine(&shared.finder(), args::moment(now)?)?;
            let (japanese, english) = (OnceLock::new(), OnceLock::new());
            Ok(Doctor { diagnosis, japanese, english, host: shared.host.clone() })
        })
    })
}

/// The whole diagnosis as one text: `field` is USBTOKEN_DIAGNOSIS_PAGE …, `language` is USBTOKEN_LANGUAGE_….
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_diagnosis_text(
    diagnosis: *const usbtoken_diagnosis,
    field: u32,
    language_number: u32,
) -> *const c_char {
    boundary::read::<Doctor, _>(diagnosis, ptr::null(), |doctor| {
        Some(doctor.words(language(language_number)?).whole.utf8(field))
    })
}

/// As usbtoken_diagnosis_text, in UTF-16.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_diagnosis_text_utf16(
    diagnosis: *const usbtoken_diagnosis,
    field: u32,
    language_number: u32,
) -> *const u16 {
    boundary::read::<Doctor, _>(diagnosis, ptr::null(), |doctor| {
        Some(doctor.words(language(language_number)?).whole.utf16(field))
    })
}

/// How many problems there are, the weightiest first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_diagnosis_problem_count(diagnosis: *const usbtoken_diagnosis) -> usize {
    boundary::read::<Doctor, _>(diagnosis, 0, |doctor| Some(doctor.diagnosis.problems.len()))
}

/// A number about the problem at this place, from 0: `field` is USBTOKEN_PROBLEM_WEIGHT ….
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_diagnosis_problem_number(
    diagnosis: *const usbtoken_diagnosis,
    index: usize,
    field: u32,
) -> i64 {
    boundary::read::<Doctor, _>(diagnosis, UNKNOWN, |doctor| {
        let problem = doctor.diagnosis.problems.get(index)?;
        match (field, &problem.kind) {
            (USBTOKEN_PROBLEM_WEIGHT, _) => Some(severity(problem.severity).into()),
            (USBTOKEN_PROBLEM_STATUS, ProblemKind::Error(error)) => Some(error.code().number().into()),
            (USBTOKEN_PROBLEM_NOTICE, ProblemKind::Warning(warning)) => Some(warning.notice.number().into()),
            _ => None,
        }
    })
}

/// A text about the problem at this place, from 0: `field` is USBTOKEN_PROBLEM_NAME …, `language` is
/// USBTOKEN_LANGUAGE_…. NULL after the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_diagnosis_problem_text(
    diagnosis: *const usbtoken_diagnosis,
    index: usize,
    field: u32,
    language_number: u32,
) -> *const c_char {
    boundary::read::<Doctor, _>(diagnosis, ptr::null(), |doctor| {
        Some(doctor.problem_texts(index, language_number)?.utf8(field))
    })
}

/// As usbtoken_diagnosis_problem_text, in UTF-16.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_diagnosis_problem_text_utf16(
    diagnosis: *const usbtoken_diagnosis,
    index: usize,
    field: u32,
    language_number: u32,
) -> *const u16 {
    boundary::read::<Doctor, _>(diagnosis, ptr::null(), |doctor| {
        Some(doctor.problem_texts(index, language_number)?.utf16(field))
    })
}

/// The devices that are plugged in, and which of them a driver sees.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_diagnosis_devices(
    diagnosis: *const usbtoken_diagnosis,
    out: Option<&mut MaybeUninit<*mut usbtoken_devices>>,
) -> usbtoken_status {
    boundary::on::<Doctor>(diagnosis, |doctor| {
        boundary::give::<DeviceList>(out, || {
            Ok(DeviceList::examined(&doctor.diagnosis.devices, &doctor.host))
        })
    })
}

/// Ends the handle and sets the pointer to NULL. Accepts NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_diagnosis_free(diagnosis: Option<&mut *mut usbtoken_diagnosis>) {
    boundary::free::<Doctor>(diagnosis);
}
