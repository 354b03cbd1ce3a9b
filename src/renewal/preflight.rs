//! What is checked before anybody is asked for a PIN, and again before anything is written.

use super::clock::{self, Verdict};
use super::credential::{Credential, Credentials, about, old_key};
use super::label::JobLabel;
use super::plan::Renewal;
use crate::code::{Code, Fact, Notice, Point, Step};
use crate::driver::{PinState, Session, StoredKey, Token, TokenInfo};
use crate::error::{Error, Result, Warning};
use crate::pki::{KeyKind, WindowState, jst_date, jst_time};

/// The result of the preflight: a list that a program can show, point by point.
#[derive(Debug)]
pub struct Preflight {
    findings: Vec<Finding>,
}

/// One point of the preflight.
#[derive(Debug)]
pub struct Finding {
    /// What was checked.
    pub point: Point,
    /// What came out.
    pub state: State,
}

/// What came out of one point.
#[derive(Debug)]
pub enum State {
    /// Nothing speaks against it.
    Ok,
    /// The renewal can go on; the person should know.
    Warning(Warning),
    /// The renewal cannot begin.
    Blocker(Error),
}

/// Free memory in bytes below which a key pair and a certificate may not fit: an RSA 2048 pair takes about 1.5 KiB,
/// a certificate with its attributes about as much, and tokens round up.
const LITTLE_MEMORY: u64 = 8 * 1024;

impl Preflight {
    /// The points, in the order in which they were checked.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The points, for a caller who keeps them.
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    /// Whether nothing blocks the renewal.
    pub fn can_begin(&self) -> bool {
        !self.findings.iter().any(|finding| matches!(finding.state, State::Blocker(_)))
    }

    /// The warnings, unless something blocks.
    ///
    /// # Errors
    /// The first blocker.
    pub fn into_notices(self) -> Result<Vec<Warning>> {
        let mut notices = Vec::new();
        for finding in self.findings {
            match finding.state {
                State::Ok => {}
                State::Warning(warning) => notices.push(warning),
                State::Blocker(error) => return Err(error.during(Step::Preflight)),
            }
        }
        // What a token merely does not tell is for the list, not for a warning that nobody can act on.
        notices
            .retain(|warning| !matches!(warning.notice(), Notice::MemoryUnknown | Notice::MechanismUnknown));
        Ok(notices)
    }

    fn before_login(renewal: &Renewal<'_>, token: &Token, waiting: bool) -> Self {
        let mut findings = findings(renewal, token, waiting);
        if let Some(old) = renewal.old() {
            findings.push(Finding { point: Point::SubjectUnique, state: subject_unique(old.twins()) });
        }
        Preflight { findings }
    }

    pub(super) fn after_login(renewal: &Renewal<'_>, session: &Session, keys: &[StoredKey]) -> Result<Self> {
        let waiting = waiting(renewal, keys);
        let mut findings = findings(renewal, session.token(), waiting.is_some());
        findings.push(Finding { point: Point::NothingPending, state: nothing_pending(renewal, waiting) });
        if let Some(old) = renewal.old() {
            let state = match session.reserved_since() {
                Some(reserved) if reserved <= old.listed() => subject_unique(old.twins()),
                _ => still_unique(old, &session.credentials_with(keys)?),
            };
            findings.push(Finding { point: Point::SubjectUnique, state });
            let state = match old_key(old, keys) {
                Ok(_) => State::Ok,
                Err(error) => State::Blocker(error),
            };
            findings.push(Finding { point: Point::OldKey, state });
        }
        Ok(Preflight { findings })
    }
}

