//! Types and values as clients of the server know them, apart from how they travel and how they are stored.

use std::sync::Arc;

/// The type of a parameter or a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// `boolean`
    Bool,
    /// `smallint`
    Int2,
    /// `integer`
    Int4,
    /// `bigint`
    Int8,
    /// `double precision`
    Float8,
    /// `text`
    Text,
    /// `varchar`, of any length
    Varchar,
    /// `bytea`
    Bytea,
    /// `uuid`
    Uuid,
    /// `timestamptz`
    Timestamptz,
    /// `interval`
    Interval,
    /// `jsonb`
    Jsonb,
    /// `boolean[]`
    BoolArray,
    /// `integer[]`
    Int4Array,
    /// `bigint[]`
    Int8Array,
    /// `text[]`
    TextArray,
    /// `uuid[]`
    UuidArray,
    /// What a function returns that returns nothing.
    Void,
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number, whatever its width.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// Text, JSON included.
    Text(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A UUID, big-endian.
    Uuid(u128),
    /// A moment, in microseconds since 1970-01-01 00:00 UTC.
    Time(i64),
    /// A span of time.
    Interval {
        /// Whole months.
        months: i32,
        /// Whole days.
        days: i32,
        /// The rest, in microseconds.
        micros: i64,
    },
    /// Several values of one type.
    Array(Arc<[Value]>),
}
