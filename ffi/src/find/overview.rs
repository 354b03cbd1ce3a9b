//! One list of what can be renewed: over all tokens that are plugged in and all places of this computer.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr;
use std::time::SystemTime;

use base16ct::lower::encode_string as hex;
use usbtoken::error::Step;
use usbtoken::overview::{Listed, Overview};
use usbtoken::places::Place;
use usbtoken::renewal::Progress;
use usbtoken::{Result, Token};

use crate::base::args;
use crate::base::boundary;
use crate::base::callbacks::Host;
use crate::base::details::Details;
use crate::base::handle::{self, Noun};
use crate::base::status::{UNKNOWN, USBTOKEN_OK, usbtoken_status};
use crate::base::text::Texts;
use crate::find::context::{Context, Shared, usbtoken_context};
use crate::values::buffer::{Buffer, usbtoken_buffer};
use crate::values::error::usbtoken_error;

/// What can be renewed, wherever it is.
pub struct usbtoken_overview(());

/// usbtoken_overview_text: the subject.
pub const USBTOKEN_OVERVIEW_SUBJECT: u32 = 1;
/// usbtoken_overview_text: the common name.
pub const USBTOKEN_OVERVIEW_COMMON_NAME: u32 = 2;
/// usbtoken_overview_text: the issuer.
pub const USBTOKEN_OVERVIEW_ISSUER: u32 = 3;
/// usbtoken_overview_text: the serial number, in lower-case hexadecimal.
pub const USBTOKEN_OVERVIEW_SERIAL: u32 = 4;
/// usbtoken_overview_text: SHA-1 over the certificate, in hexadecimal: what Windows calls its thumbprint.
pub const USBTOKEN_OVERVIEW_THUMBPRINT: u32 = 5;
/// usbtoken_overview_text: where it is: "pkcs11:…" for a token, "file:…", "nss:…", "windows:…".
pub const USBTOKEN_OVERVIEW_PLACE: u32 = 6;
/// usbtoken_overview_text: the label of the token that it is on; NULL for one on this computer.
pub const USBTOKEN_OVERVIEW_TOKEN_LABEL: u32 = 7;
/// usbtoken_overview_text: the serial number of that token.
pub const USBTOKEN_OVERVIEW_TOKEN_SERIAL: u32 = 8;
/// usbtoken_overview_text: the serial number of the certificate that is said to take its place.
pub const USBTOKEN_OVERVIEW_RENEWED_BY: u32 = 9;
/// usbtoken_overview_text: the label of the token that that one is on.
pub const USBTOKEN_OVERVIEW_RENEWED_ON: u32 = 10;

/// usbtoken_overview_number: the expiry, in seconds since 1970-01-01 00:00:00 UTC.
pub const USBTOKEN_OVERVIEW_NOT_AFTER: u32 = 1;
/// usbtoken_overview_number: the days until then, counted by calendar date in Japan.
pub const USBTOKEN_OVERVIEW_DAYS_LEFT: u32 = 2;
/// usbtoken_overview_number: why it cannot be renewed now, as a status: USBTOKEN_NOT_YET_RENEWABLE, USBTOKEN_EXPIRED,
/// USBTOKEN_ALREADY_RENEWED …; USBTOKEN_OK when it can.
pub const USBTOKEN_OVERVIEW_NOT_RENEWABLE: u32 = 3;
/// usbtoken_overview_number: 1 when a CA that the bank's profile names may have issued it; also where it names none.
pub const USBTOKEN_OVERVIEW_MAY_BE_BANKS: u32 = 4;

/// The list, as it was when it was read.
pub(crate) struct OverviewNoun {
    list: Vec<(Listed, Texts, i64)>,
    skipped: Vec<Details>,
    host: Host,
}

impl Noun for OverviewNoun {
    type Opaque = usbtoken_overview;

    fn host(&self) -> Option<&Host> {
        Some(&self.host)
    }
}

impl OverviewNoun {
    fn read(shared: &Shared, also: &str) -> Result<Self> {
        let lines = also.lines().filter(|line| !line.trim().is_empty());
        let also = lines.map(str::parse).collect::<Result<Vec<Place>>>()?;
        let (host, now) = (&shared.host, SystemTime::now());
        host.step(Step::FindToken);
        let (tokens, passed) = tokens(shared)?;
        host.step(Step::ReadPlace);
        let overview = Overview::read(tokens, &also, shared.finder().loading(), &host.policy(), now)?;
        let overview = overview.knowing(&host.run());
        let list = overview.list.into_iter().map(|one| {
            let (texts, days_left) = (texts(&one), one.old().days_left(now));
            (one, texts, days_left)
        });
        let skipped = passed.into_iter().chain(overview.skipped).map(Details::new);
        Ok(OverviewNoun { list: list.collect(), skipped: skipped.collect(), host: host.clone() })
    }

    fn number(&self, index: usize, field: u32) -> Option<i64> {
        let (one, _, days_left) = self.list.get(index)?;
        match field {
            USBTOKEN_OVERVIEW_NOT_AFTER => args::seconds(one.old().certificate().not_after()),
            USBTOKEN_OVERVIEW_DAYS_LEFT => Some(*days_left),
            USBTOKEN_OVERVIEW_NOT_RENEWABLE => {
                let because = one.not_renewable_because().map(|code| code.number().into());
                Some(because.unwrap_or(USBTOKEN_OK.into()))
            }
            USBTOKEN_OVERVIEW_MAY_BE_BANKS => Some(one.may_be_banks().into()),
            _ => None,
        }
    }
}

