//! The list of the credentials on a token, and the choice among them.

use super::Contents;
use super::choice::{Choice, Narrowed};
use super::copies::{gather, take_with_copies, twice};
use super::credential::{Credential, SeenKey, Surroundings, User};
use super::held::HeldCertificate;
use super::left_out::{LeftOut, Unreadable, WhyUnreadable, each_named, named, unreadable, why_none};
use super::successor::Successor;
use crate::driver::{PublicSession, Reservation, Session, Token};
use crate::error::{Call, Code, Error, Fact, Result, Step, Warning};
use crate::pki::{Certificate, Name, Window, is_named};
use crate::uri::TokenUri;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::SystemTime;

/// The credentials of a token, CA certificates left out.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    pub(super) list: Vec<Credential>,
    unreadable: Vec<Unreadable>,
    left_out: Vec<LeftOut>,
    /// What the driver answered where it did not give an object.
    refusal: Option<Call>,
    /// Whether this is what the logged-in user sees. Some tokens show certificates after the login only.
    logged_in: bool,
    /// By what this was narrowed so far.
    pub(super) choice: Choice,
}

impl Contents {
    /// The credentials: every certificate that can be read and is not a CA's, each with its key as far as hints go.
    pub(crate) fn credentials(&self) -> Credentials {
        let mut list = self.lister();
        let credentials = self.certificates.iter().enumerate();
        let credentials = credentials.filter_map(|(at, held)| list.credential(at, held)).collect();
        let unreadable = unreadable(&self.certificates, self.unreadable);
        Credentials::new(credentials, unreadable, self.refusal, self.logged_in)
    }

    /// The same, where nothing else is wanted of what was read: of thousands it is let go of as the list is made.
    pub(crate) fn into_credentials(self) -> Credentials {
        let mut list = self.lister();
        let Contents { certificates, unreadable: failed, refusal, index, logged_in, .. } = self;
        drop(index);
        let unreadable = unreadable(&certificates, failed);
        let mut credentials = Vec::with_capacity(certificates.len());
        let held = certificates.into_iter().enumerate();
        credentials.extend(held.filter_map(|(at, held)| list.credential(at, &held)));
        Credentials::new(credentials, unreadable, refusal, logged_in)
    }

    fn lister(&self) -> Lister {
        let mut surroundings = Surroundings::default();
        let certificates = self.certificates.iter().filter_map(|held| held.certificate.as_ref());
        certificates.for_each(|one| surroundings.add(one));
        let mut successors = self.successors_and_strangers();
        let rows = self.rows(&successors);
        successors.retain(|_, by| !by.strange);
        surroundings.users = self.users(&rows);
        let keys = |at| self.key_hint(at).map_or(SeenKey::Missing, |key| SeenKey::Present(Arc::clone(key)));
        Lister {
            surroundings: Arc::new(surroundings),
            keys: self.logged_in.then(|| (0..self.certificates.len()).map(keys).collect()),
            successors,
            rows,
            waiting: self.renewed_by_jobs(),
        }
    }
}

/// What makes credentials of certificates, each by its place.
struct Lister {
    surroundings: Arc<Surroundings>,
    /// None where no one is logged in.
    keys: Option<Vec<SeenKey>>,
    successors: HashMap<usize, Successor>,
    rows: Vec<usize>,
    waiting: HashSet<usize>,
}

impl Lister {
    fn credential(&mut self, at: usize, held: &HeldCertificate) -> Option<Credential> {
        let certificate = held.certificate.as_ref().filter(|certificate| !certificate.is_ca())?;
        let key = self.keys.as_ref().map(|keys| keys.get(at).cloned().unwrap_or(SeenKey::Missing));
        Some(Credential {
            stored: Arc::clone(&held.stored),
            certificate: certificate.clone(),
            key: key.unwrap_or(SeenKey::NotLookedFor),
            same_subject: 0,
            stored_as: None,
            successor: self.successors.remove(&at).map(Box::new),
            waiting: self.waiting.contains(&at),
            row: self.rows.get(at).copied().unwrap_or(at),
            chosen: None,
            surroundings: Arc::clone(&self.surroundings),
        })
    }
}

impl Contents {
    /// The row of renewals that each certificate stands in: the place of the last one in it.
    fn rows(&self, successors: &HashMap<usize, Successor>) -> Vec<usize> {
        let mut rows: Vec<usize> = (0..self.certificates.len()).collect();
        // What a record on two keys says hides no other user.
        let is_its = |(_, by): &(&usize, &Successor)| by.proven || !by.twice;
        let mut renewed: Vec<(&usize, &Successor)> = successors.iter().filter(is_its).collect();
        // A successor ends later, so its own row is known first.
        renewed.sort_by_key(|(at, _)| Reverse(self.certificate(**at).map(Certificate::not_after)));
        for (at, successor) in renewed {
            let last = self.place_of(&successor.certificate).and_then(|next| rows.get(next).copied());
            if let (Some(row), Some(last)) = (rows.get_mut(*at), last) {
                *row = last;
            }
        }
        rows
    }

