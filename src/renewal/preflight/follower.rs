//! Whether what takes the place of a certificate by its record is what its renewal would be.

use crate::bank::Policy;
use crate::contents::{Contents, Credential, Credentials, Identified, KeyState, Successor, already_renewed};
use crate::driver::Session;
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{Certificate, IssuerContinuity, another_key_issued, check_chain, issuer_continuity};
use crate::renewal::renewal::Renewal;
use crate::renewal::run::Run;
use base16ct::lower::encode_string as hex;

/// What takes the old one's place, where it is not proven: of several the one that the caller's own records name; of those that stand in
/// its place on its key the one in the same name for whose CA the policy speaks. `authorities` are the CA certificates at hand.
pub(super) fn known(
    renewal: &Renewal,
    contents: &Contents,
    by: Option<Successor>,
    authorities: &[Certificate],
    run: &Run<'_>,
) -> Option<Successor> {
    let Some(old) = renewal.old_certificate() else { return by };
    // Of two on one key the caller knows the one that it has installed, and the policy whose the other is.
    let is_a_strangers = |new: &Certificate| {
        let is_on_its_key = new.public_key() == old.public_key();
        let may_be_ours = run.has_installed(new) || !run.has_installed(old);
        let is_of_another = || {
            let vouched = is_vouched_for_by_anchors(&renewal.policy, new, authorities, run);
            !vouched && !old.has_issuer_of(new)
                || is_of_another_ca(&renewal.policy, old, new, authorities, run)
        };
        is_on_its_key && !may_be_ours && is_of_another()
    };
    let by = by.filter(|by| !is_a_strangers(&by.certificate));
    if by.as_ref().is_some_and(|by| by.proven) {
        return by;
    }
    let known = contents.successor_known(old, |new| run.has_replaced(old, new));
    let is_vouched_for = |new: &Certificate| {
        let is_of_another = || is_of_another_ca(&renewal.policy, old, new, authorities, run);
        old.has_same_holder(new) && !is_a_strangers(new) && !is_of_another()
    };
    known.or(by).or_else(|| contents.successor_known(old, is_vouched_for))
}

/// Why nothing is begun for a certificate that this computer has renewed, where the new certificate is on the token and its private key does
/// not show: a driver may not show it for a while.
pub(super) fn hidden(
    renewal: &Renewal,
    credentials: &Credentials,
    by: Option<&Successor>,
    run: &Run<'_>,
) -> Option<Error> {
    if renewal.although_renewed || by.is_some_and(|by| by.signed) {
        return None;
    }
    let old = renewal.old()?;
    let installed =
        || credentials.iter().filter(|one| run.has_replaced(old.certificate(), one.certificate()));
    if installed().any(|one| one.key() != KeyState::Missing) {
        return None;
    }
    let by = installed().max_by_key(|one| one.certificate().not_after())?;
    let error = old.identify(Error::new(Code::KeyNotShown)).during(Step::Preflight);
    let error = error.fact(Fact::KeyId, hex(by.id())).fact(Fact::Reason, "key_of_renewed");
    Some(error.fact(Fact::Candidate, format!("{} (serial {})", by.subject(), by.certificate().serial())))
}

/// What took its place by the caller's own records, where nothing on the token says so: others between them have gone, or another program
/// has changed the label of its key.
pub(super) fn kept(
    renewal: &Renewal,
    session: &Session,
    contents: &mut Contents,
    run: &Run<'_>,
) -> Result<Option<Successor>> {
    let Some(old) = renewal.old_certificate() else { return Ok(None) };
    contents.successor_by_name(session, old, &run.installed_in_place_of(old))
}

