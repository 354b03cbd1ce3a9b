//! Pending keys: what an unfinished job left on the token. A job is unfinished as long as a private key with our record is
//! there and its certificate is not.

use super::credential::Credential;
use super::record::{Caller, Record};
use crate::driver::{NewKeyPair, Present, StoredKey};
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{Certificate, Name, PublicKey, jst_date};
use crate::uri::{ObjectType, TokenUri};
use base16ct::lower::encode_string as hex;
use jiff::civil::Date;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// A key of ours on the token whose job is not finished. Made only by reading the token: a key without our record
/// cannot become one.
#[derive(Clone, Debug)]
pub struct PendingKey {
    pub(super) record: Record,
    pub(super) day: Date,
    pub(super) id: Vec<u8>,
    /// The CKA_ID of its public half, where that is another one.
    pub(super) other_id: Option<Vec<u8>>,
    /// Its place in the reading that it is from, and what else was there then.
    pub(super) at: Option<usize>,
    pub(super) present: Option<Arc<Present>>,
    pub(super) private: Option<StoredKey>,
    pub(super) public_key: Option<PublicKey>,
    pub(super) state: PendingState,
    pub(super) doubt: Option<Doubt>,
    /// Whether the request of its job is known to have been made for another key.
    pub(super) is_copy: bool,
    pub(super) half_written: HalfWritten,
    pub(super) old: Old,
}

/// What an interrupted creation has left of objects that belong to a pending key: each carries its record and its identifier,
/// and has no value that can be read. It goes when the certificate is installed, or with the key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct HalfWritten {
    /// A public key object.
    pub public_key: bool,
    /// A certificate object.
    pub certificate: bool,
}

/// How far the job got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PendingState {
    /// The key pair is there; the CA's answer is not.
    AwaitingAnswer,
    /// The key of an old credential whose removal by the previous release stopped in the middle.
    #[serde(rename = "half_retired")]
    RetireInterrupted,
    /// Only a public key is left; it can only be removed.
    #[serde(rename = "remnant")]
    PublicKeyOnly,
    /// A certificate seems to be there; whether it is the key's own, only its signature says, for which the token wants
    /// the PIN. Installing the same answer again ends the job.
    NotConfirmed,
}

/// Who began a job. Which page or program it was, the record does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BegunBy {
    /// The command.
    Command,
    /// A program.
    Program,
    /// A web page.
    Page,
    /// The previous release, which did not keep it: the command or a program.
    PreviousRelease,
}

/// The stable name, for programs.
impl fmt::Display for BegunBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BegunBy::Command => "command",
            BegunBy::Program => "program",
            BegunBy::Page => "page",
            BegunBy::PreviousRelease => "previous_release",
        })
    }
}

/// Why it is not sure that the record on a key is its own. Such a key is shown, and removed only when a person names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Another private key has the same record.
    SameRecordTwice,
    /// A certificate that is not its own has its identifier; some drivers copy the certificate's label to the key.
    ForeignCertificate,
    /// Its public half carries another record.
    OtherRecord,
    /// The certificate that the record names is not on this token: it may have been copied from another one.
    OldNotThere,
    /// It is a public key alone, and nothing signs for it.
    PublicKeyAlone,
    /// The request of the job was made for another key: this one has a copy of the record.
    RequestOfAnotherKey,
    /// A certificate object on the token cannot be read, so that it may be the key's.
    CertificateUnread,
    /// A public key object with its record and another identifier does not give its value.
    PublicKeyUnread,
    /// A certificate of somebody else is for it.
    CertifiedByAnother,
}

/// The credential that a job renews.
#[derive(Clone, Debug)]
pub(crate) enum Old {
    /// None: it is a first issue.
    First,
    Found(Arc<Credential>),
    /// A certificate that is not on the token, which the caller has and the record names.
    Elsewhere(Certificate),
    /// It is not on the token, or several may be meant; what is known of it.
    Missing {
        serial: Option<String>,
        candidates: Vec<String>,
    },
}

