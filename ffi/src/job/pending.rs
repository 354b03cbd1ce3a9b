//! Pending keys: what an unfinished job left on the token.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;

use base16ct::lower::encode_string as hex;
use usbtoken::renewal::{BegunBy, PendingKey, PendingState};

use crate::base::args;
use crate::base::boundary;
use crate::base::callbacks::Host;
use crate::base::handle::Noun;
use crate::base::status::{UNKNOWN, usbtoken_status};
use crate::base::text::Texts;

/// A key of ours on the token whose job is not finished.
pub struct usbtoken_pending(());

/// The pending keys of a token.
pub struct usbtoken_pending_list(());

/// usbtoken_pending_text: CKA_ID, in lower-case hexadecimal.
pub const USBTOKEN_PENDING_ID: u32 = 1;
/// usbtoken_pending_text: the serial number of the certificate that the job renews or retires; NULL for a first
/// key, and when that certificate is no longer on the token.
pub const USBTOKEN_PENDING_CONCERNS: u32 = 2;
/// usbtoken_pending_text: the day on which the job began, by the calendar in Japan: "2026-11-22".
pub const USBTOKEN_PENDING_SINCE: u32 = 3;

/// usbtoken_pending_text: for whom the certificate was asked, to be shown: the subject of the one that is renewed, or the
/// common name of a first one; NULL where the token does not tell.
pub const USBTOKEN_PENDING_FOR_WHOM: u32 = 4;

/// usbtoken_pending_text: what makes it doubtful that the key is ours, a stable name, such as "same_record"; NULL where
/// nothing does.
pub const USBTOKEN_PENDING_DOUBT: u32 = 5;
/// usbtoken_pending_text: the order's reference number; NULL where usbtoken_context_note_order has noted none.
pub const USBTOKEN_PENDING_REFERENCE: u32 = 6;

/// usbtoken_pending_number: USBTOKEN_PENDING_AWAITS_ANSWER ….
pub const USBTOKEN_PENDING_STATE: u32 = 1;
/// usbtoken_pending_number: whole days since the job began.
pub const USBTOKEN_PENDING_AGE_DAYS: u32 = 2;
/// usbtoken_pending_number: USBTOKEN_BEGUN_BY_….
pub const USBTOKEN_PENDING_BEGUN_BY: u32 = 3;

/// USBTOKEN_PENDING_BEGUN_BY: the command.
pub const USBTOKEN_BEGUN_BY_COMMAND: u32 = 1;
/// USBTOKEN_PENDING_BEGUN_BY: a program.
pub const USBTOKEN_BEGUN_BY_PROGRAM: u32 = 2;
/// USBTOKEN_PENDING_BEGUN_BY: a web page.
pub const USBTOKEN_BEGUN_BY_PAGE: u32 = 3;
/// USBTOKEN_PENDING_BEGUN_BY: the previous release, which did not keep it.
pub const USBTOKEN_BEGUN_BY_PREVIOUS_RELEASE: u32 = 4;

/// USBTOKEN_PENDING_STATE: the key pair is there; the CA's answer is not.
pub const USBTOKEN_PENDING_AWAITS_ANSWER: u32 = 1;
/// USBTOKEN_PENDING_STATE: not reported any more. A key whose certificate is written and signs is complete.
pub const USBTOKEN_PENDING_CERTIFICATE_WRITTEN: u32 = 2;
/// USBTOKEN_PENDING_STATE: the key of an old credential whose removal stopped in the middle.
pub const USBTOKEN_PENDING_HALF_RETIRED: u32 = 3;
/// USBTOKEN_PENDING_STATE: only a public key is left; it can only be removed.
pub const USBTOKEN_PENDING_REMNANT: u32 = 4;
/// USBTOKEN_PENDING_STATE: a certificate seems to be there; whether it is the key's own, only its signature says, for which
/// the token wants the PIN. Install the answer again.
pub const USBTOKEN_PENDING_NOT_CONFIRMED: u32 = 5;

/// The pending keys, and whom to tell.
pub(crate) struct PendingList {
    pub(crate) pending: Vec<PendingKey>,
    pub(crate) host: Host,
}

impl Noun for PendingList {
    type Opaque = usbtoken_pending_list;

    fn host(&self) -> Option<&Host> {
        Some(&self.host)
    }
}

