//! The two formats in which a value travels.

use bytes::BytesMut;

use super::super::refusal::Refusal;
use super::super::value::{Type, Value};
use super::{binary, text};

/// A format, with its number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::servers::postgres) enum Format {
    Text = 0,
    Binary = 1,
}

impl Format {
    /// The format of the value at this place: one for all, or one for each.
    pub(in crate::servers::postgres) fn of(codes: &[i16], place: usize) -> Result<Self, Refusal> {
        let code = match codes {
            [] => 0,
            [all] => *all,
            each => each.get(place).copied().unwrap_or(0),
        };
        match code {
            0 => Ok(Self::Text),
            1 => Ok(Self::Binary),
            other => Err(Refusal::new("22023", format!("unsupported format code: {other}"))),
        }
    }
}

/// A value from what a client sent.
pub(in crate::servers::postgres) fn decode(kind: Type, format: Format, data: &[u8]) -> Result<Value, Refusal> {
    match format {
        Format::Text => text::parse(kind, utf8(data)?),
        Format::Binary => binary::parse(kind, data),
    }
}

/// A value as it is sent. A null has no bytes; it is told by its length.
pub(in crate::servers::postgres) fn encode(
    kind: Type,
    value: &Value,
    format: Format,
    into: &mut BytesMut,
) -> Result<(), Refusal> {
    match format {
        Format::Text => text::render(kind, value).map(|text| into.extend_from_slice(text.as_bytes())),
        Format::Binary => binary::write(kind, value, into),
    }
}

pub(super) fn utf8(data: &[u8]) -> Result<&str, Refusal> {
    let bad = |what: String| Refusal::new("22021", format!("invalid byte sequence for encoding \"UTF8\": {what}"));
    if data.contains(&0) {
        return Err(bad("0x00".to_owned()));
    }
    std::str::from_utf8(data).map_err(|error| bad(format!("0x{:02x}", data[error.valid_up_to()])))
}

/// The engine gave a value that does not belong to its column.
pub(super) fn misfit(kind: Type, value: &Value) -> Refusal {
    Refusal::new("XX000", format!("the simulated Postgres holds {value:?} in a column of type {kind:?}"))
}
