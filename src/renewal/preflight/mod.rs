//! What is checked before anyone is asked for a PIN, and again before anything is written.

mod elsewhere;
mod first;
mod follower;
mod only_user;
mod onto_other;
mod seen;
mod stated;
mod waiting;

pub use self::seen::BeforeLogin;

use self::stated::{mechanism, of_token};
use self::waiting::{nothing_pending, one_to_resume};
use super::clock::{self, Clock, Verdict};
use super::renewal::{Renewal, Subject};
use super::run::Run;
use crate::bank::{KeyRule, Policy};
use crate::contents::{
    Contents, Credential, Credentials, PendingKey, PendingState, Record, Successor, about, closed, expired,
    not_yet, service_ended,
};
use crate::driver::{Session, Token};
use crate::error::{Code, Error, Fact, Notice, Point, Result, Step, Warning};
use crate::pki::{Certificate, WindowState};
use crate::places::OldCertificate;
use std::time::SystemTime;

/// The result of the preflight: a list that a program can show, point by point.
#[derive(Debug)]
#[non_exhaustive]
pub struct Preflight {
    /// The points, in the order in which they were checked.
    pub points: Vec<PreflightPoint>,
}

/// One point of the preflight.
#[derive(Debug)]
pub struct PreflightPoint {
    /// What was checked.
    pub point: Point,
    /// What came out.
    pub state: PointResult,
}

/// What came out of one point.
#[derive(Debug)]
pub enum PointResult {
    /// Nothing speaks against it.
    Ok,
    /// The renewal can go on; the person should know.
    Warning(Warning),
    /// The renewal cannot begin.
    Blocker(Error),
}

impl Preflight {
    /// Whether nothing blocks the renewal.
    pub fn can_begin(&self) -> bool {
        !self.points.iter().any(|finding| matches!(finding.state, PointResult::Blocker(_)))
    }

    /// The same without the blockers of this code: the person has said that it goes on all the same.
    #[must_use]
    pub fn accepting(mut self, code: Code) -> Self {
        for finding in &mut self.points {
            if matches!(&finding.state, PointResult::Blocker(error) if error.code() == code) {
                finding.state = PointResult::Ok;
            }
        }
        self
    }

    /// The warnings, unless something blocks.
    ///
    /// # Errors
    /// The first blocker.
    pub fn into_notices(self) -> Result<Vec<Warning>> {
        let mut notices = Vec::new();
        for finding in self.points {
            match finding.state {
                PointResult::Ok => {}
                PointResult::Warning(warning) => notices.push(warning),
                PointResult::Blocker(error) => return Err(error.during(Step::Preflight)),
            }
        }
        // What a token merely does not tell is for the list, not for a warning that no one can act on; what it states of the PIN
        // is said where that is asked for, and of a copy what becomes of it.
        notices.retain(|warning| {
            !matches!(
                warning.notice,
                Notice::MemoryUnknown
                    | Notice::MechanismUnknown
                    | Notice::CertificateTwice
                    | Notice::PinPadStated
                    | Notice::PinLengthStated
            )
        });
        Ok(notices)
    }

    fn before_login(
        renewal: &Renewal,
        token: &Token,
        seen: Option<&BeforeLogin>,
        waiting: bool,
        run: &Run<'_>,
    ) -> Self {
        let said = match renewal.old_elsewhere() {
            Some(old) => seen.and_then(|seen| seen.contents().successor_of(old.certificate())),
            None => renewal.old_on_token().and_then(Credential::successor).cloned(),
        };
        let said = said.filter(|_| !renewal.although_renewed);
        let renewed = said.map(|by| renewed(Notice::SaidRenewed, renewal, &by));
        let mut findings =
            findings(renewal, token, &Done { waiting, known: false, renewed: renewed.clone() }, run, false);
        if let Some(old) = renewal.old_on_token() {
            let unique = || same_subject(old.same_subject());
            let elsewhere = || onto_other::warning(renewal, old, token.identity(), run);
            let state = renewed.or_else(elsewhere).map_or_else(unique, PointResult::Warning);
            push_unique(&mut findings, state, old);
            let others = old.of_other_users(run.now());
            findings.extend(only_user::before_login(renewal, others, seen.map(BeforeLogin::contents)));
        } else if let Some(old) = renewal.old_elsewhere() {
            let credentials = seen.map(BeforeLogin::credentials).unwrap_or_default();
            let unique = || same_subject(elsewhere::with_subject_of(&credentials, old));
            let state = renewed.map_or_else(unique, PointResult::Warning);
            findings.push(PreflightPoint { point: Point::SubjectUnique, state });
            let others = credentials.of_others_than(old.subject(), run.now());
            findings.extend(only_user::before_login(renewal, others, seen.map(BeforeLogin::contents)));
        }
        Preflight { points: findings }
    }

