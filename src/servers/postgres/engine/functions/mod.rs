//! The functions that the storage's SQL calls, where it has none that does what Postgres does.

mod documents;
mod locking;
mod numbers;
mod texts;
mod times;

use rusqlite::functions::{Context, FunctionFlags, SqlFnOutput};
use rusqlite::types::{Value as Cell, ValueRef};
use rusqlite::{Connection, Error, ToSql};

use super::super::refusal::Refusal;
use super::super::value::Type;
use super::interval::Interval;
use super::live::{Live, Shared, Signal};
use super::lsn::Lsn;
use super::stored::kept;
use super::text;

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
    numbers::register(&registry)?;
    texts::register(&registry)?;
    times::register(&registry)?;
    documents::register(&registry)?;
    choices(&registry)?;
    states(&registry)?;
    locking::register(&registry)
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
    registry.stateful("pg_lsn", 0, |_, live| Ok(live.lsn.to_string()))?;
    registry.strict("pg_lsn_diff", 2, |arguments| {
        let lsn = |place: usize| string(arguments[place]).parse::<Lsn>();
        Ok((lsn(0)?.number() as i64).wrapping_sub(lsn(1)?.number() as i64))
    })?;
    registry.stateful("pg_recovery", 0, |_, live| Ok(live.recovery))
}
