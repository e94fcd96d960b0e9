//! The reconciler's cycle: which rows it looks at, and what it makes of their instances.

use std::future::Future;
use std::sync::Arc;

use super::state::Server;
use crate::runtime::time::{self, Instant};
use crate::runtime::{fact, point};
use crate::servers::cloud::State;
use crate::systems::reconciler::plane::{Said, Silence};
use crate::systems::reconciler::policy::{Cycle, Order, Probe, Proof, Scope};
use crate::systems::reconciler::row::Workspace;
use crate::systems::reconciler::timeouts::{CHECK, CONFIRM, CYCLE};
use crate::systems::reconciler::{points, sql};

/// What a check came to.
enum Checked {
    /// It is alive, or nobody knows.
    Spared,
    /// It is dead: the instance that was asked about, if there was any.
    Dead(Option<String>),
}

impl Server {
    /// Looks once at the workspaces that ought to have a running instance.
    pub(super) async fn cycle(self: &Arc<Self>) {
        fact("reconciler.cycle", []);
        let deadline = match self.policy.cycle {
            Cycle::Bounded => Some(Instant::now() + CYCLE),
            Cycle::Unbounded => None,
        };
        let statement = match self.policy.order {
            Order::OldestChecked => sql::OLDEST_CHECKED,
            Order::LatestUpdated => sql::LATEST_UPDATED,
        };
        let rows = match self.workspaces.candidates(statement, self.policy.scope == Scope::DegradedToo).await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%error, "cannot select what to reconcile");
                fact("reconciler.cycled", [("selected", 0_u64.into()), ("checked", 0_u64.into())]);
                return;
            }
        };
        let selected = rows.len();
        if selected > 0 {
            point(points::SELECTED, self.name()).await;
        }
        let mut checked = 0_u64;
        for (row, fresh) in rows {
            // A check that is begun has all of its time, or the one that is always cut short would never be done.
            if deadline.is_some_and(|deadline| Instant::now() + CHECK > deadline) {
                break;
            }
            if fresh && self.policy.proof == Proof::Explicit {
                continue;
            }
            checked += 1;
            self.check(&row, deadline).await;
        }
        fact("reconciler.cycled", [("selected", selected.into()), ("checked", checked.into())]);
    }

    /// What this process is called, whichever start of it this is.
    pub(super) fn name(&self) -> &str {
        self.me.split_once('.').map_or(&*self.me, |(name, _)| name)
    }

    async fn check(self: &Arc<Self>, row: &Workspace, deadline: Option<Instant>) {
        let checked = self.probe(row).await;
        if self.policy.order == Order::OldestChecked {
            // Unwritten, it is the first in line again.
            let _ = time::timeout(CONFIRM, self.workspaces.change(sql::CHECKED, &row.id, &[&row.generation])).await;
        }
        let Checked::Dead(instance) = checked else { return };
        point(points::PROBED, &row.id).await;
        if let Some(instance) = &instance
            && self.policy.proof == Proof::Explicit
        {
            let again = self.plane.status(&row.id, instance, true, CHECK).await;
            if !self.is_dead(&again) {
                return;
            }
        }
        self.take_offline(row, instance, deadline).await;
    }

    async fn probe(&self, row: &Workspace) -> Checked {
        let instance = match self.policy.probe {
            Probe::Captured => row.instance.clone(),
            Probe::ReResolved => match within(self.workspaces.read(&row.id)).await {
                Some(Ok(now)) => now.and_then(|now| now.instance),
                _ => return Checked::Spared,
            },
        };
        let Some(instance) = instance else { return Checked::Dead(None) };
        if self.policy.probe == Probe::ReResolved {
            point(points::RESOLVED, &row.id).await;
        }
        let said = self.plane.status(&row.id, &instance, false, CHECK).await;
        if self.is_dead(&said) { Checked::Dead(Some(instance)) } else { Checked::Spared }
    }

    fn is_dead(&self, said: &Result<Said, Silence>) -> bool {
        match (self.policy.proof, said) {
            (_, Err(_)) => false,
            (Proof::NotRunning, Ok(said)) => *said != Said::State(State::Running),
            (Proof::Explicit, Ok(said)) => matches!(said, Said::State(State::Stopped | State::Terminated)),
        }
    }
}

/// At most as long as one check may take; `None`: it took longer.
async fn within<T>(work: impl Future<Output = T>) -> Option<T> {
    time::timeout(CHECK, work).await.ok()
}
