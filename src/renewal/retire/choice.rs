//! Which of those that follow takes the old one's place.

use std::cmp::Reverse;
use std::time::SystemTime;

use super::Retire;
use crate::contents::{Contents, Credential, Credentials, about};
use crate::driver::{Session, doubt};
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{Certificate, IssuerContinuity, check_chain, issuer_continuity, jst_time};
use crate::renewal::clock::clock_doubt;
use crate::renewal::run::Run;

impl Retire {
    /// The one that ends last of those that follow and may: the subject rule, a later end, valid now, from the same CA, in use
    /// and confirmed. Where there is none, the error says what the one that ends last is missing.
    pub(super) fn choose(
        &self,
        credentials: &Credentials,
        old: &Credential,
        mut followers: Vec<Credential>,
        run: &Run<'_>,
    ) -> Result<(Credential, IssuerContinuity)> {
        let now = run.now();
        let refuse = |code| about(Error::new(code).during(Step::Retire), old).fact(Fact::Now, jst_time(now));
        let begun = |one: &Credential| one.certificate().not_before() <= now;
        let usable = |one: &Credential| begun(one) && one.certificate().not_after() >= now;

        let forbidden = followers.iter().find(|other| !self.has_allowed_name(other, old)).cloned();
        let named_in_vain = self.named_in_vain(&followers, old, now);
        followers.retain(|other| self.may_follow(other, old) && other.certificate().not_after() >= now);
        followers = self.of_one_holder(old, followers, run)?;
        self.make_sure_no_name_is_hidden(old, &followers, credentials)?;
        if followers.is_empty() {
            let others = credentials.iter().filter(|other| other.certificate() != old.certificate());
            let usable_others = others.filter(|other| usable(other) && other.private_key().is_ok());
            let usable_others: Vec<&Credential> = usable_others.collect();
            let follows_another_holders = |other: &Credential| {
                let holders = [other.certificate(), old.certificate()];
                let takes = |one: &Credential| {
                    let follows = one.successor().is_some_and(|by| by.certificate == *other.certificate());
                    follows && !holders.iter().all(|holder| one.certificate().has_same_holder(holder))
                };
                credentials.iter().any(takes)
            };
            let may_be_named =
                |other: &&&Credential| self.may_follow(other, old) && !follows_another_holders(other);
            let names = usable_others.iter().filter(may_be_named);
            let names =
                names.map(|other| format!("{} (serial {})", other.subject(), other.certificate().serial()));
            let names: Vec<String> = names.collect();
            let code = match old.private_key() {
                Err(_) => Code::RetireNotOurs,
                Ok(_) if usable(old) && usable_others.is_empty() => Code::RetireOnlyCredential,
                Ok(_) => Code::RetireNoSuccessor,
            };
            // By a clock that is years off nothing on the token can be used.
            if code == Code::RetireNoSuccessor
                && let Some(doubt) =
                    clock_doubt(&self.policy, credentials.iter().map(Credential::certificate), now)
            {
                let error = Error::new(Code::ClockImplausible).during(Step::Retire);
                return Err(doubt.facts().fold(error, |error, (fact, value)| error.fact(fact, value)));
            }
            let error = forbidden.iter().fold(refuse(code), |error, other| {
                let error = error.fact(Fact::Reason, "subject_differs");
                error.fact(Fact::Expected, old.subject()).fact(Fact::Found, other.subject())
            });
            let error = named_in_vain.iter().fold(error, |error, why| error.fact(Fact::Reason, why));
            return Err(names.iter().fold(error, |error, name| error.fact(Fact::Candidate, name)));
        }
        if let Some(begin) = followers.iter().map(|other| other.certificate().not_before()).min()
            && begin > now
        {
            return Err(refuse(Code::RetireNotBegun).fact(Fact::Begins, jst_time(begin)));
        }
        followers.retain(begun);
        let compared = followers.into_iter().map(|other| {
            let issuer = self.issuer(&other, old, run);
            (other, issuer)
        });
        let said = self.named && self.although_issuer_not_shown && self.policy.anchors.is_empty();
        let (mut shown, others): (Vec<_>, Vec<_>) =
            compared.partition(|(_, issuer)| said || issuer.is_shown());
        shown.sort_by_key(|(one, _)| Reverse(one.certificate().not_after()));
        let mut refusal = None;
        for (one, issuer) in shown {
            match self.make_sure_it_may_take_the_place(old, &one, run) {
                Ok(()) => return Ok((one, issuer)),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        Err(refusal.unwrap_or_else(|| {
            let error =
                refuse(Code::RetireIssuerNotShown).fact(Fact::Expected, old.certificate().issuer_and_key());
            let latest = others.into_iter().max_by_key(|(one, _)| one.certificate().not_after());
            latest.into_iter().fold(error, |error, (other, issuer)| {
                let can_be_named = self.policy.anchors.is_empty().then(|| old.naming(other.certificate()));
                let error = can_be_named.iter().fold(error, |error, name| error.fact(Fact::Successor, name));
                error
                    .fact(Fact::Found, other.certificate().issuer_and_key())
                    .fact(Fact::IssuerContinuity, issuer)
            })
        }))
    }

    /// Of those that follow by a record on two private keys the one that this program has installed in the old one's place, by its own
    /// records. Where it knows of none, a person may name the only one that one CA has issued for this holder.
    pub(super) fn followers_in_doubt(
        &self,
        session: &Session,
        contents: &mut Contents,
        old: &Credential,
        doubt: Error,
        run: &Run<'_>,
    ) -> Result<Vec<Credential>> {
        let was = old.certificate();
        let all = contents.followers_in_doubt(session, was)?;
        let (known, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|one| run.has_replaced(was, one.certificate()));
        match (known.is_empty(), others.as_slice()) {
            // Each with the key beside it, of which there may be a copy.
            (false, _) => {
                let shown = known.iter().map(|one| contents.shown(session, one.certificate()));
                Ok(shown.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
            }
            (true, [only])
                if was.has_same_holder(only.certificate()) && self.issuer(only, old, run).is_shown() =>
            {
                Err(doubt.fact(Fact::Successor, old.naming(only.certificate())))
            }
            (true, _) => Err(doubt),
        }
    }

    /// Of those that follow the ones in the old one's name. A record may have come from another user's key, and a CA may have
    /// answered in another user's name, who has no certificate here to tell that by. So another name is meant where a person says so, or
    /// where somebody has said that this CA changes common names, and the caller's own records that it was ordered.
    fn of_one_holder(
        &self,
        old: &Credential,
        mut followers: Vec<Credential>,
        run: &Run<'_>,
    ) -> Result<Vec<Credential>> {
        if self.named {
            return Ok(followers);
        }
        let latest = followers.iter().max_by_key(|one| one.certificate().not_after()).cloned();
        let was = old.certificate();
        let is_ordered = |new: &Certificate| self.made_here || run.has_replaced(was, new);
        followers.retain(|one| {
            let new = one.certificate();
            was.has_same_holder(new) || self.policy.lets_name_change() && is_ordered(new)
        });
        let Some(other) = latest.filter(|_| followers.is_empty()) else { return Ok(followers) };
        self.make_sure_it_is_no_other_users(old, &other)?;
        let error = about(Error::new(Code::SuccessorDoubtful).during(Step::Retire), old);
        let name = format!("{} (serial {})", other.subject(), other.certificate().serial());
        let reason = if is_ordered(other.certificate()) { "common_name_changed" } else { "another_subject" };
        let error = error.fact(Fact::Candidate, name).fact(Fact::Reason, reason);
        let error = error.fact(Fact::Expected, old.subject()).fact(Fact::Found, other.subject());
        Err(error.fact(Fact::Successor, old.naming(other.certificate())))
    }

    /// A certificate that cannot be read may be the other user's whose name the new one has.
    fn make_sure_no_name_is_hidden(
        &self,
        old: &Credential,
        followers: &[Credential],
        credentials: &Credentials,
    ) -> Result<()> {
        let renamed = |one: &Credential| !old.certificate().has_same_holder(one.certificate());
        match !self.named && !credentials.unreadable().is_empty() && followers.iter().any(renamed) {
            true => Err(about(doubt(Step::Retire, old.id(), "object_unreadable"), old)),
            false => Ok(()),
        }
    }

    /// Why the successor that a person has named takes no place, where it is not its name.
    fn named_in_vain(
        &self,
        followers: &[Credential],
        old: &Credential,
        now: SystemTime,
    ) -> Option<&'static str> {
        let named = self.successor.as_ref()?;
        match followers.first().map(Credential::certificate) {
            None if named == old.certificate() => Some("successor_is_the_old_one"),
            None => Some("successor_not_there"),
            Some(one) if one.not_after() < now => Some("successor_has_ended"),
            Some(one) if one.not_after() <= old.certificate().not_after() => Some("successor_ends_earlier"),
            Some(_) => None,
        }
    }

    /// Names make no follower, but they can forbid one.
    fn may_follow(&self, new: &Credential, old: &Credential) -> bool {
        self.has_allowed_name(new, old) && new.certificate().not_after() > old.certificate().not_after()
    }

    /// What is on the token is past the check of its bytes: one name in another encoding is one user.
    fn has_allowed_name(&self, new: &Credential, old: &Credential) -> bool {
        let (old, new) = (old.subject(), new.subject());
        old.has_same_attributes(new) || self.policy.subject_rule().allows(old, new)
    }

    /// Whether both come from one issuer, by what was given, what the answer brought, and what is on the token. A
    /// signature that is not the CA's shows nothing.
    pub(super) fn issuer(&self, new: &Credential, old: &Credential, run: &Run<'_>) -> IssuerContinuity {
        let now = run.now();
        let given = self.certificates.iter().chain(old.authorities());
        let given: Vec<Certificate> = given.cloned().collect();
        let anchors = &self.policy.anchors;
        let by_anchor = !anchors.is_empty() && check_chain(new.certificate(), &given, anchors, now).is_ok();
        if by_anchor {
            return IssuerContinuity::VerifiedByAnchor;
        }
        let (was, new) = (old.certificate(), new.certificate());
        match issuer_continuity(new, Some(was), anchors.iter().chain(&given)) {
            // The CA's certificate came with the answer, or was given when the removal began.
            Ok(IssuerContinuity::NotChecked) if run.has_seen_one_issuer(was, new) => {
                IssuerContinuity::SameIssuer
            }
            continuity => continuity.unwrap_or(IssuerContinuity::NotChecked),
        }
    }
}

#[cfg(test)]
mod tests;