/// One pending key.
pub(crate) struct PendingNoun {
    pub(crate) key: PendingKey,
    reference: Option<String>,
    texts: OnceLock<Texts>,
}

impl Noun for PendingNoun {
    type Opaque = usbtoken_pending;
}

impl PendingNoun {
    pub(crate) fn new(key: PendingKey, host: &Host) -> Self {
        let reference = host.orders().of_key(&hex(key.id()));
        PendingNoun { key, reference, texts: OnceLock::new() }
    }

    fn texts(&self) -> &Texts {
        self.texts.get_or_init(|| {
            Texts::default()
                .with(USBTOKEN_PENDING_ID, hex(self.key.id()))
                .with_some(USBTOKEN_PENDING_CONCERNS, self.key.concerns())
                .with(USBTOKEN_PENDING_SINCE, self.key.since())
                .with_some(USBTOKEN_PENDING_FOR_WHOM, self.key.for_whom())
                .with_some(USBTOKEN_PENDING_DOUBT, self.key.doubt())
                .with_some(USBTOKEN_PENDING_REFERENCE, self.reference.clone())
        })
    }

    fn number(&self, field: u32) -> Option<i64> {
        match field {
            USBTOKEN_PENDING_STATE => Some(match self.key.state() {
                PendingState::AwaitingAnswer => USBTOKEN_PENDING_AWAITS_ANSWER.into(),
                PendingState::RetireInterrupted => USBTOKEN_PENDING_HALF_RETIRED.into(),
                PendingState::PublicKeyOnly => USBTOKEN_PENDING_REMNANT.into(),
                PendingState::NotConfirmed => USBTOKEN_PENDING_NOT_CONFIRMED.into(),
            }),
            USBTOKEN_PENDING_BEGUN_BY => Some(match self.key.begun_by() {
                BegunBy::Command => USBTOKEN_BEGUN_BY_COMMAND.into(),
                BegunBy::Program => USBTOKEN_BEGUN_BY_PROGRAM.into(),
                BegunBy::Page => USBTOKEN_BEGUN_BY_PAGE.into(),
                BegunBy::PreviousRelease => USBTOKEN_BEGUN_BY_PREVIOUS_RELEASE.into(),
            }),
            USBTOKEN_PENDING_AGE_DAYS => Some(self.key.age_days(std::time::SystemTime::now())),
            _ => None,
        }
    }
}

/// How many pending keys the list has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_pending_list_count(list: *const usbtoken_pending_list) -> usize {
    boundary::read::<PendingList, _>(list, 0, |list| Some(list.pending.len()))
}

/// The pending key at this place of the list, from 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_pending_list_at(
    list: *const usbtoken_pending_list,
    index: usize,
    out: Option<&mut MaybeUninit<*mut usbtoken_pending>>,
) -> usbtoken_status {
    boundary::on::<PendingList>(list, |list| {
        boundary::give::<PendingNoun>(out, || {
            let key = list.pending.get(index).ok_or_else(|| args::bad("index", "after_last"))?;
            Ok(PendingNoun::new(key.clone(), &list.host))
        })
    })
}

/// Ends the handle and sets the pointer to NULL. Accepts NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_pending_list_free(list: Option<&mut *mut usbtoken_pending_list>) {
    boundary::free::<PendingList>(list);
}

/// A text about the pending key: `field` is USBTOKEN_PENDING_ID ….
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_pending_text(
    pending: *const usbtoken_pending,
    field: u32,
) -> *const c_char {
    boundary::read::<PendingNoun, _>(pending, ptr::null(), |one| Some(one.texts().utf8(field)))
}

/// As usbtoken_pending_text, in UTF-16.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_pending_text_utf16(
    pending: *const usbtoken_pending,
    field: u32,
) -> *const u16 {
    boundary::read::<PendingNoun, _>(pending, ptr::null(), |one| Some(one.texts().utf16(field)))
}

/// A number about the pending key: `field` is USBTOKEN_PENDING_STATE ….
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_pending_number(pending: *const usbtoken_pending, field: u32) -> i64 {
    boundary::read::<PendingNoun, _>(pending, UNKNOWN, |one| one.number(field))
}

/// Ends the handle and sets the pointer to NULL. Accepts NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_pending_free(pending: Option<&mut *mut usbtoken_pending>) {
    boundary::free::<PendingNoun>(pending);
}
