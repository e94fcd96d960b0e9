//! What shapes have yet to put on disk: up to where the slot may forget.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::runtime::time::Instant;
use crate::systems::shapes::store::Handle;

#[derive(Clone, Copy, Debug)]
struct Entry {
    first: u64,
    last: u64,
    since: Instant,
}

/// What shapes have yet to put on disk.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    entries: BTreeMap<Handle, Entry>,
    applied: u64,
}

impl Tracker {
    /// A shape has something of this transaction in memory alone.
    pub(super) fn owes(&mut self, handle: &Handle, lsn: u64) {
        let entry = self.entries.entry(handle.clone());
        let entry = entry.or_insert_with(|| Entry { first: lsn, last: lsn, since: Instant::now() });
        entry.last = entry.last.max(lsn);
    }

    /// All that a shape has of transactions up to here is on disk.
    pub(super) fn flushed(&mut self, handle: &Handle, lsn: u64) {
        let Some(entry) = self.entries.get_mut(handle) else { return };
        if entry.last <= lsn {
            self.entries.remove(handle);
        } else if entry.first <= lsn {
            (entry.first, entry.since) = (lsn + 1, Instant::now());
        }
    }

    /// Nothing is expected of a shape any more.
    pub(super) fn forget(&mut self, handle: &str) {
        self.entries.remove(handle);
    }

    /// Nothing is expected of those from whom nothing was heard for so long.
    pub(super) fn forget_stalled(&mut self, limit: Duration) {
        self.entries.retain(|_, entry| entry.since.elapsed() < limit);
    }

    /// Transactions up to here have gone to all shapes.
    pub(super) fn applied(&mut self, lsn: u64) {
        self.applied = self.applied.max(lsn);
    }

    /// Up to where all is on disk.
    pub(super) fn settled(&self) -> u64 {
        let first = self.entries.values().map(|entry| entry.first).min();
        first.map_or(self.applied, |first| self.applied.min(first - 1))
    }

    /// The shapes that have something in memory alone, with the first position of it.
    pub(super) fn unflushed(&self) -> Vec<(String, u64)> {
        self.entries.iter().map(|(handle, entry)| (handle.to_string(), entry.first)).collect()
    }
}
