//! The credentials on a token: certificates, each with its private key where that can be seen.

use super::choice::Choice;
use super::record::{Marking, Record};
use super::successor::{Renewed, Successor};
use crate::driver::{Label, StoredCertificate, StoredKey};
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{
    Certificate, FINGERPRINT, KeyAlgorithm, Name, Window, WindowState, days_left, is_named, jst_date,
    jst_rfc3339, jst_time,
};
use crate::uri::{ObjectType, TokenUri};
use base16ct::lower::encode_string as hex;
use jiff::civil::{Date, DateTime};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// A certificate on the token, and its private key where it was searched for.
///
/// A clone shares what was read from the token.
#[derive(Clone, Debug)]
pub struct Credential {
    pub(super) stored: Arc<StoredCertificate>,
    pub(super) certificate: Certificate,
    pub(super) key: SeenKey,
    pub(super) same_subject: usize,
    /// The objects that hold this very certificate, where there are several.
    pub(super) stored_as: Option<Arc<[StoredCopy]>>,
    pub(super) successor: Option<Box<Successor>>,
    pub(super) waiting: bool,
    /// The row of renewals that it stands in, by its number in the surroundings.
    pub(super) row: usize,
    pub(super) surroundings: Arc<Surroundings>,
    /// How it was chosen, where that was before the login.
    pub(super) chosen: Option<Choice>,
}

/// One of several objects on a token that hold the very same certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredCopy {
    /// The CKA_ID.
    pub id: Vec<u8>,
    /// The CKA_LABEL.
    pub label: String,
}

/// Which object it is.
impl fmt::Display for StoredCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "id {}, label \"{}\"", hex(&self.id), self.label)
    }
}

/// What was seen on the token beside the credentials when they were listed.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    /// The certificates of CAs, and those that say that they are their own issuer.
    authorities: Vec<Certificate>,
    /// The latest beginning of a certificate: the clock was not before it when that was issued.
    latest: Option<SystemTime>,
    /// Users' certificates, each with the row of renewals that it stands in and whether its key was seen where keys were
    /// searched for.
    pub(super) users: Vec<User>,
}

/// A user's certificate on the token.
#[derive(Debug)]
pub(super) struct User {
    pub(super) certificate: Certificate,
    pub(super) row: usize,
    pub(super) may_have_key: bool,
}

/// What is known of the private key of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// No one logged in, so private keys cannot be seen.
    NotLookedFor,
    /// The key is not on the token.
    Missing,
    /// A key is there that is this one's as far as hints go: it reports the certificate's public key, or it has the same
    /// CKA_ID and nothing says that it is another's. Nothing is destroyed on that.
    Present,
}

/// The same with the key.
#[derive(Clone, Debug)]
pub(super) enum SeenKey {
    NotLookedFor,
    Missing,
    Present(Arc<StoredKey>),
}

/// Whether a credential can be renewed now, or why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewable {
    /// It can.
    Yes,
    /// The window is not open yet.
    NotYet,
    /// The certificate has expired; it has to be issued anew.
    Expired,
    /// It works still, and the bank renews it no more.
    Closed,
    /// The private key is not on the token.
    KeyMissing,
    /// It is renewed: the one that takes its place is on the token, and its key has signed ([`Credential::successor`]).
    Renewed,
    /// Public objects say that it is renewed, which anybody can write on some tokens. A renewal asks the private key
    /// after the login, and goes on if it says nothing of the kind.
    SaidRenewed,
}

impl Renewable {
    /// The code that says why not; `None`: it can.
    pub const fn code(self) -> Option<Code> {
        match self {
            Renewable::Yes => None,
            Renewable::NotYet => Some(Code::NotYetRenewable),
            Renewable::Expired => Some(Code::Expired),
            Renewable::Closed => Some(Code::RenewalClosed),
            Renewable::KeyMissing => Some(Code::KeyMissing),
            Renewable::Renewed | Renewable::SaidRenewed => Some(Code::AlreadyRenewed),
        }
    }
}

impl Credential {
    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The certificate's subject.
    pub fn subject(&self) -> &Name {
        self.certificate.subject()
    }

    /// The CKA_ID, which the certificate shares with its key pair.
    pub fn id(&self) -> &[u8] {
        &self.stored.id
    }

    /// The CKA_LABEL of the certificate object.
    pub fn label(&self) -> &str {
        self.stored.label.as_str()
    }

    /// The CKA_LABEL, byte for byte.
    pub(super) fn stored_label(&self) -> &Label {
        &self.stored.label
    }

