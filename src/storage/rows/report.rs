//! What a statement is about, and how it is reported.

use std::sync::Arc;

use super::RowsError;
use super::pool::Pool;
use crate::runtime::{self, Access, Kind, point, time};

/// A piece of shared state that a statement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch<'a> {
    /// The table and the primary key, as the server's ground truth names a row: `workspaces:ws1`. Parts of a longer key
    /// are joined by `/`.
    pub key: &'a str,
    /// What the statement does to it.
    pub kind: Kind,
}

impl<'a> Touch<'a> {
    /// The statement looks at it.
    pub const fn read(key: &'a str) -> Self {
        Self { key, kind: Kind::Read }
    }

    /// The statement writes it, whatever it is.
    pub const fn write(key: &'a str) -> Self {
        Self { key, kind: Kind::Write }
    }

    /// The statement writes it if it is as expected.
    pub const fn read_write(key: &'a str) -> Self {
        Self { key, kind: Kind::ReadWrite }
    }

    pub(super) fn writes(&self) -> bool {
        self.kind != Kind::Read
    }
}

/// Passes a point about each of these.
pub(super) async fn pass(name: &'static str, touches: &[Touch<'_>]) {
    for touch in touches {
        point(name, touch.key).await;
    }
}

/// The accesses that a statement reports: with their outcome, or as abandoned when the call is dropped first.
pub(super) struct Report<'a> {
    pool: &'a Pool,
    touches: &'a [Touch<'a>],
    since: time::Instant,
    /// Whether a write may have taken effect once it was sent: not in a transaction that is still open.
    commits: bool,
    sent: bool,
}

/// What came of a statement, for its report.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) outcome: &'static str,
    pub(super) changed: Option<bool>,
}

impl Told {
    /// So many rows were found or touched.
    pub(super) fn count(rows: u64) -> Self {
        Self { outcome: if rows == 0 { "absent" } else { "ok" }, changed: Some(rows > 0) }
    }

    pub(super) fn error(error: &RowsError) -> Self {
        Self { outcome: error.outcome(), changed: if error.is_ambiguous() { None } else { Some(false) } }
    }
}

impl<'a> Report<'a> {
    pub(super) fn new(pool: &'a Pool, touches: &'a [Touch<'a>], commits: bool) -> Self {
        Self { pool, touches, since: time::Instant::now(), commits, sent: false }
    }

    /// From here on the statement may be carried out.
    pub(super) fn sent(&mut self) {
        self.sent = true;
    }

    /// Reports each of those that `now` picks; the others are told of later.
    pub(super) fn give(mut self, told: Told, now: impl Fn(&Touch<'_>) -> bool) {
        let touches = std::mem::take(&mut self.touches);
        for touch in touches.iter().filter(|touch| now(touch)) {
            self.tell(touch, told);
        }
    }

    fn tell(&self, touch: &Touch<'_>, told: Told) {
        tell(self.pool, touch, told, self.since);
    }
}

impl Drop for Report<'_> {
    fn drop(&mut self) {
        let changed = if self.commits && self.sent { None } else { Some(false) };
        for touch in self.touches {
            self.tell(touch, Told { outcome: "abandoned", changed });
        }
    }
}

/// Reports one access that was begun at `since`.
pub(super) fn tell(pool: &Pool, touch: &Touch<'_>, told: Told, since: time::Instant) {
    runtime::access(Access {
        store: pool.store.clone(),
        key: touch.key.into(),
        kind: touch.kind,
        value: None,
        outcome: told.outcome.into(),
        changed: if touch.writes() { told.changed } else { Some(false) },
        took: since.elapsed(),
    });
}

/// A write of a transaction, which takes effect when that is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) key: Arc<str>,
    pub(super) kind: Kind,
}

impl Pending {
    pub(super) fn touch(&self) -> Touch<'_> {
        Touch { key: &self.key, kind: self.kind }
    }
}
