//! Putting a certificate on the token so that nothing is believed that was not seen.

use super::run::Run;
use crate::contents::Contents;
use crate::driver::{AttributeSet, Category, Present, Session, Signed, StoredCertificate, StoredKey};
use crate::error::{Code, Error, Notice, Result, Step};
use crate::pki::Certificate;

/// A certificate that was written and read back, and whose key has signed.
pub(super) struct Written {
    pub(super) certificate: StoredCertificate,
    pub(super) notices: Vec<Notice>,
    /// The signature, where the token holds the certificate just as it was given.
    pub(super) signed: Option<Signed>,
}

/// Writes the certificate beside its key, reads it back and lets the key sign. After a failure the certificate is
/// removed again, and the key is pending as before.
pub(super) fn write_and_verify(
    session: &Session,
    key: &StoredKey,
    certificate: &Certificate,
    (id, label): (&[u8], &[u8]),
    before: Option<&Present>,
    run: &Run<'_>,
) -> Result<Written> {
    run.enter(Step::WriteCertificate)?;
    let (written, detail) = session.write_certificate(certificate, Category::User, id, label, before)?;
    match verify(session, key, certificate, &written, run) {
        Ok((mut notices, signed)) => {
            let signed = Some(signed).filter(|_| notices.is_empty());
            notices.extend((detail != AttributeSet::Full).then_some(Notice::MinimalCertificate));
            Ok(Written { certificate: written, notices, signed })
        }
        Err(error) => Err(error.after_clean_up(session.take_back(&written, before))),
    }
}

fn verify(
    session: &Session,
    key: &StoredKey,
    certificate: &Certificate,
    written: &StoredCertificate,
    run: &Run<'_>,
) -> Result<(Vec<Notice>, Signed)> {
    run.enter(Step::ReadBack)?;
    let notices = session.read_back(written)?;
    run.enter(Step::SignChallenge)?;
    let signed = sign_challenge(session, key, certificate)?;
    Ok((notices, signed))
}

/// Lets a key sign something new, and verifies it with the key in the certificate.
pub(super) fn sign_challenge(
    session: &Session,
    key: &StoredKey,
    certificate: &Certificate,
) -> Result<Signed> {
    let signed = session.challenge(key, [certificate.public_key()])?;
    match signed.public_key() {
        Some(_) => Ok(signed),
        None => Err(Error::new(Code::SignatureInvalid).during(Step::SignChallenge)),
    }
}

/// Writes the CA certificates above the new one that are not on the token yet, without a key and so with an identifier
/// of their own.
pub(super) fn write_ca_certificates(session: &Session, authorities: &[&Certificate]) -> Result<()> {
    let contents = Contents::read(session)?;
    let before = Some(contents.present().as_ref());
    let missing = |ca: &&&Certificate| !contents.stored_certificates().any(|stored| *stored.der == *ca.der());
    for ca in authorities.iter().filter(missing) {
        let label = ca.subject().common_name().unwrap_or("CA");
        let id = ca.public_key().key_id();
        let (written, _) =
            session.write_certificate(ca, Category::Authority, &id, label.as_bytes(), before)?;
        if let Err(error) = session.read_back(&written) {
            return Err(error.after_clean_up(session.take_back(&written, before)));
        }
    }
    Ok(())
}