    /// The CKA_LABEL of the certificate, byte for byte as the token gives it.
    pub fn label_bytes(&self) -> &[u8] {
        self.stored.label.bytes()
    }

    /// Those of the certificate and of its private key, byte for byte.
    pub(crate) fn labels(&self) -> Vec<Vec<u8>> {
        let key = match &self.key {
            SeenKey::Present(key) => Some(&key.label),
            SeenKey::NotLookedFor | SeenKey::Missing => None,
        };
        [Some(&self.stored.label), key].into_iter().flatten().map(|label| label.bytes().to_vec()).collect()
    }

    /// The kind of key.
    pub fn key_algorithm(&self) -> KeyAlgorithm {
        self.certificate.public_key().algorithm()
    }

    /// What is known of the private key.
    pub fn key(&self) -> KeyState {
        match self.key {
            SeenKey::NotLookedFor => KeyState::NotLookedFor,
            SeenKey::Missing => KeyState::Missing,
            SeenKey::Present(_) => KeyState::Present,
        }
    }

    /// The days until the certificate expires, counted by calendar date in Japan; negative after it.
    pub fn days_left(&self, now: SystemTime) -> i64 {
        days_left(self.certificate.not_after(), now)
    }

    /// Whether the credential can be renewed now.
    pub fn renewable(&self, window: Window, now: SystemTime) -> Renewable {
        match (&self.key, &self.successor) {
            // Its key may have gone because it is renewed: in a removal that stopped, or beside a copy of the certificate.
            (_, Some(successor)) if successor.proven => return Renewable::Renewed,
            (SeenKey::Missing, _) => return Renewable::KeyMissing,
            (_, Some(_)) => return Renewable::SaidRenewed,
            (_, None) => {}
        }
        match window.state(self.certificate.not_after(), now) {
            WindowState::Open { .. } => Renewable::Yes,
            WindowState::NotYet { .. } => Renewable::NotYet,
            WindowState::Expired { .. } => Renewable::Expired,
            WindowState::Closed { .. } | WindowState::ServiceEnded { .. } => Renewable::Closed,
        }
    }

    /// The credential that takes this one's place, where one is known on the token. It is proven only after a login;
    /// before it, and for keys that want the PIN for each signature, it is what public objects say.
    pub fn successor(&self) -> Option<&Successor> {
        self.successor.as_deref()
    }

    /// Whether a key waits on the token for the certificate that is to take this one's place, as far as the objects that
    /// were read tell: private keys are seen after the login, public keys where more than the certificates was read.
    pub fn has_pending_renewal(&self) -> bool {
        self.waiting
    }

    /// Whether the credential can be renewed now, or that has to be tried: what is only said of it decides nothing.
    pub(crate) fn may_be_renewed(&self, window: Window, now: SystemTime) -> bool {
        let is_open = || matches!(window.state(self.certificate.not_after(), now), WindowState::Open { .. });
        !matches!(self.renewable(window, now), Renewable::KeyMissing | Renewable::Renewed) && is_open()
    }

    /// Why the credential cannot be renewed now, with what a person needs to know; `None`:
    /// [it may](Credential::may_be_renewed).
    pub(super) fn refusal(&self, window: &Window, now: SystemTime) -> Option<Error> {
        let state = window.state(self.certificate.not_after(), now);
        let error = match (self.renewable(*window, now), &self.successor, state) {
            (Renewable::KeyMissing, ..) => about(Error::new(Code::KeyMissing), self),
            (Renewable::Renewed, Some(successor), _) => already_renewed(self, successor, window),
            (.., WindowState::NotYet { opens_on, days_left }) => not_yet(self, opens_on, days_left),
            (.., WindowState::Expired { .. }) => expired(self, now),
            (.., WindowState::Closed { closed_at }) => closed(self, closed_at, now),
            (.., WindowState::ServiceEnded { ended_on }) => service_ended(self, ended_on, now),
            (.., WindowState::Open { .. }) => return None,
        };
        Some(error.during(Step::ReadObjects))
    }

    /// The first day in Japan on which it can have been issued: it is the answer to a job that its record dates, and a CA may
    /// have it begin before that.
    pub(crate) fn not_issued_before(&self) -> Date {
        self.jobs().fold(jst_date(self.certificate.not_before()), Date::max)
    }

