//! Days and the renewal window, in Japan standard time.
//!
//! Banks count by calendar dates in Japan (UTC+9, no daylight saving time). A certificate that ends at
//! 23:59:59Z ends at 08:59:59 of the next day in Japan, and that next day is its expiry date.

use std::time::SystemTime;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::Offset;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// UTC+9, all year.
const JST: Offset = Offset::constant(9);

/// The calendar date in Japan. Instants that jiff cannot hold (before the year -9999, after 9999) count as the
/// first or last that it can.
pub fn jst_date(time: SystemTime) -> Date {
    let limit = if time < SystemTime::UNIX_EPOCH { Timestamp::MIN } else { Timestamp::MAX };
    JST.to_datetime(Timestamp::try_from(time).unwrap_or(limit)).date()
}

/// The date and time of day in Japan; `None` before the year -9999 and after 9999.
pub(crate) fn in_japan(time: SystemTime) -> Option<DateTime> {
    in_zone(time, JST)
}

/// jiff's instants end a day before its dates do, so that no time zone leads out of them.
fn in_zone(time: SystemTime, zone: Offset) -> Option<DateTime> {
    let Ok(instant) = Timestamp::try_from(time) else {
        let since_1970 = time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
        let seconds = i64::try_from(since_1970).ok()?.checked_add(zone.seconds().into())?;
        let span = Span::new().try_seconds(seconds).ok()?;
        return DateTime::constant(1970, 1, 1, 0, 0, 0, 0).checked_add(span).ok();
    };
    Some(zone.to_datetime(instant))
}

/// The date and time in Japan, to the second: `2026-12-04 08:59:59 JST`. For people to read.
pub fn jst_time(time: SystemTime) -> String {
    let limit = if time < SystemTime::UNIX_EPOCH { DateTime::MIN } else { DateTime::MAX };
    in_japan(time).unwrap_or(limit).strftime("%Y-%m-%d %H:%M:%S JST").to_string()
}

/// RFC 3339 with Japan's offset, to the second: `2026-11-26T22:00:00+09:00`. The last hours of the year 9999, which
/// are another year in Japan already, are told in UTC: `9999-12-31T23:59:59Z`; `None` before the year -9999 and after 9999.
pub fn jst_rfc3339(time: SystemTime) -> Option<String> {
    let utc = || in_zone(time, Offset::UTC).map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    in_japan(time).map(|time| time.strftime("%Y-%m-%dT%H:%M:%S+09:00").to_string()).or_else(utc)
}

/// The next day after this one on which banks in Japan work: no Saturday, no Sunday, and none of 31 December to 3 January
/// (Order for Enforcement of the Banking Act, Article 5), and none of these holidays: the national ones are announced year by
/// year.
pub(crate) fn next_business_day(date: Date, holidays: &[Date]) -> Option<Date> {
    let is_closed = |day: &Date| {
        matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
            || matches!((day.month(), day.day()), (12, 31) | (1, 1..=3))
            || holidays.contains(day)
    };
    let mut day = date.tomorrow().ok()?;
    while is_closed(&day) {
        day = day.tomorrow().ok()?;
    }
    Some(day)
}

/// Whether a certificate that ends then has "no well-defined expiration date": 99991231235959Z (RFC 5280 §4.1.2.5).
pub fn has_no_end(not_after: SystemTime) -> bool {
    const END: u64 = 253_402_300_799;
    not_after.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|since| since.as_secs() == END)
}

/// Whole days from today to the expiry date (the date in Japan of the instant at which the certificate ends), by dates in Japan; 0 on the expiry date, negative after it.
pub fn days_left(not_after: SystemTime, now: SystemTime) -> i64 {
    i64::from((jst_date(not_after) - jst_date(now)).get_days())
}

/// The window in which a certificate can be renewed: it opens at 00:00 in Japan `days` days before the expiry
/// date and closes as [`Closing`] says, at the latest with the service itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Window {
    /// How many days before the expiry date it opens.
    pub days: u32,
    /// Until when it is open.
    pub closes: Closing,
    /// The last date in Japan on which the bank renews at all, where its service ends.
    pub service_ends: Option<Date>,
}

/// Until when a certificate can be renewed. Banks stop before it ends, or take it for a while afterwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closing {
    /// Until the instant at which the certificate ends.
    #[default]
    AtEnd,
    /// On the expiry date, before this time of day in Japan: 09:00 where 8:59 is the last minute.
    OnLastDay(Time),
    /// So many days before the expiry date, before this time of day in Japan.
    DaysBefore {
        /// How many days.
        days: u32,
        /// The first moment of that day at which it is closed.
        time: Time,
    },
    /// So many hours before the certificate ends.
    HoursBefore(u32),
    /// At the end of the day in Japan that is so many days after the expiry date.
    DaysAfter(u32),
}

