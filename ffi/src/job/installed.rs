//! Installing the CA's answer, and what came of it.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use usbtoken::bank::{KeyRule, Override};
use usbtoken::error::{Fact, Step};
use usbtoken::pki::{Check, IssuerContinuity, MAX_ANCHORS, MAX_RESPONSE, Relax, SubjectRule, read_anchors};
use usbtoken::renewal::{Clock, Progress};
use usbtoken::{Certificate, Code, Error, Install, Installed, Policy, Response, Result};

use crate::base::args::{self, Sized32};
use crate::base::boundary;
use crate::base::callbacks::Host;
use crate::base::handle::{self, Noun};
use crate::base::status::{UNKNOWN, usbtoken_status};
use crate::base::text::{Text, Texts};
use crate::job::credential::{CredentialNoun, usbtoken_credential};
use crate::job::renewal::{RenewalNoun, proof_number, required_proof, usbtoken_renewal};
use crate::job::session::{SessionNoun, usbtoken_session};
use crate::values::warning::Facts;

/// A credential that was written, read back and has signed.
pub struct usbtoken_installed(());

/// usbtoken_install_params.relax: accept another subject than the one requested.
pub const USBTOKEN_RELAX_SUBJECT: u32 = 1;
/// usbtoken_install_params.relax: accept a certificate that is not valid now.
pub const USBTOKEN_RELAX_VALIDITY: u32 = 2;
/// usbtoken_install_params.relax: accept one that does not end later than the old one.
pub const USBTOKEN_RELAX_LATER_THAN_OLD: u32 = 4;
/// usbtoken_install_params.relax: accept the old one's serial number.
pub const USBTOKEN_RELAX_SERIAL: u32 = 8;
/// usbtoken_install_params.relax: accept a CA's certificate.
pub const USBTOKEN_RELAX_NOT_CA: u32 = 16;
/// usbtoken_install_params.relax: accept one that is not for client authentication.
pub const USBTOKEN_RELAX_PURPOSE: u32 = 32;
/// usbtoken_install_params.relax: accept one whose key usage does not allow signing.
pub const USBTOKEN_RELAX_USAGE: u32 = 64;

/// usbtoken_install_params.flags: write the CA certificates of the answer to the token too.
pub const USBTOKEN_INSTALL_CA_CERTIFICATES: u32 = 1;
/// usbtoken_install_params.flags: accept a certificate for the key of the old credential.
pub const USBTOKEN_INSTALL_REUSE_KEY: u32 = 2;

/// usbtoken_installed_text: what the driver says about the exportability of the key, as JSON, for your audit.
pub const USBTOKEN_INSTALLED_PROOF_JSON: u32 = 1;
/// usbtoken_installed_text: the day in Japan from which on the certificate works at the bank, "2026-11-30"; NULL where it works at
/// once, and without a bank's profile. Until then nothing old is removed.
pub const USBTOKEN_INSTALLED_WORKS_FROM: u32 = 2;

/// usbtoken_installed_text: the order's reference number; NULL where usbtoken_context_note_order had noted none.
pub const USBTOKEN_INSTALLED_REFERENCE: u32 = 3;
/// usbtoken_installed_text: the record of the day, for usbtoken_context_note_installation in a later process; NULL where the
/// certificate was there already and nobody knows the day.
pub const USBTOKEN_INSTALLED_RECORD: u32 = 4;

/// usbtoken_installed_number: USBTOKEN_PROOF_….
pub const USBTOKEN_INSTALLED_PROOF: u32 = 1;
/// usbtoken_installed_number: 1 when the certificate is for the old key.
pub const USBTOKEN_INSTALLED_KEY_REUSED: u32 = 2;
/// usbtoken_installed_number: USBTOKEN_ISSUER_….
pub const USBTOKEN_INSTALLED_ISSUER: u32 = 3;
/// usbtoken_installed_number: 1 when the certificate was on the token already, complete: nothing was written.
pub const USBTOKEN_INSTALLED_WAS_THERE: u32 = 4;

