//! The text form of each type: from text into the storage, and back.

use rusqlite::types::{Value as Cell, ValueRef};

use super::super::refusal::Refusal;
use super::super::value::Type;
use super::interval::Interval;
use super::kinds::{element, name};
use super::{civil, stored};

/// Reads a value of a type from text.
///
/// # Errors
/// `22P02`, `22003`, `22007`, `22008`: as the real server refuses text that is no such value.
pub(super) fn parse(kind: Type, text: &str, now: i64) -> Result<Cell, Refusal> {
    let wrong = || Refusal::new("22P02", format!("invalid input syntax for type {}: \"{text}\"", name(kind)));
    let range = || Refusal::new("22003", format!("value \"{text}\" is out of range for type {}", name(kind)));
    let trimmed = text.trim();
    match kind {
        Type::Text | Type::Varchar => Ok(Cell::Text(text.to_owned())),
        Type::Bool => truth(trimmed).map(|truth| Cell::Integer(i64::from(truth))).ok_or_else(wrong),
        Type::Int2 | Type::Int4 | Type::Int8 => {
            let digits = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
            if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
                return Err(wrong());
            }
            let number: i64 = trimmed.parse().map_err(|_| range())?;
            let fits = match kind {
                Type::Int2 => i16::try_from(number).is_ok(),
                Type::Int4 => i32::try_from(number).is_ok(),
                _ => true,
            };
            if fits { Ok(Cell::Integer(number)) } else { Err(range()) }
        }
        Type::Float8 => {
            let number: f64 = trimmed.parse().map_err(|_| wrong())?;
            if number.is_nan() {
                return Err(Refusal::unsupported("NaN"));
            }
            let said = trimmed.to_ascii_lowercase();
            if number.is_infinite() && !said.contains("inf") { Err(range()) } else { Ok(Cell::Real(number)) }
        }
        Type::Uuid => {
            let id = uuid::Uuid::parse_str(text).map_err(|_| wrong())?;
            Ok(Cell::Blob(id.as_bytes().to_vec()))
        }
        Type::Timestamptz => civil::parse(text, now).map(Cell::Integer),
        Type::Interval => Interval::parse(text).map(|interval| Cell::Blob(interval.stored())),
        Type::Bytea => {
            bytes(text).map(Cell::Blob).ok_or_else(|| Refusal::new("22P02", "invalid input syntax for type bytea"))
        }
        Type::Jsonb => json(text).map(Cell::Text),
        Type::BoolArray | Type::Int4Array | Type::Int8Array | Type::TextArray | Type::UuidArray => {
            let inner = element(kind).unwrap_or(Type::Text);
            array(text, inner, now).map(Cell::Text)
        }
        Type::Void => Err(Refusal::unsupported("values of type void")),
    }
}

