//! Removing an old credential, after its successor has signed once more.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Arc;

use usbtoken::bank::{OldCredential, Override};
use usbtoken::confirm::Confirm;
use usbtoken::error::Step;
use usbtoken::renewal::{Clock, Confirmation, Retire};
use usbtoken::{Code, Error, Result, Run};

use crate::base::args::{self, Sized32};
use crate::base::boundary;
use crate::base::callbacks::{Host, Unstoppable};
use crate::base::handle;
use crate::base::status::usbtoken_status;
use crate::job::credential::{CredentialNoun, usbtoken_credential};
use crate::job::installed::{
    InstalledNoun, USBTOKEN_SUBJECT_DEFAULT, anchor_certificates, several, subject_rule, usbtoken_bytes,
    usbtoken_installed,
};
use crate::job::session::{SessionNoun, usbtoken_session};

/// Removes an old credential, certificate and key pair, after its successor has signed once more. The token must hold
/// the certificate of the CA that issued both; usbtoken_session_retire_with takes it as an anchor. Writes the
/// successor's credential; `out` may be NULL. `now` is in seconds since 1970, 0 is the clock's time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_session_retire(
    session: *const usbtoken_session,
    credential: *const usbtoken_credential,
    now: i64,
    out: Option<&mut MaybeUninit<*mut usbtoken_credential>>,
) -> usbtoken_status {
    boundary::on::<SessionNoun>(session, |noun| {
        let old: Arc<CredentialNoun> = boundary::also("credential", credential)?;
        check_keep(&noun.host)?;
        remove(noun, Retire::of(&old.credential, &noun.host.policy()), noun.host.clock(now)?, out)
    })
}

/// How to remove an old credential. Set struct_size to sizeof(usbtoken_retire_params) and the rest to 0 or what you
/// want.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct usbtoken_retire_params {
    /// The size of this struct in bytes.
    pub struct_size: u32,
    /// USBTOKEN_SUBJECT_….
    pub subject_rule: u32,
    /// Seconds since 1970; 0 is the clock's time.
    pub now: i64,
    /// CA certificates (DER). A valid chain from the successor to one of them shows that it comes from the right CA.
    pub anchors: *const usbtoken_bytes,
    /// How many anchors there are.
    pub anchor_count: usize,
    /// Records of confirmed logins (USBTOKEN_CONFIRMED_RECORD), for a bank that lets an old credential go after one only. One
    /// of the successor at the bank's address counts, for 30 days.
    pub confirmations: *const usbtoken_bytes,
    /// How many there are.
    pub confirmation_count: usize,
    /// The credential that takes the old one's place, named by a person; NULL where the record on its key says so. One that other
    /// programs have made has none (USBTOKEN_RETIRE_NO_SUCCESSOR), and where a record and the names differ a person has to say it
    /// (USBTOKEN_SUCCESSOR_DOUBTFUL, USBTOKEN_REMOVAL_DOUBTFUL). It stays the caller's.
    pub successor: *const usbtoken_credential,
    /// USBTOKEN_RETIRE_….
    pub flags: u32,
    /// 0.
    pub reserved: u32,
}

/// usbtoken_retire_params.flags: remove it although nothing shows that one CA has issued both (USBTOKEN_RETIRE_ISSUER_NOT_SHOWN): a person has
/// named the successor, which `successor` has to be, and looked who has issued it. Where there are anchors, in the params or in the bank's
/// profile, these say it all the same.
pub const USBTOKEN_RETIRE_ALTHOUGH_ISSUER_NOT_SHOWN: u32 = 1;

// SAFETY: repr(C), begins with its size; integers and a pointer may all be 0.
unsafe impl Sized32 for usbtoken_retire_params {}

