//! The enrolment facade: what a page in a browser may ask of the token, shaped like Microsoft's CertEnroll.
//!
//! Plain C, so that a COM control, a browser host or a test can stand on it. Two pages and two processes may lie
//! between *create request* and *install response*: nothing is kept but the pending key on the token.
//!
//! `find::origin` says which pages may ask at all, `values::hresult` what they are answered, `encoding` and `subject` read
//! and write what Microsoft's calls do, `page` is the object that a page works with, `given_up` what it gives up, and the functions are here.

mod elsewhere;
pub mod encoding;
mod given_up;
mod key;
pub mod numbers;
pub(crate) mod page;
mod person;
pub(crate) mod refusal;
pub(crate) mod subject;
mod which;

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Arc;

use usbtoken::pki::MAX_RESPONSE;

use crate::base::args;
use crate::base::boundary;
use crate::base::handle::{self, Noun};
use crate::base::status::usbtoken_status;
use crate::find::context::{Context, usbtoken_context};
use crate::job::installed::{InstalledNoun, usbtoken_installed};
use crate::values::buffer::{Buffer, usbtoken_buffer};
use crate::values::hresult::{self, USBTOKEN_HR_OK, USBTOKEN_HR_UNEXPECTED, usbtoken_hresult};
use encoding::Encoded;
use numbers::{usbtoken_consent_callback, usbtoken_enroll, usbtoken_waiting_callback};
use page::Page;
use refusal::Refusal;

impl Noun for Page {
    type Opaque = usbtoken_enroll;

    fn host(&self) -> Option<&crate::base::callbacks::Host> {
        Some(&self.shared.host)
    }
}

/// A call of a page: what it is answered is an HRESULT, while the handle keeps the details.
fn on_page(
    enroll: *const usbtoken_enroll,
    work: impl FnOnce(&Page) -> Result<(), Refusal>,
) -> usbtoken_hresult {
    let mut special = None;
    let done = boundary::on_with::<Page>(enroll, |page| {
        work(page).map_err(|refusal| {
            special = refusal.hresult;
            refusal.error
        })
    });
    match done {
        Ok(()) => USBTOKEN_HR_OK,
        Err(code) => special.unwrap_or_else(|| hresult::of_code(code)),
    }
}

/// Makes the object for one page of this origin; its address will do, the origin is taken from it. Refused with
/// USBTOKEN_HR_ACCESS_DENIED unless usbtoken_context_allow_origin allowed the origin. The details of a failure are
/// kept on the context.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_enroll_new(
    context: *const usbtoken_context,
    origin: *const c_char,
    origin_length: usize,
    out: Option<&mut MaybeUninit<*mut usbtoken_enroll>>,
) -> usbtoken_hresult {
    let done = boundary::on_with::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        let origin = unsafe { args::text("origin", origin, origin_length) }?;
        boundary::give::<Page>(out, || Page::new(Arc::clone(&context.0), origin))
    });
    done.map_or_else(hresult::of_code, |()| USBTOKEN_HR_OK)
}

/// As usbtoken_enroll_new, in UTF-16; the length is in code units.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_enroll_new_utf16(
    context: *const usbtoken_context,
    origin: *const u16,
    origin_length: usize,
    out: Option<&mut MaybeUninit<*mut usbtoken_enroll>>,
) -> usbtoken_hresult {
    let done = boundary::on_with::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        let origin = unsafe { args::wide("origin", origin, origin_length) }?;
        boundary::give::<Page>(out, || Page::new(Arc::clone(&context.0), &origin))
    });
    done.map_or_else(hresult::of_code, |()| USBTOKEN_HR_OK)
}

/// Sets the function that asks for consent. Without one, every operation is refused. An operation to which the person said no
/// is not asked for again by this object, unless the function is set anew.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_enroll_set_consent(
    enroll: *const usbtoken_enroll,
    consent: usbtoken_consent_callback,
    user: *mut c_void,
) -> usbtoken_hresult {
    on_page(enroll, |page| {
        page.person.set_consent(consent, user);
        Ok(())
    })
}

/// Sets the function that asks what is to become of keys that wait. Without one each request makes a new key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_enroll_set_waiting(
    enroll: *const usbtoken_enroll,
    waiting: usbtoken_waiting_callback,
    user: *mut c_void,
) -> usbtoken_hresult {
    on_page(enroll, |page| {
        page.person.set_waiting(waiting, user);
        Ok(())
    })
}

/// Tells a page, without PIN and consent, whether a token is there and whether a certificate can be renewed onto it:
/// USBTOKEN_PROBE_…, or-ed; 「USBトークンへの更新が可能です」. Where the bank's profile calls the token its own, the certificate may
/// be elsewhere: the one of usbtoken_enroll_initialize_from_certificate, or one on this computer that a CA of the profile may have
/// issued. Names and numbers it does not learn.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_enroll_probe(
    enroll: *const usbtoken_enroll,
    out: Option<&mut MaybeUninit<u32>>,
) -> usbtoken_hresult {
    on_page(enroll, |page| {
        let out = args::required("out", out)?;
        out.write(page.probe()?);
        Ok(())
    })
}

