//! When two answers are equal, as far as Postgres promises anything about them.

use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::wire::{Failure, Field, Oid, Part};

const TIMESTAMPTZ: Oid = 1184;
const INT8: Oid = 20;
const UUID: Oid = 2950;
/// Microseconds between 1970 and 2000, from where the binary form counts.
const TO_2000: i64 = 946_684_800_000_000;

/// An answer without what differs from server to server, or from one time to the next: rows in an order of our own unless
/// theirs is promised, moments near the present, random UUIDs, notices and the words of most errors, and how far a
/// statement has come that fails then.
pub(crate) fn settled(answer: &[Part], ordered: bool) -> Vec<Part> {
    let mut settled: Vec<Part> = Vec::new();
    let mut columns = Vec::new();
    // Where the statement at hand begins, and where its rows do.
    let (mut begun, mut first) = (0, 0);
    for part in answer {
        let part = match part {
            Part::Notice(_) => continue,
            Part::Columns(described) => {
                columns.clone_from(described);
                part.clone()
            }
            Part::Row(fields) => {
                Part::Row(fields.iter().enumerate().map(|(at, field)| mask(field, columns.get(at))).collect())
            }
            Part::Failed(failure) => {
                settled.truncate(begun);
                Part::Failed(without_words(failure))
            }
            _ => part.clone(),
        };
        if !matches!(part, Part::Row(_)) {
            if !ordered {
                let first = first.min(settled.len());
                settled[first..].sort_by_key(|part| format!("{part:?}"));
            }
            first = settled.len() + 1;
        }
        if matches!(part, Part::Done(_) | Part::Failed(_) | Part::Parsed | Part::Empty | Part::Suspended) {
            begun = settled.len() + 1;
        }
        settled.push(part);
    }
    settled
}

/// Words matter where a constraint is violated: they name it and the key.
fn without_words(failure: &Failure) -> Failure {
    let mut failure = Failure { column: None, ..failure.clone() };
    if !failure.state.starts_with("23") {
        failure.message = String::new();
    }
    if !["23505", "23503"].contains(&&*failure.state) {
        failure.detail = None;
    }
    if failure.constraint.is_none() {
        failure.table = None;
    }
    failure
}

fn mask(field: &Field, column: Option<&(String, Oid, i16)>) -> Field {
    let (Some(value), Some((name, kind, format))) = (field, column) else { return field.clone() };
    match *kind {
        // Of the numbers that are given out only the order is promised.
        INT8 if ["id", "latest"].contains(&&**name) => Some(Bytes::from_static(b"given out")),
        TIMESTAMPTZ => {
            let micros = if *format == 1 {
                value.as_ref().try_into().ok().map(|bytes| i64::from_be_bytes(bytes) + TO_2000)
            } else {
                std::str::from_utf8(value).ok().and_then(moment)
            };
            micros.and_then(near).map_or(field.clone(), |hours| Some(Bytes::from(format!("now {hours:+} h"))))
        }
        UUID if is_random(value, *format) => Some(Bytes::from_static(b"random")),
        _ => field.clone(),
    }
}

/// How many hours from now a moment is, where it is a matter of a year at most: the moments that are written as such are
/// further away.
fn near(micros: i64) -> Option<i64> {
    const HOUR: i64 = 3_600_000_000;
    let away = micros - now();
    (away.abs() < 365 * 24 * HOUR).then(|| (away + HOUR / 2).div_euclid(HOUR))
}

#[expect(clippy::disallowed_methods, reason = "a real server's now() is the host's")]
fn now() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_micros() as i64
}

/// The microseconds of `2024-01-31 12:00:00.5+00`.
fn moment(text: &str) -> Option<i64> {
    let text = text.strip_suffix("+00")?.replacen(' ', "T", 1) + "Z";
    let time = humantime::parse_rfc3339(&text).ok()?;
    Some(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_micros() as i64)
}

/// Whether a UUID is of version 4, which those that are written as such are not.
fn is_random(value: &[u8], format: i16) -> bool {
    let text;
    let version = if format == 1 {
        value.get(6).map(|byte| byte >> 4)
    } else {
        text = String::from_utf8_lossy(value);
        text.as_bytes().get(14).map(|digit| digit - b'0')
    };
    version == Some(4)
}
