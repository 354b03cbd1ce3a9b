//! The credentials on a token: certificates, each with its private key where that can be seen.

use crate::driver::{Session, StoredCertificate, StoredKey, Token};
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{Certificate, KeyAlgorithm, Name, Window, WindowState, days_left};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// A certificate on the token, and its private key where it was looked for.
#[derive(Clone, Debug)]
pub struct Credential {
    pub(super) stored: StoredCertificate,
    certificate: Certificate,
    pub(super) key: KeyState,
    twins: usize,
    listed: Instant,
    surroundings: Arc<Surroundings>,
}

/// What was seen on the token beside the credentials when they were listed.
#[derive(Debug, Default)]
struct Surroundings {
    /// The certificates of CAs, and those that say that they are their own issuer.
    authorities: Vec<Certificate>,
    /// The latest beginning of a certificate: the clock was not before it when that was issued.
    latest: Option<SystemTime>,
}

/// What is known of the private key of a credential.
#[derive(Clone, Debug)]
pub enum KeyState {
    /// Nobody logged in, so private keys cannot be seen.
    NotLookedFor,
    /// The key is not on the token.
    Missing,
    /// The key is there.
    Present(Box<StoredKey>),
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
    /// The private key is not on the token.
    KeyMissing,
}

/// The credentials of a token, CA certificates left out.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    list: Vec<Credential>,
    unreadable: Vec<Unreadable>,
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
    /// Why it cannot be read, in English.
    pub reason: String,
}

impl Unreadable {
    fn of(stored: &StoredCertificate, error: &Error) -> Self {
        let detail = error.facts().find(|(fact, _)| *fact == Fact::Detail);
        Unreadable {
            id: stored.id.clone(),
            label: stored.label.clone(),
            size: stored.der.len(),
            reason: detail.map(|(_, detail)| detail.to_owned()).unwrap_or_default(),
        }
    }
}

/// For the facts of an error or a notice.
impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Unreadable { label, size, reason, .. } = self;
        write!(f, "id {}, label \"{label}\", {size} bytes: {reason}", crate::hex(&self.id))
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
        &self.stored.label
    }

    /// The kind of key.
    pub fn key_algorithm(&self) -> KeyAlgorithm {
        self.certificate.public_key().algorithm()
    }

    /// What is known of the private key.
    pub fn key(&self) -> &KeyState {
        &self.key
    }

    /// The days until the certificate expires, counted by calendar date in Japan; negative after it.
    pub fn days_left(&self, now: SystemTime) -> i64 {
        days_left(self.certificate.not_after(), now)
    }

    /// Whether the credential can be renewed now.
    pub fn renewable(&self, window: &Window, now: SystemTime) -> Renewable {
        if matches!(self.key, KeyState::Missing) {
            return Renewable::KeyMissing;
        }
        match window.state(self.certificate.not_after(), now) {
            WindowState::Open { .. } => Renewable::Yes,
            WindowState::NotYet { .. } => Renewable::NotYet,
            WindowState::Expired { .. } => Renewable::Expired,
        }
    }

    /// How many other credentials on the token have the same subject.
    pub fn twins(&self) -> usize {
        self.twins
    }

    /// When the token was asked for the list that this is from.
    pub(super) fn listed(&self) -> Instant {
        self.listed
    }

    /// The CA certificates on the token.
    pub(super) fn authorities(&self) -> &[Certificate] {
        &self.surroundings.authorities
    }

    /// The latest beginning of a certificate on the token.
    pub(super) fn latest(&self) -> Option<SystemTime> {
        self.surroundings.latest
    }

    pub(super) fn with_key(stored: StoredCertificate, certificate: Certificate, key: StoredKey) -> Self {
        Credential {
            stored,
            certificate,
            key: KeyState::Present(Box::new(key)),
            twins: 0,
            listed: Instant::now(),
            surroundings: Arc::default(),
        }
    }

    /// The private key, or why it cannot be used.
    pub(super) fn private_key(&self) -> Result<&StoredKey> {
        match &self.key {
            KeyState::Present(key) => Ok(key),
            KeyState::NotLookedFor | KeyState::Missing => {
                Err(about(Error::new(Code::KeyMissing).during(Step::ReadObjects), self))
            }
        }
    }
}

impl Surroundings {
    fn add(&mut self, certificate: &Certificate) {
        self.latest = self.latest.max(Some(certificate.not_before()));
        if certificate.is_ca() || certificate.subject() == certificate.issuer() {
            self.authorities.push(certificate.clone());
        }
    }
}

/// Adds what tells this credential from others.
pub(super) fn about(error: Error, credential: &Credential) -> Error {
    error
        .fact(Fact::Subject, credential.subject())
        .fact(Fact::Serial, credential.certificate().serial())
        .fact(Fact::Id, crate::hex(credential.id()))
}

impl Credentials {
    fn new(listed: Instant, stored: Vec<StoredCertificate>, keys: Option<&[StoredKey]>) -> Self {
        let mut credentials = Credentials::default();
        let mut found = Vec::new();
        let mut surroundings = Surroundings::default();
        for stored in stored {
            match Certificate::from_der(&stored.der) {
                Ok(certificate) => {
                    surroundings.add(&certificate);
                    found.push((stored, certificate));
                }
                Err(error) => credentials.unreadable.push(Unreadable::of(&stored, &error)),
            }
        }
        let surroundings = Arc::new(surroundings);
        for (stored, certificate) in found.into_iter().filter(|(_, certificate)| !certificate.is_ca()) {
            let key = key_state(&certificate, &stored, keys);
            let surroundings = Arc::clone(&surroundings);
            credentials.list.push(Credential { stored, certificate, key, twins: 0, listed, surroundings });
        }
        credentials.count_twins();
        credentials
    }