    fn users(&self, rows: &[usize]) -> Vec<User> {
        let user = |(at, row): (usize, &usize)| {
            let certificate = self.certificate(at).filter(|one| !one.is_ca())?.clone();
            let may_have_key = !self.logged_in || self.key_hint(at).is_some();
            Some(User { certificate, row: *row, may_have_key })
        };
        rows.iter().enumerate().filter_map(user).collect()
    }
}

impl Credentials {
    fn new(
        mut list: Vec<Credential>,
        unreadable: Vec<Unreadable>,
        refusal: Option<Call>,
        logged_in: bool,
    ) -> Self {
        gather(&mut list);
        Credentials { list, unreadable, refusal, logged_in, ..Credentials::default() }
    }

    /// The credentials that have not ended and have another subject than this: of other users, where a first certificate
    /// is asked for.
    pub(crate) fn of_others_than(
        &self,
        subject: &Name,
        now: SystemTime,
    ) -> impl Iterator<Item = &Certificate> {
        let users = self.list.first().map(|one| one.surroundings.users.as_slice()).unwrap_or_default();
        let others = users.iter().filter(move |user| user.counts(now)).map(|user| &user.certificate);
        others.filter(|other| !other.subject().has_same_attributes(subject))
    }

    /// The credentials, in the token's order.
    pub fn iter(&self) -> std::slice::Iter<'_, Credential> {
        self.list.iter()
    }

    /// That certificates of these are on the token more than once ([`Credential::stored_as`]), and under which identifiers and labels; some of
    /// many. They are renewed as one. When one is removed, what holds it under the identifier of its key goes with it, and what others have
    /// written under another stays.
    pub fn stored_twice(&self) -> Option<Warning> {
        let mut seen = HashSet::new();
        twice(self.iter().filter(|one| !one.stored_as().is_empty() && seen.insert(one.certificate().der())))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The certificate objects that hold something that cannot be read as a certificate.
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.unreadable
    }

    /// Those that can be renewed now, in this window. One that is only said to be renewed stays, with its mark: whether
    /// it is, the renewal asks after the login.
    #[must_use]
    pub fn renewable(mut self, window: Window, now: SystemTime) -> Self {
        if !self.list.is_empty() {
            self.unreadable.clear();
        }
        let can = |one: &Credential| one.may_be_renewed(window, now);
        let (kept, others): (Vec<_>, Vec<_>) = self.list.into_iter().partition(can);
        let left_out = others.into_iter().map(|credential| LeftOut { credential, window, now });
        self.left_out.extend(left_out);
        self.choice.add(Narrowed::Renewable(window, now));
        Credentials { list: kept, ..self }
    }

    /// Those that no other is known, or said, to take the place of.
    #[must_use]
    pub fn without_successor(mut self) -> Self {
        self.list.retain(|credential| credential.successor.is_none());
        self.choice.add(Narrowed::WithoutSuccessor);
        self
    }

    /// Those but for these. Where the choice was made before the login, these are no candidates after it unless they can be
    /// renewed.
    #[must_use]
    pub fn without(mut self, these: impl Fn(&Credential) -> bool) -> Self {
        self.list.retain(|credential| !these(credential));
        self
    }

    /// Those whose place this certificate takes, also by others between them, in the order in which they may go: the
    /// oldest first.
    pub fn replaced_by(&self, new: &Certificate) -> Vec<Credential> {
        let follows = |new: &Certificate, old: &Credential| {
            old.successor.as_ref().is_some_and(|successor| successor.certificate == *new)
        };
        let mut olds: Vec<Credential> = self.list.iter().filter(|old| follows(new, old)).cloned().collect();
        let mut at = 0;
        // A successor ends later, so each stands there once.
        while let Some(one) = olds.get(at).map(|old| old.certificate().clone()) {
            olds.extend(self.list.iter().filter(|older| follows(&one, older)).cloned());
            at += 1;
        }
        olds.sort_by_key(|old| old.certificate().not_after());
        olds
    }

    /// Those with this CKA_ID.
    #[must_use]
    pub fn by_id(mut self, id: &[u8]) -> Self {
        self.unreadable.retain(|one| one.may_have(id));
        self.list.retain(|credential| credential.id() == id);
        self.left_out.retain(|one| one.credential.id() == id);
        self.choice.add(Narrowed::Id(id.to_vec()));
        self
    }

    /// Those that the object of a URI names (RFC 7512 §2.3): by CKA_ID, by the label, by a type that a credential has. A URI
    /// without any names them all.
    ///
    /// # Errors
    /// [`Code::CredentialNotFound`] with what is there when none is that one: another is never taken for it.
    pub fn named_by(mut self, uri: &TokenUri) -> Result<Self> {
        if !uri.names_object() {
            return Ok(self);
        }
        let error = self.none().fact(Fact::Expected, uri);
        let error = self.list.iter().fold(error, |error, one| error.fact(Fact::Candidate, named(one)));
        self.unreadable.retain(|one| {
            let is_labelled = |label: &str| one.is_hidden() || label == one.label;
            uri.id().is_none_or(|id| one.may_have(id)) && uri.object().is_none_or(is_labelled)
        });
        self.list.retain(|credential| credential.is_named_by(uri));
        self.choice.add(Narrowed::NamedBy(Box::new(uri.clone())));
        if self.list.is_empty() && self.unreadable.is_empty() { Err(error) } else { Ok(self) }
    }

    /// Those with this serial number, in hexadecimal; case, colons and leading zeros do not matter. Certificates of several CAs may have
    /// one number: `sha256:` and the [fingerprint](Certificate::fingerprint) names one alone ([`Credential::naming`]).
    #[must_use]
    pub fn by_serial(mut self, serial: &str) -> Self {
        let is_meant = has_serial(serial);
        // What cannot be read matches nothing, but stays when there is nothing else: then it is the answer.
        if !self.list.is_empty() {
            self.unreadable.clear();
        }
        self.list.retain(&is_meant);
        self.left_out.retain(|one| is_meant(&one.credential));
        self.choice.add(Narrowed::Serial(serial.to_owned()));
        self
    }

    /// The only one with this CKA_ID; the list stays as it is, and is not copied.
    ///
    /// # Errors
    /// As [`Credentials::only`] of [`Credentials::by_id`].
    pub fn only_with_id(&self, id: &[u8]) -> Result<Credential> {
        let unreadable = self.unreadable.iter().filter(|one| one.may_have(id)).cloned().collect();
        self.part(|one| one.id() == id, unreadable, Narrowed::Id(id.to_vec())).only()
    }

    /// The only one with this serial number, likewise.
    ///
    /// # Errors
    /// As [`Credentials::only`] of [`Credentials::by_serial`].
    pub fn only_with_serial(&self, serial: &str) -> Result<Credential> {
        let unreadable = if self.list.is_empty() { self.unreadable.clone() } else { Vec::new() };
        self.part(has_serial(serial), unreadable, Narrowed::Serial(serial.to_owned())).only()
    }

    /// The only one that can be renewed now, in this window, likewise.
    ///
    /// # Errors
    /// As [`Credentials::only`] of [`Credentials::renewable`].
    pub fn only_renewable(&self, window: Window, now: SystemTime) -> Result<Credential> {
        let can = |one: &Credential| one.may_be_renewed(window, now);
        if self.list.is_empty() || self.list.iter().any(can) {
            let unreadable = if self.list.is_empty() { self.unreadable.clone() } else { Vec::new() };
            return self.part(can, unreadable, Narrowed::Renewable(window, now)).only();
        }
        let before = self.left_out.iter().map(LeftOut::why);
        let why = why_none(before.chain(self.list.iter().map(|one| (one, window, now))));
        Err(self.of_what_is_seen(why.unwrap_or_else(|| self.none())))
    }

    /// Some of the credentials, beside these objects that cannot be read.
    fn part(
        &self,
        wanted: impl Fn(&Credential) -> bool,
        unreadable: Vec<Unreadable>,
        narrowed: Narrowed,
    ) -> Self {
        let list = self.list.iter().filter(|one| wanted(one)).cloned().collect();
        let left_out = self.left_out.iter().filter(|one| wanted(&one.credential)).cloned().collect();
        let mut choice = self.choice.clone();
        choice.add(narrowed);
        Credentials { list, unreadable, left_out, choice, refusal: self.refusal, logged_in: self.logged_in }
    }

    /// The one that is left; copies of one certificate are one. Chosen from what shows before the login, a renewal makes sure after it that no other one shows
    /// itself that this choice would have left too.
    ///
    /// # Errors
    /// [`Code::CredentialNotFound`]; from a list that was read before the login [`Code::CredentialNotSeen`], and with every
    /// error [`Fact::Seen`]: some tokens show certificates after the login only, so none seen is not none; [`Code::CredentialAmbiguous`], which lists the candidates;
    /// [`Code::CredentialUnreadable`], which lists what is there, when no certificate on the token can be read. Where
    /// [`Credentials::renewable`] left none, why: [`Code::AlreadyRenewed`] with the one that takes its place and the day
    /// on which that can be renewed, [`Code::NotYetRenewable`] with the day on which the first window opens,
    /// [`Code::Expired`], [`Code::KeyMissing`].
    pub fn only(mut self) -> Result<Credential> {
        match (take_with_copies(&mut self.list), self.list.is_empty()) {
            (Some(credential), true) if self.logged_in => Ok(credential),
            (Some(credential), true) => Ok(Credential { chosen: Some(self.choice), ..credential }),
            (None, _) if !self.unreadable.is_empty() && !self.may_be_read_later() => {
                let error = Error::new(Code::CredentialUnreadable).during(Step::ReadObjects);
                let facts = self.unreadable.iter().flat_map(Unreadable::facts);
                Err(self.of_what_is_seen(facts.fold(error, |error, (fact, value)| error.fact(fact, value))))
            }
            (None, _) => {
                let why = why_none(self.left_out.iter().map(LeftOut::why));
                Err(self.of_what_is_seen(why.unwrap_or_else(|| self.none())))
            }
            (Some(last), false) => {
                let error = Error::new(Code::CredentialAmbiguous).during(Step::ReadObjects);
                self.list.push(last);
                Err(each_named(&self.list).fold(error, |error, one| error.fact(Fact::Candidate, one)))
            }
        }
    }

    /// Whether the login may give what the driver does not give before it.
    fn may_be_read_later(&self) -> bool {
        !self.logged_in && self.unreadable.iter().all(|one| one.reason == WhyUnreadable::NotGiven)
    }

    fn none(&self) -> Error {
        let code = if self.logged_in { Code::CredentialNotFound } else { Code::CredentialNotSeen };
        Error::new(code).during(Step::ReadObjects)
    }

    /// That the PIN may show others, where it was not used.
    fn of_what_is_seen(&self, error: Error) -> Error {
        let error = match self.refusal {
            Some(call) if error.code() == Code::CredentialUnreadable => error.call(call),
            _ => error,
        };
        if self.logged_in { error } else { error.fact(Fact::Seen, "without_pin") }
    }
}

