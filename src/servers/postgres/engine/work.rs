//! How a statement that works on rows is carried out, once.

use rusqlite::types::{ToSqlOutput, Value as Cell};
use sqlparser::ast::{ObjectType, Statement as Parsed};

use super::super::refusal::Refusal;
use super::super::value::Value;
use super::catalog::TableId;
use super::commits::CommittedChanges;
use super::database::{Attempt, Database};
use super::live::{Change, RowAttempt, Seen, Signal, Stopped};
use super::locks::{Strength, Target, encoded};
use super::sessions::Transaction;
use super::statement::{Answer, Command, Statement, Status, Work};
use super::stored::{bound, loaded, quoted_name};
use super::translate::relation_name;
use super::{SessionId, capture, errors};

/// The largest result of a statement, in bytes.
const LARGEST: usize = 256 << 20;

impl Database {
    /// Carries out a statement that works on rows.
    pub(super) fn work(
        &mut self,
        id: SessionId,
        work: &Work,
        statement: &Statement,
        parameters: &[Value],
        now: i64,
    ) -> Attempt {
        if let Err(signal) = self.may_begin(id, work) {
            return self.settle(id, Err(signal));
        }
        if let Err(refusal) = self.arm() {
            return self.settle(id, Err(refusal.into()));
        }
        self.place(id);
        self.enter(id, work.command == Command::Upsert);
        let began = self.began(id, now);
        let run = || self.bounded(|| self.run(work, statement, parameters, began, now));
        let mut ran = run();
        while matches!(ran, Err(Signal::Wait(_))) && self.excuse() {
            ran = run();
        }
        let outcome = self.follow_up(id, ran, &work.touched);
        if matches!(outcome, Err(Signal::Wait(_))) && !work.candidates.is_empty() {
            let before = self.shared.lock().seen.take();
            let seen = match before {
                Some(seen) => Ok(seen),
                None => self.bounded(|| self.find_candidates(work, parameters, began, now)),
            };
            match (seen, self.sessions.get_mut(&id)) {
                (Ok(seen), Some(session)) => session.seen = Some(seen),
                (Err(signal), _) => return self.settle(id, Err(signal)),
                (Ok(_), None) => {}
            }
        }
        self.settle(id, outcome)
    }

    /// Empties tables.
    pub(super) fn truncate(&mut self, id: SessionId, tables: &[TableId], restart: bool) -> Attempt {
        let users = self.users_of(id, tables);
        if !users.is_empty() {
            return self.settle(id, Err(Signal::Wait(users)));
        }
        if self.read_only {
            let refusal = Refusal::new("25006", "cannot execute TRUNCATE TABLE in a read-only transaction");
            return self.settle(id, Err(refusal.into()));
        }
        if let Err(refusal) = self.arm() {
            return self.settle(id, Err(refusal.into()));
        }
        self.place(id);
        self.enter(id, false);
        let mut changes = Vec::new();
        for &table in tables {
            let Some(table) = self.catalog.by_id(table).cloned() else { continue };
            if let Err(error) = self.storage.execute(&format!("DELETE FROM {}", quoted_name(&table.name)), []) {
                capture::recover(&self.storage, &self.shared, &self.catalog, &changes);
                let signal = self.storage_signal(&error);
                return self.settle(id, Err(signal));
            }
            let mut live = self.shared.lock();
            changes.append(&mut live.changes);
            if live.recording {
                live.locks.take(id, Target::Table(table.id), Strength::Update, true);
            }
            if restart {
                for sequence in table.columns.iter().filter_map(|column| column.sequence.clone()) {
                    live.sequences.insert(sequence, 1);
                }
            }
        }
        self.keep(id, changes, tables);
        self.settle(id, Ok(Answer::tag("TRUNCATE TABLE")))
    }

    /// Carries out a definition. Others see it at once; a table that was made in a transaction goes if that is rolled back.
    pub(super) fn definition(&mut self, id: SessionId, parsed: &Parsed, text: &str, now: i64) -> Attempt {
        if self.read_only {
            let refusal = Refusal::new("25006", "cannot execute this statement in a read-only transaction");
            return self.settle(id, Err(refusal.into()));
        }
        let subject = self.subject_of(parsed);
        let own = self.sessions.get(&id).and_then(|session| session.transaction.as_ref());
        let fresh = |transaction: &Transaction| subject.is_none_or(|table| transaction.created.contains(&table));
        let creates = matches!(parsed, Parsed::CreateTable(_));
        if !creates
            && let Some(transaction) = own
            && !(fresh(transaction) || transaction.implicit && transaction.changes.is_empty())
        {
            let what = "ALTER, DROP and CREATE INDEX in a transaction, but for tables that were made in it";
            return self.settle(id, Err(Refusal::unsupported(what).into()));
        }
        if !creates {
            let all: Vec<TableId> = self.catalog.tables().map(|table| table.id).collect();
            let users = self.users_of(id, &all);
            if !users.is_empty() {
                return self.settle(id, Err(Signal::Wait(users)));
            }
        }
        let made = self.catalog.next_id();
        self.place_nobody();
        let outcome = self.define(parsed, now);
        if outcome.is_ok()
            && let Some(stream) = &mut self.stream
        {
            stream.push(CommittedChanges::definition(text, now));
        }
        if creates
            && outcome.is_ok()
            && self.catalog.by_id(made).is_some()
            && let Some(transaction) = self.sessions.get_mut(&id).and_then(|session| session.transaction.as_mut())
        {
            transaction.created.push(made);
        }
        self.settle(id, outcome.map_err(Signal::Refused))
    }

