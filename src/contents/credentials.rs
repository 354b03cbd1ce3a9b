//! The list of the credentials on a token, and the choice among them.

use super::Contents;
use super::choice::{Choice, Narrowed};
use super::credential::{Credential, SeenKey, Surroundings, User};
use super::held::HeldCertificate;
use super::successor::Successor;
use crate::driver::{Objects, PublicSession, Reservation, Session, StoredCertificate, Token};
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{Certificate, Name, Window};
use crate::uri::TokenUri;
use base16ct::lower::encode_string as hex;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// The credentials of a token, CA certificates left out.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    list: Vec<Credential>,
    unreadable: Vec<Unreadable>,
    left_out: Vec<LeftOut>,
    /// Whether this is what the logged-in user sees. Some tokens show certificates after the login only.
    logged_in: bool,
    /// By what this was narrowed so far.
    choice: Choice,
}

/// A credential that [`Credentials::renewable_in`] left out: where none is left, why is the answer.
#[derive(Clone, Debug)]
struct LeftOut {
    credential: Credential,
    window: Window,
    now: SystemTime,
}

/// A certificate object that holds something that cannot be read as a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The CKA_ID.
    pub id: Vec<u8>,
    /// The CKA_LABEL.
    pub label: String,
    /// The length of the CKA_VALUE in bytes.
    pub size: usize,
    /// Why it cannot be read.
    pub reason: WhyUnreadable,
}

/// Why an object cannot be read as a certificate. [`Fact::Reason`] has words for the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WhyUnreadable {
    /// It ends before the length at its beginning says.
    Truncated,
    /// It has not the form of a certificate.
    NotACertificate,
    /// The driver does not give its value.
    NotGiven,
}

/// The stable snake_case name, as it is serialized.
impl fmt::Display for WhyUnreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WhyUnreadable::Truncated => "truncated",
            WhyUnreadable::NotACertificate => "not_a_certificate",
            WhyUnreadable::NotGiven => "not_given",
        })
    }
}

impl Unreadable {
    fn of(stored: &StoredCertificate) -> Self {
        // What begins as something else has no length that would mean anything.
        let is_cut_short = stored.der.starts_with(&[0x30]) && Certificate::is_cut_short(&stored.der);
        Unreadable {
            id: stored.id.clone(),
            label: stored.label.as_str().to_owned(),
            size: stored.der.len(),
            reason: if is_cut_short { WhyUnreadable::Truncated } else { WhyUnreadable::NotACertificate },
        }
    }

    /// The object and why, as facts of an error or a notice.
    pub(crate) fn facts(&self) -> [(Fact, String); 2] {
        [(Fact::Candidate, self.to_string()), (Fact::Reason, self.reason.to_string())]
    }
}

/// Which object it is.
impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "id {}, label \"{}\", {} bytes", hex(&self.id), self.label, self.size)
    }
}

impl Contents {
    /// The credentials: every certificate that can be read and is not a CA's, each with its key as far as hints go.
    pub(crate) fn credentials(&self) -> Credentials {
        let mut surroundings = Surroundings::default();
        self.certificates
            .iter()
            .filter_map(|held| held.certificate.as_ref())
            .for_each(|one| surroundings.add(one));
        let key_of = |at| match (self.logged_in, self.key_hint(at)) {
            (false, _) => SeenKey::NotLookedFor,
            (true, None) => SeenKey::Missing,
            (true, Some(key)) => SeenKey::Present(Box::new(key.clone())),
        };
        let mut successors = self.successors();
        let renewed = self.renewed_by_jobs();
        let rows = self.rows(&successors);
        surroundings.users = self.users(&rows);
        let surroundings = Arc::new(surroundings);
        let list = self.certificates.iter().enumerate().filter_map(|(at, held)| {
            let certificate = held.certificate.clone().filter(|certificate| !certificate.is_ca())?;
            Some(Credential {
                stored: held.stored.clone(),
                key: key_of(at),
                same_subject: 0,
                successor: successors.remove(&at),
                waiting: renewed.contains(&at),
                chosen: None,
                row: rows.get(at).copied().unwrap_or(at),
                surroundings: Arc::clone(&surroundings),
                certificate,
            })
        });
        let unreadable = unreadable(&self.certificates, self.unreadable);
        Credentials { logged_in: self.logged_in, ..Credentials::new(list.collect(), unreadable) }
    }

