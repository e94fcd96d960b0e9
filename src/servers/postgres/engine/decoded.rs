//! Transactions as replication slots give them: each row that was changed, in the order in which it was.

use rusqlite::types::Value as Cell;
use serde::Serialize;
use serde_json::Value;

use super::SessionId;
use super::catalog::Table;
use super::commits::row_text;
use super::database::Database;
use super::live::Change;

/// A committed transaction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decoded {
    /// Its place in the order of all transactions.
    pub lsn: u64,
    /// Its id.
    pub xid: u64,
    /// Whose it was.
    #[serde(skip)]
    pub by: SessionId,
    /// What it has changed, in order.
    pub changes: Vec<RowChange>,
}

/// One change of one row. A row that is changed twice in one transaction has two.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RowChange {
    /// The table.
    pub table: String,
    /// `insert`, `update` or `delete`.
    pub op: &'static str,
    /// The columns of the table's primary key.
    pub key: Vec<String>,
    /// The row as it was, whole, as under REPLICA IDENTITY FULL. Moments are microseconds since 1970.
    pub old: Option<Value>,
    /// The row as it is.
    pub new: Option<Value>,
}

impl Database {
    /// Whether transactions are kept for slots from now on, until they are taken by [`Database::take_decoded`].
    pub fn keep_decoded(&mut self, keep: bool) {
        self.decoded = match (keep, self.decoded.take()) {
            (false, _) => None,
            (true, kept) => Some(kept.unwrap_or_default()),
        };
    }

    /// The transactions that have been committed since the last call, in order.
    pub fn take_decoded(&mut self) -> Vec<Decoded> {
        self.decoded.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// How far the log of transactions has come: what `pg_current_wal_lsn` says.
    ///
    /// A statement that is carried out now sees all transactions up to here and none after.
    pub fn lsn(&self) -> u64 {
        self.shared.lock().lsn.number()
    }

    /// Rows are committed.
    pub(super) fn decode(&mut self, by: SessionId, lsn: u64, changes: &[Change]) {
        let Some(decoded) = &mut self.decoded else { return };
        let changes = changes.iter().filter_map(|change| {
            let table = self.catalog.by_id(change.table)?;
            let op = match (&change.old, &change.new) {
                (None, None) => return None,
                (None, Some(_)) => "insert",
                (Some(_), Some(_)) => "update",
                (Some(_), None) => "delete",
            };
            let row = |row: &Option<_>| row.as_deref().map(|row| object(table, row));
            let key = table.key().iter().map(|&column| table.columns[column].name.clone()).collect();
            Some(RowChange { table: table.name.clone(), op, key, old: row(&change.old), new: row(&change.new) })
        });
        decoded.push(Decoded { lsn, xid: self.transactions, by, changes: changes.collect() });
    }
}

fn object(table: &Table, row: &[Cell]) -> Value {
    serde_json::from_str(&row_text(table, row)).expect("a row is told as JSON")
}
