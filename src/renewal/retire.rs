//! Removing the old credential, last of all and only when its successor works.

use super::clock::{Clock, clock_doubt};
use super::credential::{Credential, Credentials, about, old_key};
use super::installed::{CheckedBy, Installed};
use super::label::{Job, JobLabel};
use super::pending::Inventory;
use super::write::{is_refused, sign_challenge};
use crate::code::{Code, Fact, Step};
use crate::driver::{Session, StoredKey, StoredPublicKey};
use crate::error::{Error, Result, Warning};
use crate::pki::{
    Certificate, IssuerContinuity, SubjectRule, check_chain, doubts, issuer_continuity, jst_time,
};
use std::time::SystemTime;

/// A removal of an old credential, and what must be shown first.
#[derive(Clone, Debug)]
pub struct Retire {
    old: Credential,
    by: CheckedBy,
    /// What the new certificate may be refused for, where it was installed a moment ago and nobody has logged in yet.
    doubts: Vec<Warning>,
    clock: Clock,
}

/// What was removed, and what stays in its place.
#[derive(Clone, Debug)]
pub struct Retired {
    successor: Credential,
    issuer: IssuerContinuity,
    key_removed: bool,
}

impl Retired {
    /// The credential that has signed and takes the place of the removed one.
    pub fn successor(&self) -> &Credential {
        &self.successor
    }

    /// How it was shown that both come from one issuer.
    pub fn issuer(&self) -> IssuerContinuity {
        self.issuer
    }

    /// Whether the key pair was removed too; it was not when the successor uses the same key.
    pub fn key_removed(&self) -> bool {
        self.key_removed
    }
}

impl Retire {
    /// The removal of this credential.
    pub fn of(old: &Credential) -> Self {
        Retire { old: old.clone(), by: CheckedBy::default(), doubts: Vec::new(), clock: Clock::SYSTEM }
    }

    /// The removal of the credential that an installation has replaced, with what the installation was given: the rule
    /// for the subject, the anchors, the CA certificates of the answer. `None` when it has replaced none.
    pub fn replaced_by(installed: &Installed) -> Option<Self> {
        let old = installed.replaced()?.clone();
        let doubts = doubts(installed.credential().certificate());
        Some(Retire { old, by: installed.checked_by.clone(), doubts, clock: Clock::SYSTEM })
    }

    /// How far the successor's subject may differ. Until the token tells which certificate follows which, its common
    /// name may not: it may be another person's.
    #[must_use]
    pub fn subject(mut self, rule: SubjectRule) -> Self {
        self.by.subject = rule;
        self
    }

    /// Takes a valid chain from the successor to one of the given CA certificates (DER) for shown that it comes from
    /// the right CA.
    #[must_use]
    pub fn anchor(mut self, certificate_der: impl Into<Vec<u8>>) -> Self {
        self.by.anchors.push(certificate_der.into());
        self
    }

