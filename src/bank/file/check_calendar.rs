//! Of the profile as it is written, what it says of days and hours: when a certificate is renewed, and what holds after that.

use std::ops::Range;

use jiff::Span;
use jiff::civil::{Date, Time};
use toml::Spanned;

use super::check::Checker;
use super::raw;
use crate::bank::profile::TooLate;
use crate::error::Code;
use crate::pki::{Closing, Window};

const TOO_LATE: &str = "new-issue, revoke-first, form, contact, words";

impl Checker<'_, '_> {
    pub(super) fn window(
        &mut self,
        calendar: &raw::Calendar,
        too_late: Option<&Spanned<raw::TooLate>>,
    ) -> Window {
        let days = calendar.opens_days_before.as_ref();
        let mut window = match days {
            Some(days) => Window::of_days(self.number("calendar.opens_days_before", days, 1, 366)),
            None => Window::default(),
        };
        let opens_before = window.days;
        let mut closing = Vec::new();
        if let Some(last_day) = self.last_day(calendar, opens_before) {
            closing.push(last_day);
        }
        if let Some(hours) = &calendar.closes_hours_before {
            let key = "calendar.closes_hours_before";
            let value = self.number(key, hours, 1, 24 * 40);
            if value >= 24 * opens_before {
                self.faults.contradiction(hours.span(), key, "calendar.opens_days_before");
            }
            closing.push((key, hours.span(), Closing::HoursBefore(value)));
        }
        if let Some(days) = too_late.and_then(|late| late.get_ref().renewable_days.as_ref()) {
            let key = "too_late.renewable_days";
            closing.push((key, days.span(), Closing::DaysAfter(self.number(key, days, 1, 366))));
        }
        if let [(first, ..), (second, span, _), ..] = closing.as_slice() {
            self.faults.contradiction(span.clone(), second, first);
        }
        window.closes = closing.first().map(|(_, _, closing)| *closing).unwrap_or_default();
        window.service_ends =
            calendar.service_ends.as_ref().and_then(|date| self.date("calendar.service_ends", date));
        window
    }

    /// The last day, which is the expiry date where the file does not say, and the last minute of it, which is that of the
    /// whole day where the file does not say.
    fn last_day(
        &mut self,
        calendar: &raw::Calendar,
        opens_before: u32,
    ) -> Option<(&'static str, Range<usize>, Closing)> {
        let (until_key, days_key) = ("calendar.last_day_until", "calendar.closes_days_before");
        let days = calendar.closes_days_before.as_ref().map(|days| {
            let value = self.number(days_key, days, 1, 366);
            if value >= opens_before {
                self.faults.contradiction(days.span(), days_key, "calendar.opens_days_before");
            }
            value
        });
        let until = calendar.last_day_until.as_ref().map(|text| {
            let minute = last_minute(text.get_ref());
            if minute.is_none() {
                self.faults.bad(text.span(), until_key, text.get_ref(), "HH:MM, 00:00–23:59");
            }
            (text.span(), minute.flatten())
        });
        match (days, until, &calendar.closes_days_before) {
            (None, None, _) | (Some(_), None, None) => None,
            (None, Some((span, Some(time))), _) => Some((until_key, span, Closing::OnLastDay(time))),
            // The whole expiry date, on which the certificate ends anyway.
            (None, Some((span, None)), _) => Some((until_key, span, Closing::AtEnd)),
            (Some(days), Some((span, Some(time))), _) => {
                Some((until_key, span, Closing::DaysBefore { days, time }))
            }
            (Some(days), Some((span, None)), _) => Some((until_key, span, whole_day(days))),
            (Some(days), None, Some(key)) => Some((days_key, key.span(), whole_day(days))),
        }
    }

    fn date(&mut self, key: &str, date: &Spanned<toml::value::Datetime>) -> Option<Date> {
        let found = date.get_ref();
        let read = found.date.filter(|_| found.time.is_none() && found.offset.is_none()).and_then(|date| {
            let (month, day) = (i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?);
            Date::new(i16::try_from(date.year).ok()?, month, day).ok()
        });
        if read.is_none() {
            self.faults.bad(date.span(), key, found, "2027-03-31");
        }
        read
    }

    /// Each once: one that stands twice may be meant for another day.
    pub(super) fn holidays(&mut self, dates: &[Spanned<toml::value::Datetime>]) -> Vec<Date> {
        let mut all = Vec::new();
        for (index, date) in dates.iter().enumerate() {
            let key = format!("calendar.holidays[{index}]");
            match self.date(&key, date) {
                Some(day) if all.contains(&day) => self.faults.bad(date.span(), &key, day, "once"),
                day => all.extend(day),
            }
        }
        all
    }

    pub(super) fn reminders(&mut self, days: &[Spanned<i64>]) -> Vec<u32> {
        let mut all = Vec::new();
        for (index, one) in days.iter().enumerate() {
            let key = format!("calendar.reminders[{index}]");
            let days = self.number(&key, one, 0, 366);
            if all.last().is_some_and(|last| *last <= days) {
                self.faults.bad(one.span(), &key, days, "fewer_than_before");
            }
            all.push(days);
        }
        all
    }

    pub(super) fn too_late(&mut self, late: Option<&Spanned<raw::TooLate>>) -> Option<TooLate> {
        let raw::TooLate { then, words, .. } = late?.get_ref();
        let words = words.as_ref().map(|both| (both.ja.span(), self.both("too_late.words", both)));
        let Some(then) = then else {
            if let Some((span, _)) = words {
                self.faults.add(Code::ProfileMissingKey, span, "too_late.then", |error| error);
            }
            return None;
        };
        let step = match then.get_ref().as_str() {
            "new-issue" => TooLate::NewIssue,
            "revoke-first" => TooLate::RevokeFirst,
            "form" => TooLate::Form,
            "contact" => TooLate::Contact,
            "words" => match words {
                Some((_, words)) => return Some(TooLate::Words(words)),
                None => {
                    self.faults.add(Code::ProfileMissingKey, then.span(), "too_late.words", |error| error);
                    return None;
                }
            },
            other => {
                self.faults.bad(then.span(), "too_late.then", other, TOO_LATE);
                return None;
            }
        };
        if let Some((span, _)) = words {
            self.faults.contradiction(span, "too_late.words", "too_late.then");
        }
        Some(step)
    }
}

/// The day that is so many days before the expiry date, all of it.
fn whole_day(days: u32) -> Closing {
    match days.checked_sub(1) {
        Some(days) => Closing::DaysBefore { days, time: Time::midnight() },
        None => Closing::AtEnd,
    }
}

/// The first moment after a minute that is written as HH:MM; that after the last minute of a day is on no such day.
fn last_minute(text: &str) -> Option<Option<Time>> {
    let (hours, minutes) = text.split_once(':')?;
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !two_digits(hours) || !two_digits(minutes) {
        return None;
    }
    let minute = Time::new(hours.parse().ok()?, minutes.parse().ok()?, 0, 0).ok()?;
    Some(minute.checked_add(Span::new().minutes(1)).ok())
}