/// Who issued a certificate: a valid chain leads to an anchor that was given.
pub const USBTOKEN_ISSUER_VERIFIED_BY_ANCHOR: u32 = 1;
/// Who issued a certificate: one CA key verifies the signatures of the old and the new one.
pub const USBTOKEN_ISSUER_SAME: u32 = 2;
/// Who issued a certificate: it could not be told.
pub const USBTOKEN_ISSUER_NOT_CHECKED: u32 = 3;
/// Who issued a certificate: another CA than the old one's.
pub const USBTOKEN_ISSUER_ANOTHER: u32 = 4;

/// How far the new subject may differ from the old one: the usual rule.
pub const USBTOKEN_SUBJECT_DEFAULT: u32 = 0;
/// How far the new subject may differ from the old one: the common name may change, compared by RFC 5280 §7.1. A
/// certificate that breaks this rule is installed with a warning.
pub const USBTOKEN_SUBJECT_COMMON_NAME_MAY_CHANGE: u32 = 1;
/// How far the new subject may differ from the old one: not by a byte. Another one is refused.
pub const USBTOKEN_SUBJECT_EXACT: u32 = 2;
/// How far the new subject may differ from the old one: any subject is taken.
pub const USBTOKEN_SUBJECT_ANY: u32 = 3;

/// Bytes of the caller.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct usbtoken_bytes {
    /// Where they are.
    pub data: *const u8,
    /// How many.
    pub size: usize,
}

/// How to install. Set struct_size to sizeof(usbtoken_install_params) and the rest to 0 or what you want.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct usbtoken_install_params {
    /// The size of this struct in bytes.
    pub struct_size: u32,
    /// USBTOKEN_RELAX_…, or-ed: checks to leave out. That the certificate belongs to the key is always checked.
    pub relax: u32,
    /// USBTOKEN_INSTALL_…, or-ed.
    pub flags: u32,
    /// USBTOKEN_PROOF_DEFAULT, USBTOKEN_PROOF_CLAIMED or USBTOKEN_PROOF_PROVEN.
    pub required_proof: u32,
    /// Seconds since 1970; 0 is the clock's time.
    pub now: i64,
    /// CA certificates, to one of which a valid chain must lead: each in DER, or a file as it is, PEM with several or
    /// PKCS#7, up to 4 MiB. Without any, the chain is not checked.
    pub anchors: *const usbtoken_bytes,
    /// How many anchors there are.
    pub anchor_count: usize,
    /// USBTOKEN_SUBJECT_….
    pub subject_rule: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: repr(C), begins with its size; integers and a pointer may all be 0.
unsafe impl Sized32 for usbtoken_install_params {}

/// The most files, certificates or records that are taken at once.
const ANCHORS_LIMIT: usize = 256;

/// The outcome, and whom to tell.
pub(crate) struct InstalledNoun {
    pub(crate) installed: Installed,
    host: Host,
    texts: OnceLock<Texts>,
    facts: OnceLock<Facts>,
}

impl Noun for InstalledNoun {
    type Opaque = usbtoken_installed;

    fn host(&self) -> Option<&Host> {
        Some(&self.host)
    }
}

impl InstalledNoun {
    pub(crate) fn new(installed: Installed, host: &Host) -> Self {
        host.warn(&installed.notices);
        host.note_installation(installed.record());
        InstalledNoun { installed, host: host.clone(), texts: OnceLock::new(), facts: OnceLock::new() }
    }

    fn facts(&self) -> &Facts {
        self.facts.get_or_init(|| Facts::of(self.installed.notices.iter().map(Some)))
    }

    fn texts(&self) -> &Texts {
        self.texts.get_or_init(|| {
            let proof = serde_json::to_string(&self.installed.proof).ok();
            Texts::default()
                .with_some(USBTOKEN_INSTALLED_PROOF_JSON, proof)
                .with_some(USBTOKEN_INSTALLED_WORKS_FROM, self.works_from())
                .with_some(USBTOKEN_INSTALLED_REFERENCE, self.host.orders().of_key(&self.key_id()))
                .with_some(USBTOKEN_INSTALLED_RECORD, self.record())
        })
    }

    fn key_id(&self) -> String {
        base16ct::lower::encode_string(self.installed.credential.id())
    }