/// Why nothing is begun for a certificate in whose place another one stands on its key, of another CA or in another name, though nobody can
/// tell whether it is another program's. The caller that has installed the old one, and not that, can; but where the CA may have given the
/// holder that name, another computer may have ordered it.
pub(super) fn stranger(
    renewal: &Renewal,
    contents: &Contents,
    old: &Credential,
    run: &Run<'_>,
) -> Option<Error> {
    let was = old.certificate();
    if renewal.although_renewed {
        return None;
    }
    let may_be_an_answer = |new: &&Certificate| {
        let allows = renewal.policy.subject_rule().allows(was.subject(), new.subject());
        !run.has_installed(was) || allows && was.issuer().matches(new.issuer())
    };
    let strangers = contents.strangers_in_place_of(was).filter(may_be_an_answer);
    let new = strangers.max_by_key(|new| new.not_after())?;
    let error = old.identify(Error::new(Code::SuccessorDoubtful)).during(Step::Preflight);
    let error = error.fact(Fact::Candidate, format!("{} (serial {})", new.subject(), new.serial()));
    Some(match was.issuer().matches(new.issuer()) {
        true => error
            .fact(Fact::Reason, "another_subject")
            .fact(Fact::Expected, was.subject())
            .fact(Fact::Found, new.subject()),
        false => error
            .fact(Fact::Reason, "another_ca")
            .fact(Fact::Expected, was.issuer_and_key())
            .fact(Fact::Found, new.issuer_and_key()),
    })
}

/// Why nothing is begun for a certificate with a follower whose key has signed: it is renewed, or that is doubtful. `authorities`
/// are the CA certificates at hand.
pub(super) fn refusal(
    policy: &Policy,
    old: &dyn Identified,
    by: &Successor,
    authorities: &[Certificate],
    run: &Run<'_>,
) -> Error {
    let renewed = || already_renewed(old, by, &policy.window).during(Step::Preflight);
    doubt(policy, old, by, authorities, run).unwrap_or_else(renewed)
}

/// What speaks against it: anybody with the PIN can give the record of one's key to another user's, and a certificate of any CA
/// to a key of one's own.
fn doubt(
    policy: &Policy,
    old: &dyn Identified,
    by: &Successor,
    authorities: &[Certificate],
    run: &Run<'_>,
) -> Option<Error> {
    let (was, new) = (old.certificate(), &by.certificate);
    // The caller's own records say that it was issued for the order in this one's place, or in that of what had taken it.
    if run.has_replaced(was, new) || run.installed_in_place_of(was).contains(&hex(&new.fingerprint())) {
        return None;
    }
    let doubtful = |reason| {
        let error = old.identify(Error::new(Code::SuccessorDoubtful)).during(Step::Preflight);
        error.fact(Fact::Candidate, by).fact(Fact::Reason, reason)
    };
    if !was.has_same_holder(new) {
        // One that the rule for the subject forbids would be named in vain.
        let can_be_named = policy.subject_rule().allows(was.subject(), new.subject());
        let error = doubtful("another_subject");
        let error =
            can_be_named.then(|| old.naming(new)).iter().fold(error, |e, n| e.fact(Fact::Successor, n));
        return Some(error.fact(Fact::Expected, was.subject()).fact(Fact::Found, new.subject()));
    }
    is_of_another_ca(policy, was, new, authorities, run).then(|| {
        let error = doubtful("another_ca");
        let error = error.fact(Fact::Expected, was.issuer_and_key()).fact(Fact::Found, new.issuer_and_key());
        error.fact(Fact::Successor, old.naming(new))
    })
}

fn is_vouched_for_by_anchors(
    policy: &Policy,
    new: &Certificate,
    authorities: &[Certificate],
    run: &Run<'_>,
) -> bool {
    let moment = run.now().max(new.not_before()).min(new.not_after());
    !policy.anchors.is_empty() && check_chain(new, authorities, &policy.anchors, moment).is_ok()
}

/// Whether another CA has issued it than the old one's, an anchor's or one that the policy names. Where no CA certificate is at
/// hand, names are all that there is.
fn is_of_another_ca(
    policy: &Policy,
    old: &Certificate,
    new: &Certificate,
    authorities: &[Certificate],
    run: &Run<'_>,
) -> bool {
    let Policy { anchors, issuers, .. } = policy;
    if is_vouched_for_by_anchors(policy, new, authorities, run) {
        return false;
    }
    let at_hand = || authorities.iter().chain(anchors);
    match issuer_continuity(new, Some(old), at_hand()) {
        Ok(IssuerContinuity::VerifiedByAnchor | IssuerContinuity::SameIssuer) => false,
        Ok(IssuerContinuity::NotChecked) => another_key_issued(new, old, at_hand()),
        Ok(IssuerContinuity::AnotherIssuer) => !issuers.iter().any(|named| named.matches(new.issuer())),
        Err(_) => true,
    }
}