    /// The row of renewals that each certificate stands in: the place of the last one in it.
    fn rows(&self, successors: &HashMap<usize, Successor>) -> Vec<usize> {
        let next = |at: usize| self.place_of(&successors.get(&at)?.certificate);
        let last = |first: usize| {
            let mut at = first;
            // A successor ends later, so no row is longer than the list.
            while let Some(later) = next(at) {
                at = later;
            }
            at
        };
        (0..self.certificates.len()).map(last).collect()
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

/// What is no certificate although it should be one, and as many objects as could not be read at all.
fn unreadable(certificates: &[HeldCertificate], failed: usize) -> Vec<Unreadable> {
    let unparsed = certificates.iter().filter(|held| held.certificate.is_none());
    let unparsed = unparsed.map(|held| Unreadable::of(&held.stored));
    let reason = WhyUnreadable::NotGiven;
    let hidden = Unreadable { id: Vec::new(), label: String::new(), size: 0, reason };
    unparsed.chain(std::iter::repeat_n(hidden, failed)).collect()
}

impl Credentials {
    fn new(mut list: Vec<Credential>, unreadable: Vec<Unreadable>) -> Self {
        let mut subjects: HashMap<Vec<u8>, usize> = HashMap::new();
        for one in &list {
            *subjects.entry(one.subject().der().to_vec()).or_default() += 1;
        }
        for one in &mut list {
            let same = subjects.get(one.certificate.subject().der()).copied().unwrap_or_default();
            one.same_subject = same.saturating_sub(1);
        }
        Credentials { list, unreadable, ..Credentials::default() }
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
        others.filter(|other| !other.subject().matches(subject))
    }

    /// The credentials, in the token's order.
    pub fn iter(&self) -> std::slice::Iter<'_, Credential> {
        self.list.iter()
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
        let can = |one: &Credential| one.refusal(&window, now).is_none();
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

    /// Those with this CKA_ID.
    #[must_use]
    pub fn by_id(mut self, id: &[u8]) -> Self {
        self.unreadable.retain(|one| one.id == id);
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
            uri.id().is_none_or(|id| id == one.id) && uri.object().is_none_or(|label| label == one.label)
        });
        self.list.retain(|credential| credential.is_named_by(uri));
        self.choice.add(Narrowed::NamedBy(Box::new(uri.clone())));
        if self.list.is_empty() && self.unreadable.is_empty() { Err(error) } else { Ok(self) }
    }

    /// Those with this serial number, in hexadecimal; case and leading zeros do not matter.
    #[must_use]
    pub fn by_serial(mut self, serial: &str) -> Self {
        let plain = |text: &str| text.trim_start_matches('0').to_ascii_lowercase();
        let wanted = plain(serial);
        let is_meant = |one: &Credential| plain(&one.certificate().serial().to_string()) == wanted;
        // What cannot be read matches nothing, but stays when there is nothing else: then it is the answer.
        if !self.list.is_empty() {
            self.unreadable.clear();
        }
        self.list.retain(is_meant);
        self.left_out.retain(|one| is_meant(&one.credential));
        self.choice.add(Narrowed::Serial(serial.to_owned()));
        self
    }