    fn count_twins(&mut self) {
        let subjects: Vec<Vec<u8>> = self.list.iter().map(|one| one.subject().der().to_vec()).collect();
        for one in &mut self.list {
            let same = subjects.iter().filter(|subject| *subject == one.certificate.subject().der()).count();
            one.twins = same.saturating_sub(1);
        }
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

    /// Those that can be renewed now, in the usual window of 40 days.
    #[must_use]
    pub fn renewable(self, now: SystemTime) -> Self {
        self.renewable_in(&Window::default(), now)
    }

    /// Those that can be renewed now, in this window.
    #[must_use]
    pub fn renewable_in(self, window: &Window, now: SystemTime) -> Self {
        self.filter(|credential| credential.renewable(window, now) == Renewable::Yes)
    }

    /// Those with this CKA_ID.
    #[must_use]
    pub fn by_id(mut self, id: &[u8]) -> Self {
        self.unreadable.retain(|one| one.id == id);
        self.list.retain(|credential| credential.id() == id);
        self
    }

    /// Those with this serial number, in hexadecimal; case and leading zeros do not matter.
    #[must_use]
    pub fn by_serial(self, serial: &str) -> Self {
        let plain = |text: &str| text.trim_start_matches('0').to_ascii_lowercase();
        let wanted = plain(serial);
        self.filter(|credential| plain(&credential.certificate().serial().to_string()) == wanted)
    }

    /// What cannot be read matches nothing, but stays when there is nothing else: then it is the answer.
    fn filter(mut self, keep: impl FnMut(&Credential) -> bool) -> Self {
        if !self.list.is_empty() {
            self.unreadable.clear();
        }
        self.list.retain(keep);
        self
    }

    /// The one that is left.
    ///
    /// # Errors
    /// [`Code::CredentialNotFound`]; [`Code::CredentialAmbiguous`], which lists the candidates;
    /// [`Code::CredentialUnreadable`], which lists what is there, when no certificate on the token can be read.
    pub fn only(mut self) -> Result<Credential> {
        match (self.list.pop(), self.list.is_empty()) {
            (Some(credential), true) => Ok(credential),
            (None, _) if !self.unreadable.is_empty() => {
                let error = Error::new(Code::CredentialUnreadable).during(Step::ReadObjects);
                Err(self.unreadable.iter().fold(error, |error, one| error.fact(Fact::Candidate, one)))
            }
            (None, _) => Err(Error::new(Code::CredentialNotFound).during(Step::ReadObjects)),
            (Some(last), false) => {
                let error = Error::new(Code::CredentialAmbiguous).during(Step::ReadObjects);
                Err(self.list.iter().chain([&last]).fold(error, |error, credential| {
                    let (subject, serial) = (credential.subject(), credential.certificate().serial());
                    let id = crate::hex(credential.id());
                    error.fact(Fact::Candidate, format!("{subject} (serial {serial}, id {id})"))
                }))
            }
        }
    }
}

impl<'a> IntoIterator for &'a Credentials {
    type Item = &'a Credential;
    type IntoIter = std::slice::Iter<'a, Credential>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// By the public key, where the private key object tells it; else by CKA_ID, which is all that EC keys show.
fn key_state(certificate: &Certificate, stored: &StoredCertificate, keys: Option<&[StoredKey]>) -> KeyState {
    let Some(keys) = keys else { return KeyState::NotLookedFor };
    let belongs = |key: &&StoredKey| match &key.public_key {
        Some(public) => public == certificate.public_key(),
        None => key.id == stored.id,
    };
    match keys.iter().find(belongs) {
        Some(key) => {
            let mut key = key.clone();
            key.public_key.get_or_insert_with(|| certificate.public_key().clone());
            KeyState::Present(Box::new(key))
        }
        None => KeyState::Missing,
    }
}

impl Token {
    /// The credentials on the token, without login: certificates are public, their keys cannot be seen.
    ///
    /// # Errors
    /// What opening the session and reading return.
    pub fn credentials(&self) -> Result<Credentials> {
        let listed = Instant::now();
        Ok(Credentials::new(listed, self.look()?.certificates()?, None))
    }
}

impl Session {
    /// The credentials on the token, each with its private key or without.
    ///
    /// # Errors
    /// What reading returns.
    pub fn credentials(&self) -> Result<Credentials> {
        let keys = self.private_keys()?;
        self.credentials_with(&keys)
    }

    pub(super) fn credentials_with(&self, keys: &[StoredKey]) -> Result<Credentials> {
        let listed = Instant::now();
        Ok(Credentials::new(listed, self.certificates()?, Some(keys)))
    }
}

/// The private key of the old credential among the keys of this session.
pub(super) fn old_key(old: &Credential, keys: &[StoredKey]) -> Result<StoredKey> {
    let public = old.certificate().public_key();
    let belongs = |key: &&StoredKey| match &key.public_key {
        Some(known) => known == public,
        None => key.id == old.id(),
    };
    let key = keys.iter().find(belongs);
    let mut key =
        key.cloned().ok_or_else(|| about(Error::new(Code::KeyMissing).during(Step::ReadObjects), old))?;
    key.public_key.get_or_insert_with(|| public.clone());
    Ok(key)
}