/// As usbtoken_session_retire, with anchors by which the successor's CA is known, or a successor that a person names. `params` and `out` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_session_retire_with(
    session: *const usbtoken_session,
    credential: *const usbtoken_credential,
    params: *const usbtoken_retire_params,
    out: Option<&mut MaybeUninit<*mut usbtoken_credential>>,
) -> usbtoken_status {
    boundary::on::<SessionNoun>(session, |noun| {
        let old: Arc<CredentialNoun> = boundary::also("credential", credential)?;
        // SAFETY: rule 4 of the header.
        let params = unsafe { args::sized("params", params) }?;
        let (mut policy, mut clock) = (noun.host.policy(), Clock::SYSTEM);
        let (mut records, mut successor) = (Vec::new(), None::<Arc<CredentialNoun>>);
        let mut although_issuer = false;
        check_keep(&noun.host)?;
        if let Some(params) = params {
            let params: usbtoken_retire_params = params;
            noun.host.check_override(params.anchor_count != 0, Override::Anchors)?;
            if params.subject_rule != USBTOKEN_SUBJECT_DEFAULT {
                policy.demand_subject(subject_rule(params.subject_rule)?);
            }
            // SAFETY: rule 4 of the header.
            let anchors = unsafe { anchor_certificates(params.anchors, params.anchor_count) }?;
            if !anchors.is_empty() {
                policy.anchors = anchors;
            }
            // SAFETY: rule 4 of the header.
            records = unsafe { confirmations(params.confirmations, params.confirmation_count) }?;
            if !params.successor.is_null() {
                successor = Some(boundary::also("params.successor", params.successor)?);
            }
            if params.flags & !USBTOKEN_RETIRE_ALTHOUGH_ISSUER_NOT_SHOWN != 0 || params.reserved != 0 {
                return Err(args::bad("params.flags", "unknown_value"));
            }
            although_issuer = params.flags & USBTOKEN_RETIRE_ALTHOUGH_ISSUER_NOT_SHOWN != 0;
            if although_issuer && successor.is_none() {
                return Err(args::bad("params.successor", "null"));
            }
            clock = noun.host.clock(params.now)?;
            noun.host.check_policy(&policy)?;
        }
        let removal = Retire::of(&old.credential, &policy);
        let removal = match &successor {
            Some(new) => removal.successor(new.credential.certificate()),
            None => removal,
        };
        let removal = if although_issuer { removal.although_issuer_not_shown() } else { removal };
        let removal = match noun.host.bank() {
            Some(bank) if !records.is_empty() => {
                let by_bank = records.into_iter().filter(|record| record.is_by(bank));
                removal.confirmed(by_bank, &Confirm::at_bank(bank)?.url())
            }
            _ => removal,
        };
        remove(noun, removal, clock, out)
    })
}

/// Removes the credential that an installation has replaced, by what the installation was given: the rule for the
/// subject, the anchors, the CA certificates of the answer. `out` may be NULL.
///
/// USBTOKEN_CREDENTIAL_NOT_FOUND when it has replaced none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_session_retire_replaced(
    session: *const usbtoken_session,
    installed: *const usbtoken_installed,
    out: Option<&mut MaybeUninit<*mut usbtoken_credential>>,
) -> usbtoken_status {
    boundary::on::<SessionNoun>(session, |noun| {
        let installed: Arc<InstalledNoun> = boundary::also("installed", installed)?;
        check_keep(&noun.host)?;
        let removal = Retire::replaced_by(&installed.installed)
            .ok_or_else(|| Error::new(Code::CredentialNotFound).during(Step::Retire))?;
        remove(noun, removal, Clock::SYSTEM, out)
    })
}

/// The records of a caller.
///
/// # Safety
/// `data` is NULL or readable for `count` elements, and each of them is readable.
unsafe fn confirmations(data: *const usbtoken_bytes, count: usize) -> Result<Vec<Confirmation>> {
    const LONGEST: usize = 64 * 1024;
    // SAFETY: the same contract.
    let records = unsafe { several("params.confirmations", data, count) }?;
    let mut read = Vec::new();
    for record in records {
        // SAFETY: the same contract, for the bytes of each.
        let bytes = unsafe { args::bytes("params.confirmations", record.data, record.size, LONGEST) }?;
        read.push(serde_json::from_slice(bytes).map_err(|_| args::bad("params.confirmations", "no_record"))?);
    }
    Ok(read)
}

/// A bank whose old certificates stay lets no one remove them.
fn check_keep(host: &Host) -> Result<()> {
    let keeps = host.bank().is_some_and(|bank| bank.old == OldCredential::Keep);
    host.check_override(keeps, Override::Old)
}

fn remove(
    noun: &SessionNoun,
    removal: Retire,
    clock: Clock,
    out: Option<&mut MaybeUninit<*mut usbtoken_credential>>,
) -> Result<()> {
    let steps = Unstoppable(&noun.host);
    // Where a bank keeps them, check_keep has refused; elsewhere the caller alone decides.
    let removal = removal.although_kept();
    let run = noun.host.knowing_installations(Run::default().at(clock).progress(&steps));
    let retired = removal.run(&*noun.session()?, &run)?;
    if let Some(out) = out {
        let successor = CredentialNoun::new(retired.successor.clone(), &noun.host);
        // What was removed cannot be taken back, so a handle that cannot be made is no failure of this call.
        out.write(handle::give(successor).unwrap_or(ptr::null_mut()));
    }
    Ok(())
}