/// The name of a provider that a page may set, from index 0, for its list to choose from; writes NULL after the
/// last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_enroll_provider_name(
    enroll: *const usbtoken_enroll,
    index: usize,
    out: Option<&mut MaybeUninit<*mut usbtoken_buffer>>,
) -> usbtoken_hresult {
    on_page(enroll, |page| {
        let out = args::required("out", out)?;
        let name = page.provider_name(index).map(Buffer::text);
        out.write(name.map_or(Ok(ptr::null_mut()), handle::give)?);
        Ok(())
    })
}

/// Sets a number that a page sets: USBTOKEN_ENROLL_KEY_SPEC ….
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_enroll_set_number(
    enroll: *const usbtoken_enroll,
    property: u32,
    value: i64,
) -> usbtoken_hresult {
    on_page(enroll, |page| page.set_number(property, value))
}

/// Sets a text that a page sets: USBTOKEN_ENROLL_PROVIDER_NAME ….
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_enroll_set_text(
    enroll: *const usbtoken_enroll,
    property: u32,
    text: *const c_char,
    text_length: usize,
) -> usbtoken_hresult {
    on_page(enroll, |page| {
        // SAFETY: rule 4 of the header.
        page.set_text(property, unsafe { args::text("text", text, text_length) }?)
    })
}

/// As usbtoken_enroll_set_text, in UTF-16; the length is in code units.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_enroll_set_text_utf16(
    enroll: *const usbtoken_enroll,
    property: u32,
    text: *const u16,
    text_length: usize,
) -> usbtoken_hresult {
    on_page(enroll, |page| {
        // SAFETY: rule 4 of the header.
        page.set_text(property, &unsafe { args::wide("text", text, text_length) }?)
    })
}

/// Initialize: for a request with a subject of its own, which has to be set, or for a response alone. The request is for a first
/// certificate, unless the subject is exactly that of the only certificate that can be renewed; or, where the bank's profile says
/// that each user has a token of their own, it is no more than a common name in the place of a whole name: then it
/// renews the only certificate of the token. `enroll_context` is
/// USBTOKEN_ENROLL_CONTEXT_USER.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_enroll_initialize(
    enroll: *const usbtoken_enroll,
    enroll_context: u32,
) -> usbtoken_hresult {
    on_page(enroll, |page| page.initialize(enroll_context))
}

/// InitializeFromCertificate: for a renewal. `certificate` is the old certificate in this encoding, or its serial
/// number or thumbprint with USBTOKEN_ENCODING_HEX_RAW; NULL is the only one that can be renewed. One that is not on the token is
/// renewed onto it (「USBトークンへの更新」), where the bank's profile calls the token its own or ProviderName names it
/// (USBTOKEN_TOKEN_NOT_NAMED otherwise); by its number it is found on another token, in a profile of NSS, or in the user's store on
/// Windows, and NULL finds it there by a bank's profile only. Its key is not needed. `inherit` is 0 or
/// USBTOKEN_INHERIT_…; subject and extensions are always inherited (InheritNone is refused, and so is a Subject of its own), and the key is always
/// new.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_enroll_initialize_from_certificate(
    enroll: *const usbtoken_enroll,
    enroll_context: u32,
    certificate: *const u8,
    certificate_length: usize,
    encoding: u32,
    inherit: u32,
) -> usbtoken_hresult {
    on_page(enroll, |page| {
        // SAFETY: rule 4 of the header.
        let bytes = unsafe { args::bytes("certificate", certificate, certificate_length, MAX_RESPONSE) }?;
        page.initialize_from_certificate(enroll_context, bytes, encoding, inherit)
    })
}

/// As usbtoken_enroll_initialize_from_certificate, with the text in UTF-16; the length is in code units.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_enroll_initialize_from_certificate_utf16(
    enroll: *const usbtoken_enroll,
    enroll_context: u32,
    certificate: *const u16,
    certificate_length: usize,
    encoding: u32,
    inherit: u32,
) -> usbtoken_hresult {
    on_page(enroll, |page| {
        // SAFETY: rule 4 of the header.
        let text = unsafe { args::wide("certificate", certificate, certificate_length) }?;
        page.initialize_from_certificate(enroll_context, text.as_bytes(), encoding, inherit)
    })
}

