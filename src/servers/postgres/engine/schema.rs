//! How definitions are carried out: tables made, changed and taken away.

use std::sync::Arc;

use rusqlite::params_from_iter;
use rusqlite::types::{ToSqlOutput, Value as Cell};
use sqlparser::ast::{
    AlterColumnOperation, AlterTable, AlterTableOperation, DropBehavior, ObjectName, ObjectType, Statement as Parsed,
};

use super::super::refusal::Refusal;
use super::capture;
use super::catalog::Table;
use super::database::Database;
use super::define::{self, Definition};
use super::statement::Answer;
use super::stored::quoted_name;
use super::translate::{Translator, folded, relation_name};

impl Database {
    /// Carries out a definition.
    pub(super) fn define(&mut self, parsed: &Parsed, now: i64) -> Result<Answer, Refusal> {
        match parsed {
            Parsed::CreateTable(create) => {
                let name = relation_name(&create.name)?;
                if self.catalog.has_relation(&name) {
                    if create.if_not_exists {
                        return Ok(Answer::tag("CREATE TABLE"));
                    }
                    return Err(Refusal::new("42P07", format!("relation \"{name}\" already exists")));
                }
                let sequences = Definition::sequences(&self.catalog, create)?;
                let table = Definition::create(&self.catalog, create)?;
                self.make(table)?;
                for sequence in sequences {
                    self.shared.lock().sequences.insert(sequence, 1);
                }
                Ok(Answer::tag("CREATE TABLE"))
            }
            Parsed::CreateIndex(create) => {
                match define::index(&self.catalog, create)? {
                    Some(table) if create.unique => self.remake(table, |row| row)?,
                    Some(table) => {
                        let index = table.indexes.last().expect("an index has been added");
                        self.storage_batch(&index.sql)?;
                        self.enter_table(table);
                    }
                    None => {}
                }
                Ok(Answer::tag("CREATE INDEX"))
            }
            Parsed::AlterTable(alter) => self.alter(alter, now),
            Parsed::Drop { object_type: ObjectType::Table, names, if_exists, cascade, .. } => {
                self.drop_tables(names, *if_exists, *cascade)
            }
            Parsed::Drop { object_type: ObjectType::Index, names, if_exists, .. } => {
                self.drop_indexes(names, *if_exists)
            }
            other => Err(super::translate::unsupported_statement(other)),
        }
    }

    fn alter(&mut self, alter: &AlterTable, now: i64) -> Result<Answer, Refusal> {
        let name = relation_name(&alter.name)?;
        let Some(before) = self.catalog.find(&name).cloned() else {
            if alter.if_exists {
                return Ok(Answer::tag("ALTER TABLE"));
            }
            return Err(Refusal::new("42P01", format!("relation \"{name}\" does not exist")));
        };
        let mut table = Table::clone(&before);
        let mut added: Vec<String> = Vec::new();
        let mut gone: Vec<usize> = Vec::new();
        for operation in &alter.operations {
            match operation {
                AlterTableOperation::AddColumn { if_not_exists, column_def, column_position: None, .. } => {
                    if *if_not_exists && table.column(&folded(&column_def.name)).is_some() {
                        continue;
                    }
                    let mut definition = Definition::of(&self.catalog, table);
                    definition.column(column_def)?;
                    let sequences = std::mem::take(&mut definition.sequences);
                    if !sequences.is_empty() {
                        return Err(Refusal::unsupported("adding a serial or identity column to a table"));
                    }
                    table = definition.finish()?;
                    let column = table.columns.last().expect("a column has been added");
                    added.push(match &column.default {
                        Some(default) => Translator::constant(&self.catalog, default, column.kind, column.length, now)?,
                        None => "NULL".to_owned(),
                    });
                }
                AlterTableOperation::AddConstraint { constraint, not_valid: false } => {
                    let mut definition = Definition::of(&self.catalog, table);
                    definition.constraint(constraint)?;
                    table = definition.finish()?;
                }
                AlterTableOperation::DropConstraint { if_exists, name, .. } => {
                    drop_constraint(&mut table, &folded(name), *if_exists)?;
                }
                AlterTableOperation::DropColumn { column_names, if_exists, drop_behavior, .. } => {
                    for name in column_names {
                        let name = folded(name);
                        match table.column(&name) {
                            None if *if_exists => {}
                            None => {
                                table.require(&name)?;
                            }
                            Some(place) if !added.is_empty() => {
                                return Err(Refusal::unsupported(format_args!(
                                    "dropping column {place} and adding others in one statement"
                                )));
                            }
                            Some(place) => {
                                let cascade = *drop_behavior == Some(DropBehavior::Cascade);
                                drop_column(&mut table, place, cascade)?;
                                gone.push(place);
                            }
                        }
                    }
                }
                AlterTableOperation::AlterColumn { column_name, op } => {
                    let place = table.require(&folded(column_name))?;
                    let column = &mut table.columns[place];
                    match op {
                        AlterColumnOperation::SetNotNull => column.not_null = true,
                        AlterColumnOperation::DropNotNull => column.not_null = false,
                        AlterColumnOperation::SetDefault { value } => {
                            Translator::constant(&self.catalog, value, column.kind, column.length, now)?;
                            column.default = Some(value.clone());
                        }
                        AlterColumnOperation::DropDefault => column.default = None,
                        other => return Err(Refusal::unsupported(format_args!("ALTER COLUMN {other}"))),
                    }
                }
                other => return Err(Refusal::unsupported(format_args!("ALTER TABLE … {other}"))),
            }
        }
        table.prepare_statements();
        let mut extra = Vec::with_capacity(added.len());
        for sql in &added {
            let cell = self.storage.query_row(&format!("SELECT {sql}"), [], |row| row.get::<_, Cell>(0));
            extra.push(cell.map_err(|error| self.storage_refusal(&error))?);
        }
        self.remake(table, |mut row| {
            for &place in &gone {
                row.remove(place);
            }
            row.extend(extra.iter().cloned());
            row
        })?;
        Ok(Answer::tag("ALTER TABLE"))
    }