    /// Takes the time from this clock instead of the computer's; a fixed time stands still.
    #[must_use]
    pub fn at(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Removes the credential: certificate, public key, private key.
    ///
    /// Before anything is removed the successor signs a fresh challenge, and the old private key gets a label by
    /// which an interrupted removal is found again and can be ended with [`Session::abandon`]. The certificate
    /// goes first, so that at no time a certificate without its key is to be seen.
    ///
    /// # Errors
    /// [`Code::RetireDoubtful`] when the new certificate was installed a moment ago and a server may refuse it;
    /// [`Code::RetireOnlyCredential`] when no other credential on the token can be used,
    /// [`Code::RetireNoSuccessor`] when none of the others is known to take its place, that is, has the same subject
    /// and ends later; [`Code::RetireNotBegun`] when that is not valid yet; [`Code::RetireIssuerNotShown`] when it is
    /// not shown that both come from one CA ([`IssuerContinuity`]); [`Code::RetireNotProven`] when it cannot sign or
    /// is not complete; [`Code::RetireNotOurs`] when there is no matching key pair; [`Code::DestroyFailed`] when the
    /// token keeps what it said it removed; and what the token returns.
    pub fn run(&self, session: &Session) -> Result<Retired> {
        self.make_sure_nothing_is_doubtful()?;
        session.reserve()?;
        let inventory = Inventory::read(session)?;
        let credentials = session.credentials_with(&inventory.keys)?;
        let old = present(&credentials, &self.old)?;
        let private = old_key(old, &inventory.keys).map_err(|error| error.with_code(Code::RetireNotOurs))?;
        session.make_sure_it_is_the_pair(old, &private, &inventory)?;
        let (successor, issuer) = self.successor(&credentials, old)?;
        let sound = successor.private_key().and_then(|key| {
            sign_challenge(session, key, successor.certificate())?;
            complete(key, successor)
        });
        sound.map_err(|error| match error.is_refusal() {
            true => about(Error::new(Code::RetireNotProven), old).because_of(error),
            // Nothing was learnt of the successor; what is to be done is about the token.
            false => error,
        })?;

        let shared = successor.certificate().public_key() == old.certificate().public_key();
        if shared {
            session.destroy_certificate(&old.stored, Step::Retire)?;
        } else {
            session.remove_pair(old, &private, &public_halves(&inventory, old), self.clock.now())?;
        }
        session.make_sure_retired(old)?;
        Ok(Retired { successor: successor.clone(), issuer, key_removed: !shared })
    }

    fn make_sure_nothing_is_doubtful(&self) -> Result<()> {
        if self.doubts.is_empty() {
            return Ok(());
        }
        let error = about(Error::new(Code::RetireDoubtful).during(Step::Retire), &self.old);
        Err(self.doubts.iter().fold(error, |error, doubt| {
            let error = error.fact(Fact::Detail, doubt.notice().name());
            doubt.facts().fold(error, |error, (fact, value)| error.fact(fact, value))
        }))
    }

    /// The one that ends last of those that take the old one's place: the same subject, a later end, its key there,
    /// valid now, from the same CA. Where there is none, the error says what is missing.
    fn successor<'c>(
        &self,
        credentials: &'c Credentials,
        old: &Credential,
    ) -> Result<(&'c Credential, IssuerContinuity)> {
        let now = self.clock.now();
        let refuse = |code| about(Error::new(code).during(Step::Retire), old).fact(Fact::Now, jst_time(now));
        let begun = |one: &Credential| one.certificate().not_before() <= now;
        let usable = |one: &Credential| begun(one) && one.certificate().not_after() >= now;
        let others: Vec<&Credential> = credentials
            .iter()
            .filter(|other| other.certificate() != old.certificate() && other.private_key().is_ok())
            .collect();

        let mut followers = others.clone();
        followers.retain(|other| self.follows(other, old) && other.certificate().not_after() >= now);
        if followers.is_empty() {
            // By a clock that is years ahead everything has ended.
            if let Some(doubt) = clock_doubt(credentials.iter().map(Credential::certificate), now) {
                let error = Error::new(Code::ClockImplausible).during(Step::Retire);
                return Err(doubt.facts().fold(error, |error, (fact, value)| error.fact(fact, value)));
            }
            let usable_others = others.iter().filter(|other| usable(other));
            let names = usable_others
                .map(|other| format!("{} (serial {})", other.subject(), other.certificate().serial()));
            let names: Vec<String> = names.collect();
            let only = usable(old) && names.is_empty();
            let code = if only { Code::RetireOnlyCredential } else { Code::RetireNoSuccessor };
            return Err(names.iter().fold(refuse(code), |error, name| error.fact(Fact::Candidate, name)));
        }
        if let Some(begin) = followers.iter().map(|other| other.certificate().not_before()).min()
            && begin > now
        {
            return Err(refuse(Code::RetireNotBegun).fact(Fact::Begins, jst_time(begin)));
        }
        followers.retain(|other| begun(other));
        let compared = followers.iter().map(|other| (*other, self.issuer(other, old, now)));
        let (shown, others): (Vec<_>, Vec<_>) = compared.partition(|(_, issuer)| issuer.is_shown());
        let latest = |of: Vec<(&'c Credential, IssuerContinuity)>| {
            of.into_iter().max_by_key(|(one, _)| one.certificate().not_after())
        };
        latest(shown).ok_or_else(|| {
            let error =
                refuse(Code::RetireIssuerNotShown).fact(Fact::Expected, old.certificate().issuer_and_key());
            latest(others).into_iter().fold(error, |error, (other, issuer)| {
                error
                    .fact(Fact::Found, other.certificate().issuer_and_key())
                    .fact(Fact::IssuerContinuity, issuer.name())
            })
        })
    }