impl Old {
    /// Whether nothing on the token is what the record names.
    pub(super) fn is_nowhere(&self) -> bool {
        matches!(self, Old::Missing { candidates, .. } if candidates.is_empty())
    }
}

impl Doubt {
    /// The stable name, a value of [`Fact::Reason`](crate::error::Fact::Reason).
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Doubt::SameRecordTwice => "same_record",
            Doubt::ForeignCertificate => "id_of_another_certificate",
            Doubt::OtherRecord => "record_of_public_key",
            Doubt::OldNotThere => "old_certificate_not_there",
            Doubt::PublicKeyAlone => "public_key_alone",
            Doubt::RequestOfAnotherKey => "request_of_another_key",
            Doubt::CertificateUnread => "object_unreadable",
            Doubt::PublicKeyUnread => "public_key_unreadable",
            Doubt::CertifiedByAnother => "certificate_of_another",
        }
    }
}

impl PendingKey {
    /// The key of a pair that was just made.
    pub(crate) fn fresh(record: Record, pair: &NewKeyPair, old: Old) -> Self {
        let mut private = pair.private.to_be_asked_again();
        private.public_key = Some(pair.public_key.clone());
        PendingKey {
            day: record.day(),
            record,
            id: private.id.clone(),
            other_id: pair.public.as_ref().map(|half| &half.id).filter(|id| **id != private.id).cloned(),
            at: None,
            present: None,
            private: Some(private),
            public_key: Some(pair.public_key.clone()),
            state: PendingState::AwaitingAnswer,
            doubt: None,
            is_copy: false,
            half_written: HalfWritten::default(),
            old,
        }
    }

    #[cfg(test)]
    pub(crate) fn made_up_in(self, state: PendingState) -> Self {
        PendingKey { state, ..self }
    }

    /// The CKA_ID.
    pub fn id(&self) -> &[u8] {
        &self.id
    }

    /// The CKA_ID of its public half, where that reads as another one than the key's.
    pub(crate) fn other_id(&self) -> Option<&[u8]> {
        self.other_id.as_deref()
    }

    /// How far the job got.
    pub fn state(&self) -> PendingState {
        self.state
    }

    /// The serial number of the certificate that the job renews or retires, where it is known; `None` for a first key.
    pub fn concerns(&self) -> Option<String> {
        match &self.old {
            Old::First => None,
            Old::Found(old) => Some(old.certificate().serial().to_string()),
            Old::Elsewhere(old) => Some(old.serial().to_string()),
            Old::Missing { serial, .. } => serial.clone(),
        }
    }

    /// Whether the job is a first issue, which renews nothing.
    pub fn is_first(&self) -> bool {
        matches!(self.old, Old::First)
    }

    /// The credential that the job renews, as it was on the token when this was read; `None` for a first key, and where the
    /// old certificate is elsewhere and was [given](PendingKey::renewing).
    ///
    /// # Errors
    /// [`Code::CredentialNotFound`] when it is gone, with its serial number where that is known;
    /// [`Code::CredentialAmbiguous`] when several CAs gave the number that a record of the previous release names.
    pub fn old_credential(&self) -> Result<Option<Credential>> {
        match &self.old {
            Old::First | Old::Elsewhere(_) => Ok(None),
            Old::Found(old) => Ok(Some((**old).clone())),
            Old::Missing { serial, candidates } => {
                let none = candidates.is_empty();
                let code = if none { Code::CredentialNotFound } else { Code::CredentialAmbiguous };
                let error = self.error(code);
                let error = serial.iter().fold(error, |error, serial| error.fact(Fact::Serial, serial));
                Err(candidates.iter().fold(error, |error, one| error.fact(Fact::Candidate, one)))
            }
        }
    }

    /// Whether the job renews exactly this certificate, on the token or elsewhere.
    pub fn renews(&self, certificate: &Certificate) -> bool {
        match &self.old {
            Old::First => false,
            Old::Found(old) => old.certificate() == certificate,
            Old::Elsewhere(old) => old == certificate,
            // The previous release wrote a serial number alone, and renewed nothing from elsewhere.
            Old::Missing { .. } => self.is_nowhere() && self.record.concerns(certificate),
        }
    }

