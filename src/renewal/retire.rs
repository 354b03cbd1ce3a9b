//! Removing the old credential, last of all and only when its successor works.

use super::clock::{Clock, clock_doubt};
use super::confirmation::Confirmation;
use super::install::Installed;
use super::run::Run;
use crate::bank::{OldCredential, Policy};
use crate::contents::{Contents, Credential, Credentials, about};
use crate::driver::{Session, Signed, doubt};
use crate::error::{Code, Error, Fact, Result, Step, Warning};
use crate::pki::{Certificate, IssuerContinuity, check_chain, doubts, issuer_continuity, jst_date, jst_time};
use jiff::civil::Date;
use serde::Serialize;
use std::cmp::Reverse;
use std::time::SystemTime;

/// A removal of an old credential, and what must be shown first.
#[derive(Clone, Debug)]
pub struct Retire {
    old: Credential,
    policy: Policy,
    /// The certificates of the response, among which may be the CA's.
    certificates: Vec<Certificate>,
    /// What the new certificate may be refused for, where it was installed a moment ago and no one has logged in yet.
    doubts: Vec<Warning>,
    successor: Option<Certificate>,
    /// The successor with what it has signed, where it was installed in this session.
    installed: Option<(Credential, Signed)>,
    /// Whether a person has named it.
    named: bool,
    /// Whether its key was made by this process to take the old one's place, so that no record has to say so.
    made_here: bool,
    /// Records of logins, and the address that they must be of.
    confirmations: Vec<Confirmation>,
    login_url: String,
    although_kept: bool,
    /// The day on which the successor was installed, where that is known.
    installed_on: Option<Date>,
}

/// What was removed, and what stays in its place.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Retired {
    /// The credential that has signed and takes the place of the removed one.
    pub successor: Credential,
    /// How it was shown that both come from one issuer.
    pub issuer: IssuerContinuity,
    /// Whether the key pair was removed too; it was not when the successor, or another certificate, uses the same key.
    pub key_removed: bool,
}

impl Retire {
    /// The removal of this credential: its successor must be allowed by the policy's rule for the subject, and a valid
    /// chain to one of its anchors shows that it comes from the right CA.
    pub fn of(old: &Credential, policy: &Policy) -> Self {
        let (old, policy) = (old.clone(), policy.clone());
        Retire {
            old,
            policy,
            certificates: Vec::new(),
            doubts: Vec::new(),
            successor: None,
            installed: None,
            named: false,
            made_here: false,
            confirmations: Vec::new(),
            login_url: String::new(),
            although_kept: false,
            installed_on: None,
        }
    }

    /// The removal of the credential that an installation has replaced, by the policy that the installation went by, with
    /// the CA certificates of its response. `None` when it has replaced none, or the token has
    /// put it in that one's place.
    pub fn replaced_by(installed: &Installed) -> Option<Self> {
        let new = installed.credential.certificate();
        Some(Retire {
            old: installed.replaced.clone()?,
            policy: installed.policy.clone(),
            certificates: installed.certificates.clone(),
            doubts: doubts(new),
            successor: Some(new.clone()),
            installed: installed.signed.clone().map(|signed| (installed.credential.clone(), signed)),
            named: false,
            made_here: installed.made_here,
            confirmations: Vec::new(),
            login_url: String::new(),
            although_kept: false,
            installed_on: installed.written_on,
        })
    }

    /// The certificate that takes the place of the old one, named by a person. Without it, that is what the records on the
    /// private keys say, the last of a row of renewals first; credentials that other programs or the first release have renewed have none.
    #[must_use]
    pub fn successor(mut self, new: &Certificate) -> Self {
        self.successor = Some(new.clone());
        self.named = true;
        self
    }

    /// Logins that were confirmed at this address, where the bank's customers log in. Without one with the successor a policy of
    /// [`OldCredential::RemoveAfterConfirmation`] removes nothing; it must have been made since that certificate began and
    /// within the last 30 days.
    #[must_use]
    pub fn confirmed(mut self, records: impl IntoIterator<Item = Confirmation>, login_url: &str) -> Self {
        self.confirmations.extend(records);
        login_url.clone_into(&mut self.login_url);
        self
    }

    /// Removes it although the policy keeps it ([`OldCredential::Keep`], which is also what a policy says that nobody has
    /// changed): a person wants that, and the bank lets them.
    #[must_use]
    pub fn although_kept(mut self) -> Self {
        self.although_kept = true;
        self
    }

