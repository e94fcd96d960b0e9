//! Sessions and their transactions: how they begin, what they hold, how they end.

use std::collections::BTreeSet;

use super::super::refusal::Refusal;
use super::super::value::Value;
use super::catalog::TableId;
use super::database::Database;
use super::live::{Change, Seen};
use super::locks::Number;
use super::settings::Settings;
use super::statement::{Answer, Plan, Status};
use super::{SessionId, capture};

/// A session.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) transaction: Option<Transaction>,
    /// Session-wide advisory locks that a blocked statement has taken in its attempts so far.
    pub(super) kept: Vec<(Number, bool)>,
    /// The rows that a blocked statement found when it began.
    pub(super) seen: Option<Seen>,
}

/// An open transaction.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    /// What `now()` says in it.
    pub(super) began: i64,
    /// What it has written, in order.
    pub(super) changes: Vec<Change>,
    savepoints: Vec<Savepoint>,
    /// Whether an error has spoilt it.
    pub(super) failed: bool,
    /// Whether it lasts for some statements only, that came together.
    pub(super) implicit: bool,
    pub(super) read_only: bool,
    /// The tables that were made in it.
    pub(super) created: Vec<TableId>,
    /// The tables that it has read or written.
    pub(super) touched: BTreeSet<TableId>,
    /// What the session's parameters go back to if it is rolled back, and what they go back to at its end anyway.
    settings: Option<Settings>,
    local: Option<Settings>,
}

#[derive(Debug)]
struct Savepoint {
    name: String,
    changes: usize,
    locks: usize,
}

impl Database {
    /// Begins a transaction that holds together statements which came together, as those of one simple query do, unless
    /// the session is in one. `BEGIN` makes it one like others; [`Database::end_implicit`] ends it.
    pub fn begin_implicit(&mut self, session: SessionId, now: i64) {
        if let Some(found) = self.sessions.get_mut(&session)
            && found.transaction.is_none()
        {
            found.transaction = Some(Transaction { began: now, implicit: true, ..Transaction::default() });
        }
    }

    /// Ends a transaction that [`Database::begin_implicit`] began and no `BEGIN` has made one like others: commits it, or
    /// rolls it back where an error has spoilt it.
    pub fn end_implicit(&mut self, session: SessionId) {
        let transaction = self.sessions.get(&session).and_then(|session| session.transaction.as_ref());
        if transaction.is_some_and(|transaction| transaction.implicit) {
            self.end(session);
            self.wake();
        }
    }

    /// An error that has come up outside of a statement, such as one that could not be parsed, spoils the transaction.
    pub fn fail(&mut self, session: SessionId) {
        self.spoil(session);
        self.wake();
    }

    /// Rolls back whatever a session has open, as the server does to one that it throws out.
    pub fn roll_back(&mut self, session: SessionId) {
        self.abandon(session);
        self.wake();
    }

