//! The distributed lock of a sandbox: held for as long as its lease is renewed.
//!
//! Whoever holds it keeps a heartbeat. A lease that could not be renewed in time, or that the store no longer knows, is
//! lost: its holder is told so, and somebody else may hold the lock by then. How the store is asked is in `lock/keys.rs`.

mod keys;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::errors::{Code, Failure};
use super::policy::{Acquire, Policy, Retry};
use super::timeouts::{ACQUIRE_LONG, ACQUIRE_SHORT, LEASE, LOCK_RETRY, LOCK_RETRY_MOST, RENEW, RENEW_RETRY};
use crate::runtime::time::{self, Instant};
use crate::runtime::{activity, fact, task};
use crate::storage::KeyValue;
use keys::Keys;
pub(crate) use keys::{Kind, Mode};

/// The locks of all sandboxes, as one replica takes them.
#[derive(Debug)]
pub(crate) struct Locks {
    store: KeyValue,
    kind: Kind,
    boot: Arc<str>,
    retry: Retry,
    patience: Duration,
    taken: AtomicU64,
}

impl Locks {
    /// As this start of a replica takes them.
    pub(crate) fn new(store: KeyValue, kind: Kind, boot: Arc<str>, policy: &Policy) -> Self {
        let patience = match policy.acquire {
            Acquire::Long => ACQUIRE_LONG,
            Acquire::Short => ACQUIRE_SHORT,
        };
        Self { store, kind, boot, retry: policy.retry, patience, taken: AtomicU64::new(0) }
    }

    /// Waits for the lock.
    ///
    /// # Errors
    /// `ELOCKTIMEOUT` when it was not to be had in time.
    pub(crate) async fn acquire(&self, tenant: &str, id: &str, mode: Mode) -> Result<Lease, Failure> {
        let holder = format!("{}#{}", self.boot, self.taken.fetch_add(1, Ordering::Relaxed) + 1);
        let keys = Keys::new(self.store.clone(), self.kind, mode, tenant, id, holder);
        let until = Instant::now() + self.patience;
        let mut pause = LOCK_RETRY;
        loop {
            // The lease counts from before the store was asked: it can only be shorter than the store thinks.
            let since = Instant::now();
            if matches!(keys.take().await, Ok(true)) {
                return Ok(Lease::hold(id, keys, since));
            }
            if Instant::now() >= until {
                return Err(Failure::new(Code::Elocktimeout, format!("no lock on {id} within {:?}", self.patience)));
            }
            time::sleep(self.pause(&mut pause)).await;
        }
    }

    fn pause(&self, pause: &mut Duration) -> Duration {
        match self.retry {
            Retry::Fixed => LOCK_RETRY,
            Retry::Jittered => {
                let half = *pause / 2;
                *pause = (*pause * 2).min(LOCK_RETRY_MOST);
                let thousandths = (uuid::Uuid::new_v4().as_u128() % 1_000) as u32;
                half + half * thousandths / 1_000
            }
        }
    }
}

#[derive(Debug)]
struct Held {
    id: Arc<str>,
    keys: Keys,
    lost: AtomicBool,
}

impl Held {
    fn lose(&self, why: &str) {
        if !self.lost.swap(true, Ordering::Relaxed) {
            fact(
                "sandbox.lock-lost",
                [("sandbox", self.id.clone().into()), ("holder", self.keys.holder().into()), ("why", why.into())],
            );
        }
    }

    /// Renews the lease until it is lost.
    async fn beat(&self, since: Instant) {
        let mut expires = since + LEASE;
        time::sleep_until(since + RENEW).await;
        loop {
            let asked = Instant::now();
            match time::timeout_at(expires, self.keys.renew()).await {
                Ok(Ok(true)) => {
                    expires = asked + LEASE;
                    time::sleep_until(asked + RENEW).await;
                }
                Ok(Ok(false)) => return self.lose("it is no longer this holder's"),
                Ok(Err(_)) => {
                    let again = Instant::now() + RENEW_RETRY.max(RENEW / 4);
                    time::sleep_until(again.min(expires)).await;
                    if Instant::now() >= expires {
                        return self.lose("it could not be renewed");
                    }
                }
                Err(_) => return self.lose("it could not be renewed"),
            }
        }
    }
}

/// A lock that is held, or was until it was lost.
#[derive(Debug)]
pub(crate) struct Lease {
    held: Arc<Held>,
    heartbeat: task::JoinHandle<()>,
}

impl Lease {
    fn hold(id: &str, keys: Keys, since: Instant) -> Self {
        fact(
            "sandbox.lock-acquired",
            [
                ("sandbox", id.into()),
                ("holder", keys.holder().into()),
                ("mode", keys.mode().word().into()),
                ("lock", keys.kind().word().into()),
            ],
        );
        let held = Arc::new(Held { id: id.into(), keys, lost: AtomicBool::new(false) });
        let beating = held.clone();
        let heartbeat = task::spawn(activity("lock heartbeat", async move { beating.beat(since).await }));
        Self { held, heartbeat }
    }

    /// Whether its holder knows that somebody else may hold it by now.
    pub(crate) fn is_lost(&self) -> bool {
        self.held.lost.load(Ordering::Relaxed)
    }

    /// Gives it back. What could not be given back ends with its lease.
    pub(crate) async fn release(self) {
        self.heartbeat.abort();
        let _ = self.held.keys.give_back().await;
        fact(
            "sandbox.lock-released",
            [("sandbox", self.held.id.clone().into()), ("holder", self.held.keys.holder().into())],
        );
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}
