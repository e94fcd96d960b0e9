//! Values as text, for those who talk to clients.

use rusqlite::types::{ToSqlOutput, ValueRef};

use super::super::refusal::Refusal;
use super::super::value::{Type, Value};
use super::{stored, text};

/// A value from its text; `now` is what the word stands for.
///
/// # Errors
/// As the real server refuses text that is no such value.
pub(in crate::servers::postgres) fn from_text(kind: Type, text: &str, now: i64) -> Result<Value, Refusal> {
    let cell = text::parse(kind, text, now)?;
    Ok(stored::loaded(ValueRef::from(&cell), kind))
}

/// A value's text. A truth value is one letter, which it is nowhere else.
pub(in crate::servers::postgres) fn to_text(kind: Type, value: &Value) -> String {
    if let Value::Bool(truth) = value {
        return if *truth { "t" } else { "f" }.to_owned();
    }
    match stored::bound(value) {
        ToSqlOutput::Borrowed(cell) => text::told(kind, cell),
        ToSqlOutput::Owned(cell) => text::told(kind, ValueRef::from(&cell)),
        _ => String::new(),
    }
}
