//! What a process is made of, and the loops that it runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use uuid::Uuid;

use super::restart::Recent;
use crate::runtime::time::{self, MissedTickBehavior};
use crate::runtime::{activity, task};
use crate::systems::reconciler::plane::ControlPlane;
use crate::systems::reconciler::policy::Policy;
use crate::systems::reconciler::store::Workspaces;
use crate::systems::reconciler::timeouts::{HEALTH, INTERVAL, ORPHANS};

/// One process of the service.
pub(crate) struct Server {
    /// Its name, and which start of it this is: who claims work.
    pub(super) me: String,
    pub(super) policy: Policy,
    pub(super) workspaces: Workspaces,
    pub(super) plane: ControlPlane,
    /// Restarts of late, by workspace.
    pub(super) restarts: Mutex<BTreeMap<String, Recent>>,
}

impl Server {
    /// A process that has just started.
    pub(crate) fn new(name: &str, policy: Policy, workspaces: Workspaces, plane: ControlPlane) -> Arc<Self> {
        let me = format!("{name}.{:.8}", fresh());
        Arc::new(Self { me, policy, workspaces, plane, restarts: Mutex::default() })
    }

    /// Begins all that goes on by itself.
    pub(crate) fn begin(self: &Arc<Self>) {
        let (cycles, orphans, health) = (self.clone(), self.clone(), self.clone());
        drop(task::spawn(async move {
            let mut ticks = time::interval(INTERVAL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            loop {
                ticks.tick().await;
                activity("reconcile", cycles.cycle()).await;
            }
        }));
        drop(task::spawn(async move {
            loop {
                time::sleep(ORPHANS).await;
                activity("orphans", orphans.sweep_orphans()).await;
            }
        }));
        drop(task::spawn(async move {
            loop {
                time::sleep(HEALTH).await;
                activity("health", health.sweep_health()).await;
            }
        }));
    }
}

/// What no decision has been called before.
pub(super) fn fresh() -> String {
    Uuid::new_v4().simple().to_string()
}
