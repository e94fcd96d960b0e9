//! The functions that the storage's SQL calls, where it has none that does what Postgres does.

use rusqlite::functions::{Context, FunctionFlags, SqlFnOutput};
use rusqlite::types::{Value as Cell, ValueRef};
use rusqlite::{Connection, Error, ToSql};

use super::super::refusal::Refusal;
use super::super::value::Type;
use super::hashtext::hashtext;
use super::interval::{DAY, Interval, out_of_range};
use super::live::{Live, Shared, Signal};
use super::locks::{Number, Strength, encoded};
use super::stored::kept;
use super::{civil, text};

const TYPES: [Type; 18] = [
    Type::Bool,
    Type::Int2,
    Type::Int4,
    Type::Int8,
    Type::Float8,
    Type::Text,
    Type::Varchar,
    Type::Bytea,
    Type::Uuid,
    Type::Timestamptz,
    Type::Interval,
    Type::Jsonb,
    Type::BoolArray,
    Type::Int4Array,
    Type::Int8Array,
    Type::TextArray,
    Type::UuidArray,
    Type::Void,
];

/// The number by which SQL names a type to a function.
pub(super) fn code(kind: Type) -> usize {
    TYPES.iter().position(|known| *known == kind).unwrap_or_default()
}

/// What a function hands back to the storage: why it stops the statement is left with the state.
pub(super) fn stop(state: &Shared, outcome: Result<(), Signal>) -> rusqlite::Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(signal) => {
            state.lock().signal = Some(signal);
            Err(Error::UserFunctionError("stopped".into()))
        }
    }
}

struct Registry<'r> {
    storage: &'r Connection,
    shared: &'r Shared,
}

