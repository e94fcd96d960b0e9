//! Spans of time: how they are read, told, stored and computed with.

use std::fmt::Write as _;

use super::super::refusal::Refusal;
use super::civil;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// A day of 24 hours, in microseconds.
pub(super) const DAY: i64 = 24 * HOUR;

/// A span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Interval {
    pub(super) months: i32,
    pub(super) days: i32,
    pub(super) micros: i64,
}

impl Interval {
    /// How it lies in the storage: first what spans are compared by (a month has 30 days, a day 24 hours), then its parts.
    pub(super) fn stored(self) -> Vec<u8> {
        let span = i128::from(self.micros) + (i128::from(self.days) + i128::from(self.months) * 30) * i128::from(DAY);
        let mut bytes = Vec::with_capacity(32);
        bytes.extend_from_slice(&(span ^ i128::MIN).to_be_bytes());
        bytes.extend_from_slice(&self.months.to_be_bytes());
        bytes.extend_from_slice(&self.days.to_be_bytes());
        bytes.extend_from_slice(&self.micros.to_be_bytes());
        bytes
    }

    /// The span that lies in the storage so.
    pub(super) fn loaded(bytes: &[u8]) -> Self {
        let part = |from: usize, to: usize| bytes.get(from..to).unwrap_or_default();
        Self {
            months: i32::from_be_bytes(part(16, 20).try_into().unwrap_or_default()),
            days: i32::from_be_bytes(part(20, 24).try_into().unwrap_or_default()),
            micros: i64::from_be_bytes(part(24, 32).try_into().unwrap_or_default()),
        }
    }

    /// Reads what a client writes: `7 days`, `1 mon 02:03:04.5`, `-1h`.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let wrong = || Refusal::new("22007", format!("invalid input syntax for type interval: \"{text}\""));
        let mut total = Self::default();
        let mut words = tokens(text).into_iter().peekable();
        let mut any = false;
        let mut ago = false;
        while let Some(word) = words.next() {
            if word == "@" {
                continue;
            }
            if word == "ago" {
                ago = true;
                continue;
            }
            let span = if word.contains(':') {
                Self { micros: clock(&word).ok_or_else(wrong)?, ..Self::default() }
            } else {
                let number = Decimal::parse(&word).ok_or_else(wrong)?;
                match words.next_if(|next| next.chars().all(char::is_alphabetic) && next != "ago") {
                    Some(unit) => number.of_unit(&unit).ok_or_else(wrong)?,
                    None if any => return Err(wrong()),
                    None => number.of_unit("seconds").ok_or_else(wrong)?,
                }
            };
            any = true;
            total = total.plus(span).ok_or_else(out_of_range)?;
        }
        if !any {
            return Err(wrong());
        }
        if ago { total.times(-1.0).ok_or_else(out_of_range) } else { Ok(total) }
    }

    /// The sum of two.
    pub(super) fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            months: self.months.checked_add(other.months)?,
            days: self.days.checked_add(other.days)?,
            micros: self.micros.checked_add(other.micros)?,
        })
    }

    /// As often as this. What is left of a month goes into days, what is left of a day into microseconds.
    pub(super) fn times(self, factor: f64) -> Option<Self> {
        let months = f64::from(self.months) * factor;
        let days = f64::from(self.days) * factor + months.fract() * 30.0;
        let micros = self.micros as f64 * factor + days.fract() * DAY as f64;
        let fits = months.abs() < f64::from(i32::MAX) && days.abs() < f64::from(i32::MAX) && micros.abs() < 9.2e18;
        fits.then(|| Self {
            months: months.trunc() as i32,
            days: days.trunc() as i32,
            micros: micros.round_ties_even() as i64,
        })
    }

    /// Its seconds: a year has 365.25 days, a month 30.
    pub(super) fn epoch(self) -> f64 {
        let years = f64::from(self.months / 12) * 365.25 * 86_400.0;
        let months = f64::from(self.months % 12) * 30.0 * 86_400.0;
        years + months + f64::from(self.days) * 86_400.0 + self.micros as f64 / SECOND as f64
    }

    /// A moment that lies this span later.
    pub(super) fn after(self, moment: i64) -> Option<i64> {
        let moved = if self.months == 0 { moment } else { civil::plus_months(moment, self.months)? };
        moved.checked_add(i64::from(self.days).checked_mul(DAY)?)?.checked_add(self.micros)
    }

    /// The opposite span.
    pub(super) fn negated(self) -> Option<Self> {
        Some(Self {
            months: self.months.checked_neg()?,
            days: self.days.checked_neg()?,
            micros: self.micros.checked_neg()?,
        })
    }

    /// As Postgres tells it.
    pub(super) fn told(self) -> String {
        let mut told = String::new();
        let (years, months) = (self.months / 12, self.months % 12);
        let mut negative_before = false;
        for (number, unit) in [(years, "year"), (months, "mon"), (self.days, "day")] {
            if number != 0 {
                let space = if told.is_empty() { "" } else { " " };
                let sign = if negative_before && number > 0 { "+" } else { "" };
                let plural = if number == 1 { "" } else { "s" };
                let _ = write!(told, "{space}{sign}{number} {unit}{plural}");
                negative_before = number < 0;
            }
        }
        if self.micros != 0 || told.is_empty() {
            if !told.is_empty() {
                told.push(' ');
            }
            if self.micros < 0 {
                told.push('-');
            } else if negative_before {
                told.push('+');
            }
            let rest = self.micros.unsigned_abs();
            let _ = write!(
                told,
                "{:02}:{:02}:{:02}",
                rest / HOUR as u64,
                rest / MINUTE as u64 % 60,
                rest / SECOND as u64 % 60
            );
            told.push_str(&civil::fraction(rest % SECOND as u64));
        }
        told
    }
}

