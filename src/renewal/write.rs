//! Putting a certificate on the token so that nothing is believed that was not seen.

use super::begin::algorithm_of;
use super::pending::PendingKey;
use super::{Progress, enter};
use crate::code::{Code, Family, Notice, Step};
use crate::driver::{Category, Detail, Session, StoredCertificate, StoredKey};
use crate::error::{Error, Result};
use crate::pki::Certificate;

/// What the challenge begins with, so that the signature can serve no other purpose.
const CHALLENGE_PURPOSE: &[u8] = b"usbtoken: shows that the key of a certificate signs\0";

/// Writes the certificate beside its key, reads it back and lets the key sign. After a failure the certificate is
/// removed again, and the key is pending as before.
pub(super) fn write_and_verify(
    session: &Session,
    key: &StoredKey,
    certificate: &Certificate,
    label: &str,
    progress: &dyn Progress,
) -> Result<(StoredCertificate, Option<Notice>)> {
    enter(progress, Step::WriteCertificate)?;
    let (written, detail) = session.write_certificate(certificate, Category::User, &key.id, label)?;
    match verify(session, key, certificate, &written, progress) {
        Ok(()) => Ok((written, (detail != Detail::Full).then_some(Notice::MinimalCertificate))),
        Err(error) => {
            Err(error.after_clean_up(session.destroy_certificate(&written, Step::WriteCertificate)))
        }
    }
}

fn verify(
    session: &Session,
    key: &StoredKey,
    certificate: &Certificate,
    written: &StoredCertificate,
    progress: &dyn Progress,
) -> Result<()> {
    enter(progress, Step::ReadBack)?;
    session.read_back(written)?;
    enter(progress, Step::SignChallenge)?;
    sign_challenge(session, key, certificate)
}

/// Lets a key sign something new, and verifies it with the key in the certificate.
pub(super) fn sign_challenge(session: &Session, key: &StoredKey, certificate: &Certificate) -> Result<()> {
    let mut fresh = [0_u8; 32];
    getrandom::fill(&mut fresh)
        .map_err(|error| Error::new(Code::Internal).during(Step::SignChallenge).caused_by(error))?;
    let challenge = [CHALLENGE_PURPOSE, &fresh].concat();
    // The CA may have written the key in a form of its own; the token signs as for ours.
    let public = &*certificate.public_key().in_usual_form();
    session.sign(key, public, algorithm_of(public)?, &challenge, Step::SignChallenge).map(drop)
}

/// Gives the pair its final label, the private key last: until then the job counts as unfinished. A token that
/// does not let labels be changed leaves it at that, which the certificate beside the key makes harmless.
pub(super) fn rename(session: &Session, key: &PendingKey, label: &str) -> Result<Option<Notice>> {
    let mut refused = false;
    for public in &key.public {
        if public.id != key.id() {
            // An interruption while the pair got its identifiers. Refused, it is no worse than it was.
            is_refused(session.set_public_key_id(public, key.id()))?;
        }
        refused |= is_refused(session.relabel_public_key(public, label))?;
    }
    if let Some(private) = &key.private {
        refused |= is_refused(session.relabel_private_key(private, label))?;
    }
    Ok(refused.then_some(Notice::LabelKept))
}

/// A token that is gone is an error; one that merely refuses is not.
pub(super) fn is_refused(result: Result<()>) -> Result<bool> {
    match result {
        Ok(()) => Ok(false),
        Err(error) if matches!(error.code().family(), Family::Gone | Family::Internal) => Err(error),
        Err(_) => Ok(true),
    }
}
