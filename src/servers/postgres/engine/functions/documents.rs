//! Documents.

use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;

use super::super::super::refusal::Refusal;
use super::super::live::Signal;
use super::super::text;
use super::{Registry, string};

/// Makes them known.
pub(super) fn register(registry: &Registry<'_>) -> rusqlite::Result<()> {
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
