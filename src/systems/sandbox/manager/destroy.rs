//! Destruction: the row goes, then other replicas are told by a mark in the counter's place.

use std::sync::Arc;

use super::Manager;
use super::state::doubtful;
use crate::runtime::point;
use crate::systems::sandbox::errors::{Code, Failure};
use crate::systems::sandbox::lock::{Lease, Mode};
use crate::systems::sandbox::points;
use crate::systems::sandbox::policy::{DestroyLease, DestroyMark, Fence, Get, MarkWhen};
use crate::systems::sandbox::session::Key;
use crate::systems::sandbox::store;

impl Manager {
    /// Destroys a sandbox.
    pub(crate) async fn destroy(self: &Arc<Self>, key: &Key) -> Result<(), Failure> {
        let epoch = self.owned(key).await?.stamp.epoch;
        let lease = self.locks.acquire(&key.tenant, &key.id, Mode::Exclusive).await?;
        let result = self.destroy_locked(key, epoch, &lease).await;
        lease.release().await;
        result
    }

    async fn destroy_locked(&self, key: &Key, epoch: i64, lease: &Lease) -> Result<(), Failure> {
        point(points::LOCKED, &key.id).await;
        if lease.is_lost() && self.policy.destroy_lease == DestroyLease::Heeded {
            return Err(lost(Code::Elocklost, &key.id));
        }
        let session = self.lookup(key);
        let mut local = None;
        if let Some(session) = &session {
            session.close("destroyed");
            local = Some(session.local.clone().write_owned().await);
        }
        point(points::DESTROY, &key.id).await;
        if lease.is_lost() && self.policy.destroy_lease == DestroyLease::Heeded {
            if let Some(session) = &session {
                self.tear_down(session, "destroyed");
            }
            return Err(lost(Code::Elocklost, &key.id));
        }
        // The incarnation that was asked about, where writes are held against it as well.
        let only = (self.policy.fence == Fence::CompareAndBump).then_some(epoch);
        let deleted = store::delete(&self.rows, &key.id, only).await;
        point(points::DESTROYED, &key.id).await;
        if deleted.is_ok() || self.policy.mark_when == MarkWhen::Always {
            self.mark(key, epoch).await;
        }
        if let Some(session) = &session {
            self.tear_down(session, "destroyed");
        }
        drop(local);
        if !deleted.map_err(|error| doubtful(&key.id, &error))? {
            return Err(Failure::gone(&key.id));
        }
        match (lease.is_lost(), self.policy.destroy_lease) {
            (false, _) => Ok(()),
            (true, DestroyLease::Heeded) => Err(lost(Code::ElocklostApplied, &key.id)),
            (true, DestroyLease::Ignored) => Err(lost(Code::Elocklost, &key.id)),
        }
    }

    /// Tells other replicas; what goes wrong with that is not told to whoever asked.
    async fn mark(&self, key: &Key, epoch: i64) {
        let Key { tenant, id } = key;
        let marked = match self.policy.destroy_mark {
            DestroyMark::Tombstone => self.counters.bury(tenant, id, epoch).await,
            DestroyMark::Deleted => self.counters.clear(tenant, id).await,
        };
        if let Err(error) = marked {
            tracing::warn!(sandbox = %id, %error, "the destruction could not be told to other replicas");
        }
        self.snapshots.drop(tenant, id).await;
    }

    /// Whether there is a sandbox.
    pub(crate) async fn get(&self, key: &Key) -> Result<(), Failure> {
        if self.policy.get == Get::FromMemory && self.lookup(key).is_some() {
            return Ok(());
        }
        self.owned(key).await.map(drop)
    }
}

pub(super) fn lost(code: Code, id: &str) -> Failure {
    Failure::new(code, format!("the lock on {id} was lost"))
}
