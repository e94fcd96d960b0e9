//! What users decide: one write of the row, and what follows from it.

use std::sync::Arc;

use super::state::{Server, fresh};
use crate::runtime::point;
use crate::systems::reconciler::outcome::View;
use crate::systems::reconciler::row::{Owed, Status, Workspace};
use crate::systems::reconciler::store::Outage;
use crate::systems::reconciler::{points, sql};

/// Why a request is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no such workspace.
    NotFound,
    /// It is not in a state for this.
    Conflict,
    /// Rows could not be reached, or it is not known what came of it.
    Unavailable,
}

impl From<Outage> for Refusal {
    fn from(error: Outage) -> Self {
        tracing::warn!(%error, "cannot reach rows");
        Self::Unavailable
    }
}

impl Server {
    /// Makes a workspace.
    pub(crate) async fn create(self: &Arc<Self>, id: &str, external: bool) -> Result<(), Refusal> {
        let (status, runtime, owed) = match external {
            true => (Status::AwaitingAgent, "external", Owed::Nothing),
            false => (Status::Provisioning, "cloud", Owed::Create),
        };
        let (status, owed) = (status.word(), owed.word());
        let made = self.workspaces.write(sql::CREATE, id, &[&status, &runtime, &fresh(), &owed, &self.me]).await?;
        self.follow(made.ok_or(Refusal::Conflict)?).await;
        Ok(())
    }

    /// Pauses, hibernates, resumes or removes a workspace, or takes its removal back: `sql` is one of these.
    pub(crate) async fn decide(self: &Arc<Self>, sql: &'static str, id: &str) -> Result<(), Refusal> {
        let decided = self.workspaces.write(sql, id, &[&fresh(), &self.me]).await?;
        let row = self.found(id, decided).await?;
        self.follow(row).await;
        Ok(())
    }

    /// Has a workspace restarted.
    pub(crate) async fn restart_at_wish(self: &Arc<Self>, id: &str) -> Result<(), Refusal> {
        let owed = self.restart_owed();
        let decided = self.workspaces.write(sql::RESTART, id, &[&fresh(), &owed]).await?;
        let row = self.found(id, decided).await?;
        point(points::INTENT_WRITTEN, id).await;
        self.restart(row.id, row.instance, row.generation);
        Ok(())
    }

    /// Deletes a workspace's row, and then what it had.
    pub(crate) async fn purge(self: &Arc<Self>, id: &str) -> Result<(), Refusal> {
        let gone = self.workspaces.write(sql::PURGE, id, &[]).await?.ok_or(Refusal::NotFound)?;
        point(points::INTENT_WRITTEN, id).await;
        for instance in gone.instance.iter().chain(&gone.parked) {
            if let Err(error) = self.plane.terminate(instance).await {
                tracing::warn!(workspace = id, instance, %error, "left to the sweep for strays");
            }
        }
        Ok(())
    }

    /// One workspace.
    pub(crate) async fn show(&self, id: &str) -> Result<View, Refusal> {
        let row = self.workspaces.read(id).await?;
        row.as_ref().map(View::from).ok_or(Refusal::NotFound)
    }

    /// All workspaces.
    pub(crate) async fn list(&self) -> Result<Vec<View>, Refusal> {
        let mut all: Vec<View> = Vec::new();
        loop {
            let after = all.last().map_or("", |last| &*last.id).to_owned();
            let page = self.workspaces.all(sql::LIST, &[&after]).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page.iter().map(View::from));
        }
    }

    async fn follow(self: &Arc<Self>, row: Workspace) {
        point(points::INTENT_WRITTEN, &row.id).await;
        if row.owed != Owed::Nothing {
            self.spawn_work(row, None);
        }
    }

    /// The row as decided; or why it was not: it is not there, or not in a state for this.
    async fn found(&self, id: &str, decided: Option<Workspace>) -> Result<Workspace, Refusal> {
        match decided {
            Some(row) => Ok(row),
            None => match self.workspaces.read(id).await? {
                Some(_) => Err(Refusal::Conflict),
                None => Err(Refusal::NotFound),
            },
        }
    }
}
