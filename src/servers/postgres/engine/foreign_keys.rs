//! Foreign keys: what a row refers to has to be there, and what refers to a row that goes is refused or goes too.
//!
//! As in Postgres, this happens at the end of each statement, row by row, and on the rows that follow from it.

use std::sync::Arc;

use rusqlite::params_from_iter;
use rusqlite::types::{ToSqlOutput, Value as Cell};

use super::super::refusal::Refusal;
use super::catalog::{Action, ForeignKey, Reference, Table};
use super::database::Database;
use super::errors::key_told;
use super::live::{Change, Signal};
use super::locks::{Strength, encoded_cells};
use super::stored::{Row, quoted_name};

impl Database {
    /// What follows from the rows that a statement has written; they are added to.
    pub(super) fn follow(&mut self, changes: &mut Vec<Change>) -> Result<(), Signal> {
        let mut owed = Vec::new();
        let mut place = 0;
        while place < changes.len() {
            let change = changes[place].clone();
            place += 1;
            let Some(table) = self.catalog.by_id(change.table).cloned() else { continue };
            if let Some(new) = &change.new {
                for key in &table.foreign_keys {
                    let same = change
                        .old
                        .as_ref()
                        .is_some_and(|old| key.columns.iter().all(|&column| old[column] == new[column]));
                    if !same {
                        self.require_parent(&table, key, new)?;
                    }
                }
            }
            let Some(old) = &change.old else { continue };
            for reference in self.catalog.references_to(table.id).to_vec() {
                self.let_go(&table, reference, old, change.new.as_ref(), changes, &mut owed)?;
            }
        }
        for (reference, values) in owed {
            let Some((child, key)) = self.referring(reference) else { continue };
            let parent = self.catalog.table(&key.parent)?.clone();
            if !self.has_parent(&parent, &key, &values)? && self.has_children(&child, &key, &values)? {
                return Err(still_referenced(&parent, &child, &key, &values).into());
            }
        }
        Ok(())
    }

    /// Checks the foreign keys of all rows of a table that has been made anew.
    pub(super) fn check_references(&self, table: &Table) -> Result<(), Refusal> {
        for key in &table.foreign_keys {
            let parent = self.catalog.table(&key.parent)?.clone();
            let places = parent_places(&parent, key)?;
            let pairs: Vec<String> = key
                .columns
                .iter()
                .zip(&places)
                .map(|(&column, &place)| {
                    let (own, other) = (&table.columns[column].name, &parent.columns[place].name);
                    format!("p.{} = c.{}", quoted_name(other), quoted_name(own))
                })
                .collect();
            let there: Vec<String> = key
                .columns
                .iter()
                .map(|&column| format!("c.{} IS NOT NULL", quoted_name(&table.columns[column].name)))
                .collect();
            let sql = format!(
                "SELECT count(*) FROM {} AS c WHERE {} AND NOT EXISTS (SELECT 1 FROM {} AS p WHERE {})",
                quoted_name(&table.name),
                there.join(" AND "),
                quoted_name(&parent.name),
                pairs.join(" AND ")
            );
            let lost: i64 =
                self.storage.query_row(&sql, [], |row| row.get(0)).map_err(|error| self.storage_refusal(&error))?;
            if lost > 0 {
                return Err(without_parent(table, key));
            }
        }
        Ok(())
    }

    /// A row refers to another, which has to be there, and to stay until the transaction ends.
    fn require_parent(&mut self, table: &Table, key: &ForeignKey, row: &Row) -> Result<(), Signal> {
        let values = Table::pick(&key.columns, row);
        if values.contains(&Cell::Null) {
            return Ok(());
        }
        let parent = self.catalog.table(&key.parent)?.clone();
        if self.keeps(&parent, &parent_places(&parent, key)?, &values)? {
            return Ok(());
        }
        let detail =
            format!("Key {} is not present in table \"{}\".", key_told(table, &key.columns, &values), parent.name);
        Err(Refusal { detail: Some(detail), ..without_parent(table, key) }.into())
    }

