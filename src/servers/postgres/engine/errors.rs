//! What the storage refuses, in the words of Postgres.

use rusqlite::types::{Value as Cell, ValueRef};

use super::super::refusal::Refusal;
use super::catalog::{Catalog, Table};
use super::live::{Live, Signal};
use super::text;

/// Why a statement of the storage has failed.
pub(super) fn signal(error: &rusqlite::Error, live: &mut Live, catalog: &Catalog) -> Signal {
    if let Some(signal) = live.signal.take() {
        return signal;
    }
    let message = error.to_string();
    let refusal = if let Some(rest) = message.strip_prefix("UNIQUE constraint failed: ") {
        unique(rest, &live.attempted, catalog)
    } else if let Some(rest) = message.strip_prefix("NOT NULL constraint failed: ") {
        let (table, column) = rest.split_once('.').unwrap_or((rest, ""));
        Refusal {
            constraint: None,
            ..Refusal::new(
                "23502",
                format!("null value in column \"{column}\" of relation \"{table}\" violates not-null constraint"),
            )
        }
    } else if let Some(name) = message.strip_prefix("CHECK constraint failed: ") {
        check(name, catalog)
    } else if message.contains("integer overflow") {
        Refusal::new("22003", "bigint out of range")
    } else {
        Refusal::new("XX000", format!("the storage of the simulated Postgres failed: {message}"))
    };
    Signal::Refused(refusal)
}

/// `t.a, t.b`, or `index 'name'` where the index is partial.
fn unique(rest: &str, attempted: &[Vec<Cell>], catalog: &Catalog) -> Refusal {
    let found = if let Some(name) = rest.strip_prefix("index '").and_then(|rest| rest.strip_suffix('\'')) {
        catalog.tables().find_map(|table| {
            let place = table.uniques.iter().position(|unique| unique.name == name)?;
            Some((table, place))
        })
    } else {
        let names: Vec<(&str, &str)> = rest.split(", ").filter_map(|name| name.split_once('.')).collect();
        names.first().and_then(|(table, _)| catalog.find(table)).and_then(|table| {
            let columns: Vec<usize> = names.iter().filter_map(|(_, column)| table.column(column)).collect();
            let place = table.uniques.iter().position(|unique| unique.columns == columns)?;
            Some((table, place))
        })
    };
    let Some((table, place)) = found else {
        return Refusal::new("23505", format!("duplicate key value violates a unique constraint on {rest}"));
    };
    let unique = &table.uniques[place];
    let detail =
        attempted.get(place).map(|cells| format!("Key {} already exists.", key_told(table, &unique.columns, cells)));
    Refusal {
        detail,
        constraint: Some((unique.name.clone(), table.name.clone())),
        ..Refusal::new("23505", format!("duplicate key value violates unique constraint \"{}\"", unique.name))
    }
}

fn check(name: &str, catalog: &Catalog) -> Refusal {
    let table = catalog.tables().find(|table| table.checks.iter().any(|check| check.name == name));
    let table = table.map_or_else(String::new, |table| table.name.clone());
    Refusal {
        constraint: Some((name.to_owned(), table.clone())),
        ..Refusal::new("23514", format!("new row for relation \"{table}\" violates check constraint \"{name}\""))
    }
}

/// `(a, b)=(1, x)`
pub(super) fn key_told(table: &Table, columns: &[usize], cells: &[Cell]) -> String {
    let names: Vec<&str> = columns.iter().map(|&column| table.columns[column].name.as_str()).collect();
    let values: Vec<String> = columns
        .iter()
        .zip(cells)
        .map(|(&column, cell)| match cell {
            Cell::Null => "null".to_owned(),
            cell => match text::told(table.columns[column].kind, ValueRef::from(cell)) {
                told if table.columns[column].kind == super::super::value::Type::Bool => told[..1].to_owned(),
                told => told,
            },
        })
        .collect();
    format!("({})=({})", names.join(", "), values.join(", "))
}