/// The usual 40 days.
impl Default for Window {
    fn default() -> Self {
        Window::of_days(40)
    }
}

/// Where in the window a moment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowState {
    /// Too early.
    NotYet {
        /// The date in Japan on which the window opens.
        opens_on: Date,
        /// Days left until the expiry date.
        days_left: i64,
    },
    /// The certificate can be renewed.
    Open {
        /// Days left until the expiry date.
        days_left: i64,
    },
    /// The certificate works still, and the bank renews it no more.
    Closed {
        /// The moment in Japan from which it does not.
        closed_at: DateTime,
    },
    /// The certificate has ended.
    Expired {
        /// The date in Japan on which it ended.
        expired_on: Date,
    },
    /// The bank's service has ended.
    ServiceEnded {
        /// Its last date in Japan.
        ended_on: Date,
    },
}

impl Window {
    /// The window that opens so many days before the expiry date and closes when the certificate ends.
    pub const fn of_days(days: u32) -> Self {
        Window { days, closes: Closing::AtEnd, service_ends: None }
    }

    /// The date in Japan on which the window opens.
    pub fn opens_on(&self, not_after: SystemTime) -> Date {
        let days = Span::new().try_days(self.days);
        days.and_then(|days| jst_date(not_after).checked_sub(days)).unwrap_or(Date::MIN)
    }

    /// Where `now` is. The last instant of the certificate's validity still belongs to the window.
    pub fn state(&self, not_after: SystemTime, now: SystemTime) -> WindowState {
        let days_left = days_left(not_after, now);
        let opens_on = self.opens_on(not_after);
        let today = jst_date(now);
        if let Some(ended_on) = self.service_ends.filter(|last| *last < today) {
            return WindowState::ServiceEnded { ended_on };
        }
        let expired = WindowState::Expired { expired_on: jst_date(not_after) };
        match self.closes.moment(not_after) {
            // Renewed for some days after the end, and these are over.
            Some(closed_at) if now > not_after && has_come(closed_at, now) => expired,
            Some(_) if now > not_after && matches!(self.closes, Closing::DaysAfter(_)) => {
                WindowState::Open { days_left }
            }
            _ if now > not_after => expired,
            Some(closed_at) if has_come(closed_at, now) => WindowState::Closed { closed_at },
            _ if today < opens_on => WindowState::NotYet { opens_on, days_left },
            _ => WindowState::Open { days_left },
        }
    }
}

impl Closing {
    /// The first moment in Japan at which the window is closed. None where the certificate's end closes it, and where
    /// there is no such moment.
    fn moment(self, not_after: SystemTime) -> Option<DateTime> {
        let last_day = jst_date(not_after);
        match self {
            Closing::AtEnd => None,
            Closing::OnLastDay(time) => Some(last_day.to_datetime(time)),
            Closing::DaysBefore { days, time } => {
                let days = Span::new().try_days(days).ok()?;
                Some(last_day.checked_sub(days).ok()?.to_datetime(time))
            }
            Closing::HoursBefore(hours) => {
                let hours = Span::new().try_hours(hours).ok()?;
                in_japan(not_after)?.checked_sub(hours).ok()
            }
            Closing::DaysAfter(days) => {
                let days = Span::new().try_days(i64::from(days) + 1).ok()?;
                last_day.to_datetime(Time::midnight()).checked_add(days).ok()
            }
        }
    }
}