/// CreateRequest: asks for consent and PIN, makes the key pair and gives the request in this encoding
/// (USBTOKEN_ENCODING_…). Each call makes a new key, also when one waits for the same certificate because the page was
/// loaded anew, unless a person chooses to go on with that (usbtoken_enroll_set_waiting). USBTOKEN_HR_EXISTS when four keys
/// of this origin wait already. A key whose record another private key carries too is not offered, and no key is made beside it:
/// USBTOKEN_PENDING_AMBIGUOUS, until the answer is installed or a person names the key (usbtoken_enroll_abandon_named).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_enroll_create_request(
    enroll: *const usbtoken_enroll,
    encoding: u32,
    out: Option<&mut MaybeUninit<*mut usbtoken_buffer>>,
) -> usbtoken_hresult {
    on_page(enroll, |page| {
        let out = args::required("out", out)?;
        let buffer = match page.create_request(encoding)? {
            Encoded::Bytes(bytes) => Buffer::Bytes(bytes),
            Encoded::Text(text) => Buffer::text(text),
        };
        out.write(handle::give(buffer)?);
        Ok(())
    })
}

/// InstallResponse: asks for consent and PIN, finds the pending key that the response is for, and installs it.
///
/// `restrictions` is USBTOKEN_ALLOW_NONE or USBTOKEN_ALLOW_UNTRUSTED_ROOT, the only two that a page may have.
/// `encoding` is USBTOKEN_ENCODING_…; what the response is shows from itself. A PFX is refused, with or without
/// its password: it would import a key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_enroll_install_response(
    enroll: *const usbtoken_enroll,
    restrictions: u32,
    response: *const u8,
    response_length: usize,
    encoding: u32,
    password: *const c_char,
    password_length: usize,
) -> usbtoken_hresult {
    on_page(enroll, |page| {
        // SAFETY: rule 4 of the header.
        let response = unsafe { crate::job::installed::answer(response, response_length) }?;
        // SAFETY: rule 4 of the header.
        let password = unsafe { args::optional_text("password", password, password_length) }?;
        page.install_response(restrictions, response, encoding, password.unwrap_or_default())
    })
}

/// As usbtoken_enroll_install_response, in UTF-16; the lengths are in code units.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_enroll_install_response_utf16(
    enroll: *const usbtoken_enroll,
    restrictions: u32,
    response: *const u16,
    response_length: usize,
    encoding: u32,
    password: *const u16,
    password_length: usize,
) -> usbtoken_hresult {
    on_page(enroll, |page| {
        // SAFETY: rule 4 of the header.
        let response = unsafe { args::wide_up_to("response", response, response_length, MAX_RESPONSE) }?;
        // SAFETY: rule 4 of the header.
        let password = match password.is_null() {
            true => Default::default(),
            // SAFETY: rule 4 of the header.
            false => unsafe { args::wide("password", password, password_length) }?,
        };
        page.install_response(restrictions, response.as_bytes(), encoding, &password)
    })
}

/// What was installed, for the page's host to show: Organization, Organization Unit, Common Name, serial number.
/// USBTOKEN_HR_BLANK before usbtoken_enroll_install_response succeeded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_enroll_installed(
    enroll: *const usbtoken_enroll,
    out: Option<&mut MaybeUninit<*mut usbtoken_installed>>,
) -> usbtoken_hresult {
    on_page(enroll, |page| {
        let installed = page.installed()?;
        boundary::give::<InstalledNoun>(out, || Ok(InstalledNoun::new(installed, &page.shared.host)))?;
        Ok(())
    })
}

/// Gives up: asks for consent and PIN and removes the pending key that this object made; without one, the only pending key of
/// this origin that waits for what the object was initialised for: this certificate, or the common name of this subject.
/// USBTOKEN_REMOVAL_DOUBTFUL where it is another one than that of the request which was made on this computer. One that an earlier call
/// began to remove, and that has gone without that call seeing it, is done.
/// Another user of the same origin may have made others; see usbtoken_enroll_abandon_named. 「中断して閉じる」.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_enroll_abandon(enroll: *const usbtoken_enroll) -> usbtoken_hresult {
    on_page(enroll, Page::abandon)
}

/// As usbtoken_enroll_abandon, for the key of this origin whose identifier (CKA_ID) the person has named: it goes although it
/// is doubtful (USBTOKEN_PENDING_DOUBT) or does not sign. For the host, whose window shows what waits; a page learns no
/// identifiers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_enroll_abandon_named(
    enroll: *const usbtoken_enroll,
    id: *const u8,
    id_length: usize,
) -> usbtoken_hresult {
    on_page(enroll, |page| {
        // SAFETY: rule 4 of the header.
        page.abandon_named(unsafe { args::bytes("id", id, id_length, 1024) }?)
    })
}

/// Ends the handle and sets the pointer to NULL. Accepts NULL. What is on the token stays.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_enroll_free(enroll: Option<&mut *mut usbtoken_enroll>) {
    boundary::free::<Page>(enroll);
}

/// The HRESULT for a status: what the facade returns for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_hresult_from_status(status: usbtoken_status) -> usbtoken_hresult {
    boundary::plain(USBTOKEN_HR_UNEXPECTED, || hresult::of_status(status))
}
