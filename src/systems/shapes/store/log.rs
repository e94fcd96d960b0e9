//! The log of one shape as its consumer has it in memory: its snapshot, and what has changed since.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::{Snapshot, Stored};
use crate::systems::shapes::outcome::{Change, Message, Offset};
use crate::systems::shapes::query::Row;

/// What a transaction, or the look into the database that it called for, has changed of a shape.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transaction {
    /// Its position.
    pub(crate) lsn: u64,
    /// The latest position that any of the shape's rows is as of, if that is later: a row that the database was asked for.
    pub(crate) ahead: u64,
    /// What has changed, in order.
    pub(crate) changes: Vec<Logged>,
}

/// A change, and where its row comes from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Logged {
    /// The change, as clients see it.
    pub(crate) message: Message,
    /// The position of the look into the database that found the row; 0 where the transaction brought it.
    pub(crate) as_of: u64,
}

/// What a reader is given.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) messages: Vec<Message>,
    /// Where they end.
    pub(crate) end: Offset,
    /// The position that the rows are as of; `None`: some are later than others.
    pub(crate) lsn: Option<u64>,
}

/// The log of one shape. It is there for as long as its consumer is; readers look into it.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    stored: Stored,
    position: u64,
    begun: bool,
}

impl Log {
    /// What was stored, up to where it was.
    pub(crate) fn new(stored: Stored) -> Self {
        let position = stored.position();
        Self(Mutex::new(Inner { stored, position, begun: false }))
    }

    /// Begins with this.
    pub(crate) fn replace(&self, stored: Stored) {
        let mut inner = self.lock();
        inner.position = stored.position();
        inner.stored = stored;
    }

    /// It may be read from now on.
    pub(crate) fn begin(&self) {
        self.lock().begun = true;
    }

    /// Whether it may be read.
    pub(crate) fn has_begun(&self) -> bool {
        self.lock().begun
    }

    /// Puts a transaction behind what is there; one without changes only moves the position.
    pub(crate) fn push(&self, transaction: Arc<Transaction>) {
        let mut inner = self.lock();
        inner.position = inner.position.max(transaction.lsn);
        if transaction.changes.is_empty() && transaction.ahead <= transaction.lsn {
            return;
        }
        inner.stored.transactions.push(transaction);
    }

    /// All that comes after an offset.
    pub(crate) fn read(&self, after: Option<Offset>, applied: u64) -> Read {
        let inner = self.lock();
        inner.stored.read(after, inner.position.max(applied))
    }

    /// The rows that there were at a position.
    pub(crate) fn rows_at(&self, position: u64) -> BTreeMap<Arc<str>, Row> {
        self.lock().stored.rows_at(position)
    }

    /// The latest position that any row was as of that there was at a position.
    pub(crate) fn ahead_at(&self, position: u64) -> u64 {
        let inner = self.lock();
        let by_then = inner.stored.transactions.iter().filter(|transaction| transaction.lsn <= position);
        by_then.map(|transaction| transaction.ahead).max().unwrap_or(0)
    }

    /// The transactions after a position.
    pub(crate) fn after(&self, position: u64) -> Vec<Arc<Transaction>> {
        self.lock().stored.transactions.iter().filter(|transaction| transaction.lsn > position).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stored {
    /// A snapshot and nothing else.
    pub(crate) fn begun(snapshot: Snapshot) -> Self {
        Self { snapshot: Some(snapshot), ..Self::default() }
    }

    /// Up to where it has transactions.
    pub(crate) fn position(&self) -> u64 {
        let snapshot = self.snapshot.as_ref().map_or(0, |snapshot| snapshot.lsn);
        self.transactions.last().map_or(0, |last| last.lsn).max(snapshot)
    }

    /// The latest position that any row is as of.
    pub(crate) fn ahead(&self) -> u64 {
        self.transactions.iter().map(|transaction| transaction.ahead).max().unwrap_or(0)
    }

    /// Where it ends for a reader.
    pub(crate) fn end(&self) -> Offset {
        let changes = self.transactions.iter().rev().find_map(|transaction| transaction.changes.last());
        changes.map_or_else(Offset::default, |last| last.message.offset)
    }

    /// All that comes after an offset; `position` is up to where transactions have been looked at.
    pub(crate) fn read(&self, after: Option<Offset>, position: u64) -> Read {
        let mut messages = Vec::new();
        if after.is_none()
            && let Some(snapshot) = &self.snapshot
        {
            messages.extend(snapshot.rows.iter().map(|(key, row)| Message {
                offset: Offset::default(),
                change: Change::Insert,
                key: key.clone(),
                row: Some(row.clone()),
            }));
        }
        let logged = self.transactions.iter().flat_map(|transaction| &transaction.changes);
        let later = logged.filter(|logged| after.is_none_or(|after| logged.message.offset > after));
        messages.extend(later.map(|logged| logged.message.clone()));
        let lsn = (self.ahead() <= position).then_some(position);
        Read { messages, end: self.end(), lsn }
    }

    fn rows_at(&self, position: u64) -> BTreeMap<Arc<str>, Row> {
        let mut rows: BTreeMap<Arc<str>, Row> = match &self.snapshot {
            Some(snapshot) => snapshot.rows.iter().cloned().collect(),
            None => BTreeMap::new(),
        };
        let transactions = self.transactions.iter().take_while(|transaction| transaction.lsn <= position);
        for logged in transactions.flat_map(|transaction| &transaction.changes) {
            let Message { key, row, .. } = &logged.message;
            match row {
                Some(row) => rows.insert(key.clone(), row.clone()),
                None => rows.remove(key),
            };
        }
        rows
    }
}
