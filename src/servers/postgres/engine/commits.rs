//! What has been committed, as others are told it: ground truth for who watches, changes for replicas.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::types::{Value as Cell, ValueRef};

use super::super::refusal::Refusal;
use super::super::value::Type;
use super::catalog::Table;
use super::database::Database;
use super::kinds::element;
use super::live::Change;
use super::locks::encoded_cells;
use super::statement::Plan;
use super::{SessionId, capture, parse, text};

/// A row that has been committed: ground truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Whose transaction it was: a statement that has waited is carried out while others are at work.
    pub by: SessionId,
    /// The table and the primary key: `workspaces:ws1`; parts of a longer key are joined by `/`.
    pub key: String,
    /// The row as a JSON object, by the names of its columns; `None` once it is gone. Moments are microseconds since 1970.
    pub row: Option<String>,
    /// `insert`, `update` or `delete`.
    pub cause: &'static str,
    /// The transaction's place in the order of all.
    pub lsn: u64,
}

/// What one transaction, or one definition, has changed: what a replica is to do after its primary.
#[derive(Clone, Debug)]
pub struct CommittedChanges(Content);

#[derive(Clone, Debug)]
enum Content {
    Rows(Vec<Change>),
    Definition { text: String, now: i64 },
}

impl CommittedChanges {
    pub(super) fn definition(text: &str, now: i64) -> Arc<Self> {
        Arc::new(Self(Content::Definition { text: text.to_owned(), now }))
    }
}

impl Database {
    /// Keeps what is committed from now on for replicas, until it is taken by [`Database::take_stream`].
    pub fn keep_stream(&mut self) {
        self.stream.get_or_insert_with(Vec::new);
    }

    /// What has been committed since the last call, in order, for replicas; nothing without [`Database::keep_stream`].
    pub fn take_stream(&mut self) -> Vec<Arc<CommittedChanges>> {
        self.stream.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Does, on a replica, what its primary has committed. Changes are to come in order, from the primary's beginning.
    ///
    /// # Errors
    /// Where a definition does not fit what is there: the replica has not been given all that came before.
    pub fn replica_apply(&mut self, changes: &CommittedChanges) -> Result<(), Refusal> {
        match &changes.0 {
            Content::Rows(changes) => {
                capture::repeat(&self.storage, &self.shared, &self.catalog, changes);
                Ok(())
            }
            Content::Definition { text, now } => match parse::prepare(&self.catalog, text, &[])?.plan {
                Plan::Define(parsed) => self.define(&parsed, *now).map(|_| ()),
                _ => Ok(()),
            },
        }
    }

    /// Rows are committed.
    pub(super) fn committed(&mut self, by: SessionId, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        self.forget_replaced(&changes);
        let lsn = self.shared.lock().lsn.commit(changes.len());
        self.transactions += 1;
        self.decode(by, lsn, &changes);
        if let [change] = changes.as_slice() {
            let told = self.told(by, lsn, change.table, change.old.as_deref(), change.new.as_deref());
            self.commits.extend(told);
        } else {
            let mut net: BTreeMap<(usize, String), Net<'_>> = BTreeMap::new();
            for (place, change) in changes.iter().enumerate() {
                let Some(table) = self.catalog.by_id(change.table) else { continue };
                let key_of = |row: &[Cell]| key_text(table, row);
                let (old, new) = (change.old.as_deref(), change.new.as_deref());
                if let (Some(old), Some(new)) = (old, new)
                    && key_of(old) == key_of(new)
                {
                    net.entry((table.id, key_of(old)))
                        .or_insert_with(|| Net::began(Some(old)))
                        .became(Some(new), place);
                    continue;
                }
                if let Some(old) = old {
                    net.entry((table.id, key_of(old))).or_insert_with(|| Net::began(Some(old))).became(None, place);
                }
                if let Some(new) = new {
                    net.entry((table.id, key_of(new))).or_insert_with(|| Net::began(None)).became(Some(new), place);
                }
            }
            let mut net: Vec<_> = net.into_iter().collect();
            net.sort_by(|((_, one_key), one), ((_, other_key), other)| {
                (one.last, one_key).cmp(&(other.last, other_key))
            });
            let mut told = Vec::with_capacity(net.len());
            for ((table, _), net) in net {
                told.extend(self.told(by, lsn, table, net.old, net.new));
            }
            self.commits.extend(told);
        }
        if let Some(stream) = &mut self.stream {
            stream.push(Arc::new(CommittedChanges(Content::Rows(changes))));
        }
    }

    /// Statements that wait do not find the rows that are new, even where one that they found had the same key.
    fn forget_replaced(&mut self, changes: &[Change]) {
        for waiting in &self.waiting {
            let Some(seen) = self.sessions.get_mut(&waiting.session).and_then(|session| session.seen.as_mut()) else {
                continue;
            };
            for change in changes {
                if let (None, Some(new), Some(table)) = (&change.old, &change.new, self.catalog.by_id(change.table))
                    && let Some(key) = encoded_cells(new, table.key())
                {
                    seen.rows.remove(&(table.id, key));
                }
            }
        }
    }

    fn told(
        &self,
        by: SessionId,
        lsn: u64,
        table: usize,
        old: Option<&[Cell]>,
        new: Option<&[Cell]>,
    ) -> Option<Commit> {
        let table = self.catalog.by_id(table)?;
        let cause = match (old, new) {
            (None, None) => return None,
            (None, Some(_)) => "insert",
            (Some(_), Some(_)) => "update",
            (Some(_), None) => "delete",
        };
        let key = format!("{}:{}", table.name, key_text(table, new.or(old)?));
        Some(Commit { by, key, row: new.map(|row| row_text(table, row)), cause, lsn })
    }
}

/// What a transaction has made of one row.
struct Net<'r> {
    old: Option<&'r [Cell]>,
    new: Option<&'r [Cell]>,
    /// When it was changed last.
    last: usize,
}

impl<'r> Net<'r> {
    fn began(old: Option<&'r [Cell]>) -> Self {
        Self { old, new: old, last: 0 }
    }

    fn became(&mut self, new: Option<&'r [Cell]>, place: usize) {
        self.new = new;
        self.last = place;
    }
}

fn key_text(table: &Table, row: &[Cell]) -> String {
    let parts: Vec<String> = table
        .key()
        .iter()
        .map(|&column| text::told(table.columns[column].kind, ValueRef::from(&row[column])))
        .collect();
    parts.join("/")
}

/// A row as a JSON object.
pub(super) fn row_text(table: &Table, row: &[Cell]) -> String {
    let mut told = String::from("{");
    for (place, (column, cell)) in table.columns.iter().zip(row).enumerate() {
        if place > 0 {
            told.push(',');
        }
        push_quoted(&mut told, &column.name);
        told.push(':');
        match (cell, column.kind) {
            (Cell::Null, _) => told.push_str("null"),
            (Cell::Integer(truth), Type::Bool) => told.push_str(if *truth == 0 { "false" } else { "true" }),
            (Cell::Integer(number), _) => told.push_str(&number.to_string()),
            (Cell::Real(number), _) if number.is_finite() => {
                told.push_str(&text::told(Type::Float8, ValueRef::Real(*number)));
            }
            (Cell::Text(document), Type::Jsonb) => told.push_str(document),
            (Cell::Text(array), kind) if element(kind).is_some() => told.push_str(array),
            (cell, kind) => push_quoted(&mut told, &text::told(kind, ValueRef::from(cell))),
        }
    }
    told.push('}');
    told
}

fn push_quoted(told: &mut String, text: &str) {
    told.push_str(&serde_json::Value::from(text).to_string());
}
