//! What is to be renewed, or issued for the first time.

use std::borrow::Cow;
use std::time::SystemTime;

use super::installation::BegunAbandonment;
use crate::bank::{KeyRule, OtherUsers, Policy, RequestForm};
use crate::contents::{Caller, Credential, Credentials, Identified as _, KeyState, PendingKey, Record};
use crate::error::{Code, Error, Fact, Result};
use crate::pki::{Certificate, KeyKind, Name, PublicKey};
use crate::places::OldCertificate;

/// A renewal, or a first issue: of what, by which policy, and what a person has agreed to although a rule speaks
/// against it.
#[derive(Clone, Debug)]
pub struct Renewal {
    pub(super) subject: Subject,
    /// The name that a renewal asks for instead of the old one's.
    pub(super) asked_name: Option<Box<Name>>,
    pub(super) policy: Policy,
    /// Another form of the request than the policy's.
    pub(super) form: Option<RequestForm>,
    pub(super) outside_window: bool,
    pub(super) beside_pending: bool,
    pub(super) although_renewed: bool,
    pub(super) although_denied: bool,
    pub(super) requested_key: Option<PublicKey>,
}

/// Whose certificate is wanted.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    Renewed(Box<OldCertificate>),
    First(Box<Name>),
}

impl Renewal {
    /// Renews this credential on its token; or this certificate from elsewhere, of which the new key and the new certificate
    /// go onto the token of the session that the renewal is begun in.
    pub fn of(old: impl Into<OldCertificate>) -> Self {
        Self::new(Subject::Renewed(Box::new(old.into())))
    }

    /// Requests a first certificate for this subject.
    pub fn first(subject: Name) -> Self {
        Self::new(Subject::First(Box::new(subject)))
    }

    /// A request for this name by one who does not say whether it is a renewal, as many pages make it: they ask for a name
    /// that means nothing, and the CA gives the right one. `credentials` are the token's, after the login.
    ///
    /// It renews the only credential that can be renewed now and that has exactly this name. Where each user has a token of
    /// their own ([`OtherUsers::Refuse`]), a name that is a mere stand-in, nothing but a common name where the
    /// credential's says more, renews the token's only credential. Whatever else is asked for is a first certificate: it may be
    /// another user's, who must not seem to have renewed this one's. In the name of a credential that is in use it begins when the
    /// policy's window for that one is open, where the policy's window binds everyone ([`Policy::window_binds_removal`]).
    pub fn for_name(name: Name, credentials: &Credentials, policy: &Policy, now: SystemTime) -> Self {
        let renewal = match renewed_by(&name, credentials, policy, now) {
            Some(old) => Renewal { asked_name: Some(Box::new(name)), ..Self::of(old) },
            // When a page has a certificate issued anew is for the bank to say, where it has not said so in its profile.
            None => Renewal { outside_window: !policy.window_binds_removal, ..Self::first(name) },
        };
        renewal.policy(policy)
    }

    fn new(subject: Subject) -> Self {
        Renewal {
            subject,
            asked_name: None,
            policy: Policy::default(),
            form: None,
            outside_window: false,
            beside_pending: false,
            although_renewed: false,
            although_denied: false,
            requested_key: None,
        }
    }

    /// Demands what this policy says, now and when the response is installed.
    #[must_use]
    pub fn policy(mut self, policy: &Policy) -> Self {
        self.policy = policy.clone();
        self
    }

    /// Makes the request in this form instead of the policy's.
    #[must_use]
    pub fn form(mut self, form: RequestForm) -> Self {
        self.form = Some(form);
        self
    }

    /// The form of the request. That of a first certificate is PKCS#10, whatever the policy says of renewals.
    pub(super) fn request_form(&self) -> RequestForm {
        let of_policy = || match self.subject {
            Subject::Renewed(_) => self.policy.request,
            Subject::First(_) => RequestForm::Pkcs10,
        };
        self.form.unwrap_or_else(of_policy)
    }

    /// Renews although the window is not open. An expired credential may then be renewed too.
    #[must_use]
    pub fn outside_window(mut self) -> Self {
        self.outside_window = true;
        self
    }

    /// Makes another key although one is pending for the same credential.
    #[must_use]
    pub fn beside_pending(mut self) -> Self {
        self.beside_pending = true;
        self
    }

    /// Makes another key although the credential that takes this one's place is on the token.
    #[must_use]
    pub fn although_renewed(mut self) -> Self {
        self.although_renewed = true;
        self
    }

    /// Sends the request although the driver denies that the key is what it was made as, and cannot be started anew because the
    /// host owns it ([`Code::ProofUndecided`]). The installation judges the key again.
    #[must_use]
    pub fn although_denied(mut self) -> Self {
        self.although_denied = true;
        self
    }

    /// The public key of the request that was sent, as it was kept: a token may have lost it, and then tells it to no one. It is
    /// believed when the private key has signed for it.
    #[must_use]
    pub fn requested_key(mut self, key: &PublicKey) -> Self {
        self.requested_key = Some(key.clone());
        self
    }

