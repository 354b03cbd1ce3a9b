//! Which credential or pending key is meant, and how it is to be renewed.

use base16ct::lower::encode_string as hex;
use usbtoken::bank::KeyRule;
use usbtoken::error::{Fact, Step};
use usbtoken::pki::ProofLevel;
use usbtoken::renewal::{PendingKey, PendingState};
use usbtoken::{
    Certificate, Code, Credential, Credentials, Error, Policy, Renewal, Result, Session, TokenUri,
};

use super::chosen::Chosen;
use crate::args::{FormArg, Hex, KeyArgs, ProofArg, Which};
use crate::kept::Keeper;
use crate::run::Run;

/// The credential that is named; without a name the only one that can be renewed now.
///
/// When none can be renewed but only one is there, that one is taken: why it cannot be renewed is then said by
/// the preflight. One that is said to be renewed is taken when there is no other to renew: whether it is, its key tells
/// after the login.
pub fn credential(all: Credentials, which: &Which, force: bool, run: &Run) -> Result<Chosen<Credential>> {
    let settled = |one| Chosen { value: one, settled: true };
    let call = Keeper::of_user().remembering(run.call());
    // What was removed here is left out by what the token says.
    let all = match which.is_given() {
        true => all,
        false if force => without_removed(all),
        false => without_removed(all).without_strangers(|one| call.has_installed(one)),
    };
    let all = all.known_to(&call);
    match (&which.id, &which.serial) {
        (Some(id), Some(serial)) => all.by_id(&id.0).by_serial(serial).only().map(settled),
        (Some(id), None) => match all.by_id(&id.0) {
            // The certificates of a key that was used again have its identifier.
            row if !force && are_of_one_key(&row) => to_renew(row, run),
            named => named.only().map(settled),
        },
        (None, Some(serial)) => all.by_serial(serial).only().map(settled),
        (None, None) if force => all.only().map(settled),
        (None, None) => to_renew(all, run),
    }
}

/// Those that were not removed here. Of what was, another program may have kept a copy of the certificate; that its key is not there
/// shows after the login only, and what followed it may have been renewed and removed too.
fn without_removed(all: Credentials) -> Credentials {
    if all.iter().len() < 2 {
        return all;
    }
    let removed = Keeper::of_user().fingerprints_of_removed();
    let was_removed = |one: &Credential| {
        one.successor().is_none() && removed.contains(&hex(&one.certificate().fingerprint()))
    };
    if all.iter().all(was_removed) { all } else { all.without(was_removed) }
}

/// Another one that is to be renewed, where nothing was named and the key of the one that was chosen before the login is not there:
/// another program's copy of what was renewed elsewhere.
///
/// # Errors
/// Why there is none.
pub fn another(
    session: &Session,
    old: &Certificate,
    which: &Which,
    force: bool,
    run: &Run,
) -> Result<Option<Credential>> {
    if which.is_given() || session.token().found_by().names_object() {
        return Ok(None);
    }
    let another = credential(session.credentials()?, which, force, run)?.value;
    Ok(Some(another).filter(|another| another.certificate() != old))
}

/// Of these the only one that can be renewed now, else the one that says why none can be.
fn to_renew(all: Credentials, run: &Run) -> Result<Chosen<Credential>> {
    let settled = |one| Chosen { value: one, settled: true };
    let unsettled = |one| Chosen { value: one, settled: false };
    let now = all.clone().renewable(run.policy().window, run.now());
    let call = run.call();
    let to_renew = now.clone().to_renew(|one| call.has_installed(one));
    let renewed = all.iter().filter(|one| one.successor().is_some());
    match renewed.max_by_key(|one| one.certificate().not_after()) {
        _ if !to_renew.is_empty() => to_renew.only().map(settled),
        Some(renewed) => Ok(unsettled(renewed.clone())),
        None if all.iter().len() == 1 => all.only().map(unsettled),
        None => now.only().map(settled),
    }
}

/// Whether there are several certificates, all for one key.
fn are_of_one_key(all: &Credentials) -> bool {
    let mut keys = all.iter().map(|one| one.certificate().public_key());
    let first = keys.next();
    all.iter().len() > 1 && keys.all(|key| Some(key) == first)
}