/// Every token; none is no error, since the places of this computer are shown all the same.
fn tokens(shared: &Shared) -> Result<(Vec<Token>, Vec<usbtoken::Error>)> {
    let found = shared.finder().tokens()?;
    Ok((found.tokens, found.skipped.into_iter().chain(found.none).collect()))
}

fn texts(one: &Listed) -> Texts {
    let certificate = one.old().certificate();
    let (token, by) = (one.token(), one.renewed_by());
    Texts::default()
        .with(USBTOKEN_OVERVIEW_SUBJECT, certificate.subject().to_string())
        .with_some(USBTOKEN_OVERVIEW_COMMON_NAME, certificate.subject().common_name())
        .with(USBTOKEN_OVERVIEW_ISSUER, certificate.issuer().to_string())
        .with(USBTOKEN_OVERVIEW_SERIAL, certificate.serial().to_string())
        .with(USBTOKEN_OVERVIEW_THUMBPRINT, hex(&certificate.thumbprint()))
        .with(USBTOKEN_OVERVIEW_PLACE, one.old().place().to_string())
        .with_some(USBTOKEN_OVERVIEW_TOKEN_LABEL, token.map(|token| &*token.label))
        .with_some(USBTOKEN_OVERVIEW_TOKEN_SERIAL, token.map(|token| &*token.serial))
        .with_some(USBTOKEN_OVERVIEW_RENEWED_BY, by.map(|(_, serial)| serial.to_string()))
        .with_some(USBTOKEN_OVERVIEW_RENEWED_ON, by.map(|(token, _)| &*token.label))
}

/// Reads what can be renewed, and what cannot and why: on every token that is plugged in, in the profiles of this user's browsers, on
/// Windows in the user's store, and in the places in `also`, one a line: "file:/home/user/old.pem". NULL is none. By the end of
/// each, the first to end first. Nothing is changed, no one logs in, and no password is asked for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_overview_read(
    context: *const usbtoken_context,
    also: *const c_char,
    also_length: usize,
    out: Option<&mut MaybeUninit<*mut usbtoken_overview>>,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        let also = unsafe { args::optional_text("also", also, also_length) }?;
        boundary::give::<OverviewNoun>(out, || OverviewNoun::read(&context.0, also.unwrap_or_default()))
    })
}

/// How many certificates the list has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_overview_count(overview: *const usbtoken_overview) -> usize {
    boundary::read::<OverviewNoun, _>(overview, 0, |noun| Some(noun.list.len()))
}

/// A text about the certificate at this place, from 0: `field` is USBTOKEN_OVERVIEW_SUBJECT …. NULL for what is not known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_overview_text(
    overview: *const usbtoken_overview,
    index: usize,
    field: u32,
) -> *const c_char {
    boundary::read::<OverviewNoun, _>(overview, ptr::null(), |noun| Some(noun.list.get(index)?.1.utf8(field)))
}

/// As usbtoken_overview_text, in UTF-16.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_overview_text_utf16(
    overview: *const usbtoken_overview,
    index: usize,
    field: u32,
) -> *const u16 {
    boundary::read::<OverviewNoun, _>(overview, ptr::null(), |noun| {
        Some(noun.list.get(index)?.1.utf16(field))
    })
}

/// A number about the certificate at this place, from 0: `field` is USBTOKEN_OVERVIEW_NOT_AFTER …. USBTOKEN_UNKNOWN for what is
/// not known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_overview_number(
    overview: *const usbtoken_overview,
    index: usize,
    field: u32,
) -> i64 {
    boundary::read::<OverviewNoun, _>(overview, UNKNOWN, |noun| noun.number(index, field))
}

/// The certificate at this place, from 0, in DER: the `data` of a usbtoken_old_certificate, for a renewal onto a token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_overview_certificate(
    overview: *const usbtoken_overview,
    index: usize,
    out: Option<&mut MaybeUninit<*mut usbtoken_buffer>>,
) -> usbtoken_status {
    boundary::on::<OverviewNoun>(overview, |noun| {
        let (one, ..) = noun.list.get(index).ok_or_else(|| args::bad("index", "after_last"))?;
        let der = one.old().certificate().der().to_vec();
        boundary::give::<Buffer>(out, || Ok(Buffer::Bytes(der)))
    })
}

/// Why a driver, a token or a place was passed over, from index 0; writes NULL after the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_overview_skipped(
    overview: *const usbtoken_overview,
    index: usize,
    out: Option<&mut MaybeUninit<*mut usbtoken_error>>,
) -> usbtoken_status {
    boundary::on::<OverviewNoun>(overview, |noun| {
        let out = args::required("out", out)?;
        let error = noun.skipped.get(index).cloned();
        out.write(error.map_or(Ok(ptr::null_mut()), handle::give)?);
        Ok(())
    })
}

/// Ends the handle and sets the pointer to NULL. Accepts NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_overview_free(overview: Option<&mut *mut usbtoken_overview>) {
    boundary::free::<OverviewNoun>(overview);
}