    fn drop_tables(&mut self, names: &[ObjectName], if_exists: bool, cascade: bool) -> Result<Answer, Refusal> {
        let mut tables: Vec<Arc<Table>> = Vec::new();
        for name in names {
            let name = relation_name(name)?;
            match self.catalog.find(&name) {
                Some(table) => tables.push(Arc::clone(table)),
                None if if_exists => {}
                None => return Err(Refusal::new("42P01", format!("table \"{name}\" does not exist"))),
            }
        }
        let ids: Vec<usize> = tables.iter().map(|table| table.id).collect();
        let mut severed = Vec::new();
        for table in &tables {
            for reference in self.catalog.references_to(table.id) {
                if !ids.contains(&reference.child) {
                    if !cascade {
                        return Err(Refusal::new(
                            "2BP01",
                            format!("cannot drop table {} because other objects depend on it", table.name),
                        ));
                    }
                    severed.push((reference.child, table.name.clone()));
                }
            }
        }
        for (child, parent) in severed {
            if let Some(table) = self.catalog.by_id(child) {
                let mut table = Table::clone(table);
                table.foreign_keys.retain(|key| key.parent != parent);
                self.remake(table, |row| row)?;
            }
        }
        for table in tables {
            self.unmake(&table)?;
        }
        Ok(Answer::tag("DROP TABLE"))
    }

    /// Takes a table out of the storage and the catalogue.
    pub(super) fn unmake(&mut self, table: &Table) -> Result<(), Refusal> {
        self.storage_batch(&format!("DROP TABLE {}", quoted_name(&table.name)))?;
        self.catalog.remove(table.id);
        self.unarmed.retain(|&id| id != table.id);
        let mut live = self.shared.lock();
        live.tables[table.id] = None;
        for sequence in table.columns.iter().filter_map(|column| column.sequence.as_ref()) {
            live.sequences.remove(sequence);
        }
        Ok(())
    }

    fn drop_indexes(&mut self, names: &[ObjectName], if_exists: bool) -> Result<Answer, Refusal> {
        for name in names {
            let name = relation_name(name)?;
            let Some(table) = self.catalog.table_of_index(&name) else {
                if if_exists {
                    continue;
                }
                return Err(Refusal::new("42704", format!("index \"{name}\" does not exist")));
            };
            let mut table = Table::clone(table);
            if table.uniques.iter().any(|unique| unique.name == name && unique.constraint) {
                return Err(Refusal::new(
                    "2BP01",
                    format!("cannot drop index {name} because a constraint requires it"),
                ));
            }
            table.uniques.retain(|unique| unique.name != name);
            table.indexes.retain(|index| index.name != name);
            self.remake(table, |row| row)?;
        }
        Ok(Answer::tag("DROP INDEX"))
    }

    /// Makes a table in the storage, and enters it.
    fn make(&mut self, table: Table) -> Result<(), Refusal> {
        // Refused now, if at all.
        capture::triggers(&self.catalog, &table)?;
        self.storage_batch(&format!("BEGIN; {} COMMIT;", define::sql(&self.catalog, &table)?))?;
        self.unarmed.push(table.id);
        self.enter_table(table);
        Ok(())
    }

    fn enter_table(&mut self, table: Table) {
        let table = Arc::new(table);
        self.catalog.put(Arc::clone(&table));
        let mut live = self.shared.lock();
        if live.tables.len() <= table.id {
            live.tables.resize(table.id + 1, None);
        }
        let id = table.id;
        live.tables[id] = Some(table);
    }

