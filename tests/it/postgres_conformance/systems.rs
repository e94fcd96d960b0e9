//! Every statement that a system ships, with parameters as they might be.

use std::error::Error;

use bytes::BytesMut;
use sexton::servers::postgres::Value;
use sexton::systems::{reconciler, sandbox, sweeper};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};

use super::bench::Bench;
use super::steps::{Said, Way};

/// What one system ships.
struct Shipped {
    system: &'static str,
    /// Its tables.
    schema: Vec<&'static str>,
    /// Statements by name, such that all of them can be sent one after another, and their parameters as text.
    statements: Vec<(&'static str, &'static str, Vec<Option<String>>)>,
}

/// What all systems ship.
fn shipped() -> Vec<Shipped> {
    let sandbox = sandbox::statements().into_iter();
    let sandbox = Shipped {
        system: "sandbox",
        schema: sandbox::SCHEMA.to_vec(),
        statements: sandbox.map(|(name, text, values)| (name, text, values.iter().map(text_of).collect())).collect(),
    };
    let reconciler = with_schema_first("reconciler", reconciler::sql::statements());
    let sweeper = with_schema_first("sweeper", sweeper::sql::statements());
    vec![sandbox, reconciler, sweeper]
}

/// What a system ships whose list begins with its schema.
fn with_schema_first(
    system: &'static str,
    statements: Vec<(&'static str, &'static str, Vec<sweeper::sql::Parameter>)>,
) -> Shipped {
    let mut statements = statements.into_iter();
    let (_, schema, _) = statements.next().expect("the schema comes first");
    let statements =
        statements.map(|(name, text, values)| (name, text, values.iter().map(|value| text_behind(&**value)).collect()));
    Shipped { system, schema: vec![schema], statements: statements.collect() }
}

/// A value as text.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(value) => Some(value.to_string()),
        Value::Int(value) => Some(value.to_string()),
        Value::Text(value) => Some(value.to_string()),
        other => panic!("no system has had a parameter like {other:?}"),
    }
}

/// What a parameter of the client says, as text.
fn text_behind(value: &(dyn ToSql + Sync)) -> Option<String> {
    let list = |list: Vec<String>| format!("{{{}}}", list.join(","));
    read(value, &Type::TEXT, |text: String| text)
        .or_else(|_| read(value, &Type::BOOL, |value: bool| value.to_string()))
        .or_else(|_| read(value, &Type::INT8, |value: i64| value.to_string()))
        .or_else(|_| read(value, &Type::TEXT_ARRAY, list))
        .unwrap_or_else(|error| panic!("no system has had a parameter like {value:?}: {error}"))
}

fn read<T: for<'a> FromSql<'a>>(
    value: &(dyn ToSql + Sync),
    kind: &Type,
    show: impl Fn(T) -> String,
) -> Result<Option<String>, Box<dyn Error + Sync + Send>> {
    let mut bytes = BytesMut::new();
    match value.to_sql_checked(kind, &mut bytes)? {
        IsNull::Yes => Ok(None),
        IsNull::No => T::from_sql(kind, &bytes).map(|value| Some(show(value))),
    }
}

#[test]
fn statements_of_systems_are_answered_alike() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    for Shipped { system, schema, statements } in shipped() {
        assert!(statements.len() > 20, "{system} has {} statements only", statements.len());
        for way in [Way::Prepared { binary: true }, Way::Unnamed { binary: false }, Way::Simple] {
            let difference = runtime.block_on(async {
                let mut bench = Bench::start(&schema).await?;
                for (name, text, parameters) in &statements {
                    let said = Said::new(text, parameters.clone(), way);
                    if let Err(difference) = bench.say(0, &said).await {
                        return Some(format!("{name}: {}\n{difference}", said.show(0)));
                    }
                }
                None
            });
            assert!(difference.is_none(), "{system}: {}", difference.unwrap_or_default());
        }
    }
}
