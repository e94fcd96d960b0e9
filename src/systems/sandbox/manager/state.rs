//! What a replica has: its sessions, its clients of Redis and Postgres, and what it waits for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::cache::SingleFlight;
use crate::runtime::fact;
use crate::storage::{KeyValue, Rows, RowsError, RowsOptions};
use crate::systems::sandbox::errors::{Code, Failure};
use crate::systems::sandbox::lock::{Kind, Locks};
use crate::systems::sandbox::outcome::{ReplicaView, SessionView};
use crate::systems::sandbox::policy::{Policy, Teardown};
use crate::systems::sandbox::session::{Key, Session};
use crate::systems::sandbox::snapshot::Snapshots;
use crate::systems::sandbox::store;
use crate::systems::sandbox::version::Counters;

use super::Pools;

/// What a replica is told.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Its name.
    pub(crate) name: String,
    /// How it does things.
    pub(crate) policy: Policy,
    /// Which distributed lock it takes.
    pub(crate) lock: Kind,
    /// Whether trees are left in Redis.
    pub(crate) snapshots: bool,
    /// After how long without use a session is let go of.
    pub(crate) idle: Duration,
    /// How a session reaches Postgres.
    pub(crate) rows: RowsOptions,
}

/// The session manager of one replica.
#[derive(Debug)]
pub(crate) struct Manager {
    pub(super) policy: Arc<Policy>,
    pub(super) boot: Arc<str>,
    pub(super) idle: Duration,
    /// For what is about no session.
    pub(super) rows: Rows,
    pub(super) counters: Counters,
    pub(super) snapshots: Snapshots,
    pub(super) locks: Locks,
    pub(super) pools: Pools,
    /// Sessions that are being made.
    pub(super) making: SingleFlight<Key, Result<Arc<Session>, Failure>>,
    /// Sessions of which something is still to be published.
    pub(super) pending: Mutex<BTreeMap<Arc<str>, Arc<Session>>>,
    /// There is something to publish.
    pub(super) stranded: Notify,
    /// There is a session that may have to be let go of some day.
    pub(super) populated: Notify,
    rows_options: RowsOptions,
    sessions: Mutex<BTreeMap<Key, Arc<Session>>>,
    made: AtomicU64,
    requests: AtomicUsize,
    draining: AtomicBool,
    quiet: Notify,
}

impl Manager {
    /// Without sessions.
    pub(crate) fn new(options: Options, boot: Arc<str>, store: KeyValue) -> Arc<Self> {
        let policy = Arc::new(options.policy);
        Arc::new(Self {
            locks: Locks::new(store.clone(), options.lock, boot.clone(), &policy),
            counters: Counters::new(store.clone(), policy.clone()),
            snapshots: Snapshots::new(store, options.snapshots),
            policy,
            boot,
            idle: options.idle,
            rows: Rows::new(options.rows.clone()),
            rows_options: options.rows,
            pools: Pools::default(),
            making: SingleFlight::new(),
            pending: Mutex::default(),
            stranded: Notify::new(),
            populated: Notify::new(),
            sessions: Mutex::default(),
            made: AtomicU64::new(0),
            requests: AtomicUsize::new(0),
            draining: AtomicBool::new(false),
            quiet: Notify::new(),
        })
    }

