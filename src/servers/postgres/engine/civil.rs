//! Moments by the calendar, in UTC: how they are read, told and cut.

use super::super::refusal::Refusal;
use super::interval::DAY;

const SECOND: i64 = 1_000_000;

/// A moment by the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    /// Microseconds since midnight.
    pub(super) micros: i64,
}

impl Civil {
    /// What the calendar shows at a moment. (Howard Hinnant, "chrono-compatible low-level date algorithms".)
    pub(super) fn of(moment: i64) -> Self {
        let days = moment.div_euclid(DAY) + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self { year, month, day, micros: moment.rem_euclid(DAY) }
    }

    /// The moment at which the calendar shows this.
    pub(super) fn moment(self) -> Option<i64> {
        let year = if self.month <= 2 { self.year - 1 } else { self.year };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let shifted = if self.month > 2 { self.month - 3 } else { self.month + 9 };
        let of_year = (153 * shifted + 2) / 5 + self.day - 1;
        let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
        (era * 146_097 + of_era - 719_468).checked_mul(DAY)?.checked_add(self.micros)
    }

    fn last_day(self) -> i64 {
        match self.month {
            2 if self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }
}

/// The same day of another month, or the last that it has.
pub(super) fn plus_months(moment: i64, months: i32) -> Option<i64> {
    let mut civil = Civil::of(moment);
    let total = civil.year.checked_mul(12)?.checked_add(civil.month - 1 + i64::from(months))?;
    civil.year = total.div_euclid(12);
    civil.month = total.rem_euclid(12) + 1;
    civil.day = civil.day.min(civil.last_day());
    civil.moment()
}

/// `.5` for half a second: the digits after the point, without idle zeros; nothing for none.
pub(super) fn fraction(micros: u64) -> String {
    if micros == 0 {
        return String::new();
    }
    format!(".{micros:06}").trim_end_matches('0').to_owned()
}

/// A moment as Postgres tells it where the time zone is UTC.
pub(super) fn told(moment: i64) -> String {
    let Civil { year, month, day, micros } = Civil::of(moment);
    let seconds = micros / SECOND;
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let fraction = fraction((micros % SECOND) as u64);
    let (year, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}{fraction}+00{era}")
}

/// Reads a moment: a date, and a time and an offset where there are any.
pub(super) fn parse(text: &str, now: i64) -> Result<i64, Refusal> {
    let wrong = || Refusal::new("22007", format!("invalid input syntax for type timestamp with time zone: \"{text}\""));
    let range = || Refusal::new("22008", format!("date/time field value out of range: \"{text}\""));
    let trimmed = text.trim();
    match trimmed.to_ascii_lowercase().as_str() {
        "epoch" => return Ok(0),
        "now" => return Ok(now),
        "infinity" | "-infinity" | "today" | "tomorrow" | "yesterday" => {
            return Err(Refusal::unsupported(format_args!("the moment `{trimmed}`")));
        }
        _ => {}
    }
    let (date, rest) = match trimmed.find(['T', 't', ' ']) {
        Some(at) => (&trimmed[..at], trimmed[at + 1..].trim()),
        None => (trimmed, ""),
    };
    let mut fields = date.split('-').map(|field| number(field).ok_or_else(wrong));
    let mut field = || fields.next().unwrap_or_else(|| Err(wrong()));
    let (year, month, day) = (field()?, field()?, field()?);
    if fields.next().is_some() {
        return Err(wrong());
    }
    let (clock, offset) = match rest.find(['Z', 'z', '+', '-']) {
        Some(at) => (rest[..at].trim(), &rest[at..]),
        None => (rest, ""),
    };
    let mut micros = 0;
    if !clock.is_empty() {
        let mut parts = clock.split(':');
        let hour = parts.next().and_then(number).ok_or_else(wrong)?;
        let minute = parts.next().and_then(number).ok_or_else(wrong)?;
        let (second, fraction) = match parts.next() {
            Some(part) => {
                let (whole, fraction) = part.split_once('.').unwrap_or((part, ""));
                let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
                (number(whole).ok_or_else(wrong)?, number(&digits).ok_or_else(wrong)?)
            }
            None => (0, 0),
        };
        if parts.next().is_some() {
            return Err(wrong());
        }
        if hour > 24 || minute > 59 || second > 60 || (hour == 24 && (minute, second, fraction) != (0, 0, 0)) {
            return Err(range());
        }
        micros = ((hour * 60 + minute) * 60 + second) * SECOND + fraction;
    }
    let civil = Civil { year, month, day, micros };
    if year == 0 || !(1..=12).contains(&month) || day < 1 || day > civil.last_day() || year > 294_276 {
        return Err(range());
    }
    let shift = match offset {
        "" | "Z" | "z" => 0,
        _ => {
            let sign = if offset.starts_with('-') { -1 } else { 1 };
            let digits = offset.get(1..).unwrap_or_default();
            let (hours, minutes) = match digits.split_once(':') {
                Some((hours, minutes)) => (number(hours), number(minutes)),
                None if digits.len() == 4 => (number(&digits[..2]), number(&digits[2..])),
                None => (number(digits), Some(0)),
            };
            let (hours, minutes) = hours.zip(minutes).ok_or_else(wrong)?;
            if hours > 15 || minutes > 59 {
                return Err(Refusal::new("22009", format!("time zone displacement out of range: \"{text}\"")));
            }
            sign * (hours * 60 + minutes) * 60 * SECOND
        }
    };
    civil.moment().and_then(|moment| moment.checked_sub(shift)).ok_or_else(range)
}

/// A moment with all that is finer than `field` left out.
pub(super) fn truncated(moment: i64, field: &str) -> Option<i64> {
    let civil = Civil::of(moment);
    let cut = |unit: i64| Civil { micros: civil.micros - civil.micros % unit, ..civil };
    let cut = match field {
        "microseconds" => civil,
        "milliseconds" => cut(1_000),
        "second" => cut(SECOND),
        "minute" => cut(60 * SECOND),
        "hour" => cut(3_600 * SECOND),
        "day" => cut(DAY),
        "week" => {
            let days = moment.div_euclid(DAY);
            return Some((days - (days + 3).rem_euclid(7)) * DAY);
        }
        "month" => Civil { day: 1, micros: 0, ..civil },
        "quarter" => Civil { month: (civil.month - 1) / 3 * 3 + 1, day: 1, micros: 0, ..civil },
        "year" => Civil { month: 1, day: 1, micros: 0, ..civil },
        _ => return None,
    };
    cut.moment()
}

fn number(text: &str) -> Option<i64> {
    (!text.is_empty() && text.len() <= 9 && text.bytes().all(|digit| digit.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}
