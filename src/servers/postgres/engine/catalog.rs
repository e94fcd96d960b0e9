//! The tables there are: their columns, keys, indexes and what ties them together.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::types::Value as Cell;
use sqlparser::ast::Expr;

use super::super::refusal::Refusal;
use super::super::value::Type;
use super::stored::quoted_name;

/// Which table.
pub(super) type TableId = usize;

/// A column of a table.
#[derive(Clone, Debug)]
pub(super) struct ColumnInfo {
    pub(super) name: String,
    pub(super) kind: Type,
    /// The most characters of a `varchar`.
    pub(super) length: Option<u64>,
    pub(super) not_null: bool,
    pub(super) default: Option<Expr>,
    /// The sequence that an identity or serial column takes its numbers from.
    pub(super) sequence: Option<String>,
    /// `GENERATED ALWAYS`: may not be written by a statement.
    pub(super) always: bool,
}

/// A key that no two rows share.
#[derive(Clone, Debug)]
pub(super) struct Unique {
    pub(super) name: String,
    pub(super) columns: Vec<usize>,
    /// The rows it is about; all where there is none.
    pub(super) predicate: Option<Expr>,
    /// Whether it is a constraint, and not only an index.
    pub(super) constraint: bool,
}

/// What becomes of rows that refer to a row that goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Refused at the end of the statement.
    AtEnd,
    /// Refused at once.
    Restrict,
    /// They go, or change, with it.
    Cascade,
    /// They let go of it.
    SetNull,
}

/// A reference to the rows of a table.
#[derive(Clone, Debug)]
pub(super) struct ForeignKey {
    pub(super) name: String,
    pub(super) columns: Vec<usize>,
    pub(super) parent: String,
    pub(super) parent_columns: Vec<String>,
    pub(super) on_delete: Action,
    pub(super) on_update: Action,
}

/// A condition on each row.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) expr: Expr,
}

/// An index that is no key.
#[derive(Clone, Debug)]
pub(super) struct Index {
    pub(super) name: String,
    /// All of it, as the storage's SQL.
    pub(super) sql: String,
}

/// A table.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) id: TableId,
    pub(super) name: String,
    pub(super) columns: Vec<ColumnInfo>,
    /// Its keys; the primary key first.
    pub(super) uniques: Vec<Unique>,
    pub(super) foreign_keys: Vec<ForeignKey>,
    pub(super) checks: Vec<Check>,
    pub(super) indexes: Vec<Index>,
    pub(super) statements: Statements,
}

/// The storage's SQL by which a row is written as it was.
#[derive(Clone, Debug, Default)]
pub(super) struct Statements {
    pub(super) insert: String,
    pub(super) update: String,
    pub(super) delete: String,
}

impl Table {
    /// The columns of its primary key.
    pub(super) fn key(&self) -> &[usize] {
        &self.uniques[0].columns
    }

    /// The place of a column.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The place of a column that has to be there.
    pub(super) fn require(&self, name: &str) -> Result<usize, Refusal> {
        self.column(name).ok_or_else(|| {
            Refusal::new("42703", format!("column \"{name}\" of relation \"{}\" does not exist", self.name))
        })
    }

    /// The cells of some columns.
    pub(super) fn pick(columns: &[usize], row: &[Cell]) -> Vec<Cell> {
        columns.iter().map(|&column| row[column].clone()).collect()
    }