    pub(super) fn sessions(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pending(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Arc<Session>>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session under a key, if it takes requests.
    pub(super) fn lookup(&self, key: &Key) -> Option<Arc<Session>> {
        self.sessions().get(key).filter(|session| !session.is_closing()).cloned()
    }

    /// A session that nobody knows of yet, with a pool of its own.
    pub(super) fn make_session(&self, key: &Key) -> Arc<Session> {
        let identity = format!("{}/{}", self.boot, self.made.fetch_add(1, Ordering::Relaxed) + 1);
        let rows = Rows::new(self.rows_options.clone());
        Arc::new(Session::new(key.clone(), identity.into(), rows, self.policy.readers, &self.pools))
    }

    /// Lets requests find a session.
    pub(super) fn register(&self, session: &Arc<Session>) {
        self.sessions().insert(session.key.clone(), session.clone());
        let stamp = session.stamp().map(|stamp| stamp.to_string()).unwrap_or_default();
        fact(
            "sandbox.registered",
            [
                ("sandbox", session.key.id.clone().into()),
                ("session", session.identity.clone().into()),
                ("boot", self.boot.clone().into()),
                ("stamp", stamp.into()),
            ],
        );
        self.populated.notify_one();
    }

    /// The end of a session: it takes no more requests, is found by none, and lets go of its connections.
    pub(super) fn tear_down(&self, session: &Arc<Session>, why: &'static str) {
        session.close(why);
        self.take_out(session, why);
        session.disconnect();
    }

    /// No request finds the session any more, whichever that is under its key.
    pub(super) fn take_out(&self, session: &Arc<Session>, why: &'static str) {
        let removed = {
            let mut sessions = self.sessions();
            let own = sessions.get(&session.key).is_some_and(|found| Arc::ptr_eq(found, session));
            if own || self.policy.teardown == Teardown::ByKey { sessions.remove(&session.key) } else { None }
        };
        let removed = removed.map(|removed| removed.identity.to_string()).unwrap_or_default();
        fact(
            "sandbox.removed",
            [
                ("sandbox", session.key.id.clone().into()),
                ("session", session.identity.clone().into()),
                ("removed", removed.into()),
                ("why", why.into()),
            ],
        );
    }

    /// Whether there is such a sandbox, and it is this tenant's: as of when.
    pub(super) async fn owned(&self, key: &Key) -> Result<store::Meta, Failure> {
        match store::meta(&self.rows, &key.id).await {
            Ok(Some(meta)) if *meta.owner == *key.tenant => Ok(meta),
            Ok(Some(_)) => Err(forbidden(&key.id)),
            Ok(None) => Err(Failure::gone(&key.id)),
            Err(error) => Err(unapplied(&key.id, &error)),
        }
    }

    /// A tenant's sandboxes.
    pub(crate) async fn index(&self, tenant: &str) -> Result<Vec<String>, Failure> {
        store::index(&self.rows, tenant).await.map_err(|error| unapplied(tenant, &error))
    }

    /// A request begins, unless the replica is shutting down; it ends when what is returned is dropped.
    pub(crate) fn admit(self: &Arc<Self>) -> Result<Admitted, Failure> {
        if self.draining.load(Ordering::Relaxed) {
            return Err(Failure::new(Code::Eshuttingdown, "the replica is shutting down"));
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        Ok(Admitted(self.clone()))
    }

    /// Takes no more requests.
    pub(super) fn stop_admitting(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Waits until no request is under way.
    pub(super) async fn wait_until_quiet(&self) {
        loop {
            let quiet = self.quiet.notified();
            if self.requests.load(Ordering::Relaxed) == 0 {
                return;
            }
            quiet.await;
        }
    }

    /// What it has, to be looked at.
    pub(crate) fn view(&self) -> ReplicaView {
        let view = |session: &Arc<Session>| SessionView {
            sandbox: session.key.id.to_string(),
            session: session.identity.to_string(),
            stamp: session.stamp().map(|stamp| stamp.to_string()).unwrap_or_default(),
            closing: session.is_closing(),
        };
        ReplicaView {
            boot: self.boot.to_string(),
            sessions: self.sessions().values().map(view).collect(),
            pools: self.pools.identities(),
            pending: self.pending().values().map(|session| session.key.id.to_string()).collect(),
        }
    }
}

/// A request that is under way.
#[derive(Debug)]
pub(crate) struct Admitted(Arc<Manager>);

impl Drop for Admitted {
    fn drop(&mut self) {
        if self.0.requests.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.quiet.notify_waiters();
        }
    }
}

/// The sandbox belongs to somebody else.
pub(super) fn forbidden(id: &str) -> Failure {
    Failure::new(Code::Forbidden, format!("{id} belongs to another tenant"))
}

/// The database failed where nothing had been applied.
pub(super) fn unapplied(about: &str, error: &RowsError) -> Failure {
    tracing::warn!(about, %error, "the database failed");
    match error {
        // Somebody closed the pool under the request.
        RowsError::Closed(_) => Failure::new(Code::Eio, error.to_string()),
        _ => Failure::new(Code::EruntimeBusy, error.to_string()),
    }
}

/// The database failed where something may have been applied.
pub(super) fn doubtful(about: &str, error: &RowsError) -> Failure {
    if error.is_ambiguous() {
        tracing::warn!(about, %error, "the database failed, and what became of it is not known");
        return Failure::new(Code::Eio, error.to_string());
    }
    unapplied(about, error)
}
