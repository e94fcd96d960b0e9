//! Trees left in Redis, so that other replicas need not load them from Postgres. Nobody depends on them: whatever goes
//! wrong with one, it is as if there were none.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::stamp::Stamp;
use super::timeouts::SNAPSHOT_TTL;
use super::tree::{Node, Tree};
use super::version::Count;
use crate::storage::KeyValue;

/// A snapshot of another schema is none.
const SCHEMA: u32 = 1;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    schema_version: u32,
    /// What the counter said when it was left.
    version: String,
    stamp: String,
    owner: String,
    entries: BTreeMap<String, Node>,
}

/// What a snapshot must agree with to be of use.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// What the counter says.
    Counter(Count),
    /// What the row says.
    Row(Stamp),
}

/// The snapshots of all sandboxes.
#[derive(Clone, Debug)]
pub(crate) struct Snapshots {
    store: KeyValue,
    on: bool,
}

impl Snapshots {
    /// Over this client; `on` is whether there are any at all.
    pub(crate) fn new(store: KeyValue, on: bool) -> Self {
        Self { store, on }
    }

    /// Leaves a tree.
    pub(crate) async fn leave(&self, tenant: &str, id: &str, count: Count, tree: &Tree) {
        if !self.on {
            return;
        }
        let stored = Stored {
            schema_version: SCHEMA,
            version: count.text(),
            stamp: tree.stamp.to_string(),
            owner: tree.owner.clone(),
            entries: tree.nodes().clone(),
        };
        if let Ok(text) = serde_json::to_string(&stored) {
            let _ = self.store.upsert(&key(tenant, id), &text, SNAPSHOT_TTL).await;
        }
    }

    /// The tree that was left, if it is exactly the one that is wanted.
    pub(crate) async fn find(&self, tenant: &str, id: &str, wanted: Wanted) -> Option<Tree> {
        if !self.on {
            return None;
        }
        let text = self.store.get(&key(tenant, id)).await.ok()??;
        let stored: Stored = serde_json::from_str(&text).ok()?;
        let stamp = Stamp::parse(&stored.stamp)?;
        let agrees = match wanted {
            Wanted::Counter(count) => stored.version == count.text(),
            Wanted::Row(row) => stamp == row,
        };
        (stored.schema_version == SCHEMA && agrees).then(|| Tree::new(stamp, stored.owner, stored.entries))
    }

    /// Takes away what was left.
    pub(crate) async fn drop(&self, tenant: &str, id: &str) {
        if self.on {
            let _ = self.store.delete(&key(tenant, id)).await;
        }
    }
}

fn key(tenant: &str, id: &str) -> String {
    format!("vfs:{tenant}:snap:{id}")
}