    /// The points that do not depend on what is wanted: for one who examines a token and renews nothing.
    pub(crate) fn of_token(token: &Token, seen: Option<&BeforeLogin>, run: &Run<'_>) -> Self {
        let mut findings = of_token(token, false);
        let clock = match clock::verdict(&Policy::default(), run.now(), None, run.known_past()) {
            Verdict::Uncontradicted => PointResult::Ok,
            Verdict::Doubtful(warning) => PointResult::Warning(warning),
            Verdict::Implausible(error) => PointResult::Blocker(error.during(Step::Preflight)),
        };
        findings.push(PreflightPoint { point: Point::Clock, state: clock });
        findings.push(said_to_wait(
            seen.is_some_and(|seen| seen.contents().seems_pending(None, Record::is_first)),
        ));
        Preflight { points: findings }
    }

    pub(super) fn after_login(
        renewal: &Renewal,
        session: &Session,
        contents: &mut Contents,
        run: &Run<'_>,
    ) -> Result<Self> {
        let is_job = |record: &Record| renewal.is_job_of(record, run.caller());
        // Where nobody else may be on the token, the others' jobs count too.
        let wanted = |record: &Record| only_user::is_asked(renewal) || is_job(record);
        let pending = contents.pending_where(session, wanted)?;
        let is_waiting = |key: &&PendingKey| key.state() != PendingState::PublicKeyOnly;
        let waiting: Vec<&PendingKey> =
            pending.iter().filter(|key| is_job(key.record())).filter(is_waiting).collect();
        let waiting = one_to_resume(waiting, renewal, contents, run);
        let hidden = waiting::hidden(renewal, session, contents, &pending, waiting, run)?;
        // What is begun is finished first.
        if let (None, Some(old)) = (waiting, renewal.old_certificate())
            && (contents.is_said_renewed(old) || contents.has_followers(session, old)?)
        {
            // Which one is in use now, and when that can be renewed, depends on those that follow it in turn.
            contents.prove_successors(session)?;
        }
        if let Some(old) = renewal.old_on_token() {
            contents.search_key_of(session, old.certificate())?;
        }
        let credentials = contents.credentials();
        let now = renewal.old_on_token().and_then(|old| present(&credentials, old));
        let by = match renewal.old_elsewhere() {
            Some(old) => contents.successor_of(old.certificate()),
            None => now.and_then(Credential::successor).cloned(),
        };
        let authorities = now.map(Credential::authorities).or(renewal.old().map(OldCertificate::authorities));
        let authorities = authorities.unwrap_or_default();
        let by = follower::known(renewal, contents, by, authorities, run);
        let by = match by.filter(|by| by.signed) {
            _ if waiting.is_some() => None,
            None => follower::kept(renewal, session, contents, run)?,
            by => by,
        };
        let hidden = hidden.or_else(|| follower::hidden(renewal, &credentials, by.as_ref(), run));
        let by = by.as_ref();
        let refusal = |old, by| follower::refusal(&renewal.policy, old, by, authorities, run);
        let done = Done {
            waiting: waiting.is_some(),
            known: true,
            renewed: by.map(|by| renewed(Notice::Renewed, renewal, by)),
        };
        let mut findings = findings(renewal, session.token(), &done, run, true);
        if let Some(window) = first::window(renewal, &credentials, run) {
            findings.retain(|finding| finding.point != Point::Window);
            findings.push(window);
        }
        findings.push(PreflightPoint {
            point: Point::NothingPending,
            state: hidden.map_or_else(|| nothing_pending(renewal, waiting, run), PointResult::Blocker),
        });
        if let Some(old) = renewal.old_elsewhere() {
            let state = match by {
                Some(by)
                    if !renewal.although_renewed && elsewhere::is_for_another(&credentials, old, by, run) =>
                {
                    PointResult::Blocker(elsewhere::renewed_for_another(old, by))
                }
                Some(by) if !renewal.although_renewed => PointResult::Blocker(refusal(old, by)),
                Some(by) => PointResult::Warning(renewed(Notice::Renewed, renewal, by)),
                None => same_subject(elsewhere::with_subject_of(&credentials, old)),
            };
            findings.push(PreflightPoint { point: Point::SubjectUnique, state });
            let others = credentials.of_others_than(old.subject(), run.now());
            let others = others.filter(|other| by.is_none_or(|by| by.certificate != **other));
            findings.extend(only_user::after_login(renewal, others, None, &pending));
        }
        if let Some(old) = renewal.old_on_token() {
            let mut unique = |state| findings.push(PreflightPoint { point: Point::SubjectUnique, state });
            match (now, by) {
                (None, _) => unique(gone(old)),
                (Some(now), Some(by)) if !renewal.although_renewed && is_for_another(now, by, run) => {
                    let error = about(Error::new(Code::RenewedForAnother).during(Step::Preflight), old);
                    // That it takes this one's place is offered to nobody: this one's holder would be left with nothing.
                    unique(PointResult::Blocker(error.fact(Fact::Candidate, by)));
                }
                (Some(_), Some(by)) if !renewal.although_renewed => {
                    unique(PointResult::Blocker(refusal(old, by)));
                }
                (Some(now), _) => {
                    let stranger = waiting.is_none().then(|| follower::stranger(renewal, contents, now, run));
                    stranger.flatten().into_iter().for_each(|error| unique(PointResult::Blocker(error)));
                    let elsewhere = onto_other::refusal(renewal, now, session.token().identity(), run);
                    elsewhere.into_iter().for_each(|error| unique(PointResult::Blocker(error)));
                    done.renewed.into_iter().for_each(|warning| unique(PointResult::Warning(warning)));
                    push_unique(&mut findings, same_subject(now.same_subject()), now);
                }
            }
            findings.push(PreflightPoint { point: Point::OldKey, state: old_key(now, old) });
            let own = now.unwrap_or(old);
            let others = own.of_other_users(run.now());
            findings.extend(only_user::after_login(renewal, others, Some(own), &pending));
        }
        if let Subject::First(subject) = &renewal.subject {
            let others = credentials.of_others_than(subject, run.now());
            findings.extend(only_user::after_login(renewal, others, None, &pending));
        }
        Ok(Preflight { points: findings })
    }
}