    /// `"a" = ?1 AND "b" = ?2`, from this number on.
    pub(super) fn matches(&self, columns: &[usize], from: usize) -> String {
        let terms: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(place, &column)| format!("{} = ?{}", quoted_name(&self.columns[column].name), from + place))
            .collect();
        terms.join(" AND ")
    }

    /// The names of some columns, as a list of SQL.
    pub(super) fn list(&self, columns: &[usize]) -> String {
        let names: Vec<String> = columns.iter().map(|&column| quoted_name(&self.columns[column].name)).collect();
        names.join(", ")
    }

    /// Writes down the SQL by which its rows are written as they were.
    pub(super) fn prepare_statements(&mut self) {
        let all: Vec<usize> = (0..self.columns.len()).collect();
        let table = quoted_name(&self.name);
        let marks: Vec<String> = (1..=all.len()).map(|place| format!("?{place}")).collect();
        let sets: Vec<String> = all
            .iter()
            .map(|&column| format!("{} = ?{}", quoted_name(&self.columns[column].name), column + 1))
            .collect();
        self.statements = Statements {
            insert: format!("INSERT INTO {table} ({}) VALUES ({})", self.list(&all), marks.join(", ")),
            update: format!("UPDATE {table} SET {} WHERE {}", sets.join(", "), self.matches(self.key(), all.len() + 1)),
            delete: format!("DELETE FROM {table} WHERE {}", self.matches(self.key(), 1)),
        };
    }
}

/// A reference that points at a table, seen from that table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reference {
    pub(super) child: TableId,
    /// Which of the child's foreign keys.
    pub(super) number: usize,
}

/// All tables.
#[derive(Clone, Debug, Default)]
pub(super) struct Catalog {
    names: BTreeMap<String, TableId>,
    tables: Vec<Option<Arc<Table>>>,
    references: BTreeMap<TableId, Vec<Reference>>,
    /// Goes up with each change, so that what was prepared before is looked at again.
    pub(super) generation: u64,
}

impl Catalog {
    /// The table of this name, if there is one.
    pub(super) fn find(&self, name: &str) -> Option<&Arc<Table>> {
        self.names.get(name).and_then(|&id| self.tables[id].as_ref())
    }

    /// The table of this name.
    pub(super) fn table(&self, name: &str) -> Result<&Arc<Table>, Refusal> {
        self.find(name).ok_or_else(|| Refusal::new("42P01", format!("relation \"{name}\" does not exist")))
    }

    /// A table that a statement found before.
    pub(super) fn by_id(&self, id: TableId) -> Option<&Arc<Table>> {
        self.tables.get(id).and_then(Option::as_ref)
    }

    /// The number of the next table.
    pub(super) fn next_id(&self) -> TableId {
        self.tables.len()
    }

    /// Whether a relation, index or constraint of a table's own has this name.
    pub(super) fn has_relation(&self, name: &str) -> bool {
        self.tables.iter().flatten().any(|table| {
            table.name == name
                || table.uniques.iter().any(|unique| unique.name == name)
                || table.indexes.iter().any(|index| index.name == name)
        })
    }

    /// The table that an index or a key of this name belongs to.
    pub(super) fn table_of_index(&self, name: &str) -> Option<&Arc<Table>> {
        self.tables.iter().flatten().find(|table| {
            table.uniques.iter().any(|unique| unique.name == name)
                || table.indexes.iter().any(|index| index.name == name)
        })
    }

    /// Puts a table in its place, new or changed.
    pub(super) fn put(&mut self, table: Arc<Table>) {
        if table.id >= self.tables.len() {
            self.tables.resize(table.id + 1, None);
        }
        if let Some(before) = &self.tables[table.id] {
            self.names.remove(&before.name);
        }
        self.names.insert(table.name.clone(), table.id);
        let id = table.id;
        self.tables[id] = Some(table);
        self.changed();
    }

    /// Takes a table away.
    pub(super) fn remove(&mut self, id: TableId) {
        if let Some(table) = self.tables[id].take() {
            self.names.remove(&table.name);
        }
        self.changed();
    }

    /// The references that point at a table.
    pub(super) fn references_to(&self, id: TableId) -> &[Reference] {
        self.references.get(&id).map_or(&[], Vec::as_slice)
    }

    /// All tables, by number.
    pub(super) fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.tables.iter().flatten()
    }

    fn changed(&mut self) {
        self.generation += 1;
        self.references.clear();
        for table in self.tables.iter().flatten() {
            for (number, key) in table.foreign_keys.iter().enumerate() {
                if let Some(&parent) = self.names.get(&key.parent) {
                    self.references.entry(parent).or_default().push(Reference { child: table.id, number });
                }
            }
        }
    }
}
