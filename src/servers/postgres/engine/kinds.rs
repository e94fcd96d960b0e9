//! What a type is called, which types go together, and how a declared type is read.

use sqlparser::ast::{ArrayElemTypeDef, CharacterLength, DataType, ExactNumberInfo, TimezoneInfo};

use super::super::refusal::Refusal;
use super::super::value::Type;

/// The type of an expression while its statement is being checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A literal or a parameter that takes the type of what it meets.
    Unknown,
    /// `numeric`: may be computed with and cast, is never stored and never returned.
    Numeric,
    /// Anything else.
    Of(Type),
}

/// A type as a column or a cast declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Declared {
    pub(super) kind: Type,
    /// The most characters of a `varchar`.
    pub(super) length: Option<u64>,
    /// `serial` and its kin.
    pub(super) serial: bool,
}

impl Kind {
    /// Its name in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Numeric => "numeric",
            Self::Of(kind) => name(kind),
        }
    }

    /// Whether it is a number.
    pub(super) fn is_number(self) -> bool {
        self.rank().is_some()
    }

    /// Whether it is text.
    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Of(Type::Text | Type::Varchar))
    }

    /// How wide a number is: the wider of two is what they become together.
    pub(super) fn rank(self) -> Option<u8> {
        match self {
            Self::Of(Type::Int2) => Some(0),
            Self::Of(Type::Int4) => Some(1),
            Self::Of(Type::Int8) => Some(2),
            Self::Numeric => Some(3),
            Self::Of(Type::Float8) => Some(4),
            _ => None,
        }
    }
}

/// A type's name in messages.
pub(super) fn name(kind: Type) -> &'static str {
    match kind {
        Type::Bool => "boolean",
        Type::Int2 => "smallint",
        Type::Int4 => "integer",
        Type::Int8 => "bigint",
        Type::Float8 => "double precision",
        Type::Text => "text",
        Type::Varchar => "character varying",
        Type::Bytea => "bytea",
        Type::Uuid => "uuid",
        Type::Timestamptz => "timestamp with time zone",
        Type::Interval => "interval",
        Type::Jsonb => "jsonb",
        Type::BoolArray => "boolean[]",
        Type::Int4Array => "integer[]",
        Type::Int8Array => "bigint[]",
        Type::TextArray => "text[]",
        Type::UuidArray => "uuid[]",
        Type::Void => "void",
    }
}

/// A type's own name: what a column that is nothing but a cast is called.
pub(super) fn short_name(kind: Type) -> &'static str {
    match kind {
        Type::Bool | Type::BoolArray => "bool",
        Type::Int2 => "int2",
        Type::Int4 | Type::Int4Array => "int4",
        Type::Int8 | Type::Int8Array => "int8",
        Type::Float8 => "float8",
        Type::Text | Type::TextArray => "text",
        Type::Varchar => "varchar",
        Type::Bytea => "bytea",
        Type::Uuid | Type::UuidArray => "uuid",
        Type::Timestamptz => "timestamptz",
        Type::Interval => "interval",
        Type::Jsonb => "jsonb",
        Type::Void => "void",
    }
}

/// The type of an array's elements.
pub(super) fn element(kind: Type) -> Option<Type> {
    match kind {
        Type::BoolArray => Some(Type::Bool),
        Type::Int4Array => Some(Type::Int4),
        Type::Int8Array => Some(Type::Int8),
        Type::TextArray => Some(Type::Text),
        Type::UuidArray => Some(Type::Uuid),
        _ => None,
    }
}

/// The type of an array of such elements.
pub(super) fn array_of(kind: Type) -> Option<Type> {
    match kind {
        Type::Bool => Some(Type::BoolArray),
        Type::Int4 => Some(Type::Int4Array),
        Type::Int8 => Some(Type::Int8Array),
        Type::Text | Type::Varchar => Some(Type::TextArray),
        Type::Uuid => Some(Type::UuidArray),
        _ => None,
    }
}

/// The bits of a whole number.
pub(super) fn bits(kind: Type) -> Option<u8> {
    match kind {
        Type::Int2 => Some(16),
        Type::Int4 => Some(32),
        Type::Int8 => Some(64),
        _ => None,
    }
}

/// Reads a declared type.
///
/// # Errors
/// `0A000` for types that are not simulated.
pub(super) fn declared(data: &DataType) -> Result<Declared, Refusal> {
    let plain = |kind| Ok(Declared { kind, length: None, serial: false });
    let serial = |kind| Ok(Declared { kind, length: None, serial: true });
    match data {
        DataType::Bool | DataType::Boolean => plain(Type::Bool),
        DataType::Int2(None) | DataType::SmallInt(None) => plain(Type::Int2),
        DataType::Int(None) | DataType::Int4(None) | DataType::Integer(None) => plain(Type::Int4),
        DataType::Int8(None) | DataType::BigInt(None) => plain(Type::Int8),
        DataType::Float8 | DataType::DoublePrecision | DataType::Float(ExactNumberInfo::None) => plain(Type::Float8),
        DataType::Text => plain(Type::Text),
        DataType::Varchar(length) | DataType::CharacterVarying(length) | DataType::CharVarying(length) => {
            let length = match length {
                None => None,
                Some(CharacterLength::IntegerLength { length, unit: None }) => Some(*length),
                Some(_) => return Err(Refusal::unsupported(format_args!("the type {data}"))),
            };
            Ok(Declared { kind: Type::Varchar, length, serial: false })
        }
        DataType::Bytea => plain(Type::Bytea),
        DataType::Uuid => plain(Type::Uuid),
        DataType::Timestamp(None, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => plain(Type::Timestamptz),
        DataType::Interval { fields: None, precision: None } => plain(Type::Interval),
        DataType::JSONB => plain(Type::Jsonb),
        DataType::Array(ArrayElemTypeDef::SquareBracket(inner, None)) => {
            let inner = declared(inner)?;
            match array_of(inner.kind) {
                Some(kind) if inner.length.is_none() => plain(kind),
                _ => Err(Refusal::unsupported(format_args!("the type {data}"))),
            }
        }
        DataType::Custom(name, modifiers) if modifiers.is_empty() => match name.to_string().to_lowercase().as_str() {
            "bigserial" | "serial8" => serial(Type::Int8),
            "serial" | "serial4" => serial(Type::Int4),
            "smallserial" | "serial2" => serial(Type::Int2),
            "bool" => plain(Type::Bool),
            "timestamptz" => plain(Type::Timestamptz),
            "jsonb" => plain(Type::Jsonb),
            _ => Err(Refusal::unsupported(format_args!("the type {data}"))),
        },
        _ => Err(Refusal::unsupported(format_args!("the type {data}"))),
    }
}