/// What was done for the certificate before.
struct Done {
    /// A renewal that was begun waits, or seems to.
    waiting: bool,
    /// Whether that is known, because private objects were seen.
    known: bool,
    /// It is renewed, or is said to be.
    renewed: Option<Warning>,
}

impl Done {
    /// What is said of the one that waits.
    fn notice(&self) -> Notice {
        if self.known { Notice::PendingExists } else { Notice::BegunBefore }
    }
}

/// The credential as it is on the token now. The list that it was chosen from may be old, and the same certificate may be
/// stored twice.
fn present<'c>(credentials: &'c Credentials, old: &Credential) -> Option<&'c Credential> {
    let same = || credentials.iter().filter(|now| now.certificate() == old.certificate());
    same().find(|now| now.id() == old.id()).or_else(|| same().next())
}

impl Renewal {
    /// Checks, without a PIN, whether this can work, from what the token said of itself when it was found;
    /// [`Token::refreshed`] asks it anew. Public keys are examined for a request that may be pending.
    pub fn preflight(&self, token: &Token, run: &Run<'_>) -> Preflight {
        self.preflight_on(token, BeforeLogin::read(token).ok().as_ref(), run)
    }

    /// The same, on what was read of the token before.
    pub fn preflight_on(&self, token: &Token, seen: Option<&BeforeLogin>, run: &Run<'_>) -> Preflight {
        run.report(Step::Preflight);
        let renewal = self.found_on_token(&self.seen_beside(seen));
        let waiting = seen.is_some_and(|seen| seen.is_waiting(&renewal, run));
        let mut preflight = Preflight::before_login(&renewal, token, seen, waiting, run);
        preflight.points.push(said_to_wait(waiting));
        preflight
    }

    /// What is on the token, where a certificate from elsewhere may be there too.
    fn seen_beside(&self, seen: Option<&BeforeLogin>) -> Credentials {
        let seen = seen.filter(|_| self.old_elsewhere().is_some());
        seen.map(BeforeLogin::credentials).unwrap_or_default()
    }

