//! How long a call may take, by what it does.

use crate::options::Deadlines;
use crate::watch;
use crate::wire::message::{AT_ONCE, Request};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, waitid};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a driver gets to return by itself once the caller wants to stop: the job can then withdraw what it has begun.
const GRACE: Duration = Duration::from_secs(2);

/// The same in a call that may write: ended in the middle of it, a token that is a file may be none any more.
const GRACE_OF_WRITING: Duration = Duration::from_secs(10);

/// The longest time between two checks whether the caller wants to stop.
const ATTENTION: Duration = Duration::from_millis(100);

/// How long a program may take to say that it is a host: less than a search waits for a driver, which is not to blame.
const GREETING: Duration = Duration::from_secs(8);

/// Why a call is waited for no longer.
pub(super) enum GivenUp {
    /// It took longer than this.
    Late(Duration),
    /// The driver asks at the terminal.
    AtTerminal,
    /// The host has ended. A child of it may have its end of the sockets still.
    Ended,
    /// The caller wants to stop.
    Cancelled { writes: bool },
}

/// The wait for one call.
pub(super) struct Patience {
    function: &'static str,
    /// The host that is waited for.
    host: Option<Pid>,
    /// It was seen to have ended: what it has said before may be there still.
    has_ended: bool,
    begun: Instant,
    /// `None`: as long as a person needs.
    limit: Option<Duration>,
    grace: Duration,
    writes: bool,
    /// How often it was said that the call still works.
    told: u32,
    cancelled: Option<Instant>,
    /// Whether who has made the call waits for it no longer.
    given_up: Arc<AtomicBool>,
}

impl Patience {
    pub(super) fn for_loading(deadlines: &Deadlines, function: &'static str) -> Self {
        Self::new(function, Some(deadlines.initialize), false)
    }

    pub(super) fn for_greeting(deadlines: &Deadlines, function: &'static str) -> Self {
        Self::new(function, Some(deadlines.initialize.min(GREETING)), false)
    }

    pub(super) fn for_call(deadlines: &Deadlines, request: &Request<'_>) -> Self {
        let limit = match request {
            Request::Initialize { .. } | Request::InitializeNss { .. } => Some(deadlines.initialize),
            Request::Finalize => Some(deadlines.finalize),
            Request::Login { pin: None, .. } | Request::SetPin { old: None, .. } => None,
            Request::Login { pin: Some(_), .. }
            | Request::SignInit { .. }
            | Request::Sign { .. }
            | Request::SignFinal { .. }
            | Request::VerifyInit { .. }
            | Request::Verify { .. } => Some(deadlines.sign),
            Request::GenerateKeyPair { .. } => Some(deadlines.generate),
            _ if request.writes() => Some(deadlines.write),
            // The last of its calls begins by then, and has as long as one alone.
            Request::GetAttributeValues { .. } => Some(deadlines.read.saturating_add(AT_ONCE)),
            _ => Some(deadlines.read),
        };
        // At a PIN pad it is a person who is waited for.
        let grace = if request.may_write() && limit.is_some() { GRACE_OF_WRITING } else { GRACE };
        Patience { grace, ..Self::new(request.function(), limit, request.writes()) }
    }

    fn new(function: &'static str, limit: Option<Duration>, writes: bool) -> Self {
        let (begun, given_up) = (Instant::now(), Arc::default());
        Patience {
            function,
            host: None,
            has_ended: false,
            begun,
            limit,
            grace: GRACE,
            writes,
            told: 0,
            cancelled: None,
            given_up,
        }
    }

    /// The same for an answer of this process, until it is given up.
    pub(super) fn with(self, host: Option<Pid>, given_up: &Arc<AtomicBool>) -> Self {
        Patience { host, given_up: Arc::clone(given_up), ..self }
    }

    pub(super) fn function(&self) -> &'static str {
        self.function
    }

    /// For how long to wait now, after which this is asked again.
    pub(super) fn next(&mut self) -> Result<Duration, GivenUp> {
        let elapsed = self.begun.elapsed();
        if !self.writes && self.given_up.load(Ordering::SeqCst) {
            return Err(GivenUp::Late(elapsed));
        }
        match self.host.filter(|_| elapsed >= ATTENTION).and_then(fate) {
            Some(Fate::AtTerminal) => return Err(GivenUp::AtTerminal),
            Some(Fate::Ended) if self.has_ended => return Err(GivenUp::Ended),
            Some(Fate::Ended) => {
                self.has_ended = true;
                return Ok(Duration::ZERO);
            }
            None => {}
        }
        // Most calls are done before anybody could want to stop.
        if elapsed >= ATTENTION && watch::with(|watch| watch.is_cancelled()).unwrap_or(false) {
            let since = *self.cancelled.get_or_insert_with(Instant::now);
            if since.elapsed() >= self.grace {
                return Err(GivenUp::Cancelled { writes: self.writes });
            }
        }
        let Some(limit) = self.limit else { return Ok(ATTENTION) };
        // What writes has its limit again and again.
        let due = limit.saturating_mul(self.told.saturating_add(1));
        if elapsed < due {
            return Ok(ATTENTION.min(due - elapsed));
        }
        if !self.writes {
            return Err(GivenUp::Late(limit));
        }
        self.told = self.told.saturating_add(1);
        watch::with(|watch| watch.still_working(self.function));
        Ok(ATTENTION)
    }
}

/// What has become of a process of ours that will say nothing more.
enum Fate {
    /// The system has stopped it for want of the terminal, which is the caller's.
    AtTerminal,
    Ended,
}

fn fate(process: Pid) -> Option<Fate> {
    let options =
        WaitIdOptions::EXITED | WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match waitid(WaitId::Pid(process), options) {
        Ok(Some(status)) => match status.stopping_signal() {
            Some(by) => {
                [Signal::TTIN, Signal::TTOU].map(Signal::as_raw).contains(&by).then_some(Fate::AtTerminal)
            }
            None => (status.exited() || status.killed() || status.dumped()).then_some(Fate::Ended),
        },
        // Somebody else has waited for it.
        Err(Errno::CHILD) => Some(Fate::Ended),
        Ok(None) | Err(_) => None,
    }
}
