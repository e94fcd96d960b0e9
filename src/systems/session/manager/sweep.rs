//! The sweep: cached sessions whose record has gone are closed, whether or not anybody asks for them again.

use std::sync::Arc;

use super::state::{Manager, label};
use crate::runtime::{activity, point, time};
use crate::systems::session::points;
use crate::systems::session::policy::{OnExpired, Sweep};
use crate::systems::session::records::Time;
use crate::systems::session::timeouts::{LOAD, SWEEP};

impl Manager {
    /// Sweeps now and then, for ever; returns at once where the policy does without.
    pub(crate) async fn keep_sweeping(self: Arc<Self>) {
        if self.policy.sweep == Sweep::Off {
            return;
        }
        loop {
            time::sleep(SWEEP).await;
            activity("sweep", self.sweep()).await;
        }
    }

    /// Looks once at the record of each cached session, without prolonging its life.
    async fn sweep(&self) {
        for cached in self.shelf.all() {
            match self.records.peek(cached.id(), Time::each(LOAD)).await {
                Ok(Some(stored)) if stored.record.is_live() => {
                    if self.policy.on_expired == OnExpired::Adopt && self.has_drifted(&cached, &stored) {
                        self.adopt(cached, stored).await;
                    }
                }
                Ok(_) => {
                    point(points::SWEEP_CHECKED, label(cached.id())).await;
                    self.shelf.evict(&cached).await;
                }
                Err(error) => tracing::warn!(session = %cached.id(), %error, "cannot look after a cached session"),
            }
        }
    }
}