    /// Removes the credential: public key, private key, certificate.
    ///
    /// Before anything is removed the successor signs a fresh challenge, and so does the old private key. Where the successor was
    /// installed in this session less than a minute ago, it has just signed, and that counts while its handle is there. The certificate
    /// goes last: the successor's record names exactly it, so a removal that stopped in the middle is found again and is
    /// ended by asking for it once more.
    ///
    /// # Errors
    /// [`Code::RetireKept`] when the policy keeps it; [`Code::RetireNotConfirmed`] when the policy waits for a confirmation
    /// and none of the successor is there; [`Code::NotInUseYet`] while the bank does not take the new one yet; [`Code::RetireBeforeWindow`] when the new one was
    /// ordered before the policy's window for the old one opened, and that binds the removal;
    /// [`Code::RetireDoubtful`] when the new certificate was installed a moment ago and a server may refuse it;
    /// [`Code::RetireOnlyCredential`] when no other credential on the token can be used,
    /// [`Code::RetireNoSuccessor`] when none of the others is known to take its place, by its record or by name;
    /// [`Code::SuccessorDoubtful`] when only a record says so, and the names differ;
    /// [`Code::RetireNotBegun`] when that is not valid yet; [`Code::RetireIssuerNotShown`] when it is
    /// not shown that both come from one CA ([`IssuerContinuity`]); [`Code::RetireNotProven`] when the one that was named
    /// cannot sign; [`Code::RetireNotOurs`] when there is neither a successor nor the key of the old one;
    /// [`Code::RetireOlderFirst`] while the one that this one has replaced is on the token;
    /// [`Code::RemovalDoubtful`] when two private keys sign for it, the record of the one that follows is on two, an object
    /// is not what it was, or the new certificate has the name of another user whose credential is on the token and no
    /// person has named it; [`Code::DestroyFailed`] when the token keeps what it said it removed; and what the token returns.
    pub fn run(&self, session: &Session, run: &Run<'_>) -> Result<Retired> {
        run.watching(|| session.explained(self.run_logged_in(session, run)))
    }

    fn run_logged_in(&self, session: &Session, run: &Run<'_>) -> Result<Retired> {
        run.enter(Step::Retire)?;
        let refused = |code| Err(about(Error::new(code).during(Step::Retire), &self.old));
        if self.policy.old == OldCredential::Keep && !self.although_kept {
            return refused(Code::RetireKept);
        }
        self.make_sure_nothing_is_doubtful()?;
        session.reserve()?;
        let mut contents = match &self.installed {
            Some((new, signed)) if signed.is_fresh() => Contents::read_after(session, new, signed)?,
            _ => Contents::read(session)?,
        };
        let credentials = contents.credentials();
        let old = present(&credentials, &self.old)?;
        self.old.is_still_the_only_one(&credentials)?;
        let followers = self.followers(session, &mut contents, old)?;
        let (successor, issuer) = self.choose(&credentials, old, followers, run)?;
        let retirement = contents.retirement(session, old, &successor, self.named)?;
        session.remove(&retirement.removal).map_err(|error| about(error, old))?;
        Ok(Retired { successor, issuer, key_removed: retirement.with_key })
    }

    /// A CA may have put another user's name into the certificate for this key. Whose place it takes, a person says.
    fn make_sure_it_is_no_other_users(&self, old: &Credential, new: &Credential) -> Result<()> {
        let is_other = |other: &&Certificate| *other != new.certificate();
        match old.others_named(new.subject()).find(is_other).filter(|_| !self.named) {
            Some(other) => Err(about(doubt(Step::Retire, old.id(), "name_of_another_user"), old)
                .fact(Fact::Candidate, format!("{} (serial {})", other.subject(), other.serial()))
                .fact(Fact::Successor, new.certificate().serial())),
            None => Ok(()),
        }
    }

    /// What else a successor has to be: no other user's, ordered when the bank renews the old one, in use at the bank, and
    /// confirmed where the policy waits for that.
    fn make_sure_it_may_take_the_place(
        &self,
        old: &Credential,
        new: &Credential,
        run: &Run<'_>,
    ) -> Result<()> {
        let now = run.now();
        self.make_sure_it_is_no_other_users(old, new)?;
        self.make_sure_the_window_was_open(old, new, now)?;
        self.make_sure_it_works(old, new, run)?;
        self.make_sure_of_login(new, now)
    }

    /// When a certificate makes room for another is the bank's to say, and a certificate can be ordered in ways of which nobody sees
    /// that they renew one: as a first one, under another name. What has ended makes room for any.
    fn make_sure_the_window_was_open(
        &self,
        old: &Credential,
        new: &Credential,
        now: SystemTime,
    ) -> Result<()> {
        let ends = old.certificate().not_after();
        let has_ended = ends < now.min(Clock::SYSTEM.now());
        let (opens_on, ordered_on) = (self.policy.window.opens_on(ends), new.ordered_on(old.certificate()));
        if !self.policy.window_binds_removal || has_ended || opens_on <= ordered_on {
            return Ok(());
        }
        Err(about(Error::new(Code::RetireBeforeWindow).during(Step::Retire), old)
            .fact(Fact::Candidate, format!("{} (serial {})", new.subject(), new.certificate().serial()))
            .fact(Fact::OrderedOn, ordered_on)
            .fact(Fact::WindowOpens, opens_on)
            .fact(Fact::Date, jst_date(ends)))
    }

