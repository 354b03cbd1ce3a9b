//! 「USBトークンへの更新」: the old certificate is not on the token, and the program that calls has its bytes.

use std::ffi::{c_char, c_void};
use std::mem::{MaybeUninit, offset_of};
use std::ptr;

use usbtoken::pki::Window;
use usbtoken::places::{self, InPlace, OldCertificate, Password};
use usbtoken::renewal::Clock;
use usbtoken::{Install, Result, Run};

use crate::base::args::{self, Sized32};
use crate::base::callbacks::Host;
use crate::base::status::usbtoken_status;
use crate::base::{boundary, handle};
use crate::find::token::{TokenNoun, usbtoken_token};
use crate::job::installed::{self, InstalledNoun, usbtoken_install_params, usbtoken_installed};
use crate::job::old_key::{Signer, usbtoken_sign_callback};
use crate::job::pending::{PendingNoun, usbtoken_pending};
use crate::job::preflight::{Findings, usbtoken_preflight};
use crate::job::renewal::{Params, RenewalNoun, usbtoken_renewal, usbtoken_renewal_params};
use crate::job::session::{SessionNoun, usbtoken_session};

/// The old certificate, where it is not on the token. Set struct_size to sizeof(usbtoken_old_certificate) and the rest to 0 or what
/// you want.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct usbtoken_old_certificate {
    /// The size of this struct in bytes.
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// The certificate, or a file as it is: DER, PEM, PKCS#7 or PKCS#12, up to 4 MiB. Its private key is not needed, and is never
    /// opened.
    pub data: *const u8,
    /// Its length in bytes.
    pub length: usize,
    /// The password of a PKCS#12 file in UTF-8; NULL without one. Wipe it when the call is over.
    pub password: *const c_char,
    /// The length of the password in bytes, or USBTOKEN_NUL_TERMINATED.
    pub password_length: usize,
    /// Signs with the old key, for requests that it signs too (USBTOKEN_RENEW_SIGNED_BY_OLD_KEY, or the bank's profile). May be NULL:
    /// such a request is then USBTOKEN_OLD_KEY_ELSEWHERE.
    pub sign: usbtoken_sign_callback,
    /// Handed to it. May be NULL.
    pub sign_user: *mut c_void,
    /// Which of several certificates in data is meant: its serial number, in hexadecimal. NULL: the only one that can be renewed now;
    /// USBTOKEN_OLD_AMBIGUOUS where there are several of these, and where there are several and none can be renewed.
    pub serial: *const c_char,
    /// The length of the serial number in bytes, or USBTOKEN_NUL_TERMINATED.
    pub serial_length: usize,
}

// SAFETY: repr(C), begins with its size; integers, pointers and an optional function may all be 0.
unsafe impl Sized32 for usbtoken_old_certificate {}

/// What the caller gave: certificates, and what chooses among them.
struct Given {
    found: InPlace,
    serial: Option<String>,
    signer: Option<Signer>,
}

impl Given {
    /// # Safety
    /// `old` is NULL or a struct that begins with its size, whose bytes and texts are readable.
    unsafe fn read(old: *const usbtoken_old_certificate) -> Result<Self> {
        // SAFETY: the same contract.
        let old = unsafe { args::sized("old", old) }?.ok_or_else(|| args::bad("old", "null"))?;
        if usize::try_from(old.struct_size)
            .is_ok_and(|size| size < offset_of!(usbtoken_old_certificate, password))
        {
            // It ends before what it is about.
            return Err(args::bad("old", "struct_size_unset"));
        }
        if old.reserved != 0 {
            return Err(args::bad("old.reserved", "not_zero"));
        }
        // SAFETY: the same contract.
        let data = unsafe { args::bytes("old.data", old.data, old.length, usize::MAX) }?;
        // SAFETY: the same contract.
        let password = unsafe { args::optional_text("old.password", old.password, old.password_length) }?;
        // SAFETY: the same contract.
        let serial = unsafe { args::optional_text("old.serial", old.serial, old.serial_length) }?;
        Ok(Given {
            found: places::read_bytes(data, password.map(Password::new).as_ref())?,
            serial: serial.map(str::to_owned),
            signer: Signer::of(old.sign, old.sign_user),
        })
    }

    /// The one certificate that is meant.
    fn only(self, window: &Window, clock: &Clock) -> Result<(OldCertificate, Option<Signer>)> {
        let old = match &self.serial {
            Some(serial) => self.found.by_serial(serial)?.only(),
            None => self.found.renewable(window, clock.now()).only(),
        };
        Ok((old?, self.signer))
    }
}

/// How a call runs that may need the old key.
fn run<'a>(host: &'a Host, clock: Clock, signer: Option<&'a Signer>) -> Run<'a> {
    let run = host.run().at(clock);
    match signer {
        Some(signer) => run.old_key(signer),
        None => run,
    }
}

