//! What functions called from within the storage's statements share with the database around them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use rusqlite::types::Value as Cell;

use super::super::refusal::Refusal;
use super::SessionId;
use super::catalog::{Table, TableId};
use super::locks::{Locks, Number, Strength, Target, encoded_cells};
use super::lsn::Lsn;
use super::settings::Settings;
use super::stored::Row;

/// After how many steps the storage asks whether to go on, and how often it may: some seconds, where a statement of a system
/// takes far less than a millisecond.
const STRIDE: i32 = 1_000_000;
const MOST_STRIDES: u32 = 20;

/// A row that has been written: what it was, and what it is.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) table: TableId,
    pub(super) old: Option<Row>,
    pub(super) new: Option<Row>,
}

/// Why a statement has not been carried out.
#[derive(Clone, Debug)]
pub(super) enum Signal {
    /// It cannot be.
    Refused(Refusal),
    /// It has to wait for these.
    Wait(Vec<SessionId>),
}

impl From<Refusal> for Signal {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A row that is to be written.
#[derive(Clone, Debug, Default)]
pub(super) struct RowAttempt {
    /// Its keys; nothing for a partial key that it does not occupy.
    pub(super) keys: Vec<Option<Vec<Cell>>>,
    /// The primary key of the row that it replaces, if any.
    pub(super) replaced: Vec<Cell>,
}

/// The rows that a statement found when it began, before it had to wait.
///
/// When it is carried out once more it finds no others, as in Postgres: neither rows that fit its condition only now, nor
/// rows that have taken the key of one that has gone.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) tables: BTreeSet<TableId>,
    pub(super) rows: BTreeSet<(TableId, Box<[u8]>)>,
}

/// The state behind the functions.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is asked by another function, and they do not exclude each other"
)]
pub(super) struct Live {
    pub(super) tables: Vec<Option<Arc<Table>>>,
    pub(super) locks: Locks,
    pub(super) settings: BTreeMap<SessionId, Settings>,
    /// Whose statement is carried out.
    pub(super) session: SessionId,
    /// Whether locks have to be remembered: the transaction goes on after the statement, or others are open.
    pub(super) recording: bool,
    /// Whether rows are written that are no statement's: nothing is noticed.
    pub(super) muted: bool,
    /// Whether the statement may meet its own rows by ON CONFLICT DO UPDATE.
    pub(super) upsert: bool,
    /// What the statement has written so far.
    pub(super) changes: Vec<Change>,
    /// The row that was to be written last.
    pub(super) attempt: RowAttempt,
    /// The key that the statement was stopped at, of a new row: which of the table's, and the row's primary key.
    pub(super) stopped_at: Option<Stopped>,
    /// New rows that are refused, or turned into updates, by a key before this one, so that it is not looked at.
    pub(super) excused: BTreeMap<(TableId, Box<[u8]>), usize>,
    /// Which rows the statement may write, where it has waited: those that it found when it began.
    pub(super) seen: Option<Seen>,
    /// How often the storage has been asked whether to go on with the statement, while there is one.
    pub(super) asked: Option<u32>,
    /// Why the statement was stopped by a function.
    pub(super) signal: Option<Signal>,
    /// Session-wide advisory locks that the statement took in an attempt before, and does not take again.
    pub(super) kept: Vec<(Number, bool)>,
    /// Those that it has taken in this attempt.
    pub(super) taken: Vec<(Number, bool)>,
    /// Whether a lock has been given back in the middle of a statement.
    pub(super) unlocked: bool,
    pub(super) random: u64,
    /// The next number of each sequence.
    pub(super) sequences: BTreeMap<String, i64>,
    pub(super) recovery: bool,
    /// How far the log of transactions has come.
    pub(super) lsn: Lsn,
}

/// A new row that waits for one of its keys.
#[derive(Debug)]
pub(super) struct Stopped {
    pub(super) table: TableId,
    /// The row's own key.
    pub(super) row: Box<[u8]>,
    /// The number of the key that it waits for.
    pub(super) number: usize,
    /// What the session had locked before the row's other keys.
    pub(super) mark: usize,
}

