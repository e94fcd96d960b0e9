//! Who holds which lock: rows and keys by strength, and advisory locks.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::types::{Value as Cell, ValueRef};

use super::SessionId;
use super::catalog::TableId;

/// How strongly a row is locked, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    KeyShare,
    Share,
    NoKeyUpdate,
    Update,
}

impl Strength {
    /// Whether two sessions cannot hold both.
    fn clashes(self, other: Self) -> bool {
        match self.min(other) {
            Self::KeyShare => self.max(other) == Self::Update,
            Self::Share => self.max(other) >= Self::NoKeyUpdate,
            Self::NoKeyUpdate | Self::Update => true,
        }
    }
}

/// What can be locked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// All of a table.
    Table(TableId),
    /// A row, by its primary key.
    Row(TableId, Box<[u8]>),
    /// A value of one of the table's other keys.
    Key(TableId, usize, Box<[u8]>),
}

#[derive(Clone, Copy, Debug)]
struct Hold {
    session: SessionId,
    strength: Strength,
    /// Whether the holder has written what it locks.
    written: bool,
}

/// Which advisory lock: one number, or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Number {
    One(i64),
    Two(i32, i32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Advisory {
    session: SessionId,
    shared: bool,
    /// Until the end of the transaction, and not of the session.
    transaction: bool,
}

/// All locks.
#[derive(Debug, Default)]
pub(super) struct Locks {
    held: BTreeMap<Target, Vec<Hold>>,
    /// What each session has taken until the end of its transaction, in order.
    taken: BTreeMap<SessionId, Vec<Taken>>,
    advisory: BTreeMap<Number, Vec<Advisory>>,
}

#[derive(Clone, Debug)]
enum Taken {
    Target(Target),
    Advisory(Number, bool),
}

impl Locks {
    /// Whether nothing but advisory locks is held.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Whose locks stand against this one.
    pub(super) fn blockers(&self, session: SessionId, target: &Target, strength: Strength) -> Vec<SessionId> {
        self.others(session, target, |hold| hold.strength.clashes(strength))
    }

    /// Who has written what this names and has not ended yet.
    pub(super) fn writers(&self, session: SessionId, target: &Target) -> Vec<SessionId> {
        self.others(session, target, |hold| hold.written)
    }

    fn others(&self, session: SessionId, target: &Target, counts: impl Fn(&Hold) -> bool) -> Vec<SessionId> {
        let holds = self.held.get(target).map_or(&[][..], Vec::as_slice);
        let found: BTreeSet<SessionId> =
            holds.iter().filter(|hold| hold.session != session && counts(hold)).map(|hold| hold.session).collect();
        found.into_iter().collect()
    }

    /// Takes a lock until the end of the transaction. Whether it may be taken has been asked before.
    pub(super) fn take(&mut self, session: SessionId, target: Target, strength: Strength, written: bool) {
        let holds = self.held.entry(target.clone()).or_default();
        let has = |hold: &Hold| hold.session == session && hold.strength >= strength && hold.written >= written;
        if holds.iter().any(has) {
            return;
        }
        holds.push(Hold { session, strength, written });
        self.taken.entry(session).or_default().push(Taken::Target(target));
    }

    /// How many locks a session has taken: the mark that [`Locks::release`] goes back to.
    pub(super) fn mark(&self, session: SessionId) -> usize {
        self.taken.get(&session).map_or(0, Vec::len)
    }

    /// Gives back what a session has taken since the mark.
    pub(super) fn release(&mut self, session: SessionId, mark: usize) {
        let Some(taken) = self.taken.get_mut(&session) else { return };
        let given_back = taken.split_off(mark.min(taken.len()));
        if taken.is_empty() {
            self.taken.remove(&session);
        }
        for taken in given_back.into_iter().rev() {
            match taken {
                Taken::Target(target) => {
                    if let Some(holds) = self.held.get_mut(&target) {
                        if let Some(place) = holds.iter().rposition(|hold| hold.session == session) {
                            holds.remove(place);
                        }
                        if holds.is_empty() {
                            self.held.remove(&target);
                        }
                    }
                }
                Taken::Advisory(number, shared) => {
                    self.drop_advisory(number, Advisory { session, shared, transaction: true });
                }
            }
        }
    }

    /// Whose advisory locks stand against this one.
    pub(super) fn advisory_blockers(&self, session: SessionId, number: Number, shared: bool) -> Vec<SessionId> {
        let holds = self.advisory.get(&number).map_or(&[][..], Vec::as_slice);
        let found: BTreeSet<SessionId> = holds
            .iter()
            .filter(|hold| hold.session != session && !(hold.shared && shared))
            .map(|hold| hold.session)
            .collect();
        found.into_iter().collect()
    }

    /// Takes an advisory lock, once more where it is held already.
    pub(super) fn take_advisory(&mut self, session: SessionId, number: Number, shared: bool, transaction: bool) {
        self.advisory.entry(number).or_default().push(Advisory { session, shared, transaction });
        if transaction {
            self.taken.entry(session).or_default().push(Taken::Advisory(number, shared));
        }
    }

    /// Gives back an advisory lock of the session, once; `false` where it is not held.
    pub(super) fn unlock_advisory(&mut self, session: SessionId, number: Number, shared: bool) -> bool {
        self.drop_advisory(number, Advisory { session, shared, transaction: false })
    }

    /// Gives back all advisory locks that a session holds beyond its transaction.
    pub(super) fn unlock_all(&mut self, session: SessionId) {
        self.advisory.retain(|_, holds| {
            holds.retain(|hold| hold.session != session || hold.transaction);
            !holds.is_empty()
        });
    }

    fn drop_advisory(&mut self, number: Number, which: Advisory) -> bool {
        let Some(holds) = self.advisory.get_mut(&number) else { return false };
        let Some(place) = holds.iter().rposition(|hold| *hold == which) else { return false };
        holds.remove(place);
        if holds.is_empty() {
            self.advisory.remove(&number);
        }
        true
    }
}

/// A key as bytes: different keys have different bytes. `None` where a part is NULL, for then it clashes with nothing.
pub(super) fn encoded<'v>(parts: impl IntoIterator<Item = ValueRef<'v>>) -> Option<Box<[u8]>> {
    let mut bytes = Vec::with_capacity(24);
    for part in parts {
        let (tag, content): (u8, &[u8]) = match part {
            ValueRef::Null => return None,
            ValueRef::Integer(number) => {
                bytes.push(b'i');
                bytes.extend_from_slice(&number.to_be_bytes());
                continue;
            }
            ValueRef::Real(number) => {
                bytes.push(b'r');
                bytes.extend_from_slice(&number.to_bits().to_be_bytes());
                continue;
            }
            ValueRef::Text(text) => (b't', text),
            ValueRef::Blob(blob) => (b'b', blob),
        };
        bytes.push(tag);
        bytes.extend_from_slice(&(content.len() as u64).to_be_bytes());
        bytes.extend_from_slice(content);
    }
    Some(bytes.into_boxed_slice())
}

/// The key that some cells of a row make.
pub(super) fn encoded_cells(row: &[Cell], columns: &[usize]) -> Option<Box<[u8]>> {
    encoded(columns.iter().map(|&column| ValueRef::from(&row[column])))
}
