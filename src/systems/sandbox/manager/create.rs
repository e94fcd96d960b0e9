//! Creation: a row under an epoch of its own, and a counter that no longer says that the sandbox was destroyed.

use std::sync::Arc;

use super::Manager;
use super::state::doubtful;
use crate::runtime::point;
use crate::systems::sandbox::errors::{Code, Failure};
use crate::systems::sandbox::points;
use crate::systems::sandbox::policy::{Counter, MarkAtCreation, Rehydrate};
use crate::systems::sandbox::session::Key;
use crate::systems::sandbox::stamp::Stamp;
use crate::systems::sandbox::store;
use crate::systems::sandbox::version::Mark;

impl Manager {
    /// Creates a sandbox.
    pub(crate) async fn create(self: &Arc<Self>, key: &Key) -> Result<(), Failure> {
        let created = store::create(&self.rows, &key.id, &key.tenant).await;
        let created = created.map_err(|error| doubtful(&key.id, &error))?;
        point(points::CREATED, &key.id).await;
        if let Some(stamp) = created {
            self.announce(key, stamp).await;
        }
        if self.policy.rehydrate == Rehydrate::Insert {
            // Created it is, whatever comes of the session.
            let _ = self.session(key).await;
        }
        match created {
            Some(_) => Ok(()),
            None => Err(Failure::new(Code::Eexist, format!("there is a sandbox {} already", key.id))),
        }
    }

    /// Tells other replicas as well as can be: they find out by themselves where they are not told.
    async fn announce(&self, key: &Key, stamp: Stamp) {
        match (self.policy.counter, self.policy.mark_at_creation) {
            (Counter::Stamped, _) => {
                let _ = self.counters.publish(&key.tenant, &key.id, stamp).await;
            }
            (Counter::Bare, MarkAtCreation::Cleared) => {
                if let Ok(Mark::Destroyed(_)) = self.counters.read(&key.tenant, &key.id).await {
                    let _ = self.counters.clear(&key.tenant, &key.id).await;
                }
            }
            (Counter::Bare, MarkAtCreation::Left) => {}
        }
    }
}
