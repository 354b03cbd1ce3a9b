//! What was removed on this computer, asked for again: it is done, where what takes its place is whole.

use base16ct::lower::{decode_vec, encode_string as hex};
use usbtoken::driver::TokenIdentity;
use usbtoken::error::{Fact, Notice, Step, Warning};
use usbtoken::renewal::{KeyState, Retired};
use usbtoken::{Certificate, Code, Credential, Credentials, Error, Result, Session, TokenUri};

use crate::args::{Hex, Which};
use crate::journal::Removed;
use crate::kept::Keeper;
use crate::run::Run;

/// What the command line, or the token's URI, names, where that was removed here; of a row of renewals what was removed last.
pub fn meant(keeper: &Keeper, token: &TokenIdentity, which: &Which, found_by: &TokenUri) -> Option<Removed> {
    keeper.last_removed(token, |one| is_meant(one, which, found_by))
}

fn is_meant(removed: &Removed, which: &Which, found_by: &TokenUri) -> bool {
    let has_id = |id: &Hex| removed.id == hex(&id.0);
    let is_named = |name: &String| removed.is_named(name);
    match (&which.id, &which.serial) {
        (Some(_), _) | (_, Some(_)) => {
            which.id.as_ref().is_none_or(has_id) && which.serial.as_ref().is_none_or(is_named)
        }
        (None, None) => removed.is_named_by(found_by),
    }
}

/// What is left of a removal that has begun: its certificate, which the name of its key names as well.
pub fn rest(removed: Option<&Removed>, all: &Credentials) -> Option<Credential> {
    let removed = removed.filter(|removed| removed.only_begun)?;
    all.iter().find(|one| removed.is(one)).cloned()
}

/// What was removed and the credential that took its place, where a person has named it otherwise than by its identifier, and all that is
/// left of it on the token are copies, by their identifiers or labels, without its key.
pub fn gone_but_for_copies(
    removed: Option<&Removed>,
    all: &Credentials,
    chosen: &Credential,
    which: &Which,
) -> Option<(Removed, Credential)> {
    let removed =
        removed.filter(|removed| which.id.is_none() && removed.meant().had(chosen.certificate()))?;
    let mut same = all.iter().filter(|one| removed.meant().had(one.certificate()));
    let is_copy = |one: &Credential| !removed.meant().is(one) && one.key() != KeyState::Present;
    let by = all.iter().find(|one| removed.was_replaced_by(one.certificate()))?;
    same.all(is_copy).then(|| (removed.clone(), by.clone()))
}

/// The copies of what was removed that other programs have written.
pub fn copies(session: &Session, removed: &Removed) -> Vec<Warning> {
    let all = session.credentials().ok();
    let all = all.iter().flat_map(Credentials::iter).filter(|one| removed.meant().had(one.certificate()));
    let told = |one: &Credential| {
        let notice = Warning::from(Notice::CopyKept).fact(Fact::Id, hex(one.id()));
        notice.fact(Fact::Serial, one.certificate().serial())
    };
    all.map(told).collect()
}

/// Why what was chosen is not meant: a serial number is one CA's, and the certificate that had it, when it was named, was removed here. An
/// identifier means what stands under it now.
pub fn another(removed: Option<&Removed>, chosen: &Credential, which: &Which) -> Option<Error> {
    let is_by_serial = which.id.is_none() && which.serial.is_some();
    let is_other = |one: &&Removed| {
        let chosen = chosen.certificate();
        !one.meant().had(chosen) && !one.had(chosen) && !one.was_replaced_by(chosen)
    };
    let removed = removed.filter(|_| is_by_serial).filter(is_other)?;
    let error = Error::new(Code::CredentialAmbiguous).during(Step::ReadObjects);
    let name = format!("{} (serial {})", chosen.subject(), chosen.naming(chosen.certificate()));
    Some(error.fact(Fact::Candidate, name).fact(Fact::Candidate, removed.meant().name()))
}

/// What was removed and the credential that took its place, where a choice found none for that reason, and that one is accepted.
///
/// # Errors
/// Why the choice found none; where it was removed for one that is not there either, that too.
pub fn follower(
    error: Error,
    removed: Option<&Removed>,
    all: &Credentials,
    accept: impl Fn(&Credential) -> bool,
) -> Result<(Removed, Credential)> {
    let is_not_found = matches!(
        error.code(),
        Code::CredentialNotFound | Code::CredentialNotSeen | Code::CredentialAmbiguous
    );
    let Some(removed) = removed.filter(|_| is_not_found) else { return Err(error) };
    let by = all.iter().find(|one| removed.was_replaced_by(one.certificate()));
    match by {
        Some(by) if accept(by) => Ok((removed.clone(), by.clone())),
        Some(_) => Err(error),
        None => Err(error.fact(Fact::Reason, "follower_not_there")),
    }
}

/// Lets what took its place sign once more, and keeps that the removal has ended.
///
/// # Errors
/// As [`Session::end_removal`]; [`Code::CredentialNotFound`] where what was removed may be there still.
pub fn end(run: &Run, session: &Session, removed: &Removed, by: &Certificate) -> Result<Retired> {
    let id = decode_vec(&removed.id).unwrap_or_default();
    let had = (id.as_slice(), &*removed.labels());
    let ended = run.job(|call| session.end_removal(&removed.fingerprint, had, by, &call))?;
    let not_found = || Error::new(Code::CredentialNotFound).during(Step::Retire);
    let retired = ended.ok_or_else(|| not_found().fact(Fact::Serial, &removed.serial))?;
    Keeper::of_user().note(removed);
    Ok(retired)
}

/// Ends the removals that have begun in favour of this certificate and stopped when nothing was left to remove; each with the serial number of
/// what was removed. What cannot be ended is left: nothing old is there.
pub fn end_all(run: &Run, session: &Session, by: &Certificate) -> Vec<(String, Retired)> {
    let token = session.token().identity();
    let begun = Keeper::of_user().begun(token).into_iter().filter(|one| one.was_replaced_by(by));
    begun.filter_map(|one| Some((one.serial.clone(), end(run, session, &one, by).ok()?))).collect()
}
