//! The numbers by which types go on the wire.

use super::super::value::Type;

/// Every type with its number, its length in bytes (-1: it varies) and, of an array, what it is made of.
const TYPES: [(Type, u32, i16, Option<Type>); 18] = [
    (Type::Bool, 16, 1, None),
    (Type::Bytea, 17, -1, None),
    (Type::Int8, 20, 8, None),
    (Type::Int2, 21, 2, None),
    (Type::Int4, 23, 4, None),
    (Type::Text, 25, -1, None),
    (Type::Float8, 701, 8, None),
    (Type::BoolArray, 1000, -1, Some(Type::Bool)),
    (Type::Int4Array, 1007, -1, Some(Type::Int4)),
    (Type::TextArray, 1009, -1, Some(Type::Text)),
    (Type::Int8Array, 1016, -1, Some(Type::Int8)),
    (Type::Varchar, 1043, -1, None),
    (Type::Timestamptz, 1184, 8, None),
    (Type::Interval, 1186, 16, None),
    (Type::Void, 2278, 4, None),
    (Type::Uuid, 2950, 16, None),
    (Type::UuidArray, 2951, -1, Some(Type::Uuid)),
    (Type::Jsonb, 3802, -1, None),
];

fn entry(kind: Type) -> &'static (Type, u32, i16, Option<Type>) {
    TYPES.iter().find(|entry| entry.0 == kind).expect("the table has every type")
}

/// The number of a type.
pub(in crate::servers::postgres) fn oid(kind: Type) -> u32 {
    entry(kind).1
}

/// How many bytes a value takes; -1: it varies.
pub(super) fn size(kind: Type) -> i16 {
    entry(kind).2
}

/// What an array is made of.
pub(super) fn element(kind: Type) -> Option<Type> {
    entry(kind).3
}

/// The type with this number, if this server knows it. Kinds of text that differ in their bounds alone are text.
pub(in crate::servers::postgres) fn named(oid: u32) -> Option<Type> {
    match oid {
        // json, "char", name, bpchar and their likes come and go as text.
        19 | 1042 => Some(Type::Text),
        1015 => Some(Type::TextArray),
        _ => TYPES.iter().find(|entry| entry.1 == oid).map(|entry| entry.0),
    }
}