/// Whether a credential's certificate has this serial number, or this fingerprint.
fn has_serial(name: &str) -> impl Fn(&Credential) -> bool + use<> {
    let is_named = is_named(name);
    move |one| is_named(one.certificate())
}

impl<'a> IntoIterator for &'a Credentials {
    type Item = &'a Credential;
    type IntoIter = std::slice::Iter<'a, Credential>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Token {
    /// The credentials on the token, without login: certificates are public, their keys cannot be seen. Where the URI by which
    /// the token was found names an object, those that it names.
    ///
    /// # Errors
    /// What opening the session and reading return; [`Code::CredentialNotFound`] when the URI names another.
    pub fn credentials(&self) -> Result<Credentials> {
        self.open_public_session()?.credentials()?.named_by(self.found_by())
    }
}

impl Reservation {
    /// As [`Token::credentials`], in the session that is logged in later.
    ///
    /// # Errors
    /// As [`Token::credentials`].
    pub fn credentials(&self) -> Result<Credentials> {
        self.public_session()?.credentials()?.named_by(self.token().found_by())
    }
}

impl PublicSession {
    /// Every credential on the token, without login.
    ///
    /// # Errors
    /// What reading returns.
    pub fn credentials(&self) -> Result<Credentials> {
        Ok(Contents::of(self.certificates()?, false).into_credentials())
    }

    /// The same, after reading the public keys too: these tell which renewals wait for their certificate
    /// ([`Credential::has_pending_renewal`]).
    ///
    /// # Errors
    /// What reading returns.
    pub fn credentials_and_renewals(&self) -> Result<Credentials> {
        Ok(Contents::read_public(self)?.into_credentials())
    }
}

impl Session {
    /// The credentials on the token, each with its private key or without, and with the one that takes its place: the
    /// keys whose records say that have signed. Where the URI by which the token was found names an object, those that it
    /// names.
    ///
    /// # Errors
    /// What reading returns; [`Code::CredentialNotFound`] when the URI names another.
    pub fn credentials(&self) -> Result<Credentials> {
        let mut contents = Contents::read(self)?;
        self.explained(contents.prove_successors(self))?;
        contents.credentials().named_by(self.token().found_by())
    }
}
