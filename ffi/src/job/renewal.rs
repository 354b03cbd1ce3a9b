//! A renewal that waits for the CA: a new key pair on the token, and its request.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::{Arc, OnceLock};

use base16ct::lower::encode_string as hex;
use usbtoken::bank::{KeyRule, Override, RequestForm};
use usbtoken::error::Fact;
use usbtoken::pki::{Name, ProofLevel, Window};
use usbtoken::places::OldCertificate;
use usbtoken::renewal::Clock;
use usbtoken::{Code, Error, Pending, Renewal, Result};

use crate::base::args::{self, Sized32};
use crate::base::boundary;
use crate::base::callbacks::Host;
use crate::base::handle::Noun;
use crate::base::status::{UNKNOWN, usbtoken_status};
use crate::base::text::Texts;
use crate::find::token::{TokenNoun, usbtoken_token};
use crate::job::credential::{CredentialNoun, usbtoken_credential};
use crate::job::pending::{PendingNoun, usbtoken_pending};
use crate::job::preflight::{Findings, usbtoken_preflight};
use crate::job::session::{SessionNoun, usbtoken_session};
use crate::values::buffer::{Buffer, usbtoken_buffer};
use crate::values::format::{
    USBTOKEN_FORMAT_CMS_DER, USBTOKEN_FORMAT_CMS_PEM, USBTOKEN_FORMAT_DER, USBTOKEN_FORMAT_PEM,
};
use crate::values::key_kind::key_kind;

/// A new key pair on the token, and its request.
pub struct usbtoken_renewal(());

/// How sure it must be that the key cannot be exported: as sure as the library always demands.
pub const USBTOKEN_PROOF_DEFAULT: u32 = 0;
/// How sure it is: the key can be exported. Such a key is destroyed.
pub const USBTOKEN_PROOF_REFUSED: u32 = 1;
/// How sure it is: sensitive, not extractable, its value refused; where it came from is not reported.
pub const USBTOKEN_PROOF_CLAIMED: u32 = 2;
/// How sure it is: all of that, and generated on the token, and never otherwise since. The driver's word, not an
/// attestation by the token's maker.
pub const USBTOKEN_PROOF_PROVEN: u32 = 3;

/// usbtoken_renewal_params: renew although the window is not open, or the certificate has expired.
pub const USBTOKEN_RENEW_OUTSIDE_WINDOW: u32 = 1;
/// usbtoken_renewal_params: make another key although one is pending for the same credential.
pub const USBTOKEN_RENEW_BESIDE_PENDING: u32 = 2;
/// usbtoken_renewal_params: request a certificate for the old key.
pub const USBTOKEN_RENEW_REUSE_KEY: u32 = 4;
/// usbtoken_renewal_params: let the old key sign the request too, as Microsoft CAs take it (MS-WCCE
/// §3.1.1.4.3.2.1). It can then be had as CMS.
pub const USBTOKEN_RENEW_SIGNED_BY_OLD_KEY: u32 = 8;
/// usbtoken_renewal_params: send the request although the driver denies that the new key is protected, and cannot be started
/// anew because your program has it in use (USBTOKEN_PROOF_UNDECIDED). The installation judges the key again.
pub const USBTOKEN_RENEW_ALTHOUGH_DENIED: u32 = 16;
/// usbtoken_renewal_params: renew although another certificate on the token takes the place of this one, or seems to
/// (USBTOKEN_ALREADY_RENEWED, USBTOKEN_SUCCESSOR_DOUBTFUL, USBTOKEN_RENEWED_FOR_ANOTHER): a person has seen which one that is, and says
/// that this one is to be renewed all the same.
pub const USBTOKEN_RENEW_ALTHOUGH_RENEWED: u32 = 32;

/// usbtoken_renewal_text: CKA_ID of the new pair, in lower-case hexadecimal.
pub const USBTOKEN_RENEWAL_ID: u32 = 1;
/// usbtoken_renewal_text: the subject of the request (RFC 4514).
pub const USBTOKEN_RENEWAL_SUBJECT: u32 = 2;
/// usbtoken_renewal_text: what the driver says about the exportability of the key, as JSON, for your audit.
pub const USBTOKEN_RENEWAL_PROOF_JSON: u32 = 3;

