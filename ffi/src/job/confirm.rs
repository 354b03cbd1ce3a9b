//! The login at the bank's server with the new certificate.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use usbtoken::bank::Override;
use usbtoken::confirm::{Confirm, Confirmed};
use usbtoken::{Code, Error, Result};

use crate::base::args::{self, Sized32};
use crate::base::boundary;
use crate::base::callbacks::Host;
use crate::base::handle::Noun;
use crate::base::status::{UNKNOWN, usbtoken_status};
use crate::base::text::Texts;
use crate::job::credential::{CredentialNoun, usbtoken_credential};
use crate::job::installed::{anchor_certificates, usbtoken_bytes};
use crate::job::session::{SessionNoun, usbtoken_session};

/// A login that worked.
pub struct usbtoken_confirmed(());

/// usbtoken_confirmed_text: the record to keep, in JSON. usbtoken_session_retire_with takes it, where the bank lets an old
/// credential go after a confirmed login only. There is nothing secret in it.
pub const USBTOKEN_CONFIRMED_RECORD: u32 = 1;
/// usbtoken_confirmed_text: the address at which the login was asked for.
pub const USBTOKEN_CONFIRMED_URL: u32 = 2;
/// usbtoken_confirmed_text: the status line of the server's answer.
pub const USBTOKEN_CONFIRMED_HTTP_STATUS: u32 = 3;
/// usbtoken_confirmed_text: the version of TLS, `TLS 1.2` or `TLS 1.3`.
pub const USBTOKEN_CONFIRMED_TLS: u32 = 4;
/// usbtoken_confirmed_text: where the server handed on to, one a line; NULL where it did not.
pub const USBTOKEN_CONFIRMED_REDIRECTIONS: u32 = 5;
/// usbtoken_confirmed_text: the CAs that the server says it accepts, one a line; NULL where it does not say.
pub const USBTOKEN_CONFIRMED_ACCEPTED_ISSUERS: u32 = 6;

/// usbtoken_confirmed_number: when the server answered, in seconds since 1970.
pub const USBTOKEN_CONFIRMED_AT: u32 = 1;

/// How to log in. Set struct_size to sizeof(usbtoken_confirm_params) and the rest to 0 or what you want.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct usbtoken_confirm_params {
    /// The size of this struct in bytes.
    pub struct_size: u32,
    /// How long it may take, in seconds; 0 is 60.
    pub timeout_seconds: u32,
    /// The address of a page that only those with a certificate can open, `https://host/path`; NULL for that of the bank.
    pub url: *const c_char,
    /// The length of the address in bytes, or USBTOKEN_NUL_TERMINATED.
    pub url_length: usize,
    /// The proxy, `http://host:port`; NULL for that of the bank. Variables such as https_proxy are not examined.
    pub proxy: *const c_char,
    /// The length of the proxy in bytes, or USBTOKEN_NUL_TERMINATED.
    pub proxy_length: usize,
    /// CA certificates to one of which the server's must lead, in place of the system's: each in DER, or a file as it is.
    pub server_anchors: *const usbtoken_bytes,
    /// How many there are.
    pub server_anchor_count: usize,
    /// CA certificates above the one to log in with, which are shown to the server with it.
    pub issuers: *const usbtoken_bytes,
    /// How many there are.
    pub issuer_count: usize,
    /// The page, on the same server, to which it leads whom it lets in, `https://host/path`; NULL for that of the bank. Without
    /// one the login is at the address itself.
    pub after_login: *const c_char,
    /// Its length in bytes, or USBTOKEN_NUL_TERMINATED.
    pub after_login_length: usize,
}

// SAFETY: repr(C), begins with its size; integers and pointers may all be 0.
unsafe impl Sized32 for usbtoken_confirm_params {}

/// The login, and whom to tell.
pub(crate) struct ConfirmedNoun {
    confirmed: Confirmed,
    host: Host,
    texts: OnceLock<Texts>,
}

impl Noun for ConfirmedNoun {
    type Opaque = usbtoken_confirmed;

    fn host(&self) -> Option<&Host> {
        Some(&self.host)
    }
}

impl ConfirmedNoun {
    fn new(confirmed: Confirmed, host: &Host) -> Self {
        host.warn(confirmed.notices());
        ConfirmedNoun { confirmed, host: host.clone(), texts: OnceLock::new() }
    }

    fn texts(&self) -> &Texts {
        self.texts.get_or_init(|| {
            let one = &self.confirmed;
            let lines = |all: &[String]| (!all.is_empty()).then(|| all.join("\n"));
            Texts::default()
                .with_some(USBTOKEN_CONFIRMED_RECORD, serde_json::to_string(one.record()).ok())
                .with(USBTOKEN_CONFIRMED_URL, one.record().url())
                .with(USBTOKEN_CONFIRMED_HTTP_STATUS, one.http_status())
                .with(USBTOKEN_CONFIRMED_TLS, one.tls())
                .with_some(USBTOKEN_CONFIRMED_REDIRECTIONS, lines(one.redirections()))
                .with_some(USBTOKEN_CONFIRMED_ACCEPTED_ISSUERS, lines(one.accepted_issuers()))
        })
    }
}

