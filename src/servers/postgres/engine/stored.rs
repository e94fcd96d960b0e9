//! How values lie in the storage: each type as the storage's value that compares as Postgres compares it.

use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, Value as Cell, ValueRef};

use super::super::value::{Type, Value};
use super::interval::Interval;
use super::kinds::element;

/// A row as it lies in the storage.
pub(super) type Row = Arc<[Cell]>;

/// What is bound for a parameter.
pub(super) fn bound(value: &Value) -> ToSqlOutput<'_> {
    match value {
        Value::Null => ToSqlOutput::Owned(Cell::Null),
        Value::Bool(truth) => ToSqlOutput::Owned(Cell::Integer(i64::from(*truth))),
        Value::Int(number) | Value::Time(number) => ToSqlOutput::Owned(Cell::Integer(*number)),
        Value::Float(number) => ToSqlOutput::Owned(Cell::Real(*number)),
        Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        Value::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        Value::Uuid(number) => ToSqlOutput::Owned(Cell::Blob(number.to_be_bytes().to_vec())),
        Value::Interval { months, days, micros } => {
            ToSqlOutput::Owned(Cell::Blob(Interval { months: *months, days: *days, micros: *micros }.stored()))
        }
        Value::Array(items) => ToSqlOutput::Owned(Cell::Text(array_text(items))),
    }
}

/// An array lies in the storage as a JSON array: numbers and truth values as numbers, all else as text.
fn array_text(items: &[Value]) -> String {
    let items = items.iter().map(|item| match item {
        Value::Bool(truth) => i64::from(*truth).into(),
        Value::Int(number) | Value::Time(number) => (*number).into(),
        Value::Uuid(number) => uuid::Uuid::from_u128(*number).to_string().into(),
        Value::Text(text) => text.as_ref().into(),
        Value::Float(number) => (*number).into(),
        Value::Null | Value::Bytes(_) | Value::Interval { .. } | Value::Array(_) => serde_json::Value::Null,
    });
    serde_json::Value::Array(items.collect()).to_string()
}

/// What a client gets for a cell of a column of this type.
pub(super) fn loaded(cell: ValueRef<'_>, kind: Type) -> Value {
    match cell {
        ValueRef::Null if kind == Type::Void => Value::Text(Arc::from("")),
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => match kind {
            Type::Bool => Value::Bool(number != 0),
            Type::Timestamptz => Value::Time(number),
            Type::Float8 => Value::Float(number as f64),
            _ => Value::Int(number),
        },
        ValueRef::Real(number) => Value::Float(number),
        ValueRef::Text(text) => {
            let text = String::from_utf8_lossy(text);
            match element(kind) {
                Some(inner) => Value::Array(items_of(&text, inner).into()),
                None => Value::Text(Arc::from(text.as_ref())),
            }
        }
        ValueRef::Blob(bytes) => match kind {
            Type::Uuid => Value::Uuid(uuid_of(bytes)),
            Type::Interval => {
                let Interval { months, days, micros } = Interval::loaded(bytes);
                Value::Interval { months, days, micros }
            }
            _ => Value::Bytes(Arc::from(bytes)),
        },
    }
}

/// The number that the bytes of a UUID are.
pub(super) fn uuid_of(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// The items of an array that lies in the storage.
fn items_of(text: &str, kind: Type) -> Vec<Value> {
    let items: Vec<serde_json::Value> = serde_json::from_str(text).unwrap_or_default();
    let load = |item: serde_json::Value| match item {
        serde_json::Value::Number(number) => loaded(ValueRef::Integer(number.as_i64().unwrap_or_default()), kind),
        serde_json::Value::String(text) if kind == Type::Uuid => {
            Value::Uuid(uuid::Uuid::parse_str(&text).map(|id| id.as_u128()).unwrap_or_default())
        }
        serde_json::Value::String(text) => Value::Text(Arc::from(text)),
        _ => Value::Null,
    };
    items.into_iter().map(load).collect()
}

/// The cell as it can be kept.
pub(super) fn kept(cell: ValueRef<'_>) -> Cell {
    match cell {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Real(number),
        ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Cell::Blob(bytes.to_vec()),
    }
}

/// A cell as a word of SQL.
pub(super) fn literal(cell: &Cell) -> String {
    use std::fmt::Write as _;
    match cell {
        Cell::Null => "NULL".to_owned(),
        Cell::Integer(i64::MIN) => "(-9223372036854775807-1)".to_owned(),
        Cell::Integer(number) => number.to_string(),
        Cell::Real(number) if number.is_infinite() => if *number > 0.0 { "9e999" } else { "(-9e999)" }.to_owned(),
        Cell::Real(number) => format!("{number:?}"),
        Cell::Text(text) => quoted_text(text),
        Cell::Blob(bytes) => {
            let mut word = String::with_capacity(bytes.len() * 2 + 3);
            word.push_str("x'");
            for byte in bytes {
                let _ = write!(word, "{byte:02x}");
            }
            word.push('\'');
            word
        }
    }
}

/// Text as a word of SQL.
pub(super) fn quoted_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as a word of SQL.
pub(super) fn quoted_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