    /// The kind of key that will be made: the one that the policy asks for, else one like the old key.
    ///
    /// # Errors
    /// [`Code::KeyKindNotMade`] when none was asked for and the old key is of a kind that is not made here.
    pub fn key_kind(&self) -> Result<KeyKind> {
        match (self.policy.key, self.old()) {
            (KeyRule::Kind(asked), _) => Ok(asked),
            (KeyRule::LikeOld | KeyRule::OldAgain, None) => Ok(KeyKind::Rsa2048),
            (KeyRule::LikeOld | KeyRule::OldAgain, Some(old)) => KeyKind::like(&old.key_algorithm())
                .ok_or_else(|| {
                    let error = Error::new(Code::KeyKindNotMade).fact(Fact::Found, old.key_algorithm());
                    KeyKind::ALL.iter().fold(error, |error, kind| error.fact(Fact::Candidate, kind))
                }),
        }
    }

    /// The same renewal, of the credential on the token where the certificate that was given from elsewhere is there too.
    pub(super) fn found_on_token(&self, credentials: &Credentials) -> Cow<'_, Self> {
        // Somebody may have stored the certificate alone: its key is where it was.
        let is_it = |one: &&Credential| {
            Some(one.certificate()) == self.old_certificate() && one.key() != KeyState::Missing
        };
        match self.old_elsewhere().and_then(|_| credentials.iter().find(is_it)) {
            Some(there) => {
                let subject = Subject::Renewed(Box::new(there.into()));
                Cow::Owned(Renewal { subject, ..self.clone() })
            }
            None => Cow::Borrowed(self),
        }
    }

    /// The certificate that is renewed, wherever it is; `None`: it is a first one.
    pub fn old(&self) -> Option<&OldCertificate> {
        match &self.subject {
            Subject::Renewed(old) => Some(old),
            Subject::First(_) => None,
        }
    }

    /// The same, where it is a credential on the token.
    pub(super) fn old_on_token(&self) -> Option<&Credential> {
        self.old().and_then(OldCertificate::on_token)
    }

    /// The same, where it is not.
    pub(super) fn old_elsewhere(&self) -> Option<&OldCertificate> {
        self.old().filter(|old| old.on_token().is_none())
    }

    pub(super) fn old_certificate(&self) -> Option<&Certificate> {
        self.old().map(OldCertificate::certificate)
    }

    /// The name that is asked for, where that is not simply the old one's.
    pub(super) fn named(&self) -> Option<&Name> {
        match &self.subject {
            Subject::Renewed(_) => self.asked_name.as_deref(),
            Subject::First(name) => Some(name),
        }
    }

    /// Whether a record is one of this very job. A page sees only jobs of its own origin.
    pub(super) fn is_job_of(&self, record: &Record, caller: &Caller) -> bool {
        if matches!(caller, Caller::Page(_)) && !record.is_by(caller) {
            return false;
        }
        match self.old_certificate() {
            Some(old) => !record.is_removal() && record.concerns(old),
            None => record.is_first(),
        }
    }

    /// Whether a pending key waits for what is asked for here: it renews the same certificate, or is the key of a first one
    /// for the same subject, as far as the record says.
    pub fn is_of(&self, key: &PendingKey) -> bool {
        match &self.subject {
            Subject::Renewed(old) => key.renews(old.certificate()),
            Subject::First(subject) => key.may_be_for(subject),
        }
    }

    /// The same of a key whose removal has begun ([`Run::begun_abandonments`](crate::Run::begun_abandonments)).
    pub fn was_of(&self, begun: &BegunAbandonment) -> bool {
        match &self.subject {
            Subject::Renewed(old) => begun.record().concerns(old.certificate()),
            Subject::First(subject) => begun.is_said_to_be_for(subject),
        }
    }

    /// Whether a pending key is one of this very job.
    pub(super) fn is_job_of_key(&self, key: &PendingKey) -> bool {
        match self.old_certificate() {
            Some(old) => key.renews(old),
            None => key.is_first(),
        }
    }
}

/// The job of this key renews another certificate than that one from elsewhere.
pub(super) fn not_of_job(key: &PendingKey, old: &OldCertificate) -> Error {
    let error = old.identify(key.error(Code::OldNotOfJob));
    match key.concerns() {
        Some(serial) => error.fact(Fact::Expected, serial),
        None if key.is_from_elsewhere() => error,
        None => error.fact(Fact::Reason, "first_issue"),
    }
}

/// The credential that a request for this name renews.
fn renewed_by<'c>(
    name: &Name,
    credentials: &'c Credentials,
    policy: &Policy,
    now: SystemTime,
) -> Option<&'c Credential> {
    let in_use = |one: &&Credential| one.certificate().not_after() >= now && one.successor().is_none();
    let has_it =
        |one: &&Credential| one.subject().has_same_attributes(name) && one.may_be_renewed(policy.window, now);
    let of_this_name = credentials.iter().filter(in_use).filter(has_it);
    if let found @ Some(_) = the_only(of_this_name) {
        return found;
    }
    let one_user = policy.other_users == OtherUsers::Refuse && !name.says_more_than_a_common_name();
    let only = the_only(credentials.iter().filter(in_use))?;
    (one_user && only.subject().says_more_than_a_common_name()).then_some(only)
}

/// The only one; a certificate that is stored twice is one.
fn the_only<'c>(mut credentials: impl Iterator<Item = &'c Credential>) -> Option<&'c Credential> {
    let first = credentials.next()?;
    credentials.all(|other| other.certificate() == first.certificate()).then_some(first)
}

#[cfg(test)]
mod tests;