/// The login that these params ask for, by the bank's rules.
///
/// # Safety
/// `params` is NULL or a struct that begins with its size; what it points to is readable.
unsafe fn wanted(params: *const usbtoken_confirm_params, host: &Host) -> Result<Confirm> {
    let bank = host.bank();
    let at_bank = || match &bank {
        Some(bank) => Confirm::at_bank(bank),
        None => Err(Error::new(Code::LoginUrlUnusable)),
    };
    // SAFETY: the same contract.
    let params = unsafe { args::sized("params", params) }?;
    let Some(params) = params else { return at_bank() };
    let params: usbtoken_confirm_params = params;
    // SAFETY: the same contract.
    let url = unsafe { args::optional_text("params.url", params.url, params.url_length) }?;
    // SAFETY: the same contract.
    let proxy = unsafe { args::optional_text("params.proxy", params.proxy, params.proxy_length) }?;
    // SAFETY: the same contract.
    let page =
        unsafe { args::optional_text("params.after_login", params.after_login, params.after_login_length) }?;
    // SAFETY: the same contract.
    let anchors = unsafe { anchor_certificates(params.server_anchors, params.server_anchor_count) }?;
    // SAFETY: the same contract.
    let issuers = unsafe { anchor_certificates(params.issuers, params.issuer_count) }?;
    if let Some(bank) = &bank {
        let proxies = bank.login_proxy();
        host.check_override(url.is_some() && url != bank.login_url.as_deref(), Override::Origins)?;
        host.check_override(page.is_some() && page != bank.after_login.as_deref(), Override::Origins)?;
        host.check_override(proxies.is_some() && proxy.is_some() && proxy != proxies, Override::Issuer)?;
        host.check_override(!anchors.is_empty() || !issuers.is_empty(), Override::Anchors)?;
    }
    let confirm = match (url, &bank) {
        (Some(url), Some(bank)) => Confirm::at(url)?.for_bank(bank)?,
        (Some(url), None) => Confirm::at(url)?,
        (None, _) => at_bank()?,
    };
    let confirm = match proxy {
        Some(proxy) => confirm.proxy(proxy)?,
        None => confirm,
    };
    let confirm = match page {
        Some(page) => confirm.after_login(page)?,
        None => confirm,
    };
    let confirm = if anchors.is_empty() { confirm } else { confirm.server_anchors(anchors) };
    let confirm = confirm.issuers(&issuers);
    Ok(match params.timeout_seconds {
        0 => confirm,
        seconds => confirm.timeout(Duration::from_secs(seconds.into())),
    })
}

/// Logs in at the bank's server with the key of a credential, to see whether the certificate is accepted: TLS 1.2 or 1.3 with
/// a client certificate, and one page that is asked for. Nothing is written to the token, and nothing is connected to but
/// the server and the proxy that are named. `credential` is one that this session has listed.
///
/// USBTOKEN_LOGIN_REFUSED and its family (11xx) when nothing is confirmed; what the server said is in the error's facts.
/// `params` may be NULL where the context goes by a bank. The progress callback can stop it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_confirm(
    session: *const usbtoken_session,
    credential: *const usbtoken_credential,
    params: *const usbtoken_confirm_params,
    out: Option<&mut MaybeUninit<*mut usbtoken_confirmed>>,
) -> usbtoken_status {
    boundary::on::<SessionNoun>(session, |noun| {
        let credential: Arc<CredentialNoun> = boundary::also("credential", credential)?;
        // SAFETY: rule 4 of the header.
        let confirm = unsafe { wanted(params, &noun.host) }?;
        boundary::give::<ConfirmedNoun>(out, || {
            let session = noun.session()?;
            let confirmed = confirm.run(&session, &credential.credential, &noun.host.run())?;
            Ok(ConfirmedNoun::new(confirmed, &noun.host))
        })
    })
}

/// A text about the login: `field` is USBTOKEN_CONFIRMED_RECORD …. NULL for what there is not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_confirmed_text(
    confirmed: *const usbtoken_confirmed,
    field: u32,
) -> *const c_char {
    boundary::read::<ConfirmedNoun, _>(confirmed, ptr::null(), |noun| Some(noun.texts().utf8(field)))
}

/// As usbtoken_confirmed_text, in UTF-16.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_confirmed_text_utf16(
    confirmed: *const usbtoken_confirmed,
    field: u32,
) -> *const u16 {
    boundary::read::<ConfirmedNoun, _>(confirmed, ptr::null(), |noun| Some(noun.texts().utf16(field)))
}

/// A number about the login: `field` is USBTOKEN_CONFIRMED_AT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_confirmed_number(confirmed: *const usbtoken_confirmed, field: u32) -> i64 {
    boundary::read::<ConfirmedNoun, _>(confirmed, UNKNOWN, |noun| {
        let at = noun.confirmed.record().at().duration_since(SystemTime::UNIX_EPOCH).ok()?;
        i64::try_from(at.as_secs()).ok().filter(|_| field == USBTOKEN_CONFIRMED_AT)
    })
}

/// A warning about the login, USBTOKEN_NOTICE_…, from index 0; 0 after the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_confirmed_notice(
    confirmed: *const usbtoken_confirmed,
    index: usize,
) -> u32 {
    boundary::read::<ConfirmedNoun, _>(confirmed, 0, |noun| {
        Some(noun.confirmed.notices().get(index)?.notice.number().into())
    })
}

/// Ends the handle and sets the pointer to NULL. Accepts NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_confirmed_free(confirmed: Option<&mut *mut usbtoken_confirmed>) {
    boundary::free::<ConfirmedNoun>(confirmed);
}