impl Renewal<'_> {
    /// Checks, without a PIN, whether this can work, from what the token said of itself when it was found;
    /// [`Token::refreshed`] asks it anew. Public keys are looked at for a request that may be pending.
    pub fn preflight(&self, token: &Token) -> Preflight {
        self.progress.step(Step::Preflight);
        let waiting = is_seen_waiting(self, token);
        let mut preflight = Preflight::before_login(self, token, waiting);
        let state = if waiting { State::from(Notice::PendingExists) } else { State::Ok };
        preflight.findings.push(Finding { point: Point::NothingPending, state });
        preflight
    }

    /// As [`Renewal::preflight`], but for what is pending: for callers who log in next, when the private keys tell
    /// that for sure. Only where the certificate has ended, what waits is looked for: a renewal that was begun is
    /// finished after that too.
    pub fn glance(&self, token: &Token) -> Preflight {
        self.progress.step(Step::Preflight);
        let ended = self.old().is_some_and(|old| old.certificate().not_after() < self.clock.now());
        Preflight::before_login(self, token, ended && is_seen_waiting(self, token))
    }
}

impl From<Notice> for State {
    fn from(notice: Notice) -> Self {
        State::Warning(notice.into())
    }
}

/// The points that need no login.
fn findings(renewal: &Renewal<'_>, token: &Token, waiting: bool) -> Vec<Finding> {
    let info = token.info();
    let clock = clock(renewal);
    let window = match &clock {
        // By such a clock nothing can be said of the certificate.
        State::Blocker(error) => State::Warning(clock::in_doubt(error)),
        State::Ok | State::Warning(_) => window(renewal, waiting),
    };
    let mut findings = vec![
        Finding { point: Point::TokenInitialized, state: initialized(info) },
        Finding { point: Point::TokenWritable, state: writable(info) },
        Finding { point: Point::PinUsable, state: pin(info) },
        Finding { point: Point::Memory, state: memory(info) },
    ];
    findings.extend(key(renewal, token));
    findings.push(Finding { point: Point::Clock, state: clock });
    findings.push(Finding { point: Point::Window, state: window });
    findings
}

/// Whether the kind of key is known and the token makes it. With the old key no key is made.
fn key(renewal: &Renewal<'_>, token: &Token) -> Vec<Finding> {
    if renewal.reuse_key {
        return Vec::new();
    }
    let kind = match renewal.key_kind() {
        Ok(kind) => kind,
        Err(error) => return vec![Finding { point: Point::KeyKind, state: State::Blocker(error) }],
    };
    let mut findings = Vec::new();
    if let (None, Some(old)) = (renewal.kind, renewal.old()) {
        let same = kind.algorithm() == old.key_algorithm();
        let warning = || {
            let changes = Warning::new(Notice::KeyKindChanges).fact(Fact::Expected, old.key_algorithm());
            changes.fact(Fact::Found, kind.algorithm())
        };
        let state = if same { State::Ok } else { State::Warning(warning()) };
        findings.push(Finding { point: Point::KeyKind, state });
    }
    findings.push(Finding { point: Point::Mechanism, state: mechanism(kind, token) });
    findings
}

fn blocker(code: Code, info: &TokenInfo) -> State {
    State::Blocker(Error::new(code).during(Step::Preflight).fact(Fact::Token, &info.identity))
}

fn initialized(info: &TokenInfo) -> State {
    if info.initialized { State::Ok } else { blocker(Code::TokenNotInitialized, info) }
}

fn writable(info: &TokenInfo) -> State {
    if info.write_protected { blocker(Code::WriteProtected, info) } else { State::Ok }
}

fn pin(info: &TokenInfo) -> State {
    match info.pin_state {
        PinState::Locked => blocker(Code::PinLocked, info),
        PinState::NotSet => blocker(Code::PinNotSet, info),
        PinState::FinalTry => State::from(Notice::PinFinalTry),
        PinState::CountLow => State::from(Notice::PinCountLow),
        PinState::ToBeChanged => State::from(Notice::PinToBeChanged),
        PinState::Usable => State::Ok,
    }
}

/// Never a blocker: drivers round, and some report the memory of another kind of object.
fn memory(info: &TokenInfo) -> State {
    let known = [info.free_public_memory, info.free_private_memory];
    match known.into_iter().flatten().min() {
        None => State::from(Notice::MemoryUnknown),
        Some(free) if free < LITTLE_MEMORY => State::from(Notice::MemoryLow),
        Some(_) => State::Ok,
    }
}