    /// Whether the certificate that the job renews is not on the token, as where it is renewed from a file.
    pub fn is_from_elsewhere(&self) -> bool {
        matches!(&self.old, Old::Elsewhere(_)) || self.is_nowhere()
    }

    /// The same key, of which it is known that its job renews this certificate, which is not on the token. One that its record
    /// does not name changes nothing.
    #[must_use]
    pub fn renewing(mut self, old: &Certificate) -> Self {
        if self.is_nowhere() && self.renews(old) {
            self.old = Old::Elsewhere(old.clone());
            self.doubt = self.doubt.filter(|doubt| *doubt != Doubt::OldNotThere);
        }
        self
    }

    fn is_nowhere(&self) -> bool {
        self.old.is_nowhere() && self.record.names_by_digest()
    }

    /// The day on which the job began, in Japan standard time, as `YYYY-MM-DD`.
    pub fn since(&self) -> String {
        self.day.to_string()
    }

    /// The day on which the job began, in Japan.
    pub(crate) fn day(&self) -> Date {
        self.day
    }

    /// Whole days since the job began, by dates in Japan.
    pub fn age_days(&self, now: SystemTime) -> i64 {
        i64::from((jst_date(now) - self.day).get_days())
    }

    /// Whether this caller began the job. Those of the previous release belong to no page.
    pub fn is_by(&self, caller: &Caller) -> bool {
        self.record.is_by(caller)
    }

    /// Whether the object of a URI is this key, or the credential that its job renews: one URI serves a whole renewal.
    pub(crate) fn is_named_by(&self, uri: &TokenUri) -> bool {
        let own = || {
            let label = self.private.as_ref().map_or(self.record.label(), |key| key.label.bytes());
            !matches!(uri.object_type(), Some(ObjectType::SecretKey | ObjectType::Data))
                && uri.id().is_none_or(|id| id == self.id)
                && uri.object().is_none_or(|wanted| label == wanted.as_bytes())
        };
        !uri.names_object() || own() || matches!(&self.old, Old::Found(old) if old.is_named_by(uri))
    }

    /// Whether this caller may act on the job without asking: it began it. What the command began is also that of
    /// programs without a name, and what such a program began every program's; never a page's.
    pub(crate) fn is_for(&self, caller: &Caller) -> bool {
        let unnamed = Caller::Program(String::new());
        let by = |caller: &Caller| self.record.is_by(caller);
        match caller {
            Caller::Page(_) => by(caller),
            Caller::Command | Caller::Program(_) => {
                by(caller) || by(&unnamed) || (*caller == unnamed && by(&Caller::Command))
            }
        }
    }

    /// For whom the certificate was asked: the subject of the one that is renewed, or for a first one the text that stands
    /// behind the record. For showing; `None` where the token does not tell.
    pub fn for_whom(&self) -> Option<String> {
        match &self.old {
            Old::Found(old) => Some(old.subject().to_string()),
            Old::Elsewhere(old) => Some(old.subject().to_string()),
            Old::First | Old::Missing { .. } => self.text().map(Cow::into_owned),
        }
    }

    /// Whether it may have been asked for this subject: it is the key of a first certificate, and what the token tells
    /// of its subject is the same.
    pub(crate) fn may_be_for(&self, subject: &Name) -> bool {
        let asked = super::record::text_for(subject);
        self.is_first() && self.text().is_none_or(|text| asked.as_deref() == Some(&*text))
    }

    /// Whether the subject that the token has for it is this one; it may have none.
    pub(crate) fn is_said_to_be_for(&self, subject: &Name) -> bool {
        match &self.old {
            Old::Found(_) | Old::Missing { .. } => false,
            Old::Elsewhere(old) => old.subject().has_same_attributes(subject),
            Old::First => {
                self.text().is_some_and(|text| super::record::text_for(subject).as_deref() == Some(&*text))
            }
        }
    }

