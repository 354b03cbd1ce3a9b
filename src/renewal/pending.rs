//! A request that waits for its answer.

use crate::bank::Policy;
use crate::contents::{Credential, PendingKey};
use crate::driver::{Present, Proof, StoredKey};
use crate::error::{Result, Warning};
use crate::pki::{PublicKey, RenewalRequest, Request};
use crate::places::OldCertificate;
use jiff::civil::Date;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The key that a certificate is asked for.
#[derive(Clone, Debug)]
pub(super) enum RequestedKey {
    /// A new one, whose record on the token is the job.
    Waiting(Box<PendingKey>),
    /// The key of a complete credential, used again: it has no job of its own, and nothing of it is removed later.
    InUse(Box<KeyInUse>),
}

/// A private key that signs for a credential on the token.
#[derive(Clone, Debug)]
pub(super) struct KeyInUse {
    pub(super) private: StoredKey,
    pub(super) old: Credential,
}

impl RequestedKey {
    /// The CKA_ID.
    pub(super) fn id(&self) -> &[u8] {
        match self {
            RequestedKey::Waiting(key) => key.id(),
            RequestedKey::InUse(key) => &key.private.id,
        }
    }

    /// The key of a job of its own.
    pub(super) fn waiting(&self) -> Option<&PendingKey> {
        match self {
            RequestedKey::Waiting(key) => Some(key),
            RequestedKey::InUse(_) => None,
        }
    }

    /// The halves that are needed to go on.
    pub(super) fn pair(&self) -> Result<(&StoredKey, &PublicKey)> {
        match self {
            RequestedKey::Waiting(key) => key.pair(),
            RequestedKey::InUse(key) => Ok((&key.private, key.old.certificate().public_key())),
        }
    }

    /// What the certificate beside it is labelled with: the same as its key, with the record; or the label of the key that
    /// is used again.
    pub(super) fn label(&self) -> &[u8] {
        match self {
            RequestedKey::Waiting(key) => key.label(),
            RequestedKey::InUse(key) => key.private.label.bytes(),
        }
    }

    /// The day on which the key was made for this job, in Japan.
    pub(super) fn made_on(&self) -> Option<Date> {
        match self {
            RequestedKey::Waiting(key) => Some(key.day()),
            RequestedKey::InUse(_) => None,
        }
    }

    /// The credential that is renewed, where it is on the token.
    pub(super) fn old(&self) -> Option<OldCertificate> {
        match self {
            RequestedKey::Waiting(key) => key.old_credential().unwrap_or_default().map(OldCertificate::from),
            RequestedKey::InUse(key) => Some(OldCertificate::from(&key.old)),
        }
    }

    /// Whether this process has made it for the job, or has taken the old credential's.
    pub(super) fn is_of_this_process(&self) -> bool {
        match self {
            RequestedKey::Waiting(key) => key.was_just_made(),
            RequestedKey::InUse(_) => true,
        }
    }

    pub(super) fn is_in_use(&self) -> bool {
        matches!(self, RequestedKey::InUse(_))
    }
}

impl KeyInUse {
    /// The key of a credential that has one.
    ///
    /// # Errors
    /// [`Code::KeyMissing`](crate::error::Code::KeyMissing) where that was not found.
    pub(super) fn of(old: Credential) -> Result<Self> {
        let private = old.private_key()?.clone();
        Ok(KeyInUse { private, old })
    }
}

/// A key on the token with its request, signed by the key itself, and the policy by which its response is installed.
#[derive(Debug)]
pub struct Pending {
    pub(super) key: RequestedKey,
    /// The day on which the request was first made, in Japan.
    pub(super) since: Date,
    pub(super) request: Request,
    pub(super) signed_by_old: Option<RenewalRequest>,
    pub(super) proof: Proof,
    pub(super) old: Option<OldCertificate>,
    pub(super) policy: Policy,
    /// What was on the token before, where it was read.
    pub(super) before: Option<Arc<Present>>,
    /// Set once the answer is installed, so that the same answer again writes nothing.
    pub(super) installed: AtomicBool,
    pub(super) notices: Vec<Warning>,
}

impl Pending {
    /// The certificate request (PKCS#10, RFC 2986).
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The request in the form that Microsoft CAs take, signed by the old key, when it was asked for.
    pub fn renewal_request(&self) -> Option<&RenewalRequest> {
        self.signed_by_old.as_ref()
    }

    /// The CKA_ID of the key.
    pub fn key_id(&self) -> &[u8] {
        self.key.id()
    }

    /// The pending key on the token, which may be resumed or abandoned; `None` where the old key is used again
    /// ([`KeyRule::OldAgain`](crate::bank::KeyRule::OldAgain)): that one is the old credential's.
    pub fn key(&self) -> Option<&PendingKey> {
        match &self.key {
            RequestedKey::Waiting(key) => Some(key),
            RequestedKey::InUse(_) => None,
        }
    }

    /// What the driver says about the exportability of the private key.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// The credential on the token that is renewed; `None` for a first key, and where the old certificate is elsewhere.
    pub fn old(&self) -> Option<&Credential> {
        self.old.as_ref().and_then(OldCertificate::on_token)
    }

    /// The certificate that is renewed, wherever it is; `None` for a first key.
    pub fn old_certificate(&self) -> Option<&OldCertificate> {
        self.old.as_ref()
    }

    /// What was demanded of the renewal; its installation demands it too.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The policy of an installation that has one of its own: the proof that was demanded stays demanded.
    pub(super) fn policy_with(&self, other: Option<&Policy>) -> Policy {
        let mut policy = other.unwrap_or(&self.policy).clone();
        policy.proof = policy.proof.max(self.policy.proof);
        policy
    }

    /// What the person should know, though it stopped nothing.
    pub fn notices(&self) -> &[Warning] {
        &self.notices
    }

    /// The label that the new key was to have and the token did not take
    /// ([`Notice::KeyLabelChosen`](crate::error::Notice::KeyLabelChosen)). Who keeps it beside the CKA_ID and says it again
    /// ([`Token::with_labels`](crate::Token::with_labels)) knows the job again, and that it renewed the certificate.
    pub fn label_not_taken(&self) -> Option<&[u8]> {
        let key = self.key()?;
        let (private, label) = (key.private()?, key.record().label());
        (!private.label.bytes().starts_with(label)).then_some(label)
    }

    /// The label that holds the record of the job, whether the token took it or not; `None` where the old key is used again. Who
    /// keeps it beside the CKA_ID and says it again ([`Token::with_labels_of_jobs`](crate::Token::with_labels_of_jobs)) knows the
    /// job where a driver does not give the label.
    pub fn label(&self) -> Option<&[u8]> {
        Some(self.key()?.record().label())
    }

    /// The day on which the job began, in Japan standard time.
    pub fn since(&self) -> Date {
        self.since
    }

    pub(super) fn requested(&self) -> &RequestedKey {
        &self.key
    }

    pub(super) fn before(&self) -> Option<&Present> {
        self.before.as_deref()
    }

    pub(super) fn is_installed(&self) -> bool {
        self.installed.load(Ordering::Relaxed)
    }

    pub(super) fn set_installed(&self) {
        self.installed.store(true, Ordering::Relaxed);
    }
}