/// usbtoken_renewal_number: USBTOKEN_PROOF_….
pub const USBTOKEN_RENEWAL_PROOF: u32 = 1;
/// usbtoken_renewal_number: 1 when the request is for the old key.
pub const USBTOKEN_RENEWAL_KEY_REUSED: u32 = 2;

/// How to renew. Set struct_size to sizeof(usbtoken_renewal_params) and the rest to 0 or what you want.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct usbtoken_renewal_params {
    /// The size of this struct in bytes.
    pub struct_size: u32,
    /// USBTOKEN_KEY_….
    pub key_kind: u32,
    /// How many days before the expiry the window opens; 0 is 40.
    pub window_days: u32,
    /// USBTOKEN_RENEW_…, or-ed.
    pub flags: u32,
    /// USBTOKEN_PROOF_DEFAULT, USBTOKEN_PROOF_CLAIMED or USBTOKEN_PROOF_PROVEN.
    pub required_proof: u32,
    /// 0.
    pub reserved: u32,
    /// Seconds since 1970; 0 is the clock's time.
    pub now: i64,
    /// For a first certificate: its subject (RFC 4514), such as "CN=…,O=…". NULL otherwise.
    pub subject: *const c_char,
    /// The length of the subject in bytes, or USBTOKEN_NUL_TERMINATED.
    pub subject_length: usize,
    /// The subject in UTF-16, in place of `subject`. NULL otherwise.
    pub subject_utf16: *const u16,
    /// Its length in code units, or USBTOKEN_NUL_TERMINATED.
    pub subject_utf16_length: usize,
}

// SAFETY: repr(C), begins with its size; integers and a pointer may all be 0.
unsafe impl Sized32 for usbtoken_renewal_params {}

/// A pending renewal, and whom to tell.
pub(crate) struct RenewalNoun {
    pub(crate) pending: Pending,
    host: Host,
    texts: OnceLock<Texts>,
}

impl Noun for RenewalNoun {
    type Opaque = usbtoken_renewal;

    fn host(&self) -> Option<&Host> {
        Some(&self.host)
    }
}

impl RenewalNoun {
    pub(super) fn new(pending: Pending, host: &Host) -> Self {
        host.warn(pending.notices());
        RenewalNoun { pending, host: host.clone(), texts: OnceLock::new() }
    }

    fn texts(&self) -> &Texts {
        self.texts.get_or_init(|| {
            Texts::default()
                .with(USBTOKEN_RENEWAL_ID, hex(self.pending.key_id()))
                .with(USBTOKEN_RENEWAL_SUBJECT, self.pending.request().subject().to_string())
                .with_some(USBTOKEN_RENEWAL_PROOF_JSON, serde_json::to_string(self.pending.proof()).ok())
        })
    }

    fn request(&self, format: u32) -> Result<Buffer> {
        let request = self.pending.request();
        let is_cms = matches!(format, USBTOKEN_FORMAT_CMS_DER | USBTOKEN_FORMAT_CMS_PEM);
        // Where the old key has signed too because the bank wants that, the bank takes nothing less.
        let wants_cms = self.host.policy().request == RequestForm::SignedByOldKey;
        let is_less = wants_cms && !is_cms && self.pending.renewal_request().is_some();
        self.host.check_override(is_less, Override::Request)?;
        let cms =
            || self.pending.renewal_request().ok_or_else(|| args::bad("format", "not_signed_by_old_key"));
        match format {
            USBTOKEN_FORMAT_DER => Ok(Buffer::Bytes(request.to_der().to_vec())),
            USBTOKEN_FORMAT_PEM => Ok(Buffer::text(request.to_pem())),
            USBTOKEN_FORMAT_CMS_DER => Ok(Buffer::Bytes(cms()?.to_der().to_vec())),
            USBTOKEN_FORMAT_CMS_PEM => Ok(Buffer::text(cms()?.to_pem())),
            _ => Err(args::bad("format", "unknown_value")),
        }
    }
}

