//! Putting a certificate on the token so that nothing is believed that was not seen.

use super::run::Run;
use crate::driver::{AttributeSet, Category, Present, Session, StoredCertificate, StoredKey};
use crate::error::{Code, Error, Notice, Result, Step};
use crate::pki::Certificate;

/// Writes the certificate beside its key, reads it back and lets the key sign. After a failure the certificate is
/// removed again, and the key is pending as before.
pub(super) fn write_and_verify(
    session: &Session,
    key: &StoredKey,
    certificate: &Certificate,
    label: &[u8],
    before: Option<&Present>,
    run: &Run<'_>,
) -> Result<(StoredCertificate, Vec<Notice>)> {
    run.enter(Step::WriteCertificate)?;
    let (written, detail) = session.write_certificate(certificate, Category::User, &key.id, label, before)?;
    match verify(session, key, certificate, &written, run) {
        Ok(mut notices) => {
            notices.extend((detail != AttributeSet::Full).then_some(Notice::MinimalCertificate));
            Ok((written, notices))
        }
        Err(error) => Err(error.after_clean_up(session.take_back(&written))),
    }
}

fn verify(
    session: &Session,
    key: &StoredKey,
    certificate: &Certificate,
    written: &StoredCertificate,
    run: &Run<'_>,
) -> Result<Vec<Notice>> {
    run.enter(Step::ReadBack)?;
    let notices = session.read_back(written)?;
    run.enter(Step::SignChallenge)?;
    sign_challenge(session, key, certificate)?;
    Ok(notices)
}

/// Lets a key sign something new, and verifies it with the key in the certificate.
pub(super) fn sign_challenge(session: &Session, key: &StoredKey, certificate: &Certificate) -> Result<()> {
    let signed = session.challenge(key, [certificate.public_key()])?;
    match signed.public_key() {
        Some(_) => Ok(()),
        None => Err(Error::new(Code::SignatureInvalid).during(Step::SignChallenge)),
    }
}