    fn record(&self) -> Option<String> {
        serde_json::to_string(&self.installed.record()?).ok()
    }

    fn works_from(&self) -> Option<String> {
        Some(self.installed.works_from(SystemTime::now())?.to_string())
    }
}

/// The answer of a CA. The library says itself what is too large.
///
/// # Safety
/// As [`args::bytes`].
pub(crate) unsafe fn answer<'a>(data: *const u8, length: usize) -> Result<&'a [u8]> {
    if length > MAX_RESPONSE {
        return Err(Error::new(Code::AnswerTooLarge)
            .during(Step::ReadAnswer)
            .fact(Fact::Limit, MAX_RESPONSE));
    }
    // SAFETY: the same contract.
    unsafe { args::bytes("answer", data, length, MAX_RESPONSE) }
}

/// Reads what the CA has sent, once for all that is done with it.
pub(crate) fn read(host: &Host, answer: &[u8]) -> Result<Response> {
    if host.is_cancelled() {
        return Err(Error::new(Code::Cancelled).during(Step::ReadAnswer));
    }
    host.step(Step::ReadAnswer);
    Response::parse(answer)
}

/// The policy that these params make of another, and the clock.
///
/// # Safety
/// `params` is NULL or a struct that begins with its size; its anchors are readable.
pub(super) unsafe fn apply(
    mut policy: Policy,
    params: *const usbtoken_install_params,
    host: &Host,
) -> Result<(Policy, Clock)> {
    // SAFETY: the same contract.
    let params = unsafe { args::sized("params", params) }?;
    let Some(params) = params else { return Ok((policy, Clock::SYSTEM)) };
    if params.flags & !(USBTOKEN_INSTALL_CA_CERTIFICATES | USBTOKEN_INSTALL_REUSE_KEY) != 0 {
        return Err(args::bad("params.flags", "unknown_value"));
    }
    if params.reserved != 0 {
        return Err(args::bad("params.reserved", "not_zero"));
    }
    let clock = host.clock(params.now)?;
    let has = |flag| params.flags & flag != 0;
    host.check_override(params.anchor_count != 0, Override::Anchors)?;
    if params.subject_rule != USBTOKEN_SUBJECT_DEFAULT {
        policy.demand_subject(subject_rule(params.subject_rule)?);
    }
    if params.relax != 0 {
        policy.relax = relax(params.relax)?;
    }
    if let Some(level) = required_proof(params.required_proof)? {
        policy.proof = level;
    }
    policy.write_ca_certificates |= has(USBTOKEN_INSTALL_CA_CERTIFICATES);
    if has(USBTOKEN_INSTALL_REUSE_KEY) {
        policy.key = KeyRule::OldAgain;
    }
    // SAFETY: the caller promises that the anchors are readable.
    let anchors = unsafe { anchor_certificates(params.anchors, params.anchor_count) }?;
    if !anchors.is_empty() {
        policy.anchors = anchors;
    }
    host.check_policy(&policy)?;
    Ok((policy, clock))
}

/// The rule of that number.
pub(crate) fn subject_rule(number: u32) -> Result<SubjectRule> {
    match number {
        USBTOKEN_SUBJECT_DEFAULT => Ok(SubjectRule::default()),
        USBTOKEN_SUBJECT_COMMON_NAME_MAY_CHANGE => Ok(SubjectRule::CommonNameMayChange),
        USBTOKEN_SUBJECT_EXACT => Ok(SubjectRule::Exact),
        USBTOKEN_SUBJECT_ANY => Ok(SubjectRule::Any),
        _ => Err(args::bad("params.subject_rule", "unknown_value")),
    }
}

const fn issuer_number(issuer: IssuerContinuity) -> u32 {
    match issuer {
        IssuerContinuity::VerifiedByAnchor => USBTOKEN_ISSUER_VERIFIED_BY_ANCHOR,
        IssuerContinuity::SameIssuer => USBTOKEN_ISSUER_SAME,
        IssuerContinuity::NotChecked => USBTOKEN_ISSUER_NOT_CHECKED,
        IssuerContinuity::AnotherIssuer => USBTOKEN_ISSUER_ANOTHER,
    }
}