    /// BEGIN, COMMIT and the like, and parameters.
    pub(super) fn control(&mut self, id: SessionId, plan: &Plan, now: i64) -> Result<Answer, Refusal> {
        let status = self.status(id);
        let Some(session) = self.sessions.get_mut(&id) else {
            return Err(Refusal::new("08003", "the session does not exist"));
        };
        let outside = |what: &str| Refusal::new("25P01", format!("{what} can only be used in transaction blocks"));
        match plan {
            Plan::Begin { read_only, tag } => {
                let fresh = session.transaction.is_none();
                let transaction = session.transaction.get_or_insert_with(Transaction::default);
                if fresh {
                    transaction.began = now;
                }
                transaction.implicit = false;
                transaction.read_only |= read_only;
                Ok(Answer::tag(*tag))
            }
            Plan::Commit => {
                let failed = session.transaction.as_ref().is_some_and(|transaction| transaction.failed);
                self.end(id);
                Ok(Answer::tag(if failed { "ROLLBACK" } else { "COMMIT" }))
            }
            Plan::Rollback => {
                self.abandon(id);
                Ok(Answer::tag("ROLLBACK"))
            }
            Plan::Savepoint(name) => {
                let locks = self.shared.lock().locks.mark(id);
                let transaction = session
                    .transaction
                    .as_mut()
                    .filter(|_| status != Status::Idle)
                    .ok_or_else(|| outside("SAVEPOINT"))?;
                let changes = transaction.changes.len();
                transaction.savepoints.push(Savepoint { name: name.clone(), changes, locks });
                Ok(Answer::tag("SAVEPOINT"))
            }
            Plan::Release(name) => {
                let transaction = session
                    .transaction
                    .as_mut()
                    .filter(|_| status != Status::Idle)
                    .ok_or_else(|| outside("RELEASE SAVEPOINT"))?;
                let place = transaction.find(name)?;
                transaction.savepoints.truncate(place);
                Ok(Answer::tag("RELEASE"))
            }
            Plan::RollbackTo(name) => {
                let transaction = session
                    .transaction
                    .as_mut()
                    .filter(|_| status != Status::Idle)
                    .ok_or_else(|| outside("ROLLBACK TO SAVEPOINT"))?;
                let place = transaction.find(name)?;
                transaction.savepoints.truncate(place + 1);
                transaction.failed = false;
                let (changes, locks) = (transaction.savepoints[place].changes, transaction.savepoints[place].locks);
                self.go_back(id, changes, locks);
                Ok(Answer::tag("ROLLBACK"))
            }
            Plan::SetTransaction { read_only } => {
                if let (Some(transaction), Some(read_only)) = (&mut session.transaction, read_only) {
                    transaction.read_only = *read_only;
                }
                Ok(Answer::tag("SET"))
            }
            other => self.parameters(id, other),
        }
    }

    /// SET, SHOW, RESET and DISCARD.
    fn parameters(&mut self, id: SessionId, plan: &Plan) -> Result<Answer, Refusal> {
        let Some(session) = self.sessions.get_mut(&id) else {
            return Err(Refusal::new("08003", "the session does not exist"));
        };
        match plan {
            Plan::Set { name, value, local } => {
                let shared = self.shared.clone();
                let mut live = shared.lock();
                let settings = live.settings.entry(id).or_default();
                if let Some(transaction) = &mut session.transaction {
                    transaction.settings.get_or_insert_with(|| settings.clone());
                    if *local {
                        transaction.local.get_or_insert_with(|| settings.clone());
                    }
                } else if *local {
                    return Ok(Answer::tag("SET"));
                }
                settings.set(name, value.as_deref())?;
                if let Some(after) = session.transaction.as_mut().and_then(|transaction| transaction.local.as_mut())
                    && !local
                {
                    after.set(name, value.as_deref())?;
                }
                Ok(Answer::tag(if value.is_some() { "SET" } else { "RESET" }))
            }
            Plan::ResetAll => {
                self.shared.lock().settings.entry(id).or_default().reset();
                Ok(Answer::tag("RESET"))
            }
            Plan::Discard => {
                if session.transaction.is_some() {
                    return Err(Refusal::new("25001", "DISCARD ALL cannot run inside a transaction block"));
                }
                let mut live = self.shared.lock();
                live.settings.entry(id).or_default().reset();
                live.locks.unlock_all(id);
                drop(live);
                self.released(id);
                Ok(Answer::tag("DISCARD ALL"))
            }
            Plan::Show(name) => {
                let live = self.shared.lock();
                let value = live.settings.get(&id).map_or_else(
                    || Settings::default().get(name).map(str::to_owned),
                    |settings| settings.get(name).map(str::to_owned),
                )?;
                Ok(Answer { rows: vec![vec![Value::Text(value.into())]], tag: "SHOW".to_owned() })
            }
            _ => Ok(Answer::tag("")),
        }
    }