    /// A row goes, or its key changes: what becomes of the rows that refer to it.
    fn let_go(
        &mut self,
        parent: &Arc<Table>,
        reference: Reference,
        old: &Row,
        new: Option<&Row>,
        changes: &mut Vec<Change>,
        owed: &mut Vec<(Reference, Vec<Cell>)>,
    ) -> Result<(), Signal> {
        let Some((child, key)) = self.referring(reference) else { return Ok(()) };
        let places = parent_places(parent, &key)?;
        let values = Table::pick(&places, old);
        if values.contains(&Cell::Null) || new.is_some_and(|new| Table::pick(&places, new) == values) {
            return Ok(());
        }
        let action = if new.is_some() { key.on_update } else { key.on_delete };
        let name = quoted_name(&child.name);
        let condition = child.matches(&key.columns, 1);
        let (sql, mut bound) = match (action, new) {
            (Action::AtEnd, _) => {
                owed.push((reference, values));
                return Ok(());
            }
            (Action::Restrict, _) => {
                if self.has_children(&child, &key, &values)? {
                    return Err(still_referenced(parent, &child, &key, &values).into());
                }
                return Ok(());
            }
            (Action::Cascade, None) => (format!("DELETE FROM {name} WHERE {condition}"), Vec::new()),
            (Action::Cascade, Some(new)) => {
                let sets: Vec<String> = key
                    .columns
                    .iter()
                    .enumerate()
                    .map(|(place, &column)| {
                        let number = key.columns.len() + place + 1;
                        format!("{} = ?{number}", quoted_name(&child.columns[column].name))
                    })
                    .collect();
                (format!("UPDATE {name} SET {} WHERE {condition}", sets.join(", ")), Table::pick(&places, new))
            }
            (Action::SetNull, _) => {
                let sets: Vec<String> = key
                    .columns
                    .iter()
                    .map(|&column| format!("{} = NULL", quoted_name(&child.columns[column].name)))
                    .collect();
                (format!("UPDATE {name} SET {} WHERE {condition}", sets.join(", ")), Vec::new())
            }
        };
        let mut parameters = values;
        parameters.append(&mut bound);
        let done = self
            .storage
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.execute(params_from_iter(parameters.iter().map(ToSqlOutput::from))));
        if let Err(error) = done {
            return Err(self.storage_signal(&error));
        }
        changes.append(&mut self.shared.lock().changes);
        Ok(())
    }

    fn referring(&self, reference: Reference) -> Option<(Arc<Table>, ForeignKey)> {
        let child = self.catalog.by_id(reference.child)?;
        Some((Arc::clone(child), child.foreign_keys.get(reference.number)?.clone()))
    }

    /// Whether there is a row that refers to these values. If another transaction may be about to take it away, that is
    /// waited for.
    fn has_children(&mut self, child: &Table, key: &ForeignKey, values: &[Cell]) -> Result<bool, Signal> {
        self.keeps(child, &key.columns, values)
    }

    fn has_parent(&mut self, parent: &Table, key: &ForeignKey, values: &[Cell]) -> Result<bool, Signal> {
        self.keeps(parent, &parent_places(parent, key)?, values)
    }

    /// Whether there is a row with these values, which then stays, key and all, until the transaction ends.
    fn keeps(&mut self, table: &Table, columns: &[usize], values: &[Cell]) -> Result<bool, Signal> {
        let sql = format!(
            "SELECT {} FROM {} WHERE {}",
            table.list(table.key()),
            quoted_name(&table.name),
            table.matches(columns, 1)
        );
        let width = table.key().len();
        let found = self.storage.prepare_cached(&sql).and_then(|mut statement| {
            let mut rows = statement.query(params_from_iter(values.iter().map(ToSqlOutput::from)))?;
            rows.next()?.map(|row| (0..width).map(|place| row.get::<_, Cell>(place)).collect()).transpose()
        });
        let found: Option<Vec<Cell>> = found.map_err(|error| self.storage_signal(&error))?;
        let Some(row_key) = found else { return Ok(false) };
        let all: Vec<usize> = (0..width).collect();
        if let Some(target) = encoded_cells(&row_key, &all) {
            self.shared.lock().lock_row(table.id, target, Strength::KeyShare).map_err(Signal::Wait)?;
        }
        Ok(true)
    }
}

/// The places of the columns that a key refers to.
fn parent_places(parent: &Table, key: &ForeignKey) -> Result<Vec<usize>, Refusal> {
    key.parent_columns.iter().map(|name| parent.require(name)).collect()
}

fn without_parent(table: &Table, key: &ForeignKey) -> Refusal {
    let message =
        format!("insert or update on table \"{}\" violates foreign key constraint \"{}\"", table.name, key.name);
    Refusal { constraint: Some((key.name.clone(), table.name.clone())), ..Refusal::new("23503", message) }
}

fn still_referenced(parent: &Table, child: &Table, key: &ForeignKey, values: &[Cell]) -> Refusal {
    let places: Vec<usize> = key.parent_columns.iter().filter_map(|name| parent.column(name)).collect();
    let detail =
        format!("Key {} is still referenced from table \"{}\".", key_told(parent, &places, values), child.name);
    Refusal {
        detail: Some(detail),
        constraint: Some((key.name.clone(), child.name.clone())),
        ..Refusal::new(
            "23503",
            format!(
                "update or delete on table \"{}\" violates foreign key constraint \"{}\" on table \"{}\"",
                parent.name, key.name, child.name
            ),
        )
    }
}
