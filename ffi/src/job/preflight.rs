//! What is checked before anyone is asked for a PIN.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr;

use usbtoken::renewal::{PointResult, Preflight};

use crate::base::args;
use crate::base::boundary;
use crate::base::callbacks::Host;
use crate::base::details::Details;
use crate::base::handle::{self, Noun};
use crate::base::status::usbtoken_status;
use crate::base::text::Text;
use crate::values::error::usbtoken_error;
use crate::values::warning::Facts;

/// What a preflight found, point by point.
pub struct usbtoken_preflight(());

/// A point of the preflight: nothing speaks against the renewal.
pub const USBTOKEN_FINDING_OK: u32 = 0;
/// A point of the preflight: the renewal can go on; the person should know.
pub const USBTOKEN_FINDING_WARNING: u32 = 1;
/// A point of the preflight: the renewal cannot begin.
pub const USBTOKEN_FINDING_BLOCKER: u32 = 2;

/// The points, in the order in which they were checked.
pub(crate) struct Findings {
    list: Vec<PreflightPoint>,
    /// Those of the warnings, an empty list for each other point.
    facts: Facts,
}

struct PreflightPoint {
    point: u32,
    state: u32,
    notice: u32,
    blocker: Option<Details>,
    sentence: Text,
}

impl Noun for Findings {
    type Opaque = usbtoken_preflight;
}

impl Findings {
    /// `into_notices` would keep only the first blocker; the list is for showing, so all are kept.
    pub(crate) fn new(preflight: Preflight, host: &Host) -> Self {
        let lang = host.lang();
        let findings = preflight.points;
        let facts = Facts::of(findings.iter().map(|finding| match &finding.state {
            PointResult::Warning(warning) => Some(warning),
            PointResult::Ok | PointResult::Blocker(_) => None,
        }));
        let findings = findings.into_iter().map(|finding| {
            let point = finding.point;
            let (state, notice, blocker, sentence) = match finding.state {
                PointResult::Ok => (USBTOKEN_FINDING_OK, 0, None, point.sentence(lang)),
                PointResult::Warning(warning) => {
                    let notice = warning.notice;
                    (USBTOKEN_FINDING_WARNING, notice.number().into(), None, notice.message(lang).sentence)
                }
                PointResult::Blocker(error) => {
                    let sentence = error.code().message(lang).sentence;
                    (USBTOKEN_FINDING_BLOCKER, 0, Some(Details::new(error)), sentence)
                }
            };
            PreflightPoint {
                point: point.number().into(),
                state,
                notice,
                blocker,
                sentence: Text::new(host.in_words(sentence)),
            }
        });
        Findings { list: findings.collect(), facts }
    }
}

/// How many points were checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_preflight_count(preflight: *const usbtoken_preflight) -> usize {
    boundary::read::<Findings, _>(preflight, 0, |findings| Some(findings.list.len()))
}

/// 1 when nothing blocks the renewal, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_preflight_can_begin(preflight: *const usbtoken_preflight) -> i32 {
    boundary::read::<Findings, _>(preflight, 0, |findings| {
        Some(i32::from(findings.list.iter().all(|finding| finding.blocker.is_none())))
    })
}

/// What was checked at this place, from 0: USBTOKEN_POINT_…; 0 after the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_preflight_point(preflight: *const usbtoken_preflight, index: usize) -> u32 {
    boundary::read::<Findings, _>(preflight, 0, |findings| Some(findings.list.get(index)?.point))
}

/// What came out at this place: USBTOKEN_FINDING_….
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_preflight_state(preflight: *const usbtoken_preflight, index: usize) -> u32 {
    boundary::read::<Findings, _>(preflight, USBTOKEN_FINDING_OK, |findings| {
        Some(findings.list.get(index)?.state)
    })
}

/// The warning at this place, USBTOKEN_NOTICE_…; 0 when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_preflight_notice(
    preflight: *const usbtoken_preflight,
    index: usize,
) -> u32 {
    boundary::read::<Findings, _>(preflight, 0, |findings| Some(findings.list.get(index)?.notice))
}

/// The sentence to show for this place, in the context's language; NULL after the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_preflight_text(
    preflight: *const usbtoken_preflight,
    index: usize,
) -> *const c_char {
    boundary::read::<Findings, _>(preflight, ptr::null(), |findings| {
        Some(findings.list.get(index)?.sentence.utf8())
    })
}

/// As usbtoken_preflight_text, in UTF-16.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_preflight_text_utf16(
    preflight: *const usbtoken_preflight,
    index: usize,
) -> *const u16 {
    boundary::read::<Findings, _>(preflight, ptr::null(), |findings| {
        Some(findings.list.get(index)?.sentence.utf16())
    })
}

/// What a value of the warning at this place means, USBTOKEN_FACT_…; 0 after the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_preflight_notice_fact_kind(
    preflight: *const usbtoken_preflight,
    index: usize,
    fact: usize,
) -> u32 {
    boundary::read::<Findings, _>(preflight, 0, |findings| findings.facts.kind(index, fact))
}

/// A value of the warning at this place, such as this computer's time; NULL after the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_preflight_notice_fact(
    preflight: *const usbtoken_preflight,
    index: usize,
    fact: usize,
) -> *const c_char {
    boundary::read::<Findings, _>(preflight, ptr::null(), |findings| {
        findings.facts.text(index, fact).map(Text::utf8)
    })
}

/// As usbtoken_preflight_notice_fact, in UTF-16.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_preflight_notice_fact_utf16(
    preflight: *const usbtoken_preflight,
    index: usize,
    fact: usize,
) -> *const u16 {
    boundary::read::<Findings, _>(preflight, ptr::null(), |findings| {
        findings.facts.text(index, fact).map(Text::utf16)
    })
}

/// What blocks at this place; writes NULL when nothing does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_preflight_blocker(
    preflight: *const usbtoken_preflight,
    index: usize,
    out: Option<&mut MaybeUninit<*mut usbtoken_error>>,
) -> usbtoken_status {
    boundary::on::<Findings>(preflight, |findings| {
        let out = args::required("out", out)?;
        let blocker = findings.list.get(index).and_then(|finding| finding.blocker.clone());
        out.write(blocker.map_or(Ok(ptr::null_mut()), handle::give)?);
        Ok(())
    })
}

/// Ends the handle and sets the pointer to NULL. Accepts NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_preflight_free(preflight: Option<&mut *mut usbtoken_preflight>) {
    boundary::free::<Findings>(preflight);
}