    /// Puts the rows that a session has written into the storage, and takes out those of any other.
    pub(super) fn place(&mut self, id: SessionId) {
        if self.placed == Some(id) {
            return;
        }
        if let Some(other) = self.placed.take()
            && let Some(transaction) = self.sessions.get(&other).and_then(|session| session.transaction.as_ref())
        {
            capture::recover(&self.storage, &self.shared, &self.catalog, &transaction.changes);
        }
        if let Some(transaction) = self.sessions.get(&id).and_then(|session| session.transaction.as_ref())
            && !transaction.changes.is_empty()
        {
            capture::repeat(&self.storage, &self.shared, &self.catalog, &transaction.changes);
            self.placed = Some(id);
        }
    }

    /// Goes back to where a transaction had written so much and taken so many locks.
    fn go_back(&mut self, id: SessionId, changes: usize, locks: usize) {
        if let Some(transaction) = self.sessions.get_mut(&id).and_then(|session| session.transaction.as_mut()) {
            let undone = transaction.changes.split_off(changes.min(transaction.changes.len()));
            if self.placed == Some(id) {
                capture::recover(&self.storage, &self.shared, &self.catalog, &undone);
                if transaction.changes.is_empty() {
                    self.placed = None;
                }
            }
        }
        self.shared.lock().locks.release(id, locks);
        self.released(id);
    }

    /// An error: the transaction goes back to its last savepoint, or to its beginning, and can then only be ended.
    pub(super) fn spoil(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.kept.clear();
        session.seen = None;
        let back_to = match &mut session.transaction {
            None => (0, 0),
            Some(transaction) => {
                transaction.failed = true;
                transaction.savepoints.last().map_or((0, 0), |savepoint| (savepoint.changes, savepoint.locks))
            }
        };
        self.go_back(id, back_to.0, back_to.1);
    }

    /// Ends a transaction: for good, or rolled back where an error has spoilt it.
    fn end(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(transaction) = &mut session.transaction else { return };
        if transaction.failed {
            self.abandon(id);
            return;
        }
        let changes = std::mem::take(&mut transaction.changes);
        let local = transaction.local.take();
        self.place_committed(id, &changes);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.transaction = None;
        let mut live = self.shared.lock();
        if let Some(settings) = local {
            live.settings.insert(id, settings);
        }
        live.locks.release(id, 0);
        drop(live);
        self.committed(id, changes);
        self.released(id);
    }

    /// Makes sure that rows which are committed now are in the storage, and are nobody's.
    fn place_committed(&mut self, id: SessionId, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        if self.placed != Some(id) {
            self.place_nobody();
            capture::repeat(&self.storage, &self.shared, &self.catalog, changes);
        }
        self.placed = None;
    }

    /// Takes the uncommitted rows of whoever has some there out of the storage.
    pub(super) fn place_nobody(&mut self) {
        if let Some(other) = self.placed.take()
            && let Some(transaction) = self.sessions.get(&other).and_then(|session| session.transaction.as_ref())
        {
            capture::recover(&self.storage, &self.shared, &self.catalog, &transaction.changes);
        }
    }

    /// Rolls back a session's transaction, if it is in one.
    pub(super) fn abandon(&mut self, id: SessionId) {
        self.go_back(id, 0, 0);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.kept.clear();
        session.seen = None;
        let Some(transaction) = session.transaction.take() else { return };
        if let Some(settings) = transaction.settings {
            self.shared.lock().settings.insert(id, settings);
        }
        for table in transaction.created.iter().rev() {
            if let Some(table) = self.catalog.by_id(*table).cloned() {
                let gone = self.unmake(&table);
                debug_assert!(gone.is_ok(), "a table that nobody else has written can go");
            }
        }
    }
}

impl Transaction {
    fn find(&self, name: &str) -> Result<usize, Refusal> {
        self.savepoints
            .iter()
            .rposition(|savepoint| savepoint.name == name)
            .ok_or_else(|| Refusal::new("3B001", format!("savepoint \"{name}\" does not exist")))
    }
}
