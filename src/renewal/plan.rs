//! What the caller wants renewed, and how.

use super::Progress;
use super::clock::Clock;
use crate::contents::{Caller, Credential, Record};
use crate::driver::ProofLevel;
use crate::error::{Code, Error, Fact, Result};
use crate::pki::{KeyKind, Name, Window};
use std::time::SystemTime;

/// The form of the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// PKCS#10, signed by the new key (RFC 2986).
    #[default]
    Pkcs10,
    /// The same inside CMS SignedData by the old key, as Microsoft CAs take it (MS-WCCE §3.1.1.4.3.2.1).
    SignedByOldKey,
}

/// A renewal, or a first issue, as the caller wants it.
#[derive(Clone)]
pub struct Renewal<'a> {
    pub(super) subject: Subject,
    /// The kind that was asked for.
    pub(super) kind: Option<KeyKind>,
    pub(super) window: Window,
    pub(super) outside_window: bool,
    pub(super) beside_pending: bool,
    pub(super) although_renewed: bool,
    pub(super) caller: Caller,
    pub(super) clock: Clock,
    pub(super) passed: Option<SystemTime>,
    pub(super) reuse_key: bool,
    pub(super) require_proof: ProofLevel,
    pub(super) form: Form,
    pub(super) progress: &'a dyn Progress,
}

/// Whose certificate is wanted.
#[derive(Clone)]
pub(super) enum Subject {
    Renewed(Box<Credential>),
    First(Box<Name>),
}

impl<'a> Renewal<'a> {
    /// Renews this credential, with a new key of the same kind.
    pub fn of(old: &Credential) -> Self {
        Self::new(Subject::Renewed(Box::new(old.clone())))
    }

    /// Requests a first certificate for this subject, with an RSA key of 2048 bits.
    pub fn first(subject: Name) -> Self {
        Self::new(Subject::First(Box::new(subject)))
    }

    fn new(subject: Subject) -> Self {
        Renewal {
            subject,
            kind: None,
            window: Window::default(),
            outside_window: false,
            beside_pending: false,
            although_renewed: false,
            caller: Caller::Program(String::new()),
            clock: Clock::SYSTEM,
            passed: None,
            reuse_key: false,
            require_proof: ProofLevel::Claimed,
            form: Form::default(),
            progress: &(),
        }
    }

    /// Makes a key of this kind.
    #[must_use]
    pub fn key(mut self, kind: KeyKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// The kind of key that will be made: the one that was asked for, else one like the old key.
    ///
    /// # Errors
    /// [`Code::KeyKindNotMade`] when none was asked for and the old key is of a kind that is not made here.
    pub fn key_kind(&self) -> Result<KeyKind> {
        match (self.kind, self.old()) {
            (Some(asked), _) => Ok(asked),
            (None, None) => Ok(KeyKind::Rsa2048),
            (None, Some(old)) => KeyKind::like(&old.key_algorithm()).ok_or_else(|| {
                let error = Error::new(Code::KeyKindNotMade).fact(Fact::Found, old.key_algorithm());
                KeyKind::ALL.iter().fold(error, |error, kind| error.fact(Fact::Candidate, kind))
            }),
        }
    }

    /// Renews in this window instead of the usual 40 days.
    #[must_use]
    pub fn window(mut self, window: Window) -> Self {
        self.window = window;
        self
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

    /// Says who begins the job; by default a program without a name. The record on the key keeps it.
    #[must_use]
    pub fn by(mut self, caller: Caller) -> Self {
        self.caller = caller;
        self
    }

    /// Takes the time from this clock instead of the computer's; a fixed time stands still.
    #[must_use]
    pub fn at(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// A moment that has passed for certain, such as the date of a file that an earlier job left: a clock that is well
    /// behind it is doubted.
    #[must_use]
    pub fn passed(mut self, moment: Option<SystemTime>) -> Self {
        self.passed = moment;
        self
    }

    /// Requests a certificate for the old key, for example when the token has no room for another.
    #[must_use]
    pub fn reuse_key(mut self) -> Self {
        self.reuse_key = true;
        self
    }

    /// Demands this level of proof; [`ProofLevel::Claimed`] by default, and never less.
    #[must_use]
    pub fn require_proof(mut self, level: ProofLevel) -> Self {
        self.require_proof = level.max(ProofLevel::Claimed);
        self
    }

    /// Makes the request in this form.
    #[must_use]
    pub fn form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    /// Reports each step to this.
    #[must_use]
    pub fn progress(mut self, progress: &'a dyn Progress) -> Self {
        self.progress = progress;
        self
    }

    pub(super) fn old(&self) -> Option<&Credential> {
        match &self.subject {
            Subject::Renewed(old) => Some(old),
            Subject::First(_) => None,
        }
    }

    /// Whether a record is one of this very job. A page sees only jobs of its own origin.
    pub(super) fn is_job_of(&self, record: &Record) -> bool {
        if matches!(self.caller, Caller::Page(_)) && !record.is_by(&self.caller) {
            return false;
        }
        match self.old() {
            Some(old) => !record.is_removal() && record.concerns(old.certificate()),
            None => record.is_first(),
        }
    }
}
