//! The data of one server and the statements that work on them: no connection, no clock, no network.

use std::sync::Arc;

use super::refusal::Refusal;
use super::value::{Type, Value};

/// A session with the database, as one connection has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

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
pub struct Statement(Arc<Prepared>);

#[derive(Debug)]
struct Prepared {
    parameters: Vec<Type>,
    columns: Option<Vec<Column>>,
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

/// How far a statement came.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// It is done, one way or the other.
    Done(Result<Answer, Refusal>),
    /// It waits for a lock that another transaction holds. The database carries it out by itself as soon as it can, and
    /// hands over what it came to by [`Database::finished`].
    Blocked,
}

/// A row that has been committed: ground truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The table and the primary key: `workspaces:ws1`; parts of a longer key are joined by `/`.
    pub key: String,
    /// The row as a JSON object, by the names of its columns; `None` once it is gone.
    pub row: Option<String>,
    /// `insert`, `update` or `delete`.
    pub cause: &'static str,
}

/// The data of one server, and the sessions that work on them.
///
/// Isolation is read committed: each statement sees what was committed when it began and what its own transaction wrote.
/// A row that another open transaction has written or locked makes a writer wait, and then look again.
#[derive(Debug, Default)]
pub struct Database {}

impl Database {
    /// An empty database.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens a session.
    pub fn connect(&mut self) -> SessionId {
        SessionId(0)
    }

    /// Ends a session: rolls back what it has open, forgets what it waits for.
    pub fn disconnect(&mut self, session: SessionId) {
        let _ = session;
    }

    /// The statements of a query string, in order; none where there is nothing but space and comments.
    ///
    /// # Errors
    /// `42601` where it is not SQL.
    pub fn split(&self, text: &str) -> Result<Vec<String>, Refusal> {
        Ok(vec![text.to_owned()])
    }

    /// Parses and checks one statement. `hints` are the types that the client gives for the first parameters.
    ///
    /// # Errors
    /// `42601` for what is not SQL, `42P01`, `42703` and the like for names there are not, `0A000` for what this server does not support.
    pub fn prepare(&mut self, text: &str, hints: &[Option<Type>]) -> Result<Statement, Refusal> {
        let _ = hints;
        Err(Refusal::unsupported(format_args!("`{text}`")))
    }

    /// Carries out a statement at the moment `now`, in microseconds since 1970.
    pub fn execute(&mut self, session: SessionId, statement: &Statement, parameters: Vec<Value>, now: i64) -> Progress {
        let _ = (session, statement, parameters, now);
        Progress::Done(Err(Refusal::unsupported("statements")))
    }

    /// What blocked statements have come to since the last call, in the order in which they were carried out.
    pub fn finished(&mut self) -> Vec<(SessionId, Result<Answer, Refusal>)> {
        Vec::new()
    }

    /// Takes back a blocked statement, as a cancelled query or a lock time-out does: it fails with this refusal.
    pub fn cancel(&mut self, session: SessionId, refusal: Refusal) {
        let _ = (session, refusal);
    }

    /// Spoils the transaction that a session has open, if it has one: a message about it was refused outside of the engine.
    pub fn fail(&mut self, session: SessionId) {
        let _ = session;
    }

    /// Whether a blocked session waits, over others, for itself.
    pub fn is_deadlocked(&self, session: SessionId) -> bool {
        let _ = session;
        false
    }

    /// Whether a session is in a transaction.
    pub fn status(&self, session: SessionId) -> Status {
        let _ = session;
        Status::Idle
    }

    /// What has been committed since the last call, in order.
    pub fn take_commits(&mut self) -> Vec<Commit> {
        Vec::new()
    }

    /// The server has crashed: open transactions are gone, and all sessions; what was committed stays.
    pub fn crash(&mut self) {}
}