    /// The table that a definition is about, where it is about one that is there.
    fn subject_of(&self, parsed: &Parsed) -> Option<TableId> {
        let name = match parsed {
            Parsed::CreateIndex(create) => &create.table_name,
            Parsed::AlterTable(alter) => &alter.name,
            Parsed::Drop { object_type: ObjectType::Table, names, .. } => names.first()?,
            _ => return None,
        };
        self.catalog.find(&relation_name(name).ok()?).map(|table| table.id)
    }

    /// Whether a statement may begin: not if it writes where nothing may be written, or a table is being emptied.
    fn may_begin(&self, id: SessionId, work: &Work) -> Result<(), Signal> {
        let transaction = self.sessions.get(&id).and_then(|session| session.transaction.as_ref());
        if self.read_only || transaction.is_some_and(|transaction| transaction.read_only) {
            let what = match work.command {
                Command::Select if work.locks_rows => Some("SELECT FOR UPDATE"),
                Command::Select => None,
                Command::Insert | Command::Upsert => Some("INSERT"),
                Command::Update => Some("UPDATE"),
                Command::Delete => Some("DELETE"),
            };
            if let Some(what) = what {
                return Err(Refusal::new("25006", format!("cannot execute {what} in a read-only transaction")).into());
            }
        }
        let live = self.shared.lock();
        if live.locks.is_empty() {
            return Ok(());
        }
        for &table in &work.touched {
            let blockers = live.locks.blockers(id, &Target::Table(table), Strength::Share);
            if !blockers.is_empty() {
                return Err(Signal::Wait(blockers));
            }
        }
        Ok(())
    }