/// Tells a value of a type as text.
pub(super) fn told(kind: Type, cell: ValueRef<'_>) -> String {
    match (kind, cell) {
        (Type::Bool, ValueRef::Integer(truth)) => if truth == 0 { "false" } else { "true" }.to_owned(),
        (Type::Timestamptz, ValueRef::Integer(moment)) => civil::told(moment),
        (Type::Float8, ValueRef::Integer(number)) => float(number as f64),
        (_, ValueRef::Null) => String::new(),
        (_, ValueRef::Integer(number)) => number.to_string(),
        (_, ValueRef::Real(number)) => float(number),
        (_, ValueRef::Text(text)) => match element(kind) {
            Some(inner) => array_told(&String::from_utf8_lossy(text), inner),
            None => String::from_utf8_lossy(text).into_owned(),
        },
        (Type::Uuid, ValueRef::Blob(bytes)) => uuid::Uuid::from_u128(stored::uuid_of(bytes)).to_string(),
        (Type::Interval, ValueRef::Blob(bytes)) => Interval::loaded(bytes).told(),
        (_, ValueRef::Blob(bytes)) => format!("\\x{}", hex(bytes)),
    }
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes that hexadecimal digits stand for.
pub(super) fn unhex(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    let digit = |digit: u8| (digit as char).to_digit(16).map(|value| value as u8);
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

fn truth(text: &str) -> Option<bool> {
    let said = text.to_ascii_lowercase();
    let begins = |word: &str, least: usize| said.len() >= least && word.starts_with(&said);
    if begins("true", 1) || begins("yes", 1) || said == "on" || said == "1" {
        Some(true)
    } else if begins("false", 1) || begins("no", 1) || begins("off", 2) || said == "0" {
        Some(false)
    } else {
        None
    }
}

/// A floating-point number in the fewest digits that tell it.
fn float(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let size = number.abs();
    if size != 0.0 && !(1e-4..1e15).contains(&size) {
        let told = format!("{number:e}");
        let (digits, exponent) = told.split_once('e').unwrap_or((&told, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(rest) => ('-', rest),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    format!("{number}")
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    if let Some(digits) = text.strip_prefix("\\x") {
        return unhex(digits);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next()? {
            b'\\' => bytes.push(b'\\'),
            first @ b'0'..=b'3' => {
                let digit = |digit: u8| (b'0'..=b'7').contains(&digit).then(|| digit - b'0');
                bytes.push((first - b'0') << 6 | digit(rest.next()?)? << 3 | digit(rest.next()?)?);
            }
            _ => return None,
        }
    }
    Some(bytes)
}

/// JSON as `jsonb` keeps it: keys by length, then by their bytes, each once; one space after colon and comma.
pub(super) fn json(text: &str) -> Result<String, Refusal> {
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|_| Refusal::new("22P02", "invalid input syntax for type json"))?;
    let mut told = String::with_capacity(text.len());
    tell_json(&value, &mut told);
    Ok(told)
}

/// Writes JSON as `jsonb` shows it.
pub(super) fn tell_json(value: &serde_json::Value, told: &mut String) {
    match value {
        serde_json::Value::Array(items) => {
            told.push('[');
            for (number, item) in items.iter().enumerate() {
                if number > 0 {
                    told.push_str(", ");
                }
                tell_json(item, told);
            }
            told.push(']');
        }
        serde_json::Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by(|(one, _), (other, _)| (one.len(), one).cmp(&(other.len(), other)));
            told.push('{');
            for (number, (key, field)) in fields.into_iter().enumerate() {
                if number > 0 {
                    told.push_str(", ");
                }
                tell_json(&serde_json::Value::String(key.clone()), told);
                told.push_str(": ");
                tell_json(field, told);
            }
            told.push('}');
        }
        plain => told.push_str(&plain.to_string()),
    }
}

/// `{a,"b c",NULL}` as the storage keeps arrays.
fn array(text: &str, kind: Type, now: i64) -> Result<String, Refusal> {
    let wrong = || Refusal::new("22P02", format!("malformed array literal: \"{text}\""));
    let inner = text.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).ok_or_else(wrong)?;
    let mut items = Vec::new();
    let mut letters = inner.trim().chars().peekable();
    while letters.peek().is_some() {
        let mut item = String::new();
        let mut quoted = false;
        let mut open = false;
        while let Some(letter) = letters.next() {
            match letter {
                '"' => {
                    open = !open;
                    quoted = true;
                }
                '\\' => item.push(letters.next().ok_or_else(wrong)?),
                ',' if !open => {
                    if letters.peek().is_none() {
                        return Err(wrong());
                    }
                    break;
                }
                '{' | '}' if !open => return Err(wrong()),
                _ => item.push(letter),
            }
        }
        if open {
            return Err(wrong());
        }
        let item = if quoted { item.as_str() } else { item.trim() };
        if item.is_empty() && !quoted {
            return Err(wrong());
        }
        if !quoted && item.eq_ignore_ascii_case("null") {
            items.push(serde_json::Value::Null);
            continue;
        }
        items.push(match parse(kind, item, now)? {
            Cell::Integer(number) => number.into(),
            Cell::Text(text) => text.into(),
            cell => told(kind, ValueRef::from(&cell)).into(),
        });
    }
    Ok(serde_json::Value::Array(items).to_string())
}

fn array_told(stored: &str, kind: Type) -> String {
    let items: Vec<serde_json::Value> = serde_json::from_str(stored).unwrap_or_default();
    let items: Vec<String> = items
        .iter()
        .map(|item| match item {
            serde_json::Value::Number(number) if kind == Type::Bool => {
                if number.as_i64() == Some(0) { "f" } else { "t" }.to_owned()
            }
            serde_json::Value::String(text) => {
                let odd = |letter: char| letter.is_whitespace() || "{},\"\\".contains(letter);
                if text.is_empty() || text.eq_ignore_ascii_case("null") || text.contains(odd) {
                    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
                } else {
                    text.clone()
                }
            }
            serde_json::Value::Null => "NULL".to_owned(),
            other => other.to_string(),
        })
        .collect();
    format!("{{{}}}", items.join(","))
}
