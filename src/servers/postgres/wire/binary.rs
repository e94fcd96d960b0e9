//! Values in the binary format: big-endian, moments counted from the year 2000.

use bytes::{Buf, BufMut, BytesMut};

use super::super::refusal::Refusal;
use super::super::value::{Type, Value};
use super::format::{misfit, utf8};
use super::types::{element, oid};

/// 2000-01-01 as microseconds since 1970.
const EPOCH: i64 = 946_684_800_000_000;
/// The one version of the format of `jsonb`.
const JSONB: u8 = 1;

pub(super) fn parse(kind: Type, mut data: &[u8]) -> Result<Value, Refusal> {
    let value = read(kind, &mut data)?;
    if data.is_empty() { Ok(value) } else { Err(incorrect()) }
}

fn incorrect() -> Refusal {
    Refusal::new("22P03", "incorrect binary data format in bind parameter")
}

fn short<E>(_: E) -> Refusal {
    Refusal::new("08P01", "insufficient data left in message")
}

fn read(kind: Type, data: &mut &[u8]) -> Result<Value, Refusal> {
    Ok(match kind {
        Type::Bool => Value::Bool(data.try_get_u8().map_err(short)? != 0),
        Type::Int2 => Value::Int(data.try_get_i16().map_err(short)?.into()),
        Type::Int4 => Value::Int(data.try_get_i32().map_err(short)?.into()),
        Type::Int8 => Value::Int(data.try_get_i64().map_err(short)?),
        Type::Float8 => Value::Float(data.try_get_f64().map_err(short)?),
        Type::Uuid => Value::Uuid(data.try_get_u128().map_err(short)?),
        Type::Timestamptz => {
            let since = data.try_get_i64().map_err(short)?;
            Value::Time(since.checked_add(EPOCH).ok_or_else(|| Refusal::new("22008", "timestamp out of range"))?)
        }
        Type::Interval => {
            let micros = data.try_get_i64().map_err(short)?;
            let days = data.try_get_i32().map_err(short)?;
            Value::Interval { micros, days, months: data.try_get_i32().map_err(short)? }
        }
        Type::Text | Type::Varchar => Value::Text(utf8(std::mem::take(data))?.into()),
        Type::Bytea => Value::Bytes(std::mem::take(data).into()),
        Type::Jsonb => {
            let version = data.try_get_u8().map_err(short)?;
            if version != JSONB {
                return Err(Refusal::new("XX000", format!("unsupported jsonb version number {version}")));
            }
            super::text::parse(kind, utf8(std::mem::take(data))?)?
        }
        Type::Void => return Err(Refusal::new("0A000", "cannot accept a value of type void")),
        array => items(element(array).ok_or_else(incorrect)?, data)?,
    })
}

fn items(of: Type, data: &mut &[u8]) -> Result<Value, Refusal> {
    let dimensions = data.try_get_i32().map_err(short)?;
    let _has_nulls = data.try_get_i32().map_err(short)?;
    if data.try_get_u32().map_err(short)? != oid(of) {
        return Err(Refusal::new("42804", "binary data has an array element type that differs from the expected one"));
    }
    match dimensions {
        0 => return Ok(Value::Array([].into())),
        1 => {}
        _ => return Err(Refusal::unsupported("arrays of more than one dimension")),
    }
    let count = data.try_get_i32().map_err(short)?;
    let _lower_bound = data.try_get_i32().map_err(short)?;
    // Each takes four bytes at least: a count is no reason to set memory aside.
    if count < 0 || count as usize > data.len() / 4 {
        return Err(short(()));
    }
    let item = |_| match data.try_get_i32().map_err(short)? {
        -1 => Ok(Value::Null),
        length if length >= 0 && length as usize <= data.len() => {
            let (item, rest) = data.split_at(length as usize);
            *data = rest;
            parse(of, item)
        }
        _ => Err(short(())),
    };
    Ok(Value::Array((0..count).map(item).collect::<Result<_, _>>()?))
}

pub(super) fn write(kind: Type, value: &Value, into: &mut BytesMut) -> Result<(), Refusal> {
    match (kind, value) {
        (Type::Bool, Value::Bool(truth)) => into.put_u8(u8::from(*truth)),
        (Type::Int2, Value::Int(number)) => into.put_i16(i16::try_from(*number).map_err(|_| misfit(kind, value))?),
        (Type::Int4, Value::Int(number)) => into.put_i32(i32::try_from(*number).map_err(|_| misfit(kind, value))?),
        (Type::Int8, Value::Int(number)) => into.put_i64(*number),
        (Type::Float8, Value::Float(number)) => into.put_f64(*number),
        (Type::Uuid, Value::Uuid(number)) => into.put_u128(*number),
        (Type::Timestamptz, Value::Time(micros)) => into.put_i64(micros.saturating_sub(EPOCH)),
        (Type::Interval, Value::Interval { months, days, micros }) => {
            into.put_i64(*micros);
            into.put_i32(*days);
            into.put_i32(*months);
        }
        (Type::Text | Type::Varchar, Value::Text(text)) => into.put_slice(text.as_bytes()),
        (Type::Jsonb, Value::Text(text)) => {
            into.put_u8(JSONB);
            into.put_slice(text.as_bytes());
        }
        (Type::Bytea, Value::Bytes(bytes)) => into.put_slice(bytes),
        // Whatever it holds, it is sent as nothing.
        (Type::Void, _) => {}
        (array, Value::Array(items)) => {
            let of = element(array).ok_or_else(|| misfit(kind, value))?;
            into.put_i32(i32::from(!items.is_empty()));
            into.put_i32(i32::from(items.contains(&Value::Null)));
            into.put_u32(oid(of));
            if !items.is_empty() {
                into.put_i32(items.len() as i32);
                into.put_i32(1);
            }
            for item in items.iter() {
                let at = into.len();
                into.put_i32(-1);
                if *item != Value::Null {
                    write(of, item, into)?;
                    let length = (into.len() - at - 4) as u32;
                    into[at..at + 4].copy_from_slice(&length.to_be_bytes());
                }
            }
        }
        _ => return Err(misfit(kind, value)),
    }
    Ok(())
}
