//! The data of one server, and the sessions that work on them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::super::refusal::Refusal;
use super::super::value::{Type, Value};
use super::catalog::{Catalog, TableId};
use super::commits::{Commit, CommittedChanges};
use super::decoded::Decoded;
use super::live::{Shared, Signal};
use super::sessions::Session;
use super::settings::Settings;
use super::statement::{Answer, Plan, Progress, Statement, Status};
use super::{SessionId, capture, errors, functions, live, parse};

/// The most statements that are kept translated.
const PREPARED: usize = 1_024;

/// The data of one server, and the sessions that work on them.
///
/// Isolation is read committed: each statement sees what was committed when it began and what its own transaction wrote.
/// A row that another open transaction has written or locked makes a writer wait, and then look again: the statement is
/// carried out anew on what is committed by then, and finds of the rows that it would write or lock none but those it had
/// found when it began, as in Postgres. What it only reads, such as other tables in a join, it reads as it is by then,
/// where Postgres goes on with what was there.
///
/// There is one copy of the data. What an open transaction has written is undone before the statement of another session
/// and done again before its own next one.
#[derive(Debug)]
pub struct Database {
    pub(super) storage: Connection,
    pub(super) shared: Shared,
    pub(super) catalog: Catalog,
    /// Tables whose triggers the storage has not been given yet.
    pub(super) unarmed: Vec<TableId>,
    pub(super) sessions: BTreeMap<SessionId, Session>,
    next_session: u64,
    /// Whose uncommitted rows are in the storage.
    pub(super) placed: Option<SessionId>,
    /// Who waits, in the order of arrival.
    pub(super) waiting: Vec<Waiting>,
    finished: Vec<(SessionId, Result<Answer, Refusal>)>,
    pub(super) commits: Vec<Commit>,
    /// What replicas have not been given yet, where there are any.
    pub(super) stream: Option<Vec<Arc<CommittedChanges>>>,
    /// What replication slots have not been given yet, where there are any.
    pub(super) decoded: Option<Vec<Decoded>>,
    /// How many transactions have been committed that changed rows.
    pub(super) transactions: u64,
    prepared: BTreeMap<String, Vec<Statement>>,
    kept: usize,
    pub(super) read_only: bool,
}

/// A statement that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) session: SessionId,
    statement: Statement,
    parameters: Vec<Value>,
    now: i64,
    /// Those who have to end first.
    pub(super) on: Vec<SessionId>,
    /// Whether one of them has given something back since.
    pub(super) ready: bool,
}

/// How far a statement came in one attempt.
pub(super) enum Attempt {
    Done(Result<Answer, Refusal>),
    Wait(Vec<SessionId>),
}

impl From<Result<Answer, Signal>> for Attempt {
    fn from(outcome: Result<Answer, Signal>) -> Self {
        match outcome {
            Ok(answer) => Self::Done(Ok(answer)),
            Err(Signal::Refused(refusal)) => Self::Done(Err(refusal)),
            Err(Signal::Wait(on)) => Self::Wait(on),
        }
    }
}

impl Default for Database {
    fn default() -> Self {
        Self::new()
    }
}