/// The CA certificates of a caller, in DER, from certificates and whole files.
///
/// # Safety
/// `data` is NULL or readable for `count` elements, and each of them is readable.
pub(crate) unsafe fn anchor_certificates(
    data: *const usbtoken_bytes,
    count: usize,
) -> Result<Vec<Certificate>> {
    // SAFETY: the same contract.
    let anchors = unsafe { several("params.anchors", data, count) }?;
    let mut certificates = Vec::new();
    for anchor in anchors {
        // SAFETY: the same contract, for the bytes of each.
        let bytes = unsafe { args::bytes("params.anchors", anchor.data, anchor.size, MAX_ANCHORS) }?;
        certificates.extend(read_anchors(bytes)?);
    }
    Ok(certificates)
}

/// The elements of an array that the caller names.
///
/// # Safety
/// `data` is NULL or readable for `count` elements.
pub(crate) unsafe fn several<'a>(
    name: &str,
    data: *const usbtoken_bytes,
    count: usize,
) -> Result<&'a [usbtoken_bytes]> {
    if count > ANCHORS_LIMIT {
        return Err(args::bad(name, "too_many"));
    }
    match count {
        0 => Ok(&[]),
        _ if data.is_null() || !data.is_aligned() => Err(args::bad(name, "null_or_misaligned")),
        // SAFETY: not NULL, aligned, readable by this function's contract, and within the limit.
        _ => Ok(unsafe { std::slice::from_raw_parts(data, count) }),
    }
}

fn relax(bits: u32) -> Result<Relax> {
    const CHECKS: [(u32, Check); 7] = [
        (USBTOKEN_RELAX_SUBJECT, Check::Subject),
        (USBTOKEN_RELAX_VALIDITY, Check::Validity),
        (USBTOKEN_RELAX_LATER_THAN_OLD, Check::LaterThanOld),
        (USBTOKEN_RELAX_SERIAL, Check::Serial),
        (USBTOKEN_RELAX_NOT_CA, Check::NotCa),
        (USBTOKEN_RELAX_PURPOSE, Check::Purpose),
        (USBTOKEN_RELAX_USAGE, Check::Usage),
    ];
    if bits & !CHECKS.iter().fold(0, |all, (bit, _)| all | bit) != 0 {
        return Err(args::bad("params.relax", "unknown_value"));
    }
    Ok(CHECKS.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, check)| *check).collect())
}

/// Installs the CA's answer, in whatever form it came: checks the certificate, writes it beside its key, reads it
/// back and lets the new key sign.
///
/// `renewal` is the one that this process began, or NULL: then the pending key on the token is found by the public
/// key in the certificate, days later and in another process. `params` and `out` may be NULL. After a failure the
/// token holds what it held before. An answer that was installed before is proven once more, and nothing is written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_install(
    session: *const usbtoken_session,
    renewal: *const usbtoken_renewal,
    answer_data: *const u8,
    answer_length: usize,
    params: *const usbtoken_install_params,
    out: Option<&mut MaybeUninit<*mut usbtoken_installed>>,
) -> usbtoken_status {
    boundary::on::<SessionNoun>(session, |noun| {
        // SAFETY: rule 4 of the header.
        let answer = unsafe { answer(answer_data, answer_length) }?;
        let renewal: Option<Arc<RenewalNoun>> =
            if renewal.is_null() { None } else { Some(boundary::also("renewal", renewal)?) };
        let begun = renewal.as_ref().map(|renewal| &renewal.pending);
        let policy = begun.map_or_else(|| noun.host.policy(), |pending| pending.policy().clone());
        // SAFETY: rule 4 of the header.
        let (policy, clock) = unsafe { apply(policy, params, &noun.host) }?;
        let session = noun.session()?;
        let response = read(&noun.host, answer)?;
        let (install, run) = (Install::new(&response).policy(&policy), noun.host.run().at(clock));
        let installed = match begun {
            Some(pending) => install.run_for(&session, pending, &run)?,
            None => install.run(&session, &run)?,
        };
        if let Some(out) = out {
            // The certificate is on the token: a handle that cannot be made is no failure of this call.
            let installed = InstalledNoun::new(installed, &noun.host);
            out.write(handle::give(installed).unwrap_or(ptr::null_mut()));
        }
        Ok(())
    })
}