/// The params of the caller, understood.
pub(super) struct Params {
    raw: Option<usbtoken_renewal_params>,
    subject: Option<Name>,
}

impl usbtoken_renewal_params {
    /// # Safety
    /// The subject is as [`args::text`] wants it, that in UTF-16 as [`args::wide`] does.
    unsafe fn subject(&self) -> Result<Option<Name>> {
        // SAFETY: the same contract.
        let narrow = unsafe { args::optional_text("params.subject", self.subject, self.subject_length) }?;
        let (wide, length) = (self.subject_utf16, self.subject_utf16_length);
        match narrow {
            Some(_) if !wide.is_null() => Err(args::bad("params.subject", "both_encodings")),
            Some(subject) => subject.parse().map(Some),
            None if wide.is_null() && matches!(length, 0 | args::NUL_TERMINATED) => Ok(None),
            // SAFETY: the same contract.
            None => unsafe { args::wide("params.subject_utf16", wide, length) }?.parse().map(Some),
        }
    }
}

impl Params {
    /// # Safety
    /// `params` is NULL or a struct that begins with its size, with a subject as the struct wants it.
    pub(super) unsafe fn read(params: *const usbtoken_renewal_params) -> Result<Self> {
        // SAFETY: the same contract.
        let raw = unsafe { args::sized("params", params) }?;
        let subject = match raw {
            // SAFETY: the same contract.
            Some(raw) => unsafe { raw.subject() }?,
            None => None,
        };
        if raw.is_some_and(|raw| raw.reserved != 0) {
            return Err(args::bad("params.reserved", "not_zero"));
        }
        Ok(Params { raw, subject })
    }

    /// When a renewal may begin, and the time that counts.
    pub(super) fn window(&self, host: &Host) -> Result<(Window, Clock)> {
        let mut window = host.policy().window;
        let Some(raw) = &self.raw else { return Ok((window, Clock::SYSTEM)) };
        if raw.window_days != 0 {
            window.days = raw.window_days;
        }
        Ok((window, host.clock(raw.now)?))
    }

    pub(super) fn renewal(self, old: Option<OldCertificate>, host: &Host) -> Result<(Renewal, Clock)> {
        let (window, clock) = self.window(host)?;
        let renewal = match (old, self.subject) {
            (Some(old), None) => Renewal::of(old),
            (None, Some(subject)) => Renewal::first(subject),
            (Some(_), Some(_)) => return Err(args::bad("params.subject", "set_beside_credential")),
            (None, None) => return Err(args::bad("credential", "no_credential_nor_subject")),
        };
        let mut policy = host.policy();
        policy.window = window;
        let Some(raw) = self.raw else { return Ok((renewal.policy(&policy), clock)) };
        let all = USBTOKEN_RENEW_OUTSIDE_WINDOW
            | USBTOKEN_RENEW_BESIDE_PENDING
            | USBTOKEN_RENEW_REUSE_KEY
            | USBTOKEN_RENEW_SIGNED_BY_OLD_KEY
            | USBTOKEN_RENEW_ALTHOUGH_DENIED
            | USBTOKEN_RENEW_ALTHOUGH_RENEWED;
        if raw.flags & !all != 0 {
            return Err(args::bad("params.flags", "unknown_value"));
        }
        let has = |flag| raw.flags & flag != 0;
        host.check_override(has(USBTOKEN_RENEW_OUTSIDE_WINDOW), Override::Window)?;
        if let Some(kind) = key_kind(raw.key_kind)? {
            policy.key = KeyRule::Kind(kind);
        }
        if has(USBTOKEN_RENEW_REUSE_KEY) {
            policy.key = KeyRule::OldAgain;
        }
        if let Some(level) = required_proof(raw.required_proof)? {
            policy.proof = level;
        }
        if has(USBTOKEN_RENEW_SIGNED_BY_OLD_KEY) {
            policy.request = RequestForm::SignedByOldKey;
        }
        host.check_policy(&policy)?;
        let mut renewal = renewal.policy(&policy);
        if has(USBTOKEN_RENEW_OUTSIDE_WINDOW) {
            renewal = renewal.outside_window();
        }
        if has(USBTOKEN_RENEW_BESIDE_PENDING) {
            renewal = renewal.beside_pending();
        }
        if has(USBTOKEN_RENEW_ALTHOUGH_DENIED) {
            renewal = renewal.although_denied();
        }
        if has(USBTOKEN_RENEW_ALTHOUGH_RENEWED) {
            renewal = renewal.although_renewed();
        }
        if has(USBTOKEN_RENEW_SIGNED_BY_OLD_KEY) {
            // Also where there is no old key to sign, which is an error then.
            renewal = renewal.form(RequestForm::SignedByOldKey);
        }
        Ok((renewal, clock))
    }
}

