//! All rows at one moment, and what a query selects of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use super::clause::{Query, Subquery, quoted};
use super::schema::{Column, Row, Sizes, TAGS, Table, id_of, value};

/// All rows at one moment, by table and primary key. A clone shares what is not changed afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables(BTreeMap<Table, Arc<BTreeMap<Arc<str>, Row>>>);

impl Tables {
    /// What is there from the start: each row belongs to one of the level above, most are active, and most have a tag.
    pub fn initial(sizes: Sizes) -> Self {
        let mut tables = Self::default();
        for level in 1..=4 {
            for number in 1..=sizes.of(level) {
                let id = id_of(level, number);
                let mut row = Row::of([(Column::Id, &*id)]);
                if level > 1 {
                    row.set(Column::parent(level - 1), id_of(level - 1, (number - 1) % sizes.parents + 1).into());
                }
                if level < 4 {
                    let active = !(number + level).is_multiple_of(3);
                    row.set(Column::Active, if active { "true" } else { "false" }.into());
                    if !number.is_multiple_of(4) {
                        let tag = TAGS[(number + level) as usize % TAGS.len()];
                        tables.insert(Table::tags(level), Row::of([(Column::parent(level), &id), (Column::Tag, tag)]));
                    }
                } else {
                    row.set(Column::Value, value(number).into());
                }
                tables.insert(Table::level(level), row);
            }
        }
        tables
    }

    /// The statements that put these rows into empty tables.
    pub fn statements(&self) -> String {
        let mut statements = String::new();
        for (table, rows) in &self.0 {
            let columns: Vec<&str> = table.columns().iter().map(|column| column.name()).collect();
            let tuple = |row: &Row| {
                let texts: Vec<String> =
                    table.columns().iter().map(|column| quoted(*column, row.text(*column))).collect();
                format!("({})", texts.join(", "))
            };
            let tuples: Vec<String> = rows.values().map(tuple).collect();
            if !tuples.is_empty() {
                let _ =
                    write!(statements, "INSERT INTO {table} ({}) VALUES {};", columns.join(", "), tuples.join(", "));
            }
        }
        statements
    }

    fn insert(&mut self, table: Table, row: Row) {
        let key = row.key(table);
        self.put(table, key.into(), Some(row));
    }

    /// A row is this from now on; `None`: it is gone.
    pub fn put(&mut self, table: Table, key: Arc<str>, row: Option<Row>) {
        let rows = Arc::make_mut(self.0.entry(table).or_default());
        match row {
            Some(row) => rows.insert(key, row),
            None => rows.remove(&key),
        };
    }

    /// The rows of a table, by primary key.
    pub fn rows(&self, table: Table) -> impl Iterator<Item = (&Arc<str>, &Row)> {
        self.0.get(&table).into_iter().flat_map(|rows| rows.iter())
    }

    /// The rows that a query selects, by primary key.
    pub fn select(&self, query: &Query) -> BTreeMap<Arc<str>, Row> {
        self.matching(query).map(|(key, row)| (key.clone(), row.clone())).collect()
    }

    /// The values that a subquery has.
    pub fn values(&self, subquery: &Subquery) -> BTreeSet<Arc<str>> {
        self.matching(&subquery.query).map(|(_, row)| row.shared(subquery.select)).collect()
    }

    fn matching<'a>(&'a self, query: &'a Query) -> impl Iterator<Item = (&'a Arc<str>, &'a Row)> {
        let sets: Vec<(&Subquery, BTreeSet<Arc<str>>)> =
            query.clause.subqueries().into_iter().map(|subquery| (subquery, self.values(subquery))).collect();
        self.rows(query.table).filter(move |(_, row)| {
            query.clause.matches(row, &|subquery, text| {
                sets.iter().any(|(of, set)| std::ptr::eq(*of, subquery) && set.contains(text))
            })
        })
    }
}
