//! The rows that a shape holds, and what changes make of them.
//!
//! A row that the database was asked for is as of the position of that look, and what transactions up to there have done is in
//! it already. So it is left alone until they have caught up, and where they have, all rows are what the database had.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::systems::shapes::outcome::{Change, Message, Offset};
use crate::systems::shapes::query::{Column, Query, Row, Subquery, Table};
use crate::systems::shapes::store::{Handle, Logged, Snapshot, Stored};

/// A committed transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tx {
    /// Its position.
    pub(crate) lsn: u64,
    /// What it has changed, in order.
    pub(crate) changes: Vec<RowChange>,
}

/// A change of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowChange {
    /// The table.
    pub(crate) table: Table,
    /// The row as it was.
    pub(crate) old: Option<Row>,
    /// The row as it is.
    pub(crate) new: Option<Row>,
}

/// What has become of the values of a shape that others depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// The shape.
    pub(crate) of: Handle,
    /// The transaction that did it.
    pub(crate) lsn: u64,
    /// Up to where it may be neither what the database had before nor what it had after.
    pub(crate) ahead: u64,
    /// Each value that there is now, or is no more.
    pub(crate) changes: Vec<(Column, Arc<str>, bool)>,
}

impl Event {
    /// Whether it is of any concern to those that depend on the shape.
    pub(super) fn says_something(&self) -> bool {
        !self.changes.is_empty() || self.ahead > self.lsn
    }
}

/// A subquery of a shape's condition, as a shape of its own.
#[derive(Clone, Debug)]
pub(crate) struct Dependency {
    /// The subquery.
    pub(crate) subquery: Subquery,
    /// The shape.
    pub(crate) handle: Handle,
}

#[derive(Clone, Debug)]
struct Held {
    row: Row,
    /// The position of the look that found it; 0 where a transaction brought it.
    as_of: u64,
}

/// The rows that a shape holds, and the values of its subqueries.
#[derive(Clone, Debug)]
pub(crate) struct Holding {
    query: Query,
    dependencies: Vec<Dependency>,
    rows: BTreeMap<Arc<str>, Held>,
    /// The values of each dependency.
    view: Vec<BTreeSet<Arc<str>>>,
}

impl Holding {
    /// None yet.
    pub(crate) fn new(query: Query, dependencies: Vec<Dependency>) -> Self {
        let view = dependencies.iter().map(|_| BTreeSet::new()).collect();
        Self { query, dependencies, rows: BTreeMap::new(), view }
    }

    /// Takes over what is stored.
    pub(crate) fn restore(&mut self, stored: &Stored) {
        let Some(snapshot) = &stored.snapshot else { return };
        self.rows.clear();
        for (key, row) in &snapshot.rows {
            self.rows.insert(key.clone(), Held { row: row.clone(), as_of: snapshot.lsn });
        }
        for logged in stored.transactions.iter().flat_map(|transaction| &transaction.changes) {
            let Message { key, row, .. } = &logged.message;
            match row {
                Some(row) => {
                    self.rows.insert(key.clone(), Held { row: row.clone(), as_of: logged.as_of });
                }
                None => {
                    self.rows.remove(key);
                }
            }
        }
    }

    /// The shapes that it depends on.
    pub(crate) fn dependencies(&self) -> &[Dependency] {
        &self.dependencies
    }

    /// The query.
    pub(crate) fn query(&self) -> &Query {
        &self.query
    }

    /// The values of a dependency are these, to begin with.
    pub(crate) fn seed(&mut self, dependency: usize, values: BTreeSet<Arc<str>>) {
        self.view[dependency] = values;
    }

    /// Takes in what has become of the values of a dependency. True: that is news.
    pub(crate) fn hear(&mut self, event: &Event) -> bool {
        let mut news = false;
        for (dependency, values) in self.dependencies.iter().zip(&mut self.view) {
            if dependency.handle != event.of {
                continue;
            }
            for (column, value, there) in &event.changes {
                if *column == dependency.subquery.select {
                    news |= if *there { values.insert(value.clone()) } else { values.remove(value) };
                }
            }
        }
        news
    }

    /// What a change of a row makes of the shape.
    pub(crate) fn change(&mut self, lsn: u64, change: &RowChange, out: &mut Vec<Logged>) {
        let table = self.query.table;
        if change.table != table {
            return;
        }
        let key = |row: &Row| Arc::<str>::from(row.key(table));
        let new = change.new.as_ref().map(|row| (key(row), row));
        if let Some(old) = &change.old {
            let old = key(old);
            if new.as_ref().is_none_or(|(new, _)| *new != old) && !self.is_ahead(&old, lsn) {
                self.leave(lsn, &old, out);
            }
        }
        let Some((key, row)) = new else { return };
        if self.is_ahead(&key, lsn) {
            return;
        }
        if self.matches(row) {
            self.put(lsn, 0, &key, row, out);
        } else {
            self.leave(lsn, &key, out);
        }
    }

    /// Whether a row was found by a look as of a position that transactions go past from one position to another. What it
    /// depends on may have looked later than that, and then says nothing of what was so in between.
    pub(crate) fn catches_up(&self, from: u64, to: u64) -> bool {
        self.rows.values().any(|held| (from..to).contains(&held.as_of))
    }

    /// Rows go that the condition does not hold for any more.
    pub(crate) fn reconsider(&mut self, lsn: u64, out: &mut Vec<Logged>) {
        let gone: Vec<Arc<str>> = self
            .rows
            .iter()
            .filter(|(_, held)| held.as_of < lsn && !self.matches(&held.row))
            .map(|(key, _)| key.clone())
            .collect();
        for key in gone {
            self.leave(lsn, &key, out);
        }
    }

    /// Rows come that the database was found to have.
    pub(crate) fn admit(&mut self, lsn: u64, found: &Snapshot, out: &mut Vec<Logged>) {
        for (key, row) in &found.rows {
            if !self.rows.contains_key(key) {
                self.put(lsn, found.lsn, key, row, out);
            }
        }
    }

    fn matches(&self, row: &Row) -> bool {
        self.query.clause.matches(row, &|subquery, text| {
            let mut values = self.dependencies.iter().zip(&self.view);
            values.any(|(dependency, values)| dependency.subquery == *subquery && values.contains(text))
        })
    }

    fn is_ahead(&self, key: &Arc<str>, lsn: u64) -> bool {
        self.rows.get(key).is_some_and(|held| held.as_of >= lsn)
    }

    fn put(&mut self, lsn: u64, as_of: u64, key: &Arc<str>, row: &Row, out: &mut Vec<Logged>) {
        let before = self.rows.insert(key.clone(), Held { row: row.clone(), as_of });
        let change = match before {
            Some(before) if before.row == *row => return,
            Some(_) => Change::Update,
            None => Change::Insert,
        };
        tell(lsn, as_of, change, key, Some(row.clone()), out);
    }

    fn leave(&mut self, lsn: u64, key: &Arc<str>, out: &mut Vec<Logged>) {
        if self.rows.remove(key).is_some() {
            tell(lsn, 0, Change::Delete, key, None, out);
        }
    }
}

fn tell(lsn: u64, as_of: u64, change: Change, key: &Arc<str>, row: Option<Row>, out: &mut Vec<Logged>) {
    let offset = Offset { lsn, number: out.len() as u32 };
    out.push(Logged { message: Message { offset, change, key: key.clone(), row }, as_of });
}
