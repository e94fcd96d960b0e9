//! Values in the text format, as Postgres tells them and reads them.

use std::fmt::Write as _;

use super::super::refusal::Refusal;
use super::super::value::{Type, Value};
use super::format::misfit;
use super::types::element;

/// Reads a value.
pub(super) fn parse(kind: Type, text: &str) -> Result<Value, Refusal> {
    Ok(match kind {
        Type::Bool => Value::Bool(truth(text.trim()).ok_or_else(|| invalid("boolean", text))?),
        Type::Int2 => Value::Int(whole(text, "smallint", i16::MIN.into(), i16::MAX.into())?),
        Type::Int4 => Value::Int(whole(text, "integer", i32::MIN.into(), i32::MAX.into())?),
        Type::Int8 => Value::Int(whole(text, "bigint", i64::MIN, i64::MAX)?),
        Type::Float8 => Value::Float(text.trim().parse().map_err(|_| invalid("double precision", text))?),
        Type::Text | Type::Varchar => Value::Text(text.into()),
        Type::Bytea => Value::Bytes(bytes(text)?.into()),
        Type::Uuid => {
            let id = uuid::Uuid::try_parse(text.trim()).map_err(|_| invalid("uuid", text))?;
            Value::Uuid(id.as_u128())
        }
        Type::Jsonb => {
            let _: serde::de::IgnoredAny = serde_json::from_str(text).map_err(|error| Refusal {
                detail: Some(error.to_string()),
                ..Refusal::new("22P02", "invalid input syntax for type json")
            })?;
            Value::Text(text.into())
        }
        Type::Timestamptz | Type::Interval => return Err(Refusal::unsupported(format_args!("{kind:?} as text"))),
        Type::Void => return Err(Refusal::new("0A000", "cannot accept a value of type void")),
        array => items(element(array).ok_or_else(|| misfit(kind, &Value::Null))?, text)?,
    })
}

fn invalid(name: &str, text: &str) -> Refusal {
    Refusal::new("22P02", format!("invalid input syntax for type {name}: \"{text}\""))
}

/// `t`, `true`, `yes`, `on`, `1`, their opposites, and whatever begins them alone.
fn truth(text: &str) -> Option<bool> {
    let word = text.to_ascii_lowercase();
    let begins = |whole: &str, least: usize| word.len() >= least && whole.starts_with(&word);
    if begins("true", 1) || begins("yes", 1) || begins("on", 2) || word == "1" {
        Some(true)
    } else if begins("false", 1) || begins("no", 1) || begins("off", 2) || word == "0" {
        Some(false)
    } else {
        None
    }
}

fn whole(text: &str, name: &str, least: i64, most: i64) -> Result<i64, Refusal> {
    let digits = text.trim();
    let number: Result<i64, _> = digits.parse();
    let is_number = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    let is_number = !is_number.is_empty() && is_number.bytes().all(|digit| digit.is_ascii_digit());
    match number {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ if is_number => Err(Refusal::new("22003", format!("value \"{text}\" is out of range for type {name}"))),
        _ => Err(invalid(name, text)),
    }
}

/// `\x` and hexadecimal digits; the older form with escapes is not read.
fn bytes(text: &str) -> Result<Vec<u8>, Refusal> {
    let Some(digits) = text.strip_prefix("\\x") else {
        return Err(Refusal::unsupported("bytea that is not written as \\x and hexadecimal digits"));
    };
    let digit = |letter: u8| char::from(letter).to_digit(16).map(|digit| digit as u8);
    let pairs = digits.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect::<Option<_>>().ok_or_else(|| Refusal::new("22023", "invalid hexadecimal data in bytea"))
}

/// `{a,"b c",NULL}`: one dimension.
fn items(of: Type, text: &str) -> Result<Value, Refusal> {
    let malformed = || Refusal::new("22P02", format!("malformed array literal: \"{text}\""));
    let inner = text.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).ok_or_else(malformed)?;
    let mut letters = inner.chars().peekable();
    let mut items = Vec::new();
    if inner.trim().is_empty() {
        return Ok(Value::Array([].into()));
    }
    loop {
        while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
        let (mut word, mut quoted) = (String::new(), false);
        if letters.next_if_eq(&'"').is_some() {
            quoted = true;
            loop {
                match letters.next().ok_or_else(malformed)? {
                    '"' => break,
                    '\\' => word.push(letters.next().ok_or_else(malformed)?),
                    letter => word.push(letter),
                }
            }
            while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
        } else {
            while let Some(letter) = letters.next_if(|letter| *letter != ',') {
                match letter {
                    '{' | '}' | '"' => return Err(malformed()),
                    '\\' => word.push(letters.next().ok_or_else(malformed)?),
                    letter => word.push(letter),
                }
            }
            word.truncate(word.trim_end().len());
            if word.is_empty() {
                return Err(malformed());
            }
        }
        items.push(if !quoted && word.eq_ignore_ascii_case("null") { Value::Null } else { parse(of, &word)? });
        match letters.next() {
            None => return Ok(Value::Array(items.into())),
            Some(',') => {}
            Some(_) => return Err(malformed()),
        }
    }
}

/// Tells a value.
pub(super) fn render(kind: Type, value: &Value) -> Result<String, Refusal> {
    Ok(match value {
        Value::Bool(truth) => if *truth { "t" } else { "f" }.to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => float(*number),
        Value::Text(text) => text.to_string(),
        Value::Bytes(bytes) => bytes.iter().fold("\\x".to_owned(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }),
        Value::Uuid(number) => uuid::Uuid::from_u128(*number).to_string(),
        Value::Array(items) => {
            let of = element(kind).ok_or_else(|| misfit(kind, value))?;
            let items = items.iter().map(|item| match item {
                Value::Null => Ok("NULL".to_owned()),
                item => render(of, item).map(item_text),
            });
            format!("{{{}}}", items.collect::<Result<Vec<_>, _>>()?.join(","))
        }
        Value::Time(_) | Value::Interval { .. } => {
            return Err(Refusal::unsupported(format_args!("{kind:?} as text")));
        }
        Value::Null => return Err(misfit(kind, value)),
    })
}

/// An item of an array, in quotes where it would be read otherwise without.
fn item_text(text: String) -> String {
    let special = |letter: char| letter.is_whitespace() || "{},\"\\".contains(letter);
    if text.is_empty() || text.eq_ignore_ascii_case("null") || text.contains(special) {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        text
    }
}

/// The shortest digits that are this number and no other, with an exponent where there would be many zeros.
fn float(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..15).contains(&exponent) {
        format!("{number}")
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
    }
}