/// What a span is refused with that no span can hold.
pub(super) fn out_of_range() -> Refusal {
    Refusal::new("22008", "interval out of range")
}

/// Words and numbers, apart even where no space is between them.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut last_alphabetic = None;
    for letter in text.chars() {
        if letter.is_whitespace() || letter == ',' {
            last_alphabetic = None;
            continue;
        }
        let alphabetic = letter.is_alphabetic();
        match tokens.last_mut() {
            Some(token) if last_alphabetic == Some(alphabetic) => token.push(letter.to_ascii_lowercase()),
            _ => tokens.push(letter.to_ascii_lowercase().to_string()),
        }
        last_alphabetic = Some(alphabetic);
    }
    tokens
}

/// `[-]hh:mm[:ss[.ffffff]]` in microseconds.
fn clock(word: &str) -> Option<i64> {
    let (negative, word) = match word.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, word.strip_prefix('+').unwrap_or(word)),
    };
    let mut parts = word.split(':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next()?.parse().ok().filter(|minutes| (0..60).contains(minutes))?;
    let seconds = match parts.next() {
        Some(seconds) => Decimal::parse(seconds).filter(|seconds| seconds.micros < 60 * SECOND)?.micros,
        None => 0,
    };
    if parts.next().is_some() {
        return None;
    }
    let micros = hours.checked_mul(HOUR)?.checked_add(minutes * MINUTE + seconds)?;
    Some(if negative { -micros } else { micros })
}

/// A number with up to six digits after its point, in millionths.
#[derive(Clone, Copy)]
struct Decimal {
    micros: i64,
}

impl Decimal {
    fn parse(word: &str) -> Option<Self> {
        let (negative, digits) = match word.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, word.strip_prefix('+').unwrap_or(word)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |text: &str| text.chars().all(|digit| digit.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let parts: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
        let micros = whole.checked_mul(SECOND)?.checked_add(parts)?;
        Some(Self { micros: if negative { -micros } else { micros } })
    }

    fn of_unit(self, unit: &str) -> Option<Interval> {
        let one = match unit {
            "us" | "usec" | "usecs" | "microsecond" | "microseconds" => Interval { micros: 1, ..Interval::default() },
            "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => {
                Interval { micros: 1_000, ..Interval::default() }
            }
            "s" | "sec" | "secs" | "second" | "seconds" => Interval { micros: SECOND, ..Interval::default() },
            "m" | "min" | "mins" | "minute" | "minutes" => Interval { micros: MINUTE, ..Interval::default() },
            "h" | "hr" | "hrs" | "hour" | "hours" => Interval { micros: HOUR, ..Interval::default() },
            "d" | "day" | "days" => Interval { days: 1, ..Interval::default() },
            "w" | "week" | "weeks" => Interval { days: 7, ..Interval::default() },
            "mon" | "mons" | "month" | "months" => Interval { months: 1, ..Interval::default() },
            "y" | "yr" | "yrs" | "year" | "years" => Interval { months: 12, ..Interval::default() },
            _ => return None,
        };
        if self.micros % SECOND == 0 {
            let number = self.micros / SECOND;
            let narrow = i32::try_from(number).ok();
            return Some(Interval {
                months: if one.months == 0 { 0 } else { one.months.checked_mul(narrow?)? },
                days: if one.days == 0 { 0 } else { one.days.checked_mul(narrow?)? },
                micros: one.micros.checked_mul(number)?,
            });
        }
        if one.micros != 0 {
            let micros = i128::from(one.micros) * i128::from(self.micros) / i128::from(SECOND);
            return Some(Interval { micros: i64::try_from(micros).ok()?, ..Interval::default() });
        }
        one.times(self.micros as f64 / SECOND as f64)
    }
}
