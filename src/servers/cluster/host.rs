//! The cluster as a host runs it, and what befalls it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::namespaces::{Change, Namespaces, Now, Pace};
use super::routes::router;
use super::trouble::Troubles;
use super::view::Rollout;
use crate::http::serve;
use crate::runtime::net::TcpListener;
use crate::runtime::time::{self, Instant};
use crate::runtime::{commit, task};

/// The faults of a cluster's own: answers are slow, failing, failing for one namespace, or few; lists are from a stale copy;
/// deletions linger; deployments are slow, or fail.
pub const FAULTS: [&str; 8] = ["sluggish", "failing", "jam", "stale", "throttle", "linger", "slow_pull", "bad_pull"];

/// How a cluster is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What the ground truth calls this store.
    pub name: String,
    /// How long a namespace is on its way out when all is well.
    pub terminate: Duration,
    /// How long a deployment takes to come up when all is well.
    pub pull: Duration,
    /// How long it takes over an answer when all is well.
    pub answer: Duration,
}

impl Default for Options {
    /// `cluster`; 6 seconds to be gone, 4 to come up, and an answer at once.
    fn default() -> Self {
        Self {
            name: "cluster".to_owned(),
            terminate: Duration::from_secs(6),
            pull: Duration::from_secs(4),
            answer: Duration::ZERO,
        }
    }
}

#[derive(Default)]
pub(super) struct Data {
    pub(super) namespaces: Namespaces,
    pub(super) troubles: Troubles,
}

struct Shared {
    options: Options,
    data: Mutex<Data>,
    /// Something has changed: what is there, or what is due.
    changed: Notify,
}

/// A cluster. Clones are handles of the same one.
///
/// The value is also its store: a crash of the host that serves it loses nothing.
#[derive(Clone)]
pub struct Cluster(Arc<Shared>);

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("options", &self.0.options).finish_non_exhaustive()
    }
}

impl Cluster {
    /// A cluster without namespaces.
    pub fn new(options: Options) -> Self {
        Self(Arc::new(Shared { options, data: Mutex::default(), changed: Notify::new() }))
    }

    /// Answers on a listener, for ever; drop it to take the cluster down.
    pub async fn serve(&self, listener: TcpListener) {
        let clock = self.clone();
        let passing = task::spawn(async move { clock.keep_passing().await });
        serve(listener, router(self.clone())).await;
        passing.abort();
    }

    /// A namespace that has been there for so long, without a request: for setting a scene.
    pub fn preload(&self, name: &str, labels: &[(&str, &str)], deployment: Rollout, age: Duration) {
        let created = time::wall().checked_sub(age).unwrap_or(std::time::UNIX_EPOCH);
        self.act(|data, _| data.namespaces.preload(name, owned(labels), deployment, created));
    }

    /// A fault of its own strikes. Returns what it did, in words; `None`: it has no such fault.
    pub fn strike(&self, fault: &str, magnitude: u64) -> Option<String> {
        let mut data = self.lock();
        let Data { namespaces, troubles } = &mut *data;
        Some(match fault {
            "sluggish" => troubles.grow_sluggish(magnitude),
            "failing" => troubles.begin_failing(magnitude),
            "jam" => troubles.jam(&namespaces.names(), magnitude),
            "stale" => troubles.go_stale(magnitude),
            "throttle" => troubles.throttle(magnitude),
            "linger" => troubles.linger(magnitude),
            "slow_pull" => troubles.pull_slowly(magnitude),
            "bad_pull" => troubles.pull_badly(magnitude),
            _ => return None,
        })
    }

    /// Ends all troubles. What is gone stays gone.
    pub fn heal(&self) {
        self.lock().troubles.end();
    }

    /// How long things take now.
    pub(super) fn pace(&self, troubles: &Troubles) -> Pace {
        Pace {
            terminate: self.0.options.terminate + troubles.lingers(),
            pull: self.0.options.pull + troubles.pull_delay(),
            fails: troubles.pull_fails(),
        }
    }

    /// How long an answer takes now.
    pub(super) fn delay(&self, data: &Data) -> Duration {
        self.0.options.answer + data.troubles.delay()
    }

    pub(super) fn look<T>(&self, look: impl FnOnce(&mut Data) -> T) -> T {
        look(&mut self.lock())
    }

    /// Does something to the namespaces, and tells the ground truth what changed.
    pub(super) fn act<T>(&self, act: impl FnOnce(&mut Data, Now) -> T) -> T {
        let mut data = self.lock();
        let result = act(&mut data, Now { at: Instant::now(), wall: time::wall() });
        let changes = data.namespaces.take_changes();
        // Whoever is told may strike at once, which needs the lock.
        drop(data);
        for change in &changes {
            self.report(change);
        }
        if !changes.is_empty() {
            self.0.changed.notify_waiters();
        }
        result
    }

    fn report(&self, Change { name, view, cause }: &Change) {
        let value = view.as_ref().and_then(|view| serde_json::to_string(view).ok());
        commit(&self.0.options.name, name, value.as_deref(), cause);
    }

    async fn keep_passing(&self) {
        loop {
            let changed = self.0.changed.notified();
            self.act(|data, now| data.namespaces.pass(now));
            match self.look(|data| data.namespaces.next_due()) {
                Some(due) => {
                    tokio::select! {
                        biased;
                        () = time::sleep_until(due) => {}
                        () = changed => {}
                    }
                }
                None => changed.await,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Data> {
        // Nothing under this lock can be left half-done by a panic.
        self.0.data.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn owned(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
