//! The types of parameters, which the client states, so that a statement is one round trip.
//!
//! A statement prepared under a name would take two, and the crate numbers those names throughout the process: what a run
//! sends would depend on the runs before it.

use bytes::BytesMut;
use tokio_postgres::types::{ToSql, Type};

use super::RowsError;

/// What a parameter may be; of several that a value could pass for, the first.
const CANDIDATES: [Type; 16] = [
    Type::TEXT,
    Type::INT8,
    Type::INT4,
    Type::BOOL,
    Type::UUID,
    Type::TIMESTAMPTZ,
    Type::JSONB,
    Type::FLOAT8,
    Type::INT2,
    Type::BYTEA,
    Type::TEXT_ARRAY,
    Type::INT8_ARRAY,
    Type::INT4_ARRAY,
    Type::UUID_ARRAY,
    Type::BOOL_ARRAY,
    Type::VARCHAR,
];

/// One parameter as it is handed over.
pub(super) type Parameter<'a> = &'a (dyn ToSql + Sync);

/// The parameters, each with the type as which it travels.
pub(super) fn typed<'a>(parameters: &[Parameter<'a>]) -> Result<Vec<(Parameter<'a>, Type)>, RowsError> {
    let mut scratch = BytesMut::new();
    let typed = parameters.iter().enumerate().map(|(place, parameter)| {
        let kind = CANDIDATES.into_iter().find(|kind| {
            scratch.clear();
            parameter.to_sql_checked(kind, &mut scratch).is_ok()
        });
        kind.map(|kind| (*parameter, kind)).ok_or_else(|| RowsError::Refused {
            sqlstate: "42804".to_owned(),
            constraint: None,
            message: format!("${} holds {parameter:?}, which this client has no type for: cast it first", place + 1),
        })
    });
    typed.collect()
}
