//! Removing the old credential, last of all and only when its successor works.

mod choice;
mod ended;

use super::clock::Clock;
use super::confirmation::Confirmation;
use super::install::Installed;
use super::run::Run;
use crate::bank::{OldCredential, Policy};
use crate::contents::{Contents, Credential, Credentials, OfCopies, about};
use crate::driver::{Session, Signed, doubt};
use crate::error::{Code, Error, Fact, Result, Step, Warning};
use crate::pki::{Certificate, IssuerContinuity, doubts, jst_date, jst_time};
use base16ct::lower::encode_string as hex;
use jiff::civil::Date;
use serde::Serialize;
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
    although_issuer_not_shown: bool,
    /// Whether the caller has chosen the very object; else another program's copy of the certificate stays.
    chosen: bool,
    /// Whether a person has named it by its identifier.
    named_by_id: bool,
    /// Whether what another program has renewed stays.
    only_own: bool,
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
    /// Whether its key is there still: another certificate is for it, or may be. In a removal that stopped it may have gone before.
    pub key_stays: bool,
    /// Whether it had gone before, in a removal that stopped when nothing was left to remove.
    pub already_removed: bool,
    /// The CKA_IDs of public key objects that seem to be its and stay, since they may be another program's: the driver lets several not
    /// be told apart.
    #[serde(skip)]
    pub public_keys_kept: Vec<Vec<u8>>,
    /// The CKA_IDs of the objects that hold the very certificate and stay: other programs have written them.
    #[serde(skip)]
    pub copies: Vec<Vec<u8>>,
    /// The CKA_ID under which the certificate stood.
    #[serde(skip)]
    pub id: Vec<u8>,
    /// The CKA_LABELs of the certificate and of its private key, as far as they were there.
    #[serde(skip)]
    pub labels: Vec<Vec<u8>>,
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
            although_issuer_not_shown: false,
            chosen: true,
            named_by_id: false,
            only_own: false,
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
            although_issuer_not_shown: false,
            chosen: false,
            named_by_id: false,
            only_own: false,
            installed_on: installed.written_on,
        })
    }

    /// Certificates among which may be the CA's, such as those of the answer: who issued both may be shown by them.
    #[must_use]
    pub fn certificates(mut self, certificates: impl IntoIterator<Item = Certificate>) -> Self {
        self.certificates.extend(certificates);
        self
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

    /// Removes it although nothing shows that one CA has issued both: a person has named the [successor](Retire::successor) and looked
    /// who has issued it. Where the policy has anchors, these say it all the same.
    #[must_use]
    pub fn although_issuer_not_shown(mut self) -> Self {
        self.although_issuer_not_shown = true;
        self
    }

    /// Nobody has chosen the very object by its identifier: where the key has gone, or stays for another certificate, only the one
    /// beside the key goes, or the one whose removal has begun ([`Run::installations_in`](crate::Run::installations_in) keeps that).
    #[must_use]
    pub fn unless_copy(mut self) -> Self {
        self.chosen = false;
        self
    }

    /// Nobody has named it at all: what another program has renewed with the same key stays, unless this program keeps that it has
    /// installed the new one ([`Run::installations_in`](crate::Run::installations_in)), or a record on the token says so. Another program's
    /// certificates may stand in one name and come from one CA too.
    #[must_use]
    pub fn unless_renewed_by_another(mut self) -> Self {
        self.only_own = true;
        self
    }

    /// A person has named it by its identifier: of several private keys that sign for it the one under that identifier goes, and
    /// copies of the key under others stay.
    #[must_use]
    pub fn named_by_id(mut self) -> Self {
        self.named_by_id = true;
        self
    }

    /// Removes the credential: public key, private key, certificate.
    ///
    /// Before anything is removed the successor signs a fresh challenge, and so does the old private key. Where the successor was
    /// installed in this session less than a minute ago, it has just signed, and that counts while its handle is there. The certificate
    /// goes last: the successor's record names exactly it, so a removal that stopped in the middle is found again and is
    /// ended by asking for it once more; where nothing was left of it, and [`Run::installations_in`](crate::Run::installations_in) keeps that
    /// it began, too ([`Retired::already_removed`]).
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
    /// [`Code::RenewedByAnother`] when nobody has named it, and another program has renewed it;
    /// [`Code::OldIsCopy`] when what is left may be another program's copy, and nobody has chosen it;
    /// [`Code::SuccessorNotBesideKey`] when that has another identifier than its key, and no person has named it;
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
        }
        .knowing(run.known());
        let credentials = contents.credentials();
        let begun = run.removals().and_then(|removals| removals.begun_removal(self.old.certificate()));
        let begun = begun.filter(|id| self.is_rest(&credentials, id, session, run));
        let (id, of_copies) = match self.chosen {
            true if self.named_by_id => (self.old.id(), OfCopies::Named),
            true => (self.old.id(), OfCopies::Chosen),
            false => (begun.as_deref().unwrap_or(self.old.id()), OfCopies::Own(begun.as_deref())),
        };
        let Some(old) = self.present(&credentials, id) else {
            return self.ended(session, &mut contents, run);
        };
        self.old.is_still_the_only_one(&credentials)?;
        let followers = self.followers(session, &mut contents, old, run)?;
        if self.only_own && !self.named && begun.is_none() && !followers.is_empty() {
            let is_ours = |by: &Credential| {
                let (was, new) = (old.certificate(), by.certificate());
                // A key of its own follows by a record alone.
                new.public_key() != was.public_key()
                    || run.has_replaced(was, new)
                    || contents.is_recorded(was, new)
            };
            if !followers.iter().any(is_ours) {
                return refused(Code::RenewedByAnother);
            }
        }
        let is_begun = |one: &Certificate| run.removals().is_some_and(|all| all.begun_removal(one).is_some());
        let mut planned =
            |by: &Credential| contents.retirement(session, old, by, self.named, of_copies, &is_begun);
        let (successor, issuer) = match self.choose(&credentials, old, followers.clone(), run) {
            // What follows need not be shown where there is nothing left of it that could go unasked.
            Err(error) if !self.chosen && is_a_persons_to_say(&error) => {
                let copy = |error: &Error| error.code() == Code::OldIsCopy;
                return Err(followers.iter().find_map(|by| planned(by).err().filter(copy)).unwrap_or(error));
            }
            choice => choice?,
        };
        let retirement = planned(&successor)?;
        let labels = old.labels();
        if let Some(removals) = run.removals() {
            let token = session.token().identity();
            let what = (old.certificate(), retirement.id.as_slice(), labels.as_slice());
            removals.begin_removal(token, what, (successor.certificate(), issuer.is_shown()));
        }
        session.remove(&retirement.removal).map_err(|error| about(error, old))?;
        if let Some(removals) = run.removals() {
            removals.end_removal(&hex(&old.certificate().fingerprint()));
        }
        Ok(Retired {
            successor,
            issuer,
            key_removed: retirement.with_key,
            key_stays: retirement.key_stays,
            already_removed: false,
            public_keys_kept: retirement.public_keys_kept,
            copies: retirement.copies,
            id: retirement.id,
            labels,
        })
    }

    /// A CA may have put another user's name into the certificate for this key. Whose place it takes, a person says.
    fn make_sure_it_is_no_other_users(&self, old: &Credential, new: &Credential) -> Result<()> {
        let is_other = |other: &&Certificate| *other != new.certificate();
        match old.others_named(new.subject()).find(is_other).filter(|_| !self.named) {
            Some(other) => Err(about(doubt(Step::Retire, old.id(), "name_of_another_user"), old)
                .fact(Fact::Candidate, format!("{} (serial {})", other.subject(), other.serial()))),
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

    /// Whether what stands under this identifier is what is left of a removal that has begun, by the label that it had: another program
    /// may have written a copy there when it had gone.
    fn is_rest(&self, credentials: &Credentials, id: &[u8], session: &Session, run: &Run<'_>) -> bool {
        let fingerprint = hex(&self.old.certificate().fingerprint());
        let mut begun = run.begun_removals(session.token().identity()).into_iter();
        let Some(begun) = begun.find(|begun| begun.fingerprint == fingerprint) else { return true };
        let same = |one: &&Credential| one.certificate() == self.old.certificate() && one.id() == id;
        let mut there = credentials.iter().filter(same).peekable();
        there.peek().is_none() || there.any(|one| begun.may_have_had(one.label_bytes()))
    }

    /// The credential as it is on the token now. The same certificate may be stored twice, and the one that the caller has chosen is no
    /// other one.
    fn present<'c>(&self, credentials: &'c Credentials, id: &[u8]) -> Option<&'c Credential> {
        let same = || credentials.iter().filter(|one| one.certificate() == self.old.certificate());
        let chosen = same().find(|credential| credential.id() == id);
        chosen.or_else(|| same().next().filter(|_| !self.chosen))
    }

    /// Those that take the old one's place, each shown by a signature: by its record, or because a person has named it. Whoever
    /// renewed more than once without a removal has a row of them, and the last of it takes the place of all others.
    fn followers(
        &self,
        session: &Session,
        contents: &mut Contents,
        old: &Credential,
        run: &Run<'_>,
    ) -> Result<Vec<Credential>> {
        let Some(named) = &self.successor else {
            if let Err(doubt) = contents.make_sure_its_record_is_one(old) {
                return self.followers_in_doubt(session, contents, old, doubt, run);
            }
            let row = contents.row(session, old.certificate())?;
            if !row.is_empty() {
                return Ok(row);
            }
            let strangers = self.known_strangers(session, contents, old, run)?;
            if !strangers.is_empty() {
                return Ok(strangers);
            }
            // What was between them has gone.
            let names = run.installed_in_place_of(old.certificate());
            return Ok(Vec::from_iter(contents.shown_by_name(session, old.certificate(), &names)?));
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
        // What the record on their one key says is of an earlier one.
        let in_place = contents.strangers_in_place_of(old.certificate()).any(|one| one == named);
        match row.first() {
            _ if of_row => Ok(vec![shown]),
            None if in_place => Ok(vec![shown]),
            // That one may be named in its place.
            Some(follower) => {
                Err(refused("another_follows").fact(Fact::Successor, old.naming(follower.certificate())))
            }
            None if contents.follows_another_holders(session, &shown, old.certificate())? => {
                let name = format!("{} (serial {})", named.subject(), named.serial());
                Err(refused("follows_another").fact(Fact::Candidate, name))
            }
            None => Ok(vec![shown]),
        }
    }

    /// Of what stands in its place on its key, of another CA or in another name, those that are known to renew it: by the caller's own records,
    /// or in the same name, with what shows that they come from the right CA.
    fn known_strangers(
        &self,
        session: &Session,
        contents: &mut Contents,
        old: &Credential,
        run: &Run<'_>,
    ) -> Result<Vec<Credential>> {
        let was = old.certificate();
        let strangers: Vec<Certificate> = contents.strangers_in_place_of(was).cloned().collect();
        let mut known = Vec::new();
        for new in strangers {
            let Some(shown) = contents.shown(session, &new)? else { continue };
            let is_vouched_for = || was.has_same_holder(&new) && self.issuer(&shown, old, run).is_shown();
            if run.has_replaced(was, &new) || is_vouched_for() {
                known.push(shown);
            }
        }
        Ok(known)
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

/// Whether a person can say that the new one takes the place all the same.
fn is_a_persons_to_say(error: &Error) -> bool {
    matches!(error.code(), Code::RetireIssuerNotShown | Code::SuccessorDoubtful)
}
