//! Moments and spans of time.

use rusqlite::types::ValueRef;

use super::super::super::refusal::Refusal;
use super::super::civil;
use super::super::interval::{DAY, Interval, out_of_range};
use super::{Registry, int, real, span, string};

/// Makes them known.
pub(super) fn register(registry: &Registry<'_>) -> rusqlite::Result<()> {
    let moved = |back: bool| {
        move |arguments: &[ValueRef<'_>]| {
            let span = span(arguments[1]);
            let span = if back { span.negated() } else { Some(span) };
            span.and_then(|span| span.after(int(arguments[0])))
                .ok_or_else(|| Refusal::new("22008", "timestamp out of range"))
        }
    };
    registry.strict("pg_after", 2, moved(false))?;
    registry.strict("pg_before", 2, moved(true))?;
    registry.strict("pg_between", 2, |arguments| {
        let micros = int(arguments[1]).checked_sub(int(arguments[0])).ok_or_else(out_of_range)?;
        Ok(Interval { months: 0, days: (micros / DAY) as i32, micros: micros % DAY }.stored())
    })?;
    registry.strict("pg_interval_sum", 3, |arguments| {
        let other = span(arguments[1]);
        let other = if int(arguments[2]) < 0 { other.negated() } else { Some(other) };
        let sum = other.and_then(|other| span(arguments[0]).plus(other)).ok_or_else(out_of_range)?;
        Ok(sum.stored())
    })?;
    registry.strict("pg_interval_scale", 2, |arguments| {
        let scaled = span(arguments[0]).times(real(arguments[1])).ok_or_else(out_of_range)?;
        Ok(scaled.stored())
    })?;
    registry.strict("pg_make_interval", 7, |arguments| {
        let part = |place: usize| i32::try_from(int(arguments[place])).ok();
        let made = || {
            let months = part(0)?.checked_mul(12)?.checked_add(part(1)?)?;
            let days = part(2)?.checked_mul(7)?.checked_add(part(3)?)?;
            let minutes = i64::from(part(4)?) * 60 + i64::from(part(5)?);
            let seconds = (real(arguments[6]) * 1e6).round_ties_even();
            let micros = (minutes * 60_000_000).checked_add(seconds as i64)?;
            (seconds.abs() < 9e18).then_some(Interval { months, days, micros })
        };
        Ok(made().ok_or_else(out_of_range)?.stored())
    })?;
    registry.strict("pg_interval_epoch", 2, |arguments| Ok(span(arguments[1]).epoch()))?;
    registry.strict("pg_extract", 2, |arguments| {
        let moment = int(arguments[1]);
        let parts = civil::Civil::of(moment);
        let seconds = parts.micros / 1_000_000;
        let field = string(arguments[0]);
        Ok(match field.as_ref() {
            "epoch" => moment as f64 / 1e6,
            "year" => parts.year as f64,
            "month" => parts.month as f64,
            "day" => parts.day as f64,
            "hour" => (seconds / 3_600) as f64,
            "minute" => (seconds / 60 % 60) as f64,
            "second" => (parts.micros % 60_000_000) as f64 / 1e6,
            "milliseconds" => (parts.micros % 60_000_000) as f64 / 1e3,
            "microseconds" => (parts.micros % 60_000_000) as f64,
            "dow" => (moment.div_euclid(DAY) + 4).rem_euclid(7) as f64,
            other => return Err(Refusal::unsupported(format_args!("extract({other} from …)"))),
        })
    })?;
    registry.strict("pg_date_trunc", 2, |arguments| {
        let field = string(arguments[0]).to_lowercase();
        civil::truncated(int(arguments[1]), &field).ok_or_else(|| {
            Refusal::new("22023", format!("unit \"{field}\" not recognized for type timestamp with time zone"))
        })
    })?;
    registry.strict("pg_to_timestamp", 1, |arguments| {
        let micros = (real(arguments[0]) * 1e6).round_ties_even();
        if micros.abs() > 9.2e18 {
            return Err(Refusal::new("22008", "timestamp out of range"));
        }
        Ok(micros as i64)
    })
}