    /// The one that is left. Chosen from what shows before the login, a renewal makes sure after it that no other one shows
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
        match (self.list.pop(), self.list.is_empty()) {
            (Some(credential), true) if self.logged_in => Ok(credential),
            (Some(credential), true) => Ok(Credential { chosen: Some(self.choice), ..credential }),
            (None, _) if !self.unreadable.is_empty() => {
                let error = Error::new(Code::CredentialUnreadable).during(Step::ReadObjects);
                let facts = self.unreadable.iter().flat_map(Unreadable::facts);
                Err(self.of_what_is_seen(facts.fold(error, |error, (fact, value)| error.fact(fact, value))))
            }
            (None, _) => Err(self.of_what_is_seen(self.why_none())),
            (Some(last), false) => {
                let error = Error::new(Code::CredentialAmbiguous).during(Step::ReadObjects);
                let all = self.list.iter().chain([&last]);
                Err(all.fold(error, |error, one| error.fact(Fact::Candidate, named(one))))
            }
        }
    }

    /// Those that the same choice leaves of this list.
    fn chosen_by(self, choice: &Choice) -> Self {
        choice.iter().fold(self, |all, narrowed| match narrowed {
            Narrowed::Renewable(window, now) => all.renewable(*window, *now),
            Narrowed::WithoutSuccessor => all.without_successor(),
            Narrowed::Id(id) => all.by_id(id),
            Narrowed::Serial(serial) => all.by_serial(serial),
            Narrowed::NamedBy(uri) => all.named_by(uri).unwrap_or_default(),
        })
    }

    fn none(&self) -> Error {
        let code = if self.logged_in { Code::CredentialNotFound } else { Code::CredentialNotSeen };
        Error::new(code).during(Step::ReadObjects)
    }

    /// That the PIN may show others, where it was not used.
    fn of_what_is_seen(&self, error: Error) -> Error {
        if self.logged_in { error } else { error.fact(Fact::Seen, "without_pin") }
    }

    /// Why there is none: of those that were left out, the one that matters most, and the others with their reasons. Of
    /// several windows the one that opens first, of several ends the last.
    fn why_none(&self) -> Error {
        let mut why: Vec<((u8, i64), &Credential, Error)> = Vec::new();
        for LeftOut { credential, window, now } in &self.left_out {
            let Some(error) = credential.refusal(window, *now) else { continue };
            let days = credential.days_left(*now);
            let rank = match error.code() {
                Code::AlreadyRenewed => (0, days),
                Code::NotYetRenewable => (1, days),
                Code::Expired => (2, -days),
                _ => (3, 0),
            };
            why.push((rank, credential, error));
        }
        why.sort_by_key(|(rank, ..)| *rank);
        let mut why = why.into_iter();
        let Some((_, _, first)) = why.next() else {
            return self.none();
        };
        // Of one that is renewed the only candidate is the one that takes its place.
        let others = why.filter(|_| first.code() != Code::AlreadyRenewed);
        let others: Vec<String> =
            others.map(|(_, one, why)| format!("{}: {}", named(one), why.code().name())).collect();
        others.iter().fold(first, |error, other| error.fact(Fact::Candidate, other))
    }
}

impl Credential {
    /// Makes the choice again in what the logged-in user sees, where it was made before the login. A copy of the same
    /// certificate is no other one.
    ///
    /// # Errors
    /// [`Code::CredentialAmbiguous`], which lists the candidates.
    pub(crate) fn is_still_the_only_one(&self, all: &Credentials) -> Result<()> {
        let Some(choice) = &self.chosen else { return Ok(()) };
        let now = all.clone().chosen_by(choice);
        let others: Vec<_> = now.iter().filter(|one| one.certificate() != self.certificate()).collect();
        if others.is_empty() {
            return Ok(());
        }
        let error = Error::new(Code::CredentialAmbiguous).during(Step::ReadObjects);
        Err([self]
            .into_iter()
            .chain(others)
            .fold(error, |error, one| error.fact(Fact::Candidate, named(one))))
    }
}

/// What tells a credential from others, on one line.
fn named(credential: &Credential) -> String {
    let (subject, serial) = (credential.subject(), credential.certificate().serial());
    format!("{subject} (serial {serial}, id {})", hex(credential.id()))
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
        let (certificates, unreadable) = self.certificates()?;
        let objects = Objects { certificates, unreadable, ..Objects::default() };
        Ok(Contents::of(objects, false).credentials())
    }

    /// The same, after reading the public keys too: these tell which renewals wait for their certificate
    /// ([`Credential::has_pending_renewal`]).
    ///
    /// # Errors
    /// What reading returns.
    pub fn credentials_and_renewals(&self) -> Result<Credentials> {
        Ok(Contents::read_public(self)?.credentials())
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
        self.or_login_lost(contents.prove_successors(self))?;
        contents.credentials().named_by(self.token().found_by())
    }
}
