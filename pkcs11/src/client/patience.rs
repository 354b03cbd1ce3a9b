//! How long a call may take, by what it does.

use crate::options::Deadlines;
use crate::watch;
use crate::wire::message::{AT_ONCE, Request};
use std::time::{Duration, Instant};

/// How long a driver gets to return by itself once the caller wants to stop: the job can then withdraw what it has begun.
const GRACE: Duration = Duration::from_secs(2);

/// The longest time between two looks at whether the caller wants to stop.
const ATTENTION: Duration = Duration::from_millis(100);

/// Why a call is waited for no longer.
pub(super) enum GivenUp {
    /// It took longer than this.
    Late(Duration),
    /// The caller wants to stop.
    Cancelled { writes: bool },
}

/// The wait for one call.
pub(super) struct Patience {
    function: &'static str,
    begun: Instant,
    /// `None`: as long as a person needs.
    limit: Option<Duration>,
    writes: bool,
    /// How often it was said that the call still works.
    told: u32,
    cancelled: Option<Instant>,
}

impl Patience {
    pub(super) fn for_loading(deadlines: &Deadlines, function: &'static str) -> Self {
        Self::new(function, Some(deadlines.initialize), false)
    }

    pub(super) fn for_call(deadlines: &Deadlines, request: &Request<'_>) -> Self {
        let limit = match request {
            Request::Initialize { .. } | Request::InitializeNss { .. } => Some(deadlines.initialize),
            Request::Finalize => Some(deadlines.finalize),
            Request::Login { pin: None, .. } | Request::SetPin { old: None, .. } => None,
            Request::Login { pin: Some(_), .. }
            | Request::SignInit { .. }
            | Request::Sign { .. }
            | Request::SignFinal { .. } => Some(deadlines.sign),
            Request::GenerateKeyPair { .. } => Some(deadlines.generate),
            _ if request.writes() => Some(deadlines.write),
            // The last of its calls begins by then, and has as long as one alone.
            Request::GetAttributeValues { .. } => Some(deadlines.read.saturating_add(AT_ONCE)),
            _ => Some(deadlines.read),
        };
        Self::new(request.function(), limit, request.writes())
    }

    fn new(function: &'static str, limit: Option<Duration>, writes: bool) -> Self {
        Patience { function, begun: Instant::now(), limit, writes, told: 0, cancelled: None }
    }

    pub(super) fn function(&self) -> &'static str {
        self.function
    }

    /// For how long to wait now, after which this is asked again.
    pub(super) fn next(&mut self) -> Result<Duration, GivenUp> {
        let elapsed = self.begun.elapsed();
        // Most calls are done before anybody could want to stop.
        if elapsed >= ATTENTION && watch::with(|watch| watch.is_cancelled()).unwrap_or(false) {
            let since = *self.cancelled.get_or_insert_with(Instant::now);
            if since.elapsed() >= GRACE {
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