    /// The days of the jobs that the records on its key and on itself name.
    fn jobs(&self) -> impl Iterator<Item = Date> {
        let key = match &self.key {
            SeenKey::Present(key) => Some(key.label.bytes()),
            SeenKey::NotLookedFor | SeenKey::Missing => None,
        };
        let labels = key.into_iter().chain([self.stored.label.bytes()]);
        labels.filter_map(|label| Marking::of(label).record().map(Record::day))
    }

    /// The day in Japan on which it was ordered to take the place of an old one, as far as that is known: that of its job, by the
    /// record on its key, else that of its beginning. The record of a key that both have is that of the old one's job.
    pub(crate) fn ordered_on(&self, old: &Certificate) -> Date {
        let job = self.jobs().next().filter(|_| self.certificate.public_key() != old.public_key());
        job.unwrap_or_else(|| jst_date(self.certificate.not_before()))
    }

    /// What names a certificate of the token, and no other of those that were listed with this credential, for
    /// [`Credentials::by_serial`](super::Credentials::by_serial): its serial number, or `sha256:` and its fingerprint where another has
    /// that number.
    pub fn naming(&self, certificate: &Certificate) -> String {
        let serial = certificate.serial().to_string();
        let has_it = is_named(&serial);
        let mut others = self.surroundings.users.iter().map(|user| &user.certificate);
        match others.any(|other| other != certificate && has_it(other)) {
            true => format!("{FINGERPRINT}{}", hex(&certificate.fingerprint())),
            false => serial,
        }
    }

    /// How many other certificates on the token have the same subject; copies of this one are none.
    pub fn same_subject(&self) -> usize {
        self.same_subject
    }

    /// The CA certificates on the token.
    pub(crate) fn authorities(&self) -> &[Certificate] {
        &self.surroundings.authorities
    }

    /// The latest beginning of a certificate on the token.
    pub(crate) fn latest(&self) -> Option<SystemTime> {
        self.surroundings.latest
    }

    /// The credentials on the token that seem to be another user's, and have not ended: with another subject, and not known
    /// to stand in a row of renewals with this one.
    pub(crate) fn of_other_users(&self, now: SystemTime) -> impl Iterator<Item = &Certificate> {
        let others =
            self.surroundings.users.iter().filter(move |user| user.row != self.row && user.counts(now));
        others
            .map(|user| &user.certificate)
            .filter(|other| !other.subject().has_same_attributes(self.subject()))
    }

    /// Whether both stand in one row of renewals: they are one user's, whatever their names are.
    pub(crate) fn stands_in_row_with(&self, other: &Credential) -> bool {
        self.row == other.row
    }

    /// The certificates on the token with this name, where it is not this one's own: ended or without a key, they tell that the name is
    /// another user's.
    pub(crate) fn others_named<'n>(&'n self, name: &'n Name) -> impl Iterator<Item = &'n Certificate> {
        let users = self.surroundings.users.iter().map(|user| &user.certificate);
        let is_own = name.has_same_attributes(self.subject());
        users.filter(move |other| !is_own && other.subject().has_same_attributes(name))
    }

    /// Whether the object of a URI is one of this credential's: of its certificate, or of its private key where that is seen. Where no
    /// type is named either may have the label; a key's label that is not known is taken for the certificate's.
    pub(crate) fn is_named_by(&self, uri: &TokenUri) -> bool {
        let key = match &self.key {
            SeenKey::Present(key) => Some(&key.label),
            SeenKey::NotLookedFor | SeenKey::Missing => None,
        };
        let (one, other) = match (uri.object_type(), &self.key) {
            (Some(ObjectType::SecretKey | ObjectType::Data), _) => return false,
            (Some(ObjectType::Private), SeenKey::Missing) => return false,
            (Some(ObjectType::Private), _) => (key.unwrap_or(&self.stored.label), None),
            (None, _) => (&self.stored.label, key),
            _ => (&self.stored.label, None),
        };
        let is_labelled = |wanted: &str| {
            [Some(one), other].into_iter().flatten().any(|label| label.bytes() == wanted.as_bytes())
        };
        uri.id().is_none_or(|id| id == self.id()) && uri.object().is_none_or(is_labelled)
    }

    pub(crate) fn with_key(
        stored: impl Into<Arc<StoredCertificate>>,
        certificate: Certificate,
        key: StoredKey,
    ) -> Self {
        Credential {
            stored: stored.into(),
            certificate,
            key: SeenKey::Present(Arc::new(key)),
            same_subject: 0,
            stored_as: None,
            successor: None,
            waiting: false,
            row: 0,
            surroundings: Arc::default(),
            chosen: None,
        }
    }

