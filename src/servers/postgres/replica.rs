//! A read replica: it does what its primary has committed, some time later, and writes nothing of its own.
//!
//! How the changes come to it is not simulated: none is lost, and they come in order. What it is asked sees those that
//! have arrived by then.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::runtime::time::Instant;

use super::super::Listener;
use super::engine::{CommittedChanges, Database};
use super::host::Postgres;
use super::refusal::Refusal;

/// A server that follows another and only reads. Clones are handles of the same one.
///
/// Like a [`Postgres`], it outlives a crash of the host that serves it; while it was down, changes have waited for it.
#[derive(Clone, Debug)]
pub struct Replica {
    server: Postgres,
    feed: Feed,
}

/// What its primary has committed and it has not done yet.
#[derive(Clone, Debug)]
pub(super) struct Feed(Arc<Mutex<Inflow>>);

#[derive(Debug, Default)]
struct Inflow {
    /// Each with the moment at which it was committed; `None`: before anything was served.
    waiting: VecDeque<(Option<Instant>, Arc<CommittedChanges>)>,
    usual: Duration,
    /// How far it lags meanwhile, and until when.
    stalled: Option<(Duration, Instant)>,
    /// So many statements are refused because they stand in the way.
    conflicts: u64,
}

impl Replica {
    pub(super) fn of(server: Postgres, feed: Feed) -> Self {
        Self { server, feed }
    }

    /// As [`Postgres::serve`].
    ///
    /// # Errors
    /// The listener's.
    pub async fn serve<L: Listener>(&self, listener: L) -> io::Result<()> {
        self.server.serve(listener).await
    }

    /// The server that it is, for faults that any server has.
    pub fn server(&self) -> &Postgres {
        &self.server
    }

    /// For so long it lags by `lag`, if that is more than it usually does. Returns what will happen, in words.
    pub fn stall(&self, lag: Duration, lasts: Duration) -> String {
        self.feed.lock().stalled = Some((lag, Instant::now() + lasts));
        format!("the replica is {lag:?} behind for {lasts:?}")
    }

    /// The next `n` statements are refused with `40001`, as where they stand in the way of what is to be done after the
    /// primary. Returns what will happen, in words.
    pub fn conflict(&self, n: u64) -> String {
        self.feed.lock().conflicts = n;
        format!("{n} statements stand in the way of recovery")
    }

    /// Ends what faults have begun.
    pub fn heal(&self) {
        let mut inflow = self.feed.lock();
        (inflow.stalled, inflow.conflicts) = (None, 0);
        drop(inflow);
        self.server.heal();
    }
}

impl Feed {
    /// A feed that usually lags so far.
    pub(super) fn new(usual: Duration) -> Self {
        Self(Arc::new(Mutex::new(Inflow { usual, ..Inflow::default() })))
    }

    fn lock(&self) -> MutexGuard<'_, Inflow> {
        // A panic elsewhere leaves nothing half-done under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The primary has committed this.
    pub(super) fn push(&self, at: Option<Instant>, changes: &[Arc<CommittedChanges>]) {
        self.lock().waiting.extend(changes.iter().map(|changes| (at, changes.clone())));
    }

    /// Does to the replica's data what has arrived by now.
    pub(super) fn arrive(&self, database: &mut Database) {
        let mut inflow = self.lock();
        let now = Instant::now();
        let stalled = inflow.stalled.filter(|(_, until)| now < *until).map(|(lag, _)| lag);
        let lag = stalled.unwrap_or_default().max(inflow.usual);
        while let Some((at, changes)) = inflow.waiting.front()
            && at.is_none_or(|at| at + lag <= now)
        {
            database.replica_apply(changes).expect("a replica that has all changes in order can do each of them");
            inflow.waiting.pop_front();
        }
    }

    /// Whether the next statement stands in the way.
    pub(super) fn conflicts(&self) -> Result<(), Refusal> {
        let mut inflow = self.lock();
        let Some(left) = inflow.conflicts.checked_sub(1) else { return Ok(()) };
        inflow.conflicts = left;
        Err(Refusal {
            detail: Some("User query might have needed to see row versions that must be removed.".to_owned()),
            ..Refusal::new("40001", "canceling statement due to conflict with recovery")
        })
    }
}
