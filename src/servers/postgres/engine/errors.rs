//! What the storage refuses, in the words of Postgres.

use std::fmt::Write as _;

use rusqlite::types::{ToSqlOutput, Value as Cell, ValueRef};
use rusqlite::{Connection, params_from_iter};

use super::super::refusal::Refusal;
use super::catalog::{Catalog, Table};
use super::live::RowAttempt;
use super::stored::quoted_name;
use super::text;
use super::translate::Translator;

/// What the storage says where a statement is larger than it takes.
const TOO_MUCH: [&str; 8] = [
    "at most 64 tables in a join",
    "too many columns",
    "too many terms in compound SELECT",
    "too many arguments on function",
    "nested too deep",
    "Recursion limit",
    "Expression tree is too large",
    "string or blob too big",
];

/// Why a statement of the storage has failed that none of our functions has stopped.
pub(super) fn refusal(
    error: &rusqlite::Error,
    attempt: &RowAttempt,
    catalog: &Catalog,
    storage: &Connection,
) -> Refusal {
    let message = error.to_string();
    if let Some(rest) = message.strip_prefix("UNIQUE constraint failed: ") {
        unique(rest, attempt, catalog, storage)
    } else if let Some(rest) = message.strip_prefix("NOT NULL constraint failed: ") {
        let (table, column) = rest.split_once('.').unwrap_or((rest, ""));
        Refusal::new(
            "23502",
            format!("null value in column \"{column}\" of relation \"{table}\" violates not-null constraint"),
        )
    } else if let Some(name) = message.strip_prefix("CHECK constraint failed: ") {
        check(name, catalog)
    } else if message.contains("integer overflow") {
        Refusal::new("22003", "bigint out of range")
    } else if TOO_MUCH.iter().any(|limit| message.contains(limit)) {
        Refusal::new("54000", format!("the statement is too much for the simulated Postgres: {message}"))
    } else {
        Refusal::new("XX000", format!("the storage of the simulated Postgres failed: {message}"))
    }
}

/// `t.a, t.b`, or `index 'name'` where the index is partial.
fn unique(rest: &str, attempt: &RowAttempt, catalog: &Catalog, storage: &Connection) -> Refusal {
    let found = if let Some(name) = rest.strip_prefix("index '").and_then(|rest| rest.strip_suffix('\'')) {
        catalog.table_of_index(name).and_then(|table| {
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
    let place = first_violated(table, attempt, catalog, storage).unwrap_or(place);
    let unique = &table.uniques[place];
    let detail = attempt
        .keys
        .get(place)
        .and_then(Option::as_ref)
        .map(|cells| format!("Key {} already exists.", key_told(table, &unique.columns, cells)));
    Refusal {
        detail,
        constraint: Some((unique.name.clone(), table.name.clone())),
        ..Refusal::new("23505", format!("duplicate key value violates unique constraint \"{}\"", unique.name))
    }
}

/// Of the keys of the row that was refused, the first that another row has: Postgres looks at them in the order in which
/// they were made, the storage in one of its own. `None` where the other row went with the statement that failed.
pub(super) fn first_violated(
    table: &Table,
    attempt: &RowAttempt,
    catalog: &Catalog,
    storage: &Connection,
) -> Option<usize> {
    table.uniques.iter().zip(&attempt.keys).position(|(unique, cells)| {
        let Some(cells) = cells else { return false };
        let mut sql = format!("SELECT 1 FROM {} WHERE {}", quoted_name(&table.name), table.matches(&unique.columns, 1));
        if let Some(Ok(part)) = unique.predicate.as_ref().map(|expr| Translator::condition(catalog, table, expr, "")) {
            let _ = write!(sql, " AND {part}");
        }
        if !attempt.replaced.is_empty() {
            let _ = write!(sql, " AND NOT ({})", table.matches(table.key(), cells.len() + 1));
        }
        let bound = cells.iter().chain(&attempt.replaced).map(ToSqlOutput::from);
        storage.prepare(&sql).and_then(|mut statement| statement.exists(params_from_iter(bound))).unwrap_or(false)
    })
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