    /// Where the policy waits for a login, one with that very certificate is confirmed.
    fn make_sure_of_login(&self, successor: &Credential, now: SystemTime) -> Result<()> {
        if self.policy.old != OldCredential::RemoveAfterConfirmation {
            return Ok(());
        }
        let not_confirmed = || Err(Error::new(Code::RetireNotConfirmed).during(Step::Retire));
        let of_successor = self.confirmations.iter().filter(|record| record.is_of(successor.certificate()));
        let checked = of_successor.map(|record| record.check(successor.certificate(), &self.login_url, now));
        checked.reduce(Result::or).unwrap_or_else(not_confirmed).map_err(|error| {
            about(error, &self.old).fact(
                Fact::Candidate,
                format!("{} (serial {})", successor.subject(), successor.certificate().serial()),
            )
        })
    }

    /// Until the bank takes the new one, the old one is needed. The bank goes by the time that it is: a time that the caller
    /// has put ahead brings that day no nearer.
    fn make_sure_it_works(&self, old: &Credential, new: &Credential, run: &Run<'_>) -> Result<()> {
        let now = run.now().min(Clock::SYSTEM.now());
        let installed = self.installed_on.into_iter().chain(run.installed_on(new.certificate()));
        let issued = installed.fold(new.not_issued_before(), Date::max);
        match self.policy.not_in_use_before(issued, Some(old.certificate().not_after()), now) {
            Some(day) => Err(about(Error::new(Code::NotInUseYet).during(Step::Retire), old)
                .fact(Fact::Candidate, format!("{} (serial {})", new.subject(), new.certificate().serial()))
                .fact(Fact::Date, day)
                .fact(Fact::Now, jst_time(now))),
            None => Ok(()),
        }
    }

    fn make_sure_nothing_is_doubtful(&self) -> Result<()> {
        if self.doubts.is_empty() {
            return Ok(());
        }
        let error = about(Error::new(Code::RetireDoubtful).during(Step::Retire), &self.old);
        Err(self.doubts.iter().fold(error, |error, doubt| {
            let error = error.fact(Fact::Detail, doubt.notice.name());
            doubt.facts().fold(error, |error, (fact, value)| error.fact(fact, value))
        }))
    }

    /// Those that take the old one's place, each shown by a signature: by its record, or because a person has named it. Whoever
    /// renewed more than once without a removal has a row of them, and the last of it takes the place of all others.
    fn followers(
        &self,
        session: &Session,
        contents: &mut Contents,
        old: &Credential,
    ) -> Result<Vec<Credential>> {
        let Some(named) = &self.successor else {
            contents.make_sure_its_record_is_one(old)?;
            return contents.row(session, old.certificate());
        };
        if !contents.is_there(named) || named == old.certificate() {
            return Ok(Vec::new());
        }
        let not_proven = || about(Error::new(Code::RetireNotProven).during(Step::Retire), old);
        let shown = contents.shown(session, named)?.ok_or_else(not_proven)?;
        // A person may name one that has no record; what the records say they cannot name away.
        let row = contents.row(session, old.certificate())?;
        let of_row = row.iter().any(|follower| follower.certificate() == named);
        let refused = |reason| about(doubt(Step::Retire, old.id(), reason), old);
        match row.first() {
            _ if of_row => Ok(vec![shown]),
            // That one may be named in its place.
            Some(follower) => {
                Err(refused("another_follows").fact(Fact::Successor, follower.certificate().serial()))
            }
            None if contents.follows_another_holders(session, &shown, old.certificate())? => {
                let name = format!("{} (serial {})", named.subject(), named.serial());
                Err(refused("follows_another").fact(Fact::Candidate, name))
            }
            None => Ok(vec![shown]),
        }
    }

    /// The one that ends last of those that follow and may: the subject rule, a later end, valid now, from the same CA, in use
    /// and confirmed. Where there is none, the error says what the one that ends last is missing.
    fn choose(
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
        let (mut shown, others): (Vec<_>, Vec<_>) = compared.partition(|(_, issuer)| issuer.is_shown());
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
                error
                    .fact(Fact::Found, other.certificate().issuer_and_key())
                    .fact(Fact::IssuerContinuity, issuer)
            })
        }))
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
        Err(error.fact(Fact::Successor, other.certificate().serial()))
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
    fn issuer(&self, new: &Credential, old: &Credential, run: &Run<'_>) -> IssuerContinuity {
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
            // The CA's certificate came with the answer.
            Ok(IssuerContinuity::NotChecked) if run.has_seen_one_issuer(was, new) => {
                IssuerContinuity::SameIssuer
            }
            continuity => continuity.unwrap_or(IssuerContinuity::NotChecked),
        }
    }
}

impl Session {
    /// Removes an old credential; [`Retire`] can be told which certificate follows it.
    ///
    /// # Errors
    /// As [`Retire::run`].
    pub fn retire(&self, old: &Credential, policy: &Policy, run: &Run<'_>) -> Result<Retired> {
        Retire::of(old, policy).run(self, run)
    }
}

/// The credential as it is on the token now.
fn present<'c>(credentials: &'c Credentials, old: &Credential) -> Result<&'c Credential> {
    // The same certificate may be stored twice.
    let same = || credentials.iter().filter(|credential| credential.certificate() == old.certificate());
    same()
        .find(|credential| credential.id() == old.id())
        .or_else(|| same().next())
        .ok_or_else(|| about(Error::new(Code::CredentialNotFound).during(Step::Retire), old))
}
