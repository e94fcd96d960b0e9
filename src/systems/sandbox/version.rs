//! The counter in Redis that tells replicas that a tree has changed, and the tombstone in its place.
//!
//! Bare, it counts writes; stamped, it holds the epoch and version of the row. Whatever it says may be out of date, or
//! gone: what that means is up to whoever reads it.

use std::sync::Arc;

use super::policy::{Counter, Garbled, Policy};
use super::stamp::Stamp;
use super::timeouts::COUNTER_TTL;
use crate::runtime::time;
use crate::storage::{KeyValue, StorageError};

/// What stands in a counter's place once its sandbox was destroyed; stamped, the epoch follows after a colon.
const DESTROYED: &str = "DESTROYED";

/// What a counter says when it is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// So many writes.
    Number(i64),
    /// As of this epoch and version.
    Stamp(Stamp),
}

impl Count {
    /// As it is written in Redis.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Stamp(stamp) => stamp.to_string(),
        }
    }
}

/// What stands under a counter's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Nothing.
    Absent,
    /// A count.
    Count(Count),
    /// A tombstone, of this epoch where it says so.
    Destroyed(Option<i64>),
    /// Neither.
    Garbled,
}

/// The counters of all sandboxes.
#[derive(Clone, Debug)]
pub(crate) struct Counters {
    store: KeyValue,
    policy: Arc<Policy>,
}

impl Counters {
    /// Over this client.
    pub(crate) fn new(store: KeyValue, policy: Arc<Policy>) -> Self {
        Self { store, policy }
    }

    /// What stands there now, whose time to live begins anew, also that of a tombstone.
    pub(crate) async fn read(&self, tenant: &str, id: &str) -> Result<Mark, StorageError> {
        let text = self.store.load(&key(tenant, id), COUNTER_TTL).await?;
        Ok(text.map_or(Mark::Absent, |text| self.parse(&text)))
    }

    /// Tells other replicas of a write.
    pub(crate) async fn publish(&self, tenant: &str, id: &str, stamp: Stamp) -> Result<Count, StorageError> {
        let key = key(tenant, id);
        if self.policy.counter == Counter::Stamped {
            let count = Count::Stamp(stamp);
            return self.store.upsert(&key, &count.text(), COUNTER_TTL).await.map(|()| count);
        }
        match self.store.increment(&key).await {
            Ok(number) => {
                // Without it the key lives on for as long as it did before: nothing that the writer is to hear of.
                let _ = self.store.expire(&key, COUNTER_TTL).await;
                Ok(Count::Number(number))
            }
            Err(StorageError::Refused(why)) if self.policy.garbled == Garbled::Repaired => self.repair(&key, why).await,
            Err(error) => Err(error),
        }
    }

    /// Puts a number in place of what is none: the time, which no counter has come to. A tombstone stays.
    async fn repair(&self, key: &str, why: String) -> Result<Count, StorageError> {
        let found = self.store.get(key).await?;
        match found.as_deref().map(|text| (text, self.parse(text))) {
            Some((text, Mark::Garbled)) => {
                let since = time::wall().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                let count = Count::Number(since.as_millis() as i64);
                self.store.compare_and_set(key, Some(text), Some(&count.text()), COUNTER_TTL).await?;
                Ok(count)
            }
            _ => Err(StorageError::Refused(why)),
        }
    }

    /// Leaves a tombstone.
    pub(crate) async fn bury(&self, tenant: &str, id: &str, epoch: i64) -> Result<(), StorageError> {
        let text = match self.policy.counter {
            Counter::Bare => DESTROYED.to_owned(),
            Counter::Stamped => format!("{DESTROYED}:{epoch}"),
        };
        self.store.upsert(&key(tenant, id), &text, COUNTER_TTL).await
    }

    /// Leaves nothing.
    pub(crate) async fn clear(&self, tenant: &str, id: &str) -> Result<(), StorageError> {
        self.store.delete(&key(tenant, id)).await.map(drop)
    }

    fn parse(&self, text: &str) -> Mark {
        if let Some(rest) = text.strip_prefix(DESTROYED) {
            return match rest.strip_prefix(':') {
                Some(epoch) => epoch.parse().map_or(Mark::Garbled, |epoch| Mark::Destroyed(Some(epoch))),
                None if rest.is_empty() => Mark::Destroyed(None),
                None => Mark::Garbled,
            };
        }
        let count = match self.policy.counter {
            Counter::Bare => text.parse().ok().map(Count::Number),
            Counter::Stamped => Stamp::parse(text).map(Count::Stamp),
        };
        count.map_or(Mark::Garbled, Mark::Count)
    }
}

fn key(tenant: &str, id: &str) -> String {
    format!("vfs:{tenant}:ver:{id}")
}
