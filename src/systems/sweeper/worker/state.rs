//! What a worker is made of, and the loops that it runs.

use std::future::Future;
use std::sync::Arc;

use crate::runtime::time::{self, Instant, MissedTickBehavior};
use crate::runtime::{activity, fact, task};
use crate::systems::sweeper::cluster::{Cluster, Silence};
use crate::systems::sweeper::policy::Policy;
use crate::systems::sweeper::sql;
use crate::systems::sweeper::store::{Outage, Stacks};
use crate::systems::sweeper::timeouts::{EXPIRY, FIRST_EXPIRY, INTERVAL};

/// Why a pass came to its end early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Rows(#[from] Outage),
    #[error(transparent)]
    Cluster(#[from] Silence),
}

/// One worker.
pub(crate) struct Worker {
    pub(super) name: String,
    pub(super) policy: Policy,
    /// Where rows are written.
    pub(super) primary: Stacks,
    /// A copy of them that lags.
    pub(super) replica: Stacks,
    pub(super) cluster: Cluster,
    /// How many rows a page has.
    pub(super) page: u32,
}

impl Worker {
    /// A worker that has just started.
    pub(crate) fn new(
        name: &str,
        policy: Policy,
        primary: Stacks,
        replica: Stacks,
        cluster: Cluster,
        page: u32,
    ) -> Arc<Self> {
        Arc::new(Self { name: name.to_owned(), policy, primary, replica, cluster, page })
    }

    /// Sweeps for ever, and lets stacks expire.
    pub(crate) async fn run(self: Arc<Self>) {
        let expiring = self.clone();
        drop(task::spawn(async move {
            let mut ticks = time::interval_at(Instant::now() + FIRST_EXPIRY, EXPIRY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            loop {
                ticks.tick().await;
                if activity("tick", expiring.takes(sql::TAKE_HOURLY, "expire")).await {
                    let this = expiring.clone();
                    expiring.pass("expire", async move { this.expire().await }).await;
                }
            }
        }));
        let mut ticks = time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            if activity("tick", self.takes(sql::TAKE_QUARTERLY, "sweep")).await {
                self.sweep().await;
            }
        }
    }

    /// All passes, one after another; what becomes of one is nothing to the others.
    async fn sweep(self: &Arc<Self>) {
        let this = self.clone();
        self.pass("unfinished", async move { this.finish().await }).await;
        let this = self.clone();
        self.pass("failures", async move { this.sweep_failures().await }).await;
        let this = self.clone();
        self.pass("orphans", async move { this.sweep_orphans().await }).await;
        let this = self.clone();
        self.pass("stuck", async move { this.settle_stuck().await }).await;
    }

    async fn takes(&self, sql: &'static str, job: &str) -> bool {
        self.primary.take(sql, job).await.unwrap_or_else(|error| {
            tracing::warn!(worker = self.name, job, %error, "left to the next tick");
            false
        })
    }

    /// One pass, which is an activity of its own; on a task of its own, so that it is not on account of what was heard last.
    async fn pass(&self, name: &'static str, work: impl Future<Output = Result<(), Trouble>> + Send + 'static) {
        let worker = self.name.clone();
        let told = async move {
            fact("sweeper.pass", []);
            if let Err(error) = work.await {
                tracing::warn!(worker, pass = name, %error, "nothing more is done about it now");
            }
            fact("sweeper.passed", []);
        };
        if let Err(error) = task::spawn(activity(name, told)).await {
            tracing::error!(worker = self.name, pass = name, %error, "a pass was not carried out");
        }
    }
}