/// The level of proof of that number; `None` for the default.
pub(crate) fn required_proof(number: u32) -> Result<Option<ProofLevel>> {
    match number {
        USBTOKEN_PROOF_DEFAULT => Ok(None),
        USBTOKEN_PROOF_CLAIMED => Ok(Some(ProofLevel::Claimed)),
        USBTOKEN_PROOF_PROVEN => Ok(Some(ProofLevel::Proven)),
        _ => Err(args::bad("required_proof", "unknown_value")),
    }
}

/// The number of a level of proof.
pub(crate) fn proof_number(level: ProofLevel) -> u32 {
    match level {
        ProofLevel::Refused => USBTOKEN_PROOF_REFUSED,
        ProofLevel::Claimed => USBTOKEN_PROOF_CLAIMED,
        ProofLevel::Proven => USBTOKEN_PROOF_PROVEN,
    }
}

/// A credential that a call may be given.
fn optional(credential: *const usbtoken_credential) -> Result<Option<Arc<CredentialNoun>>> {
    if credential.is_null() { Ok(None) } else { boundary::also("credential", credential).map(Some) }
}

/// Checks, without a PIN, whether a renewal can work. `credential` NULL: a first certificate, for the subject in
/// `params`. `params` may be NULL otherwise. A list with blockers is no failure of the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_renewal_preflight(
    token: *const usbtoken_token,
    credential: *const usbtoken_credential,
    params: *const usbtoken_renewal_params,
    out: Option<&mut MaybeUninit<*mut usbtoken_preflight>>,
) -> usbtoken_status {
    boundary::on::<TokenNoun>(token, |noun| {
        // SAFETY: rule 4 of the header.
        let params = unsafe { Params::read(params) }?;
        let old = optional(credential)?;
        boundary::give::<Findings>(out, || {
            let (renewal, clock) =
                params.renewal(old.as_ref().map(|old| (&old.credential).into()), &noun.host)?;
            let findings = renewal.preflight(&noun.token.refreshed()?, &noun.host.run().at(clock));
            Ok(Findings::new(findings, &noun.host))
        })
    })
}

/// Makes a key pair on the token, proves that its private key cannot leave it, and signs the request.
///
/// `credential` NULL: a first certificate, for the subject in `params`. `params` may be NULL otherwise. From here
/// on the token holds a pending key; the program may end. The old credential is untouched in every case.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_renewal_begin(
    session: *const usbtoken_session,
    credential: *const usbtoken_credential,
    params: *const usbtoken_renewal_params,
    out: Option<&mut MaybeUninit<*mut usbtoken_renewal>>,
) -> usbtoken_status {
    boundary::on::<SessionNoun>(session, |noun| {
        // SAFETY: rule 4 of the header.
        let params = unsafe { Params::read(params) }?;
        let old = optional(credential)?;
        boundary::give::<RenewalNoun>(out, || {
            let (renewal, clock) =
                params.renewal(old.as_ref().map(|old| (&old.credential).into()), &noun.host)?;
            let pending = renewal.begin(&*noun.session()?, &noun.host.run().at(clock))?;
            Ok(RenewalNoun::new(pending, &noun.host))
        })
    })
}