impl Registry<'_> {
    /// A function of its arguments alone; NULL where any of them is.
    fn strict<T: ToSql>(
        &self,
        name: &str,
        count: i32,
        body: impl Fn(&[ValueRef<'_>]) -> Result<T, Refusal> + Send + 'static,
    ) -> rusqlite::Result<()> {
        self.function(name, count, FunctionFlags::SQLITE_DETERMINISTIC, move |arguments, _| {
            if arguments.iter().any(|argument| matches!(argument, ValueRef::Null)) {
                return Ok(None);
            }
            body(arguments).map(Some).map_err(Signal::Refused)
        })
    }

    /// A function that looks at, or changes, the state.
    fn stateful<T: SqlFnOutput>(
        &self,
        name: &str,
        count: i32,
        body: impl Fn(&[ValueRef<'_>], &mut Live) -> Result<T, Signal> + Send + 'static,
    ) -> rusqlite::Result<()> {
        self.function(name, count, FunctionFlags::empty(), move |arguments, shared| body(arguments, &mut shared.lock()))
    }

    fn function<T: SqlFnOutput>(
        &self,
        name: &str,
        count: i32,
        flags: FunctionFlags,
        body: impl Fn(&[ValueRef<'_>], &Shared) -> Result<T, Signal> + Send + 'static,
    ) -> rusqlite::Result<()> {
        let state = self.shared.clone();
        let flags = FunctionFlags::SQLITE_UTF8 | flags;
        self.storage.create_scalar_function(name, count, flags, move |context: &Context<'_>| {
            let mut few = [ValueRef::Null; 8];
            let many: Vec<ValueRef<'_>>;
            let count = context.len();
            let arguments = if count <= few.len() {
                for (place, argument) in few[..count].iter_mut().enumerate() {
                    *argument = context.get_raw(place);
                }
                &few[..count]
            } else {
                many = (0..count).map(|place| context.get_raw(place)).collect();
                &many[..]
            };
            body(arguments, &state).map_err(|signal| {
                state.lock().signal = Some(signal);
                Error::UserFunctionError("stopped".into())
            })
        })
    }
}

/// Makes all functions known to the storage.
pub(super) fn register(storage: &Connection, shared: &Shared) -> rusqlite::Result<()> {
    let registry = Registry { storage, shared };
    numbers(&registry)?;
    texts(&registry)?;
    times(&registry)?;
    documents(&registry)?;
    choices(&registry)?;
    states(&registry)?;
    locking(&registry)
}

fn int(value: ValueRef<'_>) -> i64 {
    match value {
        ValueRef::Integer(number) => number,
        ValueRef::Real(number) => number as i64,
        _ => 0,
    }
}

fn real(value: ValueRef<'_>) -> f64 {
    match value {
        ValueRef::Integer(number) => number as f64,
        ValueRef::Real(number) => number,
        _ => 0.0,
    }
}

fn string(value: ValueRef<'_>) -> std::borrow::Cow<'_, str> {
    match value {
        ValueRef::Text(text) => String::from_utf8_lossy(text),
        other => kept_text(other).into(),
    }
}

fn kept_text(value: ValueRef<'_>) -> String {
    text::told(Type::Text, value)
}

fn span(value: ValueRef<'_>) -> Interval {
    value.as_blob().map(Interval::loaded).unwrap_or_default()
}

fn numbers(registry: &Registry<'_>) -> rusqlite::Result<()> {
    let whole = |body: fn(i64, i64) -> Option<i64>| {
        move |arguments: &[ValueRef<'_>]| {
            let (left, right, bits) = (int(arguments[0]), int(arguments[1]), int(arguments[2]));
            body(left, right).and_then(|number| narrowed(number, bits)).ok_or_else(|| too_wide(bits))
        }
    };
    registry.strict("pg_add", 3, whole(i64::checked_add))?;
    registry.strict("pg_subtract", 3, whole(i64::checked_sub))?;
    registry.strict("pg_multiply", 3, whole(i64::checked_mul))?;
    let divisor = |arguments: &[ValueRef<'_>]| {
        if int(arguments[1]) == 0 { Err(Refusal::new("22012", "division by zero")) } else { Ok(int(arguments[1])) }
    };
    registry.strict("pg_quotient", 3, move |arguments| {
        let (divisor, bits) = (divisor(arguments)?, int(arguments[2]));
        let quotient = int(arguments[0]).checked_div(divisor).and_then(|number| narrowed(number, bits));
        quotient.ok_or_else(|| too_wide(bits))
    })?;
    registry.strict("pg_remainder", 3, move |arguments| Ok(int(arguments[0]).wrapping_rem(divisor(arguments)?)))?;
    registry.strict("pg_absolute", 2, |arguments| {
        let bits = int(arguments[1]);
        int(arguments[0]).checked_abs().and_then(|number| narrowed(number, bits)).ok_or_else(|| too_wide(bits))
    })?;
    registry.strict("pg_divide", 2, |arguments| {
        if real(arguments[1]) == 0.0 {
            return Err(Refusal::new("22012", "division by zero"));
        }
        Ok(real(arguments[0]) / real(arguments[1]))
    })?;
    registry.strict("pg_whole", 2, |arguments| {
        let bits = int(arguments[1]);
        let number = match arguments[0] {
            ValueRef::Real(number) => {
                let rounded = number.round_ties_even();
                (rounded.abs() < 9.223_372_036_854_775e18).then_some(rounded as i64)
            }
            other => Some(int(other)),
        };
        number.and_then(|number| narrowed(number, bits)).ok_or_else(|| too_wide(bits))
    })?;
    registry.strict("pg_floor", 1, |arguments| Ok(real(arguments[0]).floor()))?;
    registry.strict("pg_ceil", 1, |arguments| Ok(real(arguments[0]).ceil()))?;
    registry.strict("pg_round", 1, |arguments| Ok(real(arguments[0]).round_ties_even()))?;
    registry.strict("pg_step", 1, |arguments| match int(arguments[0]) {
        0 => Err(Refusal::new("22023", "step size cannot equal zero")),
        step => Ok(step),
    })?;
    registry.strict("pg_hashtext", 1, |arguments| Ok(i64::from(hashtext(&string(arguments[0])))))?;
    registry.function("pg_limit", 2, FunctionFlags::SQLITE_DETERMINISTIC, |arguments, _| {
        let word = string(arguments[1]);
        match arguments[0] {
            ValueRef::Null if word == "LIMIT" => Ok(-1),
            ValueRef::Null => Ok(0),
            number if int(number) < 0 => {
                let state = if word == "LIMIT" { "2201W" } else { "2201X" };
                Err(Signal::Refused(Refusal::new(state, format!("{word} must not be negative"))))
            }
            number => Ok(int(number)),
        }
    })
}

fn narrowed(number: i64, bits: i64) -> Option<i64> {
    let fits = match bits {
        16 => i16::try_from(number).is_ok(),
        32 => i32::try_from(number).is_ok(),
        _ => true,
    };
    fits.then_some(number)
}

fn too_wide(bits: i64) -> Refusal {
    let name = match bits {
        16 => "smallint",
        32 => "integer",
        _ => "bigint",
    };
    Refusal::new("22003", format!("{name} out of range"))
}

fn texts(registry: &Registry<'_>) -> rusqlite::Result<()> {
    registry.strict("pg_parse", 2, |arguments| {
        let kind = TYPES.get(int(arguments[0]) as usize).copied().unwrap_or(Type::Text);
        text::parse(kind, &string(arguments[1]), 0)
    })?;
    registry.strict("pg_tell", 2, |arguments| {
        let kind = TYPES.get(int(arguments[0]) as usize).copied().unwrap_or(Type::Text);
        Ok(text::told(kind, arguments[1]))
    })?;
    registry.strict("pg_fits", 2, |arguments| {
        let text = string(arguments[0]);
        let most = int(arguments[1]) as usize;
        let cut: String = text.chars().take(most).collect();
        // Spaces beyond the end are cut off without a word.
        if text.chars().skip(most).any(|letter| letter != ' ') {
            return Err(Refusal::new("22001", format!("value too long for type character varying({most})")));
        }
        Ok(cut)
    })?;
    registry.strict("pg_like", 3, |arguments| {
        let (text, pattern) = (string(arguments[0]), string(arguments[1]));
        let any_case = int(arguments[2]) != 0;
        let letters = |text: &str| -> Vec<char> {
            if any_case { text.to_ascii_lowercase().chars().collect() } else { text.chars().collect() }
        };
        if pattern.chars().rev().take_while(|&letter| letter == '\\').count() % 2 == 1 {
            return Err(Refusal::new("22025", "LIKE pattern must not end with escape character"));
        }
        Ok(like(&letters(&text), &letters(&pattern)))
    })?;
    registry.strict("pg_substr", -1, |arguments| {
        let text = string(arguments[0]);
        let from = int(arguments[1]);
        let last = match arguments.get(2) {
            Some(length) if int(*length) < 0 => {
                return Err(Refusal::new("22011", "negative substring length not allowed"));
            }
            Some(length) => from.saturating_add(int(*length)),
            None => i64::MAX,
        };
        let numbered = text.chars().zip(1_i64..);
        Ok(numbered.filter(|(_, at)| *at >= from && *at < last).map(|(letter, _)| letter).collect::<String>())
    })?;
    registry.strict("pg_left", 2, |arguments| {
        let text = string(arguments[0]);
        let length = text.chars().count() as i64;
        let count = int(arguments[1]);
        let count = if count < 0 { (length + count).max(0) } else { count };
        Ok(text.chars().take(count as usize).collect::<String>())
    })?;
    registry.strict("pg_right", 2, |arguments| {
        let text = string(arguments[0]);
        let length = text.chars().count() as i64;
        let count = int(arguments[1]);
        let count = if count < 0 { (length + count).max(0) } else { count.min(length) };
        Ok(text.chars().skip((length - count) as usize).collect::<String>())
    })?;
    registry.strict("pg_repeat", 2, |arguments| {
        let count = int(arguments[1]).max(0) as usize;
        let text = string(arguments[0]);
        if text.len().saturating_mul(count) > 1 << 24 {
            return Err(Refusal::new("54000", "requested length too large"));
        }
        Ok(text.repeat(count))
    })?;
    registry.strict("pg_lpad", 3, |arguments| {
        let (text, fill) = (string(arguments[0]), string(arguments[2]));
        let length = int(arguments[1]).clamp(0, 1 << 20) as usize;
        let missing = length.saturating_sub(text.chars().count());
        let missing = if fill.is_empty() { 0 } else { missing };
        Ok(fill.chars().cycle().take(missing).chain(text.chars()).take(length).collect::<String>())
    })?;
    registry.strict("pg_split_part", 3, |arguments| {
        let (text, between) = (string(arguments[0]), string(arguments[1]));
        let number = int(arguments[2]);
        if number == 0 {
            return Err(Refusal::new("22023", "field position must not be zero"));
        }
        let parts: Vec<&str> = if between.is_empty() { vec![&text] } else { text.split(&*between).collect() };
        let place = if number > 0 { number - 1 } else { parts.len() as i64 + number };
        let part = usize::try_from(place).ok().and_then(|place| parts.get(place));
        Ok(part.map_or_else(String::new, |part| (*part).to_owned()))
    })?;
    registry.strict("pg_starts_with", 2, |arguments| Ok(string(arguments[0]).starts_with(&*string(arguments[1]))))?;
    registry.strict("pg_encode", 2, |arguments| {
        let bytes = arguments[0].as_blob().unwrap_or_default();
        match string(arguments[1]).as_ref() {
            "hex" => Ok(text::hex(bytes)),
            form => Err(Refusal::unsupported(format_args!("encode(…, '{form}')"))),
        }
    })?;
    registry.strict("pg_decode", 2, |arguments| match string(arguments[1]).as_ref() {
        "hex" => text::unhex(&string(arguments[0])).ok_or_else(|| Refusal::new("22023", "invalid hexadecimal digit")),
        form => Err(Refusal::unsupported(format_args!("decode(…, '{form}')"))),
    })
}

/// Whether a text is as a pattern says: `%` for anything, `_` for one letter, `\` before a letter that means itself.
fn like(text: &[char], pattern: &[char]) -> bool {
    let (mut at, mut rule) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(rule) {
            Some('%') => {
                back = Some((at, rule + 1));
                rule += 1;
                continue;
            }
            Some('_') if at < text.len() => Some(1),
            Some('\\') if at < text.len() && pattern.get(rule + 1) == Some(&text[at]) => Some(2),
            Some(letter) if *letter != '_' && *letter != '\\' && text.get(at) == Some(letter) => Some(1),
            None if at == text.len() => return true,
            _ => None,
        };
        match (step, &mut back) {
            (Some(step), _) => {
                at += 1;
                rule += step;
            }
            (None, Some((from, resume))) if *from < text.len() => {
                *from += 1;
                at = *from;
                rule = *resume;
            }
            (None, _) => return false,
        }
    }
}

fn times(registry: &Registry<'_>) -> rusqlite::Result<()> {
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

fn documents(registry: &Registry<'_>) -> rusqlite::Result<()> {
    let read = |text: &str| -> Result<serde_json::Value, Refusal> {
        serde_json::from_str(text).map_err(|_| Refusal::new("22P02", "invalid input syntax for type json"))
    };
    let told = |value: &serde_json::Value| {
        let mut told = String::new();
        text::tell_json(value, &mut told);
        told
    };
    for (name, as_text) in [("pg_field", false), ("pg_field_text", true)] {
        registry.strict(name, 2, move |arguments| {
            let document = read(&string(arguments[0]))?;
            let found = match (arguments[1], &document) {
                (ValueRef::Integer(place), serde_json::Value::Array(items)) => {
                    let place = if place < 0 { items.len() as i64 + place } else { place };
                    usize::try_from(place).ok().and_then(|place| items.get(place))
                }
                (ValueRef::Text(_), serde_json::Value::Object(fields)) => fields.get(&*string(arguments[1])),
                _ => None,
            };
            Ok(match found {
                None => None,
                Some(serde_json::Value::Null) if as_text => None,
                Some(serde_json::Value::String(text)) if as_text => Some(text.clone()),
                Some(value) => Some(told(value)),
            })
        })?;
    }
    registry.strict("pg_json_quote", 1, move |arguments| {
        Ok(told(&serde_json::Value::String(string(arguments[0]).into_owned())))
    })?;
    registry.strict("pg_json_merge", 2, move |arguments| {
        use serde_json::Value::{Array, Object};
        let merged = match (read(&string(arguments[0]))?, read(&string(arguments[1]))?) {
            (Object(mut one), Object(other)) => {
                one.extend(other);
                Object(one)
            }
            (Array(one), Array(other)) => Array([one, other].concat()),
            (Array(one), other) => Array([one, vec![other]].concat()),
            (one, Array(other)) => Array([vec![one], other].concat()),
            (one, other) => Array(vec![one, other]),
        };
        Ok(told(&merged))
    })?;
    registry.function("pg_json_object", -1, FunctionFlags::SQLITE_DETERMINISTIC, move |arguments, _| {
        let mut fields = serde_json::Map::new();
        for pair in arguments.chunks_exact(2) {
            if matches!(pair[0], ValueRef::Null) {
                return Err(Signal::Refused(Refusal::new("22023", "argument 1: key must not be null")));
            }
            let value = match pair[1] {
                ValueRef::Null => serde_json::Value::Null,
                value => read(&string(value)).map_err(Signal::Refused)?,
            };
            fields.insert(string(pair[0]).into_owned(), value);
        }
        Ok(told(&serde_json::Value::Object(fields)))
    })
}

fn choices(registry: &Registry<'_>) -> rusqlite::Result<()> {
    use std::cmp::Ordering;
    let order = |one: &ValueRef<'_>, other: &ValueRef<'_>| match (*one, *other) {
        (ValueRef::Integer(one), ValueRef::Integer(other)) => one.cmp(&other),
        (ValueRef::Text(one), ValueRef::Text(other)) | (ValueRef::Blob(one), ValueRef::Blob(other)) => one.cmp(other),
        (one, other) => real(one).total_cmp(&real(other)),
    };
    for (name, wanted) in [("pg_greatest", Ordering::Greater), ("pg_least", Ordering::Less)] {
        registry.function(name, -1, FunctionFlags::SQLITE_DETERMINISTIC, move |arguments, _| {
            let there = arguments.iter().filter(|argument| !matches!(argument, ValueRef::Null));
            let found = there.reduce(|one, other| if order(other, one) == wanted { other } else { one });
            Ok(found.map_or(Cell::Null, |found| kept(*found)))
        })?;
    }
    registry.function("pg_single", 2, FunctionFlags::SQLITE_DETERMINISTIC, |arguments, _| {
        if int(arguments[0]) > 1 {
            let message = "more than one row returned by a subquery used as an expression";
            return Err(Signal::Refused(Refusal::new("21000", message)));
        }
        Ok(kept(arguments[1]))
    })
}

fn states(registry: &Registry<'_>) -> rusqlite::Result<()> {
    registry.stateful("pg_uuid", 0, |_, live| {
        let mut next = || {
            // SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators".
            live.random = live.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (live.random ^ live.random >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ mixed >> 31
        };
        let id = uuid::Builder::from_random_bytes((u128::from(next()) << 64 | u128::from(next())).to_be_bytes());
        Ok(id.into_uuid().as_bytes().to_vec())
    })?;
    registry.stateful("pg_nextval", 1, |arguments, live| {
        let name = string(arguments[0]);
        match live.sequences.get_mut(&*name) {
            Some(next) => {
                *next += 1;
                Ok(*next - 1)
            }
            None => Err(Refusal::new("42P01", format!("relation \"{name}\" does not exist")).into()),
        }
    })?;
    registry.stateful("pg_setting", 1, |arguments, live| {
        let settings = live.settings.entry(live.session).or_default();
        Ok(settings.get(&string(arguments[0]))?.to_owned())
    })?;
    registry.stateful("pg_backend", 0, |_, live| Ok(live.session.0 as i64))?;
    registry.stateful("pg_recovery", 0, |_, live| Ok(live.recovery))
}

fn locking(registry: &Registry<'_>) -> rusqlite::Result<()> {
    registry.stateful("pg_lock_row", -1, |arguments, live| {
        let strength = match string(arguments[0]).as_ref() {
            "keyshare" => Strength::KeyShare,
            "share" => Strength::Share,
            "nokeyupdate" => Strength::NoKeyUpdate,
            _ => Strength::Update,
        };
        let table = int(arguments[2]) as usize;
        let Some(key) = encoded(arguments[3..].iter().copied()) else { return Ok(true) };
        match live.lock_row(table, key, strength) {
            Ok(()) => Ok(true),
            Err(blockers) => match string(arguments[1]).as_ref() {
                "skip" => Ok(false),
                "nowait" => {
                    let name = live.tables.get(table).and_then(Option::as_ref).map_or("?", |table| &table.name);
                    let message = format!("could not obtain lock on row in relation \"{name}\"");
                    Err(Refusal::new("55P03", message).into())
                }
                _ => Err(Signal::Wait(blockers)),
            },
        }
    })?;
    registry.stateful("pg_advisory", -1, |arguments, live| {
        let word = string(arguments[0]);
        if arguments[1..].iter().any(|argument| matches!(argument, ValueRef::Null)) {
            return Ok(None);
        }
        let number = match &arguments[1..] {
            [] => {
                live.locks.unlock_all(live.session);
                live.unlocked = true;
                return Ok(None);
            }
            [one] => Number::One(int(*one)),
            [one, other, ..] => Number::Two(int(*one) as i32, int(*other) as i32),
        };
        let (word, shared) = match word.strip_suffix("_shared") {
            Some(word) => (word, true),
            None => (&*word, false),
        };
        if word == "unlock" {
            live.unlocked = true;
            return Ok(Some(live.locks.unlock_advisory(live.session, number, shared)));
        }
        let (word, tries) = match word.strip_prefix("try_") {
            Some(word) => (word, true),
            None => (word, false),
        };
        let transaction = word == "xact_lock";
        if let Some(place) = live.kept.iter().position(|kept| !transaction && *kept == (number, shared)) {
            live.kept.remove(place);
            live.taken.push((number, shared));
            return Ok(tries.then_some(true));
        }
        let blockers = live.locks.advisory_blockers(live.session, number, shared);
        if !blockers.is_empty() {
            return if tries { Ok(Some(false)) } else { Err(Signal::Wait(blockers)) };
        }
        live.locks.take_advisory(live.session, number, shared, transaction);
        if !transaction {
            live.taken.push((number, shared));
        }
        Ok(tries.then_some(true))
    })
}