    /// As [`Renewal::preflight`], but for what is pending: for callers who log in next, when the private keys tell
    /// that for sure. Only where the window has closed, what waits is searched for: a renewal that was begun is finished
    /// after that too.
    pub fn preflight_before_login(&self, token: &Token, run: &Run<'_>) -> Preflight {
        run.report(Step::Preflight);
        let has_closed = self.old_certificate().is_some_and(|old| has_closed(self, old, run));
        let seen =
            (has_closed || self.old_elsewhere().is_some()).then(|| BeforeLogin::read(token).ok()).flatten();
        let renewal = self.found_on_token(&self.seen_beside(seen.as_ref()));
        let waiting = has_closed && seen.as_ref().is_some_and(|seen| seen.is_waiting(&renewal, run));
        Preflight::before_login(&renewal, token, seen.as_ref(), waiting, run)
    }
}

impl From<Notice> for PointResult {
    fn from(notice: Notice) -> Self {
        PointResult::Warning(notice.into())
    }
}

/// The points that need no login.
fn findings(
    renewal: &Renewal,
    token: &Token,
    done: &Done,
    run: &Run<'_>,
    logged_in: bool,
) -> Vec<PreflightPoint> {
    let clock = clock(renewal, run);
    let window = match &clock {
        // By such a clock nothing can be said of the certificate.
        PointResult::Blocker(error) => PointResult::Warning(clock::in_doubt(error)),
        PointResult::Ok | PointResult::Warning(_) => window(renewal, done, run),
    };
    let mut findings = of_token(token, logged_in);
    findings.extend(key(renewal, token));
    findings.push(PreflightPoint { point: Point::Clock, state: clock });
    findings.push(PreflightPoint { point: Point::Window, state: window });
    findings.extend(elsewhere::old_key(renewal, run));
    findings
}

/// Before the login a job that seems to wait is a warning: its certificate may be one that shows after the login only.
fn said_to_wait(waiting: bool) -> PreflightPoint {
    let state = if waiting { PointResult::from(Notice::BegunBefore) } else { PointResult::Ok };
    PreflightPoint { point: Point::NothingPending, state }
}

/// Whether the kind of key is known and the token makes it. With the old key no key is made.
fn key(renewal: &Renewal, token: &Token) -> Vec<PreflightPoint> {
    if renewal.policy.reuses_key() {
        return Vec::new();
    }
    let kind = match renewal.key_kind() {
        Ok(kind) => kind,
        Err(error) => {
            return vec![PreflightPoint { point: Point::KeyKind, state: PointResult::Blocker(error) }];
        }
    };
    let mut findings = Vec::new();
    if let (KeyRule::LikeOld, Some(old)) = (renewal.policy.key, renewal.old()) {
        let same = kind.algorithm() == old.key_algorithm();
        let warning = || {
            let changes = Warning::from(Notice::KeyKindChanges).fact(Fact::Expected, old.key_algorithm());
            changes.fact(Fact::Found, kind.algorithm())
        };
        let state = if same { PointResult::Ok } else { PointResult::Warning(warning()) };
        findings.push(PreflightPoint { point: Point::KeyKind, state });
    }
    findings.push(PreflightPoint { point: Point::Mechanism, state: mechanism(kind, token) });
    findings
}

/// A clock that cannot be right decides nothing. An end that is long past may be true, though: a caller who wants the
/// renewal outside its window gets it.
fn clock(renewal: &Renewal, run: &Run<'_>) -> PointResult {
    let now = run.now();
    let old = renewal.old_certificate();
    let ended = old.is_some_and(|old| old.not_after() < now);
    let wanted = renewal.outside_window && ended;
    let latest = renewal.old_on_token().and_then(Credential::latest).max(run.known_past());
    match clock::verdict(&renewal.policy, now, old, latest) {
        Verdict::Uncontradicted => PointResult::Ok,
        Verdict::Doubtful(warning) => PointResult::Warning(warning),
        Verdict::Implausible(error) if wanted => PointResult::Warning(clock::in_doubt(&error)),
        Verdict::Implausible(error) => PointResult::Blocker(error.during(Step::Preflight)),
    }
}

