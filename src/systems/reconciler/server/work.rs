//! What a row owes, carried out: whatever is done here can be done twice, and for a decision that is out of date.

use std::sync::Arc;
use std::time::Duration;

use super::state::Server;
use crate::runtime::{activity, point, task, time};
use crate::servers::cloud::State;
use crate::systems::reconciler::plane::Silence;
use crate::systems::reconciler::policy::{Orphan, Stop};
use crate::systems::reconciler::row::{Owed, Status, Workspace};
use crate::systems::reconciler::store::Outage;
use crate::systems::reconciler::timeouts::SECOND_THOUGHTS;
use crate::systems::reconciler::{points, sql};

/// How long to wait before something is tried again.
const PAUSE: Duration = Duration::from_secs(5);

/// Why something could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Rows(#[from] Outage),
    #[error(transparent)]
    Cloud(#[from] Silence),
}

impl Server {
    /// Carries out what a row owes that this process has claimed; returns at once. `decided` is the instance that the
    /// decision was about, where it was about one.
    pub(super) fn spawn_work(self: &Arc<Self>, row: Workspace, decided: Option<String>) {
        let this = self.clone();
        let name = format!("{} {}", row.owed, row.id);
        drop(task::spawn(activity(name, async move { this.keep_working(row, decided).await })));
    }

    /// Tries until it is done, or no longer this process's to do.
    async fn keep_working(&self, mut row: Workspace, decided: Option<String>) {
        loop {
            match self.work(&row, decided.as_deref()).await {
                Ok(()) => return,
                Err(trouble) => tracing::warn!(workspace = row.id, owed = %row.owed, %trouble, "not done yet"),
            }
            time::sleep(PAUSE).await;
            // Whoever sweeps takes it over, if this fails.
            match self.workspaces.write(sql::RENEW, &row.id, &[&row.generation, &self.me]).await {
                Ok(Some(now)) => row = now,
                _ => return,
            }
        }
    }

    async fn work(&self, row: &Workspace, decided: Option<&str>) -> Result<(), Trouble> {
        match row.owed {
            Owed::Nothing | Owed::Restart => Ok(()),
            Owed::Create => self.provision(row, decided).await,
            Owed::Stop => self.shut_down(row).await,
            Owed::Terminate => self.clear(row).await,
        }
    }

    /// Starts what was parked, or clears away what was there and creates anew; then the row is told.
    async fn provision(&self, row: &Workspace, decided: Option<&str>) -> Result<(), Trouble> {
        let started = match &row.parked {
            Some(parked) => self.plane.start(parked).await?.map(|state| (parked.clone(), state)),
            None => None,
        };
        let (instance, state) = match started {
            Some(started) => started,
            None => {
                if let Some(old) = self.to_terminate(row, decided).await? {
                    self.plane.terminate(&old).await?;
                }
                point(points::PROVISION_CLEARED, &row.id).await;
                (self.plane.create(&row.id, &row.generation).await?, State::Pending)
            }
        };
        point(points::PROVISION_CREATED, &row.id).await;
        // What was never shut down has an agent that is well already.
        let status = if state == State::Running { Status::Online } else { Status::Provisioning }.word();
        if self.workspaces.change(sql::RECORD, &row.id, &[&row.generation, &instance, &status]).await? {
            return Ok(());
        }
        let now = self.workspaces.read(&row.id).await?;
        // A row that has moved on cannot come to have this instance any more; one that has it already has it for good.
        if now.is_some_and(|now| now.generation == row.generation || has(&now, &instance)) {
            return Ok(());
        }
        if row.parked.as_ref() != Some(&instance) {
            point(points::PROVISION_REFUSED, &row.id).await;
            self.plane.terminate(&instance).await?;
        }
        Ok(())
    }

    async fn to_terminate(&self, row: &Workspace, decided: Option<&str>) -> Result<Option<String>, Outage> {
        if self.policy.stop == Stop::Named {
            return Ok(decided.map(str::to_owned).or_else(|| row.instance.clone()));
        }
        let now = self.workspaces.read(&row.id).await?;
        point(points::STOP_RESOLVED, &row.id).await;
        Ok(now.and_then(|now| now.instance))
    }

    async fn shut_down(&self, row: &Workspace) -> Result<(), Trouble> {
        if let Some(parked) = &row.parked {
            time::sleep(SECOND_THOUGHTS).await;
            let now = self.workspaces.read(&row.id).await?;
            if now.is_none_or(|now| now.generation != row.generation) {
                return Ok(());
            }
            self.plane.stop(parked).await?;
        }
        self.workspaces.change(sql::SETTLE, &row.id, &[&row.generation]).await?;
        Ok(())
    }

    async fn clear(&self, row: &Workspace) -> Result<(), Trouble> {
        point(points::ORPHAN_SEEN, &row.id).await;
        for instance in row.instance.iter().chain(&row.parked) {
            self.plane.terminate(instance).await?;
        }
        point(points::ORPHAN_STOPPED, &row.id).await;
        if self.policy.orphan == Orphan::Blind {
            self.workspaces.change(sql::CLEAR_BY_ID, &row.id, &[]).await?;
        }
        self.workspaces.change(sql::CLEAR, &row.id, &[&row.generation]).await?;
        Ok(())
    }
}

/// Whether a row has this instance, in whatever way.
pub(super) fn has(row: &Workspace, instance: &str) -> bool {
    [&row.instance, &row.parked].into_iter().flatten().any(|known| known == instance)
}