/// As usbtoken_renewal_preflight, for a certificate that is not on the token: whether its renewal onto this token can work.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_renewal_preflight_from(
    token: *const usbtoken_token,
    old: *const usbtoken_old_certificate,
    params: *const usbtoken_renewal_params,
    out: Option<&mut MaybeUninit<*mut usbtoken_preflight>>,
) -> usbtoken_status {
    boundary::on::<TokenNoun>(token, |noun| {
        // SAFETY: rule 4 of the header.
        let (params, given) = unsafe { (Params::read(params)?, Given::read(old)?) };
        boundary::give::<Findings>(out, || {
            let (window, clock) = params.window(&noun.host)?;
            let (old, signer) = given.only(&window, &clock)?;
            let (renewal, clock) = params.renewal(Some(old), &noun.host)?;
            let findings =
                renewal.preflight(&noun.token.refreshed()?, &run(&noun.host, clock, signer.as_ref()));
            Ok(Findings::new(findings, &noun.host))
        })
    })
}

/// As usbtoken_renewal_begin, for a certificate that is not on the token: the new key is made on the token of the session, and the
/// new certificate goes there. The old one stays where it is.
///
/// USBTOKEN_ALREADY_RENEWED: the token holds the renewed one, and nothing was written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_renewal_begin_from(
    session: *const usbtoken_session,
    old: *const usbtoken_old_certificate,
    params: *const usbtoken_renewal_params,
    out: Option<&mut MaybeUninit<*mut usbtoken_renewal>>,
) -> usbtoken_status {
    boundary::on::<SessionNoun>(session, |noun| {
        // SAFETY: rule 4 of the header.
        let (params, given) = unsafe { (Params::read(params)?, Given::read(old)?) };
        boundary::give::<RenewalNoun>(out, || {
            let (window, clock) = params.window(&noun.host)?;
            let (old, signer) = given.only(&window, &clock)?;
            let (renewal, clock) = params.renewal(Some(old), &noun.host)?;
            let pending = renewal.begin(&*noun.session()?, &run(&noun.host, clock, signer.as_ref()))?;
            Ok(RenewalNoun::new(pending, &noun.host))
        })
    })
}

/// As usbtoken_renewal_resume, for a key whose job renews this certificate, which is not on the token. USBTOKEN_OLD_NOT_OF_JOB: the key was
/// made for another.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_renewal_resume_from(
    session: *const usbtoken_session,
    pending: *const usbtoken_pending,
    old: *const usbtoken_old_certificate,
    params: *const usbtoken_renewal_params,
    out: Option<&mut MaybeUninit<*mut usbtoken_renewal>>,
) -> usbtoken_status {
    boundary::on::<SessionNoun>(session, |noun| {
        // SAFETY: rule 4 of the header.
        let (params, given) = unsafe { (Params::read(params)?, Given::read(old)?) };
        let pending = boundary::also::<PendingNoun>("pending", pending)?;
        boundary::give::<RenewalNoun>(out, || {
            let (window, clock) = params.window(&noun.host)?;
            let (old, signer) = given.only(&window, &clock)?;
            let key = pending.key.clone().renewing(old.certificate());
            let (renewal, clock) = params.renewal(Some(old), &noun.host)?;
            let pending =
                renewal.resume(&*noun.session()?, &key, &run(&noun.host, clock, signer.as_ref()))?;
            Ok(RenewalNoun::new(pending, &noun.host))
        })
    })
}

/// As usbtoken_install without a renewal of this process, for a key whose job renews this certificate, which is not on the token: the
/// new one is compared with it. USBTOKEN_OLD_NOT_OF_JOB: the key was made for another.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_install_from(
    session: *const usbtoken_session,
    old: *const usbtoken_old_certificate,
    answer_data: *const u8,
    answer_length: usize,
    params: *const usbtoken_install_params,
    out: Option<&mut MaybeUninit<*mut usbtoken_installed>>,
) -> usbtoken_status {
    boundary::on::<SessionNoun>(session, |noun| {
        // SAFETY: rule 4 of the header.
        let (answer, given) = unsafe { (installed::answer(answer_data, answer_length)?, Given::read(old)?) };
        // SAFETY: rule 4 of the header.
        let (policy, clock) = unsafe { installed::apply(noun.host.policy(), params, &noun.host) }?;
        let (old, _) = given.only(&policy.window, &clock)?;
        let session = noun.session()?;
        let response = installed::read(&noun.host, answer)?;
        let install = Install::new(&response).policy(&policy).old(&old);
        let installed = install.run(&session, &noun.host.run().at(clock))?;
        if let Some(out) = out {
            // The certificate is on the token: a handle that cannot be made is no failure of this call.
            let installed = InstalledNoun::new(installed, &noun.host);
            out.write(handle::give(installed).unwrap_or(ptr::null_mut()));
        }
        Ok(())
    })
}
