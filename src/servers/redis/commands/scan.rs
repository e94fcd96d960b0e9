//! Listing keys by pattern.

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use super::super::glob;
use super::super::numbers;
use super::super::reply::Refusal;
use super::{Call, Outcome};

/// Bits of a key's hash that a cursor counts through.
const CURSOR_BITS: u32 = 48;

pub(super) fn keys(call: &mut Call<'_>) -> Outcome {
    let pattern = &call.args[1];
    let now = call.now;
    let entries = call.keyspace.database(call.session.database).iter();
    let found = entries.filter(|(key, entry)| !entry.expired(now) && glob::matches(pattern, key));
    let found: Vec<Bytes> = found.map(|(key, _)| key.clone()).collect();
    list(call, &found);
    Ok(())
}

fn list(call: &mut Call<'_>, keys: &[Bytes]) {
    call.reply().array(keys.len());
    for key in keys {
        call.reply().bulk(key);
    }
}

/// A cursor as C's `strtoul` reads it: perhaps a sign, then digits; nothing at all is zero.
fn cursor(text: &[u8]) -> Option<u64> {
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    if digits.is_empty() {
        return text.is_empty().then_some(0);
    }
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(if text[0] == b'-' { number.wrapping_neg() } else { number })
}

/// Goes through the keys in the order of a fixed hash, so that a cursor is a place among all possible keys: as with
/// Redis, whatever is there from the first call to the last is returned, come and go the others as they may.
pub(super) fn scan(call: &mut Call<'_>) -> Outcome {
    let start = cursor(&call.args[1]).ok_or(Refusal::Plain("ERR invalid cursor"))?;
    let (mut count, mut pattern, mut kind) = (10, None, None);
    let (options, odd) = call.rest(2).as_chunks();
    for [name, value] in options {
        if name.eq_ignore_ascii_case(b"count") {
            count = numbers::integer(value).ok_or(Refusal::NOT_AN_INTEGER)?;
            if count < 1 {
                return Err(Refusal::SYNTAX);
            }
        } else if name.eq_ignore_ascii_case(b"match") {
            pattern = Some(value);
        } else if name.eq_ignore_ascii_case(b"type") {
            kind = Some(value);
        } else {
            return Err(Refusal::SYNTAX);
        }
    }
    if !odd.is_empty() {
        return Err(Refusal::SYNTAX);
    }
    let entries = call.keyspace.database(call.session.database);
    let places = entries.keys().map(|key| (xxh3_64(key) >> (u64::BITS - CURSOR_BITS), key));
    let mut places: Vec<_> = places.filter(|(place, _)| *place >= start).collect();
    places.sort_unstable();
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    // Keys of one place are never parted.
    let end = match places.get(count.saturating_sub(1)) {
        Some(&(last, _)) => places.partition_point(|(place, _)| *place <= last),
        None => places.len(),
    };
    let next = places.get(end).map_or(0, |(place, _)| *place);
    let wanted = |key: &&Bytes| {
        entries.get(*key).is_some_and(|entry| {
            !entry.expired(call.now)
                && kind.is_none_or(|kind| kind.eq_ignore_ascii_case(entry.value.type_name().as_bytes()))
                && pattern.is_none_or(|pattern| glob::matches(pattern, key))
        })
    };
    let found: Vec<Bytes> = places[..end].iter().map(|(_, key)| *key).filter(wanted).cloned().collect();
    call.reply().array(2);
    call.reply().bulk(next.to_string().as_bytes());
    list(call, &found);
    Ok(())
}
