//! Times of validity, from now on.

use std::time::{Duration, SystemTime};

/// This many days from now; negative for days ago.
pub fn days_from_now(days: i64) -> SystemTime {
    let span = Duration::from_secs(days.unsigned_abs() * 24 * 60 * 60);
    if days < 0 { SystemTime::now() - span } else { SystemTime::now() + span }
}