/// The new credential.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_installed_credential(
    installed: *const usbtoken_installed,
    out: Option<&mut MaybeUninit<*mut usbtoken_credential>>,
) -> usbtoken_status {
    boundary::on::<InstalledNoun>(installed, |noun| {
        boundary::give::<CredentialNoun>(out, || {
            Ok(CredentialNoun::new(noun.installed.credential.clone(), &noun.host))
        })
    })
}

/// The credential that the new one takes the place of, where that is still on the token; writes NULL otherwise.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_installed_replaced(
    installed: *const usbtoken_installed,
    out: Option<&mut MaybeUninit<*mut usbtoken_credential>>,
) -> usbtoken_status {
    boundary::on::<InstalledNoun>(installed, |noun| {
        let out = args::required("out", out)?;
        let replaced = noun.installed.replaced.clone().map(|old| CredentialNoun::new(old, &noun.host));
        out.write(replaced.map_or(Ok(ptr::null_mut()), handle::give)?);
        Ok(())
    })
}

/// A text about the installation: `field` is USBTOKEN_INSTALLED_PROOF_JSON ….
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_installed_text(
    installed: *const usbtoken_installed,
    field: u32,
) -> *const c_char {
    boundary::read::<InstalledNoun, _>(installed, ptr::null(), |noun| Some(noun.texts().utf8(field)))
}

/// As usbtoken_installed_text, in UTF-16.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_installed_text_utf16(
    installed: *const usbtoken_installed,
    field: u32,
) -> *const u16 {
    boundary::read::<InstalledNoun, _>(installed, ptr::null(), |noun| Some(noun.texts().utf16(field)))
}

/// A number about the installation: `field` is USBTOKEN_INSTALLED_PROOF ….
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_installed_number(installed: *const usbtoken_installed, field: u32) -> i64 {
    boundary::read::<InstalledNoun, _>(installed, UNKNOWN, |noun| match field {
        USBTOKEN_INSTALLED_PROOF => Some(proof_number(noun.installed.proof.level).into()),
        USBTOKEN_INSTALLED_KEY_REUSED => Some(noun.installed.key_reused.into()),
        USBTOKEN_INSTALLED_ISSUER => Some(issuer_number(noun.installed.issuer).into()),
        USBTOKEN_INSTALLED_WAS_THERE => Some(noun.installed.was_there.into()),
        _ => None,
    })
}

/// A warning about the installation, USBTOKEN_NOTICE_…, from index 0; 0 after the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_installed_notice(
    installed: *const usbtoken_installed,
    index: usize,
) -> u32 {
    boundary::read::<InstalledNoun, _>(installed, 0, |noun| {
        Some(noun.installed.notices.get(index)?.notice.number().into())
    })
}

/// What a value of the warning at `index` means, USBTOKEN_FACT_…; 0 after the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_installed_notice_fact_kind(
    installed: *const usbtoken_installed,
    index: usize,
    fact: usize,
) -> u32 {
    boundary::read::<InstalledNoun, _>(installed, 0, |noun| noun.facts().kind(index, fact))
}

/// A value of the warning at `index`, such as the subject before and the new one; NULL after the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_installed_notice_fact(
    installed: *const usbtoken_installed,
    index: usize,
    fact: usize,
) -> *const c_char {
    boundary::read::<InstalledNoun, _>(installed, ptr::null(), |noun| {
        noun.facts().text(index, fact).map(Text::utf8)
    })
}

/// As usbtoken_installed_notice_fact, in UTF-16.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_installed_notice_fact_utf16(
    installed: *const usbtoken_installed,
    index: usize,
    fact: usize,
) -> *const u16 {
    boundary::read::<InstalledNoun, _>(installed, ptr::null(), |noun| {
        noun.facts().text(index, fact).map(Text::utf16)
    })
}

/// Ends the handle and sets the pointer to NULL. Accepts NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_installed_free(installed: Option<&mut *mut usbtoken_installed>) {
    boundary::free::<InstalledNoun>(installed);
}