/// A handle on the state behind the functions.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared(Arc<Mutex<Live>>);

impl Shared {
    /// The state. Never held across a statement of the storage.
    pub(super) fn lock(&self) -> MutexGuard<'_, Live> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// Locks a row of a table, or says whom to wait for.
    pub(super) fn lock_row(
        &mut self,
        table: TableId,
        key: Box<[u8]>,
        strength: Strength,
    ) -> Result<(), Vec<SessionId>> {
        if self.locks.is_empty() && !self.recording {
            return Ok(());
        }
        let target = Target::Row(table, key);
        let blockers = self.locks.blockers(self.session, &target, strength);
        if !blockers.is_empty() {
            return Err(blockers);
        }
        if self.recording {
            self.locks.take(self.session, target, strength, false);
        }
        Ok(())
    }

    /// Notes a row that has been written: its locks and keys, and what it was.
    pub(super) fn written(&mut self, change: Change, old_flags: &[bool], new_flags: &[bool]) -> Result<(), Signal> {
        let Some(table) = self.tables.get(change.table).and_then(Clone::clone) else { return Ok(()) };
        let strength = match (&change.old, &change.new) {
            (Some(old), Some(new)) if !changes_key(&table, old, new) => Strength::NoKeyUpdate,
            _ => Strength::Update,
        };
        if let Some(old) = &change.old
            && !self.locks.is_empty()
            && let Some(key) = encoded_cells(old, table.key())
        {
            let blockers = self.locks.blockers(self.session, &Target::Row(table.id, key), strength);
            if !blockers.is_empty() {
                return Err(Signal::Wait(blockers));
            }
        }
        if self.upsert
            && let Some(old) = &change.old
            && self.changes.iter().any(|before| before.new.as_ref().is_some_and(|new| same_key(&table, new, old)))
        {
            return Err(Signal::Refused(Refusal::new(
                "21000",
                "ON CONFLICT DO UPDATE command cannot affect row a second time",
            )));
        }
        if self.recording {
            for (row, flags) in [(&change.old, old_flags), (&change.new, new_flags)] {
                let Some(row) = row else { continue };
                let mut partial = flags.iter();
                for (number, unique) in table.uniques.iter().enumerate() {
                    let occupied = unique.predicate.is_none() || partial.next().copied().unwrap_or(true);
                    if !occupied {
                        continue;
                    }
                    if let Some(key) = encoded_cells(row, &unique.columns) {
                        let target = key_target(table.id, number, key);
                        self.locks.take(self.session, target, strength, true);
                    }
                }
            }
        }
        self.changes.push(change);
        Ok(())
    }
}

/// Lets no statement take steps of the storage without end, as a recursive query may.
pub(super) fn bound_steps(storage: &mut Connection, shared: &Shared) -> rusqlite::Result<()> {
    let shared = shared.clone();
    storage.progress_handler(
        STRIDE,
        Some(move || {
            let mut live = shared.lock();
            let Some(asked) = &mut live.asked else { return false };
            *asked += 1;
            let stops = *asked > MOST_STRIDES;
            if stops {
                let most = STRIDE.unsigned_abs() * MOST_STRIDES;
                let message = format!("the simulated Postgres gives up a statement after {most} steps of its storage");
                live.signal = Some(Refusal::new("54000", message).into());
            }
            stops
        }),
    )
}

/// The lock of a key: of the first, it is the row's.
pub(super) fn key_target(table: TableId, number: usize, key: Box<[u8]>) -> Target {
    if number == 0 { Target::Row(table, key) } else { Target::Key(table, number, key) }
}

fn same_key(table: &Table, one: &Row, other: &Row) -> bool {
    table.key().iter().all(|&column| one[column] == other[column])
}

/// Whether a key changes that a reference could name.
fn changes_key(table: &Table, old: &Row, new: &Row) -> bool {
    let whole = table.uniques.iter().filter(|unique| unique.predicate.is_none());
    whole.flat_map(|unique| &unique.columns).any(|&column| old[column] != new[column])
}