    /// Gives the storage the triggers of new tables, before anything can set them off.
    ///
    /// One by one, each is parsed four times and looked up in between. Written into the list of what there is, all of
    /// them are read at once.
    pub(super) fn arm(&mut self) -> Result<(), Refusal> {
        if self.unarmed.is_empty() {
            return Ok(());
        }
        let mut triggers = Vec::new();
        for table in std::mem::take(&mut self.unarmed) {
            if let Some(table) = self.catalog.by_id(table) {
                triggers.extend(capture::triggers(&self.catalog, table)?);
            }
        }
        let rows = vec!["('trigger', ?, ?, 0, ?)"; triggers.len()].join(", ");
        let texts = triggers.iter().flat_map(|trigger| [&trigger.name, &trigger.table, &trigger.sql]);
        let written = self.storage.execute_batch("PRAGMA writable_schema = ON").and_then(|()| {
            self.storage.execute(&format!("INSERT INTO sqlite_schema VALUES {rows}"), params_from_iter(texts))?;
            self.storage.execute_batch("PRAGMA writable_schema = RESET")
        });
        written.map_err(|error| self.storage_refusal(&error))
    }

    /// Makes a table anew with the rows that it had, each changed so. Where one does not fit, all is as it was.
    fn remake(&mut self, table: Table, change: impl Fn(Vec<Cell>) -> Vec<Cell>) -> Result<(), Refusal> {
        let before = self.catalog.by_id(table.id).cloned().expect("a table that is changed is there");
        let rows = self.rows_of(&before)?;
        let (insert, name) = (table.statements.insert.clone(), quoted_name(&before.name));
        capture::triggers(&self.catalog, &table)?;
        let sql = define::sql(&self.catalog, &table)?;
        self.storage_batch(&format!("BEGIN; DROP TABLE {name}; {sql}"))?;
        self.shared.lock().muted = true;
        let mut filled = Ok(());
        for row in rows {
            let row = change(row);
            let written = self
                .storage
                .prepare(&insert)
                .and_then(|mut statement| statement.execute(params_from_iter(row.iter().map(ToSqlOutput::from))));
            if let Err(error) = written {
                filled = Err(self.storage_refusal(&error));
                break;
            }
        }
        self.shared.lock().muted = false;
        let filled = filled.and_then(|()| self.check_references(&table));
        self.storage_batch(if filled.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        filled?;
        if !self.unarmed.contains(&table.id) {
            self.unarmed.push(table.id);
        }
        self.enter_table(table);
        Ok(())
    }

    /// All rows of a table.
    fn rows_of(&self, table: &Table) -> Result<Vec<Vec<Cell>>, Refusal> {
        let all: Vec<usize> = (0..table.columns.len()).collect();
        let sql = format!("SELECT {} FROM {}", table.list(&all), quoted_name(&table.name));
        let rows = self.storage.prepare(&sql).and_then(|mut statement| {
            let rows = statement.query_map([], |row| all.iter().map(|&place| row.get(place)).collect())?;
            rows.collect::<rusqlite::Result<Vec<Vec<Cell>>>>()
        });
        rows.map_err(|error| self.storage_refusal(&error))
    }
}

fn drop_constraint(table: &mut Table, name: &str, if_exists: bool) -> Result<(), Refusal> {
    if table.uniques[0].name == name {
        return Err(Refusal::unsupported("dropping a primary key"));
    }
    let count = |table: &Table| table.uniques.len() + table.foreign_keys.len() + table.checks.len();
    let before = count(table);
    table.uniques.retain(|unique| unique.name != name || !unique.constraint);
    table.foreign_keys.retain(|key| key.name != name);
    table.checks.retain(|check| check.name != name);
    if count(table) == before && !if_exists {
        let table = &table.name;
        return Err(Refusal::new("42704", format!("constraint \"{name}\" of relation \"{table}\" does not exist")));
    }
    Ok(())
}

fn drop_column(table: &mut Table, place: usize, cascade: bool) -> Result<(), Refusal> {
    let holds = |columns: &[usize]| columns.contains(&place);
    let keyed = table.uniques.iter().any(|unique| holds(&unique.columns))
        || table.foreign_keys.iter().any(|key| holds(&key.columns))
        || !table.checks.is_empty()
        || !table.indexes.is_empty();
    if keyed || cascade {
        return Err(Refusal::unsupported("dropping a column of a table that has keys of it, checks or indexes"));
    }
    table.columns.remove(place);
    let moved = |columns: &mut Vec<usize>| {
        for column in columns.iter_mut().filter(|column| **column > place) {
            *column -= 1;
        }
    };
    table.uniques.iter_mut().for_each(|unique| moved(&mut unique.columns));
    table.foreign_keys.iter_mut().for_each(|key| moved(&mut key.columns));
    Ok(())
}
