//! Strings and counters.

use bytes::Bytes;

use super::super::numbers;
use super::super::reply::Refusal;
use super::super::value::Value;
use super::{Call, Outcome};

/// The unit and base of an expiry option.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Unit {
    Seconds,
    Milliseconds,
    AtSeconds,
    AtMilliseconds,
}

impl Unit {
    fn of(word: &[u8]) -> Option<Self> {
        [("ex", Self::Seconds), ("px", Self::Milliseconds), ("exat", Self::AtSeconds), ("pxat", Self::AtMilliseconds)]
            .into_iter()
            .find_map(|(name, unit)| word.eq_ignore_ascii_case(name.as_bytes()).then_some(unit))
    }

    fn absolute(self) -> bool {
        matches!(self, Self::AtSeconds | Self::AtMilliseconds)
    }
}

/// The options of `SET` and `GETEX`.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word that a client may say")]
struct Options<'a> {
    absent: bool,
    present: bool,
    get: bool,
    keep: bool,
    persist: bool,
    expiry: Option<(Unit, &'a Bytes)>,
}

fn options<'a>(call: &Call<'a>, first: usize, setting: bool) -> Result<Options<'a>, Refusal> {
    let mut options = Options::default();
    let mut at = first;
    while at < call.args.len() {
        let untimed = options.expiry.is_none();
        if setting && call.is(at, "nx") && !options.present {
            options.absent = true;
        } else if setting && call.is(at, "xx") && !options.absent {
            options.present = true;
        } else if setting && call.is(at, "get") {
            options.get = true;
        } else if setting && call.is(at, "keepttl") && untimed {
            options.keep = true;
        } else if !setting && call.is(at, "persist") && untimed {
            options.persist = true;
        } else {
            let unit = Unit::of(&call.args[at]).filter(|_| !options.keep && !options.persist);
            let unit = unit.filter(|unit| options.expiry.is_none_or(|(other, _)| other == *unit));
            let (Some(unit), Some(value)) = (unit, call.args.get(at + 1)) else { return Err(Refusal::SYNTAX) };
            options.expiry = Some((unit, value));
            at += 1;
        }
        at += 1;
    }
    Ok(options)
}

/// The deadline that an expiry option asks for.
fn deadline(call: &Call<'_>, unit: Unit, value: &[u8]) -> Result<i64, Refusal> {
    let number = numbers::integer(value).ok_or(Refusal::NOT_AN_INTEGER)?;
    let milliseconds = match unit {
        Unit::Seconds | Unit::AtSeconds => number.checked_mul(1000),
        Unit::Milliseconds | Unit::AtMilliseconds => Some(number),
    };
    let at = milliseconds.filter(|_| number > 0);
    let at = at.and_then(|at| if unit.absolute() { Some(at) } else { at.checked_add(call.now) });
    at.ok_or_else(|| Refusal::expire_time(call.command.name))
}

pub(super) fn set(call: &mut Call<'_>) -> Outcome {
    let options = options(call, 3, true)?;
    let expires = options.expiry.map(|(unit, value)| deadline(call, unit, value)).transpose()?;
    let before = if options.get { Some(call.text(call.key())?) } else { None };
    let found = call.exists(call.key());
    let refused = (options.absent && found) || (options.present && !found);
    if !refused {
        let expires = if options.keep { call.deadline(call.key()) } else { expires };
        call.replace(call.key(), Value::Text(call.args[2].clone()), expires);
    }
    match before {
        Some(before) => call.reply().bulk_or_null(before.as_ref()),
        None if refused => call.reply().null(),
        None => call.reply().ok(),
    }
    Ok(())
}

pub(super) fn setnx(call: &mut Call<'_>) -> Outcome {
    let fresh = !call.exists(call.key());
    if fresh {
        call.replace(call.key(), Value::Text(call.args[2].clone()), None);
    }
    call.reply().flag(fresh);
    Ok(())
}

pub(super) fn setex(call: &mut Call<'_>) -> Outcome {
    set_for(call, Unit::Seconds)
}