impl Database {
    /// An empty database.
    ///
    /// # Panics
    /// Where the storage cannot be opened: it is in memory, so there is no memory.
    pub fn new() -> Self {
        let mut storage = Connection::open_in_memory().expect("there is memory for a database");
        storage.set_prepared_statement_cache_capacity(PREPARED);
        // Plans that follow the values of parameters would be made anew for each execution.
        storage.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).expect("it is a setting of SQLite's");
        let shared = Shared::default();
        functions::register(&storage, &shared).expect("functions can be registered");
        live::bound_steps(&mut storage, &shared).expect("the storage can be asked to stop");
        capture::register(&storage, &shared).expect("functions can be registered");
        Self {
            storage,
            shared,
            catalog: Catalog::default(),
            unarmed: Vec::new(),
            sessions: BTreeMap::new(),
            next_session: 1,
            placed: None,
            waiting: Vec::new(),
            finished: Vec::new(),
            commits: Vec::new(),
            stream: None,
            decoded: None,
            transactions: 0,
            prepared: BTreeMap::new(),
            kept: 0,
            read_only: false,
        }
    }

    /// Says from which number `gen_random_uuid` goes on.
    pub fn seed(&mut self, seed: u64) {
        self.shared.lock().random = seed;
    }

    /// Opens a session.
    pub fn connect(&mut self) -> SessionId {
        let id = SessionId(self.next_session);
        self.next_session += 1;
        self.sessions.insert(id, Session::default());
        self.shared.lock().settings.insert(id, Settings::default());
        id
    }

    /// Says who a session is, and by which name it calls the database.
    pub fn identify(&mut self, session: SessionId, user: &str, database: &str) {
        self.shared.lock().settings.entry(session).or_default().identify(user, database);
    }

    /// Ends a session: rolls back what it has open, forgets what it waits for.
    pub fn disconnect(&mut self, session: SessionId) {
        self.waiting.retain(|waiting| waiting.session != session);
        self.abandon(session);
        self.shared.lock().locks.unlock_all(session);
        self.sessions.remove(&session);
        self.shared.lock().settings.remove(&session);
        self.released(session);
        self.wake();
    }

    /// The statements of a query string, in order; none where there is nothing but space and comments.
    ///
    /// # Errors
    /// `42601` where it is not SQL.
    pub fn split(&self, text: &str) -> Result<Vec<String>, Refusal> {
        parse::split(text)
    }

    /// Parses and checks one statement. `hints` are the types that the client gives for the first parameters.
    ///
    /// # Errors
    /// `42601` for what is not SQL, `42P01`, `42703` and the like for names there are not, `0A000` for what this server does not support.
    pub fn prepare(&mut self, text: &str, hints: &[Option<Type>]) -> Result<Statement, Refusal> {
        let generation = self.catalog.generation;
        if let Some(known) = self.prepared.get_mut(text) {
            known.retain(|statement| statement.0.generation == generation);
            if let Some(statement) = known.iter().find(|statement| statement.0.hints == hints) {
                return Ok(statement.clone());
            }
        }
        let statement = Statement(Arc::new(parse::prepare(&self.catalog, text, hints)?));
        if self.kept >= PREPARED {
            self.prepared.clear();
            self.kept = 0;
        }
        self.kept += 1;
        self.prepared.entry(text.to_owned()).or_default().push(statement.clone());
        Ok(statement)
    }

    /// As [`Database::prepare`], for a session: in a transaction that an error has spoilt, nothing is looked at but whether
    /// the statement ends it.
    ///
    /// # Errors
    /// As [`Database::prepare`]; `25P02` in a spoilt transaction.
    pub fn prepare_in(&mut self, session: SessionId, text: &str, hints: &[Option<Type>]) -> Result<Statement, Refusal> {
        if self.status(session) == Status::Failed && !parse::ends_transaction(text)? {
            return Err(spoilt());
        }
        self.prepare(text, hints)
    }

    /// Carries out a statement at the moment `now`, in microseconds since 1970.
    pub fn execute(&mut self, session: SessionId, statement: &Statement, parameters: Vec<Value>, now: i64) -> Progress {
        if !self.sessions.contains_key(&session) {
            return Progress::Done(Err(Refusal::new("08003", "the session does not exist")));
        }
        if self.waiting.iter().any(|waiting| waiting.session == session) {
            return Progress::Done(Err(Refusal::new("55000", "the session waits for a statement before this one")));
        }
        let attempt = self.attempt(session, statement, &parameters, now);
        let progress = match attempt {
            Attempt::Done(outcome) => Progress::Done(outcome),
            Attempt::Wait(on) => {
                let statement = statement.clone();
                self.waiting.push(Waiting { session, statement, parameters, now, on, ready: false });
                Progress::Blocked
            }
        };
        self.wake();
        progress
    }

    fn attempt(&mut self, session: SessionId, statement: &Statement, parameters: &[Value], now: i64) -> Attempt {
        let failed = self.status(session) == Status::Failed;
        if failed && !statement.ends_transaction() {
            return Attempt::Done(Err(spoilt()));
        }
        let current;
        let statement = if statement.0.generation == self.catalog.generation {
            statement
        } else {
            match self.prepare(&statement.0.text, &statement.0.hints) {
                Ok(again) if again.0.columns == statement.0.columns && again.0.parameters == statement.0.parameters => {
                    current = again;
                    &current
                }
                Ok(_) => {
                    return self.refused(session, Refusal::new("0A000", "cached plan must not change result type"));
                }
                Err(refusal) => return self.refused(session, refusal),
            }
        };
        if parameters.len() != statement.0.parameters.len() {
            let (given, wanted) = (parameters.len(), statement.0.parameters.len());
            let message = format!("bind message supplies {given} parameters, but the statement requires {wanted}");
            return self.refused(session, Refusal::new("08P01", message));
        }
        match &statement.0.plan {
            Plan::Empty => Attempt::Done(Ok(Answer::tag(""))),
            Plan::Work(work) => self.work(session, work, statement, parameters, now),
            Plan::Define(parsed) => self.definition(session, parsed, &statement.0.text, now),
            Plan::Truncate { tables, restart } => self.truncate(session, tables, *restart),
            control => {
                let outcome = self.control(session, control, now);
                if outcome.is_err() {
                    self.spoil(session);
                }
                Attempt::Done(outcome)
            }
        }
    }

    /// A statement fails: the transaction it is in is spoilt.
    pub(super) fn refused(&mut self, session: SessionId, refusal: Refusal) -> Attempt {
        self.spoil(session);
        Attempt::Done(Err(refusal))
    }

    /// What blocked statements have come to since the last call, in the order in which they were carried out.
    pub fn finished(&mut self) -> Vec<(SessionId, Result<Answer, Refusal>)> {
        std::mem::take(&mut self.finished)
    }

    /// Takes back a blocked statement, as a cancelled query or a lock time-out does: it fails with this refusal.
    pub fn cancel(&mut self, session: SessionId, refusal: Refusal) {
        let Some(place) = self.waiting.iter().position(|waiting| waiting.session == session) else { return };
        self.waiting.remove(place);
        self.finished.push((session, Err(refusal)));
        self.spoil(session);
        self.wake();
    }

    /// Whether a blocked session waits, over others, for itself.
    pub fn is_deadlocked(&self, session: SessionId) -> bool {
        let mut seen = Vec::new();
        let mut next = self.waits_for(session).to_vec();
        while let Some(other) = next.pop() {
            if other == session {
                return true;
            }
            if !seen.contains(&other) {
                seen.push(other);
                next.extend_from_slice(self.waits_for(other));
            }
        }
        false
    }

    /// Whom a blocked session waits for; nobody where it is not blocked.
    pub fn waits_for(&self, session: SessionId) -> &[SessionId] {
        self.waiting.iter().find(|waiting| waiting.session == session).map_or(&[], |waiting| &waiting.on)
    }

    /// Whether a session is in a transaction.
    pub fn status(&self, session: SessionId) -> Status {
        match self.sessions.get(&session).and_then(|session| session.transaction.as_ref()) {
            None => Status::Idle,
            Some(transaction) if transaction.failed => Status::Failed,
            Some(transaction) if transaction.implicit => Status::Idle,
            Some(_) => Status::Open,
        }
    }

    /// A parameter of a session, as `SHOW` tells it; `None` where there is no such.
    pub fn setting(&self, session: SessionId, name: &str) -> Option<String> {
        let live = self.shared.lock();
        live.settings.get(&session)?.get(name).ok().map(str::to_owned)
    }

    /// A time-out of a session, where it is on: `statement_timeout`, `lock_timeout`, `deadlock_timeout` and the like.
    pub fn timeout(&self, session: SessionId, name: &str) -> Option<Duration> {
        self.shared.lock().settings.get(&session)?.span(name)
    }

    /// What has been committed since the last call, in order.
    pub fn take_commits(&mut self) -> Vec<Commit> {
        std::mem::take(&mut self.commits)
    }

    /// The server has crashed: open transactions are gone, and all sessions; what was committed stays.
    pub fn crash(&mut self) {
        self.waiting.clear();
        self.finished.clear();
        let all: Vec<SessionId> = self.sessions.keys().copied().collect();
        for session in all {
            self.waiting.clear();
            self.disconnect(session);
        }
        self.finished.clear();
    }

    /// Refuses, from now on, whatever writes: the server is a replica, or about to be one.
    pub fn set_read_only(&mut self, read_only: bool) {
        self.read_only = read_only;
        self.shared.lock().recovery = read_only;
    }

    /// A session has given something back: whoever waits for it may try again.
    pub(super) fn released(&mut self, session: SessionId) {
        for waiting in &mut self.waiting {
            waiting.ready |= waiting.on.contains(&session);
        }
    }

    /// Carries out what has waited and need not any more, first come first served.
    pub(super) fn wake(&mut self) {
        while let Some(place) = self.waiting.iter().position(|waiting| waiting.ready) {
            let waiting = self.waiting.remove(place);
            let attempt = self.attempt(waiting.session, &waiting.statement, &waiting.parameters, waiting.now);
            match attempt {
                Attempt::Done(outcome) => self.finished.push((waiting.session, outcome)),
                Attempt::Wait(on) => self.waiting.insert(place, Waiting { on, ready: false, ..waiting }),
            }
        }
    }

    /// Those others who have an open transaction that has used one of these tables.
    pub(super) fn users_of(&self, session: SessionId, tables: &[TableId]) -> Vec<SessionId> {
        let uses = |other: &Session| {
            other
                .transaction
                .as_ref()
                .is_some_and(|transaction| tables.iter().any(|table| transaction.touched.contains(table)))
        };
        self.sessions.iter().filter(|(id, other)| **id != session && uses(other)).map(|(id, _)| *id).collect()
    }

    /// Carries out SQL of the storage that returns nothing.
    pub(super) fn storage_batch(&self, sql: &str) -> Result<(), Refusal> {
        self.storage.execute_batch(sql).map_err(|error| {
            if !self.storage.is_autocommit() {
                // A script that fails in the middle leaves its transaction open.
                let undone = self.storage.execute_batch("ROLLBACK");
                debug_assert!(undone.is_ok(), "an open transaction can be rolled back");
            }
            self.storage_refusal(&error)
        })
    }

    /// Why the storage has refused something.
    pub(super) fn storage_signal(&self, error: &rusqlite::Error) -> Signal {
        let (signal, attempt) = {
            let mut live = self.shared.lock();
            (live.signal.take(), live.attempt.clone())
        };
        signal.unwrap_or_else(|| Signal::Refused(errors::refusal(error, &attempt, &self.catalog, &self.storage)))
    }

    /// Why the storage has refused something that cannot wait.
    pub(super) fn storage_refusal(&self, error: &rusqlite::Error) -> Refusal {
        match self.storage_signal(error) {
            Signal::Refused(refusal) => refusal,
            Signal::Wait(_) => Refusal::new("55P03", "could not obtain lock on relation"),
        }
    }
}

fn spoilt() -> Refusal {
    Refusal::new("25P02", "current transaction is aborted, commands ignored until end of transaction block")
}