    /// Tells the functions whose statement begins.
    fn enter(&mut self, id: SessionId, upsert: bool) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let mut live = self.shared.lock();
        live.session = id;
        live.upsert = upsert;
        live.recording = session.transaction.is_some() || !live.locks.is_empty();
        live.changes.clear();
        live.attempt = RowAttempt::default();
        live.signal = None;
        live.stopped_at = None;
        live.excused.clear();
        live.unlocked = false;
        live.taken.clear();
        live.kept = std::mem::take(&mut session.kept);
        live.seen = session.seen.take();
    }

    fn began(&self, id: SessionId, now: i64) -> i64 {
        let transaction = self.sessions.get(&id).and_then(|session| session.transaction.as_ref());
        transaction.map_or(now, |transaction| transaction.began)
    }

    /// Whether a new row that would wait for one of its keys need not, for it already meets another row by a key before.
    fn excuse(&self) -> bool {
        let (stopped, attempt) = {
            let mut live = self.shared.lock();
            (live.stopped_at.take(), live.attempt.clone())
        };
        let Some(Stopped { table: id, row, number, mark }) = stopped else { return false };
        let Some(table) = self.catalog.by_id(id) else { return false };
        let met = errors::first_violated(table, &attempt, &self.catalog, &self.storage);
        let excused = met.is_some_and(|met| met < number);
        if excused {
            let mut live = self.shared.lock();
            let session = live.session;
            live.locks.release(session, mark);
            live.excused.insert((id, row), number);
            live.changes.clear();
            live.taken.clear();
        }
        excused
    }

    /// Lets the storage carry out something of a statement, which does not go on for ever.
    fn bounded<T>(&self, carry_out: impl FnOnce() -> Result<T, Signal>) -> Result<T, Signal> {
        self.shared.lock().asked = Some(0);
        let outcome = carry_out();
        self.shared.lock().asked = None;
        outcome
    }

    /// The rows that a statement which has to wait has found.
    fn find_candidates(&self, work: &Work, parameters: &[Value], began: i64, now: i64) -> Result<Seen, Signal> {
        let failed = |error: rusqlite::Error| self.storage_signal(&error);
        let mut seen = Seen::default();
        for (table, sql) in &work.candidates {
            let mut prepared = self.storage.prepare_cached(sql).map_err(failed)?;
            bind(&mut prepared, work, parameters, began, now).map_err(failed)?;
            let width = prepared.column_count();
            let mut rows = prepared.raw_query();
            seen.tables.insert(*table);
            while let Some(row) = rows.next().map_err(failed)? {
                let mut key = Vec::with_capacity(width);
                for place in 0..width {
                    key.push(row.get_ref(place).map_err(failed)?);
                }
                seen.rows.extend(encoded(key).map(|key| (*table, key)));
            }
        }
        Ok(seen)
    }

    /// Lets the storage carry out a statement.
    fn run(
        &self,
        work: &Work,
        statement: &Statement,
        parameters: &[Value],
        began: i64,
        now: i64,
    ) -> Result<Answer, Signal> {
        let failed = |error: rusqlite::Error| self.storage_signal(&error);
        let mut prepared = self.storage.prepare_cached(&work.sql).map_err(failed)?;
        bind(&mut prepared, work, parameters, began, now).map_err(failed)?;
        let (rows, count) = match statement.columns() {
            None => (Vec::new(), prepared.raw_execute().map_err(failed)?),
            Some(columns) => {
                let mut found = Vec::new();
                let mut rows = prepared.raw_query();
                let mut size = 0;
                while let Some(row) = rows.next().map_err(failed)? {
                    let mut values = Vec::with_capacity(columns.len());
                    for (place, column) in columns.iter().enumerate() {
                        let cell = row.get_ref(place).map_err(failed)?;
                        size += size_of_val(&cell) + cell.as_bytes_or_null().ok().flatten().map_or(0, <[u8]>::len);
                        values.push(loaded(cell, column.kind));
                    }
                    if size > LARGEST {
                        let message = format!("a result of more than {LARGEST} bytes");
                        return Err(Refusal::unsupported(message).into());
                    }
                    found.push(values);
                }
                let count = found.len();
                (found, count)
            }
        };
        let tag = match work.command {
            Command::Select => format!("SELECT {count}"),
            Command::Insert | Command::Upsert => format!("INSERT 0 {count}"),
            Command::Update => format!("UPDATE {count}"),
            Command::Delete => format!("DELETE {count}"),
        };
        Ok(Answer { rows, tag })
    }

    /// Carries out what follows from the rows that were written, and keeps them; or undoes them all.
    fn follow_up(&mut self, id: SessionId, ran: Result<Answer, Signal>, touched: &[TableId]) -> Result<Answer, Signal> {
        // What the storage has stopped in the middle, it has undone by itself.
        let answer = ran?;
        let mut changes = std::mem::take(&mut self.shared.lock().changes);
        if !changes.is_empty()
            && let Err(signal) = self.follow(&mut changes)
        {
            self.shared.lock().changes.clear();
            capture::recover(&self.storage, &self.shared, &self.catalog, &changes);
            return Err(signal);
        }
        self.keep(id, changes, touched);
        Ok(answer)
    }

    /// Keeps what a statement has written: until its transaction ends, or for good.
    fn keep(&mut self, id: SessionId, changes: Vec<Change>, touched: &[TableId]) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        match &mut session.transaction {
            Some(transaction) => {
                transaction.touched.extend(touched);
                if !changes.is_empty() {
                    transaction.changes.extend(changes);
                    self.placed = Some(id);
                }
            }
            None => self.committed(id, changes),
        }
    }

    /// The end of an attempt: locks are given back where nothing goes on.
    fn settle(&mut self, id: SessionId, outcome: Result<Answer, Signal>) -> Attempt {
        let (unlocked, taken) = {
            let mut live = self.shared.lock();
            (std::mem::take(&mut live.unlocked), std::mem::take(&mut live.taken))
        };
        if unlocked {
            self.released(id);
        }
        match outcome {
            Err(Signal::Wait(on)) => {
                // What it has locked so far it keeps, as a statement that waits in the middle does.
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.kept = taken;
                }
                Attempt::Wait(on)
            }
            Err(Signal::Refused(refusal)) => self.refused(id, refusal),
            Ok(answer) => {
                let open = self.sessions.get(&id).is_some_and(|session| session.transaction.is_some());
                debug_assert!(open || self.status(id) == Status::Idle);
                if !open {
                    let mut live = self.shared.lock();
                    if live.locks.mark(id) > 0 {
                        live.locks.release(id, 0);
                        drop(live);
                        self.released(id);
                    }
                }
                Attempt::Done(Ok(answer))
            }
        }
    }
}

/// Binds what a statement is given, as far as it is named.
fn bind(
    prepared: &mut rusqlite::CachedStatement<'_>,
    work: &Work,
    parameters: &[Value],
    began: i64,
    now: i64,
) -> rusqlite::Result<()> {
    let count = prepared.parameter_count();
    for (place, parameter) in parameters.iter().enumerate().take(count) {
        prepared.raw_bind_parameter(place + 1, bound(parameter))?;
    }
    for (place, moment) in [(work.now, began), (work.clock, now)] {
        if let Some(place) = place.filter(|&place| place <= count) {
            prepared.raw_bind_parameter(place, ToSqlOutput::Owned(Cell::Integer(moment)))?;
        }
    }
    Ok(())
}