pub(super) fn psetex(call: &mut Call<'_>) -> Outcome {
    set_for(call, Unit::Milliseconds)
}

fn set_for(call: &mut Call<'_>, unit: Unit) -> Outcome {
    let expires = deadline(call, unit, &call.args[2])?;
    call.replace(call.key(), Value::Text(call.args[3].clone()), Some(expires));
    call.reply().ok();
    Ok(())
}

pub(super) fn get(call: &mut Call<'_>) -> Outcome {
    let text = call.text(call.key())?;
    call.reply().bulk_or_null(text.as_ref());
    Ok(())
}

pub(super) fn getset(call: &mut Call<'_>) -> Outcome {
    let before = call.text(call.key())?;
    call.replace(call.key(), Value::Text(call.args[2].clone()), None);
    call.reply().bulk_or_null(before.as_ref());
    Ok(())
}

pub(super) fn getdel(call: &mut Call<'_>) -> Outcome {
    let text = call.text(call.key())?;
    call.remove(call.key());
    call.reply().bulk_or_null(text.as_ref());
    Ok(())
}

pub(super) fn getex(call: &mut Call<'_>) -> Outcome {
    let options = options(call, 2, false)?;
    let Some(text) = call.text(call.key())? else {
        call.reply().null();
        return Ok(());
    };
    if let Some((unit, value)) = options.expiry {
        let expires = deadline(call, unit, value)?;
        if unit.absolute() && expires <= call.now {
            call.remove(call.key());
        } else {
            call.retime(call.key(), Some(expires));
        }
    } else if options.persist && call.deadline(call.key()).is_some() {
        call.retime(call.key(), None);
    }
    call.reply().bulk(&text);
    Ok(())
}

pub(super) fn mget(call: &mut Call<'_>) -> Outcome {
    let keys = call.rest(1);
    call.reply().array(keys.len());
    for key in keys {
        // What is not a string is not there, and no error.
        let text = call.text(key).unwrap_or_default();
        call.reply().bulk_or_null(text.as_ref());
    }
    Ok(())
}

pub(super) fn mset(call: &mut Call<'_>) -> Outcome {
    let (pairs, []) = call.rest(1).as_chunks() else { return Err(call.wrong_arity()) };
    for [key, value] in pairs {
        call.replace(key, Value::Text(value.clone()), None);
    }
    call.reply().ok();
    Ok(())
}

pub(super) fn append(call: &mut Call<'_>) -> Outcome {
    let before = call.text(call.key())?.unwrap_or_default();
    let text = [&before[..], &call.args[2]].concat();
    let length = text.len();
    call.update(call.key(), Value::Text(text.into()));
    call.reply().count(length);
    Ok(())
}

pub(super) fn strlen(call: &mut Call<'_>) -> Outcome {
    let length = call.text(call.key())?.map_or(0, |text| text.len());
    call.reply().count(length);
    Ok(())
}

pub(super) fn incr(call: &mut Call<'_>) -> Outcome {
    add(call, 1)
}

pub(super) fn decr(call: &mut Call<'_>) -> Outcome {
    add(call, -1)
}

pub(super) fn incrby(call: &mut Call<'_>) -> Outcome {
    let amount = call.integer(2)?;
    add(call, amount)
}

pub(super) fn decrby(call: &mut Call<'_>) -> Outcome {
    let amount = call.integer(2)?;
    add(call, amount.checked_neg().ok_or(Refusal::Plain("ERR decrement would overflow"))?)
}

fn add(call: &mut Call<'_>, amount: i64) -> Outcome {
    let before = match call.text(call.key())? {
        Some(text) => numbers::integer(&text).ok_or(Refusal::NOT_AN_INTEGER)?,
        None => 0,
    };
    let sum = before.checked_add(amount).ok_or(Refusal::OVERFLOW)?;
    call.update(call.key(), Value::Text(sum.to_string().into()));
    call.reply().integer(sum);
    Ok(())
}