/// Signs the request again with a pending key, in whatever process. The old credential is found by itself; for a
/// first certificate `params` must have the subject, and may be NULL otherwise.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_renewal_resume(
    session: *const usbtoken_session,
    pending: *const usbtoken_pending,
    params: *const usbtoken_renewal_params,
    out: Option<&mut MaybeUninit<*mut usbtoken_renewal>>,
) -> usbtoken_status {
    boundary::on::<SessionNoun>(session, |noun| {
        // SAFETY: rule 4 of the header.
        let params = unsafe { Params::read(params) }?;
        let pending: Arc<PendingNoun> = boundary::also("pending", pending)?;
        boundary::give::<RenewalNoun>(out, || {
            let session = noun.session()?;
            let old = session.explained(pending.key.old_credential())?;
            let (renewal, clock) = params.renewal(old.map(OldCertificate::from), &noun.host)?;
            let pending = renewal.resume(&session, &pending.key, &noun.host.run().at(clock))?;
            Ok(RenewalNoun::new(pending, &noun.host))
        })
    })
}

/// The request, in this format: USBTOKEN_FORMAT_….
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_renewal_request(
    renewal: *const usbtoken_renewal,
    format: u32,
    out: Option<&mut MaybeUninit<*mut usbtoken_buffer>>,
) -> usbtoken_status {
    boundary::on::<RenewalNoun>(renewal, |noun| boundary::give::<Buffer>(out, || noun.request(format)))
}

/// The pending key of the renewal, to abandon it for example.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_renewal_key(
    renewal: *const usbtoken_renewal,
    out: Option<&mut MaybeUninit<*mut usbtoken_pending>>,
) -> usbtoken_status {
    boundary::on::<RenewalNoun>(renewal, |noun| {
        boundary::give::<PendingNoun>(out, || {
            // A reused key is the old credential's: no one is to abandon it.
            let key = noun
                .pending
                .key()
                .ok_or_else(|| Error::new(Code::NotPending).fact(Fact::Id, hex(noun.pending.key_id())))?;
            Ok(PendingNoun::new(key.clone(), &noun.host))
        })
    })
}

/// A text about the renewal: `field` is USBTOKEN_RENEWAL_ID ….
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_renewal_text(
    renewal: *const usbtoken_renewal,
    field: u32,
) -> *const c_char {
    boundary::read::<RenewalNoun, _>(renewal, ptr::null(), |noun| Some(noun.texts().utf8(field)))
}

/// As usbtoken_renewal_text, in UTF-16.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_renewal_text_utf16(
    renewal: *const usbtoken_renewal,
    field: u32,
) -> *const u16 {
    boundary::read::<RenewalNoun, _>(renewal, ptr::null(), |noun| Some(noun.texts().utf16(field)))
}

/// A number about the renewal: `field` is USBTOKEN_RENEWAL_PROOF ….
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_renewal_number(renewal: *const usbtoken_renewal, field: u32) -> i64 {
    boundary::read::<RenewalNoun, _>(renewal, UNKNOWN, |noun| match field {
        USBTOKEN_RENEWAL_PROOF => Some(proof_number(noun.pending.proof().level).into()),
        USBTOKEN_RENEWAL_KEY_REUSED => Some(noun.pending.key().is_none().into()),
        _ => None,
    })
}

/// A warning about the renewal, USBTOKEN_NOTICE_…, from index 0; 0 after the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_renewal_notice(renewal: *const usbtoken_renewal, index: usize) -> u32 {
    boundary::read::<RenewalNoun, _>(renewal, 0, |noun| {
        Some(noun.pending.notices().get(index)?.notice.number().into())
    })
}

/// Ends the handle and sets the pointer to NULL. Accepts NULL. The pending key stays on the token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_renewal_free(renewal: Option<&mut *mut usbtoken_renewal>) {
    boundary::free::<RenewalNoun>(renewal);
}
