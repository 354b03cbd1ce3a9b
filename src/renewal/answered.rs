//! Which pending key an answer is for, and what it is when it is for none.

use super::label::JobLabel;
use super::pending::{Inventory, PendingKey, PendingState};
use super::write::sign_challenge;
use crate::code::{Code, Fact, Step};
use crate::driver::Session;
use crate::error::{Error, Result};
use crate::pki::{Answer, Certificate, jst_date};

/// Whether a key really carries a label of ours, and is not a complete one that is to be used again.
pub(super) fn is_pending(key: &PendingKey) -> bool {
    key.private.as_ref().is_some_and(|private| private.label.parse::<JobLabel>().is_ok())
}

/// The pending key and the certificate that belong together, in whatever order they come.
pub(super) fn find_match<'k>(
    answer: &Answer,
    pending: &'k [PendingKey],
) -> Result<Option<(Certificate, &'k PendingKey)>> {
    let open = |key: &&PendingKey| {
        matches!(key.state(), PendingState::AwaitingAnswer | PendingState::CertificateWritten)
    };
    let mut matches = pending.iter().filter(open).filter_map(|key| {
        let leaf = key.leaf_in(answer)?;
        let other_written = key.certificate.as_ref().is_some_and(|written| written.der != leaf.der());
        (!other_written).then(|| (leaf.clone(), key))
    });
    match (matches.next(), matches.next()) {
        (Some((_, one)), Some((_, other))) => Err(one
            .error(Code::PendingAmbiguous)
            .fact(Fact::Candidate, crate::hex(one.id()))
            .fact(Fact::Candidate, crate::hex(other.id()))),
        (found, _) => Ok(found),
    }
}

/// The certificate of the answer that is on the token already, byte for byte.
pub(super) fn on_token<'a>(answer: &'a Answer, inventory: &Inventory) -> Option<&'a Certificate> {
    answer.certificates().iter().find(|leaf| !leaf.is_ca() && inventory.holds(leaf))
}

/// For tokens that do not tell the public key: a signature that verifies with the certificate is as good.
pub(super) fn show_that_it_is_the_key(session: &Session, key: &PendingKey, leaf: &Certificate) -> Result<()> {
    let claimed = key.claimed_by(leaf);
    let (private, _) = claimed.pair()?;
    sign_challenge(session, private, leaf).map_err(|error| match error.code() {
        Code::SignatureInvalid => key.error(Code::KeyMismatch).because_of(error),
        _ => error,
    })
}

pub(super) fn already_installed(leaf: &Certificate) -> Error {
    is_there(Code::AlreadyInstalled, leaf)
}

pub(super) fn not_awaited(leaf: &Certificate) -> Error {
    is_there(Code::CertificateNotAwaited, leaf)
}

fn is_there(code: Code, leaf: &Certificate) -> Error {
    Error::new(code)
        .during(Step::CheckCertificate)
        .fact(Fact::Subject, leaf.subject())
        .fact(Fact::Serial, leaf.serial())
        .fact(Fact::Date, jst_date(leaf.not_after()))
}

/// Why none of the certificates is for a key that waits.
pub(super) fn no_leaf(answer: &Answer, pending: &[PendingKey]) -> Error {
    if let Some(instead) = answer.instead() {
        return instead;
    }
    let waiting: Vec<&PendingKey> =
        pending.iter().filter(|key| key.state() == PendingState::AwaitingAnswer).collect();
    let mut leaves = answer.certificates().iter().filter(|certificate| !certificate.is_ca());
    let code = match (waiting.is_empty(), leaves.next(), answer.certificates().len()) {
        (_, None, 1) => Code::IsCaCertificate,
        (true, ..) => Code::PendingNotFound,
        (false, Some(_), 1) => Code::KeyMismatch,
        (false, ..) => Code::AnswerNoLeaf,
    };
    let error = Error::new(code).during(Step::CheckCertificate);
    let error = waiting
        .iter()
        .filter_map(|key| key.public_key())
        .fold(error, |error, key| error.fact(Fact::Expected, crate::hex(&key.key_id())));
    answer.certificates().iter().fold(error, |error, certificate| {
        let id = crate::hex(&certificate.public_key().key_id());
        error.fact(Fact::Found, format!("{id} ({})", certificate.subject()))
    })
}