/// What was begun is finished, also after the old certificate has ended: the window is a rule about beginning. Of one that
/// is renewed the record on the new private key has the word.
fn window(renewal: &Renewal, done: &Done, run: &Run<'_>) -> PointResult {
    let Some(old) = renewal.old() else { return PointResult::Ok };
    let (state, now) = window_state(renewal, old.certificate(), run);
    if let (Some(warning), false) = (&done.renewed, renewal.although_renewed)
        && !matches!(state, WindowState::Open { .. })
    {
        return PointResult::Warning(warning.clone());
    }
    let error = match state {
        WindowState::Open { .. } => return PointResult::Ok,
        WindowState::NotYet { opens_on, days_left } => not_yet(old, opens_on, days_left),
        WindowState::Expired { .. } if done.waiting && !renewal.beside_pending => {
            return PointResult::from(done.notice());
        }
        WindowState::Expired { .. } => expired(old, now),
        WindowState::Closed { .. } | WindowState::ServiceEnded { .. }
            if done.waiting && !renewal.beside_pending =>
        {
            return PointResult::from(done.notice());
        }
        WindowState::Closed { closed_at } => closed(old, closed_at, now),
        WindowState::ServiceEnded { ended_on } => service_ended(old, ended_on, now),
    };
    match renewal.outside_window {
        true => PointResult::from(Notice::WindowForced),
        false => PointResult::Blocker(error.during(Step::Preflight)),
    }
}

/// Whether nothing can be begun for it any more.
fn has_closed(renewal: &Renewal, old: &Certificate, run: &Run<'_>) -> bool {
    match window_state(renewal, old, run).0 {
        WindowState::Open { .. } | WindowState::NotYet { .. } => false,
        WindowState::Expired { .. } | WindowState::Closed { .. } | WindowState::ServiceEnded { .. } => true,
    }
}

/// The first time by which the window is not open, else the present one.
fn window_state(renewal: &Renewal, old: &Certificate, run: &Run<'_>) -> (WindowState, SystemTime) {
    let states =
        times(&renewal.policy, run).map(|now| (renewal.policy.window.state(old.not_after(), now), now));
    let [by_caller, by_computer] = states;
    if matches!(by_caller.0, WindowState::Open { .. }) { by_computer } else { by_caller }
}

/// The times that a limit holds by: where the bank's window binds everyone, the caller's time opens nothing that is closed by the
/// computer's.
fn times(policy: &Policy, run: &Run<'_>) -> [SystemTime; 2] {
    let now = run.now();
    [now, if policy.window_binds_removal { Clock::SYSTEM.now() } else { now }]
}

/// Whether it is the only one in its name, and stored once.
fn push_unique(findings: &mut Vec<PreflightPoint>, state: PointResult, old: &Credential) {
    let twice = old.stored_twice();
    let nothing_else = matches!(state, PointResult::Ok) && twice.is_some();
    let states = [(!nothing_else).then_some(state), twice.map(PointResult::Warning)];
    let unique = |state| PreflightPoint { point: Point::SubjectUnique, state };
    findings.extend(states.into_iter().flatten().map(unique));
}

fn same_subject(others: usize) -> PointResult {
    if others == 0 { PointResult::Ok } else { PointResult::from(Notice::SameSubject) }
}

/// That it is renewed, or said to be: which one takes its place, and when that can be renewed.
fn renewed(notice: Notice, renewal: &Renewal, by: &Successor) -> Warning {
    Warning::from(notice)
        .fact(Fact::Candidate, by)
        .fact(Fact::Date, by.renewable_from(&renewal.policy.window))
}

/// Whether what took its place has the name of another user whose credential is on the token: a CA mistook one for the other.
fn is_for_another(old: &Credential, by: &Successor, run: &Run<'_>) -> bool {
    let mut others = old.of_other_users(run.now()).filter(|other| **other != by.certificate);
    others.any(|other| other.subject().has_same_attributes(by.certificate.subject()))
}

fn gone(old: &Credential) -> PointResult {
    PointResult::Blocker(about(Error::new(Code::CredentialNotFound).during(Step::Preflight), old))
}

fn old_key(now: Option<&Credential>, old: &Credential) -> PointResult {
    match now.map(Credential::private_key) {
        Some(Ok(_)) => PointResult::Ok,
        Some(Err(error)) => PointResult::Blocker(error),
        None => PointResult::Blocker(about(Error::new(Code::KeyMissing).during(Step::ReadObjects), old)),
    }
}

#[cfg(test)]
mod tests;
