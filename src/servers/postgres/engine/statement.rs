//! A statement that has been checked and translated, and what it comes to.

use std::sync::Arc;

use sqlparser::ast::Statement as Parsed;

use super::super::refusal::Refusal;
use super::super::value::{Type, Value};
use super::catalog::TableId;

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Type,
}

/// A statement that has been parsed, checked against the tables there are, and translated. Belongs to no session.
///
/// Clones are cheap.
#[derive(Clone, Debug)]
pub struct Statement(pub(super) Arc<Prepared>);

#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) text: String,
    pub(super) hints: Vec<Option<Type>>,
    /// The state of the catalogue that it was checked against.
    pub(super) generation: u64,
    pub(super) parameters: Vec<Type>,
    pub(super) columns: Option<Vec<Column>>,
    pub(super) plan: Plan,
}

/// What a statement does.
#[derive(Clone, Debug)]
pub(super) enum Plan {
    Empty,
    Work(Work),
    Begin {
        read_only: bool,
        tag: &'static str,
    },
    Commit,
    Rollback,
    Savepoint(String),
    Release(String),
    RollbackTo(String),
    /// Sets a parameter of the session, to its default where there is no value.
    Set {
        name: String,
        value: Option<String>,
        local: bool,
    },
    Show(String),
    /// `SET TRANSACTION READ ONLY` and `READ WRITE`.
    SetTransaction {
        read_only: Option<bool>,
    },
    ResetAll,
    /// `DISCARD ALL`
    Discard,
    /// Changes tables.
    Define(Box<Parsed>),
    /// Empties tables.
    Truncate {
        tables: Vec<TableId>,
        restart: bool,
    },
}

/// Which statement it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Select,
    Insert,
    /// An INSERT that may update.
    Upsert,
    Update,
    Delete,
}

/// A statement that works on rows.
#[derive(Clone, Debug)]
pub(super) struct Work {
    /// In the storage's SQL.
    pub(super) sql: String,
    pub(super) command: Command,
    /// The place at which the beginning of the transaction is bound.
    pub(super) now: Option<usize>,
    /// The place at which the beginning of the statement is bound.
    pub(super) clock: Option<usize>,
    /// Every table it reads or writes.
    pub(super) touched: Vec<TableId>,
    /// Whether it locks rows that it reads.
    pub(super) locks_rows: bool,
    /// How the rows are found that it would write or lock: the table, and SQL that selects their keys.
    pub(super) candidates: Vec<(TableId, String)>,
}

impl Statement {
    /// The types of its parameters, `$1` first.
    pub fn parameters(&self) -> &[Type] {
        &self.0.parameters
    }

    /// The columns of its result; `None` where it returns no rows.
    pub fn columns(&self) -> Option<&[Column]> {
        self.0.columns.as_deref()
    }

    /// Whether it may be carried out in a transaction that an error has spoilt: it ends it, or goes back to a savepoint.
    pub fn ends_transaction(&self) -> bool {
        matches!(self.0.plan, Plan::Commit | Plan::Rollback | Plan::RollbackTo(_))
    }

    /// Whether there is nothing in it but space and comments.
    pub fn is_empty(&self) -> bool {
        matches!(self.0.plan, Plan::Empty)
    }
}

/// Whether a session is in a transaction: what `ReadyForQuery` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// In none.
    Idle,
    /// In one.
    Open,
    /// In one that an error has spoilt.
    Failed,
}

/// What a statement came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The rows, in the order of the result.
    pub rows: Vec<Vec<Value>>,
    /// The command tag, for example `INSERT 0 1`; empty for an empty query.
    pub tag: String,
}

impl Answer {
    /// No rows.
    pub(super) fn tag(tag: impl Into<String>) -> Self {
        Self { rows: Vec::new(), tag: tag.into() }
    }
}

/// How far a statement came.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// It is done, one way or the other.
    Done(Result<Answer, Refusal>),
    /// It waits for a lock that another transaction holds. The database carries it out by itself as soon as it can, and
    /// hands over what it came to by [`Database::finished`](super::Database::finished).
    Blocked,
}
