//! Every statement that a system ships, with parameters as they might be.

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, ToSql, Type};

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
    vec![]
}

#[test]
fn statements_of_systems_are_answered_alike() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    for Shipped { system, schema, statements } in shipped() {
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