    /// The private key, or why it cannot be used.
    /// The certificate object.
    pub(super) fn stored(&self) -> &StoredCertificate {
        &self.stored
    }

    pub(crate) fn private_key(&self) -> Result<&StoredKey> {
        match &self.key {
            SeenKey::Present(key) => Ok(key),
            SeenKey::NotLookedFor | SeenKey::Missing => {
                Err(about(Error::new(Code::KeyMissing).during(Step::ReadObjects), self))
            }
        }
    }
}

impl User {
    /// Whether it is a credential that works: one without its key is none.
    pub(super) fn counts(&self, now: SystemTime) -> bool {
        self.may_have_key && self.certificate.not_after() >= now
    }
}

/// For programs that keep it: bytes in hexadecimal, moments and days those of Japan.
impl Serialize for Credential {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut credential = serializer.serialize_struct("Credential", 9)?;
        credential.serialize_field("id", &hex(self.id()))?;
        credential.serialize_field("label", self.label())?;
        credential.serialize_field("subject", &self.subject().to_string())?;
        credential.serialize_field("issuer", &self.certificate.issuer().to_string())?;
        credential.serialize_field("serial", &self.certificate.serial().to_string())?;
        credential.serialize_field("key", &self.certificate.public_key().algorithm().to_string())?;
        credential.serialize_field("not_before", &jst_rfc3339(self.certificate.not_before()))?;
        credential.serialize_field("not_after", &jst_rfc3339(self.certificate.not_after()))?;
        credential.serialize_field("successor", &self.successor)?;
        credential.end()
    }
}

impl Surroundings {
    pub(super) fn add(&mut self, certificate: &Certificate) {
        self.latest = self.latest.max(Some(certificate.not_before()));
        if certificate.is_authority() {
            self.authorities.push(certificate.clone());
        }
    }
}

/// A certificate that errors are about, which says where it is.
pub(crate) trait Identified {
    fn certificate(&self) -> &Certificate;

    /// Adds what tells it from others.
    fn identify(&self, error: Error) -> Error;

    /// What names another certificate of the token that it is on, as far as that is known.
    fn naming(&self, certificate: &Certificate) -> String;
}

impl Identified for Credential {
    fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    fn identify(&self, error: Error) -> Error {
        about(error, self)
    }

    fn naming(&self, certificate: &Certificate) -> String {
        self.naming(certificate)
    }
}

/// Adds what tells this credential from others.
pub(crate) fn about(error: Error, credential: &Credential) -> Error {
    error
        .fact(Fact::Subject, credential.subject())
        .fact(Fact::Serial, credential.certificate().serial())
        .fact(Fact::Id, hex(credential.id()))
}

/// The window is not open before that day in Japan.
pub(crate) fn not_yet(old: &dyn Identified, opens_on: Date, days_left: i64) -> Error {
    let error = old.identify(Error::new(Code::NotYetRenewable));
    error.fact(Fact::Date, opens_on).fact(Fact::Days, days_left)
}

/// It has ended.
pub(crate) fn expired(old: &dyn Identified, now: SystemTime) -> Error {
    let ended = jst_date(old.certificate().not_after());
    old.identify(Error::new(Code::Expired)).fact(Fact::Date, ended).fact(Fact::Now, jst_time(now))
}

/// It works still, and the bank has renewed it no more since that moment in Japan.
pub(crate) fn closed(old: &dyn Identified, closed_at: DateTime, now: SystemTime) -> Error {
    let closed = old.identify(Error::new(Code::RenewalClosed));
    closed.fact(Fact::Date, closed_at.strftime("%Y-%m-%d %H:%M")).fact(Fact::Now, jst_time(now))
}

/// The bank renews none any more.
pub(crate) fn service_ended(old: &dyn Identified, ended_on: Date, now: SystemTime) -> Error {
    let ended = old.identify(Error::new(Code::ServiceEnded));
    ended.fact(Fact::Date, ended_on).fact(Fact::Now, jst_time(now))
}

/// It is renewed; which one takes its place, and from which day that can be renewed.
pub(crate) fn already_renewed(old: &dyn Identified, by: &Successor, window: &Window) -> Error {
    let from = by.renewable_from(window);
    old.identify(Error::new(Code::AlreadyRenewed))
        .fact(Fact::Candidate, by)
        .fact(Fact::Date, from)
        .with_value(Renewed { by: by.clone(), renewable_from: from })
}