fn has_come(moment: DateTime, now: SystemTime) -> bool {
    in_japan(now).is_some_and(|now| moment <= now)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(text: &str) -> SystemTime {
        text.parse::<Timestamp>().unwrap().into()
    }

    #[test]
    fn an_end_at_the_last_second_of_utc_is_the_next_day_in_japan() {
        let end = at("2026-12-03T23:59:59Z");
        assert_eq!(jst_date(end).to_string(), "2026-12-04");
        // 11 days by the calendar in Japan; by dates in UTC it would be 11 only from 00:00Z on.
        assert_eq!(days_left(end, at("2026-11-23T00:00:00+09:00")), 11);
        assert_eq!(days_left(end, at("2026-11-23T08:59:59+09:00")), 11);
        assert_eq!(days_left(end, at("2026-11-23T09:00:00+09:00")), 11);
        assert_eq!(days_left(end, at("2026-11-23T23:59:59+09:00")), 11);
        assert_eq!(days_left(end, at("2026-11-24T00:00:00+09:00")), 10);
    }

    #[test]
    fn the_last_day_ends_at_0859() {
        let end = at("2026-12-03T23:59:59Z");
        let window = Window::default();
        assert_eq!(window.state(end, at("2026-12-04T08:59:59+09:00")), WindowState::Open { days_left: 0 });
        let expired_on = jst_date(end);
        assert_eq!(window.state(end, at("2026-12-04T09:00:00+09:00")), WindowState::Expired { expired_on });
        assert_eq!(days_left(end, at("2026-12-04T09:00:00+09:00")), 0);
        assert_eq!(days_left(end, at("2026-12-05T00:00:00+09:00")), -1);
    }

    #[test]
    fn the_window_opens_at_midnight_in_japan() {
        let end = at("2026-12-03T23:59:59Z");
        let window = Window::default();
        let opens_on = Date::constant(2026, 10, 25);
        assert_eq!(window.opens_on(end), opens_on);
        let early = WindowState::NotYet { opens_on, days_left: 41 };
        assert_eq!(window.state(end, at("2026-10-24T23:59:59+09:00")), early);
        assert_eq!(window.state(end, at("2026-10-25T00:00:00+09:00")), WindowState::Open { days_left: 40 });
        assert_eq!(Window::of_days(30).opens_on(end).to_string(), "2026-11-04");
    }

    #[test]
    fn ends_around_nine_in_the_morning_fall_on_both_dates() {
        assert_eq!(jst_date(at("2026-12-03T14:59:59Z")).to_string(), "2026-12-03");
        assert_eq!(jst_date(at("2026-12-03T15:00:00Z")).to_string(), "2026-12-04");
    }

    #[test]
    fn the_end_of_the_year_9999_is_no_end() {
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
        assert!(has_no_end(end) && !has_no_end(end - Duration::from_secs(1)));
        assert_eq!(jst_rfc3339(end).unwrap(), "9999-12-31T23:59:59Z");
        assert!(days_left(end, at("2026-12-04T00:00:00Z")) > 2_900_000);
        // Other moments of its last day, which jiff's instants do not reach.
        let midday = end - Duration::from_secs(12 * 3600 - 1);
        assert_eq!(jst_rfc3339(midday).unwrap(), "9999-12-31T21:00:00+09:00");
        assert_eq!(jst_rfc3339(end - Duration::from_secs(60)).unwrap(), "9999-12-31T23:58:59Z");
        assert_eq!(jst_rfc3339(end + Duration::from_secs(1)), None);
    }

    #[test]
    fn summer_changes_nothing() {
        let end = at("2026-08-01T15:00:00Z");
        assert_eq!(days_left(end, at("2026-03-28T15:00:00Z")), days_left(end, at("2026-03-29T14:59:59Z")));
        assert_eq!(days_left(end, at("2026-07-31T15:00:00Z")), 1);
    }

    #[test]
    fn a_bank_closes_before_the_certificate_ends() {
        let end = at("2026-12-04T23:59:59+09:00");
        let morning = Window { closes: Closing::OnLastDay(Time::constant(9, 0, 0, 0)), ..Window::default() };
        let closed_at = Date::constant(2026, 12, 4).at(9, 0, 0, 0);
        assert_eq!(morning.state(end, at("2026-12-04T08:59:59+09:00")), WindowState::Open { days_left: 0 });
        assert_eq!(morning.state(end, at("2026-12-04T09:00:00+09:00")), WindowState::Closed { closed_at });
        let expired_on = Date::constant(2026, 12, 4);
        assert_eq!(morning.state(end, at("2026-12-05T00:00:00+09:00")), WindowState::Expired { expired_on });

        let day_before = Window { closes: Closing::HoursBefore(24), ..Window::default() };
        let closed_at = Date::constant(2026, 12, 3).at(23, 59, 59, 0);
        assert_eq!(
            day_before.state(end, at("2026-12-03T23:59:58+09:00")),
            WindowState::Open { days_left: 1 }
        );
        assert_eq!(day_before.state(end, at("2026-12-03T23:59:59+09:00")), WindowState::Closed { closed_at });
    }

    #[test]
    fn the_last_day_may_be_before_the_expiry_date() {
        let end = at("2028-03-01T08:59:59+09:00");
        let until = |days, time| Window { closes: Closing::DaysBefore { days, time }, ..Window::default() };
        // The day before is 29 February.
        let leap = until(1, Time::constant(9, 0, 0, 0));
        assert_eq!(leap.state(end, at("2028-02-29T08:59:59+09:00")), WindowState::Open { days_left: 1 });
        let closed_at = Date::constant(2028, 2, 29).at(9, 0, 0, 0);
        assert_eq!(leap.state(end, at("2028-02-29T09:00:00+09:00")), WindowState::Closed { closed_at });
        let year_end = at("2027-01-01T08:59:59+09:00");
        let midnight = until(0, Time::midnight());
        assert_eq!(
            midnight.state(year_end, at("2026-12-31T23:59:59+09:00")),
            WindowState::Open { days_left: 1 }
        );
        let closed_at = Date::constant(2027, 1, 1).at(0, 0, 0, 0);
        assert_eq!(
            midnight.state(year_end, at("2027-01-01T00:00:00+09:00")),
            WindowState::Closed { closed_at }
        );
    }

    #[test]
    fn the_last_24_hours_are_excluded_to_the_second_in_a_leap_year_too() {
        let window = Window { closes: Closing::HoursBefore(24), ..Window::default() };
        for (end, last, closed) in [
            ("2028-03-01T09:00:00+09:00", "2028-02-29T08:59:59+09:00", "2028-02-29T09:00:00+09:00"),
            ("2027-03-01T09:00:00+09:00", "2027-02-28T08:59:59+09:00", "2027-02-28T09:00:00+09:00"),
            ("2027-01-01T08:59:59+09:00", "2026-12-31T08:59:58+09:00", "2026-12-31T08:59:59+09:00"),
        ] {
            assert!(matches!(window.state(at(end), at(last)), WindowState::Open { .. }), "{last}");
            assert!(matches!(window.state(at(end), at(closed)), WindowState::Closed { .. }), "{closed}");
        }
    }

    #[test]
    fn banks_rest_at_weekends_and_at_the_turn_of_the_year() {
        let next = |day: &str| next_business_day(day.parse().unwrap(), &[]).unwrap().to_string();
        assert_eq!(next("2026-11-26"), "2026-11-27");
        assert_eq!(next("2026-11-27"), "2026-11-30", "a Friday");
        assert_eq!(next("2026-12-30"), "2027-01-04", "a Wednesday: four days of rest");
        assert_eq!(next("2027-12-30"), "2028-01-04");
        assert_eq!(next("2028-02-28"), "2028-02-29");
        assert!(next_business_day(Date::MAX, &[]).is_none());
        let holidays: Vec<Date> = ["2026-11-23", "2026-11-24"].map(|day| day.parse().unwrap()).into();
        let friday = "2026-11-20".parse().unwrap();
        assert_eq!(next_business_day(friday, &holidays).unwrap().to_string(), "2026-11-25");
    }

    #[test]
    fn a_bank_may_renew_for_some_days_after_the_end() {
        let end = at("2026-12-03T23:59:59Z");
        let late = Window { closes: Closing::DaysAfter(90), ..Window::default() };
        assert_eq!(late.state(end, at("2026-12-04T09:00:00+09:00")), WindowState::Open { days_left: 0 });
        assert_eq!(late.state(end, at("2027-03-04T23:59:59+09:00")), WindowState::Open { days_left: -90 });
        let expired_on = Date::constant(2026, 12, 4);
        assert_eq!(late.state(end, at("2027-03-05T00:00:00+09:00")), WindowState::Expired { expired_on });
        assert!(matches!(late.state(end, at("2026-10-24T23:59:59+09:00")), WindowState::NotYet { .. }));
    }

    #[test]
    fn the_end_of_a_service_closes_every_window() {
        let end = at("2026-12-03T23:59:59Z");
        let ended_on = Date::constant(2026, 11, 30);
        let window = Window { service_ends: Some(ended_on), ..Window::default() };
        assert_eq!(window.state(end, at("2026-11-30T23:59:59+09:00")), WindowState::Open { days_left: 4 });
        assert_eq!(
            window.state(end, at("2026-12-01T00:00:00+09:00")),
            WindowState::ServiceEnded { ended_on }
        );
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert!(days_left(far, SystemTime::UNIX_EPOCH) > 2_000_000);
        assert!(days_left(SystemTime::UNIX_EPOCH, far) < -2_000_000);
        let _ = Window::of_days(u32::MAX).state(far, far);
        for closes in [Closing::HoursBefore(u32::MAX), Closing::DaysAfter(u32::MAX)] {
            let _ = Window { closes, ..Window::default() }.state(far, SystemTime::UNIX_EPOCH);
            let _ = Window { closes, ..Window::default() }.state(SystemTime::UNIX_EPOCH, far);
        }
    }
}