    /// The label of its key, which begins with the record; without what tokens pad with.
    pub(crate) fn label(&self) -> &[u8] {
        let label = self.private.as_ref().map(|private| private.label.bytes()).unwrap_or_default();
        match label.starts_with(self.record.label()) {
            true => {
                let padding = |byte: &u8| matches!(byte, 0 | b' ');
                let end = label.iter().rposition(|byte| !padding(byte)).map_or(0, |last| last + 1);
                label.get(..end).unwrap_or(label)
            }
            false => self.record.label(),
        }
    }

    fn text(&self) -> Option<Cow<'_, str>> {
        self.record.text_in(self.private.as_ref()?.label.bytes())
    }

    /// Who began the job, as far as the record tells without knowing names.
    pub fn begun_by(&self) -> BegunBy {
        match &self.record {
            record if record.is_former() => BegunBy::PreviousRelease,
            record if record.is_by_page() => BegunBy::Page,
            record if record.is_by(&Caller::Command) => BegunBy::Command,
            _ => BegunBy::Program,
        }
    }

    /// The public key, where the token still tells it.
    pub fn public_key(&self) -> Option<&PublicKey> {
        self.public_key.as_ref()
    }

    /// Why it is not certain that the record on the key is its own, if it is not, by a stable name for which
    /// [`Fact::Reason`](crate::error::Fact::Reason) has the [words](crate::error::Fact::words). Such a key is removed only when a person
    /// names it ([`Session::abandon_named`](crate::Session::abandon_named)).
    pub fn doubt(&self) -> Option<&'static str> {
        self.doubt.map(Doubt::name)
    }

    /// Whether another private key has its record too: one of them is another program's, and nothing on the token tells which.
    pub fn is_same_record(&self) -> bool {
        matches!(self.doubt, Some(Doubt::SameRecordTwice))
    }

    /// Whether the caller has made the request of its job, and for another key: this one is another program's, with a copy of the record.
    pub fn is_request_of_another(&self) -> bool {
        self.is_copy
    }

    /// The same key, of whose job the request is known to have been made for that one.
    pub(crate) fn requested_as(mut self, requested: &PublicKey) -> Self {
        if self.public_key.as_ref().is_some_and(|public| public != requested) {
            self.doubt.get_or_insert(Doubt::RequestOfAnotherKey);
            self.is_copy = true;
        }
        self
    }

    /// What an interrupted creation has left beside it.
    pub fn half_written(&self) -> HalfWritten {
        self.half_written
    }

    /// The record that makes it a key of ours.
    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    /// The private key.
    pub(crate) fn private(&self) -> Option<&StoredKey> {
        self.private.as_ref()
    }

    /// Whether this is the key as it was made, and not as it was found on the token.
    pub(crate) fn was_just_made(&self) -> bool {
        self.at.is_none() && self.private.is_some()
    }

    /// What was on the token when it was read.
    pub(crate) fn present(&self) -> Option<&Arc<Present>> {
        self.present.as_ref()
    }

    /// Whether an answer can be installed for it.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, PendingState::AwaitingAnswer | PendingState::NotConfirmed)
    }

    /// The same key, with the public half that a certificate claims for it.
    pub(crate) fn claimed_by(&self, leaf: &Certificate) -> Self {
        self.with_public_key(leaf.public_key().clone())
    }

    /// The same key, with this public half.
    pub(crate) fn with_public_key(&self, public: PublicKey) -> Self {
        let mut key = self.clone();
        key.public_key = Some(public);
        key
    }

    /// The halves that are needed to go on.
    pub(crate) fn pair(&self) -> Result<(&StoredKey, &PublicKey)> {
        match (&self.private, &self.public_key) {
            (Some(private), Some(public)) => Ok((private, public)),
            (Some(_), None) => Err(self.error(Code::PublicKeyInvalid)),
            (None, _) => Err(self.error(Code::KeyMissing)),
        }
    }

    pub(crate) fn error(&self, code: Code) -> Error {
        Error::new(code).during(Step::ReadObjects).fact(Fact::Id, hex(self.id()))
    }
}