fn mechanism(kind: KeyKind, token: &Token) -> State {
    match token.supports(kind) {
        Ok(true) => State::Ok,
        Ok(false) => State::from(Notice::MechanismUnknown),
        Err(error) => State::Blocker(error),
    }
}

/// A clock that cannot be right decides nothing. An end that is long past may be true, though: a caller who wants the
/// renewal outside its window gets it.
fn clock(renewal: &Renewal<'_>) -> State {
    let now = renewal.clock.now();
    let old = renewal.old();
    let ended = old.is_some_and(|old| old.certificate().not_after() < now);
    let wanted = renewal.outside_window && ended;
    match clock::verdict(now, old.map(Credential::certificate), old.and_then(Credential::latest)) {
        Verdict::Uncontradicted => State::Ok,
        Verdict::Doubtful(warning) => State::Warning(warning),
        Verdict::Implausible(error) if wanted => State::Warning(clock::in_doubt(&error)),
        Verdict::Implausible(error) => State::Blocker(error.during(Step::Preflight)),
    }
}

/// What was begun is finished, also after the old certificate has ended: the window is a rule about beginning.
fn window(renewal: &Renewal<'_>, waiting: bool) -> State {
    let Some(old) = renewal.old() else { return State::Ok };
    let now = renewal.clock.now();
    let blocked = |code| about(Error::new(code).during(Step::Preflight), old);
    let error = match renewal.window.state(old.certificate().not_after(), now) {
        WindowState::Open { .. } => return State::Ok,
        WindowState::NotYet { opens_on, days_left } => {
            blocked(Code::NotYetRenewable).fact(Fact::Date, opens_on).fact(Fact::Days, days_left)
        }
        WindowState::Expired { .. } if waiting && !renewal.beside_pending => {
            return State::from(Notice::PendingExists);
        }
        WindowState::Expired { .. } => blocked(Code::Expired)
            .fact(Fact::Date, jst_date(old.certificate().not_after()))
            .fact(Fact::Now, jst_time(now)),
    };
    if renewal.outside_window { State::from(Notice::WindowForced) } else { State::Blocker(error) }
}

/// The key that waits for this very job.
fn waiting<'k>(renewal: &Renewal<'_>, keys: &'k [StoredKey]) -> Option<&'k StoredKey> {
    let job = renewal.job();
    keys.iter().find(|key| key.label.parse::<JobLabel>().is_ok_and(|label| label.job == job))
}

fn nothing_pending(renewal: &Renewal<'_>, waiting: Option<&StoredKey>) -> State {
    let Some(key) = waiting else { return State::Ok };
    if renewal.beside_pending {
        return State::from(Notice::PendingExists);
    }
    State::Blocker(
        Error::new(Code::PendingExists)
            .during(Step::Preflight)
            .fact(Fact::Id, crate::hex(&key.id))
            .fact(Fact::Candidate, &key.label),
    )
}

/// Before the login only public keys show themselves. One with our label tells that a job is open, but not how far
/// it got: a warning, until the private keys are seen.
fn is_seen_waiting(renewal: &Renewal<'_>, token: &Token) -> bool {
    let public = token.look().and_then(|session| session.public_keys()).unwrap_or_default();
    let job = renewal.job();
    public.iter().any(|key| key.label.parse::<JobLabel>().is_ok_and(|label| label.job == job))
}

fn subject_unique(twins: usize) -> State {
    if twins == 0 { State::Ok } else { State::from(Notice::SameSubject) }
}

/// The list that the credential was chosen from may be old: another program may have renewed it meanwhile, and a
/// second new credential is what nobody asked for.
fn still_unique(old: &Credential, credentials: &Credentials) -> State {
    let blocked = |code| State::Blocker(about(Error::new(code).during(Step::Preflight), old));
    match credentials.iter().find(|now| now.certificate().der() == old.certificate().der()) {
        None => blocked(Code::CredentialNotFound),
        Some(now) if now.twins() > old.twins() => blocked(Code::AlreadyRenewed),
        Some(now) => subject_unique(now.twins()),
    }
}