    /// Whether the subject and the end say that this one takes the old one's place. Common names that differ may be
    /// those of two users of one company, so here they have to be the same.
    fn follows(&self, new: &Credential, old: &Credential) -> bool {
        let (subject, before) = (new.subject(), old.subject());
        !subject.is_empty()
            && subject.has_same_attributes(before)
            && self.by.subject.allows(before, subject)
            && new.certificate().not_after() > old.certificate().not_after()
    }

    /// Whether both come from one issuer, by what was given, what the answer brought, and what is on the token. A
    /// signature that is not the CA's shows nothing.
    fn issuer(&self, new: &Credential, old: &Credential, now: SystemTime) -> IssuerContinuity {
        let given = self.by.certificates.iter().chain(old.authorities());
        let given: Vec<Certificate> = given.cloned().collect();
        let by_anchor = !self.by.anchors.is_empty()
            && check_chain(new.certificate(), &given, &self.by.anchors, now).is_ok();
        if by_anchor {
            return IssuerContinuity::VerifiedByAnchor;
        }
        let anchors = self.by.anchors.iter().filter_map(|der| Certificate::from_der(der).ok());
        let anchors: Vec<Certificate> = anchors.collect();
        issuer_continuity(new.certificate(), Some(old.certificate()), anchors.iter().chain(&given))
            .unwrap_or(IssuerContinuity::NotChecked)
    }
}

impl Session {
    /// Removes an old credential with the usual checks; [`Retire`] has the others.
    ///
    /// # Errors
    /// As [`Retire::run`].
    pub fn retire(&self, old: &Credential, clock: impl Into<Clock>) -> Result<Retired> {
        Retire::of(old).at(clock).run(self)
    }

    /// A key that shows no public half was found by its identifier, which another key may have too. What cannot be
    /// put back is removed only after it has signed for the certificate.
    fn make_sure_it_is_the_pair(
        &self,
        old: &Credential,
        private: &StoredKey,
        inventory: &Inventory,
    ) -> Result<()> {
        let public = old.certificate().public_key();
        if inventory.keys.iter().any(|key| key.public_key.as_ref() == Some(public)) {
            return Ok(());
        }
        sign_challenge(self, private, old.certificate()).map_err(|error| match error.is_refusal() {
            true => about(Error::new(Code::RetireNotOurs).during(Step::Retire), old).because_of(error),
            false => error,
        })
    }

    fn remove_pair(
        &self,
        old: &Credential,
        private: &StoredKey,
        public: &[StoredPublicKey],
        now: SystemTime,
    ) -> Result<()> {
        let mark = JobLabel::new(Job::Retires(old.certificate().serial().to_string()), now);
        // A token that refuses new labels is no reason to keep the credential.
        is_refused(self.relabel_private_key(private, &mark.to_string()))?;
        self.destroy_certificate(&old.stored, Step::Retire)?;
        for public in public {
            self.destroy_public_key(public, Step::Retire)?;
        }
        self.destroy_private_key(private, Step::Retire)
    }

    /// Some tokens say CKR_OK to C_DestroyObject and keep the object.
    fn make_sure_retired(&self, old: &Credential) -> Result<()> {
        match self.certificates()?.iter().any(|stored| stored.der == old.certificate().der()) {
            true => Err(about(Error::new(Code::DestroyFailed).during(Step::Retire), old)),
            false => Ok(()),
        }
    }
}

/// The credential as it is on the token now.
fn present<'c>(credentials: &'c Credentials, old: &Credential) -> Result<&'c Credential> {
    credentials
        .iter()
        .find(|credential| credential.certificate().der() == old.certificate().der())
        .ok_or_else(|| about(Error::new(Code::CredentialNotFound).during(Step::Retire), old))
}

/// A successor whose key still has the label of an unfinished job was never shown to work.
fn complete(key: &StoredKey, successor: &Credential) -> Result<()> {
    match key.label.parse::<JobLabel>() {
        Ok(_) => Err(about(Error::new(Code::PendingExists).during(Step::Retire), successor)),
        Err(_) => Ok(()),
    }
}

/// The public key objects of the old pair: by value, or by identifier where they do not tell it.
fn public_halves(inventory: &Inventory, old: &Credential) -> Vec<StoredPublicKey> {
    let belongs = |public: &&StoredPublicKey| match &public.public_key {
        Some(key) => key == old.certificate().public_key(),
        None => public.id == old.id(),
    };
    inventory.public.iter().filter(belongs).cloned().collect()
}