/// The pending key with that id; without an id the only one that is accepted.
///
/// # Errors
/// [`Code::PendingNotFound`]; [`Code::PendingAmbiguous`], which lists the candidates; [`Code::KeysAlike`] where several have
/// that id.
pub fn pending(
    run: &Run,
    session: &Session,
    id: Option<&Hex>,
    accept: impl Fn(&PendingKey) -> bool,
) -> Result<PendingKey> {
    let all = session.pending_known(&run.call())?;
    let meant = |key: &PendingKey| id.map_or_else(|| accept(key), |id| key.id() == id.0);
    let mut found: Vec<PendingKey> = all.into_iter().filter(meant).collect();
    match (found.pop(), found.is_empty()) {
        (Some(key), true) => Ok(key),
        (None, _) => {
            let error = Error::new(Code::PendingNotFound).during(Step::ReadObjects);
            Err(id.into_iter().fold(error, |error, id| error.fact(Fact::Id, hex(&id.0))))
        }
        (Some(last), false) if id.is_some() => {
            Err(Error::new(Code::KeysAlike).during(Step::ReadObjects).fact(Fact::Id, hex(last.id())))
        }
        (Some(last), false) => {
            let error = Error::new(Code::PendingAmbiguous).during(Step::ReadObjects);
            let keeper = Keeper::of_user();
            let known = found.into_iter().chain([last]).map(|key| keeper.known(session, key));
            let candidates = known.map(|key| candidate(&key));
            Err(candidates.fold(error, |error, one| error.fact(Fact::Candidate, one)))
        }
    }
}

/// The key that waits for the answer in this one's place. Where several carry one record that is the one for which this computer has
/// made the request.
///
/// # Errors
/// [`Code::PendingNotFound`]; [`Code::PendingAmbiguous`] where none of several is known to be ours.
pub fn awaiting(
    run: &Run,
    session: &Session,
    keeper: &Keeper,
    renews: impl Fn(&PendingKey) -> bool,
) -> Result<PendingKey> {
    let waits = |key: &PendingKey| key.state() == PendingState::AwaitingAnswer && renews(key);
    let requested = |key: &PendingKey| waits(key) && keeper.has_requested(session, key);
    match pending(run, session, None, waits) {
        Err(error) if error.code() == Code::PendingAmbiguous => {
            pending(run, session, None, requested).map_err(|_| error)
        }
        key => key,
    }
}

/// Whether a person may be told to go on with this key: nothing says that it is somebody else's, or this computer has made the request
/// for it.
pub fn may_be_offered(session: &Session, keeper: &Keeper, key: &PendingKey) -> bool {
    let may_be_others = key.is_same_record() || key.is_request_of_another();
    !may_be_others || keeper.has_requested(session, key)
}

/// Whether a URI has this CKA_ID.
pub fn names(uri: &TokenUri, id: &[u8]) -> bool {
    uri.clone().with_id(id) == *uri
}

/// A pending key where several may be meant.
pub fn candidate(key: &PendingKey) -> String {
    let concerns = key.concerns().unwrap_or_else(|| "-".to_owned());
    format!("{} ({}, serial {concerns})", hex(key.id()), key.since())
}

/// The key that the new certificate is for, where the command line says it.
pub fn key_rule(args: &KeyArgs) -> Option<KeyRule> {
    match (args.reuse_key, args.key) {
        (true, _) => Some(KeyRule::OldAgain),
        (false, kind) => kind.map(KeyRule::Kind),
    }
}

/// What a command demands that installs nothing.
pub fn policy(run: &Run, key: &KeyArgs, proof: Option<ProofArg>) -> Policy {
    let mut policy = run.policy();
    policy.key = key_rule(key).unwrap_or(policy.key);
    policy.proof = level(proof).unwrap_or(policy.proof);
    policy
}

/// The renewal with the form of the request that the command line names; without one it is the policy's.
pub fn formed(renewal: Renewal, form: Option<FormArg>) -> Renewal {
    match form {
        Some(form) => renewal.form(form.into()),
        None => renewal,
    }
}

/// The same renewal, also where a rule of ours speaks against it, if the person wants that.
pub fn forced(renewal: Renewal, key: &KeyArgs) -> Renewal {
    let renewal = if key.force { renewal.outside_window() } else { renewal };
    if key.force || key.although_renewed { renewal.although_renewed() } else { renewal }
}

/// The level of proof that the command line demands.
pub fn level(proof: Option<ProofArg>) -> Option<ProofLevel> {
    proof.map(ProofLevel::from)
}
